"""What the figures rest on: basis, cards, reconciliation, coverage, input, and the run they came from."""

from collections.abc import Mapping
from typing import Any

from meterbook.reports.frame import Frame
from meterbook.reports.numbers import NONE, dollars, percent, ratio
from meterbook.reports.section import Section

WORST = 3


def _build(frame: Frame) -> Mapping[str, Any]:
    total = sum(row["requests"] for row in frame.coverage)
    priced = sum(row["requests"] for row in frame.coverage if row["reason"] == "priced")
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
            ("Priced requests", percent(ratio(priced, total))),
            ("Input", f"{read}, {aside}"),
            *([("Set aside", f"{worst}, …" if len(frame.set_aside) > WORST else worst)] if worst else []),
            ("Mode", frame.facts.mode),
            ("Run", frame.facts.run_hash),
        ]
    }


SECTION = Section("closing", _build)
