"""Whether forecasts could be relied on: what days 3 and 10 of each month said, what it cost, and whether the band held it."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from meterbook.reports.charts import ACCENT, MUTED, Chart, Read, bars
from meterbook.reports.numbers import NONE, dollars, head, percent, plural
from meterbook.reports.periods import days_of
from meterbook.reports.quarter_forecasts import EARLY, LATER, Said, Told
from meterbook.reports.quarter_frame import QuarterFrame
from meterbook.reports.section import Section


def _build(frame: QuarterFrame) -> Mapping[str, Any] | None:
    told = frame.told_before
    own = [one for one in told.said if one.month in frame.months]
    if not own:
        return None
    drawn = list(_bars(own))
    chart = Chart(
        name="quarter_forecasts",
        question="What was forecast of each month, and what did it cost?",
        label="; ".join(f"{name} {text}" for name, text, _, _ in drawn),
        figure=bars([(name, text) for name, text, _, _ in drawn], [size for *_, size, _ in drawn], [colour for *_, colour in drawn]),
        header=("What", "Dollars", "Off by, or held"),
        rows=list(_values(own)),
        read=[Read("marts.forecast", told.forecasts), Read("marts.landing_error", told.errors)],
        note=f"Of everything, as known at the end of days {EARLY} and {LATER} of a month; off by is against what it cost.",
    )
    return {"chart": chart, "sentences": sentences(frame, told)}


def _bars(own: list[Said]) -> list[tuple[str, str, float, str]]:
    """Each month's forecasts, then what it cost, where it is over: name, label, size and colour."""
    found = []
    for month in dict.fromkeys(one.month for one in own):
        name = f"{days_of(month)[0]:%B}"
        of_month = [one for one in own if one.month == month]
        found += [(f"{name}, day {one.day}", _label(one), float(one.row["point_usd"]), MUTED) for one in of_month]
        if (landed := of_month[0].landed_usd) is not None:
            found.append((f"{name} cost", head(landed), float(landed), ACCENT))
    return found


def _label(one: Said) -> str:
    off = f", {percent(one.error, plus=True)}" if one.error is not None else ""
    return f"{head(one.row['point_usd'])}{off}"


def _values(own: list[Said]) -> Iterator[tuple[str, str, str]]:
    """What each day said with its band, then what the month cost; few columns, so that a phone has them all."""
    for month, said in groupby(own, key=lambda one: one.month):
        name, landed = f"{days_of(month)[0]:%B}", None
        for one in said:
            landed, held = one.landed_usd, {True: "held", False: "missed", None: "not over"}[one.is_inside]
            yield f"{name}, day {one.day}", dollars(one.row["point_usd"]), NONE if one.error is None else percent(one.error, plus=True)
            yield "its 80 % band", f"{dollars(one.row['low_usd'])} to {dollars(one.row['high_usd'])}", held
        if landed is not None:
            yield f"{name} cost", dollars(landed), ""


def sentences(frame: QuarterFrame, told: Told) -> list[str]:
    """What forecasts were off by on average, how many bands held, and which months are not over."""
    found = []
    for day in (EARLY, LATER):
        error, known = told.error(day, frame.months), told.on(day, frame.months)
        if error is not None:
            held = sum(bool(one.is_inside) for one in known)
            found.append(f"Forecasts of day {day} were off by {percent(error)} on average; {held} of {plural(len(known), 'band')} held.")
    over = {one.month for one in told.said if one.landed_usd is not None}
    if left := [f"{days_of(month)[0]:%B}" for month in frame.months if month not in over]:
        found.append(f"{' and '.join(left)} {'is' if len(left) == 1 else 'are'} not over: nothing to hold a forecast against yet.")
    return found


_EMPTY = "Nothing was forecast of this quarter's months: a forecast needs two days of history."
SECTION = Section("quarter_forecasts", _build, _EMPTY, "Could forecasts be relied on?")
