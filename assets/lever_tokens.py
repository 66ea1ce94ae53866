"""What levers of tokens may assume: caps on output, retries, batch and micro-batch (`output_caps`, `retries`, `batch`, `micro_batch`)."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import polars as pl
from pydantic import AfterValidator, Field

from meterbook.assets.sources import Name, Strict
from meterbook.rate_cards.patterns import like

if TYPE_CHECKING:
    from meterbook.assets.levers import Levers

_Pattern = Annotated[str, Field(min_length=1)]
_PPM_OF_PERCENT = 10_000
FINAL_ERRORS = (
    *("400", "401", "403", "404", "405", "413", "422"),
    *("*badrequest*", "*invalid*", "*unprocessable*", "*notfound*", "*not_found*", "*unsupported*"),
    *("*authentication*", "*permission*", "*forbidden*", "*unauthorized*"),
    *("*contextwindow*", "*context_length*", "*too_large*", "*toolarge*", "*contentpolicy*", "*content_filter*", "*contentfilter*"),
    *("*budgetexceeded*", "*insufficient_quota*"),
)
"""Errors that no repeat mends, as HTTP statuses and as gateways and providers name them: the request itself, its key or its owner's quota
is refused. Rate limits, time-outs and a server's own errors are not among them (RFC 9110 section 15; the lists of errors of OpenAI and
Anthropic)."""


class OutputCap(Strict):
    """A cap on output that is meant to hold, in place of the one that accepted answers would have fitted under.

    Args:
        feature: whose answers.
        model: as logged; `*` is anything. The first entry that fits holds.
        cap_tokens: output tokens, reasoning inside.
    """

    feature: Name
    model: _Pattern = "*"
    cap_tokens: int = Field(ge=1, le=10_000_000)


class Retries(Strict):
    """The retry policy that failed attempts are held against.

    Args:
        max_attempts: of one operation, the first one counted.
        not_retryable: errors that no repeat mends, as logged, in any case; `*` is anything. In place of the usual ones.
    """

    max_attempts: int = Field(default=3, ge=1, le=100)
    not_retryable: tuple[_Pattern, ...] = FINAL_ERRORS


class BatchLane(Strict):
    """A feature whose calls may wait.

    Args:
        feature: whose calls.
        tolerance_hours: how long their answers may take: from 24 on they can go by batch.
        feasible_percent: how much of them can really be moved.
    """

    feature: Name
    tolerance_hours: int = Field(ge=0, le=8760)
    feasible_percent: int = Field(default=80, ge=1, le=100)


class MicroBatch(Strict):
    """What was measured on the servers of one's own.

    Args:
        gain_per_doubling: throughput gained each time that a batch is twice as large, as a share: 0.4 is 40 % more. Without it no gain is
            told.
    """

    gain_per_doubling: Decimal | None = Field(default=None, ge=0, le=1, decimal_places=6)


def _no_feature_twice(lanes: tuple[BatchLane, ...]) -> tuple[BatchLane, ...]:
    seen: set[str] = set()
    for lane in lanes:
        if lane.feature in seen:
            raise ValueError(f"feature {lane.feature!r} is given twice")
        seen.add(lane.feature)
    return lanes


BatchLanes = Annotated[tuple[BatchLane, ...], AfterValidator(_no_feature_twice)]
_SHAPES: Mapping[str, Mapping[str, pl.DataType]] = {
    "book.output_cap": {"place": pl.Int32(), "feature": pl.String(), "model": pl.String(), "cap_tokens": pl.Int64()},
    "book.retry_policy": {"max_attempts": pl.Int32()},
    "book.final_error": {"pattern": pl.String()},
    "book.batch_lane": {"feature": pl.String(), "tolerance_hours": pl.Int32(), "feasible_ppm": pl.Int32()},
    "book.micro_batch": {"gain_per_doubling": pl.Decimal(9, 6)},
}


def token_lever_tables(levers: "Levers") -> dict[str, pl.DataFrame]:
    """The tables that levers.yaml gives the levers of tokens, by name."""
    rows: Mapping[str, Sequence[Mapping[str, object]]] = {
        "book.output_cap": [
            {"place": place, "feature": cap.feature, "model": like(cap.model.lower()), "cap_tokens": cap.cap_tokens}
            for place, cap in enumerate(levers.output_caps, 1)
        ],
        "book.retry_policy": [{"max_attempts": levers.retries.max_attempts}],
        "book.final_error": [{"pattern": like(error)} for error in sorted({error.lower() for error in levers.retries.not_retryable})],
        "book.batch_lane": [
            {
                **lane.model_dump(include={"feature", "tolerance_hours"}),
                "feasible_ppm": lane.feasible_percent * _PPM_OF_PERCENT,
            }
            for lane in levers.batch
        ],
        "book.micro_batch": [levers.micro_batch.model_dump()],
    }
    return {name: pl.DataFrame(found, schema=_SHAPES[name]) for name, found in rows.items()}
