"""What a scenario would have made of days already priced: before and after by feature, low, point and high, priced call by call."""

import difflib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import polars as pl

from meterbook.assets.book import BookError
from meterbook.assets.rerating import scan
from meterbook.assets.whatif import OwnGpuChange, RouteChange, Scenario
from meterbook.assets.whatif_gpus import HOURS, moved
from meterbook.assets.whatif_lakes import COST, INPUTS, ROUTES, SAVING, SCENARIOS, Layers
from meterbook.assets.whatif_outcome import NOTHING, PICO, Found, Group, Outcome
from meterbook.assets.whatif_words import assumptions
from meterbook.assets.workspace import Workspace
from meterbook.reports.frame import rows_of
from meterbook.reports.saving_ledger import Range
from meterbook.sql.catalog import Catalog
from meterbook.sql.lake import quoted

LEVERS: Mapping[str, str] = {
    "response cache": "duplicates_usd",
    "retries": "retries_usd",
    "caps": "caps_usd",
    "routing": "routing_usd",
    "prompt cache": "prompt_cache_usd",
    "batch": "batch_usd",
}
"""The levers in their published order, by their column in core.lever_saving."""
PRICES, GPUS = "prices and switches", "own GPUs"
NEEDS: Mapping[str, tuple[str, str]] = {
    ROUTES: ("route", "the other model has no price at their tier on these days"),
    "core.repeated_prompt": ("response_cache", "no two calls of these days could have shared an answer; or their logs have no prompt_hash"),
    "core.prefix_reuse": ("prompt_cache", "no prefix came twice; or the logs have no prefix_hash (meterbook telemetry)"),
    "core.batch_share": ("batch", "none of these calls is at standard tier with a batch price"),
}
ON: Mapping[str, str] = {
    "batch": "served_tier = 'batch'",
    "prompt_cache": "cache_read_tokens > 0 or cache_write_5m_tokens > 0 or cache_write_1h_tokens > 0",
}
"""Which calls a switch that is turned off is about."""


def whatif(workspace: Workspace, scenario: Scenario, first: date | None, last: date | None, beside: Path) -> Outcome:
    """Price the days of a range as a scenario has them; nothing is written into the book.

    Args:
        workspace: the opened book.
        scenario: what would be otherwise.
        first: first day of the book; else 28 days before the last.
        last: last day, included; else the last one with data.
        beside: the folder that names of files in the scenario start from.

    Raises:
        BookError: no data on these days, or a name that is none of theirs.
    """
    with TemporaryDirectory(prefix="meterbook-whatif-") as folder, workspace.catalog.scratch() as con:
        days = _days(workspace, _with_calls(workspace, con), first, last)
        return _Run(workspace, scenario, days, con).go(Path(folder), beside)


