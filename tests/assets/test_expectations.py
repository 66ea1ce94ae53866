"""The gate's expectations: each fails at its bound exactly; the unknown is not judged; nothing leaves the machine or stays on it."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from running import typed
from small import gateway_book

from meterbook.assets import gate as gate_room
from meterbook.assets.book import Book, BookError
from meterbook.assets.expectations import judged
from meterbook.assets.gate import EVIDENCE, Gate
from meterbook.assets.gate_measures import MEASURES, SETTABLE, Expectation, GateSettings, suite_of
from meterbook.assets.publications import SAVINGS, WEEKLY, Publication
from meterbook.assets.workspace import Workspace

SUITE = suite_of(GateSettings(), Decimal("0.98"), Decimal("0.95"))
STEP = Decimal("1e-12")
MONTH, WEEK = Publication(SAVINGS, "2026-10"), Publication(WEEKLY, "2026-W40")
Values = dict[str, dict[str, Decimal | None]]


def _values(**known: dict[str, Decimal | None]) -> Values:
    return {one.name: known.get(one.name, {}) for one in MEASURES}


def _beyond(one: Expectation, steps: int) -> Decimal:
    return one.bound + STEP * steps * (1 if one.measure.most else -1)


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """Every expectation, of values beyond its bound, at it, within it, and of none."""
    values = _values()
    for one in SUITE:
        spans = {"beyond": _beyond(one, 1), "at": one.bound, "within": _beyond(one, -1), "unknown": None}
        values[one.measure.name] |= {f"{one.severity} {name}": value for name, value in spans.items()}
    return {one["expectation_config"]["meta"]["name"]: one for one in judged(values, SUITE)["results"]}


@pytest.mark.parametrize("one", SUITE, ids=lambda one: one.name)
def test_an_expectation_fails_a_picodollar_beyond_its_bound_and_not_at_it(found: dict[str, Any], one: Expectation) -> None:
    said = found[one.name]
    failed = {span for span in said["result"]["unexpected_index_list"] if span.startswith(one.severity)}
    assert failed == {f"{one.severity} beyond"}
    assert not said["success"]
    assert said["expectation_config"]["severity"] == one.severity


def test_every_measure_has_an_expectation_that_can_fail() -> None:
    assert {one.measure.name for one in SUITE} == {one.name for one in MEASURES}


def test_a_measure_without_a_value_is_not_judged_and_not_taken_for_good() -> None:
    found = judged(_values(largest_call_usd={"2026-10-01": None}, lost_usd={"2026-10-01": Decimal(0)}), SUITE)
    assert [one["expectation_config"]["meta"]["name"] for one in found["results"]] == ["lost_usd.critical"]
    assert judged(_values(), SUITE)["results"] == []


def test_the_same_values_give_the_same_bytes() -> None:
    values = _values(lost_usd={"2026-10-01": Decimal(1)}, priced_ratio={"2026-10": Decimal("0.5")})
    first, second = (json.dumps(judged(values, SUITE)) for _ in range(2))
    assert first == second
    assert "batch_id" not in first


@pytest.mark.parametrize("bound", ["0.05", "999.999999", "1000", "123456789.123457", "1000000000"])
def test_verdicts_are_those_of_exact_decimals_where_floats_alone_would_err(bound: str) -> None:
    [one] = [one for one in SUITE if one.name == "largest_call_usd.warning"]
    exact = Decimal(bound)
    values = {"above": exact + STEP, "at": exact, "below": exact - STEP, "far": exact * 10**9}
    [said] = judged(_values(largest_call_usd=values), [replace(one, bound=exact)])["results"]
    assert said["result"]["unexpected_index_list"] == ["above", "far"]


def test_amounts_beyond_what_floats_tell_apart_keep_their_side_of_zero() -> None:
    values = _values(cost_usd={"debt": -(Decimal(10) ** 20), "cent": Decimal("-0.01"), "wealth": Decimal(10) ** 20})
    [one] = judged(values, SUITE)["results"]
    assert one["result"]["unexpected_index_list"] == ["debt", "cent"]


def test_judging_asks_no_network_leaves_no_file_and_is_loaded_by_nothing_else(tmp_path: Path) -> None:
    code = """
import sys
def hook(event, args):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname"}:
        raise SystemExit(f"asks the network: {event} {args}")
