"""The cards that ship: whom they price today, by the names logs use, and what held before."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from meterbook.rate_cards.audit import audit
from meterbook.rate_cards.card_text import SCHEMA_LINE
from meterbook.rate_cards.compile import SHIPPED, Cards, Entry, load_cards, read_entries
from meterbook.rate_cards.lookup import Names

LOGGED = {
    "openai": """gpt-5 gpt-5-2025-08-07 gpt-5-mini gpt-5-mini-2025-08-07 gpt-5-nano-2025-08-07 gpt-5-codex gpt-5-pro-2025-10-06
        openai/gpt-5.1 gpt-5.1-2025-11-13 gpt-5.2-2025-12-11 gpt-5.3-codex gpt-5.4-2026-03-05 gpt-5.4-mini-2026-03-17
        gpt-5.5-2026-04-23 gpt-5.6-sol
        gpt-6-sol-2026-09-22 gpt-6.1-terra gpt-4o-2024-08-06 gpt-4o-2024-05-13 gpt-4o-mini-2024-07-18 gpt-4.1-2025-04-14
        gpt-4.1-mini-2025-04-14 gpt-4.1-nano gpt-4-0613 gpt-4-turbo-2024-04-09 gpt-3.5-turbo-0125 o1-2024-12-17 o3-2025-04-16
        o3-mini-2025-01-31 o4-mini-2025-04-16 gpt-4o-audio-preview-2024-12-17 gpt-realtime-2025-08-28 gpt-4o-transcribe gpt-image-1
        text-embedding-3-small text-embedding-3-large ft:gpt-4o-mini-2024-07-18:acme::abc123""",
    "anthropic": """claude-sonnet-4-5-20250929 claude-sonnet-4-5 claude-haiku-4-5-20251001 claude-opus-4-1-20250805 claude-opus-4-20250514
        claude-sonnet-4-20250514 claude-opus-4-5-20251101 claude-opus-4-6 claude-sonnet-4-6 claude-opus-4-7 claude-opus-4-8 claude-opus-5
        claude-sonnet-5 claude-haiku-5-5 claude-3-7-sonnet-20250219 claude-3-5-sonnet-20241022 claude-3-5-haiku-20241022
        claude-3-haiku-20240307 anthropic/claude-haiku-4.5""",
    "google": """gemini-2.5-pro gemini-2.5-flash gemini-2.5-flash-lite gemini/gemini-2.5-flash vertex_ai/gemini-2.5-pro gemini-2.0-flash-001
        gemini-3-pro-preview gemini-3-flash-preview gemini-3.1-pro-preview gemini-3.5-flash gemini-1.5-pro-002 claude-sonnet-4-5@20250929
        gemini-embedding-001""",
    "mistral": """mistral-large-latest mistral-large-2411 mistral-large-2512 mistral-medium-2508 mistral-medium-latest mistral-small-latest
        mistral-small-2506 codestral-2508 codestral-latest ministral-8b-latest magistral-medium-2509 pixtral-large-latest mistral-embed""",
    "deepseek": "deepseek-flash deepseek-v4-flash deepseek-v4-pro deepseek/deepseek-v4-flash",
    "aws.bedrock": """anthropic.claude-sonnet-4-5-20250929-v1:0 us.anthropic.claude-sonnet-4-5-20250929-v1:0
        eu.anthropic.claude-sonnet-4-5-20250929-v1:0 global.anthropic.claude-haiku-4-5-20251001-v1:0
        apac.anthropic.claude-sonnet-4-20250514-v1:0 us.anthropic.claude-opus-4-1-20250805-v1:0 anthropic.claude-3-haiku-20240307-v1:0
        us.anthropic.claude-3-5-sonnet-20241022-v2:0 us.anthropic.claude-opus-4-8 us.meta.llama3-3-70b-instruct-v1:0
        meta.llama3-1-8b-instruct-v1:0 us.meta.llama4-maverick-17b-instruct-v1:0 us.meta.llama4-scout-17b-instruct-v1:0
        meta.llama3-70b-instruct-v1:0 mistral.mistral-large-2402-v1:0 mistral.mistral-large-2407-v1:0 us.deepseek.r1-v1:0 deepseek.v3-v1:0
        amazon.nova-pro-v1:0 us.amazon.nova-lite-v1:0 eu.amazon.nova-micro-v1:0 us.amazon.nova-premier-v1:0 cohere.embed-multilingual-v3
        cohere.embed-english-v3 amazon.titan-embed-text-v2:0 openai.gpt-oss-120b-1:0""",
    "azure.ai.openai": """gpt-4o gpt-4o-2024-11-20 gpt-4o-mini gpt-4.1 gpt-4.1-mini gpt-5 gpt-5-mini-2025-08-07 gpt-5.1 gpt-5.2 gpt-5.4
        gpt-5.5 gpt-35-turbo gpt-4 gpt-4-32k o1 o3 o3-mini o4-mini text-embedding-3-large azure/gpt-4o""",
    "azure": "gpt-4.1-nano",
    "bedrock": "us.anthropic.claude-haiku-4-5-20251001-v1:0",
    "xai": "grok-4 grok-4.3 grok-4-fast-reasoning",
}
SPELLED = [(provider, name) for provider, names in LOGGED.items() for name in names.split()]


@cache
def _cards() -> Cards:
    return load_cards([SHIPPED])


@cache
def _entries() -> dict[tuple[str, str], Entry]:
    return read_entries([SHIPPED])


@cache
def _names() -> Names:
    return Names(row for entry in _entries().values() for row in entry.names)


def _rate(provider: str, model: str, at: datetime, tier: str = "standard", *, tokens: int = 1_000, region: str = "") -> dict[str, Any]:
    """The one rate of a model at an instant, by SQL's conditions."""
    rates = _cards().rates.filter(
        pl.col("provider") == provider, pl.col("model") == model, pl.col("served_tier") == tier, pl.col("region") == region,
        pl.col("starts_at") <= at, pl.col("ends_at") > at, pl.col("input_above") < tokens, pl.col("input_up_to") >= tokens,
        pl.col("clock_from") <= f"{at:%H:%M:%S}", pl.col("clock_to").is_null() | (pl.col("clock_to") > f"{at:%H:%M:%S}"),
        pl.col("weekdays").str.contains(str(at.isoweekday())),
    )  # fmt: skip
    [row] = rates.rows(named=True)
    return row


