"""Arms against their control: a planted winner is found, the same twice cannot be told apart, and cheaper but worse is refused."""

import csv
import io
import json
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest
from examples import TIMES
from running import typed

from meterbook.pipelines import cli_experiments
from meterbook.reports.experiments import Advice, Blocks, Experiment, advise, experiments, split
from meterbook.reports.frame import rows_of
from meterbook.reports.intervals import Comparison, Interval, Verdict
from meterbook.reports.page import PageFacts, render

Con = duckdb.DuckDBPyConnection
FIRST, END = date(2026, 10, 12), date(2026, 10, 26)
TENANTS = ("acme", "bolt", "cobalt", "dune", "ember")
NOT_WORSE = Comparison(Interval(-0.001, 0.0, 0.001), Verdict.NOT_WORSE)
WORSE = Comparison(Interval(-0.05, -0.04, -0.03), Verdict.WORSE)
UNSURE = Comparison(Interval(-0.05, 0.0, 0.05), Verdict.UNKNOWN)
ABOVE = Comparison(Interval(0.02, 0.03, 0.04), Verdict.NOT_WORSE)


def _plant(con: Con, arm: str, cost: float, *, quality: float = 0.9, success: float = 0.93, seed: int = 1, **more: Any) -> None:
    """Two weeks of an arm: some units a day and tenant at about a cost each, with scores about a quality."""
    rng = np.random.default_rng([seed, *arm.encode()])
    rows = []
    for day in range((END - FIRST).days):
        for tenant in TENANTS:
            units = int(rng.poisson(30))
            scores = np.clip(rng.normal(quality, 0.06, units), 0, 1).round(3)
            spent = float(np.exp(rng.normal(0, 0.4, units) - 0.08).sum()) * cost
            row = {"day": FIRST + timedelta(days=day), "unit": "page", "feature": "scan", "tenant": tenant, "experiment_arm": arm}
            row |= {"units": units, "successes": int(rng.binomial(units, success)), "escalations": 0, "quality_count": units}
            row |= {"quality_sum": round(float(scores.sum()), 3), "quality_sum_of_squares": round(float((scores**2).sum()), 6)}
            rows.append({**row, "requests": units, "unpriced_requests": 0, "cost_usd": Decimal(f"{spent:.9f}"), **more})
    planted = pl.DataFrame(rows)
    con.register("planted", planted)
    con.execute("insert into marts.experiment by name select * from planted")


def _asked(con: Con, **more: Any) -> list[Experiment]:
    return experiments(partial(rows_of, con), FIRST, END, **more)


def _advice(con: Con, **more: Any) -> Advice | None:
    [one] = _asked(con, **more)
    return one.judged[1].advice


@pytest.mark.parametrize("blocks", ["tenant-day", "day", "tenant"])
def test_a_planted_winner_graduates_and_its_saving_lies_in_the_interval(empty: Con, blocks: Blocks) -> None:
    _plant(empty, "model:control", 0.08)
    _plant(empty, "model:candidate", 0.06)
    [one] = _asked(empty, blocks=blocks)
    control, candidate = one.judged
    assert (one.name, one.feature, one.unit, control.arm.name, control.advice) == ("model", "scan", "page", "control", None)
    assert candidate.advice is Advice.GRADUATE
    assert candidate.difference is not None
    assert candidate.difference.low < (0.06 - 0.08) / 0.93 < candidate.difference.high < 0


def test_the_same_twice_cannot_be_told_apart_but_for_about_one_time_in_twenty(empty: Con) -> None:
    wrong = 0
    for seed in range(12 * TIMES):
        empty.execute("delete from marts.experiment")
        for arm in ("control", "twin"):
            _plant(empty, arm, 0.08, seed=seed)
        wrong += _advice(empty) is not Advice.UNKNOWN
    assert wrong <= 3 * TIMES


def test_cheaper_but_worse_is_refused(empty: Con) -> None:
    _plant(empty, "model:control", 0.08)
    _plant(empty, "model:candidate", 0.02, quality=0.86)
    assert _advice(empty) is Advice.WORSE
    assert _advice(empty, margin=0.1) is Advice.GRADUATE


def test_an_arm_whose_units_fail_more_often_is_refused_though_its_scores_are_as_good(empty: Con) -> None:
    _plant(empty, "model:control", 0.08)
    _plant(empty, "model:candidate", 0.02, success=0.8)
    assert _advice(empty) is Advice.WORSE


def test_without_scores_the_share_of_successes_is_the_quality(empty: Con) -> None:
    unscored = {"quality_count": 0, "quality_sum": 0, "quality_sum_of_squares": 0}
    _plant(empty, "model:control", 0.08, **unscored)
    _plant(empty, "model:candidate", 0.06, **unscored)
    [one] = _asked(empty)
    assert one.judged[1].quality == one.judged[1].success
    assert one.judged[1].advice is Advice.KEEP


def test_calls_without_a_price_keep_a_cheap_arm_from_winning(empty: Con) -> None:
    _plant(empty, "model:control", 0.08)
    _plant(empty, "model:candidate", 0.02, unpriced_requests=1)
    [one] = _asked(empty)
    assert (one.judged[1].advice, one.judged[1].reason) == (Advice.UNKNOWN, "70 requests have no price")


