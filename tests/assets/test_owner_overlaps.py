"""Rules that contradict each other are refused by name; what is left has one winner for every row."""

import re
from datetime import date, timedelta
from itertools import combinations, product
from pathlib import Path

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from meterbook.assets.dated import OPEN
from meterbook.assets.owner_overlaps import Centre, centres, intersect, refuse_overlaps
from meterbook.assets.owners import Owner, OwnerError, Rule

GLOBS = st.text("ab*", min_size=1, max_size=5)
WORDS = ["".join(letters) for size in range(1, 9) for letters in product("ab", repeat=size)]
START = date(2026, 10, 1)


def rule(number: int, team: str, first: date | None = None, end: date | None = None, priority: int = 0, **match: str) -> Rule:
    named = {field.replace("tags_", "tags."): pattern for field, pattern in match.items()}
    owner = Owner.model_validate({"match": named, "team": team, "starts_on": first, "ends_on": end, "priority": priority})
    return Rule(f"owners.csv:{number:06d}", f"owners.csv:{number}", owner)


def matches(pattern: str, word: str) -> bool:
    return re.fullmatch(pattern.replace("*", ".*"), word) is not None


@examples(150)
@given(GLOBS, GLOBS)
def test_two_patterns_meet_exactly_where_some_text_matches_both(one: str, other: str) -> None:
    assert intersect(one, other) == any(matches(one, word) and matches(other, word) for word in WORDS)


@pytest.mark.parametrize("text", ["a.b", "a+", "(", "x\ny"])
def test_only_the_star_is_special(text: str) -> None:
    assert intersect(text, text)
    assert intersect(f"{text}*", f"*{text}")
    assert intersect("*", text)
    assert not intersect(f"{text}*", "zz")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"key_alias": "bot"}, {"key_alias": "bot"}),
        ({"key_alias": "bot"}, {"key_alias": "b*"}),
        ({"key_alias": "b*"}, {"key_alias": "bot"}),
        ({"key_alias": "b*t"}, {"key_alias": "bo*"}),
        ({"project_id": "p", "model": "gpt-5"}, {"project_id": "p", "model": "gpt-*"}),
        ({"project_id": "p", "model": "gpt-*"}, {"project_id": "p*", "model": "gpt-5"}),
        ({"tags_unit": "x"}, {"tags_site": "y"}),
    ],
)
def test_rules_that_can_meet_are_an_error_that_names_both_and_what_to_do(one: dict[str, str], other: dict[str, str]) -> None:
    with pytest.raises(OwnerError) as caught:
        refuse_overlaps([rule(2, "red", **one), rule(7, "blue", **other)])
    first, second = (" and ".join(f"{key.replace('tags_', 'tags.')}={value}" for key, value in match.items()) for match in (one, other))
    assert str(caught.value) == (
        f"owners.csv:7: {second} overlaps owners.csv:2 ({first}) from 2015-01-01 and gives another owner; "
        "end one of them (ends_on), or give one a higher priority"
    )


def test_the_days_on_which_they_overlap_are_named() -> None:
    with pytest.raises(OwnerError, match="from 2026-10-15 until 2026-10-20 and"):
        refuse_overlaps([rule(2, "red", end=date(2026, 10, 20), key_id="k"), rule(3, "blue", first=date(2026, 10, 15), key_id="k")])


@pytest.mark.parametrize(
    "other",
    [
        rule(3, "blue", key_alias="ca*"),
        rule(3, "blue", priority=1, key_alias="b*"),
        rule(3, "blue", first=date(2026, 10, 15), key_alias="b*"),
        rule(3, "red", key_alias="b*"),
        rule(3, "blue", key_id="b*"),
        rule(3, "blue", key_alias="b*", model="m"),
    ],
    ids=["other text", "priority", "other days", "the same owner", "another field", "more conditions"],
)
def test_rules_that_cannot_meet_or_agree_or_are_ranked_are_fine(other: Rule) -> None:
    refuse_overlaps([rule(2, "red", end=date(2026, 10, 15), key_alias="bot"), other])


RULES = st.lists(
    st.tuples(
        st.sampled_from(["key_id", "model", "both"]), GLOBS, GLOBS, st.integers(0, 1), st.integers(0, 5), st.integers(1, 4),
        st.sampled_from(["red", "blue"]),
    ),
    min_size=1,
    max_size=7,
)  # fmt: skip


