import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from meterbook.rate_cards.compile import Entry, read_entries
from meterbook.rate_cards.diff import Compared, compare
from meterbook.rate_cards.from_litellm import read

TODAY = date(2026, 11, 28)
CARD = """\
provider: openai
models:
  base:
    rates:
    - {starts_on: 2026-01-01, input: 2, output: 8, source: "https://x.example", checked_on: 2026-01-05}
    - {tier: batch, starts_on: 2026-01-01, input: 1, output: 4, source: "https://x.example", checked_on: 2026-01-05}
  free:
    rates:
    - {starts_on: 2026-01-01, input: 0, source: "https://x.example", checked_on: 2026-01-05}
  same: {same_as: openai/base}
"""


def _entries(folder: Path) -> dict[tuple[str, str], Entry]:
    (folder / "cards").mkdir()
    (folder / "cards" / "openai.yaml").write_text(CARD, "utf-8")
    return read_entries([folder / "cards"])


def _compare(folder: Path, models: dict[str, dict[str, Any]]) -> Compared:
    path = folder / "map.json"
    path.write_text(json.dumps({name: {"litellm_provider": "openai", **entry} for name, entry in models.items()}), "utf-8")
    return compare(_entries(folder), read(path, ["openai"], TODAY), ["openai"], TODAY)


def test_a_difference_has_model_tier_meter_both_prices_and_the_change(tmp_path: Path) -> None:
    found = _compare(
        tmp_path, {"base": {"input_cost_per_token": 2.5e-06, "output_cost_per_token": 8e-06, "input_cost_per_token_batches": 1e-06}}
    )
    [one] = found.differences
    assert (one.provider, one.model, one.tier, one.meter) == ("openai", "base", "standard", "input")
    assert (one.card, one.source, one.change_percent, one.starts_on) == (2, Decimal("2.5"), 25, TODAY)


def test_a_price_the_card_does_not_have_has_no_change_and_a_free_one_none_either(tmp_path: Path) -> None:
    found = _compare(
        tmp_path,
        {"base": {"cache_creation_input_token_cost": 1e-06, "input_cost_per_token": 2e-06}, "free": {"input_cost_per_token": 1e-06}},
    )
    assert [(one.meter, one.card, one.change_percent) for one in found.differences] == [("cache_write_5m", None, None), ("input", 0, None)]


def test_long_context_is_named_by_its_threshold(tmp_path: Path) -> None:
    entry = {"input_cost_per_token": 2e-06, "input_cost_per_token_above_272k_tokens": 4e-06}
    [one] = _compare(tmp_path, {"base": entry}).differences
    assert (one.meter, one.card, one.source, one.change_percent) == ("input above 272000", 2, 4, 100)


def test_a_model_with_the_prices_of_another_is_compared_by_those(tmp_path: Path) -> None:
    [one] = _compare(tmp_path, {"same": {"input_cost_per_token": 1e-06}}).differences
    assert (one.model, one.card, one.change_percent) == ("same", 2, -50)


def test_models_on_no_card_are_named_and_silence_is_no_difference(tmp_path: Path) -> None:
    found = _compare(tmp_path, {"other": {"input_cost_per_token": 1e-06}, "base": {"input_cost_per_token": 2e-06}})
    assert found.differences == []
    assert found.missing == {"openai": ["other"]}


def test_a_provider_that_cannot_be_trusted_is_said_to_be(tmp_path: Path) -> None:
    found = _compare(tmp_path, {"base": {"input_cost_per_token": -1}})
    assert found.differences == []
    assert found.notes[0].startswith("openai: openai/base: input_cost_per_token is -1")
