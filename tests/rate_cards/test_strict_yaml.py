from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from meterbook.rate_cards.strict_yaml import StrictYamlError, line_of, load_yaml


def _write(folder: Path, text: str) -> Path:
    path = folder / "x.yaml"
    path.write_text(text, "utf-8")
    return path


def test_fractions_are_decimals_and_dates_are_dates(tmp_path: Path) -> None:
    assert load_yaml(_write(tmp_path, "a: 1.10\nb: 1e-6\nc: 2026-08-01\nd: 3\n")) == {
        "a": Decimal("1.10"),
        "b": Decimal("0.000001"),
        "c": date(2026, 8, 1),
        "d": 3,
    }
    assert str(load_yaml(_write(tmp_path, "1.10"))) == "1.10"


def test_a_key_given_twice_is_an_error_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(StrictYamlError, match=r"x.yaml:3: key 'a' is given twice"):
        load_yaml(_write(tmp_path, "a: 1\nb: 2\na: 3\n"))


def test_broken_yaml_is_an_error_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(StrictYamlError, match=r"x.yaml:3: .*expected"):
        load_yaml(_write(tmp_path, "a: 1\nb: [\n"))


def test_a_file_that_is_not_text_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(StrictYamlError, match="not readable"):
        load_yaml(path)


def test_a_place_has_the_line_of_its_key(tmp_path: Path) -> None:
    path = _write(tmp_path, "budgets:\n  - budget: a\n    amount_usd: 1\n  - budget: b\n")
    assert line_of(path, ("budgets", 0, "amount_usd")) == 3
    assert line_of(path, ("budgets", 1, "gone")) == 4
