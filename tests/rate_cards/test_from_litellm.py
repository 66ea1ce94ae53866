"""Reading LiteLLM's price map.

litellm_price_map.json beside this file is written for these tests: entries in the form of the map, with the prices of LiteLLM 1.109.1 and
nothing that no test reads.
"""

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbook.rate_cards.card import BEGINNING, ModelCard, Rate
from meterbook.rate_cards.from_litellm import HOME, read
from meterbook.rate_cards.litellm_keys import parse
from meterbook.rate_cards.offers import Source, SourceError, UnknownProviderError

SAMPLE = Path(__file__).with_name("litellm_price_map.json")
TODAY = date(2026, 11, 28)
PLAIN = {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 1e-06, "output_cost_per_token": 2e-06}


def _source(folder: Path, entries: Mapping[str, Any], provider: str = "openai") -> Source:
    path = folder / "map.json"
    path.write_text(json.dumps(entries), "utf-8")
    return read(path, [provider], TODAY)


def _model(folder: Path, entry: Mapping[str, Any], provider: str = "openai") -> ModelCard:
    source = _source(folder, {"m": {**PLAIN, **entry}}, provider)
    assert not source.broken
    return source.models[provider]["m"].full


def _sample(provider: str, model: str) -> ModelCard:
    return read(SAMPLE, [provider], TODAY).models[provider][model].full


def _tier(model: ModelCard, tier: str = "standard") -> Rate:
    [rate] = [rate for rate in model.rates if rate.tier == tier and rate.window == ("", ())]
    return rate


def test_a_float_is_read_as_the_decimal_it_is_written_as() -> None:
    rate = _tier(_sample("openai", "gpt-5-mini"))
    assert (rate.input, rate.cache_read, rate.output) == (Decimal("0.25"), Decimal("0.025"), Decimal(2))
    assert (rate.checked_on, rate.starts_on) == (TODAY, BEGINNING)


@pytest.mark.parametrize(
    ("said", "source"),
    [
        ({"source": "https://developers.openai.com/api/docs/pricing"}, "https://developers.openai.com/api/docs/pricing"),
        ({"source": "their price list"}, HOME),
        ({}, HOME),
    ],
    ids=["an address", "no address", "nothing"],
)
def test_a_price_is_looked_up_where_its_entry_says_else_in_the_map_itself(tmp_path: Path, said: dict[str, str], source: str) -> None:
    assert _tier(_model(tmp_path, said)).source == source


@given(st.decimals(min_value=0, max_value=1000, places=6))
def test_any_price_per_million_survives_being_stated_per_token(tmp_path_factory: pytest.TempPathFactory, price: Decimal) -> None:
    folder = tmp_path_factory.mktemp("map")
    entry = {**PLAIN, "input_cost_per_token": "PRICE"}
    (folder / "map.json").write_text(json.dumps({"m": entry}).replace('"PRICE"', f"{price / 1_000_000:E}"), "utf-8")
    assert _tier(read(folder / "map.json", ["openai"], TODAY).models["openai"]["m"].full).input == price


def test_every_tier_of_the_map_is_a_tier_of_the_card() -> None:
    model = _sample("openai", "gpt-5-mini")
    found = {tier: _tier(model, tier).input for tier in ("standard", "batch", "flex", "priority", "fast")}
    assert found == {
        "standard": Decimal("0.25"),
        "batch": Decimal("0.125"),
        "flex": Decimal("0.125"),
        "priority": Decimal("0.45"),
        "fast": Decimal("0.45"),
    }


def test_an_hour_is_a_lifetime_of_the_cache_and_two_hundred_thousand_a_size() -> None:
    rate = _tier(_sample("aws.bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"))
    [band] = rate.bands
    assert (rate.cache_write_5m, rate.cache_write_1h) == (Decimal("4.125"), Decimal("6.6"))
    assert (band.threshold, band.operator, band.input) == (200_000, ">", Decimal("6.6"))
    assert (band.cache_write_5m, band.cache_write_1h) == (Decimal("8.25"), Decimal("13.2"))


