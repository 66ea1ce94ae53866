"""Settings that hold from a day to a day, and the calendar they lie in."""

from datetime import date
from typing import Any

from pydantic import field_validator, model_validator

from meterbook.assets.sources import Strict

OPEN = date(9999, 12, 31)
FIRST_DAY, LAST_DAY = date(2015, 1, 1), date(2099, 12, 31)
"""The calendar; rows dated outside it are set aside at the door."""


class Dated(Strict):
    """Holds on the days from `starts_on` until before `ends_on`; empty is open."""

    starts_on: date = FIRST_DAY
    ends_on: date = OPEN

    @field_validator("starts_on", "ends_on", mode="before")
    @classmethod
    def _empty_is_open(cls, value: object, info: Any) -> object:  # noqa: ANN401 -- pydantic's ValidationInfo is generic
        return value if value not in (None, "") else (FIRST_DAY if info.field_name == "starts_on" else OPEN)

    @model_validator(mode="after")
    def _ends_after_start(self) -> "Dated":
        if self.ends_on <= self.starts_on:
            raise ValueError(f"ends_on {self.ends_on} (exclusive) must lie after starts_on {self.starts_on}")
        return self