def _per_million(rate: dict[str, Any], meter: str) -> Decimal | None:
    price = rate[f"{meter}_usd"]
    return None if price is None else price * 1_000_000


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def test_more_than_sixty_of_the_most_used_models_are_listed_here() -> None:
    found = {(provider, _names().find(provider, name)) for provider, name in SPELLED}
    assert len(found) > 60
    assert len(SPELLED) > 100


@pytest.mark.parametrize(("provider", "name"), SPELLED, ids=[f"{provider}/{name}" for provider, name in SPELLED])
def test_a_model_spelled_as_logs_spell_it_has_a_price_of_input_and_output_today(provider: str, name: str) -> None:
    model = _names().find(provider, name)
    assert model is not None
    [card] = {entry.card.provider for entry in _entries().values() if provider in {entry.card.provider, *entry.card.other_names}}
    rate = _rate(card, model, _now())
    assert rate["input_usd"] is not None
    assert rate["output_usd"] is not None


@pytest.mark.parametrize(
    ("provider", "model", "at", "tokens", "input_price"),
    [
        ("openai", "o3", datetime(2025, 6, 1), 1, "10"),
        ("openai", "o3", datetime(2025, 6, 9, 23, 59, 59), 1, "10"),
        ("openai", "o3", datetime(2025, 6, 10), 1, "2"),
        ("openai", "o3", datetime(2025, 7, 1), 1, "2"),
        ("openai", "gpt-5.4", datetime(2026, 10, 1), 272_000, "2.5"),
        ("openai", "gpt-5.4", datetime(2026, 10, 1), 272_001, "5"),
        ("openai", "gpt-5.6-sol", datetime(2026, 8, 20), 1, "5"),
        ("openai", "gpt-5.6-sol", datetime(2026, 8, 21), 1, "4"),
        ("anthropic", "claude-sonnet-4-5", datetime(2026, 1, 1), 200_000, "3"),
        ("anthropic", "claude-sonnet-4-5", datetime(2026, 1, 1), 200_001, "6"),
        ("anthropic", "claude-opus-4-6", datetime(2026, 3, 12), 200_001, "10"),
        ("anthropic", "claude-opus-4-6", datetime(2026, 3, 13), 200_001, "5"),
        ("google", "gemini-2.5-pro", datetime(2026, 1, 1), 200_000, "1.25"),
        ("google", "gemini-2.5-pro", datetime(2026, 1, 1), 200_001, "2.5"),
        ("google", "gemini-3.6-flash", datetime(2026, 12, 31), 1, "0.75"),
        ("google", "gemini-3.6-flash", datetime(2027, 1, 1), 1, "1.5"),
        ("mistral", "mistral-large-latest", datetime(2025, 12, 1), 1, "2"),
        ("mistral", "mistral-large-latest", datetime(2025, 12, 2), 1, "0.5"),
        ("deepseek", "deepseek-chat", datetime(2025, 6, 1, 12), 1, "0.27"),
        ("deepseek", "deepseek-chat", datetime(2025, 6, 1, 16, 30), 1, "0.135"),
        ("deepseek", "deepseek-chat", datetime(2025, 6, 1, 0, 29), 1, "0.135"),
        ("deepseek", "deepseek-chat", datetime(2025, 9, 5, 15, 59), 1, "0.27"),
        ("deepseek", "deepseek-chat", datetime(2025, 9, 5, 20), 1, "0.56"),
        ("deepseek", "deepseek-chat", datetime(2026, 1, 1), 1, "0.28"),
        ("deepseek", "deepseek-v4-pro", datetime(2026, 11, 27, 2), 1, "1.32"),
        ("deepseek", "deepseek-v4-pro", datetime(2026, 11, 28, 2), 1, "0.66"),
        ("aws.bedrock", "global.anthropic.claude-haiku-4-5-20251001-v1:0", datetime(2026, 10, 1), 1, "1"),
        ("aws.bedrock", "anthropic.claude-haiku-4-5-20251001-v1:0", datetime(2026, 10, 1), 1, "1.1"),
        ("x_ai", "grok-4.3", datetime(2026, 10, 1), 199_999, "1.25"),
        ("x_ai", "grok-4.3", datetime(2026, 10, 1), 200_000, "2.5"),
        ("azure.ai.openai", "gpt-5.4", datetime(2026, 10, 1), 272_001, "5"),
    ],
)
def test_the_price_of_an_instant_is_the_one_that_held_then(provider: str, model: str, at: datetime, tokens: int, input_price: str) -> None:
    assert _per_million(_rate(provider, model, at, tokens=tokens), "input") == Decimal(input_price)


