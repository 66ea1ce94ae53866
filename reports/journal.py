"""The month's journal: what teams in chargeback mode are charged, as one balanced entry, and its forms for accounting systems.

Each posted line debits its account (a credit credits it), and each team's net amount credits the clearing account on which the cost was
booked, so that every team's block balances by itself. Amounts are the posted cents; a line of no cents is no line.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from datetime import date
from decimal import Decimal

from meterbook.reports.charges import CHARGED, Charge, by_team, posted_of, total
from meterbook.reports.codes import NOTHING, FinanceError, code, plain
from meterbook.reports.ledger import AccountRule, ColumnMap, JournalSettings

LARGEST = Decimal("9999999999.99")
"""Most that a line can hold: ten digits before the point and two after it (NetSuite, Journal Entry line fields)."""
NO_AMOUNT = Decimal("0.00")


@dataclass(frozen=True)
class Entry:
    """A line of the journal."""

    journal_id: str
    period: str
    posting_date: date
    line_number: int
    account: str
    cost_centre: str
    team: str
    line: str
    description: str
    debit_usd: Decimal
    credit_usd: Decimal
    reference: str


COLUMNS = tuple(Entry.__dataclass_fields__)
_MONEY = ("debit_usd", "credit_usd")


@dataclass(frozen=True)
class Posting:
    """One entry to post.

    Args:
        settings: accounts.
        number: of the entry.
        posted_on: last day of the month.
        references: of each team, which file shows its lines.
    """

    settings: JournalSettings
    number: str
    posted_on: date
    references: Mapping[str, str]

    def entries(self, charges: Iterable[Charge]) -> list[Entry]:
        """The lines of the journal of a month's lines; those in showback are left out.

        Raises:
            FinanceError: a line has no account, a code breaks a journal, or an amount has no place in one.
        """
        charged = [charge for charge in charges if charge.mode == CHARGED]
        found = [replace(entry, line_number=place) for place, entry in enumerate(self._entries(charged), 1)]
        debits, credited = (total(getattr(entry, name) for entry in found) for name in _MONEY)
        if debits != credited:
            raise FinanceError(f"the journal does not balance: {debits} debited, {credited} credited")
        return found

    def _entries(self, charges: Sequence[Charge]) -> Iterator[Entry]:
        for team, own in sorted(by_team(charges).items()):
            yield from (self._debit(charge) for charge in own if charge.posted_usd)
            if net := posted_of(own):
                said = f"AI cost {own[0].period}, {team}: cleared"
                yield self._entry(own[0], self.settings.clearing_account, "Clearing", said, -net)

    def _debit(self, charge: Charge) -> Entry:
        centre = "" if charge.cost_centre == NOTHING else code(charge.cost_centre)
        said = ", ".join(filter(None, (f"AI cost {charge.period}", charge.team, centre)))
        account = _account(charge, self.settings.rules)
        entry = self._entry(charge, account, charge.line, f"{said}: {charge.line}, {charge.basis}", charge.posted_usd)
        return replace(entry, cost_centre=centre)

    def _entry(self, charge: Charge, account: str, line: str, said: str, amount: Decimal) -> Entry:
        if abs(amount) > LARGEST:
            raise FinanceError(
                f"{charge.period}: {amount} USD of team {charge.team!r}, line {line!r}, do not fit the ten digits of a journal"
            )
        return Entry(
            journal_id=self.number,
            period=charge.period,
            posting_date=self.posted_on,
            line_number=0,
            account=code(account),
            cost_centre="",
            team=code(charge.team),
            line=plain(line),
            description=plain(said),
            debit_usd=max(amount, NO_AMOUNT),
            credit_usd=max(-amount, NO_AMOUNT),
            reference=self.references[charge.team],
        )


def _account(charge: Charge, rules: Sequence[AccountRule]) -> str:
    if charge.gl_account != NOTHING:
        return charge.gl_account
    found = next((rule.account for rule in rules if rule.matches(charge.line, charge.team)), None)
    if found is None:
        raise FinanceError(
            f"{charge.period}: line {charge.line!r} of team {charge.team!r} ({charge.basis}) has no account; give its owner a "
            "gl_account in owners.csv, or a rule under accounts: in journal.yaml"
        )
    return found


def table_of(entries: Iterable[Entry]) -> list[tuple[object, ...]]:
    """The journal as rows, in its own columns."""
    return [astuple(entry) for entry in entries]


def mapped(entries: Iterable[Entry], form: ColumnMap, settings: JournalSettings) -> list[list[object]]:
    """The journal as rows in the columns of a map; the side of a line that has no amount is empty."""
    return [[*(_value(entry, source, form, settings) for source in form.columns.values()), *form.constants.values()] for entry in entries]


def _value(entry: Entry, source: str, form: ColumnMap, settings: JournalSettings) -> object:
    if source in _MONEY:
        return getattr(entry, source) or ""
    if source == "posting_date":
        return entry.posting_date.strftime(form.date_format)
    if source == "department":
        return f"{settings.department_prefix}{entry.cost_centre}" if entry.cost_centre else ""
    stated = {"entity": settings.entity or "", "currency": "USD"}
    return stated[source] if source in stated else getattr(entry, source)
