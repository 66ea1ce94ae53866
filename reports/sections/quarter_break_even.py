"""Managed API against self-hosted: what both cost over a quarter, where they break even, and what it would take to get there."""

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from meterbook.reports.break_even import MILLION, Judged, Load, ModelCost, loads, model_costs
from meterbook.reports.change_text import VISIBLE
from meterbook.reports.charts import ACCENT, MUTED, OVER, Chart, Read, figure, text_at
from meterbook.reports.figures import ZERO
from meterbook.reports.numbers import count, dollars, head, percent, plural, price, ratio
from meterbook.reports.quality import brief
from meterbook.reports.quarter_frame import QuarterFrame
from meterbook.reports.section import Section

YEAR, MONTHS = Decimal(365), Decimal(12)
STOPPED = timedelta(days=7)
"""A pool that had no GPUs for so long serves no more: it has no year to come."""
DRAWN, TOLD, CAP, NAME = 8, 5, 1.5, 16
"""Pools of the figure and in sentences, where its axis ends (what lies beyond stands there with its number), letters of a name."""
_NOTE = (
    "Self-hosted is every hour of the pool with its operations, the API the same tokens at its list price. A pool breaks even at its"
    " utilisation times its cost over that of the API. A year is 365 of the days since the pool's first one of the quarter."
)
_BEYOND = "An arrow lies beyond the scale."


@dataclass(frozen=True)
class Case:
    """A pool over the quarter.

    Args:
        load: its hours.
        months: its hours by month, for people: Oct, Nov, Dec.
        days: of the quarter since it had GPUs.
        is_running: whether it still had any in the last days.
    """

    load: Load
    months: Sequence[tuple[str, Load]]
    days: int
    is_running: bool

    @property
    def point(self) -> Judged:
        """How it stands, its unknown time left out."""
        return self.load.judged["point"]

    @property
    def saving_usd(self) -> Decimal | None:
        """What it spared against the API, USD of the quarter, negative where the API is cheaper; None where one has no price."""
        return None if self.point.even is None else self.load.api_usd - self.load.cost_usd

    @property
    def year_usd(self) -> Decimal | None:
        """The same of a year; None too where the pool serves no more."""
        return self.saving_usd * YEAR / self.days if self.saving_usd is not None and self.is_running else None

    @property
    def tokens(self) -> Decimal:
        """Tokens a month."""
        return self.load.tokens * YEAR / MONTHS / self.days

    @property
    def even_tokens(self) -> Decimal | None:
        """Tokens a month at which both cost the same."""
        factor = ratio(self.load.cost_usd, self.load.api_usd)
        return None if factor is None else self.tokens * factor


def _build(frame: QuarterFrame) -> Mapping[str, Any] | None:
    models = model_costs(frame.rows, frame.span)
    if not models:
        return None
    found = sorted(cases(frame, list(dict.fromkeys(one.pool for one in models))), key=lambda one: -one.load.cost_usd)
    uncounted = sum(one.uncounted_requests for one in models)
    drawn = [one for one in found if one.point.used is not None][:DRAWN]
    return {
        "lead": lead(frame, found),
        "chart": _chart(drawn) if drawn else None,
        "models": [_model(one) for one in models],
        "pools": [_pool(one) for one in found],
        "sentences": [sentence(one) for one in found[:TOLD]],
        "notes": list(_notes(models, found, uncounted)),
    }


def cases(frame: QuarterFrame, pools: Sequence[str]) -> Iterator[Case]:
    """The pools that have hours in the quarter."""
    for load in loads(frame.rows, frame.span, pools):
        if load.days:
            first, last = load.days
            months = [(f"{frame.span_of(month)[0]:%b}", load.within(frame.span_of(month))) for month in frame.months]
            yield Case(load, months, (frame.span[1] - first).days, last > frame.last - STOPPED)