def test_an_arms_dollars_are_all_there_those_of_requests_without_a_unit_too(empty: Con) -> None:
    _plant(empty, "model:control", 0.08)
    _plant(empty, "model:candidate", 0.06)
    nothing = {"units": 0, "successes": 0, "escalations": 0, "quality_count": 0, "quality_sum": 0, "quality_sum_of_squares": 0}
    place = {"day": FIRST, "unit": "(none)", "feature": "scan", "tenant": "acme", "experiment_arm": "model:candidate"}
    spent = {**place, **nothing, "requests": 3, "unpriced_requests": 0, "cost_usd": Decimal("0.000000000001")}
    empty.execute(f"insert into marts.experiment ({', '.join(spent)}) values ({', '.join('?' * len(spent))})", list(spent.values()))
    [one] = _asked(empty)
    [(cost,)] = empty.execute("select sum(cost_usd) from marts.experiment").fetchall()
    assert sum(judged.arm.total["cost_usd"] for judged in one.judged) == cost


def test_one_arm_alone_is_no_experiment_and_other_features_are_left_out(empty: Con) -> None:
    _plant(empty, "model:control", 0.08)
    assert _asked(empty) == []
    _plant(empty, "model:candidate", 0.06)
    assert _asked(empty, feature="chat") == []
    assert len(_asked(empty, feature="scan")) == 1


@pytest.mark.parametrize(("arms", "control"), [(("x", "baseline"), "baseline"), (("b", "A"), "A"), (("small", "large"), "large")])
def test_the_control_is_known_by_its_name_else_it_is_the_first(empty: Con, arms: tuple[str, str], control: str) -> None:
    for arm in arms:
        _plant(empty, arm, 0.08)
    [one] = _asked(empty)
    assert one.judged[0].arm.name == control


@pytest.mark.parametrize(
    ("label", "said"),
    [("model:small", ("model", "small")), ("small", ("scan", "small")), (":small", ("scan", "small")), ("model:", ("model", "(none)"))],
)
def test_a_label_names_an_experiment_and_an_arm_or_an_arm_of_its_feature(label: str, said: tuple[str, str]) -> None:
    assert split(label, "scan") == said


@pytest.mark.parametrize(
    ("difference", "quality", "success", "advice"),
    [
        (Interval(-3, -2, -1), NOT_WORSE, NOT_WORSE, Advice.GRADUATE),
        (Interval(-3, -2, -1), UNSURE, UNSURE, Advice.KEEP),
        (Interval(-3, -2, -1), WORSE, NOT_WORSE, Advice.WORSE),
        (Interval(-3, -2, -1), NOT_WORSE, WORSE, Advice.WORSE),
        (Interval(-1, 0, 1), NOT_WORSE, NOT_WORSE, Advice.UNKNOWN),
        (Interval(1, 2, 3), NOT_WORSE, NOT_WORSE, Advice.DEARER),
        (Interval(1, 2, 3), ABOVE, NOT_WORSE, Advice.BETTER),
        (None, NOT_WORSE, NOT_WORSE, Advice.UNKNOWN),
    ],
)
def test_quality_comes_before_cost(difference: Interval | None, quality: Comparison, success: Comparison, advice: Advice) -> None:
    assert advise(difference, quality, success, 0)[0] is advice


def test_the_weekly_page_shows_experiments_of_its_week_whole(empty: Con, facts: PageFacts) -> None:
    assert "No experiment with two arms ran in these days." in render("weekly", "2026-W43", empty, facts)
    _plant(empty, "model:control", 0.08)
    _plant(empty, "model:<b>candidate", 0.06)
    made = render("weekly", "2026-W43", empty, facts).split('<section id="experiments">')[1].split("</section>")[0]
    assert "14 days since 12 October" in made
    assert "graduate" in made
    assert "<b>" not in made


def test_the_command_prints_exact_dollars_for_programs_and_words_for_people(empty: Con, monkeypatch: pytest.MonkeyPatch) -> None:
    _plant(empty, "model:control", 0.08)
    _plant(empty, "model:candidate", 0.06)
    monkeypatch.setattr(cli_experiments, "_read", lambda *_: _asked(empty))
    [(cost,)] = empty.execute("select sum(cost_usd) from marts.experiment").fetchall()
    rows = list(csv.DictReader(io.StringIO(typed(Path(), "experiments", "--format", "csv").out)))
    [told] = json.loads(typed(Path(), "experiments", "--format", "json").out)["experiments"]
    assert sum(Decimal(row["cost_usd"]) for row in rows) == sum(Decimal(arm["cost_usd"]) for arm in told["arms"]) == cost
    assert [(row["experiment"], row["arm"], row["advice"]) for row in rows] == [
        ("model", "control", ""),
        ("model", "candidate", "graduate"),
    ]
    assert [arm["advice"] for arm in told["arms"]] == [None, "graduate"]
    assert (told["from"], told["to"], told["margin"]) == ("2026-10-12", "2026-10-25", 0.01)
    shown = typed(Path(), "experiments").out
    assert "graduate: cheaper, and quality held" in shown
    monkeypatch.setattr(cli_experiments, "_read", lambda *_: [])
    assert "No experiment with two arms" in typed(Path(), "experiments").out
    assert typed(Path(), "experiments", "--format", "csv").out.strip() == ""


def test_a_day_that_is_none_is_told_in_a_line() -> None:
    said = typed(Path(), "experiments", "--from", "October")
    assert (said.code, "'October' is not a day such as 2026-10-06" in said.err) == (2, True)