class _Run:
    def __init__(self, workspace: Workspace, scenario: Scenario, days: Sequence[str], con: duckdb.DuckDBPyConnection) -> None:
        self._workspace, self._scenario, self._days, self._con = workspace, scenario, days, con
        self._first, self._end = days[0], str(date.fromisoformat(days[-1]) + timedelta(days=1))

    def go(self, folder: Path, beside: Path) -> Outcome:
        con, calls = self._con, self._calls(self._workspace.catalog)
        self._refuse_unknown(calls)
        layers = Layers(self._workspace, self._scenario, self._days_around(), folder, beside)
        new = self._calls(layers.priced) if layers.is_repriced else calls
        groups = list(_groups(con, calls, new))
        outcome = Outcome(date.fromisoformat(self._days[0]), date.fromisoformat(self._days[-1]), _by_feature(groups))
        outcome.requests, outcome.unknown_requests = (sum(row[name] for row in groups) for name in ("requests", "unknown_requests"))
        gaps = {_group(row): row["cost_usd"] - row["new_usd"] for row in groups}
        found: Found = {(group, PRICES): Range(gap, gap, gap) for group, gap in gaps.items() if gap}
        found |= self._levers(layers)
        left = {_group(row): _left(row["new_usd"], _group(row), found) for row in groups}
        for one in self._scenario.of(OwnGpuChange):
            found |= moved(con, new, one, left, paid_usd=self._gpu_hour(one) * one.gpus * HOURS, days=[str(day) for day in outcome.days])
        outcome.add(found)
        outcome.assumptions = list(assumptions(self._scenario, outcome, self._gpu_hour))
        return outcome

    def _levers(self, layers: Layers) -> Found:
        routes = list(self._scenario.of(RouteChange))
        routed = layers.levers()
        self._refuse_idle(routed)
        found = self._saved(routed)
        if any(one.share < 1 for one in routes):
            # Of the calls that do not go by the route the other levers spare what they would without it.
            others = self._saved(layers.levers(with_routes=False))
            found = {key: _mixed(_share(key[0], routes), found.get(key, NOTHING), others.get(key, NOTHING)) for key in {*found, *others}}
        return {key: usd for key, usd in found.items() if usd != NOTHING}

    def _saved(self, catalog: Catalog) -> Found:
        sums = ", ".join(f"sum({column}) as {column}" for column in LEVERS.values())
        group = "cast(day as varchar) as day, scenario, feature, provider, model"
        query = f"select {group}, {sums} from {self._scan(catalog, SAVING)} group by all"
        found: dict[tuple[Group, str], dict[str, Decimal]] = defaultdict(dict)
        for row in rows_of(self._con, query):
            for lever, column in LEVERS.items():
                found[_group(row), lever][row["scenario"]] = row[column]
        return {key: Range(*(of[name] for name in SCENARIOS)) for key, of in found.items()}

    def _scan(self, catalog: Catalog, name: str) -> str:
        return scan(catalog, name, self._first, self._end)

    def _calls(self, catalog: Catalog) -> str:
        """Priced calls of the days, which are the book's."""
        return f"(select * from {scan(catalog, COST, *self._utc)} where book_day >= '{self._first}' and book_day < '{self._end}')"

    @cached_property
    def _utc(self) -> tuple[str, str]:
        """The UTC days that these reach into, by which most tables are cut: first, and the day after the last."""
        around = timedelta(days=abs(self._workspace.catalog.settings.side))
        return str(date.fromisoformat(self._first) - around), str(date.fromisoformat(self._end) + around)

    def _days_around(self) -> list[str]:
        """These UTC days, and the one before: what was answered then may be given again on the first one."""
        before, end = str(date.fromisoformat(self._utc[0]) - timedelta(days=1)), self._utc[1]
        return [day for day in self._workspace.catalog.days if before <= day < end]

    def _gpu_hour(self, one: OwnGpuChange) -> Decimal:
        """USD of a GPU's hour: as stated, or on a card at the first day."""
        if one.usd_per_gpu_hour is not None:
            return one.usd_per_gpu_hour
        provider, _, model = str(one.rate).partition("/")
        rates = self._workspace.book.cards.rates.filter(pl.col("gpu_hour_usd").is_not_null())
        held = rates.filter((pl.col("provider") == provider) & (pl.col("model") == model) & (pl.col("served_tier") == "standard"))
        now = held.filter((pl.col("starts_at").dt.date() <= date.fromisoformat(self._first)) & (pl.col("layer") == "list"))
        if now.is_empty():
            names = (f"{row[0]}/{row[1]}" for row in rates.select("provider", "model").unique().sort(pl.all()).iter_rows())
            raise BookError(f"own_gpus: no rate card has a GPU {one.rate!r} on {self._first}{_guess(str(one.rate), list(names))}")
        return Decimal(now.sort("starts_at")["gpu_hour_usd"].to_list()[-1])

    def _refuse_unknown(self, calls: str) -> None:
        """Names of a scenario that are none of the calls'."""
        rows = rows_of(
            self._con, f"select distinct coalesce(feature, '(none)') as feature, coalesce(model, '(none)') as model from {calls}"
        )
        features = sorted({row["feature"] for row in rows})
        for change in self._scenario.changes:
            [kind] = change.model_fields_set
            feature = getattr(change.only, "feature", None)
            if feature is not None and feature not in features:
                raise BookError(f"{kind}: no call of these days has feature {feature!r}{_guess(feature, features)}")
            pattern = getattr(change.only, "from_model", None) or getattr(change.only, "model", None)
            models = sorted({row["model"] for row in rows if feature in {None, row["feature"]}})
            if pattern and not any(_fits(pattern, model) for model in models):
                of = f" of feature {feature}" if feature else ""
                raise BookError(f"{kind}: no call{of} is of a model {pattern!r}; there are {', '.join(models)}")
            if isinstance(change.only, RouteChange):
                self._refuse_uncarded(change.only)
            if getattr(change.only, "turn", "on") == "off":
                self._refuse_nothing_on(calls, kind, feature)

    def _refuse_nothing_on(self, calls: str, kind: str, feature: str | None) -> None:
        where = "true" if feature is None else f"coalesce(feature, '(none)') = {quoted(feature)}"
        if not rows_of(self._con, f"select 1 from {calls} where {where} and ({ON[kind]}) limit 1"):
            raise BookError(f"{kind}: no call of {self._days[0]} to {self._days[-1]} uses it, so that there is nothing to turn off")

    def _refuse_uncarded(self, route: RouteChange) -> None:
        names = sorted(set(self._workspace.book.cards.rates["model"].to_list()))
        if route.to_model not in names:
            raise BookError(f"route: no rate card has a model {route.to_model!r}{_guess(route.to_model, names)}")

    def _refuse_idle(self, catalog: Catalog) -> None:
        """A change that touches no call at all says nothing: it is told instead of a range of nothing."""
        asked = {
            name for change in self._scenario.changes for name in change.model_fields_set if getattr(change.only, "turn", "on") == "on"
        }
        for table in INPUTS:
            kind, why = NEEDS.get(table, ("", ""))
            if kind in asked and not rows_of(self._con, f"select 1 from {scan(catalog, table, *self._utc)} limit 1"):
                raise BookError(f"{kind}: it would touch no call of {self._days[0]} to {self._days[-1]}: {why}")


