"""GPUs needed against GPUs there, when pools will be full, and what to do about it: each with evidence and a range of dollars."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from meterbook.reports.frame import Frame
from meterbook.reports.gpu_capacity import FULL, Outlook, outlook
from meterbook.reports.gpu_evidence import HOUR, Pool, reservations
from meterbook.reports.gpu_levers import Advice, advice
from meterbook.reports.gpu_need import MIN_DAYS, Size, size
from meterbook.reports.gpu_park import parked, unused
from meterbook.reports.numbers import NBSP, NONE, count, head, percent, plural, ratio
from meterbook.reports.section import Section

SHOWN = 10
"""Pools and actions that are listed."""
_FULL = f"{FULL * 100:.0f}{NBSP}%"


def _build(frame: Frame) -> Mapping[str, Any] | None:
    pools = frame.gpu_pools
    sized = [(pool, found) for pool in pools if (found := size(pool)) is not None]
    actions = advice(pools, reservations(frame))
    if not sized and not actions:
        return None
    sized.sort(key=lambda pair: (-abs(pair[1].point), -pair[0].gpus, pair[0].name))
    return {
        "rows": [_row(pool, found) for pool, found in sized[:SHOWN]],
        "more": max(0, len(sized) - SHOWN),
        "outlooks": list(_outlooks(frame, [pool for pool, _ in sized])),
        "actions": [_action(one) for one in actions[:SHOWN]],
        "more_actions": max(0, len(actions) - SHOWN),
        "silent": list(_silent(pools, len(sized))),
    }


def _row(pool: Pool, found: Size) -> Mapping[str, str]:
    need, quiet = found.needs, unused(pool)
    return {
        "pool": pool.name,
        "gpus": count(pool.gpus),
        "committed": count(pool.committed),
        "point": count(need.point),
        "safe": count(need.safe),
        "mean": count(need.mean),
        "packed": NONE if found.packed is None else f"{found.packed:.1f}",
        "duty": percent(ratio(pool.total("used"), pool.total("held"))),
        "without_work": f"{Decimal(pool.total('held') - pool.total('used')) / (HOUR * len(pool.seen_hours)):.1f}",
        "mood": "over" if found.point < 0 and not quiet else "",
        "may_go": "not used" if quiet else f"{count(abs(found.point))}{' missing' if found.point < 0 else ''}",
    }


def _outlooks(frame: Frame, pools: list[Pool]) -> Iterator[str]:
    found = [(pool, one) for pool in pools if (one := outlook(pool, frame.week.end)) is not None]
    full = [pool.name for pool, one in found if one.point == 0]
    if full:
        names = f"{'pool' if len(full) == 1 else 'pools'} {', '.join(full)}"
        yield f"In their busy hours {_FULL} of the GPUs are held, or more, in {names}."
    for pool, one in found:
        if one.point != 0 and one.soonest is not None:
            yield _said(pool, one, frame.week.end)


def _said(pool: Pool, found: Outlook, end: date) -> str:
    begins = f"Pool {pool.name} held {found.peak:,.1f} of {plural(pool.gpus, 'GPU')} in its busy hours:"
    soonest = plural(found.soonest or 0, "day")
    if found.point is None or found.order_by is None:
        return f"{begins} {_FULL} of them are held in {soonest} at the growth of its fastest week, else not within a year."
    latest = "never" if found.latest is None else plural(found.latest, "day")
    order = f"order by {_date(found.order_by)}" if found.order_by > end else "order now"
    return f"{begins} at its growth {_FULL} of them are held in {plural(found.point, 'day')} ({soonest} to {latest}); {order}."


def _date(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _action(one: Advice) -> Mapping[str, str]:
    usd = one.usd
    return {
        "amount": f"{head(usd.point)} a year" if usd else "no known price",
        "range": f"low {head(usd.low)}, high {head(usd.high)}; " if usd else "",
        "action": one.action,
        "evidence": one.evidence,
        "effort": one.effort,
        "owner": one.owner,
    }


def _silent(pools: Sequence[Pool], sized: int) -> Iterator[str]:
    if unknown := len(pools) - sized:
        yield f"Nothing is said of {plural(unknown, 'pool')}: seen for fewer than {MIN_DAYS} days, or less than half the time."
    if short := sum(1 for pool in pools if parked(pool) is None):
        yield f"Hours to switch off are told from two weeks on: {plural(short, 'pool')} {'was' if short == 1 else 'were'} seen for less."


SECTION = Section("gpu_fleet", _build, "Too few GPU samples in the four weeks to advise on.", "GPUs needed and there")
