"""The section that says how long jobs waited for GPUs."""

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from meterbook.reports.numbers import NONE
from meterbook.reports.page import PageFacts, render

Con = duckdb.DuckDBPyConnection
MONDAY = date(2026, 10, 19)
HOUR = 3600
ROLLED_UP = dict.fromkeys(("team", "queue", "priority", "hour_of_day"), "(all)")
COUNTS = dict.fromkeys(("waiting_runs", "cancelled_runs", "unknown_runs", "target_runs", "within_target_runs"), 0)
LENGTHS = {"p50_seconds": 45, "p90_seconds": 1500, "p99_seconds": 2 * HOUR, "longest_seconds": 7 * HOUR}
SUMS = {"wait_seconds": 77 * HOUR, "unshared_seconds": 7 * HOUR}
WAIT: dict[str, Any] = {"span": "week", "day": MONDAY, "started_runs": 100, **ROLLED_UP, **COUNTS, **LENGTHS, **SUMS}
LOSS = {"day": MONDAY, "team": "red", "queue": "gpu", "loss": "preempted", "runs": 2, "unknown_runs": 0, "lost_gpu_seconds": 30 * HOUR}


def put(con: Con, table: str, rows: Sequence[dict[str, Any]]) -> None:
    for row in rows:
        con.execute(f"insert into marts.{table} ({', '.join(row)}) values ({', '.join('?' * len(row))})", list(row.values()))


def _section(con: Con, facts: PageFacts) -> str:
    made = render("weekly", "2026-W43", con, facts)
    found = made.split('<section id="queues">')[1].split("</section>")[0]
    return found.replace("&nbsp;", " ").replace("\N{NO-BREAK SPACE}", " ")


def _cells(section: str, name: str) -> list[str]:
    row = next(part for part in section.split("<tr>") if f">{name}<" in part)
    return [re.sub(r"<[^>]*>", "", cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)]


def test_a_week_without_jobs_is_a_quiet_line(empty: Con, facts: PageFacts) -> None:
    assert '<p class="quiet">No GPU jobs in this week.</p>' in _section(empty, facts)


def test_waits_are_said_by_percentile_added_up_and_by_the_clock(empty: Con, facts: PageFacts) -> None:
    put(empty, "queue_wait", [{**WAIT, "parted_by": "total"}, {**WAIT, "parted_by": "team", "team": "red"}])
    section = _section(empty, facts)
    assert "100 runs started: half within 45 s, 90 % within 25 min, 99 % within 2.0 h; the longest waited 7.0 h." in section
    assert "Added up, runs waited 77.0 h; by the clock, teams waited 7.0 h." in section
    assert "Not in these figures" not in section
    assert _cells(section, "red") == ["100", "25 min", "77.0 h", "7.0 h", NONE, "0", "$0"]


def test_what_has_not_started_is_said_apart(empty: Con, facts: PageFacts) -> None:
    apart = {"waiting_runs": 12, "longest_waiting_seconds": 120 * HOUR, "cancelled_runs": 1, "unknown_runs": 3}
    put(empty, "queue_wait", [{**WAIT, "parted_by": "total", **apart}])
    assert (
        "Not in these figures: 12 runs had not started at the end of the data, the longest after 120 h; "
        "1 run was cancelled while waiting; of 3 runs the wait is unknown."
    ) in _section(empty, facts)


@pytest.mark.parametrize(("within", "verdict"), [(90, "90.0 % met"), (89, "89.0 % missed")])
def test_a_queue_meets_its_target_where_so_many_runs_started_in_time(within: int, verdict: str, empty: Con, facts: PageFacts) -> None:
    target = {"target_seconds": 1800, "target_percentile": 90, "target_runs": 100, "within_target_runs": within}
    rows = [{**WAIT, "parted_by": "total"}, {**WAIT, "parted_by": "queue", "queue": "gpu", **target}]
    put(empty, "queue_wait", [*rows, {**WAIT, "parted_by": "queue", "queue": "free", "wait_seconds": 0}])
    section = _section(empty, facts)
    assert _cells(section, "gpu")[5:7] == ["90 % in 30 min", verdict]
    assert _cells(section, "free")[5:7] == [NONE, NONE]
    assert section.index(">gpu<") < section.index(">free<")


def test_lost_gpu_hours_are_at_most_so_many_and_what_has_no_price_is_no_zero(empty: Con, facts: PageFacts) -> None:
    why = "the book names no pool for its queue"
    priced = {**LOSS, "unpriced_gpu_seconds": 0, "cost_usd": Decimal("61.4")}
    unpriced = {**LOSS, "team": "blue", "loss": "failed", "lost_gpu_seconds": 10 * HOUR, "unpriced_gpu_seconds": 10 * HOUR}
    put(empty, "queue_loss", [priced, {**unpriced, "unpriced_reason": why}, {**priced, "day": date(2026, 10, 18)}])
    section = _section(empty, facts)
    assert "At most 40.0 GPU hours were lost: 30.0 of runs that were preempted, 10.0 of runs that failed;" in section
    assert f"Of them 10.0 have no price: {why}." in section
    assert _cells(section, "red")[-2:] == ["30.0", "$61"]
    assert _cells(section, "blue")[-2:] == ["10.0", NONE]
    assert _cells(section, "Total")[-2:] == ["40.0", "$61"]


def test_what_could_move_is_a_range_and_unknown_where_the_pool_has_no_samples(empty: Con, facts: PageFacts) -> None:
    shift = {"week_start": MONDAY, "pool": "training", "waiting_gpu_seconds": 400 * HOUR, "sampled_waiting_gpu_seconds": 400 * HOUR}
    shift |= {"waited_while_free_gpu_seconds": 100 * HOUR, "shift_low_gpu_seconds": 5 * HOUR, "shift_high_gpu_seconds": 110 * HOUR}
    unknown = dict.fromkeys((name for name in shift if name.endswith("seconds")), 0) | {"pool": "(none)", "waiting_gpu_seconds": HOUR}
    put(empty, "queue_shift", [shift, {**shift, **unknown}, {**shift, "pool": "idle", "waiting_gpu_seconds": 0}])
    section = _section(empty, facts)
    assert _cells(section, "training") == ["400", "25.0 %", "5.0 to 110"]
    assert _cells(section, "queues without a pool") == ["1.0", NONE, NONE]
    assert ">idle<" not in section


def test_many_teams_are_cut_and_the_total_has_them_all(empty: Con, facts: PageFacts) -> None:
    teams = [{**WAIT, "parted_by": "team", "team": f"t{number:02}", "wait_seconds": number} for number in range(15)]
    put(empty, "queue_wait", [{**WAIT, "parted_by": "total", "wait_seconds": 105}, *teams])
    section = _section(empty, facts)
    assert "The total includes 3 further teams." in section
    assert ">t14<" in section
    assert ">t02<" not in section
    assert _cells(section, "Total")[2] == "1 min"
