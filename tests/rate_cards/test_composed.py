"""Versions of the cards as files and as one set of tables, and where two sets differ."""

import gzip
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from meterbook.rate_cards.compile import SHIPPED, Cards, load_cards
from meterbook.rate_cards.composed import LATER, cards_in_force, composed, differences, filling
from meterbook.rate_cards.layers import Layer
from meterbook.rate_cards.snapshots import VersionError, cards_of, digest_of, path_of, text_of, write_snapshot
from meterbook.rate_cards.versions import BEGINNING, END, FILE, Filling, Lock, Span, text_of_lock

A, B, C = ("a" * 16, "b" * 16, "c" * 16)
SAID = "source: x, checked_on: 2026-01-01"


def compiled(folder: Path, **models: str) -> Cards:
    """Cards of provider acme; a model is its rates, `input: 1`, or a whole entry."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = [
        f"  {name}:\n    rates:\n" + "".join(f"      - {{{rate}, {SAID}}}\n" for rate in rates.split(";")) for name, rates in models.items()
    ]
    (folder / "acme.yaml").write_text("provider: acme\nmodels:\n" + "".join(entries), "utf-8")
    return load_cards([folder])


@examples(20)
@given(st.lists(st.tuples(st.integers(1, 30), st.sampled_from([A, B, C]), st.booleans()), max_size=6))
def test_composed_versions_hold_each_rate_of_a_day_once_and_no_other(changes: list[tuple[int, str, bool]]) -> None:
    cards = {A: _flat(small=1), B: _flat(small=2, large=9), C: _flat(small=1, large=8)}
    spans = [Span(from_day=BEGINNING, version=A)]
    for days, version, is_filled in changes:
        fill = (Filling(version=C),) if is_filled else ()
        spans.append(Span(from_day=max(spans[-1].from_day, date(2026, 1, 1)) + timedelta(days=days), version=version, filled_by=fill))
    lock = Lock(prices=tuple(spans))
    found = composed(lock, cards.__getitem__)
    for span, first, end in lock.spans():
        for day in (first, end - timedelta(days=1)):
            held = found.rates.filter(pl.col("priced_from") <= day, pl.col("priced_to") > day)
            expected = {row["model"]: row["input_usd"] for row in cards[span.version].rates.iter_rows(named=True)}
            later = {row["model"]: row["input_usd"] for one in span.filled_by for row in cards[one.version].rates.iter_rows(named=True)}
            assert sorted(zip(held["model"], held["input_usd"], strict=True)) == sorted({**later, **expected}.items())


def test_a_contract_that_changed_is_one_difference_and_cards_do_not_differ_from_themselves(tmp_path: Path) -> None:
    compiled(tmp_path, m="starts_on: 2026-01-01, input: 10")
    cards = {
        version: load_cards([tmp_path], (Layer(name="deal", kind="discount", percent=Decimal(off), provider="acme"),))
        for version, off in ((A, 10), (B, 20))
    }
    found = composed(Lock(prices=(Span(from_day=BEGINNING, version=A), Span(from_day=date(2026, 6, 1), version=B))), cards.__getitem__)
    days = (date(2026, 1, 1), date(2026, 9, 1))
    for layer in ("list", "contracted", "effective"):
        assert differences(found, found, *days, layer).is_empty()
    assert differences(found, cards[B], *days).select("meter", "from_at", "to_at", "old_usd", "new_usd").rows() == [
        ("input", datetime(2026, 1, 1), datetime(2026, 6, 1), Decimal("0.000009"), Decimal("0.000008"))
    ]


def _flat(**models: int) -> Cards:
    folder = SHIPPED / "none"
    rates = [
        {"rate_id": name, "layer": "list", "provider": "acme", "model": name, "served_tier": "standard", "region": "", "input_usd": price}
        for name, price in models.items()
    ]
    empty = load_cards([folder])
    frame = pl.DataFrame(rates, schema_overrides={"input_usd": pl.Decimal(18, 12)}).with_columns(
        priced_from=pl.lit(BEGINNING), priced_to=pl.lit(END)
    )
    return Cards(pl.concat([empty.rates, frame], how="diagonal"), empty.aliases, empty.allowances)


def test_one_version_looks_as_if_there_were_none(tmp_path: Path) -> None:
    cards = load_cards([SHIPPED])
    version = write_snapshot(tmp_path, text_of(cards))
    (tmp_path / FILE).write_text(text_of_lock(Lock(prices=(Span(from_day=BEGINNING, version=version),))), "utf-8")
    found = cards_in_force(tmp_path, cards)
    assert found.rates.equals(cards.rates)
    assert found.aliases.equals(cards.aliases)


def test_two_versions_alike_but_for_one_price_share_all_other_rows(tmp_path: Path) -> None:
    old = compiled(tmp_path, small="starts_on: 2026-01-01, input: 1", large="starts_on: 2026-01-01, input: 9")
    new = compiled(tmp_path, small="starts_on: 2026-01-01, input: 2", large="starts_on: 2026-01-01, input: 9")
    # The file is another, and so is its version; a version of prices only is compared here.
    new = Cards(new.rates.with_columns(card_version=old.rates["card_version"]), new.aliases, new.allowances)
    lock = Lock(prices=(Span(from_day=BEGINNING, version=A), Span(from_day=date(2026, 10, 1), version=B)))
    found = composed(lock, {A: old, B: new}.__getitem__).rates
    assert found.select("model", "input_usd", "priced_from", "priced_to").rows() == [
        ("large", Decimal("0.000009"), date(1970, 1, 1), date(9999, 12, 31)),
        ("small", Decimal("0.000001"), date(1970, 1, 1), date(2026, 10, 1)),
        ("small", Decimal("0.000002"), date(2026, 10, 1), date(9999, 12, 31)),
    ]


def test_a_filling_adds_models_tiers_and_names_that_were_unknown_and_nothing_else(tmp_path: Path) -> None:
    old = compiled(tmp_path, small="starts_on: 2026-01-01, input: 1")
    new = compiled(
        tmp_path,
        small="starts_on: 2026-01-01, input: 2;tier: batch, starts_on: 2026-01-01, input: 7",
        large="starts_on: 2026-01-01, input: 9",
    )
    span = Span(from_day=BEGINNING, version=A)
    found = filling(span, B, {A: old, B: new})
    assert found == Filling(version=B)
    rates = composed(Lock(prices=(Span(from_day=BEGINNING, version=A, filled_by=(found,)),)), {A: old, B: new}.__getitem__)
    assert rates.rates.select("model", "served_tier", "input_usd").rows() == [
        ("large", "standard", Decimal("0.000009")),
        ("small", "batch", Decimal("0.000007")),
        ("small", "standard", Decimal("0.000001")),
    ]
    assert set(rates.aliases.filter(pl.col("model") == "small")["rank"]) == {0}
    assert set(rates.aliases.filter(pl.col("model") == "large")["rank"]) == {LATER}


def test_a_filling_leaves_out_what_was_known_by_its_source(tmp_path: Path) -> None:
    old = compiled(tmp_path, small="starts_on: 2026-01-01, input: 1")
    new = compiled(tmp_path, small="starts_on: 2026-01-01, input: 1", large="starts_on: 2026-01-01, input: 9")
    assert filling(Span(from_day=BEGINNING, version=A), B, {A: old, B: new}, ["acme/large"]) is None


def test_a_name_known_earlier_keeps_its_model_though_only_a_shipped_card_had_it(tmp_path: Path) -> None:
    compiled(tmp_path, small="starts_on: 2026-01-01, input: 1")
    assert max(load_cards([SHIPPED, tmp_path]).aliases["rank"].to_list()) < LATER


def test_a_version_is_read_back_to_the_last_digit() -> None:
    cards = load_cards([SHIPPED])
    found = cards_of(text_of(cards))
    assert found.rates.sort(pl.all()).equals(cards.rates.sort(pl.all()))
    assert found.aliases.sort(pl.all()).equals(cards.aliases)
    assert text_of(found) == text_of(cards)


def test_a_meter_that_no_card_prices_changes_no_digest(tmp_path: Path) -> None:
    cards = compiled(tmp_path, small="starts_on: 2026-01-01, input: 1")
    assert digest_of(text_of(Cards(cards.rates.drop("session_usd"), cards.aliases, cards.allowances))) == digest_of(text_of(cards))


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda path: path.unlink(), "is missing, and prices.lock prices days with it; restore it from git"),
        (lambda path: path.write_bytes(b"no gzip"), "cannot be read"),
        (lambda path: path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()).replace(b"0.000001", b"0.000002"))), "was altered"),
    ],
)
def test_a_version_that_is_missing_or_altered_is_an_error_that_says_what_to_do(
    tmp_path: Path, harm: Callable[[Path], object], said: str
) -> None:
    cards = compiled(tmp_path / "rate_cards", small="starts_on: 2026-01-01, input: 1")
    version = write_snapshot(tmp_path, text_of(cards))
    (tmp_path / FILE).write_text(text_of_lock(Lock(prices=(Span(from_day=BEGINNING, version=version),))), "utf-8")
    harm(path_of(tmp_path, version))
    with pytest.raises(VersionError, match=said):
        cards_in_force(tmp_path, cards)


def test_prices_that_a_card_ends_and_begins_later_do_not_differ_before(tmp_path: Path) -> None:
    old = compiled(tmp_path, small="starts_on: 2026-01-01, input: 1")
    new = compiled(tmp_path, small="starts_on: 2026-01-01, ends_on: 2026-10-11, input: 1;starts_on: 2026-10-11, input: 2")
    assert differences(old, new, date(2026, 1, 1), date(2026, 10, 11)).height == 0
    found = differences(old, new, date(2026, 1, 1), date(2026, 10, 12)).row(0, named=True)
    assert (found["from_at"], found["to_at"]) == (datetime(2026, 10, 11), datetime(2026, 10, 12))
    assert (found["meter"], found["old_usd"], found["new_usd"]) == ("input", Decimal("0.000001"), Decimal("0.000002"))


def test_a_price_cut_in_two_alike_does_not_differ(tmp_path: Path) -> None:
    old = compiled(tmp_path, small="starts_on: 2026-01-01, input: 1")
    new = compiled(tmp_path, small="starts_on: 2026-01-01, ends_on: 2026-05-01, input: 1;starts_on: 2026-05-01, input: 1")
    assert differences(old, new, date(2026, 1, 1), date(2026, 10, 12)).height == 0


def test_a_price_that_is_gone_or_new_differs_from_none(tmp_path: Path) -> None:
    old = compiled(tmp_path, small="starts_on: 2026-01-01, input: 1, search: 0.01")
    new = compiled(tmp_path, small="starts_on: 2026-01-01, input: 1, output: 3")
    found = differences(old, new, date(2026, 1, 1), date(2026, 2, 1)).select("meter", "old_usd", "new_usd").sort("meter").rows()
    assert found == [("output", None, Decimal("0.000003")), ("search", Decimal("0.01"), None)]