def lead(frame: QuarterFrame, found: Sequence[Case]) -> str:
    """What own GPUs cost beside the APIs, over the quarter and a year; which pools cannot be held against any."""
    compared = [one for one in found if one.saving_usd is not None]
    silent = len(found) - len(compared)
    if not compared:
        return f"What self-hosting cost cannot be held against an API: {_reason(found)}."
    cost, api = (sum((getattr(one.load, name) for one in compared), ZERO) for name in ("cost_usd", "api_usd"))
    where = f"on {compared[0].load.pool}" if len(compared) == 1 else f"on {plural(len(compared), 'pool')}"
    said = f"Self-hosting {where} cost {head(cost)} in {frame.title}{'' if frame.is_whole else ' so far'}"
    said += f"; the same tokens would have cost {head(api)} at the API."
    years = [one.year_usd for one in compared if one.year_usd is not None]
    if years:
        year = sum(years, ZERO)
        less = "as much as the API" if abs(year) < VISIBLE else f"{head(abs(year))} {'less' if year > 0 else 'more'} than the API"
        said += f" At this use self-hosting costs {less} in a year."
    return said + (f" {_pools(silent)} cannot be held against an API." if silent else "")


def _pools(number: int) -> str:
    return f"{number:,} more {'pool' if number == 1 else 'pools'}"


def _reason(found: Sequence[Case]) -> str:
    if not found:
        return "no GPU hours of its pools are known"
    return "no API has a price for it" if any(one.point.verdict == "unpriced" for one in found) else "what its GPU hours did is unknown"


def sentence(case: Case) -> str:
    """Where a pool stands, and what it would take."""
    point, pool = case.point, case.load.pool
    used, even = f"used {percent(point.used)}", f"breaks even at {percent(point.even)}"
    if case.load.verdict == "unpriced":
        return f"{pool}: {used}; no price of an API to hold it against."
    if case.load.verdict == "unknown" or point.even is None:
        return f"{pool}: whether it is worth it cannot be told, for too much of its time is unknown."
    if case.load.verdict == "worth it":
        return f"{pool} is worth it: {used}, it {even}, and nine of ten hours are busier. {_room(case)}"
    if case.load.verdict == "on the whole":
        return f"{pool} is worth it on the whole, but not in its quiet hours: {used}, it {even}. {_room(case)}"
    if case.load.verdict == "never":
        return f"{pool} would cost more than the API even if it were never idle. {_hour(case)}"
    more = f"{count(case.even_tokens)} tokens a month on the same GPUs where it has {count(case.tokens)}"
    return f"The API would have cost less than {pool}: {used}, it {even}. To get there takes {more}. {_hour(case)}"


def _room(case: Case) -> str:
    return f"Its tokens may fall from {count(case.tokens)} to {count(case.even_tokens)} a month before the API is cheaper."


def _hour(case: Case) -> str:
    now = ratio(case.load.cost_usd, case.load.gpu_hours)
    if not now:
        return ""
    return f"At today's tokens a GPU-hour would have to cost {price(now * case.load.api_usd / case.load.cost_usd)}, not {price(now)}."


def _notes(models: Sequence[ModelCost], found: Sequence[Case], uncounted: int) -> Iterator[str]:
    apis = sorted({one.api for one in models if one.beside_usd is None})
    if apis:
        yield f"No price is known of {', '.join(apis[:TOLD])}: name a model of a rate card as `api` in meterbook.yaml."
    if left_out := sum(one.load.left_out for one in found):
        yield f"{plural(left_out, 'hour')} without a known cost or price left out."
    if uncounted:
        yield f"The tokens of {plural(uncounted, 'call')} are unknown and in no figure."
    for one in found[:TOLD]:
        low, high = one.load.judged["low"], one.load.judged["high"]
        if low.used != high.used:
            even = "" if low.even == high.even else f" and breaks even at {percent(low.even)} to {percent(high.even)}"
            used = f"{percent(low.used)} to {percent(high.used)}"
            yield f"With its unknown time taken as idle or as work {one.load.pool} was used {used}{even}."
    yield "Quality is taken to be equal, and tokens to grow with the time that a pool works."


def _model(one: ModelCost) -> Mapping[str, str]:
    return {
        "model": one.model,
        "pool": one.pool,
        "tokens": count(one.tokens),
        "own": price(one.allocation_usd),
        "beside": price(one.beside_usd),
        "api": one.api,
    }