def _with_calls(workspace: Workspace, con: duckdb.DuckDBPyConnection) -> set[str]:
    """Days of the book with calls."""
    if not workspace.catalog.settings.side:
        return set(workspace.days_of([COST]))
    return {row["day"] for row in rows_of(con, f"select distinct cast(book_day as varchar) as day from {scan(workspace.catalog, COST)}")}


def _days(workspace: Workspace, known: set[str], first: date | None, last: date | None) -> list[str]:
    until = last or (date.fromisoformat(max(known)) if known else date.min)
    since = first or max(date.min + timedelta(days=28), until) - timedelta(days=27)
    found = [day for day in workspace.catalog.days if str(since) <= day <= str(until)]
    if not known.intersection(found):
        told = f" (there are calls from {min(known)} to {max(known)})" if known else ""
        raise BookError(f"no call from {since} to {until} is in the lake of {workspace.folder}{told}; `meterbook run` prices the inbox")
    return found


def _groups(con: duckdb.DuckDBPyConnection, old: str, new: str) -> Iterator[dict[str, Any]]:
    """Cost as it is and priced otherwise, by group; what would have no price is as it is."""
    usd = "old.cost_usd" if new == old else "coalesce(new.cost_usd, old.cost_usd)"
    lost = "0" if new == old else "count(case when old.cost_usd is not null and new.cost_usd is null then 1 end)"
    join = "" if new == old else f"left join {new} as new on new.day = old.day and new.request_id = old.request_id"
    yield from rows_of(
        con,
        f"""
        select coalesce(old.feature, '(none)') as feature, coalesce(old.provider, '(none)') as provider,
            coalesce(old.model, '(none)') as model, cast(old.book_day as varchar) as day, count(*) as requests, {lost} as unknown_requests,
            coalesce(sum(old.cost_usd), 0) as cost_usd,
            coalesce(sum(case when old.cost_usd is not null then {usd} end), 0) as new_usd
        from {old} as old {join} group by all order by all
        """,
    )


def _by_feature(groups: Sequence[Mapping[str, Any]]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = defaultdict(Decimal)
    for row in groups:
        found[row["feature"]] += row["cost_usd"]
    return dict(found)


def _group(row: Mapping[str, Any]) -> Group:
    return row["day"], row["feature"], row["provider"], row["model"]


def _left(cost: Decimal, group: Group, found: Found) -> Range:
    """What the changes so far leave of a group."""
    saved = sum((found.get((group, lever), NOTHING) for lever in LEVERS), NOTHING)
    return Range(cost - saved.low, cost - saved.point, cost - saved.high)


def _share(group: Group, routes: Sequence[RouteChange]) -> Decimal:
    return next((one.share for one in routes if one.feature == group[1] and _fits(one.from_model, group[3])), Decimal(1))


def _mixed(share: Decimal, routed: Range, other: Range) -> Range:
    pairs = ((routed.low, other.low), (routed.point, other.point), (routed.high, other.high))
    return Range(*((share * one + (1 - share) * two).quantize(PICO, ROUND_DOWN) for one, two in pairs))


def _fits(pattern: str, name: str) -> bool:
    return fnmatchcase(name.lower(), pattern.lower().replace("[", "[[]").replace("?", "[?]"))


def _guess(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f"; did you mean {near[0]}?" if near else f"; there are {', '.join(known[:20])}" if known else ""
