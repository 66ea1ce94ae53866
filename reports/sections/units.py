"""Cost per unit of value against its target, with quality beside it, and what a thousand inferences cost."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from meterbook.reports.figures import Figures, Row, Span
from meterbook.reports.numbers import MINUS, NBSP, NONE, change, count, percent, price, ratio
from meterbook.reports.section import Section
from meterbook.reports.unit_figures import UnitDay
from meterbook.reports.unit_tracking import Goal, Standing, Track, track

_PER = 1000
"""Inferences are told by the thousand."""


def _build(frame: Figures) -> Mapping[str, Any] | None:
    now, before = frame.units(frame.span), frame.units(frame.earlier)
    inference = _inference(frame)
    if not now and inference is None:
        return None
    return {**told(frame, now, before), "inference": inference}


def told(frame: Figures, now: Mapping[str, Row], before: Mapping[str, Row]) -> dict[str, Any]:
    """Units of a period, each beside the same one before, with its quality."""
    days, baselines = days_of_units(frame, frame.span), frozen(frame)
    rows = [_row(row, before.get(name), tracked(name, row, days, baselines)) for name, row in now.items()]
    return {"rows": rows, "basis": frame.basis, "refused": [row for row in rows if row["refused"]]}


def _row(row: Row, before: Row | None, found: Track) -> dict[str, Any]:
    cost = ratio(row["cost_usd"], row["successes"])
    was = ratio(before["cost_usd"], before["successes"]) if before else None
    moved = change(cost, was) if cost is not None and was else None
    target = row["target_usd"]
    return {
        "label": row["label"],
        "feature": _features(row),
        "cost": price(cost),
        "change": percent(moved, plus=True),
        "target": price(target),
        "distance": NONE if not found.distance else percent(Decimal(repr(found.distance.point)), plus=True),
        "between": _between(found),
        "mood": "" if target is None or cost is None else "over" if cost > target else "under",
        "units": count(row["successes"]),
        "success": percent(ratio(row["successes"], row["units"])),
        "quality": percent(ratio(row["quality_sum"], row["quality_count"])),
        "escalated": percent(ratio(row["escalations"], row["units"])),
        "refused": found.why if found.standing is Standing.REFUSED else "",
    }


def _features(row: Row) -> str:
    more = row["features"] - 1
    return f"{row['feature']} and {more} more" if more > 0 else str(row["feature"])


def _between(found: Track) -> str:
    if not found.distance:
        return ""
    # What rounds to nothing has no sign.
    low, high = (f"{value * 100:+.0f}" if round(value * 100) else "0" for value in (found.distance.low, found.distance.high))
    return f"{low} to {high}{NBSP}%".replace("-", MINUS)


def tracked(name: str, row: Row, days: Mapping[str, Sequence[UnitDay]], baselines: Mapping[str, tuple[list[UnitDay], Decimal]]) -> Track:
    """Against the target of the row; quality against the frozen baseline, where there is one."""
    before, margin = baselines.get(name, ([], Decimal(0)))
    return track(name, days[name], before, Goal(target_usd=row["target_usd"], margin=margin))


def days_of_units(frame: Figures, span: Span) -> dict[str, list[UnitDay]]:
    """The days of a span that have anything of a unit, by unit."""
    query = """
        select unit, day, cast(sum(units) as bigint) as units, cast(sum(successes) as bigint) as successes, sum(cost_usd) as cost_usd,
            sum(quality_sum) as quality_sum, cast(sum(quality_count) as bigint) as quality_count
        from marts.unit_cost where day >= ? and day < ? group by unit, day order by unit, day
    """
    return _by_unit(frame.rows(query, *span))


def _by_unit(rows: Sequence[Row]) -> dict[str, list[UnitDay]]:
    found: dict[str, list[UnitDay]] = {}
    for row in rows:
        found.setdefault(row["unit"], []).append(UnitDay(**{name: row[name] for name in UnitDay.__dataclass_fields__}))
    return found


def frozen(frame: Figures) -> dict[str, tuple[list[UnitDay], Decimal]]:
    """The frozen baselines by unit, each with how far quality may fall."""
    rows = frame.rows("select * from marts.unit_baseline order by unit, day")
    margins = {row["unit"]: row["quality_margin"] for row in rows}
    return {name: (days, margins[name]) for name, days in _by_unit(rows).items()}


def _inference(frame: Figures) -> Mapping[str, str] | None:
    """What a thousand inferences cost, fully loaded, of the features that have any."""
    now, before = (_cost_of_inferences(frame, span) for span in (frame.span, frame.earlier))
    if now is None:
        return None
    return {"cost": price(now), "change": percent(change(now, before) if before else None, plus=True)}


def _cost_of_inferences(frame: Figures, span: Span) -> Decimal | None:
    query = """
        with feature as (
            select sum(cost_usd) as cost_usd, sum(successes) as successes from marts.unit_cost
            where unit = 'inference' and day >= ? and day < ? group by feature having sum(units) > 0
        )
        select coalesce(sum(cost_usd), 0) as cost_usd, cast(coalesce(sum(successes), 0) as bigint) as successes from feature
    """
    [row] = frame.rows(query, *span)
    return ratio(row["cost_usd"] * _PER, row["successes"])


SECTION = Section("units", _build, "No outcomes and no calls arrived for these days; cost per unit needs them.", "Cost per unit of value")