sys.addaudithook(hook)
from decimal import Decimal
import meterbook.assets.gate, meterbook.pipelines.cli, meterbook.pipelines.runner
loaded = {"great_expectations", "pandas", "scipy"} & sys.modules.keys()
assert not loaded, loaded
from meterbook.assets.expectations import judged
from meterbook.assets.gate_measures import MEASURES, GateSettings, suite_of
values = {one.name: {} for one in MEASURES} | {"lost_usd": {"2026-10-01": Decimal(1)}}
print(judged(values, suite_of(GateSettings(), Decimal("0.98"), Decimal("0.95")))["success"])
"""
    places = dict.fromkeys(("HOME", "TMPDIR", "XDG_CONFIG_HOME"), str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-B", "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path, env={**os.environ, **places}
    )
    assert (done.returncode, done.stdout) == (0, "False\n"), done.stderr
    assert list(tmp_path.rglob("*")) == []


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    """The gate of an empty book; a test says what is to be judged."""
    return Gate(Workspace(gateway_book(tmp_path / "book")))


def _judge(gate: Gate, **known: dict[str, Decimal | None]) -> Gate:
    gate.__dict__["values"] = _values(**known)
    return gate


def test_a_critical_failure_is_of_the_periods_that_hold_the_day_and_names_figure_bound_days_and_what_to_do(gate: Gate) -> None:
    shares = {"2026-10-01": Decimal("0.3"), "2026-10-02": Decimal("0.41239"), "2026-10-12": Decimal("0.001")}
    _judge(gate, quarantined_ratio=shares)
    assert gate.why(MONTH) == (
        "41.24 % of the records of files that end there were set aside on 2026-10-02 and on 1 more day, more than "
        "gate.quarantined_ratio.critical 25.00 % of meterbook.yaml\n  the quality page says why, and names the first of each sort"
    )
    assert gate.draft(WEEK).endswith("25.00 % of meterbook.yaml. The quality page says why, and names the first of each sort.")
    assert gate.draft(Publication(WEEKLY, "2026-W42")) == ""


def test_several_failures_are_all_said(gate: Gate) -> None:
    _judge(gate, lost_usd={"2026-10-01": Decimal("0.000000000001")}, quarantined_ratio={"2026-10-02": Decimal(1)})
    said = gate.why(MONTH)
    assert said.startswith("$0.000000000001 came or went between the calls and the pages on 2026-10-01, more than $0")
    assert "\n  also: 100.00 % of the records of files that end there were set aside on 2026-10-02" in said


def test_a_warning_withholds_nothing(gate: Gate) -> None:
    _judge(gate, largest_call_usd={"2026-10-01": Decimal(101), "2026-10-02": Decimal("100.5")}, owned_ratio={"2026-10": Decimal("0.5")})
    assert gate.why(MONTH) == gate.draft(MONTH) == ""
    lines = [one.line for one in gate.verdicts if one.failed]
    assert lines[0].startswith("50.00 % of cost has an owner in 2026-10; expected: at least 95.00 %")
    assert lines[1].startswith("the dearest call cost $101 on 2026-10-01 and 1 other; expected: at most $100; look at it")


def test_days_that_nothing_was_profiled_of_are_not_published_unjudged(gate: Gate) -> None:
    assert "days that the gate knows nothing of: 2" in _judge(gate, unprofiled_days={"2026-10": Decimal(2)}).why(MONTH)


def test_an_expectation_that_could_not_be_judged_fails_and_says_so(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(values: Values, suite: list[Expectation]) -> dict[str, Any]:
        config = {"meta": {"name": "lost_usd.critical"}}
        return {"results": [{"success": False, "expectation_config": config, "result": {}, "exception_message": "no such column"}]}

    monkeypatch.setattr(gate_room, "judged", broken)
    _judge(gate, lost_usd={"2026-10-01": Decimal(0)})
    assert gate.why(MONTH) == "lost_usd could not be judged: no such column"


def test_verdicts_are_kept_with_their_values_and_nothing_is_judged_twice(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"lost_usd": {"2026-10-01": Decimal(1)}}
    assert not _judge(gate, **known).is_known
    before = gate.why(MONTH)
    kept = gate._workspace.folder / "lake" / "_state" / EVIDENCE
    evidence = json.loads(kept.read_text("utf-8"))
    assert evidence["values"]["lost_usd"] == {"2026-10-01": "1"}
    assert str(gate._workspace.folder) not in kept.read_text("utf-8")
    monkeypatch.setattr(gate_room, "judged", None)
    again = _judge(Gate(gate._workspace), **known)
    assert again.is_known
    assert again.why(MONTH) == before
    assert not _judge(Gate(gate._workspace), lost_usd={"2026-10-01": Decimal(2)}).is_known


def _settings(folder: Path, text: str) -> Path:
    path = gateway_book(folder / "book") / "meterbook.yaml"
    path.write_text(f"{path.read_text('utf-8')}\n{text}\n", "utf-8")
    return path.parent


def test_a_book_sets_bounds_takes_them_away_and_keeps_the_others(tmp_path: Path) -> None:
    book = Book(_settings(tmp_path, "gate: {quarantined_ratio: {critical: null}, largest_call_usd: {critical: 500.5}}"))
    bounds = {one.name: one.bound for one in suite_of(book.settings.gate, Decimal(0), Decimal(0))}
    assert "quarantined_ratio.critical" not in bounds
    assert bounds["quarantined_ratio.warning"] == Decimal("0.01")
    assert (bounds["largest_call_usd.warning"], bounds["largest_call_usd.critical"]) == (100, Decimal("500.5"))
    assert set(GateSettings.model_fields) == {one.name for one in SETTABLE}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("gate: {quarantined: {warning: 0.1}}", "quarantined"),
        ("gate: {quarantined_ratio: {warn: 0.1}}", "warn"),
        ("gate: {quarantined_ratio: {warning: 5}}", "quarantined_ratio is a share, from 0 to 1"),
        ("gate: {quarantined_ratio: {warning: 0.3}}", "critical 0.25 is reached before warning 0.3"),
        ("gate: {largest_call_usd: {warning: 0.0000001}}", "6 decimal places"),
        ("gate: {priced_ratio: {critical: 0.5}}", "priced_ratio"),
    ],
)
def test_a_wrong_bound_is_an_error_that_names_it(tmp_path: Path, text: str, why: str) -> None:
    folder = _settings(tmp_path, text)
    with pytest.raises(BookError, match=why):
        Book(folder)
    done = typed(folder, "check")
    assert done.code == 2
    assert "meterbook.yaml:" in done.err
