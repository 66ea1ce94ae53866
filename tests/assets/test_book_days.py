"""A book in a zone of its own: instants stay UTC, days and months are the zone's, and nothing is lost at their edges."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from small import limited, price

from meterbook.assets.workspace import Workspace

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("all_small")]
ASKED = ("core.request_cost", "marts.chargeback", "marts.conservation", "marts.reconciliation", "marts.spend")
HEAD = "id,at,model,input,output\n"
BOOK = """name: Zoned
time_zone: {zone}
coverage_target: 0
sources:
- name: gateway
  path: '*.csv'
  format: mapped
  mapping:
    kind: request
    columns: {{request_id: id, started_at: at, model: model, input_tokens: input, output_tokens: output}}
    constants: {{provider: openai, team: red, feature: chat}}
"""


def _write(folder: Path, name: str, instants: list[datetime]) -> None:
    lines = [f"{name}{n},{at.isoformat()}Z,gpt-5,1000,100\n" for n, at in enumerate(instants)]
    (folder / "inbox" / f"{name}.csv").write_text(HEAD + "".join(lines), "utf-8")


def _build(folder: Path) -> Workspace:
    workspace = limited(Workspace(folder), *ASKED)
    workspace.ingest()
    plan = workspace.plan()
    assert plan is not None
    for model in workspace.project.models.values():
        workspace.engine.build(model, (plan.from_day, plan.to_day))
    return workspace


def _ask(workspace: Workspace, sql: str) -> list[tuple[object, ...]]:
    with workspace.catalog.connect() as con:
        return con.execute(sql).fetchall()


HOURLY = [datetime(2026, 10, 30) + timedelta(hours=n, minutes=30) for n in range(72)]
ONE = Decimal("0.002")


@pytest.fixture(scope="module", params=["America/New_York", "Asia/Kolkata"])
def zoned(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Workspace]:
    """A book whose first two UTC days came first, and the third in a run of its own."""
    folder = tmp_path_factory.mktemp("zoned")
    (folder / "inbox").mkdir()
    (folder / "meterbook.yaml").write_text(BOOK.format(zone=request.param), "utf-8")
    price(folder, "openai", "gpt-5")
    _write(folder, "first", HOURLY[:48])
    _build(folder)
    _write(folder, "later", HOURLY[48:])
    return request.param, _build(folder)


def test_a_run_reaches_as_far_back_as_what_came_later_makes_stale(zoned: tuple[str, Workspace]) -> None:
    assert zoned[1].plan() is None


def test_a_month_of_the_book_is_that_of_its_zone_and_the_months_sum_to_the_whole(zoned: tuple[str, Workspace]) -> None:
    zone, workspace = zoned
    october = {"America/New_York": 52, "Asia/Kolkata": 42}[zone]
    found = dict(_ask(workspace, "select period, sum(cost_usd) from marts.chargeback group by period"))
    assert found == {"2026-10": ONE * october, "2026-11": ONE * (72 - october)}
    assert _ask(workspace, "select sum(cost_usd) from core.request_cost") == [(ONE * 72,)]
    assert _ask(workspace, "select sum(cost_usd), sum(difference_usd) from marts.conservation") == [(ONE * 72, 0)]


def test_a_day_of_the_book_is_whole_though_its_parts_came_in_two_runs(zoned: tuple[str, Workspace]) -> None:
    zone, workspace = zoned
    counts = {"America/New_York": [4, 24, 24, 20], "Asia/Kolkata": [18, 24, 24, 6]}[zone]
    first = {"America/New_York": date(2026, 10, 29), "Asia/Kolkata": date(2026, 10, 30)}[zone]
    assert _ask(workspace, "select day, requests from marts.spend order by day") == [
        (first + timedelta(days=n), count) for n, count in enumerate(counts)
    ]
    assert workspace.plan() is None


def test_a_day_on_which_clocks_go_back_has_25_hours(zoned: tuple[str, Workspace]) -> None:
    zone, workspace = zoned
    hours = "select count(*) from book.hour where book_day = date '2026-11-01'"
    assert _ask(workspace, hours) == [({"America/New_York": 25, "Asia/Kolkata": 24}[zone],)]


def test_what_a_provider_counts_by_utc_days_is_held_against_utc_days(zoned: tuple[str, Workspace]) -> None:
    days = "select day, logged_requests from marts.reconciliation where logged_requests > 0 order by day"
    assert _ask(zoned[1], days) == [(date(2026, 10, 30), 24), (date(2026, 10, 31), 24), (date(2026, 11, 1), 24)]
