"""When GPUs work: share of each hour of the week, over four weeks, in which they were at work, by pool."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from markupsafe import Markup

from meterbook.reports.charts import Picture, Read
from meterbook.reports.frame import ZERO, Frame
from meterbook.reports.gpu_evidence import DAYS, Hour, Pool
from meterbook.reports.gpu_park import DAY_NAMES
from meterbook.reports.numbers import NONE, dollars, percent, plural, ratio
from meterbook.reports.section import Section

SHOWN = 4
"""Pools that have a picture, the dearest idle time first."""
CELL, LEFT, TOP = 16, 34, 18
"""Sizes in the picture's own units."""
_HOURS = range(24)


def _build(frame: Frame) -> Mapping[str, Any] | None:
    found = sorted((pool for pool in frame.gpu_pools if pool.seen_hours), key=lambda pool: (-(_idle_cost(pool) or ZERO), pool.name))
    if not found:
        return None
    return {"pools": [_pool(pool) for pool in found[:SHOWN]], "more": max(0, len(found) - SHOWN), "days": DAYS}


def _idle_cost(pool: Pool) -> Decimal | None:
    costs = [hour.idle_cost_usd for hour in pool.seen_hours]
    known = [cost for cost in costs if cost is not None]
    return sum(known, ZERO) if len(known) == len(costs) else None


def _pool(pool: Pool) -> Mapping[str, Any]:
    by_day = {day: [hour for hour in pool.seen_hours if hour.hour_of_week // 24 == place] for place, day in enumerate(DAY_NAMES)}
    cost = _idle_cost(pool)
    shares = {day: _share(hours, "used") or ZERO for day, hours in by_day.items() if hours}
    quiet = min(shares, key=lambda day: shares[day])
    used, held = (percent(_share(pool.seen_hours, name)) for name in ("used", "held"))
    said = [
        f"{used} at work and {held} held in {plural(len(pool.seen_hours), 'hour')} seen",
        "its idle time has no known cost" if cost is None else f"its idle time cost {dollars(cost)}",
        *([] if max(shares.values()) == shares[quiet] else [f"the quietest day is {quiet}"]),
    ]
    label = f"Share of the GPUs of {pool.name} at work by hour of the week; the values stand in the table below"
    picture = Picture(
        question=f"When is pool {pool.name} at work?",
        label=label,
        picture=_picture(pool, label),
        header=("Hour", *DAY_NAMES),
        rows=[(f"{hour:02}", *(_cell(pool.by_hour_of_week.get(day * 24 + hour, ())) for day in range(len(DAY_NAMES)))) for hour in _HOURS],
        read=[Read("marts.gpu_pool_hour", pool.hours)],
    )
    return {"picture": picture, "said": f"{'; '.join(said)[:1].upper()}{'; '.join(said)[1:]}."}


def _share(hours: Sequence[Hour], name: str) -> Decimal | None:
    return ratio(sum(getattr(hour, name) for hour in hours), sum(hour.seen for hour in hours))


def _cell(hours: Sequence[Hour]) -> str:
    used, held = _share(hours, "used"), _share(hours, "held")
    return NONE if used is None or held is None else f"{used * 100:.0f}/{held * 100:.0f}"


def _picture(pool: Pool, label: str) -> Markup:
    cells = Markup("").join(
        Markup('<rect class="{name}" x="{x}" y="{y}" width="{size}" height="{size}" fill-opacity="{share}"/>').format(
            name="seen" if share is not None else "missing",
            x=LEFT + hour * CELL,
            y=TOP + day * CELL,
            size=CELL - 2,
            share="1" if share is None else f"{share:.2f}",
        )
        for day in range(len(DAY_NAMES))
        for hour in _HOURS
        for share in [_share(pool.by_hour_of_week.get(day * 24 + hour, ()), "used")]
    )
    names = Markup("").join(
        Markup('<text x="0" y="{y}">{day}</text>').format(y=TOP + place * CELL + 11, day=day) for place, day in enumerate(DAY_NAMES)
    )
    clock = Markup("").join(Markup('<text x="{x}" y="11">{hour:02}</text>').format(x=LEFT + hour * CELL, hour=hour) for hour in _HOURS[::6])
    return Markup('<svg class="heat" role="img" aria-label="{label}" viewBox="0 0 {width} {height}">{clock}{names}{cells}</svg>').format(
        label=label,
        width=LEFT + len(_HOURS) * CELL,
        height=TOP + len(DAY_NAMES) * CELL,
        clock=clock,
        names=names,
        cells=cells,
    )


SECTION = Section("gpu_heat", _build, "No GPU samples in the four weeks.", "When do GPUs work?")
