"""disputes.csv of a book: what teams do not accept of their statements, until it is settled.

Lines are added and closed, never deleted. An open dispute keeps a team from moving to chargeback (`meterbook readiness`).
"""

from datetime import date
from decimal import Decimal
from pathlib import Path

from pydantic import Field, field_validator, model_validator

from meterbook.assets.csv_rows import rows_of
from meterbook.assets.sources import Name, Strict
from meterbook.reports.periods import MONTH

FILE = "disputes.csv"


class DisputeError(ValueError):
    """disputes.csv is wrong; the message names file, line and what to do."""


class Dispute(Strict):
    """One line: which team does not accept how many USD of which month's statement, from when to when."""

    id: Name
    period: str = Field(pattern=f"^{MONTH}$", description="month of the statement, YYYY-MM")
    team: Name
    amount_usd: Decimal = Field(gt=0, max_digits=18, decimal_places=2, allow_inf_nan=False)
    opened_on: date
    closed_on: date | None = None
    note: Name

    @field_validator("closed_on", mode="before")
    @classmethod
    def _empty_is_open(cls, value: object) -> object:
        return None if value == "" else value

    @model_validator(mode="after")
    def _closes_after_it_opens(self) -> "Dispute":
        if self.closed_on and self.closed_on < self.opened_on:
            raise ValueError(f"closed_on {self.closed_on} lies before opened_on {self.opened_on}")
        return self

    @property
    def is_open(self) -> bool:
        """Whether it is not settled."""
        return self.closed_on is None


def load_disputes(path: Path) -> tuple[Dispute, ...]:
    """Every dispute, in the order of the file; none where there is no such file.

    Raises:
        DisputeError: it is not readable, a line is wrong, or two lines have one id.
    """
    if not path.is_file():
        return ()
    found: dict[str, Dispute] = {}
    for line, dispute in rows_of(path, Dispute, DisputeError):
        if dispute.id in found:
            raise DisputeError(f"{path}:{line}: id {dispute.id!r} is given twice; close the line there is, or give this one its own")
        found[dispute.id] = dispute
    return tuple(found.values())
