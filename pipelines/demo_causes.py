"""What October's changes in the sample company come to: the causes that an explanation must name, and the levers in its calls."""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from meterbook.pipelines import demo_incidents as incidents
from meterbook.pipelines import demo_plants as plants
from meterbook.pipelines import demo_requests as calls
from meterbook.pipelines.demo_company import FEATURES, LAST, REPRICED, REPRICED_ON
from meterbook.pipelines.demo_requests import Requests, usd

Parts = Mapping[str, Counter[str]]
_NUMBERS = {feature.name: number for number, feature in enumerate(FEATURES)}


def rows_of(made: Requests, day: date) -> dict[str, list[int]]:
    """The attempts that each change touches, and those in which each lever lies."""
    of = {name: made.feature == number for name, number in _NUMBERS.items()}
    grown = of[plants.GROWN] & (day >= plants.GROWN_FROM)
    uncached = of[plants.UNCACHED] & (plants.UNCACHED_FROM <= day < plants.UNCACHED_TO)
    found = {
        "prompt_growth": grown,
        "cache_fall": uncached,
        "repeated_prompts": made.asked != made.operation,
        "cut_answers": made.is_cut,
        "model_swap": np.array([bool(one) for one in made.wanted], dtype=bool),
        "truncation": made.is_cut & of[incidents.CUT] & (day == incidents.CUT_DAY),
        "rush": of[incidents.RUSHED] & (day == incidents.RUSH_DAY) & (made.millisecond // 3_600_000 == incidents.RUSH_HOUR),
        "deferrable": of[plants.DEFERRABLE] & ~made.unowned,
        "repeated_instructions": of[plants.INSTRUCTED],
    }
    arms = {
        f"{plants.EXPERIMENT}:{arm}": [n for n, one in enumerate(made.arm) if one.endswith(f":{arm}")] for arm in ("control", "candidate")
    }
    return {name: np.flatnonzero(rows).tolist() for name, rows in found.items()} | arms


def ramp_pico(cost_pico: int, day: date) -> int:
    """What of a day's cost of the feature whose use climbs is due to the climb, rounded down: its share of the calls that were drawn."""
    factor = 1 + Fraction(str(calls.RAMP_FACTOR - 1)) * ((day - calls.RAMP_FROM).days + 1) / 31
    return int(cost_pico * (factor - 1) / factor)


def plants_of(parts: Parts, extra: Counter[str], arms: Parts) -> dict[str, Any]:
    """The changes and levers as truth.json has them.

    Args:
        parts: requests and cost in pico-dollars by name of what was planted.
        extra: what each change came to, in pico-dollars, by feature.
        arms: units and successes by experiment and arm.
    """
    names = [f"{plants.EXPERIMENT}:{arm}" for arm in ("control", "candidate")]
    return {
        "prompt_growth": {
            "feature": plants.GROWN,
            "from": str(plants.GROWN_FROM),
            "percent": plants.GROWN_PERCENT,
            **_figures(parts["prompt_growth"]),
            "extra_cost_usd": signed_usd(extra[plants.GROWN]),
        },
        "experiment": {
            "experiment": plants.EXPERIMENT,
            "feature": plants.TRIED,
            "from": str(plants.TRIED_FROM),
            "models": {"control": plants.REPLACED, "candidate": plants.CANDIDATE},
            "arms": {name.partition(":")[2]: {**_figures(parts[name]), **arms.get(name, {})} for name in names},
            "extra_cost_usd": signed_usd(extra[plants.TRIED]),
        },
        "cache_fall": {
            "feature": plants.UNCACHED,
            "from": str(plants.UNCACHED_FROM),
            "to": str(plants.UNCACHED_TO),
            **_figures(parts["cache_fall"]),
            "extra_cost_usd": signed_usd(extra[plants.UNCACHED]),
        },
        "model_swap": {
            "feature": incidents.SWAPPED,
            "days": [str(day) for day in incidents.SWAPPED_DAYS],
            "asked_for": incidents.ASKED_FOR,
            "answered_by": incidents.ANSWERED_BY,
            **_figures(parts["model_swap"]),
            "extra_cost_usd": signed_usd(extra[incidents.SWAPPED]),
        },
        "truncation": {
            "feature": incidents.CUT,
            "day": str(incidents.CUT_DAY),
            "cap": incidents.CUT_CAP,
            **_figures(parts["truncation"]),
            "extra_cost_usd": signed_usd(extra[incidents.CUT]),
        },
        "rush": {
            "feature": incidents.RUSHED,
            "day": str(incidents.RUSH_DAY),
            "hour": incidents.RUSH_HOUR,
            **_figures(parts["rush"]),
        },
        "repeated_prompts": {"feature": plants.REPEATING, "within_ms": plants.WITHIN_MS, **_figures(parts["repeated_prompts"])},
        "cut_answers": {"caps": plants.CAPS, **_figures(parts["cut_answers"])},
        "deferrable": {"feature": plants.DEFERRABLE, **_figures(parts["deferrable"])},
        "repeated_instructions": {"feature": plants.INSTRUCTED, **_figures(parts["repeated_instructions"])},
    }


def causes_of(parts: Parts, extra: Counter[str], ramp: int) -> list[dict[str, Any]]:
    """Why October cost other than September, the largest first: what each plant alone added, with all others in place.

    Args:
        parts: as for `plants_of`.
        extra: as for `plants_of`.
        ramp: what the climbing use came to, in pico-dollars.
    """
    storm = FEATURES[calls.STORM_FEATURE].name
    found = [
        ("a longer system prompt", "tokens in", {"feature": plants.GROWN}, plants.GROWN_FROM, LAST, extra[plants.GROWN]),
        ("calls moved to another model", "routing", {"feature": plants.TRIED}, plants.TRIED_FROM, LAST, extra[plants.TRIED]),
        ("a cold provider cache", "cache", {"feature": plants.UNCACHED}, plants.UNCACHED_FROM, plants.UNCACHED_TO, extra[plants.UNCACHED]),
        ("a price that rose", "price", {"model": REPRICED}, REPRICED_ON, LAST, parts["repriced"]["extra_pico"]),
        ("a feature used more", "volume", {"feature": calls.RAMP_FEATURE}, calls.RAMP_FROM, LAST, ramp),
        ("a backfill", "volume", {"tenant": calls.SPIKE_TENANT}, calls.SPIKE_DAY, calls.SPIKE_DAY, parts["spike"]["cost_pico"]),
        (
            "a loop of tool calls",
            "volume",
            {"tenant": calls.LOOP_TENANT},
            calls.LOOP_DAY,
            calls.LOOP_DAY,
            parts["tool_call_loop"]["cost_pico"],
        ),
        ("a storm of retries", "retries", {"feature": storm}, calls.STORM_DAY, calls.STORM_DAY, parts["retry_storm"]["cost_pico"]),
    ]
    return [
        {"cause": cause, "effect": effect, **where, "from": str(first), "to": str(last), "usd": signed_usd(pico)}
        for cause, effect, where, first, last, pico in sorted(found, key=lambda one: (-abs(one[-1]), one[0]))
        if pico
    ]


def signed_usd(pico: int) -> str:
    """Pico-dollars, below zero too, as an exact decimal number."""
    return f"{Decimal(usd(abs(pico))) * (1 if pico >= 0 else -1):f}"


def _figures(found: Counter[str]) -> dict[str, Any]:
    return {"requests": found["requests"], "cost_usd": usd(found["cost_pico"])}
