"""The sample company's requests: a quiet company with a rhythm, and what was planted into it."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from meterbook.pipelines.demo_company import (
    FEATURES,
    FIRST,
    GATEWAY_KNEW_ON,
    PRICES,
    REPRICED_ON,
    SEED,
    SERVED_FEATURE,
    TENANTS,
    UNPRICED_FROM,
    UNPRICED_MODEL,
    Feature,
    price_on,
)
from meterbook.pipelines.demo_gpus import is_idle

SPIKE_DAY, SPIKE_TENANT, SPIKE_REQUESTS, SPIKE_SESSION = date(2026, 10, 21), "harbor", 1_400, "sess-backfill-harbor"
STORM_DAY, STORM_FEATURE, STORM_ATTEMPTS = date(2026, 10, 22), 0, 3
LOOP_DAY, LOOP_TENANT, LOOP_CALLS, LOOP_SESSION = date(2026, 10, 23), "dune", 420, "sess-loop-dune"
RAMP_FEATURE, RAMP_FROM, RAMP_FACTOR = "email-drafts", date(2026, 10, 1), 2.6
PRIORITY_DAY, PRIORITY_FEATURE, PRIORITY_CALLS = date(2026, 10, 19), 3, 20
"""Calls that were served with priority, as their answers say, and that are billed at the standard price."""
TWICE_CACHED_DAYS, TWICE_CACHED = (date(2026, 10, 26), date(2026, 10, 27)), "gpt-4.1"
"""Days on which the gateway counted the cached tokens of a model once more as fresh ones."""
SERVED_CONTEXT = 120_000
"""Longest prompt of the model that the company serves itself."""
Ints = NDArray[np.int64]


@dataclass
class Requests:
    """Request attempts as columns; feature, model and tenant are indices into the names beside them."""

    feature: Ints
    model: list[str]
    """The model that served."""
    wanted: list[str]
    """The model that was asked for, where it is another one than served; else empty."""
    tenant: Ints
    millisecond: Ints
    latency: Ints
    prompt: Ints
    read: Ints
    written: Ints
    output: Ints
    reasoning: Ints
    operation: Ints
    status: list[str]
    cache_hit: NDArray[np.bool_]
    staging: NDArray[np.bool_]
    unowned: NDArray[np.bool_]
    session: list[str]
    tier: list[str]
    arm: list[str]
    """Experiment and arm, as `experiment:arm`; empty is none."""
    asked: Ints
    """What stands for the prompt: the same number is the same prompt, to the byte."""
    cap: Ints
    """The most tokens of an answer that was asked for; 0 is none."""
    is_cut: NDArray[np.bool_]
    """The answer ended where its cap is."""

    def __len__(self) -> int:
        """Attempts."""
        return len(self.model)


def calls_of(day: date) -> Requests:
    """Every request attempt of a day, in the order in which they started, as if nothing had changed in how features call."""
    rng = np.random.default_rng([SEED, day.toordinal()])
    parts = [_feature(rng, day, number, feature) for number, feature in enumerate(FEATURES) if feature.name != SERVED_FEATURE]
    if not is_idle(day):
        parts.append(_served(np.random.default_rng([SEED, 9, day.toordinal()]), day))
    if day == SPIKE_DAY:
        parts.append(_owned(_batch(rng, 3, SPIKE_REQUESTS, tenant=TENANTS.index(SPIKE_TENANT), model="gpt-5", scale=1.2), SPIKE_SESSION))
    if day == LOOP_DAY:
        parts.append(_loop(rng))
    if day >= UNPRICED_FROM:
        parts.append(_batch(rng, 2, 60, model=UNPRICED_MODEL, scale=0.5))
    made = _join(parts)
    made.asked = made.operation.copy()
    if day == PRIORITY_DAY:
        asked = [n for n in range(len(made)) if made.feature[n] == PRIORITY_FEATURE and made.model[n] == "gpt-5" and made.output[n]]
        for n in asked[:PRIORITY_CALLS]:
            made.tier[n] = "priority"
    return made


def _feature(rng: np.random.Generator, day: date, number: int, feature: Feature) -> Requests:
    growth = 1 + 0.0015 * (day - FIRST).days
    if feature.name == RAMP_FEATURE and day >= RAMP_FROM:
        growth *= 1 + (RAMP_FACTOR - 1) * ((day - RAMP_FROM).days + 1) / 31
    weekend = feature.weekend if day.weekday() >= 5 else 1.0
    count = int(rng.poisson(feature.daily * weekend * growth * float(np.exp(rng.normal(0, 0.03)))))
    names, shares = zip(*feature.models, strict=True)
    chosen = rng.choice(len(names), count, p=shares)
    made = _batch(rng, number, count, models=[names[n] for n in chosen])
    made.cache_hit = (rng.random(count) < 0.035) & (number in {0, 1}) & (made.output > 0)
    # An attempt that timed out had processed its prompt; one that was refused has no tokens and is not tried again.
    answered = (made.output > 0) & ~made.cache_hit
    retried = np.flatnonzero((rng.random(count) < 0.015) & answered)
    stormy = day == STORM_DAY and number == STORM_FEATURE
    storm = np.flatnonzero((rng.random(count) < 0.75) & answered) if stormy else np.array([], dtype=np.int64)
    tries = [_again(made, retried, 1), *(_again(made, storm, n + 2) for n in range(STORM_ATTEMPTS if stormy else 0))]
    return _join([made, *tries])


def _served(rng: np.random.Generator, day: date) -> Requests:
    """Calls of the model that the company serves itself."""
    number = next(n for n, feature in enumerate(FEATURES) if feature.name == SERVED_FEATURE)
    made = _feature(rng, day, number, FEATURES[number])
    made.prompt = np.minimum(made.prompt, SERVED_CONTEXT)
    made.read = np.minimum(made.read, made.prompt)
    return made


def _batch(
    rng: np.random.Generator,
    number: int,
    count: int,
    *,
    tenant: int | None = None,
    model: str = "",
    models: list[str] | None = None,
    scale: float = 1.0,
) -> Requests:
    feature = FEATURES[number]
    names = models or [model] * count
    # Below 200,000 tokens, where some providers charge long context by the whole request.
    prompt = np.clip(rng.lognormal(np.log(feature.input_tokens * scale) - 0.18, 0.6, count), 200, 190_000).astype(np.int64)
    read = (prompt * np.clip(rng.normal(feature.cached, 0.12, count), 0, 0.95)).astype(np.int64)
    is_claude = np.array([name.startswith("claude") for name in names], dtype=bool)
    written = np.where(is_claude, ((prompt - read) * 0.35).astype(np.int64), 0)
    output = np.maximum(5, rng.lognormal(np.log(feature.output_tokens) - 0.125, 0.5, count)).astype(np.int64)
    reasons = np.array([name in {"gpt-5", "gpt-5-mini", "gemini-2.5-pro"} for name in names], dtype=bool)
    weights = 1 / np.arange(1, len(TENANTS) + 1) ** 0.7
    hour = rng.choice(24, count, p=_hours())
    refused = rng.random(count) < 0.004
    prompt, read, written, output = (np.where(refused, 0, tokens) for tokens in (prompt, read, written, output))
    return Requests(
        feature=np.full(count, number),
        model=list(names),
        wanted=[""] * count,
        tenant=np.full(count, tenant) if tenant is not None else rng.choice(len(TENANTS), count, p=weights / weights.sum()),
        millisecond=hour * 3_600_000 + rng.integers(0, 3_600_000, count),
        latency=(300 + output * 6 + rng.integers(0, 900, count)).astype(np.int64),
        prompt=prompt,
        read=read,
        written=written,
        output=output,
        reasoning=np.where(reasons, (output * 0.4).astype(np.int64), 0),
        operation=rng.integers(0, 2**62, count),
        status=["failure" if one else "success" for one in refused.tolist()],
        cache_hit=np.zeros(count, dtype=bool),
        staging=rng.random(count) < 0.04,
        unowned=rng.random(count) < 0.012,
        session=[""] * count,
        tier=["standard"] * count,
        arm=[""] * count,
        asked=np.zeros(count, dtype=np.int64),
        cap=np.zeros(count, dtype=np.int64),
        is_cut=np.zeros(count, dtype=bool),
    )


def _again(made: Requests, chosen: Ints, attempt: int) -> Requests:
    """Earlier attempts of some operations: each timed out after its prompt was processed, and is billed."""
    picked = of_rows(made, chosen)
    picked.millisecond = np.maximum(picked.millisecond - 2_000 * attempt, 10 - attempt)
    picked.output = np.minimum(picked.output, 20)
    picked.reasoning = np.zeros(len(chosen), dtype=np.int64)
    picked.latency = np.full(len(chosen), 1_900)
    picked.status = ["failure"] * len(chosen)
    picked.cache_hit = np.zeros(len(chosen), dtype=bool)
    return picked


def _loop(rng: np.random.Generator) -> Requests:
    """One agent session that calls the same tool over and over, its context growing with each call."""
    made = _batch(rng, 4, LOOP_CALLS, tenant=TENANTS.index(LOOP_TENANT), model="claude-sonnet-4-5")
    step = np.arange(LOOP_CALLS)
    made.prompt = (30_000 + 380 * step).astype(np.int64)
    made.read = (made.prompt * 0.5).astype(np.int64)
    made.written = ((made.prompt - made.read) * 0.2).astype(np.int64)
    made.output = np.maximum(made.output, 5)
    made.status = ["success"] * LOOP_CALLS
    made.millisecond = 9 * 3_600_000 + 20_000 * step
    return _owned(made, LOOP_SESSION)


def _owned(made: Requests, session: str) -> Requests:
    """Production traffic with an owner, in one session."""
    made.staging, made.unowned = np.zeros(len(made), dtype=bool), np.zeros(len(made), dtype=bool)
    made.session = [session] * len(made)
    return made


def _hours() -> NDArray[np.float64]:
    hour = np.arange(24)
    shape = 0.15 + np.exp(-((hour - 10.5) ** 2) / 8) + 0.9 * np.exp(-((hour - 15) ** 2) / 8)
    return np.asarray(shape / shape.sum())


def of_rows(made: Requests, chosen: Ints) -> Requests:
    """Some of the attempts, as columns of their own."""
    picked: dict[str, Any] = {
        one.name: [value[n] for n in chosen] if isinstance(value := getattr(made, one.name), list) else value[chosen].copy()
        for one in fields(Requests)
    }
    return Requests(**picked)


def _join(parts: Sequence[Requests]) -> Requests:
    joined: dict[str, Any] = {}
    for one in fields(Requests):
        values = [getattr(part, one.name) for part in parts]
        joined[one.name] = [item for value in values for item in value] if isinstance(values[0], list) else np.concatenate(values)
    made = Requests(**joined)
    return of_rows(made, np.lexsort((made.operation, made.millisecond)))


def cost_pico(made: Requests, day: date) -> list[int | None]:
    """What each attempt costs, in pico-dollars; None where nobody has a price."""
    kinds = list(zip(made.model, made.tier, strict=True))
    rates = {(model, tier): price.meters if (price := price_on(model, day, tier)) else None for model, tier in set(kinds)}
    paid = np.where(made.cache_hit[:, None], 0, buckets_of(made)).tolist()
    return [_cost(rates[kind], tokens) for kind, tokens in zip(kinds, paid, strict=True)]


def buckets_of(made: Requests) -> Ints:
    """Uncached input, cache read, cache write and output of each attempt."""
    return np.stack([made.prompt - made.read - made.written, made.read, made.written, made.output], axis=1)


def _cost(rates: tuple[int, int, int, int] | None, tokens: list[int]) -> int | None:
    if rates is None:
        return None if any(tokens) else 0
    return sum(rate * count for rate, count in zip(rates, tokens, strict=True))


def reported_pico(made: Requests, day: date) -> list[int]:
    """What the gateway writes as each attempt's spend.

    0 where it knows no price; an old price until it learns the new one; and some cached tokens twice.
    """
    priced_on = REPRICED_ON - timedelta(days=1) if REPRICED_ON <= day < GATEWAY_KNEW_ON else day
    twice = twice_cached_pico(made, day)
    return [(pico or 0) + again for pico, again in zip(cost_pico(made, priced_on), twice, strict=True)]


def twice_cached_pico(made: Requests, day: date) -> list[int]:
    """What the gateway adds for cached tokens that it counts again as input."""
    price = PRICES[TWICE_CACHED].input if day in TWICE_CACHED_DAYS else 0
    return [price * int(made.read[n]) if model == TWICE_CACHED else 0 for n, model in enumerate(made.model)]


def usd(pico: int) -> str:
    """Pico-dollars as an exact decimal number."""
    text = f"{pico // 10**12}.{pico % 10**12:012d}".rstrip("0")
    return text + "0" if text.endswith(".") else text
