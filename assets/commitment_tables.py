"""The tables SQL sees of a book's commitments, in the columns of sql/inputs.yaml."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import product

import polars as pl

from meterbook.assets.book import Book
from meterbook.rate_cards.amortise import Span
from meterbook.rate_cards.commitments import ProvisionedThroughput, ReservedGpu
from meterbook.rate_cards.owned_gpus import OwnedGpu
from meterbook.rate_cards.patterns import like

Row = dict[str, object]
Priced = ProvisionedThroughput | ReservedGpu | OwnedGpu
ANYTHING = "%"
"""The LIKE pattern of what is not limited."""
_TEXT, _DAY, _WHOLE, _USD = pl.String(), pl.Date(), pl.Int64(), pl.Decimal(38, 12)
_DATES: Mapping[str, pl.DataType] = {"starts_on": _DAY, "ends_on": _DAY}
COMMITMENT: Mapping[str, pl.DataType] = {
    **dict.fromkeys(("commitment", "kind", "provider", "owner"), _TEXT),
    "is_billed": pl.Boolean(),
    "capacity": pl.Decimal(38, 6),
    **_DATES,
}
PRICE: Mapping[str, pl.DataType] = {"commitment": _TEXT, **_DATES, "hour_usd": _USD, "first_second": _WHOLE, "extra_hours": _WHOLE}
MATCH: Mapping[str, pl.DataType] = {
    **dict.fromkeys(("commitment", "kind", "served_tier", "provider", "model", "key_id", "project_id", "pool"), _TEXT),
    "place": _WHOLE,
    **_DATES,
}
WEIGHT: Mapping[str, pl.DataType] = {"commitment": _TEXT, "meter": _TEXT, "weight": pl.Decimal(18, 6)}
POWER: Mapping[str, pl.DataType] = {"pool": _TEXT, **_DATES, "kwh_usd": pl.Decimal(18, 12), "watts": _WHOLE, "idle_watts": _WHOLE}
MINIMUM: Mapping[str, pl.DataType] = {**dict.fromkeys(("minimum", "provider", "owner"), _TEXT), **_DATES, "monthly_usd": _USD}


def commitment_tables(book: Book) -> dict[str, pl.DataFrame]:
    """Every table a book's commitments give, by name."""
    found = book.commitments
    entries: list[tuple[Priced, tuple[Span, ...]]] = [*found.provisioned, *found.reserved, *found.owned]
    return {
        "book.commitment": _table(COMMITMENT, (_entry(book, one) for one, _ in entries)),
        "book.commitment_price": _table(PRICE, (_price(one.name, span) for one, spans in entries for span in spans)),
        "book.commitment_match": _table(MATCH, _matches(book)),
        "book.commitment_weight": _table(
            WEIGHT,
            [{"commitment": one.name, "meter": meter, "weight": w} for one, _ in found.provisioned for meter, w in one.all_weights.items()],
        ).unique(maintain_order=True),
        "book.gpu_power": _table(
            POWER,
            (
                {
                    **span.power.model_dump(include={"pool", "watts", "idle_watts"}),
                    "starts_on": span.starts_on,
                    "ends_on": span.ends_on,
                    "kwh_usd": span.power.kwh_usd,
                }
                for span in found.power
            ),
        ),
        "book.minimum_spend": _table(
            MINIMUM,
            (
                {"minimum": one.name, "provider": one.provider, "owner": one.owner, "starts_on": first, "ends_on": last, "monthly_usd": usd}
                for one, parts in found.minimums
                for first, last, usd in parts
            ),
        ),
    }


def _table(schema: Mapping[str, pl.DataType], rows: Iterable[Row]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=schema)


def _entry(book: Book, one: Priced) -> Row:
    shared: Row = {"commitment": one.name, "owner": one.owner, "capacity": one.capacity, "starts_on": one.starts_on, "ends_on": one.ends_on}
    if isinstance(one, ProvisionedThroughput):
        return {**shared, "kind": "provisioned_throughput", "provider": one.provider, "is_billed": True}
    pool = book.settings.gpu_pools.get(one.pool or "")
    is_billed = isinstance(one, ReservedGpu) and (pool is None or pool.billed)
    return {**shared, "kind": _kind(one), "provider": "gpu", "is_billed": is_billed}


def _price(name: str, span: Span) -> Row:
    return {
        "commitment": name,
        "starts_on": span.starts_on,
        "ends_on": span.ends_on,
        "hour_usd": span.hour_usd,
        "first_second": span.first_second,
        "extra_hours": span.extra_hours,
    }


def _matches(book: Book) -> Iterator[Row]:
    place = 0
    for one, _ in book.commitments.provisioned:
        tier = "provisioned" if one.covers == "provisioned" else ANYTHING
        for model, key, project in product(one.models, one.keys or ("*",), one.projects or ("*",)):
            place += 1
            patterns = {"model": like(model.lower()), "key_id": like(key), "project_id": like(project)}
            yield {**_match(one, place), "served_tier": tier, "provider": one.provider.lower(), **patterns}
    for reserved, _ in book.commitments.reserved:
        place += 1
        patterns = {"pool": like(reserved.pool or "*"), "model": like((reserved.gpu_model or "*").lower())}
        yield {**_match(reserved, place), "provider": "gpu", **patterns}
    for owned, _ in book.commitments.owned:
        place += 1
        yield {**_match(owned, place), "provider": "gpu", "pool": like(owned.pool)}


def _match(one: Priced, place: int) -> Row:
    anything = dict.fromkeys(("served_tier", "model", "key_id", "project_id", "pool"), ANYTHING)
    return {"commitment": one.name, "kind": _kind(one), **anything, "place": place, "starts_on": one.starts_on, "ends_on": one.ends_on}


def _kind(one: Priced) -> str:
    if isinstance(one, ProvisionedThroughput):
        return "provisioned_throughput"
    return "reserved_gpu" if isinstance(one, ReservedGpu) else "owned_gpu"
