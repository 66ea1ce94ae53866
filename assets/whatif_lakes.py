"""The tables of a scenario: the models of the lake run over its days with what it changes, in folders that are thrown away.

Two layers lie over what is published. The first has other prices, or calls without batch or cache; the second what the levers of the
scenario, and no others, would do to them. What is changed request by request is written as the model that says it would have written it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl

from meterbook.assets.applying import cards_with
from meterbook.assets.book import BookError
from meterbook.assets.lever_cache import PromptCache, ResponseCache, cache_tables
from meterbook.assets.lever_routes import Route, route_tables
from meterbook.assets.rerating import RATES, scan
from meterbook.assets.whatif import (
    BatchChange,
    CapChange,
    PriceChange,
    PromptCacheChange,
    ResponseCacheChange,
    RouteChange,
    Scenario,
)
from meterbook.assets.workspace import Workspace, columns
from meterbook.rate_cards.patterns import like
from meterbook.sql.catalog import Catalog
from meterbook.sql.engine import Engine
from meterbook.sql.lake import COPY, Beside, Lake, Partition, quoted, sha256_of

ROUTES, CACHED = "core.route_offer", "core.repeated_prompt"
INPUTS = (CACHED, "core.avoidable_attempt", "core.output_cap", ROUTES, "core.prefix_reuse", "core.batch_share")
"""What the chain of levers is told of each request or group: without a change there is nothing."""
SAVING, COST, PRICE, SEEN, REQUEST = "core.lever_saving", "core.request_cost", "core.lever_price", "core.model_seen", "core.request"
SCENARIOS = ("low", "point", "high")
_PPM = 1_000_000
STANDARD = "coalesce(provider, '') || '|standard|' || coalesce(region, '') || '|' || coalesce(model, '')"
"""How core.request names the price of a call at standard tier."""


class Layers:
    """The lakes of a scenario.

    Args:
        workspace: the opened book; only read.
        scenario: what is changed.
        days: the UTC days that the days looked at reach into.
        folder: where its tables may lie.
        beside: the folder that names of files in the scenario start from.
    """

    def __init__(self, workspace: Workspace, scenario: Scenario, days: Sequence[str], folder: Path, beside: Path) -> None:
        self._workspace, self._scenario, self._days, self._folder, self._beside = workspace, scenario, days, folder, beside
        self.published = workspace.catalog
        self._refuse_stale()
        self.priced = self._priced()

    @property
    def is_repriced(self) -> bool:
        """Whether calls cost otherwise before any lever."""
        return self.priced is not self.published

    def levers(self, *, with_routes: bool = True) -> Catalog:
        """What the scenario's levers would save of each group, with its routes or as if no call went by them."""
        scenario, routes = self._scenario, list(self._scenario.of(RouteChange)) if with_routes else []
        tables: dict[str, pl.DataFrame] = {}
        if routes:
            tables |= route_tables([_route(one) for one in routes])
        if cached := list(scenario.of(ResponseCacheChange)):
            tables["book.response_cache"] = cache_tables(_caches(cached), (), PromptCache())["book.response_cache"]
        built = {name for name, is_asked in ((ROUTES, routes), (CACHED, cached)) if is_asked}
        models = self._models({SAVING, *built}, {*tables, *INPUTS}, cut=set(INPUTS) - built)
        engine = self._engine(self.priced.lake, "levers" if with_routes else "unrouted", {*tables, *models, *INPUTS})
        for name, frame in tables.items():
            engine.put(name, frame)
        for name, query in self._written():
            self._write(engine.catalog, name, query)
        for name in models:
            engine.build(self._workspace.project.models[name])
            if name == ROUTES:
                # A route that the traffic itself offers is none of the scenario's.
                self._write(engine.catalog, ROUTES, f"select * from {self._scan(engine.catalog, ROUTES)} where is_stated")
        return engine.catalog

    def _priced(self) -> Catalog:
        cards = next((cards_with(self._workspace.book, self._beside / one.card) for one in self._scenario.of(PriceChange)), None)
        batch, cache = ([one for one in self._scenario.of(kind) if one.turn == "off"] for kind in (BatchChange, PromptCacheChange))
        if cards is None and not batch and not cache:
            return self.published
        rates = dict(zip(RATES, (cards.rates, cards.unit_rates, cards.aliases, cards.allowances), strict=True)) if cards else {}
        changed = {*rates, *([SEEN] if batch else []), *([REQUEST] if batch or cache else [])}
        models = self._models({COST, PRICE}, changed, cut=set())
        engine = self._engine(self._workspace.lake, "prices", {*changed, *models})
        for name, frame in rates.items():
            engine.put(name, frame)
        if batch or cache:
            self._write(engine.catalog, REQUEST, _requests(self._scan(self.published, REQUEST), batch, cache))
        for name in models:
            if name != REQUEST and not (name == SEEN and not rates):
                engine.build(self._workspace.project.models[name])
            if name == SEEN and batch:
                source = self._scan(engine.catalog if rates else self.published, SEEN)
                self._write(engine.catalog, SEEN, _seen(source))
        return engine.catalog

    def _written(self) -> Iterator[tuple[str, str]]:
        """What levers are told that needs no model: by query over what is published, or priced otherwise."""
        caps = [_cap(one, self._scan(self.priced, COST)) for one in self._scenario.of(CapChange)]
        if caps:
            yield "core.output_cap", _first_of(caps, "day, feature, provider, model")
        prefixes = [one for one in self._scenario.of(PromptCacheChange) if one.turn == "on"]
        if prefixes:
            calls, reuse = self._scan(self.priced, COST), self._scan(self.published, "core.prefix_reuse")
            yield "core.prefix_reuse", " union all ".join(_prefix(one, calls, reuse) for one in prefixes)
        batches = [one for one in self._scenario.of(BatchChange) if one.turn == "on"]
        if batches:
            tables = [self._scan(self.priced, COST), self._scan(self.priced, PRICE), self._scan(self.published, "core.batch_share")]
            yield "core.batch_share", " union all ".join(_batch(one, *tables) for one in batches)

    def _models(self, targets: Collection[str], changed: Collection[str], cut: Collection[str]) -> list[str]:
        """The models between what is changed and some targets, in order; those that are cut are told, not made."""
        project = self._workspace.project
        wanted = set(targets)
        for name, model in reversed(list(project.models.items())):
            if name in wanted and name not in cut:
                wanted.update(project.upstream(model))
        dirty, found = set(changed), []
        for name, model in project.models.items():
            if name in wanted and name not in cut and (name in dirty or dirty.intersection(project.upstream(model))):
                dirty.add(name)
                found.append(name)
        return found

    def _engine(self, under: Lake, folder: str, names: Collection[str]) -> Engine:
        catalog, workspace = self.published, self._workspace
        lake = Beside(under, self._folder / folder, names)
        engine = Engine(Catalog(lake, workspace.project, workspace.inbox.raw_files(), catalog.settings, columns()))
        engine.catalog.days = list(self._days)
        return engine

    def _scan(self, catalog: Catalog, name: str) -> str:
        return scan(catalog, name, self._days[0], str(date.fromisoformat(self._days[-1]) + timedelta(days=1)))

    def _write(self, catalog: Catalog, name: str, query: str) -> None:
        """A table cut by day, as a query has it."""
        table = catalog.lake.table(name)
        made: dict[str, Partition] = {}
        with catalog.scratch() as con:
            con.execute(f"create table made as {query}")
            for day in self._days:
                target = table.beside(day)
                [(rows,)] = con.execute(f"copy (select * from made where day = '{day}') to '{target}' ({COPY})").fetchall()
                made[day] = Partition("", sha256_of(target), rows)
        table.publish(made)

    def _refuse_stale(self) -> None:
        within, project = set(self._days), self._workspace.project
        for name in (COST, PRICE, SAVING):
            if within & self._workspace.engine.stale(project.models[name]).keys():
                raise BookError(f"{name} is not up to date on some of these days; `meterbook run` first, then ask what if")


