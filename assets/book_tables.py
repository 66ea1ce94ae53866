"""The tables SQL sees as `book.*` and `rate_cards.*`, in the columns of sql/inputs.yaml."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest

import polars as pl

from meterbook.assets.alarms import alarm_tables
from meterbook.assets.book import Book, BookError, GpuPool
from meterbook.assets.budget_tables import budget_tables
from meterbook.assets.clock import calendar, hours, local_days
from meterbook.assets.closed import closed_table
from meterbook.assets.commitment_tables import commitment_tables
from meterbook.assets.dated import FIRST_DAY, LAST_DAY, OPEN
from meterbook.assets.events import event_table
from meterbook.assets.lever_cache import cache_tables
from meterbook.assets.lever_routes import RouteError, check_routes, route_tables
from meterbook.assets.lever_tokens import token_lever_tables
from meterbook.assets.modes import mode_rows
from meterbook.assets.owner_tables import owner_tables
from meterbook.assets.pool_tables import pool_tables
from meterbook.assets.queues import queue_tables
from meterbook.assets.ratecard_tables import ratecard_tables
from meterbook.assets.saving_tables import saving_tables
from meterbook.assets.self_hosted_tables import self_hosted_tables
from meterbook.assets.units import unit_tables
from meterbook.rate_cards.fx import FxRate


def tables_of(book: Book) -> dict[str, pl.DataFrame]:
    """Every table a book gives, by name.

    Raises:
        BookError: a route leads to a model without a price.
    """
    return {
        "rate_cards.rate": book.cards.rates,
        "rate_cards.unit_rate": book.cards.unit_rates,
        "rate_cards.alias": book.cards.aliases,
        "rate_cards.allowance": book.cards.allowances,
        "rate_cards.policy": book.policies,
        "book.day": calendar(FIRST_DAY, LAST_DAY),
        "book.hour": hours(FIRST_DAY, LAST_DAY, book.settings.time_zone),
        "book.minute": pl.DataFrame({"minute": range(60)}, schema={"minute": pl.Int64()}),
        "book.local_day": local_days(FIRST_DAY, LAST_DAY, book.settings.time_zone),
        "book.fx_rate": fx_table(book.fx_rates),
        "book.closed_period": closed_table(book.closed),
        **{name: _table(name, rows) for name, rows in _rows(book).items()},
        **budget_tables(book.budgets_file),
        **owner_tables(book.owners),
        **alarm_tables(book.alarms),
        **event_table(book.events),
        **cache_tables(book.levers.response_cache, book.levers.semantic_cache, book.levers.prompt_cache),
        **commitment_tables(book),
        **pool_tables(book),
        **queue_tables(book.settings.queues),
        **ratecard_tables(book),
        **self_hosted_tables(book),
        **_routes(book),
        **token_lever_tables(book.levers),
        **saving_tables(book),
        **unit_tables(book.units, book.baselines),
    }


def _routes(book: Book) -> dict[str, pl.DataFrame]:
    try:
        check_routes(book.levers.routes, book.cards.rates)
    except RouteError as error:
        raise BookError(f"{book.folder / 'levers.yaml'}: {error}") from error
    return route_tables(book.levers.routes)


def fx_table(rates: Sequence[FxRate]) -> pl.DataFrame:
    """book.fx_rate: each rate, by currency and day, until the next one of its currency."""
    rows: list[dict[str, object]] = []
    for rate, after in zip_longest(rates, rates[1:]):
        until = after.starts_on if after and after.currency == rate.currency else OPEN
        rows.append({"currency": rate.currency, "starts_on": rate.starts_on, "ends_on": until, "usd": rate.usd})
    return _table("book.fx_rate", rows)


def _rows(book: Book) -> dict[str, list[dict[str, object]]]:
    return {
        "book.team_mode": list(mode_rows(book.settings.mode, book.settings.team_modes)),
        "book.source": [{"source": source.name, "is_counted": source.counts} for source in book.settings.sources],
        "book.correction": [
            {**line.model_dump(exclude={"posted_on", "charge_class", "audit"}), "day": line.posted_on} for line in book.corrections
        ],
        "book.gpu_pool": list(_gpu_pools(book)),
    }


def _gpu_pools(book: Book) -> Iterator[dict[str, object]]:
    """The pools that meterbook.yaml names, and those of GPUs of one's own, which no cloud bills unless it is said."""
    owned = {one.pool for one, _ in book.commitments.owned}
    named = {**dict.fromkeys(sorted(owned), GpuPool()), **book.settings.gpu_pools}
    for name, pool in named.items():
        is_billed = pool.billed and (name not in owned or "billed" in pool.model_fields_set)
        sizing = {**pool.model_dump(include={"target_utilization", "lead_days"}), "spare_gpus": pool.spare, "unit_gpus": pool.unit}
        yield {"pool": name, "owner": pool.owner, "is_billed": is_billed, "served_tier": pool.commitment, **_rated(pool.rate), **sizing}


def _rated(rate: str | None) -> dict[str, str]:
    provider, _, model = (rate or "").partition("/")
    return {"provider": provider, "model": model}


_TYPES: Mapping[str, pl.DataType] = {
    "starts_on": pl.Date(),
    "ends_on": pl.Date(),
    "day": pl.Date(),
    "corrects_day": pl.Date(),
    "priority": pl.Int32(),
    "is_billed": pl.Boolean(),
    "is_counted": pl.Boolean(),
    "usd": pl.Decimal(18, 12),
    "amount_usd": pl.Decimal(38, 12),
    "target_utilization": pl.Decimal(5, 4),
    **dict.fromkeys(("spare_gpus", "unit_gpus", "lead_days"), pl.Int32()),
}
_COLUMNS = {
    "book.fx_rate": "currency starts_on ends_on usd",
    "book.team_mode": "team mode starts_on ends_on",
    "book.correction": "correction_id day corrects_period corrects_day team cost_centre tenant feature provider model amount_usd reason",
    "book.gpu_pool": "pool provider model served_tier owner is_billed target_utilization spare_gpus unit_gpus lead_days",
    "book.source": "source is_counted",
}


def _table(name: str, rows: list[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={column: _TYPES.get(column, pl.String()) for column in _COLUMNS[name].split()})
