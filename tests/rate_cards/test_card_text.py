from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from meterbook.rate_cards.card import CardError
from meterbook.rate_cards.card_text import CardText, model_text, one_line, publish, scalar

DAY = date(2026, 11, 28)


def test_a_price_is_written_without_exponent_and_without_noughts_at_its_end() -> None:
    assert (
        one_line({"a": Decimal("1E+1"), "b": Decimal("2.50"), "c": Decimal("0.000001"), "d": Decimal(0)})
        == "{a: 10, b: 2.5, c: 0.000001, d: 0}"
    )


def test_a_day_and_an_instant_are_written_plainly() -> None:
    assert one_line({"a": DAY, "b": datetime(2026, 11, 28, 16)}) == "{a: 2026-11-28, b: 2026-11-28 16:00:00}"


def test_a_name_is_quoted_where_yaml_would_read_something_else() -> None:
    assert [scalar(name) for name in ("gpt-5", "*a*", "yes", "1", "a: b")] == ["gpt-5", "'*a*'", "'yes'", "'1'", "'a: b'"]


def test_a_model_takes_a_line_for_each_rate() -> None:
    rates = [{"starts_on": DAY, "input": Decimal(1)}, {"starts_on": DAY, "input": Decimal(2)}]
    assert model_text("m", {"aliases": ["n"], "same_as": "o/p", "rates": rates}).splitlines() == [
        "  m:",
        "    aliases: [n]",
        "    same_as: o/p",
        "    rates:",
        "    - {starts_on: 2026-11-28, input: 1}",
        "    - {starts_on: 2026-11-28, input: 2}",
    ]


def test_a_list_of_rates_on_one_line_is_added_to_on_that_line() -> None:
    text = "# yaml-language-server: $schema=s\nprovider: p\nmodels:\n  m: {rates: [{starts_on: 2026-01-01, input: 1}]}  # one\n"
    card = CardText(text)
    card.end("m", 0, DAY)
    card.append("m", [{"starts_on": DAY, "input": Decimal(2)}])
    assert card.result() == text.replace(
        "2026-01-01, input: 1}]", "2026-01-01, ends_on: 2026-11-28, input: 1}, {starts_on: 2026-11-28, input: 2}]"
    )


def test_a_rate_and_a_model_added_at_one_place_keep_their_order() -> None:
    card = CardText("provider: p\nmodels:\n  m:\n    rates:\n    - {starts_on: 2026-01-01, input: 1}")
    card.append("m", [{"starts_on": DAY, "input": Decimal(2)}])
    card.add("n", {"rates": [{"starts_on": DAY, "input": Decimal(3)}]})
    assert card.result().splitlines()[-4:] == [
        "    - {starts_on: 2026-11-28, input: 2}",
        "  n:",
        "    rates:",
        "    - {starts_on: 2026-11-28, input: 3}",
    ]


def test_a_card_with_all_models_on_one_line_is_not_added_to() -> None:
    with pytest.raises(CardError, match="give each model a line of its own"):
        CardText("provider: p\nmodels: {m: {same_as: a/b}}\n").add("n", {})


def test_a_rate_that_says_when_it_ends_is_not_ended_twice() -> None:
    card = CardText("provider: p\nmodels:\n  m:\n    rates:\n    - {starts_on: 2026-01-01, ends_on: null, input: 1}\n")
    with pytest.raises(CardError, match="says `ends_on` already"):
        card.end("m", 0, DAY)


def test_a_card_that_would_be_wrong_is_not_published_and_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("old", "utf-8")
    with pytest.raises(CardError, match=r"it would be wrong afterwards \(p.yaml:1: .*; change it by hand"):
        publish(path, "provider: p\n", lambda _: None)
    assert path.read_text("utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]