def _rules(drawn: list[tuple[str, str, str, int, int, int, str]]) -> list[Rule]:
    fields = {"key_id": ("key_id",), "model": ("model",), "both": ("key_id", "model")}
    return [
        rule(at, team, START + timedelta(days=first), START + timedelta(days=first + length), priority,
             **dict(zip(fields[kind], (one, other), strict=False)))
        for at, (kind, one, other, priority, first, length, team) in enumerate(drawn, 1)
    ]  # fmt: skip


def _both_could_win(a: Owner, b: Owner) -> bool:
    return (
        (a.priority, a.match.keys()) == (b.priority, b.match.keys())
        and a.team != b.team
        and max(a.starts_on, b.starts_on) < min(a.ends_on, b.ends_on)
        and all(any(matches(pattern, word) and matches(b.match[field], word) for word in WORDS) for field, pattern in a.match.items())
    )


@examples(100)
@given(RULES)
def test_it_is_refused_exactly_where_two_rules_could_both_win_a_row(drawn: list[tuple[str, str, str, int, int, int, str]]) -> None:
    found = _rules(drawn)
    pairs = [(one, other) for one, other in combinations(found, 2) if _both_could_win(one.owner, other.owner)]
    try:
        refuse_overlaps(found)
    except OwnerError:
        assert pairs
    else:
        assert not pairs


def centred(number: int, gl: str | None, first: date | None = None, end: date | None = None, **more: object) -> Rule:
    given = {"match": {"key_id": f"k{number}"}, "team": "red", "cost_centre": "C1", "gl_account": gl, **more}
    return Rule(f"owners.csv:{number:06d}", f"owners.csv:{number}", Owner.model_validate({**given, "starts_on": first, "ends_on": end}))


def test_the_account_of_a_cost_centre_changes_at_a_day_and_ends_with_its_rules() -> None:
    split, end = date(2026, 10, 15), date(2027, 1, 1)
    found = centres(
        [centred(1, "6100", START, split), centred(2, "6200", split, end), centred(3, None, START, end), centred(4, "6200", split, end)]
    )
    assert found == (Centre("red", "C1", "6100", True, START, split), Centre("red", "C1", "6200", True, split, end))


def test_a_gap_has_no_centre_and_a_rule_without_an_account_leaves_it_unknown() -> None:
    first, again = date(2026, 11, 1), date(2026, 12, 1)
    assert centres([centred(1, "6100", START, first), centred(2, None, again)]) == (
        Centre("red", "C1", "6100", True, START, first),
        Centre("red", "C1", None, True, again, OPEN),
    )


def test_a_rule_that_leaves_the_logged_team_names_the_account_of_the_team_it_matches() -> None:
    assert [one.team for one in centres([centred(1, "6100", match={"team": "lab"}, team=None)])] == ["lab"]


def test_a_centre_is_a_team_s_home_only_while_a_rule_of_its_own_gives_it() -> None:
    shared, own = date(2026, 10, 5), date(2026, 10, 9)
    rules = [centred(1, "6100", START, team="blue=0.5;red=0.5"), centred(2, "6100", shared, own)]
    assert [(one.is_home, one.starts_on, one.ends_on) for one in centres(rules) if one.team == "red"] == [
        (False, START, shared),
        (True, shared, own),
        (False, own, OPEN),
    ]


def test_two_accounts_of_one_cost_centre_on_one_day_are_an_error_that_names_both() -> None:
    with pytest.raises(OwnerError) as caught:
        centres([centred(2, "6100", START), centred(5, "6200", date(2026, 10, 9))])
    assert str(caught.value) == (
        "owners.csv:5: gives red, cost centre C1, GL account 6200 on 2026-10-09, and owners.csv:2 gives it 6100; "
        "a cost centre has one account a day: end one of them"
    )


def test_the_books_of_the_two_files_are_held_against_each_other(tmp_path: Path) -> None:
    from meterbook.assets.book import Book, BookError  # noqa: PLC0415

    (tmp_path / "meterbook.yaml").write_text("name: test\n", "utf-8")
    (tmp_path / "owners.csv").write_text("field,pattern,team\nkey_id,k1,red\n", "utf-8")
    (tmp_path / "owners.yaml").write_text("owners:\n  - match: {key_id: k*}\n    team: blue\n", "utf-8")
    with pytest.raises(BookError, match=r"owners.yaml:2: key_id=k\* overlaps .*owners.csv:2 \(key_id=k1\)"):
        Book(tmp_path)
