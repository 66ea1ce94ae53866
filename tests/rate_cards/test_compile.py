import tempfile
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbook.rate_cards.card import CardError
from meterbook.rate_cards.compile import load_cards
from meterbook.rate_cards.fx import FxRate
from meterbook.rate_cards.layers import Layer, load_layers

SAID = "source: x, checked_on: 2026-01-01"
MILLION = 1_000_000


def _card(folder: Path, body: str, name: str = "acme") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.yaml").write_text(body, "utf-8")
    return folder


def _model(rates: str, more: str = "", head: str = "provider: acme\n") -> str:
    return f"{head}models:\n  m:\n    rates:\n{rates}{more}"


def _rates(folder: Path, layers: Iterable[Layer] = (), fx: Iterable[FxRate] = ()) -> pl.DataFrame:
    return load_cards([folder], tuple(layers), tuple(fx)).rates


def _prices(frame: pl.DataFrame, *columns: str) -> list[tuple[object, ...]]:
    return frame.with_columns((pl.col("input_usd") * MILLION).cast(pl.Float64).alias("input")).select(*columns, "input").rows()


def test_all_tokens_are_at_the_rate_of_the_band_and_the_operator_says_on_which_side_the_threshold_lies(tmp_path: Path) -> None:
    above = "[{threshold: 200000, operator: '>', input: 6}, {threshold: 400000, operator: '>=', input: 9}]"
    rates = _rates(_card(tmp_path, _model(f"    - {{starts_on: 2026-01-01, input: 3, output: 15, above_input_tokens: {above}, {SAID}}}\n")))
    bands = rates.sort("input_above")
    assert _prices(bands, "input_above", "input_up_to") == [(-1, 200_000, 3), (200_000, 399_999, 6), (399_999, 2**63 - 1, 9)]
    assert bands["output_usd"].unique().to_list() == [Decimal("0.000015")], "what a band does not price keeps the price below"


def test_two_thresholds_that_count_different_tokens_are_refused(tmp_path: Path) -> None:
    above = "[{threshold: 1, input: 6}, {threshold: 2, counts: uncached input, input: 9}]"
    with pytest.raises(CardError, match="count the same tokens"):
        _rates(_card(tmp_path, _model(f"    - {{starts_on: 2026-01-01, input: 3, above_input_tokens: {above}, {SAID}}}\n")))


def test_more_thresholds_than_a_call_can_be_told_by_are_refused(tmp_path: Path) -> None:
    def card(bands: int) -> Path:
        above = ", ".join(f"{{threshold: {n}, input: {n + 3}}}" for n in range(1, bands + 1))
        return _card(tmp_path, _model(f"    - {{starts_on: 2026-01-01, input: 3, above_input_tokens: [{above}], {SAID}}}\n"))

    assert _rates(card(7)).height == 8
    with pytest.raises(CardError, match="8 thresholds; a rate has 7 at most"):
        _rates(card(8))


def test_a_window_past_midnight_leaves_the_rest_of_the_day_to_the_rate_without_one(tmp_path: Path) -> None:
    rates = _rates(
        _card(
            tmp_path,
            _model(
                f"    - {{starts_on: 2026-01-01, input: 4, {SAID}}}\n"
                f"    - {{starts_on: 2026-01-01, hours_utc: 16:30-00:30, input: 1, {SAID}}}\n"
            ),
        )
    )
    found = [(row[0], row[1] or "24:00:00", row[2]) for row in _prices(rates, "clock_from", "clock_to")]
    assert sorted(found) == [("00:00:00", "00:30:00", 1), ("00:30:00", "16:30:00", 4), ("16:30:00", "24:00:00", 1)]


@given(st.integers(0, 1439), st.integers(0, 1439), st.sets(st.integers(1, 7)), st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)))
def test_every_instant_has_exactly_one_rate_whatever_the_window(start: int, end: int, weekdays: set[int], at: datetime) -> None:
    hours = f"{start // 60:02d}:{start % 60:02d}-{end // 60:02d}:{end % 60:02d}"
    window = f"hours_utc: '{hours}', weekdays: {sorted(weekdays)}"
    with tempfile.TemporaryDirectory() as folder:
        rates = _rates(
            _card(
                Path(folder),
                _model(
                    f"    - {{starts_on: 2025-01-01, input: 4, {SAID}}}\n"
                    f"    - {{starts_on: 2026-03-01, ends_on: 2026-09-01, {window}, input: 1, {SAID}}}\n"
                ),
            )
        )
    clock = at.time().isoformat("seconds")
    holds = rates.filter(
        pl.col("starts_at") <= at,
        pl.col("ends_at") > at,
        pl.col("weekdays").str.contains(str(at.isoweekday())),
        pl.col("clock_from") <= clock,
        pl.col("clock_to").is_null() | (pl.col("clock_to") > clock),
    )
    assert holds.height == 1
    assert holds["input_usd"][0] * MILLION == (1 if _in_window(at, start, end, weekdays) else 4)


