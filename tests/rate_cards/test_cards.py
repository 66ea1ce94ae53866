import json
import tempfile
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import jsonschema
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbook.rate_cards.card import CardError
from meterbook.rate_cards.compile import SHIPPED, load_cards
from meterbook.rate_cards.names import NAME, PATTERN
from meterbook.rate_cards.schema import PATH, schema
from meterbook.rate_cards.strict_yaml import load_yaml
from meterbook.sql.models import read_inputs

HEAD = "provider: acme\nmodels:\n  m:\n    rates:\n"
SAID = "source: x, checked_on: 2026-01-01"


def _card(folder: Path, rates: str, head: str = HEAD, name: str = "acme") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.yaml").write_text(head + rates, "utf-8")
    return folder


def _rates(folder: Path) -> pl.DataFrame:
    return load_cards([folder]).rates


@given(st.decimals(min_value=0, max_value=10_000, places=6))
def test_a_price_per_million_becomes_an_exact_price_per_token(price: Decimal) -> None:
    with tempfile.TemporaryDirectory() as folder:
        rates = _rates(_card(Path(folder), f"      - {{starts_on: 2026-01-01, input: {price:f}, {SAID}}}\n"))
    assert rates["input_usd"][0] * 1_000_000 == price


def test_a_seventh_decimal_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CardError, match=r"acme.yaml:5: models.m.rates.0.input: .*6 decimal"):
        _rates(_card(tmp_path, f"      - {{starts_on: 2026-01-01, input: 0.0000001, {SAID}}}\n"))


def test_rates_that_overlap_are_refused_with_file_line_and_dates(tmp_path: Path) -> None:
    rates = (
        f"      - {{starts_on: 2026-01-01, ends_on: 2026-03-01, input: 1, {SAID}}}\n      - {{starts_on: 2026-02-01, input: 2, {SAID}}}\n"
    )
    with pytest.raises(CardError, match=r"acme.yaml:3: models.m: the standard rates from 2026-01-01 and from 2026-02-01 overlap"):
        _rates(_card(tmp_path, rates))


def test_a_gap_between_rates_is_refused(tmp_path: Path) -> None:
    rates = (
        f"      - {{starts_on: 2026-01-01, ends_on: 2026-01-31, input: 1, {SAID}}}\n      - {{starts_on: 2026-02-01, input: 2, {SAID}}}\n"
    )
    with pytest.raises(CardError, match="leave a gap"):
        _rates(_card(tmp_path, rates))


def test_tiers_have_their_own_dates(tmp_path: Path) -> None:
    rates = f"      - {{starts_on: 2026-01-01, input: 1, {SAID}}}\n      - {{tier: batch, starts_on: 2026-02-01, input: 0.5, {SAID}}}\n"
    assert _rates(_card(tmp_path, rates))["served_tier"].to_list() == ["batch", "standard"]


def test_a_price_with_a_clock_starts_at_that_utc_instant(tmp_path: Path) -> None:
    first = f"      - {{starts_on: 2026-01-01 02:00:00+02:00, ends_on: 2026-01-01 12:00:00, input: 1, {SAID}}}\n"
    rates = f"{first}      - {{starts_on: 2026-01-01 12:00:00, input: 2, {SAID}}}\n"
    assert _rates(_card(tmp_path, rates))["starts_at"].to_list() == [datetime(2026, 1, 1), datetime(2026, 1, 1, 12)]


def test_a_negative_price_is_refused_and_an_explicit_zero_kept(tmp_path: Path) -> None:
    with pytest.raises(CardError, match="greater than or equal to 0"):
        _rates(_card(tmp_path, f"      - {{starts_on: 2026-01-01, input: -1, {SAID}}}\n"))
    rates = _rates(_card(tmp_path, f"      - {{starts_on: 2026-01-01, input: 0, {SAID}}}\n"))
    assert rates["input_usd"][0] == 0
    assert rates["output_usd"][0] is None


def test_an_unknown_key_is_named_with_the_nearest_known_one(tmp_path: Path) -> None:
    with pytest.raises(CardError, match=r"acme.yaml:5: models.m.rates.0.imput: unknown key; did you mean input\?"):
        _rates(_card(tmp_path, f"      - {{starts_on: 2026-01-01, imput: 1, {SAID}}}\n"))


