"""Queues of GPU jobs: where their work runs, how long it should wait and what waiting costs (`queues:` of meterbook.yaml)."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Annotated

import polars as pl
from pydantic import BeforeValidator, Field, model_validator

from meterbook.assets.modes import EVERYONE
from meterbook.assets.sources import Name, Strict, each_reached
from meterbook.rate_cards.patterns import like


def _of_everyone(value: object) -> object:
    return value if isinstance(value, Mapping) else {EVERYONE: value}


_Usd = Annotated[Decimal, Field(ge=0, lt=1_000_000, decimal_places=6)]
ByTeam = Annotated[Mapping[Name, _Usd], BeforeValidator(_of_everyone)]
"""Dollars by team; one amount is every team's."""


class Queue(Strict):
    """What holds for the queues whose name fits; of several entries that fit the first one counts.

    Args:
        queue: partition or cluster queue, as the jobs name it; `*` is anything.
        pool: GPU pool that its jobs run on: lost work is priced at what a GPU-hour of it cost, and its free GPUs are held against the wait.
        target_seconds: within which a run should start.
        target_percentile: share of the runs that should, in percent.
        waiting_usd_per_hour: what an hour costs that a job waits, of every job or by team (`*` is every other team); else unknown.
    """

    queue: Annotated[str, Field(min_length=1)]
    pool: Name | None = None
    target_seconds: int | None = Field(default=None, ge=0)
    target_percentile: int = Field(default=90, ge=1, le=100)
    waiting_usd_per_hour: ByTeam = Field(default_factory=dict)

    @model_validator(mode="after")
    def _percentile_of_a_target(self) -> "Queue":
        if "target_percentile" in self.model_fields_set and self.target_seconds is None:
            raise ValueError("`target_percentile` is of a target: give `target_seconds` too")
        return self


Queues = Annotated[tuple[Queue, ...], each_reached("queue")]
_QUEUE: Mapping[str, pl.DataType] = {
    "place": pl.Int32(),
    **dict.fromkeys(("queue", "pool"), pl.String()),
    "target_seconds": pl.Int64(),
    "target_percentile": pl.Int32(),
}
_VALUE: Mapping[str, pl.DataType] = {"place": pl.Int32(), "team": pl.String(), "waiting_usd_per_hour": pl.Decimal(18, 6)}


def queue_tables(queues: Sequence[Queue]) -> dict[str, pl.DataFrame]:
    """book.queue and book.queue_value, in the order of the book."""
    entries = list(enumerate(queues, 1))
    return {
        "book.queue": pl.DataFrame([_row(place, entry) for place, entry in entries], schema=_QUEUE),
        "book.queue_value": pl.DataFrame([row for place, entry in entries for row in _values(place, entry)], schema=_VALUE),
    }


def _row(place: int, entry: Queue) -> dict[str, object]:
    return {
        "place": place,
        "queue": like(entry.queue),
        "pool": entry.pool,
        "target_seconds": entry.target_seconds,
        "target_percentile": None if entry.target_seconds is None else entry.target_percentile,
    }


def _values(place: int, entry: Queue) -> Iterator[dict[str, object]]:
    for team, usd in entry.waiting_usd_per_hour.items():
        yield {"place": place, "team": team, "waiting_usd_per_hour": usd}
