"""The sample company's requests: a quiet company with a rhythm, and what was planted into it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from meterbook.pipelines.demo_company import (
    FEATURES,
    FIRST,
    MILLION_PICO,
    SEED,
    TENANTS,
    UNOWNED_KEY,
    UNPRICED_FROM,
    UNPRICED_MODEL,
    Feature,
    Price,
    price_on,
)

SPIKE_DAY, SPIKE_TENANT, SPIKE_REQUESTS = date(2026, 10, 21), "harbor", 1_400
STORM_DAY, STORM_ATTEMPTS = date(2026, 10, 22), 3
LOOP_DAY, LOOP_TENANT, LOOP_CALLS = date(2026, 10, 23), "dune", 420
RAMP_FEATURE, RAMP_FROM, RAMP_FACTOR = "email-drafts", date(2026, 10, 1), 2.6
Ints = NDArray[np.int64]


@dataclass
class Requests:
    """Request attempts as columns; feature, model and tenant are indices into the names beside them."""

    feature: Ints
    model: list[str]
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

    def __len__(self) -> int:
        """Attempts."""
        return len(self.model)


def requests_of(day: date) -> Requests:
    """Every request attempt of a day, in the order in which they started."""
    rng = np.random.default_rng([SEED, day.toordinal()])
    parts = [_feature(rng, day, number, feature) for number, feature in enumerate(FEATURES)]
    if day == SPIKE_DAY:
        parts.append(_batch(rng, 3, SPIKE_REQUESTS, tenant=TENANTS.index(SPIKE_TENANT), model="gpt-5", scale=1.2))
    if day == LOOP_DAY:
        parts.append(_loop(rng))
    if day >= UNPRICED_FROM:
        parts.append(_batch(rng, 2, 60, model=UNPRICED_MODEL, scale=0.5))
    return _join(parts)


def _feature(rng: np.random.Generator, day: date, number: int, feature: Feature) -> Requests:
    growth = 1 + 0.0015 * (day - FIRST).days
    if feature.name == RAMP_FEATURE and day >= RAMP_FROM:
        growth *= 1 + (RAMP_FACTOR - 1) * ((day - RAMP_FROM).days + 1) / 31
    weekend = feature.weekend if day.weekday() >= 5 else 1.0
    count = int(rng.poisson(feature.daily * weekend * growth * float(np.exp(rng.normal(0, 0.03)))))
    names, shares = zip(*feature.models, strict=True)
    chosen = rng.choice(len(names), count, p=shares)
    made = _batch(rng, number, count, models=[names[n] for n in chosen])
    made.cache_hit = (rng.random(count) < 0.02) & (number in {0, 1})
    retried = np.flatnonzero(rng.random(count) < 0.015)
    storm = np.flatnonzero(rng.random(count) < 0.75) if day == STORM_DAY and number == 0 else np.array([], dtype=np.int64)
    tries = [_again(made, retried, 1), *(_again(made, storm, n + 2) for n in range(STORM_ATTEMPTS if len(storm) else 0))]
    return _join([made, *tries])


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
    return Requests(
        feature=np.full(count, number),
        model=list(names),
        tenant=np.full(count, tenant) if tenant is not None else rng.choice(len(TENANTS), count, p=weights / weights.sum()),
        millisecond=hour * 3_600_000 + rng.integers(0, 3_600_000, count),
        latency=(300 + output * 6 + rng.integers(0, 900, count)).astype(np.int64),
        prompt=prompt,
        read=read,
        written=written,
        output=output,
        reasoning=np.where(reasons, (output * 0.4).astype(np.int64), 0),
        operation=rng.integers(0, 2**62, count),
        status=["failure" if failed else "success" for failed in rng.random(count) < 0.004],
        cache_hit=np.zeros(count, dtype=bool),
        staging=rng.random(count) < 0.04,
        unowned=rng.random(count) < 0.012,
        session=[""] * count,
    )


def _again(made: Requests, chosen: Ints, attempt: int) -> Requests:
    """Earlier attempts of some operations: each timed out after its prompt was processed, and is billed."""
    picked = _take(made, chosen)
    picked.millisecond = np.maximum(picked.millisecond - 2_000 * attempt, 10 - attempt)
    picked.output = np.minimum(picked.output, 20)
    picked.reasoning = np.zeros(len(chosen), dtype=np.int64)
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
    made.millisecond = 9 * 3_600_000 + 20_000 * step
    made.staging = np.zeros(LOOP_CALLS, dtype=bool)
    made.unowned = np.zeros(LOOP_CALLS, dtype=bool)
    made.session = ["sess-loop-dune"] * LOOP_CALLS
    return made


def _hours() -> NDArray[np.float64]:
    hour = np.arange(24)
    shape = 0.15 + np.exp(-((hour - 10.5) ** 2) / 8) + 0.9 * np.exp(-((hour - 15) ** 2) / 8)
    return np.asarray(shape / shape.sum())


def _take(made: Requests, chosen: Ints) -> Requests:
    picked = {
        one.name: [value[n] for n in chosen] if isinstance(value := getattr(made, one.name), list) else value[chosen].copy()
        for one in fields(Requests)
    }
    return Requests(**picked)


def _join(parts: Sequence[Requests]) -> Requests:
    joined = {}
    for one in fields(Requests):
        values = [getattr(part, one.name) for part in parts]
        joined[one.name] = [item for value in values for item in value] if isinstance(values[0], list) else np.concatenate(values)
    made = Requests(**joined)
    return _take(made, np.lexsort((made.operation, made.millisecond)))


def cost_pico(made: Requests, day: date) -> list[int | None]:
    """What each attempt costs, in pico-dollars; None where nobody has a price."""
    prices = [price_on(model, day) for model in made.model]
    tokens = zip(
        made.prompt.tolist(), made.read.tolist(), made.written.tolist(), made.output.tolist(), made.cache_hit.tolist(), strict=True
    )
    return [_cost(price, *counts) for price, counts in zip(prices, tokens, strict=True)]


def _cost(price: Price | None, prompt: int, read: int, written: int, output: int, hit: bool) -> int | None:  # noqa: FBT001 -- one row's columns
    if price is None or hit:
        return 0 if hit else None
    meters = ((price.input, prompt - read - written), (price.cache_read, read), (price.cache_write, written), (price.output, output))
    return sum(_pico(rate, tokens) for rate, tokens in meters)


def _pico(per_million: float, tokens: int) -> int:
    return round(per_million * MILLION_PICO) * tokens


def lines_of(made: Requests, day: date) -> list[bytes]:
    """The attempts as LiteLLM writes them, one JSON line each."""
    midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 -- LiteLLM writes UTC without a zone
    return [_line(made, n, pico, day, midnight) for n, pico in enumerate(cost_pico(made, day))]


def _line(made: Requests, n: int, pico: int | None, day: date, midnight: datetime) -> bytes:
    feature, model = FEATURES[made.feature[n]], made.model[n]
    first, last = int(made.millisecond[n]), int(made.millisecond[n] + made.latency[n])
    start, end = ((midnight + timedelta(milliseconds=at)).isoformat(timespec="milliseconds") for at in (first, last))
    environment = "staging" if made.staging[n] else "prod"
    alias = UNOWNED_KEY if made.unowned[n] else f"{feature.name}-{environment}"
    tags = "" if made.unowned[n] else f'"feature:{feature.name}"'
    price = price_on(model, day)
    provider = price.provider if price else "acme"
    prompt, output, read, written = int(made.prompt[n]), int(made.output[n]), int(made.read[n]), int(made.written[n])
    call = f"{int(made.operation[n]):016x}"
    request = f"{call}-{int(made.millisecond[n])}" + ("_cache_hit" if made.cache_hit[n] else "")
    return (
        f'{{"request_id":"{request}","litellm_call_id":"{call}","call_type":"acompletion","api_key":"{_key(alias)}","spend":{usd(pico or 0)},'
        f'"total_tokens":{prompt + output},"prompt_tokens":{prompt},"completion_tokens":{output},"startTime":"{start}",'
        f'"endTime":"{end}","completionStartTime":null,"model":"{model}","model_group":"{model}",'
        f'"custom_llm_provider":"{provider}","user":"","metadata":{{"user_api_key_alias":"{alias}","user_api_key_project_id":"{feature.project}",'
        f'"usage_object":{{"prompt_tokens_details":{{"cached_tokens":{read}}},"completion_tokens_details":{{"reasoning_tokens":{int(made.reasoning[n])}}},'
        f'"cache_creation_input_tokens":{written}}}}},"cache_hit":"{bool(made.cache_hit[n])}","request_tags":[{tags}],'
        f'"end_user":"{TENANTS[made.tenant[n]]}","session_id":"{made.session[n] or call}","status":"{made.status[n]}"}}'
    ).encode()


def usd(pico: int) -> str:
    """Pico-dollars as an exact decimal number."""
    text = f"{pico // 10**12}.{pico % 10**12:012d}".rstrip("0")
    return text + "0" if text.endswith(".") else text


def _key(alias: str) -> str:
    return hashlib.sha256(alias.encode()).hexdigest()
