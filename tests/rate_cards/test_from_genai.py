from datetime import UTC, date, datetime, time
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from genai_prices.types import (
    ClauseContains,
    ClauseEquals,
    ClauseOr,
    ClauseRegex,
    ClauseStartsWith,
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    PriceVariant,
    Provider,
    StartDateConstraint,
    Tier,
    TieredPrices,
    TimeOfDateConstraint,
)

from meterbook.rate_cards import from_genai
from meterbook.rate_cards.card import BEGINNING, ModelCard, Rate
from meterbook.rate_cards.offers import Source, UnknownProviderError

TODAY = date(2026, 11, 28)
ONE = Decimal(1)


def _read(monkeypatch: pytest.MonkeyPatch, prices: Any, variants: list[PriceVariant] | None = None, provider: str = "openai") -> Source:
    match = ClauseOr(or_=[ClauseEquals(equals="M"), ClauseStartsWith(starts_with="m-x"), ClauseRegex(regex=r"^m-y-\d{4}-\d{2}-\d{2}$")])
    model = ModelInfo(id="m", match=match, prices=prices, price_variants=variants)
    known = Provider(id=provider, name="P", api_pattern="x", pricing_urls=["https://prices.example"], models=[model])
    monkeypatch.setattr(from_genai, "get_snapshot", lambda: SimpleNamespace(providers=[known]))
    return from_genai.read([provider], TODAY)


def _full(source: Source, provider: str = "openai") -> ModelCard:
    return source.models[provider]["m"].full


def _tier(model: ModelCard, tier: str) -> list[Rate]:
    return [rate for rate in model.rates if rate.tier == tier]


def test_calls_pages_and_hours_become_prices_per_one(monkeypatch: pytest.MonkeyPatch) -> None:
    price = ModelPrice(
        input_mtok=ONE,
        web_searches_kcount=Decimal(10),
        storage_searches_kcount=Decimal("2.5"),
        requests_kcount=Decimal(5),
        audio_hours=Decimal("0.36"),
        input_audio_hours=Decimal("0.36"),
        input_document_kpages=Decimal(4),
        input_mchars=Decimal(15),
    )
    [rate] = _full(_read(monkeypatch, price)).rates
    assert (rate.search, rate.call, rate.request, rate.page) == (Decimal("0.01"), Decimal("0.0025"), Decimal("0.005"), Decimal("0.004"))
    assert (rate.second, rate.character) == (Decimal("0.0001"), Decimal(15))
    assert (rate.source, rate.checked_on, rate.starts_on) == ("https://prices.example", TODAY, BEGINNING)


