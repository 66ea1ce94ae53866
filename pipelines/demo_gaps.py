"""Why the sample company's bills differ from its logs: what was planted, cause by cause, and what each comes to.

Every plant lies alone on its day, model and project, so that the amount of its cause there is known to the picodollar.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from meterbook.pipelines.demo_company import FEATURES, PRICES, price_on
from meterbook.pipelines.demo_requests import Requests, buckets_of, cost_pico, reported_pico, twice_cached_pico, usd

BILLED, REPORTED = "billed - computed", "reported - computed"
Key = tuple[str, str]
Sums = dict[Key, list[int]]
"""(project, model) -> requests, uncached input, cache read, cache written, output."""
Usage = dict[date, dict[str, Sums]]

SHADOW_PROJECT, SHADOW_DAYS = "proj_shadow", (date(2026, 10, 8), date(2026, 10, 9), date(2026, 10, 10))
SHADOW_MODEL, SHADOW_REQUESTS, SHADOW_INPUT, SHADOW_OUTPUT = "gpt-5-mini", 4_000, 90_000_000, 5_000_000
"""A project that went past the gateway: requests and tokens of each of its days."""
DEARER_DAY, DEARER, DEARER_PICO = date(2026, 10, 7), ("proj_documents", "gpt-4.1"), 400_000
"""A day's output that is billed at 8.40 USD per million, where the card has 8.00."""
UNCACHED_DAY, UNCACHED = date(2026, 10, 13), ("proj_documents", "gpt-4.1")
"""A day's cached input that is billed as fresh input."""
MISSING_DAY, MISSING = date(2026, 10, 17), ("wrkspc_sales", "claude-sonnet-4-5")
"""A day that its provider neither counted nor billed."""
BATCH_DAY, BATCH = date(2026, 10, 20), ("proj_research", "gpt-5")
"""A day that ran as a batch, which the gateway did not know."""
FORGIVEN_DAY, FORGIVEN = date(2026, 10, 22), ("proj_support", "gpt-5")
"""The day of the retry storm, whose failed attempts OpenAI did not bill."""
ECHO_DAY, ECHO, ECHOES = date(2026, 10, 23), ("proj_support", "claude-haiku-4-5"), 25
"""Calls whose records the gateway wrote twice, and that were billed twice."""
LAG_DAY, LAG_PROVIDER, LAG_FROM_HOUR = date(2026, 10, 15), "openai", 22
"""OpenAI counts what happened in the last two hours of this day on the next one."""


@dataclass(frozen=True)
class Gap:
    """What one cause comes to, in a place where it is alone."""

    comparison: str
    cause: str
    day: date
    provider: str
    key: str
    model: str
    usd: Decimal
    tokens: int | None = None

    @property
    def told(self) -> dict[str, Any]:
        """As truth.json has it."""
        return {**self.__dict__, "day": str(self.day), "usd": f"{self.usd:f}"}


def rows_of_providers(made: Requests, rows: Sequence[int] | None = None) -> Iterator[tuple[int, str, Key]]:
    """Rows that a provider counts, of some or of all, each with the provider, and the project and model it counts it under.

    What the gateway answered from its own cache, and what a provider refused, was never counted by one.
    """
    for n in np.flatnonzero(~made.cache_hit & (made.prompt > 0)).tolist() if rows is None else rows:
        if price := PRICES.get(made.model[n]):
            yield n, price.provider, (FEATURES[made.feature[n]].project, made.model[n])


def lagging(made: Requests, day: date) -> list[int]:
    """Rows that their provider counts on the next day."""
    if day != LAG_DAY:
        return []
    late = made.millisecond >= LAG_FROM_HOUR * 3_600_000
    return [n for n, provider, _ in rows_of_providers(made) if late[n] and provider == LAG_PROVIDER]


def forgiven(made: Requests, day: date) -> list[int]:
    """Rows that failed and are not billed."""
    if day != FORGIVEN_DAY:
        return []
    return [n for n, _, key in rows_of_providers(made) if key == FORGIVEN and made.status[n] == "failure"]


def echoed(made: Requests, day: date) -> list[int]:
    """Rows whose records were written twice, and that are billed twice."""
    if day != ECHO_DAY:
        return []
    return [n for n, _, key in rows_of_providers(made) if key == ECHO and made.status[n] == "success"][:ECHOES]


def tier_of(day: date, key: Key) -> str:
    """The tier that a bill names."""
    return "batch" if (day, key) == (BATCH_DAY, BATCH) else "standard"


def prices_of(day: date, key: Key) -> tuple[int, int, int, int]:
    """What a bill charges for a token of each meter, in pico-dollars."""
    price = price_on(key[1], day, tier_of(day, key)) or PRICES[key[1]]
    fresh, read, written, output = price.meters
    return fresh, read, written, output + (DEARER_PICO if (day, key) == (DEARER_DAY, DEARER) else 0)


