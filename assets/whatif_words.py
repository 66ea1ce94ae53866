"""The assumptions of a scenario in words: what its range rests on, one line each."""

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Protocol

from meterbook.assets.whatif import (
    BatchChange,
    CapChange,
    OwnGpuChange,
    PriceChange,
    PromptCacheChange,
    ResponseCacheChange,
    RouteChange,
    Scenario,
)
from meterbook.assets.whatif_outcome import AHEAD
from meterbook.reports.numbers import percent, plural


class Looked(Protocol):
    """What was looked at."""

    first: date
    last: date
    requests: int
    unknown_requests: int


def assumptions(scenario: Scenario, looked: Looked, gpu_hour: Callable[[OwnGpuChange], Decimal]) -> Iterator[str]:
    """The assumptions, in the order of the file; then those that hold of every scenario.

    Args:
        scenario: what is changed.
        looked: the days and their calls.
        gpu_hour: gives the USD of an hour of a change's GPU.
    """
    for change in scenario.changes:
        yield _said(change.only, gpu_hour)
    calls = f"{plural(looked.requests, 'call')} from {looked.first} to {looked.last}"
    yield f"The {calls} come again as they were, at the price of their instant; nobody asks more or less because it is cheaper."
    yield "Each change works on what those before it in the published order of the levers leave, so that they add up; so do the leasts."
    yield _ahead((looked.last - looked.first).days + 1)
    if looked.unknown_requests:
        yield f"{plural(looked.unknown_requests, 'call')} would have no price, and are left as they are."


def _ahead(days: int) -> str:
    if days == 1:
        return f"One day does not tell how much days differ: nothing is said of the {AHEAD} days to come."
    drawn = f"The {AHEAD} days to come are drawn at random from these {days}, from least to most a 95 % interval of their sum"
    return f"{drawn}: that is how much days differ. What grows, or began in these days, is not in it."


def _said(change: object, gpu_hour: Callable[[OwnGpuChange], Decimal]) -> str:  # noqa: PLR0911 -- a line each
    match change:
        case RouteChange():
            asked = f"{percent(change.share)} of the calls of {change.feature} to {change.from_model} go to {change.to_model} first"
            guard = f"; deciding it costs ${change.guard_usd:f} a call" if change.guard_usd else ""
            return f"{asked}; {_spread(change.accept)} of its answers are good enough, the others are asked for again{guard}."
        case CapChange():
            of = "" if change.model == "*" else f" of {change.model}"
            again = f"{_spread(change.retry)} of the answers cut off are asked again"
            return f"Output{of} in {change.feature} ends at {change.tokens:,} tokens; {again}."
        case ResponseCacheChange():
            whom = "whichever tenant asks" if change.shared else "within a tenant"
            what = "at any temperature" if change.opted_in else "at temperature 0"
            return (
                f"An answer of {change.feature} is given again for {change.ttl_seconds:,} seconds, {whom}, {what}; looking it up is free."
            )
        case PromptCacheChange() | BatchChange() if change.turn == "off":
            what = "goes by batch" if isinstance(change, BatchChange) else "comes from the provider's cache, or is stored there"
            return f"Nothing{_of(change.feature)} {what}."
        case PromptCacheChange():
            share = f"{_spread(change.share)} of" if change.share else "all of"
            return f"The provider's cache serves {share} what came again of the prefixes of {change.feature}, and stores the others."
        case BatchChange():
            share = f"{_spread(change.share)} of the standard calls" if change.share else "what could wait"
            return f"By batch goes {share} of {change.feature}, where its model has a batch price."
        case OwnGpuChange():
            speed = f"{', '.join(f'{rate:f}' for rate in dict.fromkeys(change.tokens_per_second))} tokens a second"
            paid = f"{plural(change.gpus, 'GPU')} at ${gpu_hour(change).normalize():f} an hour, paid every hour"
            return f"{change.model}{_of(change.feature)} goes to {paid}: each serves {speed} in {_spread(change.utilization)} of the time."
        case PriceChange():
            return f"The card {change.card} holds in place of the book's for its models."
    raise TypeError(change)


def _spread(shares: tuple[Decimal, ...]) -> str:
    return " / ".join(percent(share) for share in dict.fromkeys(shares))


def _of(feature: str | None) -> str:
    return f" of {feature}" if feature else ""
