"""What the figures rest on: basis, cards, reconciliation, coverage, input, and the run they came from."""

from collections.abc import Mapping
from typing import Any

from meterbook.reports.figures import Figures
from meterbook.reports.numbers import NONE, dollars, share
from meterbook.reports.section import Section

WORST = 3


def _build(frame: Figures) -> Mapping[str, Any]:
    bills, files = frame.reconciliation, frame.files
    gap = dollars(bills["difference_usd"], plus=True)
    billed = f"{dollars(bills['billed_usd'])} billed, {dollars(bills['priced_usd'])} priced, difference {gap}"
    covered = f"{bills['bills']} of {bills['pairs']} days and providers have a bill"
    cards = ", ".join(f"{name} {version[:7]}" for name, version in frame.facts.rate_cards)
    worst = ", ".join(f"{row['file']} {row['quarantined']:,}" for row in frame.set_aside[:WORST])
    read = f"{files['rows_in']:,} rows of {files['files']:,} files: {files['rows_out']:,} kept, {files['duplicates']:,} duplicates"
    aside = f"{files['quarantined']:,} set aside, {files['filtered']:,} filtered"
    return {
        "facts": [
            ("Cost basis", "computed at the rate of each request's instant; what a bill says beyond that is a line of its own"),
            ("Rate cards", cards or NONE),
            ("Bills", f"{billed}; {covered}" if bills["bills"] else "no bill for these days yet"),
            ("Priced", f"{_priced(frame, 'requests')} of requests, {_priced(frame, 'tokens')} of tokens"),
            *([("Estimated", _estimated(frame))] if _sum(frame, "estimated_requests") else []),
            ("Input", f"{read}, {aside}"),
            *([("Set aside", f"{worst}, …" if len(frame.set_aside) > WORST else worst)] if worst else []),
            ("Mode", frame.facts.mode),
            ("Run", frame.facts.run_hash),
        ]
    }


def _sum(frame: Figures, column: str, reason: str = "") -> int:
    return sum(row[column] for row in frame.coverage if reason in {"", row["reason"]})


def _priced(frame: Figures, column: str) -> str:
    return share(_sum(frame, column, "priced"), _sum(frame, column))


def _estimated(frame: Figures) -> str:
    """Calls whose logs count no tokens, kept apart from what was measured."""
    requests, tokens = (share(_sum(frame, f"estimated_{name}"), _sum(frame, name)) for name in ("requests", "tokens"))
    return f"{requests} of requests and {tokens} of tokens: the usual of the day, where a log counts none"


SECTION = Section("closing", _build)
