"""book.saving: the ledger of savings.yaml, in the columns of sql/inputs.yaml."""

import difflib
from collections.abc import Mapping
from datetime import timedelta

import polars as pl

from meterbook.assets.book import Book, BookError
from meterbook.assets.dated import OPEN
from meterbook.assets.savings import FILE, Saving, Was
from meterbook.rate_cards.patterns import like
from meterbook.rate_cards.strict_yaml import line_of
from meterbook.reports.saving_states import STATES

BASELINE_DAYS = 28
"""Days before an idea is live that it is held against, where it needs a baseline, and for its quality."""
_TEXT, _DAY, _USD = pl.String(), pl.Date(), pl.Decimal(38, 12)
_COLUMNS: Mapping[str, pl.DataType] = {
    "place": pl.Int32(),
    "step": pl.Int32(),
    **dict.fromkeys(("saving", "lever", "owner", "status", "feature", "model", "team", "tenant", "environment", "pool"), _TEXT),
    **dict.fromkeys(("was_provider", "was_model", "to_model", "quality_signal", "note"), _TEXT),
    "quality_margin": pl.Decimal(9, 6),
    "gpu_seconds_per_day": pl.Int64(),
    **dict.fromkeys((*STATES.values(), "baseline_from", "ends_on"), _DAY),
    **dict.fromkeys(("low_usd", "point_usd", "high_usd"), _USD),
}


def saving_tables(book: Book) -> dict[str, pl.DataFrame]:
    """The table by name, in the order of the file.

    Raises:
        BookError: a model that was there before is on no rate card.
    """
    for place, one in enumerate(book.savings):
        if one.was and one.was.model:
            _refuse_unknown(book, place, one.was)
    return {"book.saving": pl.DataFrame([_row(place, one) for place, one in enumerate(book.savings, 1)], schema=_COLUMNS)}


def _refuse_unknown(book: Book, place: int, was: Was) -> None:
    rates = book.cards.rates
    sold = rates.filter(pl.col("provider") == was.provider) if was.provider else rates
    names = sorted(set(sold["model"].to_list()))
    if was.model not in names:
        path = book.folder / FILE
        guess = "".join(f"; did you mean {name}?" for name in difflib.get_close_matches(str(was.model), names, 1))
        by = f" of {was.provider}" if was.provider else ""
        line = line_of(path, ("savings", place, "was", "model"))
        raise BookError(f"{path}:{line}: savings.{place}.was.model: no rate card{by} has a model {was.model!r}{guess}")


def _row(place: int, one: Saving) -> dict[str, object]:
    was = one.was or Was()
    stated = was.gpu_hours_per_day
    return {
        **one.model_dump(include={"lever", "owner", "status", "note", *STATES.values()}),
        **one.scope.model_dump(),
        "place": place,
        "step": one.step,
        "saving": one.name,
        "model": _pattern(one.scope.model),
        "to_model": _pattern(one.to.model if one.to else None),
        "was_provider": was.provider,
        "was_model": was.model,
        "gpu_seconds_per_day": int(stated * 3600) if stated else None,
        "baseline_from": one.live_since - timedelta(days=BASELINE_DAYS) if one.live_since else None,
        "ends_on": one.retired_on or OPEN,
        "quality_signal": one.quality.signal if one.quality else None,
        "quality_margin": one.quality.margin if one.quality else None,
        **{f"{name}_usd": getattr(one.estimate, name) if one.estimate else None for name in ("low", "point", "high")},
    }


def _pattern(model: str | None) -> str | None:
    return None if model is None else like(model.lower())
