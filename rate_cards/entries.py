"""What the entries of `commitments.yaml` have in common."""

from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from meterbook.rate_cards.amortise import HORIZON
from meterbook.rate_cards.card import Code

OPEN = date(9999, 12, 31)
Money = Annotated[Decimal, Field(ge=0, lt=10**10, decimal_places=6)]


class CommitmentError(ValueError):
    """commitments.yaml is wrong; the message is one line that names file, line and what to do."""


class Strict(BaseModel):
    """Settings in which an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Named(Strict):
    """An entry with a name; entries of one name are one and add up."""

    name: Code
    owner: Code | None = Field(default=None, description="team that answers for what is not used")


class Dated(Named):
    """An entry that holds on half-open UTC days."""

    starts_on: date
    ends_on: date = Field(default=OPEN, description="first day it no longer holds; empty is open")

    @model_validator(mode="after")
    def _ends_after_start(self) -> "Dated":
        if self.ends_on <= self.starts_on:
            raise ValueError(f"ends_on {self.ends_on} (exclusive) must lie after starts_on {self.starts_on}")
        if self.starts_on >= HORIZON or (self.ends_on > HORIZON and self.ends_on != OPEN):
            raise ValueError(f"there are no days from {HORIZON} on; leave ends_on out where there is no end")
        return self