def test_two_files_with_the_same_model_are_refused(tmp_path: Path) -> None:
    _card(tmp_path, f"      - {{starts_on: 2026-01-01, input: 1, {SAID}}}\n")
    with pytest.raises(CardError, match=r"m of acme is also in acme.yaml"):
        _rates(_card(tmp_path, f"      - {{starts_on: 2026-01-01, input: 1, {SAID}}}\n", name="other"))


def test_the_users_card_replaces_a_model_wholly(tmp_path: Path) -> None:
    head = "provider: openai\nmodels:\n  o3:\n    rates:\n"
    own = _card(tmp_path, f"      - {{starts_on: 2026-01-01, input: 7, {SAID}}}\n", head, "contract")
    rates = load_cards([SHIPPED, own]).rates.filter(pl.col("provider") == "openai", pl.col("model") == "o3")
    assert rates.select("card", "input_usd").rows() == [("contract", Decimal("0.000007"))]


def test_aliases_know_prefixes_case_and_like_characters(tmp_path: Path) -> None:
    head = 'provider: acme\nmodels:\n  Big_Model:\n    aliases: ["big-*"]\n    rates:\n'
    aliases = load_cards([_card(tmp_path, f"      - {{starts_on: 2026-01-01, input: 7, {SAID}}}\n", head)]).aliases
    known = {row[:5] for row in aliases.rows()}
    assert known == {
        ("acme", f"{prefix}{name}", "acme", "Big_Model", rank)
        for prefix in ("", "acme/", "acme.")
        for name, rank in (("big_model", NAME), ("big-*", PATTERN))
    }


def test_what_the_book_says_itself_goes_before_any_shipped_name(tmp_path: Path) -> None:
    head = 'provider: acme\nmodels:\n  {name}:\n    aliases: ["{alias}"]\n    rates:\n'
    rate = f"      - {{starts_on: 2026-01-01, input: 7, {SAID}}}\n"
    folders = [
        _card(tmp_path / name, rate, head.format(name=name, alias=alias)) for name, alias in (("shipped", "big-1"), ("own", "big-*"))
    ]
    rank = {row[:4]: row[4] for row in load_cards(folders).aliases.rows()}
    assert rank["acme", "big-*", "acme", "own"] == PATTERN < rank["acme", "big-1", "acme", "shipped"]


def test_a_name_that_a_spreadsheet_would_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CardError, match="pattern"):
        _rates(
            _card(tmp_path, f"      - {{starts_on: 2026-01-01, input: 7, {SAID}}}\n", 'provider: acme\nmodels:\n  "=cmd":\n    rates:\n')
        )


def test_every_shipped_card_loads_in_the_columns_sql_expects() -> None:
    cards = load_cards([SHIPPED])
    assert set(cards.rates.columns) == set(read_inputs()["rate_cards.rate"])
    assert set(cards.aliases.columns) == set(read_inputs()["rate_cards.alias"])
    assert cards.rates["rate_id"].n_unique() == cards.rates.height
    assert cards.rates["source_url"].null_count() == cards.rates["checked_on"].null_count() == 0
    assert {"openai", "anthropic", "google", "gpu"} <= set(cards.rates["provider"])


def test_o3_costs_ten_dollars_before_its_cut_and_two_after() -> None:
    rates = load_cards([SHIPPED]).rates.filter(pl.col("rate_id").str.starts_with("openai/o3/standard/"))
    for instant, price in ((datetime(2025, 6, 1), 10), (datetime(2025, 7, 1), 2)):
        [row] = rates.filter(pl.col("starts_at") <= instant, pl.col("ends_at") > instant).to_dicts()
        assert row["input_usd"] * 1_000_000 == price


def test_sonnet_above_two_hundred_thousand_tokens_charges_all_at_the_long_rate() -> None:
    rates = load_cards([SHIPPED]).rates.filter(pl.col("model") == "claude-sonnet-4-5", pl.col("served_tier") == "standard")
    cost = {
        tokens: tokens * row["input_usd"]
        for tokens in (200_000, 200_001)
        for row in rates.to_dicts()
        if row["input_above"] < tokens <= row["input_up_to"]
    }
    assert cost == {200_000: Decimal("0.60"), 200_001: Decimal("1.200006")}


def test_the_schema_is_in_step_and_accepts_the_shipped_cards() -> None:
    assert PATH.read_text("utf-8") == schema()
    validator = jsonschema.Draft202012Validator(json.loads(schema()))
    for path in SHIPPED.glob("*.yaml"):
        validator.validate(json.loads(json.dumps(load_yaml(path), default=str)))