def test_sonnet_above_two_hundred_thousand_tokens_costs_more_by_the_whole_request() -> None:
    at = datetime(2026, 1, 1)
    cost = {tokens: tokens * _rate("anthropic", "claude-sonnet-4-5", at, tokens=tokens)["input_usd"] for tokens in (200_000, 200_001)}
    assert cost == {200_000: Decimal("0.60"), 200_001: Decimal("1.200006")}


def test_long_context_of_a_batch_is_its_own_price_and_a_search_in_it_is_not_discounted() -> None:
    below, above = (_rate("openai", "gpt-5.4", datetime(2026, 11, 1), "batch", tokens=tokens) for tokens in (272_000, 272_001))
    assert [_per_million(one, "input") for one in (below, above)] == [Decimal("1.25"), Decimal("2.5")]
    assert [one["search_usd"] for one in (below, above)] == [Decimal("0.01")] * 2


def test_a_batch_discounts_each_meter_by_its_own_rule() -> None:
    flash = {tier: _rate("google", "gemini-2.5-flash", datetime(2026, 11, 1), tier) for tier in ("standard", "batch")}
    assert flash["batch"]["input_usd"] * 2 == flash["standard"]["input_usd"]
    assert flash["batch"]["cache_read_usd"] == flash["standard"]["cache_read_usd"]
    assert flash["batch"]["search_usd"] == flash["standard"]["search_usd"]


