"""What a statement rests on, and how its figures come about."""

from collections.abc import Mapping
from typing import Any

from meterbook.reports.codes import NOTHING
from meterbook.reports.numbers import NONE
from meterbook.reports.section import Section
from meterbook.reports.statements import Statement, stems


def _build(statement: Statement) -> Mapping[str, Any]:
    facts, page = statement.facts, statement.facts.page
    cards = sorted({f"{rate['card']} {rate['card_version'][:7]}" for rate in statement.rates})
    mode = statement.banner or "Chargeback: the posted amounts are charged"
    return {
        "facts": [
            ("Mode", mode),
            ("Cost basis", "each call at the rate of its instant, GPU hours as they were held, shared cost by the key that is named"),
            ("Posted", "rounded once, to the cent, so that the lines of all teams come to the rounded cost of the month"),
            ("The same lines", f"{stems([facts.team])[facts.team]}.csv, chargeback.csv, chargeback.xlsx; manifest.json has their digests"),
            ("Rate cards", ", ".join(cards) or NONE),
            ("Internal rate card", _charged_by(statement)),
            ("Checks", f"{page.checks_passed} of {page.checks_total} pass"),
            ("Data through", f"{page.data_through.day} {page.data_through:%B %Y}"),
            ("State", f"{facts.edition.state}, version {facts.edition.version}"),
            ("Run", page.run_hash),
        ]
    }


def _charged_by(statement: Statement) -> str:
    """The card that charges follow from; the line `Rate card` is what it charges beyond provider cost."""
    cards = sorted({charge.rate_card for charge in statement.charges} - {NOTHING})
    return ", ".join(cards) if cards else "none: use is charged at what it costs"


SECTION = Section("statement_closing", _build, template="closing")
