"""Shipped cards beside genai-prices: the same usage at the same instant, to the pico-dollar, or a reason on record why not."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from genai_prices import Usage, calc_price
from genai_prices.types import PriceContext
from pricing import pricing, request

from meterbook.rate_cards.compile import SHIPPED, Cards, load_cards, read_entries
from meterbook.rate_cards.providers import KNOWN

pytestmark = pytest.mark.long

REASONS = Path(__file__).with_name("genai_disagreements.yaml")
PROVIDERS = ("openai", "anthropic", "google", "deepseek", "mistral", "aws.bedrock", "azure.ai.openai", "x_ai")
CONTEXT: Mapping[str, PriceContext] = {
    "standard": {},
    "batch": {"processing": "batch"},
    "flex": {"service_tier": "flex"},
    "priority": {"service_tier": "priority"},
    "fast": {"speed": "fast"},
}
"""What they call a tier; other tiers they do not know."""
FROM, TO = datetime(2024, 1, 1), datetime(2026, 12, 1)
EACH, ENOUGH = 3, 500


@dataclass(frozen=True)
class Case:
    """One call: when, of which model by what name, at which tier, and what it used, in exclusive buckets."""

    provider: str
    model: str
    name: str
    tier: str
    at: datetime
    used: Mapping[str, int]

    @property
    def theirs(self) -> Decimal | None:
        """What genai-prices says, whose input contains what was read from and written to caches; None where it knows no such model."""
        writes = self.used["cache_write_5m_tokens"] + self.used["cache_write_1h_tokens"]
        usage = Usage(
            input_tokens=self.used["input_tokens"] + self.used["cache_read_tokens"] + writes,
            cache_read_tokens=self.used["cache_read_tokens"],
            cache_write_tokens=writes,
            cache_write_1h_tokens=self.used["cache_write_1h_tokens"],
            output_tokens=self.used["output_tokens"],
        )
        try:
            found = calc_price(
                usage,
                self.name,
                provider_id=KNOWN[self.provider].genai,
                genai_request_timestamp=self.at.replace(tzinfo=UTC),
                price_context=CONTEXT[self.tier],
            )
        except LookupError:
            return None
        # Of another provider's model, and of one without such a tier, they give the standard price.
        own = found.model if any(found.model is one for one in found.provider.models) else None
        has_tier = own is not None and any(variant.when == CONTEXT[self.tier] for variant in own.price_variants or ())
        return found.total_price if self.tier == "standard" or has_tier else None

    def __str__(self) -> str:
        used = ", ".join(f"{count:,} {meter.removesuffix('_tokens')}" for meter, count in self.used.items() if count)
        return f"{self.provider} {self.model} as {self.name}, {self.tier}, at {self.at}: {used}"


@cache
def _cards() -> Cards:
    return load_cards([SHIPPED])


@cache
def _names() -> Mapping[tuple[str, str], Sequence[str]]:
    """Names of each model of a card that are one name, not a pattern."""
    entries = read_entries([SHIPPED])
    return {key: [entry.name, *(alias for alias in entry.model.aliases if "*" not in alias)] for key, entry in entries.items()}


def _cases() -> list[Case]:
    """Cases for each shipped rate: instants within it, tokens within its band of input, the model by its own and by another name."""
    rows = [row for row in _cards().rates.sort("rate_id").to_dicts() if row["provider"] in PROVIDERS and row["layer"] == "list"]
    plain = [row for row in rows if not row["region"] and row["served_tier"] in CONTEXT]
    seeded = [(row, name, _seeded(row, name, turn)) for row in plain for name in _two_names(row) for turn in range(EACH)]
    return [
        Case(row["provider"], row["model"], name, row["served_tier"], at, _used(row, rng))
        for row, name, rng in seeded
        if (at := _at(row, rng))
    ]


def _seeded(row: Mapping[str, Any], name: str, turn: int) -> random.Random:
    return random.Random(f"{row['rate_id']} {name} {turn}")  # noqa: S311 -- reproducible, not secret


def _two_names(row: Mapping[str, Any]) -> Sequence[str]:
    own, *others = _names()[row["provider"], row["model"]]
    return [own, *(random.Random(row["rate_id"]).sample(others, 1) if others else ())]  # noqa: S311 -- reproducible, not secret


def _at(row: Mapping[str, Any], rng: random.Random) -> datetime | None:
    """An instant of a rate within the years compared, None where it has none."""
    opens, closes = time.fromisoformat(row["clock_from"]), time.fromisoformat(row["clock_to"]) if row["clock_to"] else time.max
    starts, ends = max(row["starts_at"], FROM), min(row["ends_at"], TO)
    days = [day for n in range((ends - starts).days + 1) if str((day := starts.date() + timedelta(days=n)).isoweekday()) in row["weekdays"]]
    spans = [(max(datetime.combine(day, opens), starts), min(datetime.combine(day, closes), ends)) for day in days]
    held = [(first, last) for first, last in spans if first < last]
    if not held:
        return None
    first, last = rng.choice(held)
    return first + timedelta(seconds=rng.randrange(int((last - first).total_seconds()) or 1))


def _used(row: Mapping[str, Any], rng: random.Random) -> dict[str, int]:
    """Tokens of the meters the rate prices, with an input in its band."""
    low, high = max(row["input_above"] + 1, 1), min(row["input_up_to"], row["input_above"] + 1_000_000)
    prompt = rng.choice([low, high, rng.randint(low, high)]) if row["input_usd"] is not None else 0
    priced = [meter for meter in ("cache_read", "cache_write_5m", "cache_write_1h") if row[f"{meter}_usd"] is not None]
    used = dict.fromkeys(("cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens"), 0)
    for meter in priced:
        used[f"{meter}_tokens"] = rng.randint(0, prompt // 4)
    output = rng.randint(1, 20_000) if row["output_usd"] is not None else 0
    return {**used, "input_tokens": prompt - sum(used.values()), "output_tokens": output}


def _ours(cases: Sequence[Case]) -> list[Decimal | None]:
    pricing().use(_cards())
    asked = [request(f"{n:06d}", case.at, case.name, case.provider, served_tier=case.tier, **case.used) for n, case in enumerate(cases)]
    return [row["cost_usd"] for _, row in sorted(pricing().costs(asked).items())]


@dataclass(frozen=True)
class Reason:
    """Why genai-prices says something else of some models."""

    provider: str
    models: Sequence[str]
    why: str
    tier: str = "standard"
    since: date = date.min
    until: date = date.max

    def explains(self, case: Case) -> bool:
        """Whether it is about a case; `until` is the first day it no longer holds."""
        return (
            (self.provider, self.tier) == (case.provider, case.tier)
            and case.model in self.models
            and self.since <= case.at.date() < self.until
        )


@cache
def _compared() -> Sequence[tuple[Case, Decimal | None, Decimal]]:
    cases = [case for case in _cases() if case.theirs is not None]
    return [(case, ours, case.theirs) for case, ours in zip(cases, _ours(cases), strict=True) if case.theirs is not None]


def _reasons() -> list[Reason]:
    return [Reason(**entry) for entry in yaml.safe_load(REASONS.read_text("utf-8"))]


@pytest.mark.nightly
def test_what_genai_prices_says_otherwise_has_a_reason_on_record() -> None:
    unlike = [(case, ours, theirs) for case, ours, theirs in _compared() if ours != theirs]
    unexplained = [f"{case}: {ours}, theirs {theirs}" for case, ours, theirs in unlike if not any(one.explains(case) for one in _reasons())]
    assert unexplained == []


def test_a_reason_on_record_is_still_one() -> None:
    unlike = [case for case, ours, theirs in _compared() if ours != theirs]
    idle = [
        (reason.why, model)
        for reason in _reasons()
        for model in reason.models
        if not any(reason.explains(case) and case.model == model for case in unlike)
    ]
    assert idle == []


def test_most_shipped_rates_are_compared_and_most_of_them_agree() -> None:
    same = [case for case, ours, theirs in _compared() if ours == theirs]
    assert len(same) >= ENOUGH
    assert {case.provider for case in same} == set(PROVIDERS)
    assert {"standard", "batch", "flex", "priority"} <= {case.tier for case in same}
    assert len(same) > 0.9 * len(_compared())


@pytest.mark.parametrize("used", [{"input_tokens": 1}, {"input_tokens": 10**9}])
def test_a_wrong_price_would_be_found(used: dict[str, int]) -> None:
    none = dict.fromkeys(("cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "output_tokens"), 0)
    case = Case("openai", "gpt-5", "gpt-5", "standard", datetime(2026, 10, 20), {**none, **used})
    [ours] = _ours([case])
    assert ours == case.theirs
    assert ours is not None
    assert ours + Decimal("0.000000000001") != case.theirs
