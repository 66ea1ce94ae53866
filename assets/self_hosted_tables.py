"""book.self_hosted: which rate means which pool, in the columns of sql/inputs.yaml."""

from collections.abc import Mapping

import polars as pl

from meterbook.assets.book import Book

_TEXT, _DAY = pl.String(), pl.Date()
_COLUMNS: Mapping[str, pl.DataType] = {
    **dict.fromkeys(("rate_id", "model", "pool", "api_provider", "api_model"), _TEXT),
    "ops_ratio": pl.Decimal(18, 6),
    "starts_on": _DAY,
    "ends_on": _DAY,
}


def self_hosted_tables(book: Book) -> dict[str, pl.DataFrame]:
    """The table by name."""
    rows = []
    for one in book.settings.self_hosted:
        provider, _, model = one.api.partition("/")
        said = one.model_dump(include={"model", "pool", "ops_ratio", "starts_on", "ends_on"})
        rows += [{**said, "rate_id": rate_id, "api_provider": provider, "api_model": model} for rate_id in one.rate_ids.values()]
    return {"book.self_hosted": pl.DataFrame(rows, schema=_COLUMNS)}
