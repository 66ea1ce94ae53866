"""Daily requests, attempts and tokens of keys, and what they cost, with price changes and retry storms planted: made, the same each time.

A key has a size, a weekday habit, noise in its use from day to day, and models it is answered by: their mix drifts, by 10 % (one standard
deviation) over the 150 days, and moves by 2 % from day to day, so that cost per request is never quite still. Sizes of the
events are those of the labelled costs: a price rises by 10 to 60 %, a storm multiplies attempts by 1.5 to 3.5 for one to three days.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from meterbook.pipelines.bench_scoring import FIRST_DAY, Event

KEYS, DAYS, SEED = 300, 150, 20261018
PRICE, RETRY = "price", "retry"
_SHARE_OF_KEYS = {PRICE: 0.3, RETRY: 0.3}
_LAST_START = DAYS - 15
_DRIFT, _MOVE = 0.10, 0.02
_WEEK, _WORKDAYS = 7, 5
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Made:
    """Series x days, and what was planted.

    Args:
        requests: operations asked for.
        attempts: calls made for them.
        tokens: of all attempts.
        cost: dollars.
        events: price changes and retry storms, with dollars of their worst day.
    """

    requests: Floats
    attempts: Floats
    tokens: Floats
    cost: Floats
    events: tuple[Event, ...]


def make(keys: int = KEYS, seed: int = SEED) -> Made:
    """The set, by its seed."""
    random = np.random.default_rng(seed)
    prices, storms, events = _planted(random, keys)
    requests = _requests(random, keys)
    # Each request fails once with a small chance, so attempts are binomial above requests.
    failing = random.uniform(0.01, 0.08, (keys, 1))
    attempts = (requests + random.binomial(requests.astype(np.int64), failing)) * storms
    per_attempt = np.exp(random.uniform(np.log(400), np.log(8000), (keys, 1)) + random.normal(0, 0.03, (keys, DAYS)))
    tokens = attempts * per_attempt
    usd_per_token = np.exp(random.uniform(np.log(1e-6), np.log(1e-5), (keys, 1))) * _mix(random, keys)
    usual = tokens * usd_per_token
    cost = usual * prices
    excess = cost - requests / np.maximum(attempts, 1) * cost * (1 + failing)
    return Made(requests, attempts, tokens, cost, tuple(_priced(one, cost - usual, excess) for one in events))


def _requests(random: np.random.Generator, keys: int) -> Floats:
    """Requests of a day: habit of the week, noise that stays for some days, noise of the day."""
    size = np.exp(random.uniform(np.log(1_000), np.log(50_000), (keys, 1)))
    weekend = random.uniform(0.15, 1.1, (keys, 1))
    habit = np.where(np.arange(DAYS) % _WEEK >= _WORKDAYS, weekend, 1.0)
    slow = np.zeros((keys, DAYS))
    for day in range(1, DAYS):
        slow[:, day] = 0.8 * slow[:, day - 1] + random.normal(0, 0.06, keys)
    return np.round(size * habit * np.exp(slow + random.normal(0, 0.1, (keys, DAYS))))


def _mix(random: np.random.Generator, keys: int) -> Floats:
    """Price of a token as the mix of models drifts, a random walk, and moves from day to day."""
    walk = np.cumsum(random.normal(0, _DRIFT / np.sqrt(DAYS), (keys, DAYS)), axis=1)
    return np.exp(walk + random.normal(0, _MOVE, (keys, DAYS)))


def _planted(random: np.random.Generator, keys: int) -> tuple[Floats, Floats, list[Event]]:
    """Factors of price and of attempts, and the events; a key has at most one."""
    prices, storms, events = np.ones((keys, DAYS)), np.ones((keys, DAYS)), []
    many = {kind: int(share * keys) for kind, share in _SHARE_OF_KEYS.items()}
    rows = random.permutation(keys)
    for row in rows[: many[PRICE]]:
        first = int(random.integers(FIRST_DAY + 7, _LAST_START))
        prices[row, first:] = 1 + random.uniform(0.1, 0.6)
        events.append(Event(int(row), PRICE, first, DAYS - 1, is_persistent=True, peak_usd=0.0))
    for row in rows[many[PRICE] : many[PRICE] + many[RETRY]]:
        first, length = int(random.integers(FIRST_DAY + 7, _LAST_START)), int(random.integers(1, 4))
        storms[row, first : first + length] = random.uniform(1.5, 3.5)
        events.append(Event(int(row), RETRY, first, first + length - 1, is_persistent=False, peak_usd=0.0))
    return prices, storms, events


def _priced(event: Event, by_price: Floats, by_retries: Floats) -> Event:
    """The event with the dollars of its worst day."""
    excess = by_price if event.kind == PRICE else by_retries
    peak = float(excess[event.row, event.first : event.last + 1].max())
    return Event(event.row, event.kind, event.first, event.last, event.is_persistent, peak)
