"""The finance files of a month: one set, made whole before any of it is published.

CSV by RFC 4180: CRLF, UTF-8 without BOM, decimals in full with a point, ISO dates, no totals row, no guard characters; codes that a
spreadsheet would run are refused instead. `manifest.json` says of each file what it holds, and is the last to be made.
"""

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from pathlib import Path

import duckdb

from meterbook.reports import charges, journal, page, statements
from meterbook.reports.charges import MONEY_DIGITS, Edition, Month, total
from meterbook.reports.codes import NOTHING, FinanceError, plain
from meterbook.reports.frame import PageFacts
from meterbook.reports.ledger import JournalSettings
from meterbook.reports.periods import is_month
from meterbook.reports.workbook import workbook

LINES, TENANTS, WORKBOOK, JOURNAL = "chargeback.csv", "chargeback_tenant.csv", "chargeback.xlsx", "journal.csv"
TENANT_COLUMNS = ("period", "tenant", "line", "cost_usd", "posted_usd")
NO_SETTINGS = "the book has no journal.yaml"
NOBODY_CHARGED = "no team is charged in this month"
_MONEY = ("cost_usd", "posted_usd", "debit_usd", "credit_usd")


@dataclass(frozen=True)
class File:
    """One file of the set.

    Args:
        name: path below the month's folder.
        content: its bytes.
        rows: lines under its header; lines shown, for people's files.
        totals: control totals, by column.
    """

    name: str
    content: bytes
    rows: int
    totals: Mapping[str, Decimal]

    @property
    def sha256(self) -> str:
        """Hex digest of its bytes."""
        return hashlib.sha256(self.content).hexdigest()

    def described(self) -> dict[str, object]:
        """What the manifest says of it; amounts are text, so that no reader makes floats of them."""
        shown = {name: f"{amount:f}" for name, amount in self.totals.items()}
        if {"cost_usd", "posted_usd"} <= self.totals.keys():
            shown["residue_usd"] = f"{_residue(self.totals):f}"
        return {"file": self.name, "bytes": len(self.content), "sha256": self.sha256, "rows": self.rows, **shown}


def set_of(
    period: str,
    con: duckdb.DuckDBPyConnection,
    facts: PageFacts,
    *,
    settings: JournalSettings | None = None,
    edition: Edition | None = None,
) -> dict[str, bytes]:
    """Make the set of a month.

    Args:
        period: the month, YYYY-MM.
        con: a connection with the marts.
        facts: what pages say of the book and the run.
        settings: of the journal; without them there is none, and the manifest says so.
        edition: state and version; the first of an open month where not given.

    Returns:
        Content by path, the manifest last.

    Raises:
        FinanceError: a code cannot go into a finance file, or a line that is charged has no account.
        ValueError: no month.
    """
    if not is_month(period):
        raise ValueError(f"{period!r} is not a month such as 2026-10")
    month, edition = Month(con, period), edition or Edition()
    files, without = _files(month, con, facts, settings, edition)
    _agree(files, month)
    manifest = {
        "period": period,
        "state": edition.state,
        "version": edition.version,
        "supersedes": edition.supersedes,
        "currency": "USD",
        "modes": {team: month.mode_of(team) for team in month.teams},
        "without": without,
        "files": [file.described() for file in files],
    }
    contents = {file.name: file.content for file in files}
    contents["manifest.json"] = (json.dumps(manifest, indent=2, ensure_ascii=False) + "\n").encode()
    return contents


def not_made(written: Sequence[Path]) -> Mapping[str, str]:
    """Which files a set that was written is without, and why: what its manifest says."""
    found: Mapping[str, str] = json.loads(written[-1].read_text("utf-8"))["without"] if written else {}
    return found


def _files(
    month: Month, con: duckdb.DuckDBPyConnection, facts: PageFacts, settings: JournalSettings | None, edition: Edition
) -> tuple[list[File], dict[str, str]]:
    lines = csv_file(LINES, charges.COLUMNS, [one.row for one in month.charges])
    order = "tenant, line"
    query = f"select {', '.join(TENANT_COLUMNS)} from marts.chargeback_tenant where period = ? order by {order}"
    tenants = csv_file(TENANTS, TENANT_COLUMNS, con.execute(query, [month.period]).fetchall())
    shown: list[File] = []
    references: dict[str, str] = {}
    for team, stem in statements.stems(month.teams).items():
        own = month.of(team)
        table = csv_file(f"{stem}.csv", charges.COLUMNS, [one.row for one in own])
        html = page.render("statement", month.period, con, statements.StatementFacts(facts, team, edition, month))
        shown += [table, File(f"{stem}.html", html.encode(), len(own), table.totals)]
        references[team] = f"{table.name} {table.sha256[:12]}"
    posted, without = _journal(month, settings, edition, references)
    book = workbook(month, facts.company, _control(month, lines, facts, edition, without))
    return [lines, tenants, File(WORKBOOK, book, lines.rows, lines.totals), *posted, *shown], without


