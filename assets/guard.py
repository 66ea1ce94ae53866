"""The unit guard: amounts that are a hundred, a thousand or a thousand million times what the tokens cost are stopped at the door.

Cents read as dollars, or an integer of nano-dollars, would pass every other check. A file is judged by the median of its rows against
tokens at list price, never by single rows: one absurd row is data, and is kept. Amounts in another currency, without
dollars beside them, are not judged.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb
import polars as pl
import pyarrow.parquet as pq

from meterbook.assets.content import FileRefused
from meterbook.assets.ingest.format import Format
from meterbook.assets.sources import Source
from meterbook.rate_cards.compile import Cards
from meterbook.sql.models import Model, Project
from meterbook.sql.schemas import empty_table
from meterbook.sql.scratch import scratch

PIECES, PIECE = 8, 256
"""Rows looked at: so many pieces of so many rows, spread over the file."""
FEWEST = 5
"""Priced rows below which a file is not judged."""
FACTORS = (100, 1_000, 1_000_000, 1_000_000_000)
NEAR = 3
"""A median within a third and three times of a factor is that factor."""

_COST = """
    coalesce(input_tokens, 0) * coalesce(input_usd, 0)::double
    + coalesce(cache_read_tokens, 0) * coalesce(cache_read_usd, input_usd, 0)::double
    + coalesce(cache_write_5m_tokens, 0) * coalesce(cache_write_5m_usd, input_usd, 0)::double
    + coalesce(cache_write_1h_tokens, 0) * coalesce(cache_write_1h_usd, input_usd, 0)::double
    + coalesce(output_tokens, 0) * coalesce(output_usd, 0)::double
"""
_SAID = {
    "request": f"select reported_cost_usd::double as said, {_COST} as listed from priced",
    "usage": f"select reported_cost_usd::double as said, {_COST} as listed from priced",
    "charge": """
        select
            case when coalesce(currency, 'USD') = 'USD' then billed_cost else billed_cost_in_usd end::double as said,
            coalesce(tokens, 0) * coalesce(case meter
            when 'input' then input_usd when 'cache_read' then cache_read_usd when 'cache_write_5m' then cache_write_5m_usd
            when 'cache_write_1h' then cache_write_1h_usd when 'output' then output_usd end, 0)::double as listed
        from priced
    """,
}
_METERS = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output")
"""What rows are judged by, as tokens and as prices."""
_CALLED = ("reported_cost_usd", *(f"{meter}_tokens" for meter in _METERS))
_ASKED = {
    "request": _CALLED,
    "usage": _CALLED,
    "charge": ("currency", "billed_cost", "billed_cost_in_usd", "tokens", "meter"),
}
"""What is asked of a staged row, beside its provider and its model; without all others, a file is judged in two thirds of the time."""
_PRICED = """
    select staged.*, rate.* exclude (provider, model)
    from staged
    inner join named on named.provider = coalesce(staged.provider, '') and named.model = coalesce(staged.model, '')
    inner join rate on rate.provider = named.card_provider and rate.model = named.card_model
