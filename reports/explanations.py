"""Sentences that say why cost changed: who, what by how much, since when, and the dollars."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from meterbook.reports.numbers import MINUS, dollars, percent, plural
from meterbook.reports.quality import brief
from meterbook.sql import lmdi

REQUESTS = "requests"
"""Volume and mix of one owner together: how many requests it served."""
NO_FEATURE = "no feature"
_BRIEF = 80
_PARTED = "moved by what pools take, owners share and closed months hold"
_MORE: Mapping[str, tuple[str, str]] = {
    REQUESTS: ("served {} more requests", "served {} fewer requests"),
    lmdi.INPUT: ("sent {} more input tokens per request", "sent {} fewer input tokens per request"),
    lmdi.OUTPUT: ("received {} more output tokens per request", "received {} fewer output tokens per request"),
    lmdi.RETRIES: ("made {} more attempts per call", "made {} fewer attempts per call"),
    lmdi.PRICE: ("cost {} more per token", "cost {} less per token"),
    "GPU work": ("worked {} more GPU hours", "worked {} fewer GPU hours"),
    "GPU idle": ("stood idle {} more GPU hours", "stood idle {} fewer GPU hours"),
    lmdi.GPU_RATE: ("cost {} more per GPU hour", "cost {} less per GPU hour"),
}
_PLAIN: Mapping[str, tuple[str, str]] = {
    **{effect: (more.replace(" {}", ""), less.replace(" {}", "")) for effect, (more, less) in _MORE.items()},
    lmdi.ROUTING: ("moved requests to dearer models or more calls", "moved requests to cheaper models or fewer calls"),
    lmdi.CACHE: ("had fewer of its input tokens from a cache", "had more of its input tokens from a cache"),
    lmdi.TIER: ("was served by dearer tiers", "was served by cheaper tiers"),
    lmdi.OTHER: ("used more beside tokens", "used less beside tokens"),
    lmdi.NEW: ("is new", "is new"),
    lmdi.GONE: ("is gone", "is gone"),
    lmdi.DAYS: ("has more days", "has fewer days"),
    "GPU unobserved": ("had more GPU hours nobody saw", "had fewer GPU hours nobody saw"),
    lmdi.ALLOCATION: (_PARTED, _PARTED),
    lmdi.UNPRICED: ("used what had no price before, which is no rise", "used what has no price any more, which is no saving"),
}


@dataclass(frozen=True)
class Fact:
    """What one sentence says.

    Args:
        subject: who: an owner, a model, a pool, or a cost line.
        effect: of `lmdi.EFFECTS`, `REQUESTS`, or a cost line.
        usd: what it cost more, or less.
        ratio: how its factor moved, 0.18 for 18 % more; None where no single figure says it.
        since: first day of the new level, where one day stands out.
        models: what calls were moved from and to, where routing moved.
        shares: of its input tokens what came from a cache, before and after.
    """

    subject: str
    effect: str
    usd: Decimal
    ratio: Decimal | None = None
    since: date | None = None
    models: tuple[str, str] | None = None
    shares: tuple[Decimal, Decimal] | None = None


def sentence(fact: Fact) -> str:
    """One fact in words: `email-drafts (sales) served 85.0 % more requests since 3 October: +$652`."""
    since = f" since {fact.since.day} {fact.since:%B}" if fact.since else ""
    was = f", {percent(fact.shares[0])} before" if fact.shares and fact.effect == lmdi.CACHE else ""
    return f"{fact.subject} {_said(fact)}{since}{was}: {dollars(fact.usd, plus=True)}."


def _said(fact: Fact) -> str:
    if fact.models and fact.effect == lmdi.ROUTING:
        return f"moved calls from {fact.models[0]} to {fact.models[1]}"
    if fact.shares and fact.effect == lmdi.CACHE:
        return f"had {percent(fact.shares[1])} of its input tokens from a cache"
    # What moved the one way by the factor and the other in dollars is told without a figure.
    agrees = fact.ratio is not None and (fact.ratio > 0) == (fact.usd > 0) and abs(fact.ratio) >= Decimal("0.0005")
    more, less = (_MORE if agrees else _PLAIN).get(fact.effect, _PLAIN.get(fact.effect, ("rose", "fell")))
    words = more if fact.usd > 0 else less
    return words.format(percent(abs(fact.ratio))) if agrees and fact.ratio is not None else words


def owner(team: str, feature: str) -> str:
    """A feature with the team it is of, as a subject."""
    return f"{team}, without a feature," if feature == lmdi.NONE else f"{feature} ({team})"


def unpriced_text(noun: str, name: str, before: int, after: int, since: date | None = None) -> str:
    """How much has no price, in words: `1,611 calls of acme-tuned-llm since 5 October, none before`.

    Args:
        noun: what is counted: call, token, GPU hour.
        name: of what: a model, a pool.
        before: how many had none.
        after: how many have none.
        since: the first day, where there were none before.
    """
    on = f" since {since.day} {since:%B}" if since else ""
    whose = f" that name no model{on}" if name == lmdi.NONE else f" of {brief(name, _BRIEF)}{on}"
    now = plural(after, noun) if after else f"no {noun}s"
    return f"{now}{whose}, {f'{before:,}' if before else 'none'} before"


def cause_text(where: Mapping[str, str], expected: Decimal, actual: Decimal, day: date | None) -> str:
    """A cause in words: `tenant harbor, feature contract-review: $524 where $85 was expected, on 21 October`."""
    what = ", ".join(f"{name} {value}" for name, value in where.items())
    on = f", most of it on {day.day} {day:%B}" if day else ""
    gap = dollars(actual - expected, plus=True).replace("-", MINUS)
    return f"{what}: {dollars(actual)} where {dollars(expected)} was expected ({gap}){on}."
