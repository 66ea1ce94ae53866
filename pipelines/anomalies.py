"""Cards of what stood out as text: a list, a card in full with its series, and what changes when people say something of one."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from meterbook.assets.alarms import alarm_tables
from meterbook.assets.book import BookError
from meterbook.assets.workspace import Workspace
from meterbook.reports.anomaly_cards import PRICE, Row, amount, cards_within, culprit_of, days, owner_of
from meterbook.reports.frame import rows_of
from meterbook.reports.numbers import dollars, plural

TABLES = ("marts.anomaly_episode", "marts.anomaly_card", "marts.series", "marts.series_score")
SETTLED = ("marts.anomaly_card", "marts.alarm_quality")
"""Tables that follow from what people say of cards."""
WEEKS = 6
BARS, UNKNOWN = "▁▂▃▄▅▆▇█", "·"
_NEAR = 0.5


class CardBook:
    """The cards of a book.

    Args:
        folder: the book, after a run.

    Raises:
        BookError: the book is wrong, or nothing was run.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self._workspace = folder, Workspace(folder)
        [found] = self.rows("select max(day) as day from marts.series")
        if found["day"] is None:
            raise BookError(f"there is nothing in the lake of {folder}; `meterbook run` first")
        self.last_day: date = found["day"]

    def rows(self, query: str, *values: object) -> list[Row]:
        """Rows of a query over `TABLES`, by column name."""
        with self._workspace.catalog.reading(TABLES) as con:
            return rows_of(con, query, *values)

    def cards(self, span: tuple[date, date]) -> list[Row]:
        """Cards with days in a half-open range, those that matter most first."""
        return cards_within(self.rows, *span)

    def card(self, name: str) -> Row:
        """A card by its id, or by a beginning of it that no other has.

        Raises:
            BookError: there is none, or several begin so.
        """
        found = self.rows("select * from marts.anomaly_card where starts_with(card_id, ?) order by card_id", name)
        exact = [card for card in found if card["card_id"] == name]
        if len(exact or found) == 1:
            return (exact or found)[0]
        if found:
            raise BookError(f"{len(found)} cards begin with {name!r}: {'; '.join(card['card_id'] for card in found[:5])}")
        known = [card["card_id"] for card in self.rows("select card_id from marts.anomaly_card")]
        raise BookError(f"there is no card {name!r}{_guess(name, known)}; `meterbook anomalies --all` lists them")

    def scope(self, name: str) -> str:
        """A scope as it may be muted, with or without a measure.

        Raises:
            BookError: nothing of that name was ever watched.
        """
        whole = "total all" if name == "total" else name
        known = [row["name"] for row in self.rows("select distinct dimension || ' ' || scope as name from marts.series order by name")]
        if not any(whole == one or whole.startswith(f"{one} ") for one in known):
            raise BookError(f"nothing called {name!r} is watched{_guess(name, known)}; say the dimension first, such as `tenant harbor`")
        return whole

    def settle(self) -> int:
        """Take what people said into the lake, without a run.

        Returns:
            How many cards are muted now.
        """
        for name, frame in alarm_tables(self._workspace.book.alarms).items():
            self._workspace.engine.put(name, frame)
        for name in SETTLED:
            self._workspace.build(self._workspace.project.models[name])
        [found] = self.rows("select count(*) as cards from marts.anomaly_card where status = 'muted'")
        return int(found["cards"])


def _guess(name: str, known: Sequence[str]) -> str:
    return "".join(f"; did you mean {one!r}?" for one in difflib.get_close_matches(name, known, 1, _NEAR))


def as_text(card: Mapping[str, Any]) -> Row:
    """A card for JSON: days as ISO, dollars in full, null where not known."""
    return {
        name: f"{value:f}" if isinstance(value, Decimal) else str(value) if isinstance(value, date) else value
        for name, value in card.items()
    }


