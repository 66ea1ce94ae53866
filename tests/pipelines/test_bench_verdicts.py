"""What is said of measurements: ratios by the row, bars met and not met, cases that could not be measured."""

import io
from collections.abc import Mapping

import pytest
from rich.console import Console

from meterbook.pipelines.bench import Case, Measured, compare, ratio
from meterbook.pipelines.bench_verdicts import as_json, show_cases, verdicts

FOUND: Mapping[str, list[Measured]] = {
    "floor": [Measured(2.0, 4.0, 2**20, 100), Measured(3.0, 4.0, 2**20, 100), Measured(9.0, 4.0, 2**20, 100)],
    "work": [Measured(6.0, 6.0, 2**30, 100, {"usd": "1.00"})],
    "slow peer": [Measured(3.0, 3.0, 2**20, 1)],
}


def _case(name: str, **bars: float | str) -> Case:
    return Case(name, "nothing", (), **bars)  # type: ignore[arg-type] # bars by name


def _said(*cases: Case) -> list[tuple[str, str, str, bool]]:
    return [(one.case, one.bar, one.measured, one.is_met) for one in verdicts(cases, FOUND)]


def test_a_ratio_is_of_medians_and_by_the_row() -> None:
    cases = [_case("floor"), _case("work"), _case("slow peer")]
    assert [ratio(cases, FOUND, case) for case in cases] == [1.0, 2.0, 100.0]


def test_a_case_can_be_held_against_another_than_the_first() -> None:
    assert ratio([_case("floor")], FOUND, _case("slow peer", against="work")) == pytest.approx(50)


@pytest.mark.parametrize(
    ("bar", "met", "said", "measured"),
    [
        ({"at_most": 2.0}, True, "<= 2.00 x", "2.00 x"),
        ({"at_most": 1.99}, False, "<= 1.99 x", "2.00 x"),
        ({"at_least": 2.0}, True, ">= 2.00 x", "2.00 x"),
        ({"at_least": 2.01}, False, ">= 2.01 x", "2.00 x"),
        ({"at_most_seconds": 6}, True, "<= 6 s", "6.0 s"),
        ({"at_most_seconds": 5.9}, False, "<= 5.9 s", "6.0 s"),
        ({"at_most_bytes": 2**30}, True, "<= 1,024 MiB", "1,024 MiB"),
        ({"at_most_bytes": 2**30 - 1}, False, "<= 1,024 MiB", "1,024 MiB"),
    ],
)
def test_every_bar_is_met_or_not(bar: dict[str, float], met: bool, said: str, measured: str) -> None:
    assert _said(_case("floor"), _case("work", **bar)) == [("work", said, measured, met)]


def test_what_is_not_installed_is_not_run_and_is_said() -> None:
    absent = _case("absent", at_least=1.0, missing="not installed (extra: bench)")
    assert compare([absent], 3, lambda _said: None) == {}
    console = Console(file=io.StringIO(), width=120)
    show_cases([_case("floor"), absent], FOUND, console)
    assert "absent: not installed (extra: bench)" in console.file.getvalue()  # type: ignore[attr-defined] # it is the one above
    said = as_json([_case("floor"), absent], FOUND, 100)
    assert said["cases"][1] == {"case": "absent", "missing": "not installed (extra: bench)"}  # type: ignore[index]
    assert said["bars"] == []


def test_a_table_says_bars_ratios_and_what_else_a_case_told() -> None:
    console = Console(file=io.StringIO(), width=160)
    show_cases([_case("floor"), _case("work", at_most=1.3)], FOUND, console)
    text = console.file.getvalue()  # type: ignore[attr-defined] # it is the one above
    assert "<= 1.30 x: not met" in text
    assert "work: usd 1.00" in text
    [line] = [line for line in text.splitlines() if line.startswith(" work")]
    assert [cell.strip() for cell in line.split("│")] == ["work", "6.00", "17", "2.00", "<= 1.30 x: not met", "6.00", "1.50", "1.00"]
