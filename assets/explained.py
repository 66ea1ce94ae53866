"""What `meterbook explain` says of two spans: effects, the sentences behind the largest of them, and the combinations that stand out."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl

from meterbook.assets.explaining import Asked, days_of_spans, pairs_of, totals
from meterbook.assets.factors import FACTORS, ratio, since_of
from meterbook.assets.unpriced_use import Unpriced, unpriced_of
from meterbook.reports.explanations import REQUESTS, Fact, cause_text, owner, sentence
from meterbook.sql import lmdi
from meterbook.sql.lake import quoted
from meterbook.sql.root_cause import CLEAR, Cause, best_score, causes

SENTENCES = 10
LEAST_SHARE, VISIBLE = 0.01, 0.5
"""Of all that moved, either way, and in dollars: what is less gets no sentence."""
CAUSES = ("team", "tenant", "feature", "model")
_MOST_OF_IT = 0.6
"""Share of what a cause has beyond what was expected, from which on its day is named."""
_OF_MODELS = frozenset({lmdi.PRICE, lmdi.TIER, *lmdi.GPU_EFFECTS.values(), lmdi.GPU_RATE})
"""Effects told of a model or a pool; the others are told of who used it."""


@dataclass(frozen=True)
class Found:
    """A combination of dimensions that cost more, or less, than expected.

    Args:
        where: value by dimension.
        expected_usd: what the span before cost, scaled by days.
        actual_usd: what it cost.
        day: the day most of it is on, where one has most.
    """

    where: Mapping[str, str]
    expected_usd: Decimal
    actual_usd: Decimal
    day: date | None

    @property
    def usd(self) -> Decimal:
        """What it cost beyond that."""
        return self.actual_usd - self.expected_usd

    @property
    def text(self) -> str:
        """In words."""
        return cause_text(self.where, self.expected_usd, self.actual_usd, self.day)


@dataclass(frozen=True)
class Explanation:
    """An answer.

    Args:
        asked: the question.
        days: how many days with cost both spans have.
        before_usd: cost of the first span, of a day where that was asked.
        after_usd: of the second.
        effects: columns of `by`, `effect` and `usd`, the largest first; they sum to the change exactly.
        facts: what is behind the largest.
        causes: combinations that stand out, the likeliest first.
        unpriced: what has no price in either span, and so is in no effect.
    """

    asked: Asked
    days: tuple[int, int]
    before_usd: Decimal
    after_usd: Decimal
    effects: Sequence[Mapping[str, Any]]
    facts: Sequence[Fact]
    causes: Sequence[Found]
    unpriced: Sequence[Unpriced]

    @property
    def change_usd(self) -> Decimal:
        """By how much."""
        return self.after_usd - self.before_usd

    @property
    def sentences(self) -> list[str]:
        """The largest effects in words."""
        return [sentence(fact) for fact in self.facts]


def explain(con: duckdb.DuckDBPyConnection, asked: Asked) -> Explanation:
    """Answer a question.

    Args:
        con: a connection in which `explaining.READ` are views.
        asked: the question.

    Raises:
        BookError: there is no cost of a span.
    """
    days = days_of_spans(con, asked)
    pairs = pairs_of(con, asked, days)
    before, after = totals(pairs)
    names = (*asked.by, "effect")
    effects = lmdi.decompose(pairs, asked.by).sort(pl.col("usd").abs(), *names, descending=[True, *(False for _ in names)])
    unknown = pairs.filter(pl.col("part") == lmdi.USE, ~pl.col("is_priced")).select("team", "feature").unique()
    daily = _Daily(con, asked, days, frozenset(unknown.rows()))
    return Explanation(
        asked=asked,
        days=days,
        before_usd=before,
        after_usd=after,
        effects=effects.to_dicts(),
        facts=[daily.told(fact, subject) for fact, subject in _largest(pairs, asked)],
        causes=daily.causes(pairs),
        unpriced=unpriced_of(con, asked),
    )


Subject = Mapping[str, str]
_WIDE = [lmdi.DAYS, lmdi.ALLOCATION, *_OF_MODELS]
"""Effects that are not told of an owner."""


def _largest(pairs: pl.DataFrame, asked: Asked) -> list[tuple[Fact, Subject]]:
    """The effects that moved most, each of who or what moved it."""
    of_owner = pl.col("effect").is_in(lmdi.EFFECTS) & ~pl.col("effect").is_in(_WIDE)
    counted = pl.col("effect").is_in([lmdi.VOLUME, lmdi.MIX])
    owners = (
        lmdi.estimate(pairs, ("team", "feature"))
        .filter(~pl.col("effect").is_in(_OF_MODELS))
        .select(
            pl.when(of_owner).then("team").otherwise(pl.lit("")).alias("one"),
            pl.when(of_owner).then("feature").otherwise(pl.lit("")).alias("other"),
            pl.when(counted).then(pl.lit(REQUESTS)).otherwise("effect").alias("effect"),
            "usd",
        )
    )
    models = lmdi.estimate(pairs, lmdi.MODEL).filter(pl.col("effect").is_in(_OF_MODELS)).rename({"provider": "one", "model": "other"})
    keys = ("one", "other", "effect")
    sums = pl.concat([owners, models.select(owners.columns)]).group_by(*keys).agg(pl.col("usd").sum())
    least = max(LEAST_SHARE * float(sums.get_column("usd").abs().sum()), VISIBLE)
    ranked = sums.filter(pl.col("usd").abs() >= least).sort(pl.col("usd").abs(), *keys, descending=[True, False, False, False])
    return [_fact(one, other, effect, _money(usd), asked) for one, other, effect, usd in ranked.select(*keys, "usd").head(SENTENCES).rows()]


def _fact(one: str, other: str, effect: str, usd: Decimal, asked: Asked) -> tuple[Fact, Subject]:
    if effect in _OF_MODELS:
        is_pool = effect in lmdi.GPU_EFFECTS.values() or effect == lmdi.GPU_RATE
        return Fact(f"Pool {one}" if is_pool else other, effect, usd), {} if is_pool else {"provider": one, "model": other}
    if (one, other) == ("", ""):
        named = {lmdi.DAYS: asked.after.name, lmdi.ALLOCATION: "Use"}
        return Fact(named.get(effect, effect), effect, usd), {}
    return Fact(owner(one, other), effect, usd), {"team": one, "feature": other}


class _Daily:
    """What single days say of facts and causes."""

    def __init__(self, con: duckdb.DuckDBPyConnection, asked: Asked, days: tuple[int, int], unknown: AbstractSet[tuple[str, str]]) -> None:
        self._con, self._asked, self._days, self._unknown = con, asked, days, unknown

    def told(self, fact: Fact, subject: Subject) -> Fact:
        """A fact with how far its factor moved, and since when."""
        if not subject:
            return fact
        if fact.effect == lmdi.ROUTING:
            return Fact(fact.subject, fact.effect, fact.usd, models=self._models(subject))
        factor = FACTORS.get(fact.effect)
        # How many requests there are is no figure of those with a price, where some of the owner's have none.
        if factor is None or (fact.effect == REQUESTS and (subject["team"], subject["feature"]) in self._unknown):
            return fact
        rows = self._rows(subject)
        before, after = (ratio(factor, rows, span.first, span.end, days) for span, days in zip(self._spans, self._days, strict=True))
        since = since_of(factor, rows, fact.effect)
        if before is None or after is None:
            return Fact(fact.subject, fact.effect, fact.usd)
        if fact.effect == lmdi.CACHE:
            return Fact(fact.subject, fact.effect, fact.usd, since=since, shares=(Decimal(str(before)), Decimal(str(after))))
        return Fact(fact.subject, fact.effect, fact.usd, ratio=Decimal(str(after / before - 1)) if before else None, since=since)

    @property
    def _spans(self) -> tuple[Any, Any]:
        return self._asked.before, self._asked.after

    def _rows(self, subject: Subject) -> list[dict[str, Any]]:
        """A subject's counts by day, of both spans."""
        names = ("operations", "calls", "attempts", *lmdi.TOKENS, *lmdi.COSTS)
        sums = ", ".join(f"cast(sum({name}) as double) as {name}" for name in names)
        held = " and ".join(f"{name} = ?" for name in subject)
        paid = f"{self._when} and is_priced and served_tier <> 'gateway cache'"
        query = f"select day, {sums} from core.cost_driver where {paid} and {held} group by day order by day"
        return self._dicts(query, list(subject.values()))

    @property
    def _when(self) -> str:
        spans = " or ".join(f"(day >= date '{span.first}' and day < date '{span.end}')" for span in self._spans)
        where = (f" and {name} = {quoted(value)}" for name, value in (self._asked.where or {}).items())
        return f"({spans}){''.join(where)}"

    def _dicts(self, query: str, values: Sequence[object] = ()) -> list[dict[str, Any]]:
        result = self._con.execute(query, list(values))
        names = [column[0] for column in result.description or ()]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def _models(self, subject: Subject) -> tuple[str, str] | None:
        """The model that lost most of the share of calls, and the one that won most of it."""
        shares: list[dict[str, float]] = []
        query = """
            select model, cast(sum(calls) as double) from core.cost_driver
            where day >= ? and day < ? and team = ? and feature = ? and is_priced group by model
        """
        for span in self._spans:
            counts = dict(self._con.execute(query, [span.first, span.end, *subject.values()]).fetchall())
            total = sum(counts.values())
            shares.append({name: count / total for name, count in counts.items()} if total else {})
        moves = {name: shares[1].get(name, 0.0) - shares[0].get(name, 0.0) for name in sorted(shares[0].keys() | shares[1].keys())}
        lost, won = min(moves, key=lambda name: moves[name], default=None), max(moves, key=lambda name: moves[name], default=None)
        return (lost, won) if lost and won and moves[lost] < -LEAST_SHARE and moves[won] > LEAST_SHARE else None

    def causes(self, pairs: pl.DataFrame) -> list[Found]:
        """Combinations that stand out against the span before, scaled by days; quiet is what its halves differ by."""
        scale = 1.0 if self._asked.per_day else self._days[1] / self._days[0]
        names = {"cost_usd_before": "before", "cost_usd_after": "actual"}
        used = (
            pairs.filter(pl.col("part") == lmdi.USE)
            .group_by(*CAUSES)
            .agg(pl.col(column).sum().cast(pl.Float64).alias(name) for column, name in names.items())
        )
        leaves = used.join(self._later(), on=CAUSES, how="left").with_columns((pl.col("before") * scale).alias("expected"))
        later = float(leaves.get_column("later").sum()) / (float(leaves.get_column("before").sum()) or 1.0)
        # The later half of the span before against all of it, both as long as the span that is explained.
        quiet = leaves.select(*CAUSES, "expected", (pl.col("later").fill_null(0) * scale / (later or 1.0)).alias("actual"))
        found = causes(_known(leaves, pairs).select(*CAUSES, "expected", "actual"), CAUSES, CLEAR * best_score(quiet, CAUSES))
        return [
            Found(one.where, _money(one.expected), _money(one.actual), self._day(found[: place + 1])) for place, one in enumerate(found)
        ]

    def _later(self) -> pl.DataFrame:
        """What the later half of the span before cost."""
        before, listed = self._asked.before, ", ".join(CAUSES)
        middle = before.end - (before.end - before.first) // 2
        query = f"""
            select {listed}, cast(sum(cost_usd) as double) as later from core.cost_driver
            where day >= date '{middle}' and day < date '{before.end}' and {self._when} group by {listed}
        """
        return pl.DataFrame(pl.from_arrow(self._con.sql(query).to_arrow_table()))

    def _day(self, told: Sequence[Cause]) -> date | None:
        """The day that has most of what the last cause has beyond a usual day, without what is of the causes before it."""
        *others, one = ([" and ".join(f"{name} = ?" for name in cause.where), *cause.where.values()] for cause in told)
        held = "".join(f" and not ({other[0]})" for other in others)
        values = [value for each in (one, *others) for value in each[1:]]
        query = f"select day, cast(sum(cost_usd) as double) as usd from core.cost_driver where {self._when} and {one[0]}{held} group by day"
        rows = [row for row in self._dicts(query, values) if self._asked.after.first <= row["day"] < self._asked.after.end]
        excess = told[-1].actual - told[-1].expected
        if excess <= 0 or not rows:
            return None
        top = max(rows, key=lambda row: row["usd"])
        usual = sum(row["usd"] for row in rows if row is not top) / max(1, len(rows) - 1)
        day: date = top["day"]
        return day if top["usd"] - usual >= _MOST_OF_IT * excess else None


def _known(leaves: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """What is expected of what has a price: less what lost it since, and more where there was none before."""
    if pairs.get_column("is_priced").all():
        return leaves
    moved = lmdi.estimate(pairs, CAUSES).filter(pl.col("effect") == lmdi.UNPRICED).select(*CAUSES, "usd")
    known = (pl.col("expected") + pl.col("usd").fill_null(0.0)).clip(lower_bound=0.0)
    return leaves.join(moved, on=CAUSES, how="left", maintain_order="left").with_columns(known.alias("expected"))


def _money(value: float) -> Decimal:
    return Decimal(str(value)).quantize(Decimal("0.01"))
