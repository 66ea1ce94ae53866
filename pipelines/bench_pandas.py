"""Pricing and roll-up in pandas: a day at a time, for all at once would not fit into most memories; money in whole pico-dollars."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pandas as pd

from meterbook.pipelines.bench_job import BANDS, CALL, DIMENSIONS, FREE, METER, PRICE, PRICED, Files


def price(files: Files, _threads: int) -> tuple[int, int]:
    """Price and group all requests; pandas has one thread.

    Args:
        files: Parquet of core.request, core.price_in_force and core.request_meter.

    Returns:
        Requests, and what they cost in pico-dollars.
    """
    prices = _read(files["core.price_in_force"], PRICE)
    used = _read(files["core.request_meter"], METER).rename(columns={"request_id": "metered_id"})
    used["unpriced"] = used["effective_cost_usd"].isna()
    used["other"] = [int((cost or Decimal(0)).scaleb(12)) for cost in used.pop("effective_cost_usd")]
    other = used.groupby(["day", "metered_id"], as_index=False)[["other", "unpriced"]].sum()
    made = pd.concat([_day(path, prices, other) for path in files["core.request"]])
    return int(made["requests"].sum()), int(made["cost"].sum())


def _read(paths: Sequence[Path], names: tuple[str, ...]) -> pd.DataFrame:
    return pd.concat([pd.read_parquet(path, columns=list(names)) for path in paths])


def _day(path: Path, prices: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    calls = pd.read_parquet(path, columns=list(CALL)).merge(prices, on=["day", "priced_as"])
    for value, low, high, is_half_open in BANDS:
        found = calls[value] if is_half_open else calls[value].fillna(0)
        calls = calls[(found >= calls[low]) & (found < calls[high]) if is_half_open else (found > calls[low]) & (found <= calls[high])]
    calls = calls.merge(other, on=["day", "metered_id"], how="left")
    tokens = sum(((calls[name] * calls[pico]).fillna(0).astype("int64") for name, pico in PRICED.items()), start=calls["request_pico"])
    is_free = calls["billing"] == FREE
    # A call with a meter that has no price adds nothing.
    calls["cost"] = (tokens + calls["other"].fillna(0).astype("int64")).mask(is_free | (calls["unpriced"] > 0), 0)
    calls["failed"], calls["repeated"], calls["requests"] = calls["status"] == "failure", calls["attempt"] > 1, 1
    return calls.groupby(list(DIMENSIONS), dropna=False)[["requests", "failed", "repeated", *PRICED, "cost"]].sum()