def test_audio_images_and_video_have_their_meters(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = (
        "input_audio",
        "cache_audio_read",
        "output_audio",
        "input_image",
        "cache_image_read",
        "output_image",
        "input_video",
        "cache_write_1h",
    )
    price = ModelPrice(input_mtok=ONE, **{f"{key}_mtok": Decimal(place) for place, key in enumerate(keys, 2)})
    [rate] = _full(_read(monkeypatch, price)).rates
    found = (rate.audio_input, rate.audio_cache_read, rate.audio_output, rate.image_input, rate.image_cache_read, rate.image_output)
    assert (*found, rate.video_input, rate.cache_write_1h) == (2, 3, 4, 5, 6, 7, 8, 9)


def test_a_price_with_more_decimals_than_fit_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    source = _read(monkeypatch, ModelPrice(input_mtok=ONE, audio_hours=Decimal("1.02")))
    assert _full(source).rates[0].second is None
    assert any("openai/m second 0.00028" in text and "not rounded" in text for text in source.warnings)


def test_a_unit_without_a_meter_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    source = _read(monkeypatch, ModelPrice(input_mtok=ONE, output_citation_mtok=ONE))
    assert any("output_citation_mtok" in text and "openai/m" in text for text in source.warnings)


def test_a_cached_token_without_a_price_is_written_down_at_the_price_of_input(monkeypatch: pytest.MonkeyPatch) -> None:
    tiered = TieredPrices(base=ONE, tiers=[Tier(start=200_000, price=Decimal(2))])
    source = _read(monkeypatch, ModelPrice(input_mtok=tiered, output_mtok=ONE))
    [rate] = _full(source).rates
    assert (rate.cache_read, rate.bands[0].cache_read) == (1, 2)
    assert source.models["openai"]["m"].stated.rates[0].cache_read is None


def test_dates_become_history_and_hours_begin_with_the_last_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    hours = TimeOfDateConstraint(start_time=time(16, 30, tzinfo=UTC), end_time=time(0, 30, tzinfo=UTC))
    prices = [
        ConditionalPrice(prices=ModelPrice(input_mtok=Decimal(10))),
        ConditionalPrice(constraint=StartDateConstraint(start_date=date(2025, 6, 10)), prices=ModelPrice(input_mtok=Decimal(2))),
        ConditionalPrice(constraint=hours, prices=ModelPrice(input_mtok=ONE)),
    ]
    rates = _full(_read(monkeypatch, prices)).rates
    found = [(rate.starts_on, rate.ends_on, rate.hours_utc, rate.input) for rate in rates]
    assert found == [
        (BEGINNING, date(2025, 6, 10), None, 10),
        (date(2025, 6, 10), None, None, 2),
        (date(2025, 6, 10), None, "16:30-00:30", 1),
    ]


def test_a_tier_replaces_prices_meter_by_meter_and_a_search_keeps_its_price(monkeypatch: pytest.MonkeyPatch) -> None:
    standard = ModelPrice(input_mtok=Decimal(2), cache_read_mtok=Decimal("0.5"), output_mtok=Decimal(8), web_searches_kcount=Decimal(10))
    half = ModelPrice(input_mtok=ONE, output_mtok=Decimal(4))
    later = StartDateConstraint(start_date=date(2026, 10, 14))
    variants = [
        PriceVariant(when={"service_tier": "default"}, prices=ModelPrice()),
        PriceVariant(when={"processing": "batch"}, constraint=later, prices=half),
        PriceVariant(when={"speed": "fast"}, prices=ModelPrice(input_mtok=Decimal(4))),
        PriceVariant(when={"route": "elsewhere"}, prices=half),
    ]
    source = _read(monkeypatch, standard, variants)
    [batch] = _tier(_full(source), "batch")
    assert (batch.starts_on, batch.input, batch.cache_read, batch.output, batch.search) == (
        later.start_date,
        1,
        Decimal("0.5"),
        4,
        Decimal("0.01"),
    )
    [fast] = _tier(_full(source), "fast")
    assert (fast.starts_on, fast.input, fast.output) == (BEGINNING, 4, 8)
    assert any("elsewhere" in text for text in source.warnings)


def test_a_tier_follows_its_own_dates_and_those_of_the_standard_price(monkeypatch: pytest.MonkeyPatch) -> None:
    rise = StartDateConstraint(start_date=date(2027, 1, 1))
    since = StartDateConstraint(start_date=date(2026, 10, 14))
    prices = [
        ConditionalPrice(prices=ModelPrice(input_mtok=Decimal(2), cache_read_mtok=ONE)),
        ConditionalPrice(constraint=rise, prices=ModelPrice(input_mtok=Decimal(4), cache_read_mtok=Decimal(2))),
    ]
    variants = [
        PriceVariant(when={"processing": "batch"}, constraint=rise, prices=ModelPrice(input_mtok=Decimal(2))),
        PriceVariant(when={"processing": "batch"}, constraint=since, prices=ModelPrice(input_mtok=ONE)),
    ]
    batch = _tier(_full(_read(monkeypatch, prices, variants)), "batch")
    assert [(rate.starts_on, rate.ends_on, rate.input, rate.cache_read) for rate in batch] == [
        (date(2026, 10, 14), date(2027, 1, 1), 1, 1),
        (date(2027, 1, 1), None, 2, 2),
    ]


@pytest.mark.parametrize(("provider", "start", "said"), [("openai", 272_000, (272_000, ">")), ("x-ai", 199_999, (200_000, ">="))])
def test_a_threshold_is_said_as_the_provider_says_it(
    monkeypatch: pytest.MonkeyPatch, provider: str, start: int, said: tuple[int, str]
) -> None:
    tiered = TieredPrices(base=ONE, tiers=[Tier(start=start, price=Decimal(2))])
    source = _read(monkeypatch, ModelPrice(input_mtok=tiered), provider=provider)
    [band] = _full(source, from_genai.canonical(provider)).rates[0].bands
    assert (band.threshold, band.operator, band.above) == (*said, start)


def test_names_are_taken_as_far_as_a_star_can_say_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _full(_read(monkeypatch, ModelPrice(input_mtok=ONE))).aliases == ("m-x*", "m-y")


def test_a_pattern_of_bedrock_never_takes_the_makers_own_models(monkeypatch: pytest.MonkeyPatch) -> None:
    match = ClauseOr(
        or_=[ClauseContains(contains="claude-x"), ClauseStartsWith(starts_with="claude-x"), ClauseContains(contains="us.maker.claude-x")]
    )
    model = ModelInfo(id="regional.maker.claude-x-v1:0", match=match, prices=ModelPrice(input_mtok=ONE))
    known = Provider(id="aws", name="P", api_pattern="x", models=[model])
    monkeypatch.setattr(from_genai, "get_snapshot", lambda: SimpleNamespace(providers=[known]))
    found = from_genai.read(["bedrock"], TODAY).models["aws.bedrock"]["maker.claude-x-v1:0"].full
    assert found.aliases == ("*maker.claude-x*", "*us.maker.claude-x*", "maker.claude-x*")


def test_an_unknown_provider_names_the_known_ones() -> None:
    with pytest.raises(UnknownProviderError, match=r"knows no provider opneai; it knows .*openai"):
        from_genai.read(["opneai"], TODAY)


def test_the_installed_package_is_read_whole() -> None:
    source = from_genai.read(["openai", "anthropic", "google", "mistral", "deepseek", "bedrock", "azure", "xai", "cohere"], TODAY)
    assert not source.broken
    o3 = source.models["openai"]["o3"].full
    at = {
        day: next(r.input for r in o3.rates if r.tier == "standard" and r.span[0] <= day < r.span[1])
        for day in (datetime(2025, 6, 1), datetime(2025, 7, 1))
    }
    assert list(at.values()) == [10, 2]
