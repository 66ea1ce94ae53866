"""Days that stand out as episodes: one card per root, from its first day to its last; the step of marts.anomaly_episode.

A root of a day goes on with a card that stood out up to three days before, in the same direction, where it is the card's own scope, the
root the card had last, a wider one that the card's scope explains, or one that was rolled into the card. A card is named by its first
day, scope and measure, so that later days lengthen it and never rename it. A known change of price is a card of its own day.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

import pyarrow as pa

from meterbook.sql.alarm_leaves import LEAF
from meterbook.sql.alarm_words import WHY
from meterbook.sql.detector import DRIFT, DRIFT_DAYS
from meterbook.sql.roll_up import EXPLAINS as _EXPLAINS
from meterbook.sql.roll_up import MONEY

EXPLAINS = Decimal(str(_EXPLAINS))
GAP = timedelta(days=3)
"""Days that far apart are of one episode: a weekend does not end it."""
DRIFT_GAP = timedelta(days=DRIFT_DAYS)
"""A drift is a sum of the days before it: what stood out in the same figure on one of these is the same change."""
SUDDEN = ("attempts per operation", "requests per session", "swapped share", "truncated share")
"""Ratios that tell of an incident of its own: one that begins within an episode has its own card."""
PARTS = 5
"""Scopes rolled into a root that are named."""
PRICE = "price change"
_TEXTS = ("kind", "dimension", "scope", "measure", "owner", *LEAF)
SHAPE = pa.schema([
    ("day", pa.date32()), ("card_id", pa.string()), ("first_day", pa.date32()), *((name, pa.string()) for name in _TEXTS),
    ("excess_usd", MONEY), ("severity", pa.float64()), *((name, pa.string()) for name in ("cause", "culprit", "suspect", "parts")),
    ("children", pa.int64()),
])  # fmt: skip
Row = dict[str, Any]
_RANK = {measure: place for place, measure in enumerate(WHY)}


@dataclass
class _Card:
    """An episode so far: how it is called, the scope it had last, what was rolled into it when, and the most dollars of a day."""

    row: Row
    last_day: date
    last_root: str
    sign: bool
    culprit: str | None = None
    reason: str | None = None
    parts: dict[str, date] = field(default_factory=dict)
    most: Decimal = Decimal(0)

    @property
    def scope(self) -> str:
        return _name(self.row)

    def is_near(self, day: date, main: Row | None = None) -> bool:
        """Whether a day, and what stands out on it, is of the episode still."""
        is_same = main is not None and main["kind"] == DRIFT and (_name(main), main["measure"]) == (self.scope, self.row["measure"])
        return day - self.last_day <= (DRIFT_GAP if is_same else GAP)

    def goes_on(self, day: date, members: Sequence[Row], main: Row) -> None:
        """Remember a day of it."""
        self.last_day, self.last_root = day, _name(main)
        self.culprit, self.reason = main["culprit"] or self.culprit, _reason(members, main) or self.reason
        self.parts |= dict.fromkeys(map(_name, members), day)
        self.most = max(self.most, abs(main["excess_usd"]))


def episodes(given: pa.Table) -> pa.Table:
    """One row per card and day.

    Args:
        given: the rows of marts.anomaly, in any order.

    Returns:
        The columns of `SHAPE`: what names a scope is of the card's first day; kind, dollars,
        cause, culprit and suspect of the day; `parts` names scopes rolled into the root that day, the largest first.
    """
    rows = sorted(given.to_pylist(), key=lambda row: (row["day"], row["dimension"], row["scope"], row["measure"]))
    made: list[Row] = []
    cards: list[_Card] = []
    for day, group in groupby(rows, key=lambda row: row["day"]):
        cards = [card for card in cards if day - card.last_day <= DRIFT_GAP]
        made += _of_day(day, list(group), cards)
    return pa.Table.from_pylist(made, schema=SHAPE)


def _of_day(day: date, rows: Sequence[Row], cards: list[_Card]) -> Iterator[Row]:
    for row in rows:
        if row["kind"] == PRICE:
            yield _told(_named(row, day), [row], row)
    taken: list[tuple[_Card, list[Row], Row]] = []
    for root, members in _by_root(rows):
        main = _main([row for row in members if _name(row) == root] or members)
        free = [card for card in cards if not any(card is other for other, *_ in taken)]
        card = _going_on(free, root, members, main) or _part_of([*(card for card, *_ in taken), *free], root, members, main)
        if card is None:
            card = _Card(_named(main, day), day, root, main["excess_usd"] > 0)
            cards.append(card)
        told = next((others for other, others, _ in taken if other is card), None)
        if told is None:
            taken.append((card, list(members), main))
        else:
            told += members
    for card, members, main in taken:
        card.goes_on(day, members, main)
        yield _told(card.row, members, main)
    # What was rolled into another root that day has not ended.
    names = {_name(row) for row in rows if row["kind"] != PRICE}
    for card in cards:
        if card.scope in names and card.is_near(day):
            card.last_day = day


def _by_root(rows: Iterable[Row]) -> list[tuple[str, list[Row]]]:
    """What stands out by the scope it is rolled into, the most dollars first."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        if row["kind"] != PRICE:
            found.setdefault(row["parent"] or _name(row), []).append(row)
    return sorted(found.items(), key=lambda one: (-max(abs(row["excess_usd"]) for row in one[1]), one[0]))