def _pool(case: Case) -> Mapping[str, str]:
    return {
        "pool": case.load.pool,
        "used": percent(case.point.used),
        "even": percent(case.point.even),
        "tokens": count(case.tokens),
        "even_tokens": count(case.even_tokens),
        "cost": dollars(case.load.cost_usd),
        "api": dollars(case.load.api_usd) if case.saving_usd is not None else dollars(None),
        "year": dollars(case.year_usd, plus=True),
        "mood": "" if not case.year_usd else "under" if case.year_usd > 0 else "over",
    }


def _chart(found: Sequence[Case]) -> Chart:
    label = "; ".join(f"{one.load.pool} used {percent(one.point.used)}, breaks even at {percent(one.point.even)}" for one in found)
    return Chart(
        name="quarter_break_even",
        question="How busy must our own GPUs be to beat the API?",
        label=label,
        figure=_drawn(found),
        header=("Pool", "Used", "Breaks even at", "Self-hosted, $/M", "API, $/M"),
        rows=[row for one in found for row in _values(one)],
        read=[Read("marts.self_hosted_load", [row for one in found for row in one.load.hours])],
        note=f"{_NOTE} {_BEYOND}" if any(one.point.even is not None and one.point.even > CAP for one in found) else _NOTE,
    )


def _values(case: Case) -> Iterator[tuple[str, ...]]:
    for name, load in [*case.months, ("quarter", case.load)]:
        point = load.judged["point"]
        own, api = (ratio(usd * MILLION, load.tokens) for usd in (load.cost_usd, load.api_usd))
        beside = price(api if point.even is not None else None)
        yield f"{case.load.pool}, {name}", percent(point.used), percent(point.even), price(own), beside


def _drawn(found: Sequence[Case]) -> Mapping[str, Any]:
    """A line of its months for each pool, the last one named, and the mark of where it breaks even."""
    traces, labels = [], []
    for place, one in enumerate(found):
        points = [(name, used) for name, load in one.months if (used := load.judged["point"].used) is not None]
        sizes, colours = [7] * (len(points) - 1) + [11], [MUTED] * (len(points) - 1) + [ACCENT]
        at = [min(float(used), CAP) for _, used in points]
        marker = {"size": sizes, "color": colours}
        traces.append(_trace(at, place, mode="lines+markers", line={"color": MUTED, "width": 1}, marker=marker))
        labels.append(text_at(at[-1], place, f"{points[-1][0]} {percent(points[-1][1])}", shift=20))
        if one.point.even is not None:
            even = min(float(one.point.even), CAP)
            # What lies beyond the scale is an arrow at its end.
            symbol, size = ("triangle-right", 13) if one.point.even > CAP else ("line-ns-open", 18)
            marker = {"symbol": symbol, "size": size, "color": OVER, "line": {"width": 3, "color": OVER}}
            traces.append(_trace([even], place, mode="markers", marker=marker))
            labels.append(text_at(even, place, f"even at {percent(one.point.even)}", shift=-20))
    top = max(1.0, *(max(trace["x"]) for trace in traces))
    return figure(
        traces,
        height=70 + 62 * len(found),
        right=108,
        annotations=labels,
        xaxis={"range": [0, top * 1.02], "tickformat": ".0%", "nticks": 5},
        yaxis={
            "tickvals": list(range(len(found))),
            "ticktext": [html.escape(brief(one.load.pool, NAME)) for one in found],
            "range": [len(found) - 0.4, -0.6],
            "tickprefix": "",
            "ticks": "outside",
            "ticklen": 12,
            "tickcolor": "rgba(0,0,0,0)",
            "showgrid": False,
        },
    )


def _trace(x: Sequence[float], place: int, **more: object) -> dict[str, Any]:
    return {"type": "scatter", "x": list(x), "y": [place] * len(x), "hoverinfo": "skip", "cliponaxis": False, **more}


SECTION = Section("quarter_break_even", _build, "No calls of self-hosted models in this quarter.", "Managed API or our own GPUs?")