def _route(one: RouteChange) -> Route:
    said = {"feature": one.feature, "from": one.from_model, "to": one.to_model, "to_provider": one.to_provider}
    return Route.model_validate({**said, "accept": one.accept, "guard_usd": one.guard_usd})


def _caches(changes: Sequence[ResponseCacheChange]) -> list[ResponseCache]:
    # Of what no change is about nothing is answered from a cache.
    nothing = ResponseCache(feature="*", user_specific=True)
    return [*(ResponseCache(**one.model_dump()) for one in changes), nothing]


def _requests(source: str, batch: Sequence[BatchChange], cache: Sequence[PromptCacheChange]) -> str:
    """Calls as if none had gone by batch, or none of their input had come from or gone into the provider's cache."""
    uncached, unbatched = _of_features(cache), f"served_tier = 'batch' and commitment is null and {_of_features(batch)}"
    written = "coalesce(cache_write_5m_tokens, 0) + coalesce(cache_write_1h_tokens, 0)"
    replaced: Mapping[str, str] = {
        "input_tokens": f"case when {uncached} then input_tokens + coalesce(cache_read_tokens, 0) + {written} else input_tokens end",
        **{
            f"cache_{kind}_tokens": f"case when {uncached} then 0 else cache_{kind}_tokens end" for kind in ("read", "write_5m", "write_1h")
        },
        "priced_as": f"case when {unbatched} then {STANDARD} else priced_as end",
        "served_tier": f"case when {unbatched} then 'standard' else served_tier end",
    }
    shape = columns()[REQUEST]
    listed = ", ".join(f"cast({query} as {shape[column]}) as {column}" for column, query in replaced.items())
    return f"select * replace ({listed}) from {source}"


