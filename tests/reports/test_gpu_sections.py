"""The sections on when GPUs work, how many are needed, and who answers for idle ones."""

import re
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pytest
from gpu_pools import END, MONDAY, NIGHT, Seen, pool

from meterbook.reports.gpu_evidence import HOUR, Pool
from meterbook.reports.numbers import NONE
from meterbook.reports.page import PageFacts, render

if TYPE_CHECKING:
    from playwright.sync_api import Browser

Con = duckdb.DuckDBPyConnection
WEEK = "2026-W43"
DAY = 24


def put(con: Con, table: str, rows: Sequence[dict[str, Any]]) -> None:
    # As one table: row by row, hundreds of hours take a second.
    con.register("given", pa.Table.from_pylist(rows))
    con.execute(f"insert into marts.{table} by name select * from given")
    con.unregister("given")


def told(con: Con, one: Pool) -> None:
    """A pool's four weeks as the marts have them."""
    put(con, "gpu_pool_hour", list(_hours(one)))
    sizing = {"target_utilization": one.target, "spare_gpus": one.spare, "unit_gpus": one.unit, "lead_days": one.lead_days}
    seconds = one.gpus * DAY * HOUR
    covered = one.committed * DAY * HOUR
    cost = {"cost_usd": 2 * one.gpus * DAY, "open_cost_usd": 2 * (one.gpus - one.committed) * DAY}
    day = {
        "pool": one.name,
        "owner": one.owner,
        "gpus": one.gpus,
        "committed_gpus": one.committed,
        "served_tier": "standard",
        **sizing,
        **cost,
    }
    day |= {"capacity_seconds": seconds, "covered_seconds": covered, "open_seconds": seconds - covered, "unpriced_seconds": 0}
    put(con, "gpu_fleet", [{"day": at, **day} for at in sorted({hour.day for hour in one.hours})])


def _hours(one: Pool) -> Iterator[dict[str, Any]]:
    for hour in one.hours:
        row = {name: getattr(hour, name) for name in ("day", "started_at", "hour_of_week", "bins")}
        tops = ("held_top", "held_next", "used_top", "used_next", "warm_idle", "free_idle", "unknown")
        seconds = {f"{name}_seconds": getattr(hour, name) for name in ("capacity", "seen", "held", "used", *tops)}
        cost = {"warm_idle_cost_usd": hour.idle_cost_usd, "free_idle_cost_usd": 0, "unpriced_seconds": 0}
        yield {**row, "pool": one.name, **seconds, "seen_top_seconds": one.gpus * 300, **cost}


def _section(con: Con, facts: PageFacts, name: str, week: str = WEEK) -> str:
    made = render("weekly", week, con, facts)
    found = made.split(f'<section id="{name}">')[1].split("</section>")[0]
    return found.replace("&nbsp;", " ").replace("\N{NO-BREAK SPACE}", " ")


def _cells(section: str, name: str) -> list[str]:
    row = next(part for part in section.split("<tr>") if f">{name}</th>" in part)
    return [re.sub(r"<[^>]*>", "", cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)]


def by_day(hour: int) -> Seen:
    """Four GPUs at work by day, one held by night."""
    return Seen(0, 1) if hour % DAY in NIGHT else Seen(4)


def test_the_hour_of_the_week_is_shaded_by_the_share_at_work_and_told_in_a_table(empty: Con, facts: PageFacts) -> None:
    told(empty, pool(by_day))
    section = _section(empty, facts, "gpu_heat")
    assert "33.3 % at work and 37.5 % held in 672 hours seen; its idle time cost $7,168." in section
    assert _cells(section, "06") == ["50/50"] * 7
    assert _cells(section, "23") == ["0/12"] * 7
    assert section.count('class="seen"') == 168
    assert "quietest" not in section
    assert len(re.findall(r'fill-opacity="0\.50"', section)) == 16 * 7


def test_an_hour_of_the_week_that_was_not_seen_is_none_that_was_idle(empty: Con, facts: PageFacts) -> None:
    told(empty, pool(by_day, hours=30))
    empty.execute("update marts.gpu_pool_hour set day = day + 21, started_at = started_at + interval 21 day")
    empty.execute("update marts.gpu_fleet set day = day + 21")
    section = _section(empty, facts, "gpu_heat")
    assert section.count('class="missing"') == 138
    assert _cells(section, "07") == ["50/50", *[NONE] * 6]
    assert "in 30 hours seen; its idle time cost $352; the quietest day is Tue." in section


def test_need_stands_against_have_with_what_it_would_save(empty: Con, facts: PageFacts) -> None:
    told(empty, pool(by_day, gpus=16, committed=4, spare=2))
    section = _section(empty, facts, "gpu_fleet")
    # 4 / .7 = 5.7 and two spare; 16 of 24 hours at work in the mean.
    assert _cells(section, "p") == ["16", "4", "8", "8", "6", NONE, "88.9 %", "0.3", "8"]
    assert "Release 8 of the 16 GPUs of pool p." in section
    assert "$140.2k a year" in section
    assert "low $140.2k, high $175.2k; low effort; 8 needed by what was at work, 8 by what was held, 6 by the mean;" in section


def test_a_pool_without_work_is_not_told_to_grow(empty: Con, facts: PageFacts) -> None:
    told(empty, pool(lambda hour: Seen(8) if hour < 400 else Seen(0)))
    section = _section(empty, facts, "gpu_fleet")
    assert _cells(section, "p")[-1] == "not used"
    assert "missing" not in section
    assert "none of its 8 GPUs has worked since 14 October" in section


