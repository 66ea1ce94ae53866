"""How long jobs waited for GPUs and against which target, what that and lost runs cost, and what could move to hours with free GPUs."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from meterbook.reports.frame import ZERO, Frame, Row
from meterbook.reports.numbers import NBSP, NONE, count, dollars, percent, plural, ratio
from meterbook.reports.section import Section

SHOWN = 12
"""Queues and teams that are listed by name; the total has them all."""
_MINUTE, _HOUR = 60, 3600
_PRECISE = 100
"""Hours from which on a tenth of one says nothing."""
_LOSSES = {
    "failed": "failed",
    "preempted": "were preempted",
    "timeout": "ran out of time",
    "cancelled": "were cancelled while they ran",
    "earlier runs": "were evicted before they ran again",
}


def _build(frame: Frame) -> Mapping[str, Any] | None:
    waits = frame.rows("select * from marts.queue_wait where span = 'week' and day = ?", frame.week.first)
    lost = frame.rows(
        """
        select team, loss, cast(sum(runs) as bigint) as runs, cast(sum(lost_gpu_seconds) as bigint) as lost_gpu_seconds,
            cast(sum(unpriced_gpu_seconds) as bigint) as unpriced_gpu_seconds, sum(cost_usd) as cost_usd, min(unpriced_reason) as why
        from marts.queue_loss where day >= ? and day < ? group by team, loss order by sum(lost_gpu_seconds) desc, team, loss
        """,
        *frame.span,
    )
    pools = frame.rows(
        "select * from marts.queue_shift where week_start = ? and waiting_gpu_seconds > 0 order by waiting_gpu_seconds desc, pool",
        frame.week.first,
    )
    if not (waits or lost or pools):
        return None
    total = next((row for row in waits if row["parted_by"] == "total"), None)
    queues = sorted((row for row in waits if row["parted_by"] == "queue"), key=lambda row: (-row["wait_seconds"], row["queue"]))
    teams = _teams([row for row in waits if row["parted_by"] == "team"], lost)
    return {
        "said": [*_waited(total), *_lost(lost)] if total else [*_lost(lost)],
        "queues": [_queue(row) for row in queues[:SHOWN]],
        "queue_more": max(0, len(queues) - SHOWN),
        "teams": teams[:SHOWN],
        "team_more": max(0, len(teams) - SHOWN),
        "total": _team("Total", total, lost),
        "pools": [_pool(row) for row in pools],
    }


def _waited(total: Row) -> Iterator[str]:
    half, nine, most, longest, added, clock, still = (
        _span(total[f"{name}_seconds"]) for name in ("p50", "p90", "p99", "longest", "wait", "unshared", "longest_waiting")
    )
    if total["started_runs"]:
        yield (
            f"{plural(total['started_runs'], 'run')} started: half within {half}, 90{NBSP}% within {nine}, 99{NBSP}% within {most}; "
            f"the longest waited {longest}. Added up, runs waited {added}; by the clock, teams waited {clock}."
        )
    waiting, cancelled, unknown = (total[f"{name}_runs"] for name in ("waiting", "cancelled", "unknown"))
    apart = [
        (waiting, f"{plural(waiting, 'run')} had not started at the end of the data, the longest after {still}"),
        (cancelled, f"{plural(cancelled, 'run')} {'was' if cancelled == 1 else 'were'} cancelled while waiting"),
        (unknown, f"of {plural(unknown, 'run')} the wait is unknown"),
    ]
    if any(runs for runs, _ in apart):
        yield f"Not in these figures: {'; '.join(text for runs, text in apart if runs)}."


def _lost(lost: Sequence[Row]) -> Iterator[str]:
    seconds = sum(row["lost_gpu_seconds"] for row in lost)
    if not seconds:
        return
    ways: dict[str, int] = {}
    for row in lost:
        ways[row["loss"]] = ways.get(row["loss"], 0) + row["lost_gpu_seconds"]
    parts = ", ".join(
        f"{_gpu_hours(part)} of runs that {_LOSSES[way]}" for way, part in sorted(ways.items(), key=lambda one: -one[1]) if part
    )
    unpriced = sum(row["unpriced_gpu_seconds"] for row in lost)
    why = min(row["why"] for row in lost if row["why"]) if unpriced else ""
    yield (
        f"At most {_gpu_hours(seconds)} GPU hours were lost: {parts}; what a checkpoint saved is not known."
        + (f" Of them {_gpu_hours(unpriced)} have no price: {why}." if unpriced else "")
    )


def _queue(row: Row) -> dict[str, str]:
    target, runs, within = row["target_seconds"], row["target_runs"], row["within_target_runs"]
    is_met = within * _PRECISE >= row["target_percentile"] * runs if target is not None and runs else None
    return {
        "queue": row["queue"],
        "runs": count(row["started_runs"]),
        "p50": _span(row["p50_seconds"]),
        "p90": _span(row["p90_seconds"]),
        "p99": _span(row["p99_seconds"]),
        "longest": _span(row["longest_seconds"]),
        "target": NONE if target is None else f"{row['target_percentile']}{NBSP}% in {_span(target)}",
        "within": percent(ratio(within, runs)) if target is not None else NONE,
        "mood": "" if is_met is None else "under" if is_met else "over",
        "verdict": "" if is_met is None else "met" if is_met else "missed",
        "not_started": count(row["waiting_runs"] + row["cancelled_runs"]),
    }


def _teams(waits: Sequence[Row], lost: Sequence[Row]) -> list[dict[str, str]]:
    by_team: dict[str, Row | None] = {row["team"]: row for row in sorted(waits, key=lambda row: (-row["wait_seconds"], row["team"]))}
    for row in lost:
        by_team.setdefault(row["team"], None)
    return [_team(team, row, [one for one in lost if one["team"] == team]) for team, row in by_team.items()]


def _team(name: str, row: Row | None, lost: Sequence[Row]) -> dict[str, str]:
    costs = [one["cost_usd"] for one in lost if one["cost_usd"] is not None]
    return {
        "team": name,
        "runs": count(row["started_runs"]) if row else NONE,
        "p90": _span(row["p90_seconds"]) if row else NONE,
        "waited": _span(row["wait_seconds"]) if row else NONE,
        "clock": _span(row["unshared_seconds"]) if row else NONE,
        "value": dollars(row["wait_cost_usd"]) if row else NONE,
        "lost": _gpu_hours(sum(one["lost_gpu_seconds"] for one in lost)),
        # A dash is unknown; no loss costs nothing.
        "lost_cost": dollars(sum(costs, ZERO)) if costs or not lost else NONE,
    }


def _pool(row: Row) -> dict[str, str]:
    low, high = _gpu_hours(row["shift_low_gpu_seconds"]), _gpu_hours(row["shift_high_gpu_seconds"])
    is_sampled = bool(row["sampled_waiting_gpu_seconds"])
    return {
        "pool": "queues without a pool" if row["pool"] == "(none)" else row["pool"],
        "waited": _gpu_hours(row["waiting_gpu_seconds"]),
        "while_free": percent(ratio(row["waited_while_free_gpu_seconds"], row["sampled_waiting_gpu_seconds"])),
        "shift": NONE if not is_sampled else low if low == high else f"{low} to {high}",
    }


def _span(seconds: int | None) -> str:
    """A time span as people say it: 45 s, 12 min, 2.1 h, 310 h."""
    if seconds is None:
        return NONE
    if seconds < _MINUTE:
        return f"{seconds}{NBSP}s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE}{NBSP}min"
    return f"{_hours(seconds)}{NBSP}h"


def _gpu_hours(seconds: int) -> str:
    return _hours(seconds)


def _hours(seconds: int) -> str:
    hours = Decimal(seconds) / _HOUR
    if not seconds:
        return "0"
    return f"{hours:,.0f}" if hours >= _PRECISE else f"{hours:.1f}"


SECTION = Section("queues", _build, "No GPU jobs in this week.", "Waiting for GPUs")
