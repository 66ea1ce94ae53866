"""The opening of a rate card: of which month it is, what it charges most plainly, and what it was made from."""

from collections.abc import Iterator, Mapping
from typing import Any

from meterbook.reports.numbers import percent, plural
from meterbook.reports.ratecard import RateCard, month_of, shown
from meterbook.reports.section import Section


def _build(card: RateCard) -> Mapping[str, Any]:
    parts = (card.company, "Internal rate card", month_of(card.period), f"edition {card.edition}")
    return {"kicker": " \N{MIDDLE DOT} ".join(parts), "banner": None, "headline": headline(card), "causes": list(_causes(card))}


def headline(card: RateCard) -> str:
    """The prices that are asked for first, from the same figures as the tables below it."""
    outputs = [f"{shown(price)} {one.name}" for one in card.classes if (price := card.price_of(one.name, "output"))]
    hours = [f"{shown(price)} {price.item}" for price in card.prices if price.is_gpu]
    said = [f"a million output tokens cost {', '.join(outputs)}"] if outputs else []
    said += [f"a GPU hour {'costs ' if not outputs else ''}{', '.join(hours)}"] if hours else []
    text = "; ".join(said) or f"{plural(len(card.prices), 'price')} for {month_of(card.period)}"
    return f"{text[0].upper()}{text[1:]}."


def _causes(card: RateCard) -> Iterator[str]:
    stated = sum(price.is_stated for price in card.prices)
    yield f"{plural(len(card.prices) - stated, 'price')} made from what use cost in {card.source}, {stated} stated."
    if card.margin_percent:
        yield f"Those that are not stated have a margin of {percent(card.margin_percent / 100)} on top."
    if card.why:
        yield f"Edition {card.edition} was published because: {card.why}"


SECTION = Section("ratecard_opening", _build, template="statement_opening")
