"""The labels a book names: what of metadata is taken, and that nothing else ever is."""

import json
from typing import Any

import msgspec
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from meterbook.assets.ingest._tags import LONGEST, label_of, tags_of, words
from meterbook.assets.sources import Options, Reading

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=300),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.text("ab.-*", min_size=1, max_size=6)


def reading(*names: str) -> Reading:
    return Reading(options=Options(tags=names))


def taken(names: tuple[str, ...], *given: dict[str, Any]) -> Any:
    found = tags_of(reading(*names), *given)
    return found and json.loads(found)


def test_only_what_is_named_is_taken_and_keys_are_sorted() -> None:
    said = {"unit": "search", "app.name": "bot", "app.area": "chat", "note": "said in private", "apple": "x"}
    assert tags_of(reading("unit", "app.*"), said) == '{"app.area":"chat","app.name":"bot","unit":"search"}'


def test_without_names_nothing_is_taken() -> None:
    assert tags_of(Reading(), {"unit": "search"}) is None


def test_where_nothing_named_is_there_the_tags_are_unknown() -> None:
    assert tags_of(reading("unit"), {"note": "x"}) is None


def test_numbers_and_yes_or_no_are_their_json_text() -> None:
    said = {"a": 7, "b": True, "c": False, "d": 0.5, "e": msgspec.Raw(b"1.50"), "f": msgspec.Raw(b'"x"'), "g": msgspec.Raw(b"true")}
    assert taken(("a", "b", "c", "d", "e", "f", "g"), said) == {
        "a": "7",
        "b": "true",
        "c": "false",
        "d": "0.5",
        "e": "1.50",
        "f": "x",
        "g": "true",
    }


@pytest.mark.parametrize(
    "value",
    [None, "", {}, {"a": "b"}, [], ["a"], float("nan"), float("inf"), "z" * (LONGEST + 1), 10**LONGEST]
    + [msgspec.Raw(text) for text in (b"null", b' {"a": 1}', b'["a"]', b'""', b'"' + b"z" * (LONGEST + 1) + b'"', b'"\\ud800"', b"\xff")],
)
def test_what_is_empty_nested_broken_or_too_long_is_no_label(value: object) -> None:
    assert label_of(value) is None


def test_a_label_of_the_greatest_length_is_taken() -> None:
    assert label_of("z" * LONGEST) == "z" * LONGEST


def test_a_name_that_is_too_long_is_none_though_a_prefix_matches() -> None:
    assert taken(("a*",), {"a" * (LONGEST + 1): "x", "a" * LONGEST: "y"}) == {"a" * LONGEST: "y"}


def test_a_later_source_counts_before_an_earlier_one_but_not_with_what_is_no_label() -> None:
    assert taken(("a", "b"), {"a": "1", "b": "1"}, {"a": "2", "b": ["2"]}) == {"a": "2", "b": "1"}


def test_words_are_pairs_or_true() -> None:
    given = ["unit:search", "app=bot", "at=10:30", "url:a=b", "beta", "unit: sales ", 7, None]
    assert words(given) == {"unit": "sales", "app": "bot", "at": "10:30", "url": "a=b", "beta": "true"}
    assert words(None) == words("unit:search") == {}


@pytest.mark.parametrize("name", ["", "*", "a*b", "**", 'a"b', "a\\b", "a\nb", "z" * (LONGEST + 1)])
def test_a_name_that_no_rule_could_ask_for_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        Options(tags=(name,))


@examples(100)
@given(
    st.lists(st.from_regex(r"[ab.-]{1,4}[*]?", fullmatch=True), max_size=3), st.lists(st.dictionaries(NAMES, JSON, max_size=6), max_size=3)
)
def test_only_listed_names_and_short_plain_values_ever_survive(names: list[str], given: list[dict[str, Any]]) -> None:
    found = tags_of(reading(*names), *given)
    kept = json.loads(found) if found else {}
    for name, value in kept.items():
        assert any(name == one or (one.endswith("*") and name.startswith(one[:-1])) for one in names)
        assert 0 < len(value) <= LONGEST
        assert any(name in one and not isinstance(one[name], dict | list) for one in given)
    assert list(kept) == sorted(kept)


@examples(100)
@given(JSON)
def test_a_value_and_its_json_are_one_label(value: Any) -> None:
    try:
        text = msgspec.json.encode(value)
    except (msgspec.MsgspecError, UnicodeEncodeError):
        return
    assert label_of(msgspec.Raw(text)) == label_of(value)
