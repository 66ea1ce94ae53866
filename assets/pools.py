"""Shared pools of a book: what teams share (`allocation.yaml`), by which key, and measures that no log has (`weights.csv`).

A pool costs an amount a month, or takes cost lines that nobody owns. It is shared out in the order in which pools stand in the file, on
lines of its own that name the key.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import Field, field_validator, model_validator

from meterbook.assets.csv_rows import rows_of
from meterbook.assets.dated import Dated
from meterbook.assets.sources import Name

MEASURES = {
    "cost": "cost of model usage",
    "tokens": "tokens",
    "requests": "requests",
    "gpu_hours": "GPU hours held",
    "direct_cost": "direct cost",
    "full_cost": "direct cost and the pools before it",
}
"""Keys that are measured each day, in words."""
STATED = ("even", "fixed")
_WEIGHTS = re.compile(r"weights: ?(?P<name>\S.*)")
_COLUMN = re.compile(r"column: ?(?P<table>\w+\.\w+)\.(?P<name>\w+)")
SCOPE = ("provider", "model", "tenant", "feature", "environment", "source", "gpu_pool")
"""What a key can be measured within. GPU hours are within a `gpu_pool`, the other measures within the rest."""
_SCOPED = {"cost": SCOPE[:-1], "tokens": SCOPE[:-1], "requests": SCOPE[:-1], "gpu_hours": SCOPE[-1:]}
COLUMN_SCOPE = (*SCOPE[:-1], "pool")
"""What a column can be measured within, as far as its table has it."""
Share = Annotated[Decimal, Field(gt=0, le=1, decimal_places=12)]
Usd = Annotated[Decimal, Field(ge=0, decimal_places=6, max_digits=18)]


class PoolError(ValueError):
    """allocation.yaml or weights.csv is wrong; the message names file, place and what to do."""


class Column(NamedTuple):
    """A column of a daily table that a pool is shared by, as the book names it; assets/column_keys.py holds it against the tables."""

    table: str
    name: str
    scope: tuple[tuple[str, str], ...]
    """Field and pattern, by field: only rows that fit are measured."""

    @property
    def measure(self) -> str:
        """What it is called in core.column_weight: no two keys that measure different rows share it."""
        within = json.dumps(dict(self.scope), ensure_ascii=False)
        return f"{self.table}.{self.name}" + (f" {within}" if self.scope else "")


class Pool(Dated):
    """A cost that teams share.

    Args:
        pool: its name.
        monthly_usd: what it costs a month, spread evenly over its days; or
        lines: the cost lines it takes, `*` for anything, where nobody owns them (team `unallocated`), of either sign.
        basis: only those of this basis, such as `bill of openai`.
        key: what it is shared by: one of `cost` (of model usage), `tokens`, `requests`, `gpu_hours`, `direct_cost`, `full_cost` (direct
            cost, and the pools before it), `even`, `fixed`, `weights: NAME` of weights.csv, or `column: SCHEMA.TABLE.COLUMN`, such as
            marts.token_use.output_tokens, summed by day and team.
        corrects: instead of a key: a pool before it whose key, scope and teams this one has, as a credit has those of what it corrects.
        scope: measure the key only within this: field -> pattern.
        shares: with `fixed`: what each team takes.
        passes: parts of it that go to pools after it and are shared by their keys.
        teams: the only teams that pay; all where not given.
        exempt: teams that do not.
        cap_share: the most one team pays of it.
        caps_usd: the most a team pays of it in a month, spread as the pool is.
    """

    pool: Name
    monthly_usd: Usd | None = None
    lines: tuple[Name, ...] = ()
    basis: Name | None = None
    key: str | None = None
    corrects: Name | None = None
    scope: Mapping[str, Name] = {}
    shares: Mapping[Name, Annotated[int, Field(ge=0)]] = {}
    passes: Mapping[Name, Share] = {}
    teams: tuple[Name, ...] = ()
    exempt: tuple[Name, ...] = ()
    cap_share: Share | None = None
    caps_usd: Mapping[Name, Usd] = {}

    @field_validator("key", mode="before")
    @classmethod
    def _named(cls, value: object) -> object:
        """`{weights: NAME}` and `{column: NAME}` as one text each."""
        if isinstance(value, Mapping) and list(value) in (["weights"], ["column"]):
            [(kind, name)] = value.items()
            return f"{kind}: {name}"
        return value

    @field_validator("key")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        if value is None or value in MEASURES or value in STATED or _WEIGHTS.fullmatch(value) or _COLUMN.fullmatch(value):
            return value
        if value.startswith("column:"):
            raise ValueError("`column:` names a schema, a table and a column of it, such as marts.token_use.output_tokens")
        named = "`weights: NAME` of weights.csv and `column: SCHEMA.TABLE.COLUMN`"
        raise ValueError(f"no such key; there are {', '.join((*MEASURES, *STATED))}, {named}")

    @model_validator(mode="after")
    def _fits(self) -> "Pool":
        if (self.monthly_usd is None) == (not self.lines):
            raise ValueError("a pool has either `monthly_usd:` or `lines:`")
        if self.basis and not self.lines:
            raise ValueError("`basis:` belongs to `lines:`")
        if (self.key is None) == (self.corrects is None):
            raise ValueError("a pool has either `key:` or `corrects:`")
        if (self.key == "fixed") != bool(self.shares):
            raise ValueError("`shares:` belong to `key: fixed`, and to no other key")
        if wrong := sorted(set(self.scope) - set(COLUMN_SCOPE if self.column else _SCOPED.get(self.key or "", ()))):
            raise ValueError(f"`scope: {wrong[0]}` is nothing that `key: {self.key}` can be measured within")
        if self.corrects and (self.teams or self.exempt):
            raise ValueError("`corrects:` takes the teams of the pool it names")
        if sum(self.passes.values()) > 1:
            raise ValueError("`passes:` sum to more than 1")
        return self

    @property
    def weights(self) -> str | None:
        """The name in weights.csv it is shared by."""
        found = _WEIGHTS.fullmatch(self.key or "")
        return found["name"] if found else None

    @property
    def column(self) -> Column | None:
        """The column of a table it is shared by."""
        found = _COLUMN.fullmatch(self.key or "")
        return Column(found["table"], found["name"], tuple(sorted(self.scope.items()))) if found else None

    @property
    def words(self) -> str:
        """The key as lines disclose it."""
        within = ", ".join(f"{field} {pattern}" for field, pattern in sorted(self.scope.items()))
        named = f"{self.column.name} of {self.column.table}" if self.column else self.weights or ""
        key = MEASURES.get(self.key or "", {"even": "equal parts", "fixed": "fixed shares"}.get(self.key or "", named))
        return key + (f" ({within})" if within else "")


class Weight(Dated):
    """One line of weights.csv: a measure of a team, such as its headcount, from a day to a day."""

    weights: Name
    team: Name
    weight: Decimal = Field(ge=0, decimal_places=6, max_digits=18)


def check_pools(path: Path, pools: Sequence[Pool], weights: Iterable[str]) -> tuple[Pool, ...]:
    """Refuse what is wrong between pools, and give those that correct another its key, scope and teams.

    Raises:
        PoolError: pools overlap in time, or name a pool or weights that are not there, or a pool that does not come after.
    """
    _refuse_overlaps(path, pools)
    known, found = set(weights), list[Pool]()
    last = {pool.pool: place for place, pool in enumerate(pools)}
    for place, pool in enumerate(pools):
        if pool.weights and pool.weights not in known:
            raise PoolError(f"{path}: pool {pool.pool!r}: weights.csv has no weights {pool.weights!r}{_there_are(known)}")
        for to in pool.passes:
            if last.get(to, -1) <= place:
                raise PoolError(f"{path}: pool {pool.pool!r} passes to {to!r}, which does not come after it; pools pass on one way")
        found.append(_corrected(path, pool, found))
    return tuple(found)


def _corrected(path: Path, pool: Pool, before: Sequence[Pool]) -> Pool:
    if not pool.corrects:
        return pool
    of = [one for one in before if one.pool == pool.corrects and one.starts_on < pool.ends_on and pool.starts_on < one.ends_on]
    if not of:
        raise PoolError(f"{path}: pool {pool.pool!r} corrects {pool.corrects!r}, which is no pool before it in those days")
    if len({(one.key, str(one.scope), str(one.shares), one.teams, one.exempt) for one in of}) > 1:
        raise PoolError(f"{path}: pool {pool.pool!r} corrects {pool.corrects!r}, whose key changes in those days; give one entry for each")
    kept = ("key", "scope", "shares", "teams", "exempt")
    return pool.model_copy(update={name: getattr(of[0], name) for name in kept})


def _refuse_overlaps(path: Path, pools: Iterable[Pool]) -> None:
    for before, after in pairwise(sorted(pools, key=lambda pool: (pool.pool, pool.starts_on))):
        if before.pool == after.pool and after.starts_on < before.ends_on:
            raise PoolError(f"{path}: pool {after.pool!r} from {after.starts_on} overlaps the one until {before.ends_on}")


def _there_are(known: set[str]) -> str:
    return f"; there are {', '.join(sorted(known))}" if known else ""


def load_weights(path: Path) -> tuple[Weight, ...]:
    """Every line of weights.csv; none where there is no such file.

    Raises:
        PoolError: it is not readable, a line is wrong, or two lines of one team and name overlap.
    """
    if not path.is_file():
        return ()
    found = list(rows_of(path, Weight, PoolError, optional=("starts_on", "ends_on")))
    for (_, before), (line, after) in pairwise(sorted(found, key=lambda one: (one[1].weights, one[1].team, one[1].starts_on))):
        if (before.weights, before.team) == (after.weights, after.team) and after.starts_on < before.ends_on:
            raise PoolError(f"{path}:{line}: {after.weights} of {after.team} from {after.starts_on} overlaps a line until {before.ends_on}")
    return tuple(weight for _, weight in found)
