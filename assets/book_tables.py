"""The tables SQL sees as `book.*` and `rate_cards.*`, in the columns of sql/inputs.yaml."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import polars as pl

from meterbook.assets.book import FIRST_DAY, LAST_DAY, Book


def tables_of(book: Book) -> dict[str, pl.DataFrame]:
    """Every table a book gives, by name."""
    return {
        "rate_cards.rate": book.cards.rates,
        "rate_cards.alias": book.cards.aliases,
        "book.day": _calendar(),
        "book.hour": _hours(),
        **{name: _table(name, rows) for name, rows in _rows(book).items()},
    }


def like(pattern: str) -> str:
    """A pattern with `*` as a LIKE pattern with escape character `!`."""
    return "".join(f"!{char}" if char in "!%_" else char for char in pattern).replace("*", "%")


def _rows(book: Book) -> dict[str, list[dict[str, object]]]:
    return {
        "book.owner": [
            {**owner.model_dump(), "rule_id": f"owners.csv:{line:06d}", "pattern": like(owner.pattern)} for line, owner in book.owners
        ],
        "book.pool": [{**pool.model_dump(exclude={"shares", "key"}), "allocation_key": pool.key} for pool in book.pools],
        "book.pool_share": [{"pool": p.pool, "team": team, "weight": weight} for p in book.pools for team, weight in p.shares.items()],
        "book.budget": [budget.model_dump(exclude={"levels"}) for budget in book.budgets],
        "book.budget_level": [
            {"budget": budget.budget, "level_percent": level} for budget in book.budgets for level in sorted(set(budget.levels))
        ],
        "book.unit": [unit.model_dump() for unit in book.units],
        "book.source": [{"source": source.name, "is_counted": source.counts} for source in book.settings.sources],
        "book.gpu_pool": [
            {"pool": name, "owner": pool.owner, "is_billed": pool.billed, **_rated(pool.rate)}
            for name, pool in book.settings.gpu_pools.items()
        ],
    }


def _rated(rate: str | None) -> dict[str, str]:
    provider, _, model = (rate or "").partition("/")
    return {"provider": provider, "model": model}


_TYPES: Mapping[str, pl.DataType] = {
    "starts_on": pl.Date(),
    "ends_on": pl.Date(),
    "baseline_from": pl.Date(),
    "baseline_to": pl.Date(),
    "priority": pl.Int32(),
    "level_percent": pl.Int32(),
    "weight": pl.Int64(),
    "is_billed": pl.Boolean(),
    "is_counted": pl.Boolean(),
    "monthly_usd": pl.Decimal(38, 12),
    "amount_usd": pl.Decimal(38, 12),
    "target_usd": pl.Decimal(18, 12),
}
_COLUMNS = {
    "book.owner": "rule_id starts_on ends_on field pattern team cost_centre feature tenant environment priority",
    "book.pool": "pool starts_on ends_on monthly_usd allocation_key",
    "book.pool_share": "pool team weight",
    "book.budget": "budget period amount_usd team tenant feature environment model starts_on ends_on",
    "book.budget_level": "budget level_percent",
    "book.unit": "unit label feature target_usd baseline_from baseline_to",
    "book.gpu_pool": "pool provider model owner is_billed",
    "book.source": "source is_counted",
}


def _table(name: str, rows: list[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={column: _TYPES.get(column, pl.String()) for column in _COLUMNS[name].split()})


def _calendar() -> pl.DataFrame:
    day = pl.col("day")
    return pl.DataFrame({"day": pl.date_range(FIRST_DAY, LAST_DAY, eager=True)}).select(
        day,
        day.dt.truncate("1mo").alias("month_start"),
        day.dt.truncate("1w").alias("week_start"),
        day.dt.truncate("1q").alias("quarter_start"),
        day.dt.strftime("%Y-%m").alias("period"),
        day.dt.month_end().dt.day().cast(pl.Int32).alias("days_in_month"),
        day.dt.day().cast(pl.Int32).alias("day_of_month"),
        day.dt.weekday().cast(pl.Int32).alias("weekday"),
        day.cast(pl.Int32).cast(pl.Int64).alias("day_number"),
    )


def _hours() -> pl.DataFrame:
    midnight = datetime.combine(FIRST_DAY, datetime.min.time())
    after = datetime.combine(LAST_DAY, datetime.min.time()) + timedelta(days=1)
    hour = pl.datetime_range(midnight, after, "1h", closed="left", eager=True)
    return pl.DataFrame({"started_at": hour}).select(
        pl.col("started_at").dt.date().alias("day"), "started_at", pl.col("started_at").dt.epoch("s").alias("hour_second")
    )
