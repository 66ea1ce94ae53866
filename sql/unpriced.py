"""What came to have no price between two spans, or got one: what is unknown is then no saving, and what was unknown no rise.

Calls without a price cost nothing in any sum, though they cost something. Where a model of an owner has more of them a day than before,
and fewer with a price, as many as both agree on are taken to be the same calls; what is left is then held against the owner's other
models together. They are valued at what the calls with a price cost in the other span, and so are put back where they are missing:
what else is told of the change is what it would be if they had kept their price. What has no price on both sides is in no effect.

Where nobody counts calls, tokens are held against each other, and hours of GPUs.
"""

from collections.abc import Sequence

import polars as pl

LOST_USD = "lost_usd"
"""What became unknown, negative, or known, positive: dollars of a row that are in no other effect."""
_KIND, _USED = "kind_of_use", "used"
_TOKENS = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens")
SIDES = BEFORE, AFTER = ("_before", "_after")


def restored(rows: pl.DataFrame, owner: Sequence[str], model: Sequence[str], measures: Sequence[str]) -> pl.DataFrame | None:
    """What has a price, with what lost or got it between the spans put back.

    Args:
        rows: one per leaf: `is_priced`, `is_counted`, `meter`, and of both sides `days`, and as floats `operations`, `calls`, tokens,
            `units`, `cost_usd`.
        owner: columns within which calls may have moved from model to model.
        model: columns of a model.
        measures: what of `rows` moves with calls, without the side.

    Returns:
        The rows with a price, and `LOST_USD`; None where all have one.
    """
    if rows.get_column("is_priced").all():
        return None
    counted = pl.col("is_counted")
    used = (
        pl.when(counted)
        .then(pl.col(f"calls{side}"))
        .otherwise(pl.sum_horizontal(pl.col(f"{name}{side}").cast(pl.Float64) for name in (*_TOKENS, "units")))
        for side in SIDES
    )
    kind = pl.when(counted).then(pl.lit("")).otherwise("meter").alias(_KIND)
    keyed = rows.with_columns(kind, *(one.alias(_USED + side) for one, side in zip(used, SIDES, strict=True)))
    owner, keys = [*owner, _KIND], [*owner, _KIND, *model]
    shares = _shares(keyed, owner, keys, _USED).join(_shares(keyed, owner, keys, "operations"), on=keys)
    priced = keyed.filter("is_priced").join(shares, on=keys, how="left", maintain_order="left")
    return priced.with_columns(
        *(column for name in measures for column in _put_back(name, _USED)),
        *_put_back("operations", "operations"),
        (_missing("cost_usd", _USED, BEFORE) - _missing("cost_usd", _USED, AFTER)).alias(LOST_USD),
    ).drop(_KIND, *(_USED + side for side in SIDES))


def _missing(measure: str, moved: str, side: str) -> pl.Expr:
    """What is missing of a measure on one side, as it was on the other."""
    other = BEFORE if side == AFTER else AFTER
    return pl.col(f"{moved}_missing{side}") * pl.col(measure + other)


def _put_back(measure: str, moved: str) -> list[pl.Expr]:
    return [(pl.col(measure + side) + _missing(measure, moved, side)).alias(measure + side) for side in SIDES]


def _shares(rows: pl.DataFrame, owner: Sequence[str], keys: Sequence[str], amount: str) -> pl.DataFrame:
    """What of each model is missing on a side, as a share of what it has on the other: `AMOUNT_missing_before` and `_after`."""
    days = {side: pl.col(f"days{side}") for side in SIDES}
    priced = pl.col("is_priced")
    sums = [
        pl.when(held).then(pl.col(amount + side)).otherwise(0.0).sum().alias(name + side)
        for name, held in (("priced", priced), ("unpriced", ~priced))
        for side in SIDES
    ]
    models = rows.group_by(keys, maintain_order=True).agg(*sums, *(one.max() for one in days.values()))
    # By the day: a longer span has more calls, and none of them has moved for that.
    daily = {
        name + side: pl.when(days[side] > 0).then(pl.col(name + side) / days[side]).otherwise(0.0)
        for name in ("priced", "unpriced")
        for side in SIDES
    }
    rose, fell = daily["unpriced_after"] - daily["unpriced_before"], daily["priced_before"] - daily["priced_after"]
    models = models.with_columns(rose.alias("rose"), fell.alias("fell")).with_columns(_agreed("rose", "fell").alias("own"))
    models = models.with_columns(pl.col("rose") - pl.col("own"), pl.col("fell") - pl.col("own"))
    others = [pl.col(name).sum().over(owner).alias(f"all_{name}") for name in ("rose", "fell")]
    models = models.with_columns(others).with_columns(_agreed("all_rose", "all_fell").alias("others"))
    fits = pl.when(pl.col("fell").sign() == pl.col("others").sign()).then("fell").otherwise(0.0)
    models = models.with_columns(fits.alias("fits")).with_columns(pl.col("fits").sum().over(owner).alias("all_fits"))
    part = pl.when(pl.col("all_fits") != 0).then(pl.col("others") * pl.col("fits") / pl.col("all_fits")).otherwise(0.0)
    # Of a rate a day of the other side, as many as this side has days.
    longer = {AFTER: days[AFTER] / days[BEFORE], BEFORE: days[BEFORE] / days[AFTER]}
    moved = pl.col("own") + part
    lost = pl.when(moved > 0).then(moved / daily["priced_before"] * longer[AFTER]).otherwise(0.0)
    found = pl.when(moved < 0).then(-moved / daily["priced_after"] * longer[BEFORE]).otherwise(0.0)
    return models.select(*keys, found.alias(f"{amount}_missing{BEFORE}"), lost.alias(f"{amount}_missing{AFTER}"))


def _agreed(one: str, other: str) -> pl.Expr:
    """What two changes have in common: the smaller where both go the same way, else nothing."""
    first, second = pl.col(one), pl.col(other)
    smaller = pl.when(first.abs() < second.abs()).then(first).otherwise(second)
    return pl.when(first.sign() == second.sign()).then(smaller).otherwise(0.0)
