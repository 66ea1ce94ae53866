from datetime import date
from pathlib import Path

import pytest

from meterbook.rate_cards.audit import audit

TODAY = date(2026, 11, 28)
FRESH = 'source: "https://x.example", checked_on: 2026-11-01'


def _audit(folder: Path, models: str, name: str = "acme") -> list[tuple[str, str]]:
    (folder / f"{name}.yaml").write_text(f"provider: acme\nmodels:\n{models}", "utf-8")
    return [(one.severity, one.text) for one in audit([folder], TODAY)]


def _model(name: str, rate: str = f"starts_on: 2026-01-01, input: 1, {FRESH}", aliases: str = "[]") -> str:
    return f"  {name}:\n    aliases: {aliases}\n    rates:\n    - {{{rate}}}\n"


def test_a_sound_card_has_no_findings(tmp_path: Path) -> None:
    assert _audit(tmp_path, _model("m")) == []


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        (f"starts_on: 2026-01-01, imput: 1, {FRESH}", "unknown key; did you mean input"),
        (f"starts_on: 2026-01-01, ends_on: 2025-01-01, input: 1, {FRESH}", "ends before it starts"),
        (f"starts_on: 2026-01-01, input: 1, {FRESH}}}\n    - {{starts_on: 2026-02-01, input: 1, {FRESH}", "overlap"),
        (
            f"starts_on: 2026-01-01, ends_on: 2026-02-01, input: 1, {FRESH}}}\n    - {{starts_on: 2026-03-01, input: 1, {FRESH}",
            "leave a gap",
        ),
    ],
)
def test_shape_and_dates_are_errors(tmp_path: Path, rate: str, said: str) -> None:
    [(severity, text)] = _audit(tmp_path, _model("m", rate))
    assert severity == "error"
    assert "acme.yaml:" in text
    assert said in text


def test_every_card_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    _audit(tmp_path, "  m: {rates: []}\n", "one")
    findings = _audit(tmp_path, "  m: [\n", "two")
    assert [severity for severity, _ in findings] == ["error", "error"]
    assert ["one.yaml" in findings[0][1], "two.yaml" in findings[1][1]] == [True, True]


def test_a_name_of_two_models_of_one_provider_is_an_error_that_names_both(tmp_path: Path) -> None:
    [(severity, text)] = _audit(tmp_path, _model("m", aliases="[Mini]") + _model("n", aliases="[mini]"))
    assert severity == "error"
    assert "m and n of acme both go by mini" in text


def test_an_alias_that_is_the_name_of_another_model_is_an_error(tmp_path: Path) -> None:
    [(_, text)] = _audit(tmp_path, _model("m") + _model("n", aliases="[M]"))
    assert "m and n of acme both go by m" in text


def test_a_model_that_two_files_price_is_an_error(tmp_path: Path) -> None:
    _audit(tmp_path, _model("m"), "one")
    [(severity, text)] = _audit(tmp_path, _model("m"), "two")
    assert (severity, "also in one.yaml" in text) == ("error", True)


def test_the_same_as_a_model_no_card_prices_is_an_error(tmp_path: Path) -> None:
    [(severity, text)] = _audit(tmp_path, "  m: {same_as: acme/gone}\n")
    assert (severity, "no card prices that" in text) == ("error", True)


@pytest.mark.parametrize(("source", "sound"), [("a mail", False), ("https://x.example", True), ("file:contracts/acme.pdf", True)])
def test_a_rate_without_an_address_is_an_error(tmp_path: Path, source: str, sound: bool) -> None:
    findings = _audit(tmp_path, _model("m", f'starts_on: 2026-01-01, input: 1, source: "{source}", checked_on: 2026-11-01'))
    assert (findings == []) is sound


def test_a_price_in_force_that_nobody_looked_at_for_long_is_a_warning(tmp_path: Path) -> None:
    old = 'starts_on: 2025-01-01, ends_on: 2026-01-01, input: 1, source: "https://x.example", checked_on: 2025-01-01'
    new = 'starts_on: 2026-01-01, input: 2, source: "https://x.example", checked_on: 2026-06-01'
    day_before = new.replace("2026-06-01", "2026-05-31")
    assert _audit(tmp_path, _model("m", f"{old}}}\n    - {{{new}")) == []
    [(severity, text)] = _audit(tmp_path, _model("m", f"{old}}}\n    - {{{day_before}"))
    assert severity == "warning"
    assert "looked at before 2026-06-01, the oldest on 2026-05-31: m" in text
