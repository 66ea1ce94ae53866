"""Frozen baselines of units of value (`baselines.jsonl` of a book): what units cost before anybody made them cheaper, day by day.

Lines are appended by `meterbook unit baseline`, never edited; the last one of a unit holds. Each names its own hash, as the audit does.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import polars as pl
from pydantic import Field, PlainSerializer, ValidationError

from meterbook.assets.audit import FILE as AUDIT
from meterbook.assets.audit import append_audit
from meterbook.assets.frozen import REPAIR
from meterbook.assets.sources import Strict
from meterbook.reports.unit_figures import UnitDay

FILE = "baselines.jsonl"
Exact = Annotated[Decimal, PlainSerializer(lambda value: f"{value:f}", return_type=str, when_used="json")]


class BaselineError(ValueError):
    """baselines.jsonl is not what was written, or a baseline cannot be frozen; the message names what to do."""


class Day(Strict):
    """What a unit was on a day of its baseline; dollars exact."""

    day: date
    units: int
    successes: int
    cost_usd: Exact
    quality_sum: Exact
    quality_count: int


class Baseline(Strict):
    """A frozen baseline.

    Args:
        unit: as in units.yaml.
        baseline_from: its first day.
        baseline_to: the day after its last.
        frozen_on: UTC day on which it was frozen.
        why: as the user said; empty for the first of a unit.
        successes: delivered in it.
        cost_usd: fully loaded cost of them.
        days: the days with anything in them, in order.
        digest: sha256 of all this.
    """

    unit: str
    baseline_from: date
    baseline_to: date
    frozen_on: date
    why: str
    successes: Annotated[int, Field(gt=0)]
    cost_usd: Exact
    days: tuple[Day, ...]
    digest: str = ""

    def text(self) -> str:
        """The line without its digest."""
        return json.dumps(self.model_dump(mode="json", exclude={"digest"}), separators=(",", ":"), ensure_ascii=False)

    @property
    def figures(self) -> list[UnitDay]:
        """The days as the tracker compares them."""
        return [UnitDay(**one.model_dump()) for one in self.days]


def load_baselines(folder: Path) -> dict[str, Baseline]:
    """The baseline that holds, by unit.

    Raises:
        BaselineError: a line is not readable, or was changed after it was written.
    """
    path, found = folder / FILE, dict[str, Baseline]()
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    for number, line in enumerate(lines, 1):
        try:
            one = Baseline.model_validate_json(line)
        except ValidationError as error:
            raise BaselineError(f"{path}:{number}: is not readable ({error.errors()[0]['msg']}); {REPAIR}") from error
        if one.digest != _sha256(one.text()):
            raise BaselineError(f"{path}:{number}: was changed after it was written: its digest does not fit; {REPAIR}")
        found[one.unit] = one
    return found


def freeze_baseline(folder: Path, unit: str, days: Sequence[UnitDay], span: tuple[date, date], why: str) -> Baseline:
    """Freeze what a unit was over some days, and say so in the audit.

    Args:
        folder: the book.
        unit: its name.
        days: its figures within the span.
        span: half-open range of days of the book.
        why: needed where a baseline is there already.

    Raises:
        BaselineError: there is one already and no reason is given, or nothing was delivered in the span.
        AuditError: the audit does not verify, so nothing is added to it.
    """
    known = load_baselines(folder).get(unit)
    if known and not why:
        raise BaselineError(
            f"{unit} has a baseline: {known.baseline_from} to {known.baseline_to}, frozen on {known.frozen_on}; another needs --why"
        )
    if not (successes := sum(day.successes for day in days)):
        raise BaselineError(f"no {unit} was delivered from {span[0]} to {span[1]}: nothing to freeze")
    made = Baseline(
        unit=unit,
        baseline_from=span[0],
        baseline_to=span[1],
        frozen_on=datetime.now(UTC).date(),
        why=why,
        successes=successes,
        cost_usd=sum((day.cost_usd for day in days), Decimal(0)),
        days=tuple(Day(**{name: getattr(day, name) for name in Day.model_fields}) for day in days),
    )
    made = made.model_copy(update={"digest": _sha256(made.text())})
    details = {"unit": unit, "from": str(span[0]), "to": str(span[1]), "successes": successes, "cost_usd": f"{made.cost_usd:f}"}
    append_audit(folder / AUDIT, "baseline", why, {**details, "baseline": made.digest})
    _append(folder / FILE, made)
    return made


def baseline_table(baselines: Mapping[str, Baseline]) -> dict[str, pl.DataFrame]:
    """book.unit_baseline: the days of each baseline that holds."""
    types: dict[str, pl.DataType] = {"unit": pl.String(), "day": pl.Date(), "units": pl.Int64(), "successes": pl.Int64()}
    types |= {"cost_usd": pl.Decimal(38, 12), "quality_sum": pl.Decimal(38, 6), "quality_count": pl.Int64()}
    rows = [
        {"unit": name, **{field: getattr(day, field) for field in Day.model_fields}} for name, one in baselines.items() for day in one.days
    ]
    return {"book.unit_baseline": pl.DataFrame(rows, schema=types)}


def _append(path: Path, made: Baseline) -> None:
    line = f"{made.text()[:-1]},{json.dumps('digest')}:{json.dumps(made.digest)}}}\n"
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(handle, line.encode())
        os.fsync(handle)
    finally:
        os.close(handle)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
