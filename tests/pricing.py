"""Requests priced by the models themselves, over cards written for the test: no lake, no inbox, no book."""

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from meterbook.assets.workspace import columns, project
from meterbook.rate_cards.compile import Cards, load_cards
from meterbook.rate_cards.layers import Layer
from meterbook.sql.schemas import define_macros, empty_table

CHAIN = (
    "core.request",
    "core.model_seen",
    "core.rate_in_force",
    "core.price_in_force",
    "core.price_cell",
    "core.request_meter",
    "core.request_cost",
    "core.model_spend",
)
"""Computed from what is given; all other tables they read are empty."""
Row = dict[str, Any]
Window = tuple[date, date]
SAID = "source: test, checked_on: 2026-01-01"
"""What every rate has to say."""


def cards_of(*texts: str, layers: Sequence[Layer] = ()) -> Cards:
    """Cards of YAML texts, compiled as a book's are."""
    with tempfile.TemporaryDirectory() as folder:
        for number, text in enumerate(texts):
            (Path(folder) / f"card{number}.yaml").write_text(text, "utf-8")
        return load_cards([Path(folder)], layers)


def request(name: str, at: datetime, model: str, provider: str = "acme", **more: object) -> Row:
    """A request as staging gives it: plain tokens 0 unless said."""
    tokens = {"input_tokens": 0, "output_tokens": 0}
    known = {"request_id": name, "source": "log", "status": "success", "copies": 1, "file_id": "file"}
    return {**known, **tokens, "day": at.date(), "started_at": at, "provider": provider, "model": model, **more}


class Pricing:
    """A database in memory whose inputs are replaced for each question."""

    def __init__(self) -> None:
        self.con = duckdb.connect()
        define_macros(self.con)
        self._shapes = {**columns(), **{f"staging.{kind}": shape for kind, shape in project().kinds.items()}}
        for name in sorted({name for model in CHAIN for name in project().models[model].inputs} - set(CHAIN)):
            empty_table(self.con, name, self._shapes[name])

    def fill(self, name: str, rows: pl.DataFrame | Sequence[Mapping[str, object]]) -> None:
        """Replace the rows of a table; columns left out are NULL."""
        frame = rows if isinstance(rows, pl.DataFrame) else pl.DataFrame(rows, infer_schema_length=None)
        self.con.execute(f"delete from {name}")
        if frame.height:
            self.con.register("given", frame.to_arrow())
            listed = ", ".join(f"cast({column} as {self._shapes[name][column]})" for column in frame.columns)
            self.con.execute(f"insert into {name} ({', '.join(frame.columns)}) select {listed} from given")
            self.con.unregister("given")

    def use(self, cards: Cards) -> None:
        """The cards that price from now on."""
        for name, frame in (("rate", cards.rates), ("unit_rate", cards.unit_rates), ("alias", cards.aliases)):
            self.fill(f"rate_cards.{name}", frame)

    def costs(self, requests: Sequence[Row], windows: Iterable[Window] = ()) -> dict[str, Row]:
        """What each request cost, by its id.

        Args:
            requests: rows of staging.request.
            windows: half-open ranges of days to compute in, one after the other; one for all where none is given.
        """
        rows = self.table("core.request_cost", requests, windows)
        found = {row["request_id"]: row for row in rows}
        assert len(rows) == len(found) == len(requests), "a request has one cost"
        return found

    def table(self, name: str, requests: Sequence[Row], windows: Iterable[Window] = ()) -> list[Row]:
        """The rows of one table of the chain."""
        days = sorted({row["day"] for row in requests})
        self.fill("staging.request", requests)
        self.fill("book.day", [{"day": day, "weekday": day.isoweekday()} for day in days])
        found: list[Row] = []
        for first, last in windows or [(days[0], days[-1] + timedelta(days=1))]:
            self.con.execute(f"set variable from_day = date '{first}'; set variable to_day = date '{last}'")
            for model in CHAIN[: CHAIN.index(name) + 1]:
                self.con.execute(f"create or replace table {model} as {project().models[model].sql}")
            heads = list(self._shapes[name])
            rows = self.con.execute(f"select {', '.join(heads)} from {name} order by all").fetchall()
            found.extend(dict(zip(heads, row, strict=True)) for row in rows)
        return found


@cache
def pricing() -> Pricing:
    """The one database of the process: making its tables takes longer than most questions."""
    return Pricing()


def cost(card: str, name: str = "m", at: datetime = datetime(2026, 10, 2, 12), **used: object) -> Decimal | None:
    """What one request costs under one card, None where it has no price."""
    found = row(card, name, at, **used)["effective_cost_usd"]
    assert found is None or isinstance(found, Decimal)
    return found


def row(card: str, name: str = "m", at: datetime = datetime(2026, 10, 2, 12), **used: object) -> Row:
    """The whole row of core.request_cost of one request under one card."""
    pricing().use(cards_of(card))
    return pricing().costs([request("r", at, name, **used)])["r"]
