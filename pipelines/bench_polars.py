"""Pricing and roll-up in polars: lazy, by its streaming engine, money in whole pico-dollars."""

import polars as pl

from meterbook.pipelines.bench_job import BANDS, CALL, DIMENSIONS, FREE, METER, PRICE, PRICED, Files


def price(files: Files, _threads: int) -> tuple[int, int]:
    """Price and group all requests; polars takes its threads from the environment.

    Args:
        files: Parquet of core.request, core.price_in_force and core.request_meter.

    Returns:
        Requests, and what they cost in pico-dollars.
    """
    prices = _scan(files, "core.price_in_force", PRICE)
    calls = _scan(files, "core.request", CALL)
    priced = calls.join(prices, on=["day", "priced_as"]).filter(*map(_within, *zip(*BANDS, strict=True)))
    priced = priced.join(_other(files), on=["day", "metered_id"], how="left")
    tokens = pl.sum_horizontal((pl.col(name) * pl.col(pico)).fill_null(0) for name, pico in PRICED.items())
    cost = tokens + pl.col("request_pico") + pl.col("other").fill_null(0)
    paid = pl.when(pl.col("billing").eq_missing(FREE)).then(0).when(pl.col("is_unpriced").is_not_null()).then(None).otherwise(cost)
    rolled = priced.with_columns(cost=paid).group_by(DIMENSIONS).agg(
        pl.len().alias("requests"),
        (pl.col("status") == "failure").sum().alias("failed"),
        (pl.col("attempt") > 1).sum().alias("repeated"),
        pl.col(*PRICED, "cost").sum(),
    )  # fmt: skip
    made = rolled.collect(engine="streaming")
    return int(made["requests"].sum()), int(made["cost"].sum())


def _scan(files: Files, table: str, names: tuple[str, ...]) -> pl.LazyFrame:
    return pl.scan_parquet(list(files[table])).select(names)


def _within(value: str, low: str, high: str, is_half_open: bool) -> pl.Expr:  # noqa: FBT001 -- a column of BANDS
    found = pl.col(value) if is_half_open else pl.col(value).fill_null(0)
    if is_half_open:
        return (found >= pl.col(low)) & (found < pl.col(high))
    return (found > pl.col(low)) & (found <= pl.col(high))


def _other(files: Files) -> pl.LazyFrame:
    """What rare meters cost a call; `is_unpriced` where one of them has no price."""
    cost = pl.col("effective_cost_usd")
    used = _scan(files, "core.request_meter", METER)
    pico, unpriced = (cost.sum() * 10**12).cast(pl.Int64), pl.when(cost.has_nulls()).then(True)  # noqa: FBT003 -- a literal of polars
    return used.group_by("day", metered_id="request_id").agg(other=pico, is_unpriced=unpriced)
