"""The page of a month: its wording whatever the month was like, and its figures out of the marts."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from meterbook.reports.figures import PageFacts
from meterbook.reports.month_frame import MonthFrame
from meterbook.reports.numbers import MINUS, head
from meterbook.reports.page import render
from meterbook.reports.sections import (
    month_anomalies,
    month_budgets,
    month_kpis,
    month_opening,
    month_plan,
    moved,
    promotions,
    restatements,
)

MONTH, FIRST, LAST = "2026-10", date(2026, 10, 1), date(2026, 10, 31)
Con = duckdb.DuckDBPyConnection
BAD = ("<script>alert(1)</script>", "</script><b>x", "'\"quoted\"'", "\N{RIGHT-TO-LEFT OVERRIDE}evil", "n" * 200, "\N{RECEIPT}")


def _put(con: Con, table: str, **row: Any) -> None:
    con.execute(f"insert into {table} ({', '.join(row)}) values ({', '.join('?' * len(row))})", list(row.values()))


def _cost(con: Con, day: date, usd: str, *, team: str = "support", feature: str = "assistant") -> None:
    _put(con, "marts.cost", day=day, line="Model usage", team=team, feature=feature, tenant="(none)", cost_usd=Decimal(usd))


def _effect(con: Con, usd: str, effect: str, team: str = "support", feature: str = "assistant") -> None:
    span = {"period": MONTH, "kind": "month", "starts_on": FIRST, "ends_on": LAST}
    _put(con, "marts.cost_change", **span, team=team, feature=feature, model="m", effect=effect, change_usd=Decimal(usd))


def _budget(con: Con, amount: str, used: str, *, name: str = "everything", **more: Any) -> None:
    team = None if name == "everything" else name
    period = {"period": "month", "period_start": FIRST, "period_end": LAST + timedelta(days=1), "day_of_period": 31, "days_in_period": 31}
    use = {"measure": "dollars", "amount": Decimal(amount), "used": Decimal(used), "peak": Decimal(used), "unpriced_requests": 0}
    said = {"owner": team or "finance", "at_limit": "it is told", "team": team, "day": LAST}
    _put(con, "marts.budget_use", **{"budget": name, "scope": name, **period, **use, **said, **more})


def _forecast(con: Con, day: date, point: str) -> None:
    money = {name: Decimal(point) + gap for name, gap in (("low_usd", -10), ("point_usd", 0), ("high_usd", 10))}
    _put(con, "marts.forecast", day=day, dimension="total", scope="all", period=MONTH, days_left=(LAST - day).days, **money)


@pytest.fixture
def october(facts: PageFacts) -> PageFacts:
    return replace(facts, data_through=LAST)


def _frame(con: Con, facts: PageFacts) -> MonthFrame:
    return MonthFrame(con, MONTH, facts)


@pytest.mark.parametrize(
    ("moves", "headline", "cause"),
    [
        (
            ("800", "1000", "200"),
            "October cost $1,000; the largest cause of change since September is requests, +$200.",
            "$200, 25.0 %, more",
        ),
        (
            ("1000", "800", "-200"),
            f"October cost $800; the largest cause of change since September is requests, {MINUS}$200.",
            "$200, 20.0 %, less than September",
        ),
        (("1000", "1001", "1"), "October cost $1,001.", "Level with September (+$1)."),
        (("1000", "1000", "0"), "October cost $1,000.", "Level with September."),
        (
            ("-50", "-80", "-30"),
            f"October came to a credit of $80; the largest cause of change since September is requests, {MINUS}$30.",
            f"$30 less than September, mainly requests {MINUS}$30.",
        ),
        (
            ("1", "5000000", "4999999"),
            "October cost $5.00M; the largest cause of change since September is requests, +$4,999,999.",
            "$4,999,999 more than September, mainly requests +$4,999,999.",
        ),
    ],
    ids=["rises", "falls", "flat", "the same", "negative", "huge outlier"],
)
def test_the_verdict_names_the_largest_cause_unless_nothing_moved(
    empty: Con, october: PageFacts, moves: tuple[str, str, str], headline: str, cause: str
) -> None:
    before, now, effect = moves
    _cost(empty, date(2026, 9, 3), before)
    _cost(empty, date(2026, 10, 3), now)
    _effect(empty, effect, "volume")
    frame = _frame(empty, october)
    assert month_opening.headline(frame) == headline
    assert next(month_opening.causes(frame)).replace("\N{NO-BREAK SPACE}", " ").startswith(cause)


def test_a_month_without_cost_says_so_and_its_page_draws_nothing(empty: Con, october: PageFacts) -> None:
    made = render("monthly", MONTH, empty, october)
    assert "<h1>No cost was recorded in October.</h1>" in made
    assert "data-figure=" not in made.split("<script>")[0]
    for said in ("No cost in this month.", "No monthly budget held in this month", "No quota is to be moved", "No earlier month is closed"):
        assert said in made


def test_a_first_month_is_compared_with_nothing(empty: Con, october: PageFacts) -> None:
    _cost(empty, date(2026, 10, 3), "1000")
    frame = _frame(empty, october)
    assert month_opening.headline(frame) == "October cost $1,000."
    assert next(month_opening.causes(frame)) == "Nothing was recorded in September to compare it with."
    built = month_kpis.SECTION.build(frame)
    assert built is not None
    assert (built["kpis"][0].value, built["kpis"][0].delta, built["kpis"][0].basis) == ("$1,000", "", "nothing was recorded in September")


def test_the_verdict_holds_a_whole_month_against_its_budget_and_the_forecast_of_the_last_sunday(empty: Con, october: PageFacts) -> None:
    _cost(empty, date(2026, 10, 3), "1000")
    _budget(empty, "900", "1000")
    for day, point in ((date(2026, 10, 10), "700"), (date(2026, 10, 18), "800"), (date(2026, 10, 25), "1040"), (date(2026, 10, 30), "999")):
        _forecast(empty, day, point)
    frame = _frame(empty, october)
    assert month_opening.headline(frame) == "October cost $1,000, $100 over budget and $40 under the forecast of 25 October."
    built = month_kpis.SECTION.build(frame)
    assert built is not None
    budget, forecast = built["kpis"][1:3]
    assert (budget.value, budget.mood) == ("+$100", "over")
    assert (forecast.value, forecast.delta.replace("\N{NO-BREAK SPACE}", " ")) == ("$700", f"{MINUS}30.0 %")
    assert "outside its 80" in forecast.basis
    said = list(month_plan.sentences(frame))
    assert said[0].startswith("Actual is $100 (+11.1")
    assert said[1].endswith("the forecast of 10 October: its 80 % band, $690 to $710, did not hold it.")
    assert month_plan.SECTION.build(frame) is not None


def test_on_budget_to_the_dollar_is_neither_over_nor_under(empty: Con, october: PageFacts) -> None:
    _cost(empty, date(2026, 10, 3), "1000.2")
    _budget(empty, "1000", "1000.2")
    assert month_opening.headline(_frame(empty, october)) == "October cost $1,000, exactly on budget."


def test_a_month_that_is_not_over_is_compared_with_the_same_days_and_says_where_it_lands(empty: Con, facts: PageFacts) -> None:
    for day in (date(2026, 9, 25), date(2026, 9, 26), date(2026, 10, 25)):
        _cost(empty, day, "100")
    _budget(empty, "900", "100", day=date(2026, 10, 25))
    _forecast(empty, date(2026, 10, 25), "950")
    frame = _frame(empty, facts)
    assert (frame.before, frame.rival, frame.names) == (100, "the same days of September", ("Same days of September", "October so far"))
    assert month_opening.headline(frame) == "October has cost $100 by the 25th and is heading for $950, $50 over budget."
    assert [kpi.name for kpi in month_kpis.SECTION.build(frame)["kpis"][:2]] == ["Cost so far", "Landing against budget"]  # type: ignore[index]


def test_the_bridge_adds_up_from_month_to_month(empty: Con, october: PageFacts) -> None:
    _cost(empty, date(2026, 9, 3), "800")
    _cost(empty, date(2026, 10, 3), "1000")
    for effect, usd in (("volume", "150.5"), ("price", "-20.25"), ("mix", "60")):
        _effect(empty, usd, effect)
    frame = _frame(empty, october)
    parts = moved.bridge(frame)
    assert sum(value for _, value in parts) == frame.now - frame.before
    assert ("Not explained", Decimal("9.75")) in parts
    built = moved.SECTION.build(frame)
    assert built is not None
    assert [row[0] for row in built["chart"].rows][:: len(built["chart"].rows) - 2] == ["September", "October"]


def _budgets(con: Con, facts: PageFacts) -> Mapping[str, Any]:
    found = month_budgets.SECTION.build(_frame(con, facts))
    assert found is not None
    return found


def test_a_budget_that_is_off_by_five_percent_has_its_cause_written(empty: Con, october: PageFacts) -> None:
    for name, used in (("everything", "1000"), ("support", "120"), ("sales", "104"), ("research", "70")):
        _budget(empty, "1000" if name == "everything" else "100", used, name=name)
    _effect(empty, "30", "volume")
    _effect(empty, "-3", "price")
    _effect(empty, "4", "volume", team="sales")
    found = _budgets(empty, october)
    rows = {row["budget"]: row for row in found["rows"]}
    assert list(rows) == ["everything", "support", "sales", "research"]
    assert found["sentence"] == "2 of 4 budgets ended over their amount."
    assert (rows["support"]["gap"], rows["support"]["cause"]) == ("+$20", f"requests +$30, prices {MINUS}$3")
    assert rows["support"]["band"].startswith("over by 20")
    assert (rows["sales"]["gap"], rows["sales"]["cause"], rows["sales"]["mood"]) == ("+$4", "", "over")
    assert (rows["research"]["cause"], rows["research"]["mood"]) == ("not told by this scope", "under")
    assert rows["everything"]["mood"] == ""


def test_a_budget_of_nothing_that_was_used_comes_first_and_divides_by_nothing(empty: Con, october: PageFacts) -> None:
    _budget(empty, "100", "300", name="support")
    _budget(empty, "0", "5", name="sandbox")
    rows = _budgets(empty, october)["rows"]
    assert [(row["budget"], row["off"]) for row in rows] == [("sandbox", ""), ("support", "+200.0\N{NO-BREAK SPACE}%")]


@pytest.mark.parametrize(
    ("months", "said"),
    [
        ([("2026-09", "10", "10", "0", "0")], "The closed month costs to the last digit what was closed: nothing was restated."),
        (
            [("2026-09", "10", "12", "0", "2")],
            "1 of 1 closed month would now cost $2 more than was closed; $2 of it is still to be posted.",
        ),
        ([("2026-09", "10", "8", "-2", "0")], "1 of 1 closed month would now cost $2 less than was closed; all of it is posted."),
        (
            [("2026-08", "10", "10", "0", "0"), ("2026-09", "10", "10.1", "0", "0.1")],
            "1 of 2 closed months would now cost under $1 more than was closed; under $1 of it is still to be posted.",
        ),
    ],
)
def test_restatements_are_told_with_what_is_still_to_be_posted(
    empty: Con, october: PageFacts, months: list[tuple[str, ...]], said: str
) -> None:
    for period, *amounts in months:
        names = ("closed_usd", "now_usd", "corrected_usd", "due_usd")
        _put(empty, "marts.closed_month", period=period, posts_on=FIRST, **dict(zip(names, map(Decimal, amounts), strict=True)))
    _put(empty, "marts.closed_month", period=MONTH, posts_on=FIRST, closed_usd=1, now_usd=2, corrected_usd=0, due_usd=1)
    found = restatements.SECTION.build(_frame(empty, october))
    assert found is not None
    assert found["sentence"] == said


def test_alarms_of_a_month_say_how_many_were_worth_a_look(empty: Con, october: PageFacts) -> None:
    frame = _frame(empty, october)
    assert month_anomalies.precision(frame) == ""
    counts = {"cards": 4, "real_cards": 0, "false_cards": 0, "open_cards": 4, "muted_cards": 0}
    _put(empty, "marts.alarm_quality", period=MONTH, kind="spike", measure="cost", **counts)
    assert month_anomalies.precision(frame).startswith("4 alarms began in the month and nobody has looked at any")
    _put(
        empty,
        "marts.alarm_quality",
        period=MONTH,
        kind="drift",
        measure="cost",
        **counts | {"real_cards": 3, "false_cards": 1, "open_cards": 0},
    )
    said = month_anomalies.precision(frame).replace("\N{NO-BREAK SPACE}", " ")
    assert said == "Of 8 alarms that began in the month 4 were looked at and 3 were real, 75.0 %."


def test_what_is_verified_and_no_default_is_proposed_as_one(empty: Con, october: PageFacts) -> None:
    idea = {"step": 7, "lever": "gpu", "owner": "research", "pool": "training", "idea_on": FIRST, "ends_on": date(9999, 12, 31)}
    dates = {"committed_on": FIRST, "live_since": FIRST, "verified_on": date(2026, 10, 20), "status": "verified"}
    _put(empty, "book.saving", place=1, saving="fewer GPUs", **idea, **dates)
    _put(empty, "book.saving", place=2, saving="done", **idea, **dates, promoted_on=date(2026, 10, 30))
    money = {"was_usd": Decimal(101), "cost_usd": Decimal(70), "saving_usd": Decimal(31), "requests": 0, "unknown_requests": 0}
    _put(empty, "marts.savings", day=date(2026, 10, 21), saving="fewer GPUs", lever="gpu", owner="research", basis="measured", **money)
    frame = _frame(empty, october)
    [one] = promotions.proposals(frame)
    assert (one.text, one.owner, one.usd) == ("Make fewer GPUs a default of the platform", "research", (Decimal(365),) * 3)
    found = promotions.SECTION.build(frame)
    assert found is not None
    assert [(row["what"], row["gain"]) for row in found["rows"]] == [("fewer GPUs", "$31")]


def test_the_figures_of_the_page_are_those_of_the_marts(lake: Con, facts: PageFacts) -> None:
    made = render("monthly", MONTH, lake, facts)
    [(now,)] = lake.execute("select sum(cost_usd) from marts.cost where day >= '2026-10-01'").fetchall()
    query = "select sum(cost_usd) from marts.cost where day >= '2026-09-01' and day < '2026-09-26'"
    [(before,)] = lake.execute(query).fetchall()
    assert f"October has cost {head(now)} by the 25th" in made
    assert f"vs the same days of September, {head(before)}" in made
    values = re.findall(r'class="value">([^<]*)<', made)
    assert values[0] == head(now)
    assert made.count('<section id="') == 15


def test_one_team_alone_has_a_page_like_others(empty: Con, october: PageFacts) -> None:
    for day, usd in ((date(2026, 9, 3), "10"), (date(2026, 10, 3), "20")):
        _cost(empty, day, usd)
    made = render("monthly", MONTH, empty, october)
    assert "October cost $20; the largest cause of change since September is model usage, +$10." in made


def test_no_name_of_a_budget_or_a_team_becomes_markup(empty: Con, october: PageFacts) -> None:
    for place, name in enumerate(BAD):
        _cost(empty, date(2026, 10, 3), "20", team=name, feature=name)
        _budget(empty, "10", "20", name=name)
        _effect(empty, "3", "volume", team=name, feature=name)
        idea = {"step": 1, "lever": "caps", "owner": name, "idea_on": FIRST, "committed_on": FIRST, "status": "committed"}
        _put(empty, "book.saving", place=place, saving=name, ends_on=date(9999, 12, 31), **idea)
    made = render("monthly", MONTH, empty, october).split("<main>")[1].split("</main>")[0]
    assert "<script" not in made
    assert "<b>" not in made