def _journal(
    month: Month, settings: JournalSettings | None, edition: Edition, references: Mapping[str, str]
) -> tuple[list[File], dict[str, str]]:
    """The journal and its forms; or why there is none."""
    if settings is None:
        return [], {JOURNAL: NO_SETTINGS}
    number = f"{settings.id_prefix}-{month.period}" + (f"-{edition.version}" if edition.version > 1 else "")
    entries = journal.Posting(settings, number, month.last, references).entries(month.charges)
    if not entries:
        return [], {JOURNAL: NOBODY_CHARGED}
    own = csv_file(JOURNAL, journal.COLUMNS, journal.table_of(entries))
    forms = (
        File(f"journal.{form.name}.csv", csv_bytes(form.header, journal.mapped(entries, form, settings)), own.rows, own.totals)
        for form in settings.maps
    )
    return [own, *forms], {}


def _control(month: Month, lines: File, facts: PageFacts, edition: Edition, without: Mapping[str, str]) -> list[tuple[str, object]]:
    """The control sheet: what to compare with chargeback.csv, the manifest and the pages."""
    charged = total(charge.posted_usd for charge in month.charges if charge.mode == charges.CHARGED)
    return [
        ("Period", f"{month.first} to {month.last}"),
        ("State", edition.state),
        ("Version", edition.version),
        ("Supersedes", edition.supersedes or "nothing"),
        ("Currency", "USD"),
        ("Lines", lines.rows),
        ("Exact cost", f"{lines.totals['cost_usd']:f}"),
        ("Posted", f"{lines.totals['posted_usd']:f}"),
        ("Posted minus exact (rounding)", f"{_residue(lines.totals):f}"),
        ("of it charged", f"{charged:f}"),
        ("of it for information", f"{total((lines.totals['posted_usd'], -charged)):f}"),
        ("sha256 of chargeback.csv", lines.sha256),
        ("Checks", f"{facts.checks_passed} of {facts.checks_total} pass"),
        ("Data through", facts.data_through),
        ("Internal rate card", ", ".join(sorted({charge.rate_card for charge in month.charges})) or NOTHING),
        ("Journal", without.get(JOURNAL, "journal.csv, balanced")),
        ("Run", facts.run_hash),
    ]


def _agree(files: Sequence[File], month: Month) -> None:
    """Every file of a set comes to the same money.

    Raises:
        FinanceError: the statements are not the month, or the journal is not what is charged. A partial export is no file.
    """
    by_name = {file.name: file for file in files}
    own = [file for file in files if file.name.startswith(f"{statements.FOLDER}/") and file.name.endswith(".csv")]
    for name in ("cost_usd", "posted_usd"):
        parts, whole = total(file.totals[name] for file in own), by_name[LINES].totals[name]
        if parts != whole:
            raise FinanceError(f"{month.period}: statements come to {parts} {name}, {LINES} to {whole}")
    if sum(file.rows for file in own) != by_name[LINES].rows:
        raise FinanceError(f"{month.period}: statements hold other lines than {LINES}")
    if JOURNAL in by_name:
        debits, credited = (by_name[JOURNAL].totals[name] for name in ("debit_usd", "credit_usd"))
        if not debits == credited == _debits(month):
            raise FinanceError(f"{month.period}: the journal debits {debits} USD and credits {credited}, {_debits(month)} are to be posted")


def _debits(month: Month) -> Decimal:
    """What a journal of the month debits: lines above zero, and the clearing of teams whose credits are larger than their lines."""
    charged = [charge for charge in month.charges if charge.mode == charges.CHARGED]
    nets = map(charges.posted_of, charges.by_team(charged).values())
    return total((*(charge.posted_usd for charge in charged if charge.posted_usd > 0), *(-net for net in nets if net < 0)))


def csv_file(name: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> File:
    """A CSV with its control totals."""
    sums = {column: total(Decimal(str(row[place])) for row in rows) for place, column in enumerate(columns) if column in _MONEY}
    return File(name, csv_bytes(columns, rows), len(rows), sums)


def csv_bytes(columns: Iterable[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Rows as CSV.

    Raises:
        FinanceError: a text begins like a formula or holds a control character.
    """
    handle = io.StringIO(newline="")
    writer = csv.writer(handle)
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return handle.getvalue().encode()


def _cell(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, date):
        return value.isoformat()
    return plain("" if value is None else str(value))


def _residue(totals: Mapping[str, Decimal]) -> Decimal:
    with localcontext(prec=MONEY_DIGITS):
        return totals["posted_usd"] - totals["cost_usd"]
