"""What other prices would make of days already priced, shown before anything is written.

The models that price are run as they are over what is published, with other rate tables, in a lake of their own that is thrown away. What
follows from costs (commitments, shared costs, bills less prices) follows on the next run; here it is the priced cost that is compared.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import polars as pl

from meterbook.assets.book import BookError
from meterbook.assets.workspace import Workspace, columns
from meterbook.rate_cards.compile import Cards
from meterbook.rate_cards.composed import differences
from meterbook.sql.catalog import Catalog
from meterbook.sql.engine import Engine
from meterbook.sql.lake import Beside, Lake, quoted
from meterbook.sql.models import Model, Project

TARGETS = ("core.model_spend", "core.gpu_hour")
RATES = ("rate_cards.rate", "rate_cards.unit_rate", "rate_cards.alias", "rate_cards.allowance")
MOST_DAYS, SHARE = 7, 4
"""Days priced at once, and the part of an engine's chunk they may fill: their requests are held twice, to be compared."""
DIMENSIONS = {
    "day": "cast(day as varchar)",
    "model": "provider || '/' || model",
    **{name: f"coalesce({name}, '(none)')" for name in ("team", "cost_centre", "tenant", "feature", "provider")},
}
"""What differences can be summed by."""
Progress = Callable[[str, int], None]
"""Called with the days at work and how many were just done."""

_OWNERS = "team, cost_centre, tenant, feature, provider, model"
_LINE = """
    create table line (
        day date, period varchar, is_closed boolean, team varchar, cost_centre varchar, tenant varchar, feature varchar,
        provider varchar, model varchar, old_usd decimal(38,12), corrected_usd decimal(38,12), new_usd decimal(38,12),
        newly_priced bigint, newly_unpriced bigint
    )
"""
_SPEND = f"""
    select day, strftime(book_day, '%Y-%m'), day < $open_from, {_OWNERS}, sum(old_usd), 0, sum(new_usd), 0, 0
    from (
        select day, book_day, {_OWNERS}, cost_usd as old_usd, 0 as new_usd from {{old}} where cost_usd is not null
        union all
        select day, book_day, {_OWNERS}, 0, cost_usd from {{new}} where cost_usd is not null
    )
    group by all
"""
# As core.allocation has it: hours held are the holder's, the rest is the pool's owner's.
_GPU = """
    with hour as (
        select *, used_cost_usd + warm_idle_cost_usd as held_usd, free_idle_cost_usd + unknown_cost_usd as rest_usd
        from (select *, true as is_old from {old} union all select *, false from {new}) as hour
        left join (select pool, owner from {pool}) as pool using (pool)
        where cost_usd is not null
    ),
    part as (
        select day, book_day, coalesce(case when team = 'unassigned' then owner else team end, 'unowned') as team, gpu_model,
            held_usd as usd, is_old from hour
        union all
        select day, book_day, coalesce(owner, 'unallocated'), gpu_model, rest_usd, is_old from hour
    )
    select day, strftime(book_day, '%Y-%m'), day < $open_from, team, null, '(none)', '(none)', 'gpu', coalesce(gpu_model, '(none)'),
        sum(case when is_old then usd else 0 end), 0, sum(case when is_old then 0 else usd end), 0, 0
    from part
    group by all
"""
_COUNTS = """
    select new.day, strftime(new.book_day, '%Y-%m'), new.day < $open_from,
        coalesce(new.team, 'unowned'), coalesce(new.cost_centre, '(none)'), coalesce(new.tenant, '(none)'),
        coalesce(new.feature, '(none)'), coalesce(new.provider, '(none)'), coalesce(new.model, '(none)'), 0, 0, 0,
        count(*) filter (where old.effective_cost_usd is null), count(*) filter (where new.effective_cost_usd is null)
    from {new} as new
    inner join {old} as old on old.request_id = new.request_id and old.day = new.day
    where (old.effective_cost_usd is null) <> (new.effective_cost_usd is null)
    group by all
"""
_USED = """
    select card_provider, card_model from {old} where card_model is not null
    union
    select card_provider, card_model from {new} where card_model is not null
"""


