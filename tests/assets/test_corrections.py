"""corrections.csv: written exactly, read strictly."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meterbook.assets.corrections import Correction, CorrectionError, append_corrections, load_corrections

LINE: dict[str, Any] = {
    "correction_id": "1",
    "posted_on": date(2026, 10, 1),
    "corrects_period": "2026-09",
    "corrects_day": date(2026, 9, 30),
    "team": "search",
    "amount_usd": Decimal("-0.000000000001"),
    "reason": "late list",
    "audit": "f" * 64,
}


@settings(deadline=None)
@given(
    st.decimals(-(10**20), 10**20, places=12),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1),
)
def test_amounts_and_names_come_back_as_they_were(tmp_path_factory: pytest.TempPathFactory, amount: Decimal, team: str) -> None:
    path = tmp_path_factory.mktemp("book") / "corrections.csv"
    line = Correction(**{**LINE, "amount_usd": amount, "team": team})
    append_corrections(path, [line])
    append_corrections(path, [line.model_copy(update={"correction_id": "2"})])
    assert load_corrections(path)[0] == line


@pytest.mark.parametrize("team", ["=1+1", "+1", "-1", "@x", "'=1", "\tx"])
def test_a_name_out_of_a_log_is_no_formula_in_a_spreadsheet(tmp_path: Path, team: str) -> None:
    path = tmp_path / "corrections.csv"
    append_corrections(path, [Correction(**{**LINE, "team": team})])
    assert f"2026-09-30,'{team}," in path.read_text("utf-8")
    assert load_corrections(path)[0].team == team


def test_lines_are_appended_to_those_that_are_there(tmp_path: Path) -> None:
    path = tmp_path / "corrections.csv"
    append_corrections(path, [Correction(**LINE)])
    before = path.read_text("utf-8")
    append_corrections(path, [Correction(**{**LINE, "correction_id": "2"})])
    assert path.read_text("utf-8").startswith(before)
    assert [line.correction_id for line in load_corrections(path)] == ["1", "2"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("amount_usd", "amount", r"corrections.csv:1: the columns are correction_id,posted_on"),
        ("-0.000000000001", "0.0000000000001", r"corrections.csv:2: amount_usd: .*12 decimal places"),
        ("-0.000000000001", "NaN", r"corrections.csv:2: amount_usd"),
        ("2026-09,", "2026-9,", r"corrections.csv:2: corrects_period"),
        ("2026-10-01", "2026-09-01", r"corrections.csv:2: line: .*posted_on 2026-09-01 must not lie before corrects_day 2026-09-30"),
        ("Correction", "Charge", r"corrections.csv:2: charge_class"),
        (",late list", "", r"corrections.csv:2: has not 14 fields"),
    ],
)
def test_a_line_that_is_wrong_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "corrections.csv"
    append_corrections(path, [Correction(**LINE)])
    path.write_text(path.read_text("utf-8").replace(old, new, 1), "utf-8")
    with pytest.raises(CorrectionError, match=said):
        load_corrections(path)


def test_an_id_given_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "corrections.csv"
    append_corrections(path, [Correction(**LINE), Correction(**LINE)])
    with pytest.raises(CorrectionError, match=r"corrections.csv:3: correction_id 1 is given twice"):
        load_corrections(path)