"""
_NAMED: Mapping[str, pl.DataType] = dict.fromkeys(("provider", "model", "card_provider", "card_model"), pl.String())


class UnitGuard:
    """Judges the amounts of one file.

    Args:
        cards: the prices to judge by, read when they are first needed.
        project: the models: a format's own staging model says what its columns mean.
    """

    def __init__(self, cards: Callable[[], Cards], project: Callable[[], Project]) -> None:
        self._cards, self._project = cards, project
        self._listed = dict[str, str]()

    def __call__(self, one: Format, path: Path, source: Source | None) -> list[str]:
        """Judge typed rows.

        Args:
            one: their format.
            path: their Parquet file.
            source: what the book says of the file; a unit set there is believed.

        Returns:
            What is odd, one line each.

        Raises:
            FileRefused: the amounts cannot be in the unit they are read in.
        """
        model = self._project().models.get(f"staging.{one.name}")
        if model is None or model.header.kind not in _SAID:
            return []
        # Staging makes at most one row of each: of so few there is nothing to judge, and to stage them costs as much as to read them.
        held = pq.read_metadata(path).num_rows
        if held < FEWEST:
            return []
        rows, median = self._median(one, path, held, model)
        factor = _factor(median)
        if rows < FEWEST or factor == 1:
            return []
        said = f"about {round(factor):,} times" if factor > 1 else f"about 1/{round(1 / factor):,} of"
        why = f"reports {said} what its tokens cost at list price (median of {rows:,} rows)"
        if _is_set(source):
            return [f"{why}; taken as the book's `money_unit` says"]
        raise FileRefused(f"{why}: {_advice(one, source)}")

    def _median(self, one: Format, path: Path, held: int, model: Model) -> tuple[int, float]:
        """Rows with a price and a reported amount, and the median of reported over listed."""
        with scratch() as con:
            _sample(con, one.name, path, held)
            for other in set(model.inputs) - {f"raw.{one.name}"}:
                # What completes records from elsewhere says nothing of amounts.
                empty_table(con, other, self._project().inputs[other])
            con.execute(f"create temp table staged as select {self._asked(model, con)} from ({model.sql})")
            named = _named(con, self._cards())
            con.register("named", named.to_arrow())
            con.register("rate", _rates(self._cards(), named).to_arrow())
            con.execute(f"create temp view priced as {_PRICED}")
            query = (
                f"select count(*), coalesce(median(said / listed), 1) from ({_SAID[model.header.kind or '']}) where said > 0 and listed > 0"
            )
            [(rows, median)] = con.execute(query).fetchall()
        return rows, median

    def _asked(self, model: Model, con: duckdb.DuckDBPyConnection) -> str:
        """What is asked of its rows, with NULL for what it leaves out; asked of a model once."""
        if model.name not in self._listed:
            given = {row[0] for row in con.execute(f"describe {model.sql}").fetchall()}
            kind = model.header.kind or ""
            shape = self._project().kinds[kind]
            asked = ("provider", "model", *_ASKED[kind])
            self._listed[model.name] = ", ".join(one if one in given else f"cast(null as {shape[one]}) as {one}" for one in asked)
        return self._listed[model.name]


def _named(con: duckdb.DuckDBPyConnection, cards: Cards) -> pl.DataFrame:
    """The model of a card that each name in the file means; a name its provider's cards do not know means that of another's."""
    seen = con.execute("select distinct coalesce(provider, ''), coalesce(model, '') from staged").fetchall()
    closest = {name: (cards.names.matches(*name) or cards.names.matches("", name[1]))[:1] for name in seen}
    rows = [(*name, provider, model) for name, found in closest.items() for _, _, provider, model, _ in found]
    return pl.DataFrame(rows, schema=_NAMED, orient="row")


def _rates(cards: Cards, named: pl.DataFrame) -> pl.DataFrame:
    """The latest list price of each model that is named, at the standard tier."""
    plain = (pl.col("served_tier") == "standard") & (pl.col("input_above") == -1) & (pl.col("region") == "") & (pl.col("layer") == "list")
    meant = named.select(provider="card_provider", model="card_model")
    found = cards.rates.filter(plain).join(meant, on=["provider", "model"], how="semi")
    latest = found.sort("starts_at", "rate_id", descending=[True, False]).unique(["provider", "model"], keep="first", maintain_order=True)
    return latest.select("provider", "model", *(f"{meter}_usd" for meter in _METERS))


def _sample(con: duckdb.DuckDBPyConnection, name: str, path: Path, rows: int) -> None:
    con.execute("create schema raw")
    begins = [n * max(rows - PIECE, 0) // (PIECES - 1) for n in range(PIECES)] if rows > PIECES * PIECE else [0]
    size = PIECE if len(begins) > 1 else rows
    picked = " or ".join(f"file_row_number between {first} and {first + size - 1}" for first in begins)
    con.execute(
        f"create table raw.{name} as select * exclude (file_row_number) from read_parquet(?, file_row_number = true) where {picked}",
        [str(path)],
    )
    [(first, last)] = con.execute(f"select min(day), max(day) + 1 from raw.{name}").fetchall()
    con.execute(f"set variable from_day = date '{first}'; set variable to_day = date '{last}'")


def _factor(median: float) -> float:
    for factor in FACTORS:
        for near in (float(factor), 1 / factor):
            if near / NEAR <= median <= near * NEAR:
                return near
    return 1.0


def _is_set(source: Source | None) -> bool:
    if source is None:
        return False
    return source.options.money_unit is not None or (source.mapping is not None and "money_unit" in source.mapping.model_fields_set)


def _advice(one: Format, source: Source | None) -> str:
    if source is not None and source.mapping is not None:
        return "set `money_unit:` (usd, cents or nanousd) in its `mapping:` in meterbook.yaml"
    if "money_unit" in one.about.options:
        return "set `options: {money_unit: cents}` (or usd, nanousd) of its source in meterbook.yaml"
    return "if the amounts are right, say `options: {money_unit: usd}` of its source in meterbook.yaml; else map its columns"