@dataclass(frozen=True)
class Moved:
    """Cost before and after, summed over something. All amounts are USD, exact to the pico-dollar."""

    name: str
    old_usd: Decimal
    corrected_usd: Decimal
    """Posted as corrections of these days before."""
    new_usd: Decimal
    difference_usd: Decimal
    """New less old and less what was corrected before."""
    newly_priced: int
    """Requests that had no price and have one."""
    newly_unpriced: int


class Rerating:
    """Prices of a range of days compared; the figures stay until it is closed.

    Args:
        workspace: the opened book.
        cards: the prices to compare with what is published.
        first: first UTC day.
        last: last UTC day, included; days that were not priced yet are left out.

    Raises:
        BookError: nothing of the range is priced, or the lake is not up to date.
    """

    def __init__(self, workspace: Workspace, cards: Cards, first: date, last: date) -> None:
        self.workspace, self.cards = workspace, cards
        self.open_from = workspace.prices.open_from
        lock = workspace.prices.lock()
        until = lock.priced_until if lock else None
        self.days = [day for day in workspace.catalog.days if until and str(first) <= day <= str(min(last, until))]
        if not self.days:
            raise BookError(f"nothing from {first} to {last} is priced in {workspace.folder}; `meterbook run` prices what is in the inbox")
        self.first, self.last = date.fromisoformat(self.days[0]), date.fromisoformat(self.days[-1])
        self.models = repriced(workspace.project)
        self._refuse_stale()
        self._folder = TemporaryDirectory(prefix="meterbook-rerate-")
        own = workspace.catalog.settings
        self._con = duckdb.connect(
            config={"memory_limit": own.memory_limit, "threads": str(own.threads), "temp_directory": self._folder.name}
        )
        self._con.execute(_LINE)
        self._used: set[tuple[str, str]] = set()

    def compare(self, progress: Progress | None = None) -> None:
        """Price the days, some at a time, and sum the difference.

        Raises:
            CheckError: a rule of a model does not hold with these prices.
        """
        lake = Beside(self.workspace.lake, Path(self._folder.name), {*RATES, *(model.name for model in self.models)})
        engine = self._engine(lake)
        for name, frame in zip(RATES, self._tables(), strict=True):
            engine.put(name, frame)
        for days in self._windows():
            engine.catalog.days = days
            for model in self.models:
                engine.build(model)
            self._add(engine.catalog, days)
            for model in self.models:
                lake.table(model.name).drop(days)
            if progress:
                progress(days[-1], len(days))
        self._subtract_corrected()

    def by(self, dimension: str, *, closed: bool | None = None) -> list[Moved]:
        """Old and new cost by something of `DIMENSIONS`, the largest difference first; of open or closed days only, where asked."""
        name = DIMENSIONS[dimension]
        order = "1" if dimension == "day" else "abs(sum(new_usd) - sum(old_usd) - sum(corrected_usd)) desc, 1"
        return self._moved(name, f"group by 1 order by {order}", closed=closed)

    def total(self, *, closed: bool | None = None) -> Moved:
        """Old and new cost of all days, or of open or closed ones only."""
        name = {None: "all days", False: "open days", True: "closed days"}[closed]
        found = self._moved(f"'{name}'", "group by 1", closed=closed)
        return found[0] if found else Moved(name, Decimal(0), Decimal(0), Decimal(0), Decimal(0), 0, 0)

    def changed_rates(self) -> list[dict[str, Any]]:
        """The prices in use that differ, per unit: the columns of `meterbook.rate_cards.composed.differences`."""
        used = pl.DataFrame(sorted(self._used), schema=dict.fromkeys(("provider", "model"), pl.String()), orient="row")
        found = differences(self.workspace.book.cards, self.cards, self.first, self.last + timedelta(days=1))
        return found.join(used, on=used.columns, how="semi").sort(found.columns).rows(named=True)

    def to_correct(self) -> list[tuple[Any, ...]]:
        """What closed days should have cost more: day, month, the six owners, what was corrected before, and the amount."""
        return self._con.execute(f"""
            select day, period, {_OWNERS}, sum(corrected_usd), sum(new_usd) - sum(old_usd) - sum(corrected_usd) as amount
            from line where is_closed group by all having amount <> 0 order by all
        """).fetchall()

    def close(self) -> None:
        """Let go of the figures."""
        self._con.close()
        self._folder.cleanup()

    def _moved(self, name: str, tail: str, *, closed: bool | None) -> list[Moved]:
        kept = "" if closed is None else f"where is_closed = {closed}"
        rows = self._con.execute(f"""
            select {name}, sum(old_usd), sum(corrected_usd), sum(new_usd), sum(new_usd) - sum(old_usd) - sum(corrected_usd),
                cast(sum(newly_priced) as bigint), cast(sum(newly_unpriced) as bigint)
            from line {kept} {tail}
        """).fetchall()
        return [Moved(*row) for row in rows]

    def _refuse_stale(self) -> None:
        within = set(self.days)
        models, engine = self.workspace.project.models, self.workspace.engine
        stale = next((name for name in needed(self.workspace.project) if within & engine.stale(models[name]).keys()), None)
        if stale:
            raise BookError(f"{stale} is not up to date on some of these days; `meterbook run` first, then compare")

    def _engine(self, lake: Lake) -> Engine:
        catalog = self.workspace.catalog
        return Engine(Catalog(lake, self.workspace.project, self.workspace.inbox.raw_files(), catalog.settings, columns()))

    def _tables(self) -> Iterator[pl.DataFrame]:
        yield from (self.cards.rates, self.cards.unit_rates, self.cards.aliases, self.cards.allowances)

    def _windows(self) -> Iterator[list[str]]:
        """The days, in stretches that do not read too much at once."""
        catalog = self.workspace.catalog
        window: list[str] = []
        size = 0
        for day in self.days:
            after = str(date.fromisoformat(day) + timedelta(days=1))
            weight = catalog.size("core.request", day, after)
            is_next = not window or date.fromisoformat(day) - date.fromisoformat(window[-1]) == timedelta(days=1)
            if window and (not is_next or len(window) == MOST_DAYS or size + weight > catalog.settings.window_bytes // SHARE):
                yield window
                window, size = [], 0
            window.append(day)
            size += weight
        yield window

    def _add(self, catalog: Catalog, days: Sequence[str]) -> None:
        first, end = days[0], str(date.fromisoformat(days[-1]) + timedelta(days=1))

        def tables(name: str) -> dict[str, str]:
            return {"old": scan(self.workspace.catalog, name, first, end), "new": scan(catalog, name, first, end)}

        gpu = {**tables("core.gpu_hour"), "pool": scan(self.workspace.catalog, "book.gpu_pool")}
        for query in (_SPEND.format(**tables("core.model_spend")), _GPU.format(**gpu), _COUNTS.format(**tables("core.request_cost"))):
            self._con.execute(f"insert into line {query}", {"open_from": self.open_from})
        self._used.update(self._con.execute(_USED.format(**tables("core.rate_in_force"))).fetchall())

    def _subtract_corrected(self) -> None:
        for line in self.workspace.book.corrections:
            if self.first <= line.corrects_day <= self.last:
                owners = [line.team, line.cost_centre, line.tenant, line.feature, line.provider, line.model]
                self._con.execute(
                    "insert into line values (?, ?, true, ?, ?, ?, ?, ?, ?, 0, ?, 0, 0, 0)",
                    [line.corrects_day, line.corrects_period, *owners, line.amount_usd],
                )


def repriced(project: Project) -> list[Model]:
    """The models between the rate tables and the costs compared, in order."""
    priced = set(RATES)
    for model in project.models.values():
        if priced.intersection(project.upstream(model)):
            priced.add(model.name)
    return [project.models[name] for name in needed(project) if name in priced]


def needed(project: Project) -> list[str]:
    """The models the costs compared are made of, in order."""
    wanted = set(TARGETS)
    for name, model in reversed(list(project.models.items())):
        if name in wanted:
            wanted.update(project.upstream(model))
    return [name for name in project.models if name in wanted]


def scan(catalog: Catalog, name: str, first: str | None = None, end: str | None = None) -> str:
    """A table's files as SQL, in a half-open range of days where it is cut by day; no rows where there are none."""
    files = catalog.files(name, first, end)
    if files:
        return f"read_parquet([{', '.join(quoted(str(path)) for path in files)}])"
    empty = ", ".join(f"cast(null as {dtype}) as {column}" for column, dtype in catalog.columns[name].items())
    return f"(select {empty} where false)"
