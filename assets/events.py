"""events.csv of a book: launches, holidays and migrations that explain what stands out. They are told beside it, and never hide it."""

from datetime import date, timedelta
from pathlib import Path
from typing import Literal

import polars as pl
from pydantic import field_validator, model_validator

from meterbook.assets.csv_rows import rows_of
from meterbook.assets.sources import Name, Strict

FILE = "events.csv"
SCOPE = ("team", "tenant", "feature", "model")
_OPTIONAL = (*SCOPE, "note")


class EventError(ValueError):
    """events.csv is wrong; the message names file, line and what to do."""


class Event(Strict):
    """One line: what happens on the days from `starts_on` until before `ends_on`; an empty end is the next day.

    A column of the scope that is empty is any; an event fits what stands out unless it names another team, tenant, feature or model.
    """

    name: Name
    starts_on: date
    ends_on: date
    kind: Literal["launch", "holiday", "migration", "other"]
    team: Name | None = None
    tenant: Name | None = None
    feature: Name | None = None
    model: Name | None = None
    note: Name | None = None

    @model_validator(mode="before")
    @classmethod
    def _empty_end_is_a_day(cls, values: object) -> object:
        if isinstance(values, dict) and values.get("ends_on") == "":
            try:
                return {**values, "ends_on": date.fromisoformat(str(values.get("starts_on"))) + timedelta(days=1)}
            except ValueError:
                return values
        return values

    @field_validator(*_OPTIONAL, mode="before")
    @classmethod
    def _empty_is_any(cls, value: object) -> object:
        return None if value == "" else value

    @model_validator(mode="after")
    def _ends_after_start(self) -> "Event":
        if self.ends_on <= self.starts_on:
            raise ValueError(f"ends_on {self.ends_on} (exclusive) must lie after starts_on {self.starts_on}")
        return self


def load_events(folder: Path) -> tuple[Event, ...]:
    """Every event, in the order of the file; none where there is no such file.

    Raises:
        EventError: it is not readable, a line is wrong, or two lines say the same event of the same days.
    """
    path = folder / FILE
    if not path.is_file():
        return ()
    found: dict[tuple[str, date], int] = {}
    events: list[Event] = []
    for line, event in rows_of(path, Event, EventError, optional=_OPTIONAL, remarks=True):
        first = found.setdefault((event.name, event.starts_on), line)
        if first != line:
            raise EventError(f"{path}:{line}: {event.name!r} of {event.starts_on} is also in line {first}; keep one, or tell them apart")
        events.append(event)
    return tuple(events)


def event_table(events: tuple[Event, ...]) -> dict[str, pl.DataFrame]:
    """book.event."""
    days = ("starts_on", "ends_on")
    shape = {name: pl.Date() if name in days else pl.String() for name in Event.model_fields}
    return {"book.event": pl.DataFrame([event.model_dump() for event in events], schema=shape)}
