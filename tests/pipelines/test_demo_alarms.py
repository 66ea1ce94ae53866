"""The sample company's alarms: a card of every planted trouble, with its scope and its days, and none of anything else."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

pytestmark = pytest.mark.long

Ask = Callable[..., list[tuple[Any, ...]]]
Row = dict[str, Any]
SCOPES = ("feature", "tenant", "model", "gpu pool")
DAYS_TO_FIND = {"slow_ramp": 14, "prompt_growth": 7, "idle_pool": 2}
"""Days that trouble may go on before it is told, where any: a climb, a shift of a fifth, a pool that rests at weekends."""
TAIL = timedelta(days=3)
"""A level that is left is told so long after it is back."""
COLUMNS = (
    "card_id",
    "first_day",
    "last_day",
    "kind",
    "dimension",
    "scope",
    "feature",
    "tenant",
    "model",
    "culprit",
    "owner",
    "excess_usd",
    "event",
)


def _cards(ask: Ask) -> list[Row]:
    kept = ", ".join(name for name in COLUMNS if name not in {"feature", "tenant", "model"})
    named = "select card_id, max(feature), max(tenant), max(model) from marts.anomaly_episode group by card_id"
    names = {card_id: rest for card_id, *rest in ask(named)}
    return [
        dict(zip([name for name in COLUMNS if name not in {"feature", "tenant", "model"}], row, strict=True))
        | dict(zip(("feature", "tenant", "model"), names[row[0]], strict=True))
        for row in ask(f"select {kept} from marts.anomaly_card order by first_day, card_id")
    ]


def _names(card: Row, alarm: Row) -> bool:
    """Whether a card names the scope of a planted trouble: as its own, or as what it comes from."""
    [(field, value)] = [(name, alarm[name]) for name in SCOPES if name in alarm]
    said = {f"{name} {card[name]}" for name in ("feature", "tenant", "model") if card[name]}
    said |= {f"{card['dimension']} {card['scope']}", *(card["culprit"] or "").split(", ")}
    return f"{field} {value}" in said


def _days(alarm: Row) -> tuple[date, date]:
    return date.fromisoformat(alarm["from"]), date.fromisoformat(alarm["to"])


def _told(cards: list[Row], alarm: Row) -> Iterator[Row]:
    """Cards that name a planted trouble and begin in its first days."""
    first, _ = _days(alarm)
    until = first + timedelta(days=DAYS_TO_FIND.get(alarm["alarm"], 0))
    yield from (card for card in cards if first <= card["first_day"] <= until and _names(card, alarm))


def test_every_planted_trouble_has_a_card_of_its_scope_from_its_first_days_on(ask: Ask, truth: dict[str, Any]) -> None:
    cards = _cards(ask)
    found = {alarm["alarm"]: [card["scope"] for card in _told(cards, alarm)] for alarm in truth["alarms"]}
    assert {name for alarm in truth["alarms"] for name in [alarm["alarm"]] if not {*found[name]} - {*alarm["moves"]}} == set()


def test_every_planted_trouble_stands_out_in_the_measure_that_says_why(ask: Ask, truth: dict[str, Any]) -> None:
    for alarm in truth["alarms"]:
        [(field, value)] = [(name, alarm[name]) for name in SCOPES if name in alarm]
        column = "scope" if field == "gpu pool" else field
        query = f"select distinct measure from marts.anomaly where day >= ? and day <= ? and {column} = ?"
        assert (alarm["measure"],) in ask(query, alarm["from"], alarm["to"], value), alarm["alarm"]


def test_no_card_is_of_what_nobody_planted(ask: Ask, truth: dict[str, Any]) -> None:
    def is_planted(card: Row) -> bool:
        return any(
            _names(card, alarm) and first <= card["first_day"] and card["last_day"] <= last + TAIL
            for alarm in truth["alarms"]
            for first, last in (_days(alarm),)
        )

    assert [card["card_id"] for card in _cards(ask) if not is_planted(card)] == []


def test_a_company_without_trouble_has_no_alarm(ask: Ask, truth: dict[str, Any]) -> None:
    first = min(alarm["from"] for alarm in truth["alarms"])
    [(scored,)] = ask("select count(*) from marts.series_score where day < ? and z is not null", first)
    assert scored > 1_000
    assert ask("select day, dimension, scope, measure from marts.anomaly where day < ?", first) == []


def test_a_sudden_trouble_costs_what_its_card_says(ask: Ask, truth: dict[str, Any]) -> None:
    cards = _cards(ask)
    for alarm in truth["alarms"]:
        if alarm["alarm"] in {"spike", "retry_storm", "tool_call_loop"}:
            [card] = _told(cards, alarm)
            assert abs(card["excess_usd"] / Decimal(alarm["usd"]) - 1) < Decimal("0.25"), card["card_id"]


def test_every_card_has_an_owner_and_each_trouble_one_card(ask: Ask, truth: dict[str, Any]) -> None:
    cards = _cards(ask)
    assert {card["card_id"] for card in cards if card["kind"] != "price change" and card["owner"] in {"(several)", "(none)"}} == set()
    # That a unit of value costs more may be the first sign.
    twice = {
        alarm["alarm"]: [card["card_id"] for card in _told(cards, alarm) if card["scope"] not in alarm["moves"]]
        for alarm in truth["alarms"]
    }
    assert {name: ids for name, ids in twice.items() if len(ids) > 1} == {}


def test_what_was_planned_is_told_beside_its_card_and_what_was_looked_at_counts(ask: Ask, truth: dict[str, Any]) -> None:
    [ramp] = [alarm for alarm in truth["alarms"] if alarm["alarm"] == "slow_ramp"]
    told = {card["card_id"]: card["event"] for card in _cards(ask) if card["event"]}
    assert told == {card["card_id"]: "launch: e-mail drafts for every account manager" for card in _told(_cards(ask), ramp)} != {}
    assert ask("select sum(real_cards), sum(false_cards) from marts.alarm_quality") == [(2, 0)]
