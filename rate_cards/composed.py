"""The versions of the cards that price a book, as one set of tables; and where the prices of two sets differ.

Rows that several versions share are one row, for all the days they price. So a book whose cards never changed looks as if there were no
versions, and one changed price is two rows.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache
from pathlib import Path

import polars as pl

from meterbook.rate_cards.card import METERS
from meterbook.rate_cards.compile import EARLIER_FOLDER, SHIPPED, Cards, load_cards
from meterbook.rate_cards.fx import FxRate
from meterbook.rate_cards.layers import Layer, load_layers
from meterbook.rate_cards.snapshots import PRICED, cards_of, digest_of, read_text, text_of
from meterbook.rate_cards.versions import FILE, Filling, Lock, Span, read_lock

LATER = 1000
"""Added to the rank of a name, for each version before the one that first knew it: a name known earlier keeps its model."""
PLACE = (
    "provider", "model", "served_tier", "region", "clock_from", "clock_to", "weekdays", "input_above", "input_up_to", "counted_input",
)  # fmt: skip
"""What a price is the price of."""
USD = tuple(f"{meter}_usd" for meter in METERS)
_TIER = ("provider", "model", "served_tier")
_ORDER = (*_TIER, "region", "starts_at", "rate_id", "layer", "priced_from")


def cards_of_book(book: Path, fx: Sequence[FxRate], more: Path | None = None) -> Cards:
    """The cards of a book as they are now: the shipped ones and its own, which win, with the layers of its contracts.

    Args:
        book: its folder.
        fx: its rates of exchange.
        more: another folder of cards, which win over the book's as if they lay among them.

    Raises:
        CardError: a card or a contract is wrong.
        StrictYamlError: one is not readable.
    """
    folders = (SHIPPED, book / "rate_cards", *([more] if more else []))
    cards = _loaded(folders, _content(folders), tuple(load_layers(book / "contracts.yaml")), tuple(fx))
    if more is None:
        return cards
    rank = pl.col("rank")
    as_the_books = pl.when(rank >= EARLIER_FOLDER).then(rank - EARLIER_FOLDER).otherwise(rank)
    return replace(cards, aliases=cards.aliases.with_columns(rank=as_the_books))


@lru_cache(maxsize=4)
def _loaded(folders: tuple[Path, ...], content: str, layers: tuple[Layer, ...], fx: tuple[FxRate, ...]) -> Cards:  # noqa: ARG001
    """Cards compiled once in a process, as long as what lies in the folders is the same: a run opens its book several times."""
    return load_cards(folders, layers, fx)


def _content(folders: Sequence[Path]) -> str:
    found = hashlib.sha256()
    for path in (path for folder in folders for path in sorted(folder.glob("*.yaml"))):
        found.update(f"{path}\n{path.stat().st_size}\n".encode() + path.read_bytes())
    return found.hexdigest()


def cards_in_force(book: Path, current: Cards) -> Cards:
    """The cards that price each day of a book.

    Args:
        book: its folder.
        current: its cards as they are now; what prices all days where the book has no prices.lock.

    Raises:
        VersionError: the lock is not readable, or a version it names is missing or was altered.
    """
    lock = read_lock(book / FILE)
    return composed(lock, reader(book, lock, current)) if lock else current


def reader(book: Path, lock: Lock, current: Cards) -> Callable[[str], Cards]:
    """What reads a version a book has kept, and gives its current cards where they are that version.

    Raises:
        VersionError: a version the lock names is missing or was altered.
    """
    texts = {version: read_text(book, version) for version in lock.versions}
    now = digest_of(text_of(current))
    return lambda version: current if version == now else cards_of(texts[version])


def composed(lock: Lock, read: Callable[[str], Cards]) -> Cards:
    """All versions of a lock as one set of tables, each row with the days it prices.

    Args:
        lock: which version prices which days.
        read: gives the cards of a version.
    """
    versions = {version: read(version) for span in lock.prices for version in span.versions}
    if len(lock.prices) == 1 and not lock.prices[0].filled_by:
        return versions[lock.prices[0].version]
    parts = [(_of_span(span, versions), first, end) for span, first, end in lock.spans()]
    allowances = _dated([(cards.allowances, first, end) for cards, first, end in parts])
    return Cards(
        _dated([(_whole(cards.rates), first, end) for cards, first, end in parts]).drop("whole").sort(_ORDER),
        _dated([(cards.aliases, first, end) for cards, first, end in parts]).sort(pl.all()),
        _within(allowances).select(parts[0][0].allowances.columns).sort(pl.all()),
    )


def filling(span: Span, version: str, versions: dict[str, Cards], but: Sequence[str] = ()) -> Filling | None:
    """How a version fills what a span does not know; None where it adds nothing.

    Args:
        span: as it prices today.
        version: the one that fills.
        versions: the cards of all versions.
        but: provider/model that is left out.
    """
    found = Filling(version=version, but=tuple(sorted(but)))
    before = _of_span(span, versions)
    after = _of_span(span.model_copy(update={"filled_by": (*span.filled_by, found)}), versions)
    return found if (after.rates.height, after.aliases.height) != (before.rates.height, before.aliases.height) else None


def differences(old: Cards, new: Cards, first: date, end: date, layer: str = "effective") -> pl.DataFrame:
    """Where the prices that hold in a half-open range of days differ; notes, names of files and dates of checks are no prices.

    Returns:
        A row per place, meter and span of time: the columns of `PLACE`, `meter`, `from_at`, `to_at`, `old_usd` and `new_usd` per unit;
        None where there is no price.
    """
    held = [_held(cards.rates, first, end, layer) for cards in (old, new)]
    edges = pl.concat([frame.select(*PLACE, pl.col(at).alias("from_at")) for frame in held for at in ("starts_at", "ends_at")])
    slices = edges.unique().sort(*PLACE, "from_at").with_columns(to_at=pl.col("from_at").shift(-1).over(PLACE)).drop_nulls("to_at")
    long = [_sliced(slices, frame).rename({"usd": name}) for frame, name in zip(held, ("old_usd", "new_usd"), strict=True)]
    key = [*PLACE, "from_at", "to_at", "meter"]
    both = long[0].join(long[1], on=key, how="full", coalesce=True, nulls_equal=True)
    return _joined(both.filter(pl.col("old_usd").ne_missing(pl.col("new_usd"))), "from_at", "to_at")


def _of_span(span: Span, versions: dict[str, Cards]) -> Cards:
    """What a span prices with: its version, and what later ones know beyond it."""
    cards = versions[span.version]
    for place, later in enumerate(span.filled_by, 1):
        more = versions[later.version]
        rates = _but(more.rates, later.but, "provider").join(cards.rates.select(_TIER).unique(), on=_TIER, how="anti")
        names = _but(more.aliases, later.but, "card_provider").join(cards.aliases, on=["provider", "name"], how="anti")
        free = more.allowances.join(cards.rates.select("provider", "model").unique(), on=["provider", "model"], how="anti")
        cards = Cards(
            pl.concat([cards.rates, rates]),
            pl.concat([cards.aliases, names.with_columns(rank=pl.col("rank") + LATER * place)]),
            pl.concat([cards.allowances, _but(free, later.but, "provider")]),
        )
    return cards


def _but(frame: pl.DataFrame, but: Sequence[str], provider: str) -> pl.DataFrame:
    return frame.filter(~pl.concat_str(provider, pl.lit("/"), "model").is_in(list(but)))


def _whole(rates: pl.DataFrame) -> pl.DataFrame:
    """Rates marked by all their layers: where one changes, the list price begins anew too, so that layers share their days."""
    return rates.with_columns(whole=pl.struct(pl.all()).hash().sum().over("rate_id"))


def _dated(parts: Sequence[tuple[pl.DataFrame, date, date]]) -> pl.DataFrame:
    """Rows of spans that follow each other, those that go on as one."""
    dated = [frame.with_columns(priced_from=pl.lit(first), priced_to=pl.lit(end)) for frame, first, end in parts]
    return _joined(pl.concat(dated), *PRICED)


def _within(allowances: pl.DataFrame) -> pl.DataFrame:
    """Allowances for the days their version prices."""
    held = allowances.with_columns(
        starts_on=pl.max_horizontal("starts_on", "priced_from"), ends_on=pl.min_horizontal("ends_on", "priced_to")
    )
    return held.filter(pl.col("starts_on") < pl.col("ends_on"))


def _held(rates: pl.DataFrame, first: date, end: date, layer: str) -> pl.DataFrame:
    """Prices of a layer that hold in a range of days, by place and time."""
    asked = rates.filter(pl.col("layer") == layer)
    bare = rates.filter(pl.col("layer") == "list").join(asked, on=["rate_id", *PRICED], how="anti")
    at = {"starts_at": (pl.max_horizontal, "priced_from", first), "ends_at": (pl.min_horizontal, "priced_to", end)}
    cut = pl.concat([asked, bare]).with_columns(
        choose(column, pl.col(priced).cast(pl.Datetime("us")), pl.lit(day).cast(pl.Datetime("us"))).alias(column)
        for column, (choose, priced, day) in at.items()
    )
    return _joined(cut.filter(pl.col("starts_at") < pl.col("ends_at")).select(*PLACE, *USD, "starts_at", "ends_at"), "starts_at", "ends_at")


def _sliced(slices: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """The price of each meter in each slice of time."""
    found = slices.join(held, on=list(PLACE), nulls_equal=True).filter(
        (pl.col("starts_at") <= pl.col("from_at")) & (pl.col("ends_at") >= pl.col("to_at"))
    )
    long = found.unpivot(list(USD), index=[*PLACE, "from_at", "to_at"], variable_name="meter", value_name="usd")
    return long.filter(pl.col("usd").is_not_null()).with_columns(pl.col("meter").str.strip_suffix("_usd"))


def _joined(frame: pl.DataFrame, start: str, end: str) -> pl.DataFrame:
    """Rows alike in all but their time, one for each stretch without a gap."""
    alike = [column for column in frame.columns if column not in {start, end}]
    begins = (pl.col(start) != pl.col(end).shift(1)).fill_null(value=True)
    runs = frame.sort(start, maintain_order=True).with_columns(begins.over(alike).alias("begins"))
    runs = runs.with_columns(pl.col("begins").cum_sum().over(alike).alias("run"))
    return runs.group_by(*alike, "run", maintain_order=True).agg(pl.col(start).min(), pl.col(end).max()).select(frame.columns)