def _seen(source: str) -> str:
    """The models seen, each also at standard tier where it is seen by batch."""
    return f"""
        select * from {source}
        union all
        select * replace ('standard' as served_tier) from {source} as batched
        where served_tier = 'batch' and not exists (
            select 1 from {source} as other where other.day = batched.day and other.provider = batched.provider
                and other.model = batched.model and other.region = batched.region and other.served_tier = 'standard'
        )
    """


def _of_features(changes: Sequence[BatchChange] | Sequence[PromptCacheChange]) -> str:
    if any(one.feature is None for one in changes):
        return "true"
    return f"coalesce(feature, '(none)') in ({', '.join(quoted(str(one.feature)) for one in changes)})" if changes else "false"


def _cap(one: CapChange, calls: str) -> str:
    # The more answers are asked again, the less is saved.
    retries = ", ".join(f"{_ppm(share)} as {name}_retry_ppm" for name, share in zip(SCENARIOS, reversed(one.retry), strict=True))
    return f"""
        select distinct day, coalesce(feature, '(none)') as feature, coalesce(provider, '(none)') as provider,
            coalesce(model, '(none)') as model, cast({one.tokens} as bigint) as cap_tokens, {retries}
        from {calls} where coalesce(feature, '(none)') = {quoted(one.feature)} and {_named(one.model)}
    """


def _prefix(one: PromptCacheChange, calls: str, reuse: str) -> str:
    shares = one.share or (Decimal(1), Decimal(1), Decimal(1))
    scaled = ", ".join(
        f"cast(floor(reuse.{name}_{kind}_tokens * cast({share} as decimal(9,6))) as bigint) as {name}_{kind}_tokens"
        for kind in ("read", "write")
        for name, share in zip(SCENARIOS, shares, strict=True)
    )
    return f"""
        select reuse.request_id, reuse.day, {scaled} from {reuse} as reuse
        semi join (select day, request_id from {calls} where coalesce(feature, '(none)') = {quoted(str(one.feature))}) as calls
            on calls.day = reuse.day and calls.request_id = reuse.request_id
    """


def _batch(one: BatchChange, calls: str, prices: str, shares: str) -> str:
    feature = quoted(str(one.feature))
    if one.share is None:
        return f"""
            select share.request_id, share.day, share.low_ppm, share.point_ppm, share.high_ppm from {shares} as share
            semi join (select day, request_id from {calls} where coalesce(feature, '(none)') = {feature}) as calls
                on calls.day = share.day and calls.request_id = share.request_id
        """
    listed = ", ".join(f"cast({_ppm(share)} as integer) as {name}_ppm" for name, share in zip(SCENARIOS, one.share, strict=True))
    return f"""
        select call.request_id, call.day, {listed} from {calls} as call
        semi join (select day, rate_id from {prices} where batch_rate_id is not null) as price
            on price.day = call.day and price.rate_id = call.rate_id
        where coalesce(call.feature, '(none)') = {feature} and call.served_tier = 'standard'
    """


def _first_of(queries: Sequence[str], key: str) -> str:
    """Rows of several queries; of those with an equal key the first one's."""
    parts = " union all ".join(f"select *, {place} as place from ({query})" for place, query in enumerate(queries))
    return f"select * exclude (place) from ({parts}) qualify row_number() over (partition by {key} order by place) = 1"


def _named(model: str) -> str:
    return f"lower(coalesce(model, '(none)')) like {quoted(like(model.lower()))} escape '!'"


def _ppm(share: Decimal) -> int:
    return int(share * _PPM)