def _in_window(at: datetime, start: int, end: int, weekdays: set[int]) -> bool:
    if not datetime(2026, 3, 1) <= at < datetime(2026, 9, 1):
        return False
    days = weekdays or set(range(1, 8))
    minute = time(at.hour, at.minute)
    first, last = time(start // 60, start % 60), time(end // 60, end % 60)
    yesterday = (at - timedelta(days=1)).isoweekday()
    if first < last:
        return at.isoweekday() in days and first <= minute < last
    return (at.isoweekday() in days and minute >= first) or (yesterday in days and minute < last)


def test_uplifts_multiply_in_the_order_in_which_they_stand_and_only_their_meters_and_tiers(tmp_path: Path) -> None:
    uplifts = (
        f"    uplifts:\n    - {{name: residency, regions: [US], times: 1.1, {SAID}}}\n"
        f"    - {{name: long haul, regions: [us], times: 1.5, meters: [output], tiers: [batch], {SAID}}}\n"
    )
    rates = _rates(
        _card(
            tmp_path,
            _model(
                f"    - {{starts_on: 2026-01-01, input: 3, output: 15, search: 0.01, {SAID}}}\n"
                f"    - {{tier: batch, starts_on: 2026-01-01, input: 1.5, output: 7.5, {SAID}}}\n",
                uplifts,
            ),
        )
    )
    found = {
        (row["served_tier"], row["region"]): (row["input_usd"] * MILLION, row["output_usd"] * MILLION, row["search_usd"], row["rule"])
        for row in rates.to_dicts()
    }
    assert found == {
        ("standard", ""): (3, 15, Decimal("0.01"), "standard"),
        ("standard", "us"): (Decimal("3.3"), Decimal("16.5"), Decimal("0.01"), "standard, residency x 1.1"),
        ("batch", ""): (Decimal("1.5"), Decimal("7.5"), None, "batch"),
        ("batch", "us"): (Decimal("1.65"), Decimal("12.375"), None, "batch, residency x 1.1, long haul x 1.5"),
    }


def test_an_uplifted_price_finer_than_a_pico_dollar_is_refused_not_rounded(tmp_path: Path) -> None:
    uplifts = f"    uplifts:\n    - {{name: residency, regions: [us], times: 1.1, {SAID}}}\n"
    with pytest.raises(CardError, match="finer than a pico-dollar"):
        _rates(_card(tmp_path, _model(f"    - {{starts_on: 2026-01-01, input: 0.000001, {SAID}}}\n", uplifts)))


def test_list_contracted_and_effective_price_are_all_kept_and_layers_apply_in_order(tmp_path: Path) -> None:
    layers = (
        Layer(name="agreement", kind="discount", percent=Decimal(10), provider="acme", starts_on=date(2026, 3, 1)),
        Layer(name="volume", kind="discount", percent=Decimal(50), provider="acme", meters=("input",), starts_on=date(2026, 3, 1)),
        Layer(name="reseller", kind="margin", percent=Decimal(20), provider="*", models=("m",), starts_on=date(2026, 3, 1)),
    )
    rates = _rates(_card(tmp_path, _model(f"    - {{starts_on: 2026-01-01, input: 3, output: 10, {SAID}}}\n")), layers)
    found = rates.with_columns((pl.col("input_usd", "output_usd") * MILLION).cast(pl.Float64)).select(
        pl.col("starts_at").dt.date(), "layer", "input_usd", "output_usd"
    )
    assert sorted(found.rows()) == [
        (date(2026, 1, 1), "list", 3, 10),
        (date(2026, 3, 1), "contracted", 1.35, 9),
        (date(2026, 3, 1), "effective", 1.62, 10.8),
        (date(2026, 3, 1), "list", 3, 10),
    ]
    assert rates.filter(layer="effective")["rule"].to_list() == ["standard, agreement, volume, reseller"]


def test_an_agreed_price_stands_in_the_place_of_the_list_price_only_for_what_it_names(tmp_path: Path) -> None:
    (tmp_path / "contracts.yaml").write_text(
        "layers:\n- {name: flat, kind: price, provider: acme, tiers: [standard], prices: {input: 2}}\n", "utf-8"
    )
    rates = _rates(
        _card(
            tmp_path / "cards",
            _model(
                f"    - {{starts_on: 2026-01-01, input: 3, output: 10, {SAID}}}\n"
                f"    - {{tier: batch, starts_on: 2026-01-01, input: 1, {SAID}}}\n"
            ),
        ),
        load_layers(tmp_path / "contracts.yaml"),
    )
    found = {(row["served_tier"], row["layer"]): (row["input_usd"], row["output_usd"]) for row in rates.to_dicts()}
    assert found["standard", "effective"] == (Decimal("0.000002"), Decimal("0.00001"))
    assert ("batch", "effective") not in found


def test_a_layer_that_says_too_little_or_too_much_is_refused_with_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "contracts.yaml"
    for clause, said in (("kind: discount", "needs `percent`"), ("kind: discount, percent: 101", "would pay you")):
        path.write_text(f"layers:\n- {{name: a, {clause}, provider: acme}}\n", "utf-8")
        with pytest.raises(CardError, match=f"contracts.yaml:2: .*{said}"):
            load_layers(path)


def test_a_model_that_is_the_same_as_another_has_its_rates_but_for_the_tiers_it_gives_itself(tmp_path: Path) -> None:
    body = (
        f"provider: acme\nmodels:\n  m:\n    rates:\n    - {{starts_on: 2026-01-01, input: 3, {SAID}}}\n"
        f"    - {{tier: batch, starts_on: 2026-01-01, input: 1, {SAID}}}\n"
        f"  n:\n    same_as: acme/m\n    rates:\n    - {{tier: batch, starts_on: 2026-02-01, input: 2, {SAID}}}\n"
    )
    rates = _rates(_card(tmp_path, body)).filter(model="n")
    assert _prices(rates, "served_tier") == [("batch", 2), ("standard", 3)]


@pytest.mark.parametrize(("other", "said"), [("acme/x", "no card prices that"), ("acme/m", "that is a circle")])
def test_the_same_as_nothing_or_itself_is_refused(tmp_path: Path, other: str, said: str) -> None:
    with pytest.raises(CardError, match=said):
        _rates(_card(tmp_path, f"provider: acme\nmodels:\n  m:\n    same_as: {other}\n"))


def test_a_card_in_another_currency_is_converted_at_the_rate_of_its_day_and_unpriced_before_the_first(tmp_path: Path) -> None:
    fx = (FxRate("EUR", date(2026, 2, 1), Decimal("1.10")), FxRate("EUR", date(2026, 3, 1), Decimal("1.123457")))
    card = _card(tmp_path, _model(f"    - {{starts_on: 2026-01-01, input: 3, {SAID}}}\n", head="provider: acme\ncurrency: EUR\n"))
    rates = _rates(card, fx=fx)
    assert rates.select("starts_at", "fx_rate", "input_usd").rows() == [
        (datetime(2026, 2, 1), Decimal("1.10"), Decimal("0.0000033")),
        (datetime(2026, 3, 1), Decimal("1.123457"), Decimal("0.000003370371")),
    ]
    later = (*fx, FxRate("EUR", date(2026, 9, 1), Decimal(2)))
    at = datetime(2026, 3, 5)
    price = [
        _rates(card, fx=known).filter(pl.col("starts_at") <= at, pl.col("ends_at") > at)["input_usd"].to_list() for known in (fx, later)
    ]
    assert price[0] == price[1], "a new rate of exchange moves no earlier price"


@given(st.decimals(0, 100, places=6), st.decimals(0, 100, places=2), st.decimals(0, 100, places=2))
def test_a_discount_never_raises_and_a_margin_never_lowers_a_price(price: Decimal, off: Decimal, margin: Decimal) -> None:
    layers = (
        Layer(name="off", kind="discount", percent=off, provider="acme"),
        Layer(name="on", kind="margin", percent=margin, provider="acme"),
    )
    with tempfile.TemporaryDirectory() as folder:
        rates = _rates(_card(Path(folder), _model(f"    - {{starts_on: 2026-01-01, input: {price:f}, {SAID}}}\n")), layers)
    layer = {row["layer"]: row["input_usd"] for row in rates.to_dicts()}
    assert layer["contracted"] <= layer["list"]
    assert layer["contracted"] <= layer["effective"]
    assert abs(layer["contracted"] - layer["list"] * (1 - off / 100)) <= Decimal("0.0000000000005")


def test_a_meter_has_one_row_with_all_its_layers(tmp_path: Path) -> None:
    (tmp_path / "contracts.yaml").write_text(
        "layers:\n- {name: a, kind: price, provider: acme, models: [m], prices: {search: 0.008}}\n"
        "- {name: b, kind: margin, provider: acme, models: [m], percent: 50}\n",
        "utf-8",
    )
    rates = f"    rates:\n    - {{starts_on: 2026-01-01, input: 3, {SAID}}}\n"
    card = _card(tmp_path / "cards", f"provider: acme\nmodels:\n  m:\n{rates}  n:\n{rates}")
    found = load_cards([card], load_layers(tmp_path / "contracts.yaml")).unit_rates
    three, dearer = Decimal("0.000003"), Decimal("0.0000045")
    assert found.select("rate_id", "meter", "list_usd", "contracted_usd", "effective_usd").rows() == [
        ("acme/m/standard/2026-01-01", "input", three, three, dearer),
        ("acme/m/standard/2026-01-01", "search", None, Decimal("0.008"), Decimal("0.012")),
        ("acme/n/standard/2026-01-01", "input", three, three, three),
    ]
