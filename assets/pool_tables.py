"""The tables SQL sees of a book's shared pools, in the columns of sql/inputs.yaml."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

import polars as pl

from meterbook.assets.book import Book
from meterbook.assets.pools import SCOPE, Pool
from meterbook.rate_cards.patterns import like

Row = dict[str, object]
_TEXT, _PLACE, _EXACT = pl.String(), pl.Int32(), pl.Decimal(38, 12)
_DATES: Mapping[str, pl.DataType] = {"starts_on": pl.Date(), "ends_on": pl.Date()}
_POOL: Mapping[str, pl.DataType] = {
    "place": _PLACE,
    "pool": _TEXT,
    **_DATES,
    "monthly_usd": _EXACT,
    **dict.fromkeys(("basis", "allocation_key", "weights", "measure", "key_text"), _TEXT),
    "cap_share": pl.Decimal(18, 12),
    "is_scoped": pl.Boolean(),
    **dict.fromkeys(SCOPE, _TEXT),
}
_LINE: Mapping[str, pl.DataType] = {"place": _PLACE, "pattern": _TEXT}
_PART: Mapping[str, pl.DataType] = {"place": _PLACE, "part": _TEXT, "name": _TEXT, "value": _EXACT}
_WEIGHT: Mapping[str, pl.DataType] = {"weights": _TEXT, "team": _TEXT, **_DATES, "weight": _EXACT}


def pool_tables(book: Book) -> dict[str, pl.DataFrame]:
    """Every table a book's pools give, by name."""
    pools = list(enumerate(book.pools, 1))
    return {
        "book.pool": pl.DataFrame([_pool(place, pool) for place, pool in pools], schema=_POOL),
        "book.pool_line": pl.DataFrame(
            [{"place": place, "pattern": like(line)} for place, pool in pools for line in dict.fromkeys(pool.lines)], schema=_LINE
        ),
        "book.pool_part": pl.DataFrame([part for place, pool in pools for part in _parts(place, pool)], schema=_PART),
        "book.weight": pl.DataFrame([weight.model_dump() for weight in book.weights], schema=_WEIGHT),
    }


def _pool(place: int, pool: Pool) -> Row:
    # What a column is measured within is part of its measure.
    scope = {} if pool.column else pool.scope
    return {
        "place": place,
        **pool.model_dump(include={"pool", "starts_on", "ends_on", "monthly_usd", "cap_share", "weights"}),
        "basis": like(pool.basis or "*"),
        "allocation_key": "weights" if pool.weights else "column" if pool.column else pool.key,
        "weights": pool.weights,
        "measure": pool.column.measure if pool.column else None,
        "key_text": pool.words,
        "is_scoped": bool(scope),
        **{field: like(scope.get(field, "*")) for field in SCOPE},
    }


def _parts(place: int, pool: Pool) -> Iterator[Row]:
    named: tuple[tuple[str, Mapping[str, int | Decimal | None]], ...] = (
        ("share", pool.shares),
        ("pass", pool.passes),
        ("cap", pool.caps_usd),
        ("team", dict.fromkeys(pool.teams)),
        ("exempt", dict.fromkeys(pool.exempt)),
    )
    for part, values in named:
        for name, value in values.items():
            yield {"place": place, "part": part, "name": name, "value": None if value is None else Decimal(value)}
