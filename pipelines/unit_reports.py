"""What `meterbook unit` reads and writes of a book: its units, their figures by period and cut, baselines, and the tracker."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from meterbook.assets.book import BookError
from meterbook.assets.unit_baselines import Baseline, freeze_baseline
from meterbook.assets.units import INFERENCE, Unit
from meterbook.assets.workspace import Workspace
from meterbook.reports.unit_figures import UnitDay, cut, daily, days_of_unit
from meterbook.reports.unit_tracking import BASELINE_DAYS, Goal, Track, baseline_span, track

Span = tuple[date, date]
_ALWAYS = Unit.model_construct(unit=INFERENCE, label="thousand inferences")


@dataclass(frozen=True)
class Tracked:
    """A unit, the days looked at, and where it stands."""

    unit: str
    label: str
    span: Span
    baseline: str
    """Which days it is held against, in words."""
    track: Track


class UnitBook:
    """The units of a book: those of units.yaml, those its outcomes name, and inference.

    Args:
        folder: the book, after a run.

    Raises:
        BookError: the book is wrong.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self._workspace = folder, Workspace(folder)

    @cached_property
    def units(self) -> dict[str, Unit]:
        """By name, as the book has them; those that only outcomes name have their name for a label."""
        said = {unit.unit: unit for unit in self._workspace.book.units}
        query = "select distinct unit from marts.unit_cost where unit not in ('inference', '(no unit)') order by unit"
        with self._workspace.catalog.connect() as con:
            named = [name for (name,) in con.execute(query).fetchall() if name not in said]
        return said | {name: Unit.model_construct(unit=name, label=name) for name in named} | {INFERENCE: _ALWAYS}

    def unit(self, name: str) -> Unit:
        """One of them.

        Raises:
            BookError: there is none of that name.
        """
        if name not in self.units:
            raise BookError(f"no unit {name!r}; there are {', '.join(self.units)}")
        return self.units[name]

    def days(self, name: str) -> Span | None:
        """The first and the last day on which any was attempted."""
        with self._workspace.catalog.connect() as con:
            return days_of_unit(con, name)

    def baseline(self, name: str) -> Baseline | None:
        """The one that is frozen."""
        return self._workspace.book.baselines.get(name)

    def rows(self, name: str, span: Span, by: Sequence[str]) -> list[dict[str, Any]]:
        """Its figures in a half-open span, by periods and dimensions."""
        with self._workspace.catalog.connect() as con:
            return cut(con, self.unit(name).unit, span, by)

    def figures(self, name: str, span: Span) -> list[UnitDay]:
        """Its days in a half-open span."""
        with self._workspace.catalog.connect() as con:
            return daily(con, name, span)

    def freeze(self, name: str, said: Span | None, why: str) -> Baseline:
        """Freeze its baseline: the days that are said, else those of units.yaml, else the first two weeks with data.

        Raises:
            BookError: it has no data.
            BaselineError: it has a baseline and no reason is given for another, or nothing was delivered in those days.
            AuditError: the audit does not verify.
        """
        span = said or self._baseline_span(self.unit(name))
        if span is None:
            raise BookError(f"there is nothing of {name} in the lake; `meterbook run` first")
        return freeze_baseline(self.folder, name, self.figures(name, span), span, why)

    def tracked(self, name: str, said: Span | None) -> Tracked:
        """Where it stands, over the days that are said, else the last two weeks with data.

        Raises:
            BookError: it has no data.
        """
        unit, days = self.unit(name), self.days(name)
        if days is None:
            raise BookError(f"there is nothing of {name} in the lake; `meterbook run` first")
        end = days[1] + timedelta(days=1)
        span, frozen = said or (end - BASELINE_DAYS, end), self.baseline(name)
        before = (frozen.baseline_from, frozen.baseline_to) if frozen else self._baseline_span(unit) or span
        words = f"{before[0]} to {before[1] - timedelta(days=1)}, {f'frozen on {frozen.frozen_on}' if frozen else 'not frozen'}"
        goal = Goal(unit.target_usd, unit.improve, unit.quality.margin, 1000 if name == INFERENCE else 1)
        held = frozen.figures if frozen else self.figures(name, before)
        return Tracked(name, unit.label, span, words, track(name, self.figures(name, span), held, goal))

    def _baseline_span(self, unit: Unit) -> Span | None:
        said = (unit.baseline_from, unit.baseline_to) if unit.baseline_from and unit.baseline_to else None
        days = self.days(unit.unit)
        return baseline_span(*days, said) if days else None