@pytest.mark.parametrize(
    ("provider", "model", "meter", "price"),
    [
        ("openai", "whisper-1", "second", "0.0001"),
        ("openai", "gpt-4o-audio-preview", "audio_input", "0.00004"),
        ("openai", "gpt-realtime", "audio_output", "0.000064"),
        ("openai", "tts-1", "character", "0.000015"),
        ("openai", "gpt-image-1", "image_output", "0.00004"),
        ("openai", "gpt-5", "search", "0.01"),
        ("openai", "gpt-6-astra", "cache_write_12h", "0.000025"),
        ("openai", "text-embedding-3-small", "output", "0"),
        ("openai", "omni-moderation-latest", "input", "0"),
        ("anthropic", "claude-sonnet-4-5", "search", "0.01"),
        ("anthropic", "claude-sonnet-4-5", "cache_write_1h", "0.000006"),
        ("google", "gemini-2.5-pro", "storage_token_hour", "0.0000045"),
        ("google", "gemini-2.5-flash", "audio_input", "0.000001"),
        ("mistral", "mistral-ocr-4-1", "page", "0.004"),
        ("aws.bedrock", "cohere.rerank-v3-5:0", "request", "0.002"),
    ],
)
def test_what_is_not_text_has_a_price_of_its_own(provider: str, model: str, meter: str, price: str) -> None:
    assert _rate(provider, model, _now())[f"{meter}_usd"] == Decimal(price)


def test_data_residency_multiplies_every_token_by_one_point_one() -> None:
    at = datetime(2026, 11, 1)
    for provider, model, region in (("openai", "gpt-5.4", "eu"), ("anthropic", "claude-opus-4-8", "us")):
        here, there = _rate(provider, model, at), _rate(provider, model, at, region=region)
        assert there["input_usd"] == here["input_usd"] * Decimal("1.1")
        assert there["output_usd"] == here["output_usd"] * Decimal("1.1")
        assert there["search_usd"] == here["search_usd"]


def test_a_log_of_a_maker_is_not_priced_by_a_host_of_its_models() -> None:
    assert _names().find("anthropic", "claude-haiku-4-5-20251001") == "claude-haiku-4-5"
    assert _names().find("aws.bedrock", "claude-haiku-4-5-20251001") is None


def test_the_shipped_cards_have_no_findings_and_name_their_schema() -> None:
    assert audit([SHIPPED], date(2026, 11, 28)) == []
    for path in SHIPPED.glob("*.yaml"):
        assert path.read_text("utf-8").splitlines()[0] == SCHEMA_LINE
    assert (SHIPPED / "schema.json").is_file()


def test_the_card_in_the_documentation_is_a_sound_card(tmp_path: Path) -> None:
    text = (SHIPPED.resolve().parent / "docs" / "rate-cards.md").read_text("utf-8")
    (tmp_path / "acme.yaml").write_text(text.split("```yaml\n")[1].split("```")[0], "utf-8")
    assert audit([tmp_path], date(2026, 11, 28)) == []


def test_the_shipped_cards_agree_with_the_litellm_map_where_both_speak() -> None:
    """litellm_price_map.json has the prices of LiteLLM 1.109.1."""
    said = json.loads((Path(__file__).with_name("litellm_price_map.json")).read_text("utf-8"), parse_float=Decimal)
    for provider, model in (
        ("openai", "gpt-5-mini"),
        ("openai", "gpt-5.4"),
        ("openai", "gpt-4o-mini"),
        ("anthropic", "claude-sonnet-4-5"),
        ("anthropic", "claude-opus-4-8"),
    ):
        rate = _rate(provider, model, datetime(2026, 11, 2))
        assert (rate["input_usd"], rate["output_usd"]) == (said[model]["input_cost_per_token"], said[model]["output_cost_per_token"])
        assert rate["cache_read_usd"] == said[model]["cache_read_input_token_cost"]
