"""What changed in how the sample company's features call their models, and how they call them: levers to be found, and causes to be told.

Each is a change of calls that are made anyway, from random numbers of its own, so that a call without it stays as it is. Those that change
what October costs touch different features: what each of them comes to does not depend on the others.
"""

from collections import Counter
from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from meterbook.pipelines.demo_company import FEATURES, SEED
from meterbook.pipelines.demo_incidents import CUT, SWAPPED, cap_on, rush, swap, swapped_rows
from meterbook.pipelines.demo_requests import Ints, Requests, calls_of, cost_pico, of_rows

GROWN, GROWN_FROM, GROWN_PERCENT, LONGEST_PROMPT = "support-assistant", date(2026, 10, 2), 30, 199_000
"""The feature whose system prompt grew, from when on, by how much of what was sent, and the most tokens that a prompt of it has."""
EXPERIMENT, TRIED, TRIED_FROM = "invoice-model", "invoice-extraction", date(2026, 10, 6)
"""An experiment with another model: its name, the feature and its first day."""
REPLACED, CANDIDATE, TENTHS = "gpt-4.1", "gpt-5-mini", 4
"""The model of the control arm, that of the other one, and how many tenths of its calls each arm takes."""
UNCACHED, UNCACHED_FROM, UNCACHED_TO, STILL_READ_PERCENT = "coding-agent", date(2026, 10, 14), date(2026, 10, 21), 45
"""The feature whose provider cache went cold, its days, and how much of what was read from the cache before still is."""
CAPS = {"contract-review": 20_000, "ticket-triage": 512, "lead-summaries": 4_000}
"""The most tokens of an answer that features ask for; a longer one is cut there."""
REPEATING, REPEATED, OF_ITS_TENANT, WITHIN_MS = "ticket-triage", 0.35, 0.7, 3_600_000
"""The feature whose prompts repeat, how many of its calls do, how many of these repeat one of their own tenant, and within which time."""
DEFERRABLE = "lead-summaries"
"""The feature whose answers are read the next day, as its calls say."""
INSTRUCTED = "email-drafts"
"""The feature that sends the same long instructions with each call."""
_NUMBERS = {feature.name: number for number, feature in enumerate(FEATURES)}


class Planted(NamedTuple):
    """A day's calls, and what each of October's changes made them cost more or, below zero, less."""

    made: Requests
    extra_pico: Counter[str]


def requests_of(day: date) -> Requests:
    """Every request attempt of a day, in the order in which they started."""
    return planted(day).made


def planted(day: date) -> Planted:
    """Every request attempt of a day, with what the changes come to."""
    made, extra = calls_of(day), Counter[str]()
    extra[CUT] = _cut(made, day)
    _repeat(made, day)
    extra[SWAPPED] = _changed(made, swapped_rows(made, day), swap, day)
    rush(made, day)
    for name, change, rows in (
        (GROWN, _grow, _of(made, GROWN) if day >= GROWN_FROM else []),
        (TRIED, _try, _candidates(made) if day >= TRIED_FROM else []),
        (UNCACHED, _forget, _of(made, UNCACHED) if UNCACHED_FROM <= day < UNCACHED_TO else []),
    ):
        extra[name] = _changed(made, rows, change, day) if len(rows) else 0
    return Planted(made, extra)


def _changed(made: Requests, rows: Any, change: Callable[[Requests, Any], None], day: date) -> int:  # noqa: ANN401 -- a list or an array
    before = cost_pico(of_rows(made, rows), day)
    change(made, rows)
    after = cost_pico(of_rows(made, rows), day)
    return sum(pico or 0 for pico in after) - sum(pico or 0 for pico in before)


def _of(made: Requests, feature: str) -> Ints:
    return np.flatnonzero(made.feature == _NUMBERS[feature])


def _grow(made: Requests, rows: Ints) -> None:
    """A longer system prompt: more is sent, and as much of it as before is read from the cache."""
    before = np.maximum(made.prompt[rows], 1)
    grown = np.maximum(np.minimum(made.prompt[rows] * (100 + GROWN_PERCENT) // 100, LONGEST_PROMPT), made.prompt[rows])
    made.read[rows], made.written[rows] = made.read[rows] * grown // before, made.written[rows] * grown // before
    made.prompt[rows] = grown


def _candidates(made: Requests) -> list[int]:
    """Name the arm of each call that is in the experiment; gives those of the candidate. Attempts of one call are in one arm."""
    asked = [n for n in _of(made, TRIED).tolist() if made.model[n] == REPLACED and not made.staging[n] and not made.unowned[n]]
    arms = ["candidate"] * TENTHS + ["control"] * TENTHS + [""] * (10 - 2 * TENTHS)
    for n in asked:
        arm = arms[int(made.operation[n]) % 10]
        made.arm[n] = f"{EXPERIMENT}:{arm}" if arm else ""
    return [n for n in asked if made.arm[n].endswith(":candidate")]


def _try(made: Requests, rows: list[int]) -> None:
    for n in rows:
        made.model[n] = CANDIDATE
    made.reasoning[rows] = made.output[rows] * 4 // 10


def _forget(made: Requests, rows: Ints) -> None:
    """A cache that is mostly missed: what is no longer read is sent anew, and a part of it written again."""
    made.read[rows] = made.read[rows] * STILL_READ_PERCENT // 100
    made.written[rows] = (made.prompt[rows] - made.read[rows]) * 35 // 100


def _cut(made: Requests, day: date) -> int:
    """Cut answers at their feature's cap; gives what a cap came to that was another one on this day."""
    extra = 0
    for feature, cap in CAPS.items():
        rows = _of(made, feature)
        _cap(made, rows, cap)
        if (lower := cap_on(feature, cap, day)) != cap:
            extra += _changed(made, rows, partial(_cap, cap=lower), day)
    return extra


def _cap(made: Requests, rows: Ints, cap: int) -> None:
    made.cap[rows] = cap
    made.is_cut[rows] |= made.output[rows] > cap
    made.output[rows] = np.minimum(made.output[rows], cap)
    made.reasoning[rows] = np.minimum(made.reasoning[rows], made.output[rows])


def _repeat(made: Requests, day: date) -> None:
    """Let some calls ask what was asked within the hour before, most of them by the same tenant; the same prompt has the same tokens."""
    rng = np.random.default_rng([SEED, 11, day.toordinal()])
    rows = [n for n in _of(made, REPEATING).tolist() if made.status[n] == "success"]
    often = Counter(made.operation[n] for n in _of(made, REPEATING).tolist())
    draws = rng.random((len(rows), 3)).tolist()
    start = 0
    for place, n in enumerate(rows):
        while made.millisecond[rows[start]] < made.millisecond[n] - WITHIN_MS:
            start += 1
        # The gateway answers from its own cache only what it was asked before; an attempt that failed asked the same as the next one.
        wanted, of_tenant, choice = draws[place]
        if often[made.operation[n]] > 1 or not (wanted < REPEATED or made.cache_hit[n]):
            continue
        before = [one for one in rows[start:place] if not (of_tenant < OF_ITS_TENANT) or made.tenant[one] == made.tenant[n]]
        if before:
            _copy(made, before[int(choice * len(before))], n)


def _copy(made: Requests, source: int, row: int) -> None:
    for column in (made.asked, made.prompt, made.output):
        column[row] = column[source]
    made.read[row] = min(made.read[row], made.prompt[row])
    made.is_cut[row] = made.is_cut[source]