def listed(told: Sequence[Row], cards: Sequence[Row], console: Console) -> None:
    """Print cards, and how many there are beside those."""
    table = Table(Column("dollars", justify="right", no_wrap=True), "card", "owner", "status", show_edge=False, pad_edge=False)
    for card in told:
        table.add_row(amount(card), Text("\n".join(_lines(card))), Text(owner_of(card)), _status(card))
    if told:
        console.print(table)
    else:
        console.print("nothing stood out that is still open")
    hidden = [card for card in cards if card not in told]
    counts = [(sum(card["status"] == status for card in hidden), status) for status in ("acknowledged", "muted")]
    if any(count for count, _ in counts):
        console.print(f"not shown: {', '.join(f'{count} {status}' for count, status in counts if count)}; --all lists them")


def _lines(card: Row) -> Iterator[str]:
    last = f" to {card['last_day']}" if card["last_day"] > card["first_day"] else ""
    yield f"{card['card_id']}{last}: {card['kind']}"
    if culprit := culprit_of(card):
        yield f"from {culprit}"
    yield card["cause"]
    if card["event"]:
        yield f"at the same time: {card['event']}"
    if said := card.get("second_opinion"):
        yield said


def _status(card: Row) -> str:
    return f"{card['verdict']}" if card["verdict"] else str(card["status"])


def shown(book: CardBook, card: Row, console: Console) -> None:
    """Print a card in full."""
    episode = book.rows("select * from marts.anomaly_episode where card_id = ? order by day", card["card_id"])
    when = f"{plural(card['days'], 'day')}, {days(card['first_day'], card['last_day'])}"
    more = " and more" if card["parts"] and card["children"] > len(card["parts"].split("; ")) else ""
    told = {
        "dollars": f"{amount(card)} over {when}",
        **{name: card[name] for name in ("kind", "cause", "culprit", "owner", "suspect", "event")},
        "parts": f"{card['parts']}{more}" if card["parts"] else None,
        "status": _said(card),
    }
    console.print(card["card_id"], markup=False, soft_wrap=True)
    for name, value in told.items():
        if value:
            console.print(f"  {name:8} {value}", markup=False, soft_wrap=True)
    console.print(f"  {'series':8} {_series(book, card)}", markup=False, soft_wrap=True)
    for row in episode:
        console.print(f"  {row['day']} {dollars(row['excess_usd'], plus=True):>9}  {row['kind']}", markup=False, soft_wrap=True)


def _said(card: Row) -> str:
    if card["verdict"]:
        return f"{card['verdict']}, says {card['acknowledged_by']}: {card['note']}"
    return f"muted until before {card['muted_until']}: {card['note']}" if card["status"] == "muted" else str(card["status"])


def _series(book: CardBook, card: Row) -> str:
    """Six weeks up to a card's last day, a bar a day and a gap before each Monday; a point is a day of which nothing is known."""
    measure = "cost" if card["kind"] == PRICE else card["measure"]
    first = card["last_day"] - timedelta(days=7 * WEEKS - 1)
    query = "select day, value from marts.series_score where dimension = ? and scope = ? and measure = ? and day >= ? and day <= ?"
    found = book.rows(query, card["dimension"], card["scope"], measure, first, card["last_day"])
    values = {row["day"]: row["value"] for row in found if row["value"] is not None}
    if not values:
        return "no longer watched"
    top = max(values.values())
    line = "".join(
        (" " if day.weekday() == 0 and day > first else "") + bar(values.get(day), top)
        for day in (first + timedelta(days=n) for n in range(7 * WEEKS))
    )
    return f"{line}  {measure}, {first} to {card['last_day']}, at most {top:,.2f}"


def bar(value: float | None, top: float) -> str:
    """The bar of a value, from zero."""
    return UNKNOWN if value is None else BARS[min(len(BARS) - 1, max(0, int(value / top * len(BARS))) if top > 0 else 0)]
