"""A quarter's key figures, each beside the quarter before and its target, with a verdict in words; only those there is evidence for."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from meterbook.reports.numbers import NONE, change, head, percent, plural, points, price, ratio, share
from meterbook.reports.periods import months_of_quarter
from meterbook.reports.quarter_forecasts import LATER
from meterbook.reports.quarter_frame import QuarterFrame
from meterbook.reports.quarter_units import LEVEL, Unit

UNITS = 5
"""Units of value that have a line: the dearest."""
PICO = 10**12
NO_TARGET = "no target"
Ends = tuple[date, date] | tuple[str, str]
"""Half-open days, or the first and the last of some months."""
_PRICED = """
    select cast(coalesce(sum(case when reason = 'priced' then requests end), 0) as bigint) as part,
        cast(coalesce(sum(requests), 0) as bigint) as whole
    from marts.coverage where day >= ? and day < ?
"""
_BILLED = """
    select sum(difference_usd) as part, sum(case when billed_usd is not null then billed_usd end) as whole
    from marts.reconciliation where day >= ? and day < ? and billed_usd is not null
"""
_IDLE = """
    select cast(coalesce(sum(warm_idle_seconds + free_idle_seconds), 0) as bigint) as part,
        cast(coalesce(sum(capacity_seconds), 0) as bigint) as whole
    from marts.gpu_use where day >= ? and day < ?
"""
_CACHED = """
    select cast(coalesce(sum(cache_read_tokens), 0) as bigint) as part,
        cast(coalesce(sum(input_tokens + cache_read_tokens + cache_write_tokens), 0) as bigint) as whole
    from marts.token_use where day >= ? and day < ?
"""
_COMMITTED = "select sum(used_cost_usd) as part, sum(cost_usd) as whole from marts.commitment where day >= ? and day < ?"
_REAL = """
    select cast(coalesce(sum(real_cards), 0) as bigint) as part, cast(coalesce(sum(real_cards + false_cards), 0) as bigint) as whole
    from marts.alarm_quality where period >= ? and period <= ?
