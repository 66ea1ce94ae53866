"""Requests of other amounts, decided: what `meterbook quota approve` and `reject` write into the book.

Approval adds a dated entry to the budget's `raises` in budgets.yaml; the usual amount holds before it and again after it, and what held on
days before it does not change.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from meterbook.assets.audit import FILE as AUDIT
from meterbook.assets.audit import append_audit
from meterbook.assets.book import Book
from meterbook.assets.budget_edits import with_raise
from meterbook.assets.budgets import FILE, Budget, Measure, Raise
from meterbook.assets.dated import OPEN
from meterbook.assets.quota_requests import (
    Decision,
    Evidence,
    QuotaError,
    QuotaRequest,
    add_request,
    digest_of,
    load_request,
    replace,
    rewrite,
)

_CENT, _WHOLE = Decimal("0.01"), Decimal(1)
_STEP = {"dollars": _CENT, "gpu_hours": _CENT, "tokens": _WHOLE, "requests": _WHOLE}


@dataclass(frozen=True)
class Wanted:
    """What is asked for: another amount of a period, or a change of the present one in percent; one of both."""

    amount: Decimal | None = None
    by_percent: Decimal | None = None
    until: date | None = None

    def of(self, present: Decimal, measure: Measure) -> Decimal:
        """The amount that is asked for; a percentage is rounded to cents, or whole tokens and requests.

        Raises:
            QuotaError: both or none are given, it is less than nothing, or the present one.
        """
        if (self.amount is None) == (self.by_percent is None):
            raise QuotaError("say how much: either --amount, of one period, or --by, in percent of the present amount")
        if self.amount is not None:
            found = self.amount
        else:
            found = (present * (100 + (self.by_percent or 0)) / 100).quantize(_STEP[measure], ROUND_HALF_EVEN)
        if found < 0 or found == present:
            raise QuotaError(f"{found:f} is {'less than nothing' if found < 0 else 'what there is'}; ask for another amount")
        return found.to_integral_value() if found == found.to_integral_value() else found


def today_of(book: Book) -> date:
    """Today, in the time zone of the book."""
    return datetime.now(UTC).astimezone(ZoneInfo(book.settings.time_zone)).date()


def budget_of(book: Book, name: str) -> Budget:
    """A budget by its name.

    Raises:
        QuotaError: there is none of that name.
    """
    for one in book.budgets:
        if one.budget == name:
            return one
    known = ", ".join(one.budget for one in book.budgets) or "there are none"
    raise QuotaError(f"{book.folder / FILE} has no budget {name!r}: {known}")


def ask(book: Book, name: str, wanted: Wanted, why: str, *, who: str, evidence: Evidence) -> QuotaRequest:
    """Write a request for another amount.

    Raises:
        QuotaError: there is no such budget, or what is asked for makes no sense.
    """
    budget, today = budget_of(book, name), today_of(book)
    if not why.strip():
        raise QuotaError("say why (--why): who decides has little else to go by")
    if wanted.until is not None and wanted.until <= today:
        raise QuotaError(f"--until {wanted.until} is not after today, {today}")
    present = budget.limit_on(today)
    told = {"request": "to be named", "asked_on": today, "who": who, "budget": name, "measure": budget.measure, "period": budget.period}
    told |= {
        "amount": present,
        "wanted": wanted.of(present, budget.measure),
        "until": wanted.until,
        "why": why.strip(),
        "evidence": evidence,
    }
    try:
        request = QuotaRequest.model_validate(told)
    except ValidationError as error:
        [first, *_] = error.errors()
        raise QuotaError(f"{first['loc'][0]} {first['input']!s}: {first['msg']}") from error
    return add_request(book.folder, request)


def approve(book: Book, name: str, why: str, starts_on: date | None = None, until: date | None = None) -> QuotaRequest:
    """Approve a request: budgets.yaml, audit.jsonl and the request say so.

    Args:
        book: of the request; locked by who calls this.
        name: of the request, or its path.
        why: goes into the audit.
        starts_on: first day of the new amount; today where not given.
        until: first day on which the old one holds again; what was asked for where not given.

    Raises:
        QuotaError: there is no such request, it is decided, or the days are wrong.
        EditError: budgets.yaml cannot be edited.
        AuditError: the audit does not verify, so nothing is done.
    """
    request = _open(book.folder, name, why)
    budget = budget_of(book, request.budget)
    first, end = starts_on or today_of(book), until or request.until or OPEN
    if first < book.open_from:
        raise QuotaError(f"--from {first} lies in a closed month; the first open day is {book.open_from}")
    if end <= first:
        raise QuotaError(f"--until {end} is not after {first}, the first day of the new amount")
    if budget.measure != request.measure:
        raise QuotaError(f"{request.budget} is of {budget.measure} now, the request of {request.measure}; reject it, and ask anew")
    path = book.folder / FILE
    added = Raise(amount=request.wanted, starts_on=first, ends_on=end, request=request.request)
    # A run that was interrupted after it wrote budgets.yaml is only finished: the amount is not added twice.
    is_there = any(one.request == request.request for one in budget.raises)
    text = path.read_bytes().decode("utf-8")
    edited = text if is_there else with_raise(text, request.budget, added)
    days = {"starts_on": str(first), "ends_on": None if end == OPEN else str(end)}
    audit = append_audit(book.folder / AUDIT, "quota approve", why.strip(), _details(book, request, budget.limit_on(first)) | days)
    replace(path, edited)
    told = {"outcome": "approved", "decided_on": today_of(book), "why": why.strip(), "audit": audit, "starts_on": first}
    return _decided(book, request, told | {"ends_on": None if end == OPEN else end})


def reject(book: Book, name: str, why: str) -> QuotaRequest:
    """Reject a request: audit.jsonl and the request say so.

    Raises:
        QuotaError: there is no such request, or it is decided.
        AuditError: the audit does not verify, so nothing is done.
    """
    request = _open(book.folder, name, why)
    audit = append_audit(book.folder / AUDIT, "quota reject", why.strip(), _details(book, request, request.amount))
    return _decided(book, request, {"outcome": "rejected", "decided_on": today_of(book), "why": why.strip(), "audit": audit})


def _open(folder: Path, name: str, why: str) -> QuotaRequest:
    if not why.strip():
        raise QuotaError("say why (--why); the audit keeps it")
    request = load_request(folder, name)
    if request.decision is not None:
        raise QuotaError(f"{request.request} was {request.decision.outcome} on {request.decision.decided_on}; ask anew for another amount")
    return request


def _details(book: Book, request: QuotaRequest, before: Decimal) -> dict[str, object]:
    return {
        "request": request.request,
        "request_sha256": digest_of(book.folder, request),
        "asked_by": request.who,
        "budget": request.budget,
        "measure": request.measure,
        "period": request.period,
        "before": f"{before:f}",
        "wanted": f"{request.wanted:f}",
    }


def _decided(book: Book, request: QuotaRequest, told: Mapping[str, object]) -> QuotaRequest:
    done = request.model_copy(update={"decision": Decision.model_validate(told)})
    rewrite(book.folder, done)
    return done