@pytest.mark.parametrize(
    ("key", "meter", "tier", "above"),
    [
        ("input_cost_per_token", "input", "", None),
        ("cache_creation_input_token_cost_above_1hr", "cache_write_1h", "", None),
        ("cache_creation_input_token_cost_above_12hr_above_272k_tokens_flex", "cache_write_12h", "flex", 272_000),
        ("output_cost_per_token_above_272k_tokens_batches", "output", "batches", 272_000),
        ("input_cost_per_token_above_32k_tokens", "input", "", 32_000),
        ("cache_read_input_audio_token_cost_priority", "audio_cache_read", "priority", None),
        ("file_search_cost_per_1k_calls", "call", "", None),
    ],
)
def test_a_key_names_meter_tier_size_and_lifetime(key: str, meter: str, tier: str, above: int | None) -> None:
    found = parse(key)
    assert found is not None
    assert (found.meter, found.tier, found.above) == (meter, tier, above)


@pytest.mark.parametrize("key", ["input_cost_per_token_above_2hr", "input_dbu_cost_per_token", "input_cost_per_token_decisions", "rpm"])
def test_a_key_without_a_place_on_a_card_has_no_meaning(key: str) -> None:
    assert parse(key) is None


def test_templates_are_no_models_and_databricks_units_no_dollars(tmp_path: Path) -> None:
    entries = {
        "sample_spec": {**PLAIN, "litellm_provider": "openai", "max_tokens": "text"},
        "fallback_generalizations": {},
        "m": {**PLAIN, "input_dbu_cost_per_token": 1e-06},
    }
    source = _source(tmp_path, entries)
    assert list(source.models["openai"]) == ["m"]
    assert any("input_dbu_cost_per_token" in text and "openai/m" in text for text in source.warnings)


def test_an_explicit_zero_is_a_price_and_an_absent_one_is_unknown(tmp_path: Path) -> None:
    entry = {"litellm_provider": "openai", "input_cost_per_token": 1e-06, "output_cost_per_token": 0.0}
    rate = _tier(_source(tmp_path, {"m": entry}).models["openai"]["m"].full)
    assert (rate.output, rate.cache_write_5m) == (0, None)


def test_azure_bedrock_and_vertex_are_other_providers(tmp_path: Path) -> None:
    hosts = ("openai", "azure", "bedrock", "vertex_ai-language-models")
    entries = {f"{host}/m": {**PLAIN, "litellm_provider": host, "input_cost_per_token": at * 1e-06} for at, host in enumerate(hosts, 1)}
    assert [(name, offer.full.rates[0].input) for name, offer in _source(tmp_path, entries).models["openai"].items()] == [("m", 1)]
    azure = read(tmp_path / "map.json", ["azure"], TODAY).models
    assert {provider: list(models) for provider, models in azure.items()} == {"azure.ai.openai": ["m"]}


def test_seconds_stated_for_input_and_output_are_not_added() -> None:
    assert _tier(_sample("openai", "whisper-1")).second == Decimal("0.0001")
    assert _tier(_sample("openai", "tts-1")).character == 15


def test_a_price_per_image_beside_that_per_token_is_not_charged_twice(tmp_path: Path) -> None:
    source = _source(tmp_path, {"m": {**PLAIN, "output_cost_per_image": 0.04}})
    assert _tier(source.models["openai"]["m"].full).image is None
    assert any("the tokens are taken" in text for text in source.warnings)


def test_a_search_costs_what_any_context_costs_else_the_middle_one(tmp_path: Path) -> None:
    assert _tier(_sample("openai", "gpt-5-mini")).search == Decimal("0.01")
    sizes = {"search_context_size_low": 0.03, "search_context_size_medium": 0.035, "search_context_size_high": 0.05}
    source = _source(tmp_path, {"m": {**PLAIN, "search_context_cost_per_query": sizes}})
    assert _tier(source.models["openai"]["m"].full).search == Decimal("0.035")
    assert any("size of context" in text for text in source.warnings)


def test_graded_prices_become_bands_of_the_whole_request() -> None:
    rate = _tier(_sample("dashscope", "qwen3-max"))
    assert (rate.input, rate.output) == (Decimal("1.2"), Decimal(6))
    assert [(band.threshold, band.input, band.output) for band in rate.bands] == [(32_000, Decimal("2.4"), 12), (128_000, 3, 15)]


def test_hours_off_peak_are_rates_of_their_own_on_their_weekdays() -> None:
    model = _sample("deepseek", "deepseek-flash")
    assert _tier(model).input == Decimal("0.3")
    quiet = [(rate.hours_utc, rate.weekdays) for rate in model.rates if rate.window != ("", ())]
    week = (1, 2, 3, 4, 5)
    assert quiet == [("00:00-01:00", week), ("04:00-06:00", week), ("10:00-00:00", week), (None, (6, 7))]
    assert {(rate.input, rate.cache_read, rate.output) for rate in model.rates if rate.window != ("", ())} == {
        (Decimal("0.15"), Decimal("0.003"), Decimal("0.6"))
    }