"""


@dataclass(frozen=True)
class Score:
    """One line of the scorecard, as it is shown.

    Args:
        name: what is measured.
        now: of the quarter.
        before: of the days that are compared; a dash where that is not known.
        target: what it should be; `no target` where the book has none.
        verdict: what to think of it, in words.
        mood: over is bad, under is good, empty is neither.
    """

    name: str
    now: str
    before: str
    target: str
    verdict: str
    mood: str = ""


@dataclass(frozen=True)
class _Share:
    """A share of the quarter and of the days that are compared; None where there was nothing."""

    now: Decimal | None
    before: Decimal | None


def scores(frame: QuarterFrame) -> list[Score]:
    """Every figure of a quarter that there is evidence for, in the order of the page."""
    return [*_spend(frame), *_units(frame), *_shares(frame), *_forecast(frame), *_savings(frame), *_alarms(frame)]


def _spend(frame: QuarterFrame) -> Iterator[Score]:
    if not frame.now and not frame.before:
        return
    name = "Cost of the quarter" if frame.is_whole else "Cost so far"
    before, moved = (head(frame.before), change(frame.now, frame.before)) if frame.before > 0 else (NONE, None)
    yield Score(name, head(frame.now), before, NO_TARGET, _moved(moved, "more", "less"), _mood(moved))
    plan = frame.planned
    if plan and plan.lands_usd is not None:
        gap, off = plan.lands_usd - plan.amount_usd, change(plan.lands_usd, plan.amount_usd)
        verb = "over" if gap > 0 else "under"
        verdict = "on plan" if off is None or abs(off) < LEVEL else f"{head(abs(gap))} {verb} plan, {percent(abs(off))}"
        said = "Cost against plan" if plan.is_over else "Landing against plan"
        yield Score(said, head(plan.lands_usd), NONE, f"{head(plan.amount_usd)}, {plan.name}", verdict, _mood(off))


def _units(frame: QuarterFrame) -> Iterator[Score]:
    for unit in [one for one in frame.valued if one.cost is not None and one.row["is_part"]][:UNITS]:
        target = NO_TARGET if unit.target is None else price(unit.target)
        yield Score(f"Cost per {unit.label}", price(unit.cost), price(unit.was), target, _of_unit(unit), _mood(_gap(unit)))


def _gap(unit: Unit) -> Decimal | None:
    """What a unit is judged by: its target, else what it cost before. A lower cost with less quality is no good news."""
    gap = unit.off if unit.off is not None else unit.moved
    return None if gap is not None and gap < 0 and unit.track.standing == "not an improvement" else gap


def _of_unit(unit: Unit) -> str:
    if unit.track.standing == "not an improvement":
        return f"cheaper, and no improvement: {unit.track.why}"
    off = unit.off
    if off is None:
        return f"{_moved(unit.moved, 'dearer', 'cheaper')}, {unit.quality_told}"
    size = "on target" if abs(off) < LEVEL else f"{percent(abs(off))} {'over' if off > 0 else 'under'} target"
    return f"{size}, {unit.quality_told}"


def _shares(frame: QuarterFrame) -> Iterator[Score]:
    facts = frame.facts
    owned = _Share(ratio(*frame.owned(frame.span)), ratio(*frame.owned(frame.earlier)))
    named, whole = frame.owned(frame.span)
    yield from _share("Cost with an owner", owned, facts.owner_target, shown=share(int(named * PICO), int(whole * PICO)))
    [row] = frame.rows(_PRICED, *frame.span)
    yield from _share("Calls with a price", _of(frame, _PRICED), facts.coverage_target, shown=share(row["part"], row["whole"]))
    billed = _of(frame, _BILLED)
    size = _Share(*(None if value is None else abs(value) for value in (billed.now, billed.before)))
    yield from _share("Billed beside priced, difference", size, None, up_is_bad=True)
    yield from _share("GPU time without work", _of(frame, _IDLE), None, up_is_bad=True)
    yield from _share("Input tokens from a cache", _of(frame, _CACHED), None)
    yield from _share("Commitments used", _of(frame, _COMMITTED), None)


def _of(frame: QuarterFrame, query: str, now: Ends | None = None, before: Ends | None = None) -> _Share:
    """The share that a query gives of the quarter and of the days compared, or between other ends."""
    found = [frame.rows(query, *ends)[0] for ends in (now or frame.span, before or frame.earlier)]
    return _Share(*(ratio(row["part"], row["whole"]) for row in found))


def _share(name: str, found: _Share, target: Decimal | None, *, up_is_bad: bool = False, shown: str = "") -> Iterator[Score]:
    """A line of a share; none where the quarter has no evidence."""
    if found.now is None:
        return
    moved = None if found.before is None else found.now - found.before
    wanted, verdict, mood = NO_TARGET, _better(moved, up_is_bad=up_is_bad), _mood(moved, up_is_bad=up_is_bad)
    if target is not None:
        wanted, is_met = f"{percent(target)} or more", found.now >= target
        verdict = f"{'meets' if is_met else 'misses'} its target, {verdict}"
        mood = "under" if is_met else "over"
    yield Score(name, shown or percent(found.now), percent(found.before), wanted, verdict, mood)


def _forecast(frame: QuarterFrame) -> Iterator[Score]:
    told, former = frame.told_before, [one.month for one in frame.told_before.said if one.month not in frame.months]
    now, before = told.error(LATER, frame.months), told.error(LATER, former)
    if now is not None:
        months = plural(len(told.on(LATER, frame.months)), "month")
        for one in _share(f"Forecast of day {LATER}, off by", _Share(now, before), None, up_is_bad=True):
            yield Score(one.name, one.now, one.before, one.target, f"{one.verdict}, of {months}", one.mood)


def _savings(frame: QuarterFrame) -> Iterator[Score]:
    ledger = frame.ledger
    if not ledger.entries:
        return
    live = [one for one in ledger.entries if one.is_live]
    low = [one.identified for one in ledger.entries if one.identified]
    left = f"{head(sum((one.point for one in low), Decimal(0)))} a month identified and not live" if low else "nothing identified beside it"
    [row] = frame.rows("select sum(saving_usd) as saving_usd from marts.savings where day >= ? and day < ?", *frame.earlier)
    was = None if row["saving_usd"] is None else row["saving_usd"] * frame.scale
    now = None if live and all(one.realised_usd is None for one in live) else ledger.realised_usd
    yield Score("Savings realised", head(now), head(was), NO_TARGET, f"{len(live)} live; {left}", "")


def _alarms(frame: QuarterFrame) -> Iterator[Score]:
    months, former = frame.months, months_of_quarter(frame.former)
    found = _of(frame, _REAL, (months[0], months[-1]), (former[0], former[-1]))
    if found.now is not None:
        [row] = frame.rows(_REAL, months[0], months[-1])
        for one in _share("Alarms that were real, of those looked at", found, None):
            yield Score(one.name, one.now, one.before, one.target, f"{row['part']:,} of {row['whole']:,}; {one.verdict}", one.mood)


def _better(moved: Decimal | None, *, up_is_bad: bool) -> str:
    """How a share moved, with what to think of it."""
    if moved is None:
        return "nothing to compare with"
    if abs(moved) < LEVEL:
        return "level"
    return f"{points(moved)}, {'worse' if (moved > 0) == up_is_bad else 'better'}"


def _moved(moved: Decimal | None, more: str, less: str) -> str:
    if moved is None:
        return "nothing to compare with"
    return "as before" if abs(moved) < LEVEL else f"{percent(abs(moved))} {more if moved > 0 else less}"


def _mood(moved: Decimal | None, *, up_is_bad: bool = True) -> str:
    if moved is None or abs(moved) < LEVEL:
        return ""
    return "over" if (moved > 0) == up_is_bad else "under"
