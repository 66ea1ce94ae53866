"""Why cost changed between two spans: the logarithmic mean Divisia index (LMDI-I, additive; Ang 2005, Energy Policy 33:867).

Cost of a leaf is a chain: days, operations of everything, of a group (team, tenant, feature), calls of a model in it, attempts, tokens
of a direction, tokens of a class (uncached, read from or written to a cache), of a served tier, dollars. Each factor x is a link over the
one before it, and its effect is L(c1, c0) * ln(x1 / x0), L(a, b) = (a - b) / ln(a / b). So effects of a leaf sum to its change, swapped
spans give swapped signs, and subtotals add. Where a link is on one side only, the first such link has the whole change: the limit.
What has no price is in no link: what lost or got one is put back first (`sql/unpriced.py`), and is an effect of its own.

Pure functions over polars frames; statistics are floats, and dollars are made exact by giving what rounding leaves to the largest effect.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl
import pyarrow as pa

from meterbook.sql.unpriced import LOST_USD, SIDES, restored

USE, GPU, LINE = "use", "gpu", "line"
"""Parts: rows of core.cost_driver, of core.gpu_driver and of marts.cost."""
OWNER = ("team", "tenant", "feature")
MODEL = ("provider", "model")
DIMENSIONS = (*OWNER, *MODEL)
KEYS = ("part", *DIMENSIONS, "served_tier", "meter", "is_counted", "is_priced")
TOKENS = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "stated_tokens")
COUNTS = ("operations", "calls", "attempts", *TOKENS, "units")
COSTS = ("input_cost_usd", "cache_read_cost_usd", "cache_write_cost_usd", "output_cost_usd", "call_cost_usd", "stated_cost_usd")
MEASURES = (*COUNTS, *COSTS, "other_cost_usd", "cost_usd")
BEFORE, AFTER = SIDES
NONE = "(none)"
MONEY = pl.Decimal(38, 12)
NOISE = 1e-12
"""An effect below this share of the cost it is in comes from the sixteen digits of floats."""

DAYS, VOLUME, MIX, NEW, GONE, ROUTING, RETRIES = "days", "volume", "mix", "new", "gone", "routing", "retries"
INPUT, OUTPUT, OTHER, CACHE, TIER, PRICE = "input tokens", "output tokens", "other use", "cache", "tier", "price"
GPU_RATE, ALLOCATION, UNPRICED = "GPU rate", "allocation", "unpriced"
GPU_EFFECTS = {"GPU used": "GPU work", "GPU warm idle": "GPU idle", "GPU free idle": "GPU idle", "GPU unknown": "GPU unobserved"}
"""What other seconds on a cost line of GPUs are called."""
EFFECTS = (
    DAYS, VOLUME, MIX, NEW, GONE, ROUTING, RETRIES, INPUT, OUTPUT, OTHER, CACHE, TIER, PRICE, *dict.fromkeys(GPU_EFFECTS.values()),
    GPU_RATE, UNPRICED, ALLOCATION,
)  # fmt: skip
"""In the order of a waterfall; every other effect is a cost line of its own, by its name."""
NAMED = pl.Enum(sorted(EFFECTS))
"""Effects of drivers as numbers in the order of their names: millions of them are summed and sorted."""
CELL, BARE = "cell", "bare_cell"
"""Number of a row's cell, and of the one that is like it but of no model."""
DRIVEN = ("Model usage", *GPU_EFFECTS)
"""Cost lines that drivers explain."""


@dataclass(frozen=True)
class Link:
    """One quantity of a chain.

    Args:
        amount: its column, without the side.
        effect: what a change of its ratio to the link before is called.
    """

    amount: str
    effect: str


def paired(sides: pl.DataFrame, within: Sequence[str] = ()) -> pl.DataFrame:
    """One row per key out of rows per key and `side` (0 before, 1 after): each measure, and the `days` of a side, once for either."""
    keys, suffixes = [*within, *KEYS], (BEFORE, AFTER)
    of_side = [(pl.col("side") == side, suffix) for side, suffix in enumerate(suffixes)]
    sums = [pl.when(held).then(pl.col(name)).sum().alias(name + suffix) for held, suffix in of_side for name in MEASURES]
    lengths = [pl.col("days").filter(held).max().fill_null(0).alias(f"days{suffix}") for held, suffix in of_side]
    days = sides.group_by(within).agg(lengths) if within else sides.select(lengths)
    # In an order of their own: the last digit of sums of floats is then the same, however rows come.
    whole = sides.group_by(keys).agg(sums).sort(keys)
    return whole.join(days, on=within) if within else whole.join(days, how="cross")