def add_shadow(usage: Usage, wanted: Sequence[date]) -> None:
    """Add what went past the gateway."""
    for day in sorted(set(wanted) & set(SHADOW_DAYS)):
        sums = usage.setdefault(day, {}).setdefault("openai", {})
        sums[SHADOW_PROJECT, SHADOW_MODEL] = [SHADOW_REQUESTS, SHADOW_INPUT, 0, 0, SHADOW_OUTPUT]


def gaps_of_calls(made: Requests, day: date) -> Iterator[Gap]:
    """What the plants among a day's calls come to."""
    costs = [pico or 0 for pico in cost_pico(made, day)]
    tokens = buckets_of(made).sum(axis=1).tolist()
    if rows := [n for n, tier in enumerate(made.tier) if tier == "priority"]:
        price = price_on("gpt-5", day) or PRICES["gpt-5"]
        standard = sum(int(count) * rate for n in rows for count, rate in zip(buckets_of(made)[n], price.meters, strict=True))
        yield _gap("tier", day, ("proj_documents", "gpt-5"), standard - sum(costs[n] for n in rows), sum(tokens[n] for n in rows))
    for cause, rows, key, sign in (
        ("failed calls", forgiven(made, day), FORGIVEN, -1),
        ("duplicates", echoed(made, day), ECHO, 1),
    ):
        if rows:
            yield _gap(cause, day, key, sign * sum(costs[n] for n in rows), sign * sum(tokens[n] for n in rows))
    late: dict[Key, list[int]] = {}
    for n, _, key in rows_of_providers(made, lagging(made, day)):
        late.setdefault(key, []).append(n)
    for key, rows in sorted(late.items()):
        for sign, counted_on in ((-1, day), (1, day + timedelta(days=1))):
            yield _gap("time zone", counted_on, key, sign * sum(costs[n] for n in rows), sign * sum(tokens[n] for n in rows))
    yield from _reported(made, day, costs)


def _reported(made: Requests, day: date, costs: Sequence[int]) -> Iterator[Gap]:
    """Where the gateway's figure is another one: an old price, or cached tokens counted twice."""
    twice, said = twice_cached_pico(made, day), reported_pico(made, day)
    found: dict[tuple[str, Key], int] = {}
    for n, pico in enumerate(said):
        key = (FEATURES[made.feature[n]].project, made.model[n])
        for cause, gap in (("cache convention", twice[n]), ("price drift", pico - twice[n] - costs[n])):
            found[cause, key] = found.get((cause, key), 0) + gap
    for (cause, key), gap in sorted(found.items()):
        if gap:
            yield _gap(cause, day, key, gap, None, comparison=REPORTED)


def settle(usage: Usage) -> Iterator[Gap]:
    """Change what providers counted into what they bill, where that was planted; yields what it comes to.

    Args:
        usage: of all days, as the calls add up; changed in place.
    """
    for day, provider, key in (
        (MISSING_DAY, "anthropic", MISSING),
        (UNCACHED_DAY, "openai", UNCACHED),
        (BATCH_DAY, "openai", BATCH),
        (DEARER_DAY, "openai", DEARER),
    ):
        sums = usage.get(day, {}).get(provider, {})
        if key not in sums:
            continue
        requests, fresh, read, written, output = sums[key]
        price = price_on(key[1], day) or PRICES[key[1]]
        if key == MISSING:
            yield _gap("logged, not billed", day, key, -_pico(price.meters, sums.pop(key)), -(fresh + read + written + output))
        elif day == UNCACHED_DAY:
            sums[key] = [requests, fresh + read, 0, written, output]
            yield _gap("cache convention", day, key, read * (price.input - price.cache_read), read)
        else:
            cause, moved = ("batch", fresh + read + written + output) if key == BATCH else ("price drift", None)
            yield _gap(cause, day, key, _pico(prices_of(day, key), sums[key]) - _pico(price.meters, sums[key]), moved)
    for day in sorted(set(usage) & set(SHADOW_DAYS)):
        if (SHADOW_PROJECT, SHADOW_MODEL) in (sums := usage[day].get("openai", {})):
            key = (SHADOW_PROJECT, SHADOW_MODEL)
            yield _gap("not logged", day, key, _pico(PRICES[SHADOW_MODEL].meters, sums[key]), SHADOW_INPUT + SHADOW_OUTPUT)


def _pico(rates: Sequence[int], sums: Sequence[int]) -> int:
    return sum(rate * tokens for rate, tokens in zip(rates, sums[1:], strict=True))


def _gap(cause: str, day: date, key: Key, pico: int, tokens: int | None, *, comparison: str = BILLED) -> Gap:
    amount = Decimal(usd(abs(pico))) * (1 if pico >= 0 else -1)
    return Gap(comparison, cause, day, PRICES[key[1]].provider, key[0], key[1], amount, tokens)
