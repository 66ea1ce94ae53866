"""corrections.csv of a book: what a closed month turned out to have cost more or less, posted in an open one.

A closed month keeps its figures. Where new prices, applied by `meterbook rerate --apply`, would have changed them, the difference becomes a
line here: it counts on the day it is posted on, and names the day it corrects. Lines are appended, never edited (FOCUS: ChargeClass
`Correction`).
"""

import csv
import io
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from meterbook.assets.csv_rows import rows_of
from meterbook.assets.sources import Strict
from meterbook.sql.lake import write_atomically

FILE = "corrections.csv"
OWNERS = ("team", "cost_centre", "tenant", "feature", "provider", "model")
"""Whose cost it was; empty is nobody's."""
_FORMULA = ("=", "+", "-", "@", "'", "\t", "\r")


class CorrectionError(ValueError):
    """corrections.csv is wrong; the message names file, line and what to do."""


class Correction(Strict):
    """One line: an amount, whose it is, and the UTC day and month of the book it corrects. Amounts are signed USD, exact to 12 decimals."""

    correction_id: str = Field(min_length=1)
    posted_on: date
    corrects_period: str = Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")
    corrects_day: date
    team: str | None = None
    cost_centre: str | None = None
    tenant: str | None = None
    feature: str | None = None
    provider: str | None = None
    model: str | None = None
    amount_usd: Decimal = Field(max_digits=38, decimal_places=12, allow_inf_nan=False)
    reason: str = Field(min_length=1)
    charge_class: Literal["Correction"] = "Correction"
    audit: str = Field(min_length=1, description="digest of the record of audit.jsonl that says who did it, and why")

    @field_validator(*OWNERS, mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return None if value == "" else value

    @model_validator(mode="after")
    def _looks_back(self) -> "Correction":
        if self.posted_on < self.corrects_day:
            raise ValueError(f"posted_on {self.posted_on} must not lie before corrects_day {self.corrects_day}")
        return self


def load_corrections(path: Path) -> tuple[Correction, ...]:
    """Every line of corrections.csv, in the order in which they stand; none where there is no such file.

    Raises:
        CorrectionError: it is not readable, a line is wrong, or two lines have one id.
    """
    if not path.is_file():
        return ()
    found: dict[str, Correction] = {}
    repair = "restore it from your backup or from git"
    for line, correction in rows_of(path, Correction, CorrectionError, clean=_plain, repair=repair):
        if correction.correction_id in found:
            raise CorrectionError(f"{path}:{line}: correction_id {correction.correction_id} is given twice; delete one of the lines")
        found[correction.correction_id] = correction
    return tuple(found.values())


def append_corrections(path: Path, lines: Iterable[Correction]) -> None:
    """Add lines to corrections.csv in one step: a reader, or a crash, sees all of them or none."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    before = path.read_bytes().decode() if path.is_file() else ""
    if not before:
        writer.writerow(Correction.model_fields)
    for line in lines:
        writer.writerow(_cell(value) for value in line.model_dump().values())
    write_atomically(path, before + ("" if before.endswith("\n") or not before else "\r\n") + text.getvalue())


def _cell(value: object) -> str:
    """A value as text that no spreadsheet runs: names come from logs."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _plain(text: str) -> str:
    return text.removeprefix("'")