def _going_on(cards: Iterable[_Card], root: str, members: Sequence[Row], main: Row) -> _Card | None:
    same = [row for row in members if row["measure"] == main["measure"] and _is_alike(row, main)]
    names = {root, *map(_name, same)}
    reason = _reason(members, main)
    alike = [
        card
        for card in cards
        if card.is_near(main["day"], main) and card.sign == (main["excess_usd"] > 0) and reason in {None, card.reason}
    ]
    found = [card for card in alike if (card.scope in names or card.last_root == root) and not _differ(card.culprit, main["culprit"])]
    return min(found, key=lambda card: (card.scope != root, card.row["first_day"], card.row["card_id"]), default=None)


def _part_of(cards: Iterable[_Card], root: str, members: Sequence[Row], main: Row) -> _Card | None:
    """The card into which a scope was rolled lately, where it stands out alone and no more than the card did."""
    reason = _reason(members, main)
    found = [
        card
        for card in cards
        if card.is_near(main["day"])
        and card.sign == (main["excess_usd"] > 0)
        and reason in {None, card.reason}
        and abs(main["excess_usd"]) <= card.most
        and root in card.parts
        and main["day"] - card.parts[root] <= GAP
        and not _differ(card.culprit, main["culprit"])
    ]
    return min(found, key=lambda card: (card.row["first_day"], card.row["card_id"]), default=None)


def _reason(members: Iterable[Row], main: Row) -> str | None:
    found = {row["measure"] for row in members if (row["excess_usd"] > 0) == (main["excess_usd"] > 0)}
    return next((measure for measure in SUDDEN if measure in found), None)


def _is_alike(row: Row, main: Row) -> bool:
    """Whether a scope explains another one, and is not explained by several others."""
    part, whole = abs(row["excess_usd"]), abs(main["excess_usd"])
    return bool(part >= whole * EXPLAINS and whole >= part * EXPLAINS)


def _differ(before: str | None, now: str | None) -> bool:
    """Whether two combinations name different teams, tenants, features or models: then they are two causes."""
    if before is None or now is None:
        return False
    sides = [dict(part.split(" ", 1) for part in text.split(", ") if " " in part) for text in (before, now)]
    return any(sides[0][name] != value for name, value in sides[1].items() if name in sides[0])


def _main(rows: Iterable[Row]) -> Row:
    """The row that has the dollars of a scope."""
    return max(rows, key=lambda row: (row["measure"] == "cost", abs(row["excess_usd"]), row["measure"]))


def _name(row: Mapping[str, Any]) -> str:
    return f"{row['dimension']} {row['scope']}"


def _spoken(row: Mapping[str, Any]) -> str:
    """A scope as people say it: tenant harbor, feature agent."""
    names, values = row["dimension"].split(", "), row["scope"].split(", ")
    return ", ".join(f"{name} {value}" for name, value in zip(names, values, strict=True)) if len(names) == len(values) else _name(row)


def _named(row: Row, day: date) -> Row:
    """What a card keeps from its first day on."""
    kept = {name: row[name] for name in _TEXTS if name != "kind"}
    return {**kept, "first_day": day, "card_id": f"{day} {_name(row)} {row['measure']}"}


def _told(card: Row, members: Sequence[Row], main: Row) -> Row:
    parts = sorted(
        (row for row in members if _name(row) != _name(main) and _is_part(row, main)), key=lambda row: (-abs(row["excess_usd"]), _name(row))
    )
    names = list(dict.fromkeys(map(_spoken, parts)))
    suspects = [row["suspect"] for row in (main, *parts) if row["suspect"]]
    return {
        **card,
        **{name: main[name] for name in ("day", "kind", "excess_usd", "culprit")},
        "severity": max(row["severity"] for row in members),
        "cause": _cause(main, members),
        "suspect": suspects[0] if suspects else None,
        "parts": "; ".join(names[:PARTS]) or None,
        "children": len(names),
    }


def _is_part(row: Row, main: Row) -> bool:
    return bool(abs(row["excess_usd"]) * EXPLAINS <= abs(main["excess_usd"]))


def _cause(main: Row, members: Iterable[Row]) -> str:
    """What the root says, and the ratio that says why: of the root itself, else of the largest scope that was rolled into it."""
    alike = [row for row in members if row["measure"] in _RANK and row is not main and (row["excess_usd"] > 0) == (main["excess_usd"] > 0)]
    # What a unit costs more of follows from the cost of what it is made of, and says nothing of why.
    whys = [row for row in alike if row["measure"] != "cost per unit" or _name(row) == _name(main)]
    best = min(whys, key=lambda row: (_RANK[row["measure"]], _name(row) != _name(main), -row["severity"], _name(row)), default=None)
    if best is None or (main["measure"] in _RANK and _RANK[main["measure"]] <= _RANK[best["measure"]]):
        return str(main["cause"])
    where = "" if _name(best) == _name(main) else f" ({_spoken(best)})"
    said = str(main["cause"]).split("; ")
    first, *rest = [text for text in str(best["cause"]).split("; ") if text not in said] or [""]
    return "; ".join([*said, *([f"{first}{where}", *rest] if first else [])])
