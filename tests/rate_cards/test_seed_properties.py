"""Seeding, whatever a source says: twice is once, and the past stays."""

import shutil
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from examples import examples
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from seeding import SAID, TODAY, seeded

from meterbook.rate_cards.card import BEGINNING, METERS
from meterbook.rate_cards.compile import load_cards

pytestmark = pytest.mark.long

PRICES = st.decimals(min_value=0, max_value=100, places=6)
DAYS = st.dates(min_value=date(2025, 1, 1), max_value=date(2027, 12, 31))


@st.composite
def _models(draw: st.DrawFn) -> dict[str, list[dict[str, Any]]]:
    """What a source may say: tiers, dates past and to come, long context, hours of the day."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name in draw(st.sets(st.sampled_from(["m", "n", "z"]), min_size=1)):
        rates: list[dict[str, Any]] = []
        for tier in draw(st.sampled_from([[None], [None, "batch"]])):
            starts = [BEGINNING, *sorted(draw(st.sets(DAYS, max_size=2)))]
            for start, end in zip(starts, [*starts[1:], None], strict=True):
                prices = {meter: draw(PRICES) for meter in draw(st.sets(st.sampled_from(["cache_read", "output", "search"])))}
                above = {"above_input_tokens": {"threshold": 200_000, "input": draw(PRICES)}} if draw(st.booleans()) else {}
                rate = {"starts_on": start, "ends_on": end, "input": draw(PRICES), **prices, **above, **SAID}
                rates.append({"tier": tier, **rate} if tier else rate)
            if tier is None and draw(st.booleans()):
                rates.append({"starts_on": BEGINNING, "input": draw(PRICES), "hours_utc": "16:30-00:30", **SAID})
        found[name] = rates
    return found


@examples(15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=_models(), second=_models())
def test_seeding_twice_from_one_source_changes_nothing(tmp_path: Path, first: Any, second: Any) -> None:
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    seeded(tmp_path, first, TODAY - timedelta(days=30), accept=["all"])
    done = seeded(tmp_path, second, accept=["all"])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    seeded(tmp_path, second, accept=["all"])
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    seeded(tmp_path, second, TODAY + timedelta(days=3), accept=["all"])
    # What was refused because the card's own price began that day, or was to begin, is taken once it has.
    is_same = {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert is_same or any("change it by hand" in refused for refused in done.refused)


def _priced(folder: Path, until: datetime) -> pl.DataFrame:
    """Prices of every band and part of the day up to an instant; spans that only were cut there are one."""
    rates = load_cards([folder]).rates.filter(pl.col("starts_at") < until)
    key = ["provider", "model", "served_tier", "starts_at", "clock_from", "clock_to", "weekdays", "input_above", "input_up_to"]
    prices = [f"{meter}_usd" for meter in METERS]
    return rates.with_columns(pl.min_horizontal("ends_at", pl.lit(until)).alias("ends_at")).select(*key, "ends_at", *prices).sort(key)


@examples(15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=_models(), second=_models())
def test_seeding_never_changes_the_price_of_an_instant_before_today(tmp_path: Path, first: Any, second: Any) -> None:
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    seeded(tmp_path, first, TODAY - timedelta(days=30), accept=["all"])
    now = datetime(TODAY.year, TODAY.month, TODAY.day)
    before = _priced(tmp_path, now)
    seeded(tmp_path, second, accept=["all"])
    # What had no price at all may have gained one: a model, or a tier of it.
    known = before.select("model", "served_tier").unique()
    after = _priced(tmp_path, now).join(known, on=["model", "served_tier"], how="semi")
    assert after.sort(after.columns).equals(before.sort(before.columns))