def test_pools_that_are_nearly_full_are_named_with_the_day_to_order_by(empty: Con, facts: PageFacts) -> None:
    told(empty, pool(lambda hour: Seen((40, 44, 44, 55)[hour // 168]), gpus=100))
    told(empty, pool(lambda hour: Seen((400, 420, 440, 462)[hour // 168]), gpus=1000, name="q", lead_days=10))
    told(empty, pool(lambda _: Seen(9), gpus=10, name="r"))
    section = _section(empty, facts, "gpu_fleet")
    assert "In their busy hours 80 % of the GPUs are held, or more, in pool r." in section
    assert (
        "Pool p held 55.0 of 100 GPUs in its busy hours: at its growth 80 % of them are held in 27 days (11 days to never); order now."
        in section
    )
    assert "80 % of them are held in 78 days (78 days to 82 days); order by 2 January 2027." in section


def test_a_pool_that_is_gone_or_hardly_seen_gets_no_advice(empty: Con, facts: PageFacts) -> None:
    told(empty, pool(by_day))
    told(empty, pool(by_day, hours=20 * DAY, name="gone"))
    section = _section(empty, facts, "gpu_fleet")
    assert ">gone<" not in section
    empty.execute("delete from marts.gpu_pool_hour where day < ?", [END - timedelta(days=5)])
    assert "Nothing is said of 1 pool: seen for fewer than 7 days, or less than half the time." not in _section(empty, facts, "gpu_fleet")
    told(empty, pool(by_day, name="whole"))
    assert "Nothing is said of 1 pool: seen for fewer than 7 days, or less than half the time." in _section(empty, facts, "gpu_fleet")


def test_a_pool_of_less_than_two_weeks_is_said_to_have_no_hours_to_switch_off(empty: Con, facts: PageFacts) -> None:
    told(empty, pool(by_day))
    empty.execute("delete from marts.gpu_pool_hour where day < ?", [END - timedelta(days=7)])
    section = _section(empty, facts, "gpu_fleet")
    assert "Hours to switch off are told from two weeks on: 1 pool was seen for less." in section
    assert "Switch pool" not in section


def test_a_page_of_an_earlier_week_does_not_see_what_came_after_it(empty: Con, facts: PageFacts) -> None:
    told(empty, pool(by_day, gpus=16))
    before = _section(empty, facts, "gpu_fleet", "2026-W42")
    empty.execute("update marts.gpu_pool_hour set used_top_seconds = 4800, held_top_seconds = 4800 where day >= '2026-10-19'")
    empty.execute("update marts.gpu_fleet set gpus = 99 where day >= '2026-10-19'")
    assert _section(empty, facts, "gpu_fleet", "2026-W42") == before
    assert MONDAY < date(2026, 10, 19) < END


def test_the_largest_saving_on_gpus_needs_a_decision_and_is_told_once(empty: Con, facts: PageFacts) -> None:
    told(empty, pool(by_day, gpus=16))
    idle = {"free_idle_seconds": 9000, "capacity_seconds": 10000, "free_idle_cost_usd": 100, "owner": "red", "used_seconds": 1000}
    rest = {"warm_idle_seconds": 0, "unknown_seconds": 0, "cost_usd": 111}
    put(empty, "gpu_use", [{"day": date(2026, 10, 20), "pool": name, "gpu_model": "(none)", **idle, **rest} for name in ("p", "q")])
    section = _section(empty, facts, "decisions")
    assert "Release 9 of the 16 GPUs of pool p." in section
    assert "$157.7k to $192.7k; low effort; " in section
    assert '<a href="#gpu_fleet">evidence</a>' in section
    assert "Release or share GPUs of pool q" in section
    assert "Release or share GPUs of pool p" not in section
    assert "Switch pool p off" not in section


def test_idle_time_is_told_by_who_answers_for_it(empty: Con, facts: PageFacts) -> None:
    warm = {"day": date(2026, 10, 20), "pool": "p", "owner": "red", "idle_state": "warm idle", "idle_seconds": 7200, "unpriced_seconds": 0}
    rows = [
        {**warm, "cost_usd": Decimal(4)},
        {**warm, "owner": "blue", "idle_state": "free idle", "idle_seconds": 36000, "cost_usd": Decimal(20)},
    ]
    rows += [
        {
            **warm,
            "owner": "unallocated",
            "pool": "q",
            "idle_state": "free idle",
            "idle_seconds": 3600,
            "unpriced_seconds": 3600,
            "cost_usd": None,
        }
    ]
    rows += [{**warm, "day": date(2026, 10, 18), "cost_usd": Decimal(99)}]
    put(empty, "gpu_idle", rows)
    section = _section(empty, facts, "gpu_idle")
    assert _cells(section, "red") == ["2", "$4", "0", "$0", "$4"]
    assert _cells(section, "blue") == ["0", "$0", "10", "$20", "$20"]
    assert _cells(section, "nobody") == ["0", "$0", "1", NONE, NONE]
    assert re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", section.split("<tfoot>")[1]) == ["Total", "2", "$4", "11", "$20", "$24"]
    assert "7.7 % of these hours have no price." in section


@pytest.mark.browser
@pytest.mark.parametrize("width", [pytest.param(1280, marks=pytest.mark.nightly), 390])
def test_the_sections_fit_with_long_names(width: int, browser: "Browser", empty: Con, facts: PageFacts, tmp_path: Path) -> None:
    for number in range(6):
        told(empty, pool(by_day, gpus=16, name=f"{'training_of_large_models' * 2}-{number}", owner="platform-engineering"))
    path = tmp_path / "page.html"
    path.write_text(render("weekly", WEEK, empty, facts).replace("<details>", "<details open>"), "utf-8")
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(path.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.locator("#gpu_heat svg.heat").count() == 4
    assert page.locator("#gpu_heat svg.heat").first.bounding_box() is not None
    page.close()