def test_xai_charges_long_context_from_the_threshold_on(tmp_path: Path) -> None:
    entry = {**PLAIN, "litellm_provider": "xai", "input_cost_per_token_above_200k_tokens": 2e-06}
    [band] = _source(tmp_path, {"xai/m": entry}, "x_ai").models["x_ai"]["m"].full.rates[0].bands
    assert (band.threshold, band.operator, band.above) == (200_000, ">=", 199_999)


def test_factors_become_uplifts_of_a_region_and_a_fast_tier() -> None:
    opus = _sample("anthropic", "claude-opus-4-8")
    [uplift] = opus.uplifts
    assert (uplift.regions, uplift.times) == (("us",), Decimal("1.1"))
    assert (_tier(opus, "fast").input, _tier(opus, "fast").output, _tier(opus, "fast").search) == (10, 50, Decimal("0.01"))
    assert {region for one in _sample("openai", "gpt-5.4").uplifts for region in one.regions} == {"us", "eu"}


def test_free_searches_are_an_allowance_unless_models_share_them(tmp_path: Path) -> None:
    model = _model(tmp_path, {"search_free_requests": {"count": 1500, "period": "day"}})
    [allowance] = model.allowances
    assert (allowance.meter, allowance.free, allowance.per) == ("search", 1500, "day")
    shared = {"m": {**PLAIN, "search_free_requests": {"count": 1500, "period": "day", "shared_group": "g"}}}
    source = _source(tmp_path, shared)
    assert not source.models["openai"]["m"].full.allowances
    assert any("shared" in text for text in source.warnings)


def test_reasoning_is_said_only_where_it_is_not_the_price_of_output(tmp_path: Path) -> None:
    found = {price: _tier(_model(tmp_path, {"output_cost_per_reasoning_token": price})).reasoning for price in (2e-06, 3e-06)}
    assert found == {2e-06: None, 3e-06: 3}


def test_an_unknown_cost_is_named_with_its_model(tmp_path: Path) -> None:
    source = _source(tmp_path, {"m": {**PLAIN, "telepathy_cost_per_thought": 1, "supports_vision": True, "rpm": 5}})
    assert source.warnings == ["a card has no place for telepathy_cost_per_thought; left out: openai/m"]


def test_a_tier_states_its_own_prices_and_is_filled_where_it_is_silent(tmp_path: Path) -> None:
    entry = {**PLAIN, "cache_read_input_token_cost": 5e-07, "input_cost_per_token_batches": 5e-07, "output_cost_per_token_batches": 1e-06}
    offer = _source(tmp_path, {"m": entry}).models["openai"]["m"]
    assert (_tier(offer.stated, "batch").cache_read, _tier(offer.full, "batch").cache_read) == (None, Decimal("0.5"))


def test_a_price_finer_than_a_card_is_refused_by_name(tmp_path: Path) -> None:
    source = _source(tmp_path, {"m": {**PLAIN, "input_cost_per_second": 0.0002833333333333333}})
    assert source.models["openai"]["m"].full.rates[0].second is None
    assert any("openai/m second" in text for text in source.warnings)


@pytest.mark.parametrize("value", [-1e-06, "free", True])
def test_what_cannot_be_a_price_breaks_its_provider_and_no_other(tmp_path: Path, value: object) -> None:
    path = tmp_path / "map.json"
    path.write_text(json.dumps({"m": {**PLAIN, "input_cost_per_token": value}, "n": {**PLAIN, "litellm_provider": "mistral"}}), "utf-8")
    source = read(path, ["openai", "mistral"], TODAY)
    assert "openai/m: input_cost_per_token" in source.broken["openai"]
    assert list(source.broken) == ["openai"]


@pytest.mark.parametrize("text", ['{"m": {"input_cost_per_token": NaN}}', '{"m": {', "[]", '{"m": 1}', ""])
def test_a_file_that_is_no_whole_map_is_not_trusted_at_all(tmp_path: Path, text: str) -> None:
    (tmp_path / "map.json").write_text(text, "utf-8")
    with pytest.raises(SourceError, match=r"map.json is not a (whole )?price map"):
        read(tmp_path / "map.json", ["openai"], TODAY)


def test_an_unknown_provider_names_those_of_the_map() -> None:
    with pytest.raises(UnknownProviderError, match=r"knows no provider cohere; it knows anthropic, .*openai"):
        read(SAMPLE, ["cohere"], TODAY)