def decompose(pairs: pl.DataFrame, by: Sequence[str] = (), within: Sequence[str] = ()) -> pl.DataFrame:
    """Effects in dollars, exactly: those of each cell of `by` sum to the change of its cost.

    Args:
        pairs: as `paired` gives it: keys, measures of both sides, and how many days each side has.
        by: of team, tenant, feature, provider and model, what effects are told apart by.
        within: columns that hold several comparisons apart, such as a period.

    Returns:
        The columns of `within` and `by`, `effect`, and `usd`, DECIMAL(38,12), not zero.
    """
    cells, parts = _numbered(pairs, [*within, *by])
    found = [_exact(_use(parts[USE], within), parts[USE]), _exact(_gpu(parts[GPU], within), parts[GPU]), _lines(parts)]
    whole = pl.concat(found).group_by(CELL, "effect").agg(pl.col("usd").sum()).filter(pl.col("usd") != 0).sort(CELL, "effect")
    return whole.join(cells, on=CELL, maintain_order="left").select(*within, *by, "effect", pl.col("usd").cast(MONEY))


def estimate(pairs: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """The same as floats, which does not sum to the last digit: to rank many cells, in a fraction of the time."""
    cells, parts = _numbered(pairs, by)
    driven = pl.concat([_use(parts[USE], ()), _gpu(parts[GPU], ())]).with_columns(pl.col("effect").cast(pl.String))
    lines = _lines(parts).with_columns(pl.col("usd").cast(pl.Float64))
    whole = pl.concat([driven, lines]).group_by(CELL, "effect").agg(pl.col("usd").sum())
    return whole.join(cells, on=CELL).select(*by, "effect", "usd")


def _numbered(pairs: pl.DataFrame, by: Sequence[str]) -> tuple[pl.DataFrame, dict[str, pl.DataFrame]]:
    """Cells in their order with a number each, and the rows of each part with it: numbers are grouped and sorted faster than names."""
    if by:
        bare = pairs.with_columns(pl.lit(NONE).alias(name) for name in MODEL).select(by)
        cells = pl.concat([pairs.select(by), bare]).unique().sort(by).with_row_index(CELL)
        numbers = [named.join(cells, on=by, nulls_equal=True, maintain_order="left").get_column(CELL) for named in (pairs.select(by), bare)]
        pairs = pairs.with_columns(numbers[0], numbers[1].alias(BARE))
    else:
        cells = pl.DataFrame({CELL: [0]}, {CELL: pl.UInt32})
        pairs = pairs.with_columns(pl.lit(0, pl.UInt32).alias(name) for name in (CELL, BARE))
    return cells, {name: pairs.filter(pl.col("part") == name) for name in (USE, GPU, LINE)}


def _use(use: pl.DataFrame, within: Sequence[str]) -> pl.DataFrame:
    """Effects of what models were used for, as floats."""
    if use.is_empty():
        return _nothing()
    use, moved = _priced(use, (*COUNTS, *COSTS, "other_cost_usd", "cost_usd"), within)
    rows = _levels(use, within)
    counted, uncounted = rows.filter("is_counted"), rows.filter(~pl.col("is_counted"))
    head = [Link("days", DAYS), Link("all", VOLUME), Link("group", MIX), Link("calls_in", ROUTING), Link("attempts_in", RETRIES)]
    found = [_effects(counted, [*head, *links], cost) for cost, links in _leaves()]
    # Where nobody counts requests, tokens are the first that is known.
    found += [_effects(uncounted, [Link("days", DAYS), *links], cost) for cost, links in _leaves()]
    return pl.concat([*(one for one in found if one is not None), moved])


def _priced(rows: pl.DataFrame, measures: Sequence[str], within: Sequence[str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What has a price, as floats, with what lost or got one put back; and that as an effect."""
    floats = rows.with_columns(pl.col(name + side).cast(pl.Float64) for name in ("days", *measures) for side in (BEFORE, AFTER))
    moving = [name for name in measures if name != "operations"]
    found = restored(floats, [*within, *OWNER, "is_counted"], MODEL, moving)
    if found is None:
        return floats, _nothing()
    return found, found.group_by(CELL).agg(pl.lit(UNPRICED, NAMED).alias("effect"), pl.col(LOST_USD).sum().alias("usd"))


def _nothing() -> pl.DataFrame:
    return pl.DataFrame(schema={CELL: pl.UInt32, "effect": NAMED, "usd": pl.Float64})


def _leaves() -> Iterable[tuple[str, list[Link]]]:
    """Each kind of dollars with the links from attempts on."""
    for name in ("input", "cache_read", "cache_write"):
        tokens = f"{name}_tokens"
        yield f"{name}_cost_usd", [Link("prompt_in", INPUT), Link(f"{tokens}_in", CACHE), Link(tokens, TIER), Link("", PRICE)]
    yield "output_cost_usd", [Link("output_tokens_in", OUTPUT), Link("output_tokens", TIER), Link("", PRICE)]
    yield "stated_cost_usd", [Link("stated_tokens_in", OTHER), Link("stated_tokens", TIER), Link("", PRICE)]
    yield "other_cost_usd", [Link("units_in", OTHER), Link("units", TIER), Link("", PRICE)]
    yield "call_cost_usd", [Link("attempts", TIER), Link("", PRICE)]


def _levels(rows: pl.DataFrame, within: Sequence[str]) -> pl.DataFrame:
    """What leaves share: quantities of everything, of their group, of its model and of one meter there."""
    group = [*within, *OWNER, "is_counted"]
    model = [*group, *MODEL]
    wanted = (
        ("operations", "all", within), ("operations", "group", group), ("calls", "calls_in", model), ("attempts", "attempts_in", model),
        *((name, f"{name}_in", model) for name in TOKENS), ("units", "units_in", [*model, "meter"]),
    )  # fmt: skip
    for keys in (within, group, model, [*model, "meter"]):
        sums = [
            (pl.col(name + side).sum().over(keys) if keys else pl.col(name + side).sum()).alias(alias + side)
            for name, alias, over in wanted
            if over == keys
            for side in (BEFORE, AFTER)
        ]
        rows = rows.with_columns(sums)
    prompt = [sum((pl.col(f"{name}_in{side}") for name in TOKENS[:3]), pl.lit(0.0)).alias(f"prompt_in{side}") for side in (BEFORE, AFTER)]
    return rows.with_columns(prompt)


def _effects(rows: pl.DataFrame, links: Sequence[Link], cost: str) -> pl.DataFrame | None:
    """The effects of one kind of dollars by cell; None where none of it was spent."""
    before, after = pl.col(cost + BEFORE), pl.col(cost + AFTER)
    spent = rows.filter((before != 0) | (after != 0))
    if spent.is_empty():
        return None
    amounts = [(pl.col(link.amount + BEFORE), pl.col(link.amount + AFTER)) for link in links[:-1]] + [(before.abs(), after.abs())]
    known = _means(spent, amounts, before, after).with_columns(_first(amounts).alias("first"), (after - before).alias("change"))
    columns: dict[str, pl.Expr] = {}
    for place, (link, amount) in enumerate(zip(links, amounts, strict=True)):
        ratio = pl.col(f"log_{place}") - pl.col(f"log_{place - 1}") if place else pl.col("log_0")
        alone = pl.when(pl.col("first") == place).then("change").otherwise(0.0)
        effect = pl.when(pl.col("mean").is_not_null()).then(pl.col("mean") * ratio).otherwise(alone)
        columns |= _named(link, amount, effect)
    told = known.select(CELL, *(effect.alias(name) for name, effect in columns.items()))
    sums = told.group_by(CELL).agg(pl.col(name).sum() for name in columns)
    return pl.concat(sums.select(CELL, pl.lit(name, NAMED).alias("effect"), pl.col(name).alias("usd")) for name in columns)


def _means(spent: pl.DataFrame, amounts: Sequence[tuple[pl.Expr, pl.Expr]], before: pl.Expr, after: pl.Expr) -> pl.DataFrame:
    """With the logarithm of each link's ratio, and L(after, before) as `mean` where all links are on both sides."""
    logs = [pl.when((one > 0) & (other > 0)).then((other / one).log()) for one, other in amounts]
    spent = spent.with_columns(log.alias(f"log_{place}") for place, log in enumerate(logs))
    alike = pl.all_horizontal(pl.col(f"log_{place}").is_not_null() for place in range(len(amounts))) & (before.sign() == after.sign())
    half = pl.col(f"log_{len(amounts) - 1}") / 2
    # (a - b) / ln(a / b), written so that equal costs need no case of their own and near ones lose no digits.
    mean = before.sign() * before.abs().sqrt() * after.abs().sqrt() * pl.when(half == 0).then(1.0).otherwise(half.sinh() / half)
    return spent.with_columns(pl.when(alike).then(mean).alias("mean"))


def _named(link: Link, amount: tuple[pl.Expr, pl.Expr], effect: pl.Expr) -> dict[str, pl.Expr]:
    """An effect by what it is called: a group that was not there before, or is not any more, has no share that could have moved."""
    if link.effect != MIX:
        return {link.effect: effect}
    kinds = {NEW: amount[0] == 0, GONE: amount[1] == 0, MIX: (amount[0] != 0) & (amount[1] != 0)}
    return {name: pl.when(held).then(effect).otherwise(0.0) for name, held in kinds.items()}


def _first(amounts: Sequence[tuple[pl.Expr, pl.Expr]]) -> pl.Expr:
    """The first link that is on one side only; the price where there is none, or quantities are unknown on both."""
    last = len(amounts) - 1
    found = pl.lit(last)
    for place in reversed(range(last)):
        one, other = amounts[place]
        found = pl.when((one > 0) != (other > 0)).then(pl.lit(place)).otherwise(found)
    return found


def _gpu(rows: pl.DataFrame, within: Sequence[str]) -> pl.DataFrame:
    """Effects of other seconds and other rates of GPUs, as floats."""
    floats, moved = _priced(rows, ("operations", "units", "cost_usd"), within)
    found = [
        _effects(floats.filter(pl.col("meter") == line), [Link("days", DAYS), Link("units", effect), Link("", GPU_RATE)], "cost_usd")
        for line, effect in GPU_EFFECTS.items()
    ]
    return pl.concat([*(one for one in found if one is not None), moved])


def _exact(effects: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Effects as exact dollars that sum to the exact change of each cell."""
    before, after = pl.col("cost_usd_before").sum(), pl.col("cost_usd_after").sum()
    costs = rows.group_by(CELL).agg((after - before).cast(MONEY).alias("change"), (after + before).cast(pl.Float64).alias("size"))
    summed = effects.group_by(CELL, "effect").agg(pl.col("usd").sum()).join(costs, on=CELL, how="right")
    clear = pl.when(pl.col("usd").abs() > NOISE * pl.col("size")).then("usd").otherwise(0.0)
    told = summed.with_columns(clear.alias("usd")).sort(CELL, "effect")
    ranked = told.with_columns(
        pl.col("usd").round(12).cast(MONEY), pl.col("usd").abs().rank("ordinal", descending=True).over(CELL).alias("place")
    )
    left = pl.when(pl.col("place") == 1).then(pl.col("change") - pl.col("usd").sum().over(CELL)).otherwise(pl.lit(0, MONEY))
    exact = ranked.select(CELL, pl.col("effect").cast(pl.String).fill_null(PRICE), (pl.col("usd") + left).cast(MONEY).alias("usd"))
    return exact.filter(pl.col("usd") != 0)


def _lines(parts: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Cost lines that no driver explains, and by what the driven ones differ from their drivers: pools, shares, closed months."""
    change = (pl.col("cost_usd_after") - pl.col("cost_usd_before")).cast(MONEY).alias("usd")
    effect = pl.when(pl.col("meter").is_in(DRIVEN)).then(pl.lit(ALLOCATION)).otherwise("meter").alias("effect")
    driven = [parts[name].select(pl.col(BARE).alias(CELL), pl.lit(ALLOCATION).alias("effect"), -change) for name in (USE, GPU)]
    lines = pl.concat([parts[LINE].select(CELL, effect, change), *driven])
    return lines.group_by(CELL, "effect").agg(pl.col("usd").sum().cast(MONEY))


def explain_change(rows: pa.Table) -> pa.Table:
    """The step behind marts.cost_change: rows per comparison, side and leaf into effects by team, feature and model.

    Args:
        rows: `period`, `kind`, `starts_on`, `ends_on`, `side`, `days` and the columns of `KEYS` and `MEASURES`.

    Returns:
        The columns of the comparison, `team`, `feature`, `model`, `effect` and `change_usd`.
    """
    within = ("period", "kind", "starts_on", "ends_on")
    # One after the other: all at once take several times the memory. Nothing gives no rows, in the same columns.
    frame = pl.DataFrame(pl.from_arrow(rows))
    compared = frame.partition_by(within, as_dict=True) or {(): frame}
    found = [decompose(paired(compared[key], within), ("team", "feature", "model"), within) for key in sorted(compared)]
    return pl.concat(found).rename({"usd": "change_usd"}).to_arrow()
