"""What people of the sample company know of its alarms: what was planned, what they looked at, and which trouble a watch must find.

A trouble names the scope that its card has to name, its days, and what else it plainly moves: cards of that are no false alarms.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from meterbook.assets.alarms import ACKS, Ack
from meterbook.assets.events import FILE
from meterbook.pipelines import demo_gpus as gpus
from meterbook.pipelines import demo_incidents as incidents
from meterbook.pipelines import demo_plants as plants
from meterbook.pipelines import demo_requests as calls
from meterbook.pipelines.demo_causes import signed_usd
from meterbook.pipelines.demo_company import FEATURES, LAST, REPRICED, REPRICED_ON
from meterbook.pipelines.demo_units import TEXT

Parts = Mapping[str, Counter[str]]
LAUNCH = "e-mail drafts for every account manager"
EVENTS = (
    "name,starts_on,ends_on,kind,team,tenant,feature,model,note\n"
    "# What was planned: told beside alarms of the same days, hides none. ends_on is the first day after; empty is the next day.\n"
    f"{LAUNCH},{calls.RAMP_FROM},2026-11-01,launch,,,{calls.RAMP_FEATURE},,account by account until the end of October\n"
    "Thanksgiving,2026-11-26,,holiday,,,,,\n"
)
LOOKED_AT = (
    (f"{calls.SPIKE_DAY} total all cost", "real", "2026-10-22", "dana", "a backfill that nobody had told us of; stopped"),
    (
        f"{calls.LOOP_DAY} team engineering cost",
        "real",
        "2026-10-26",
        "lee",
        "an agent called the same tool over and over; it has a limit now",
    ),
)
"""Cards by their id, what people made of them, when, who and why."""


def write_alarms(folder: Path) -> None:
    """Write the book's events.csv and anomaly_acks.csv."""
    (folder / FILE).write_text(EVENTS, "utf-8")
    lines = [",".join(Ack.model_fields), *(",".join(f'"{text}"' if "," in text else text for text in one) for one in LOOKED_AT)]
    (folder / ACKS).write_text("\n".join(lines) + "\n", "utf-8")


def alarms_of(parts: Parts, extra: Counter[str], ramp: int, wanted: Sequence[date]) -> list[dict[str, Any]]:
    """The planted trouble that stands out, by its first day: what a card of it names, and what else it moves.

    Args:
        parts: requests and cost in pico-dollars by name of what was planted.
        extra: what each change came to, in pico-dollars, by feature.
        ramp: what the climbing use came to, in pico-dollars.
        wanted: days of the sample.
    """
    storm = FEATURES[calls.STORM_FEATURE].name
    cold = (plants.UNCACHED_FROM, plants.UNCACHED_TO - timedelta(days=1))
    idle = (gpus.IDLE_FROM, gpus.IDLE_TO - timedelta(days=1))
    found = [
        ("slow_ramp", _feature(calls.RAMP_FEATURE), "cost", (calls.RAMP_FROM, LAST), ramp),
        ("prompt_growth", _feature(plants.GROWN), "tokens per request", (plants.GROWN_FROM, LAST), extra[plants.GROWN]),
        ("model_swap", _feature(incidents.SWAPPED), "swapped share", _ends(incidents.SWAPPED_DAYS), extra[incidents.SWAPPED]),
        ("price_change", {"model": REPRICED}, "price", (REPRICED_ON, REPRICED_ON), None),
        ("cache_fall", _feature(plants.UNCACHED), "cache read share", cold, extra[plants.UNCACHED]),
        ("idle_pool", {"gpu pool": gpus.IDLE_POOL}, "idle share", idle, None),
        ("spike", {"tenant": calls.SPIKE_TENANT}, "cost", _day(calls.SPIKE_DAY), parts["spike"]["cost_pico"]),
        ("retry_storm", _feature(storm), "attempts per operation", _day(calls.STORM_DAY), parts["retry_storm"]["cost_pico"]),
        (
            "tool_call_loop",
            {"tenant": calls.LOOP_TENANT},
            "requests per session",
            _day(calls.LOOP_DAY),
            parts["tool_call_loop"]["cost_pico"],
        ),
        ("truncation", _feature(incidents.CUT), "truncated share", _day(incidents.CUT_DAY), extra[incidents.CUT]),
        ("rush", _feature(incidents.RUSHED), "busiest hour", _day(incidents.RUSH_DAY), 0),
    ]
    return [
        {
            "alarm": name,
            **scope,
            "measure": measure,
            "from": str(first),
            "to": str(last),
            "usd": None if pico is None else signed_usd(pico),
            "moves": _units(scope.get("feature")),
        }
        for name, scope, measure, (first, last), pico in sorted(found, key=lambda one: (one[3], one[0]))
        if first in wanted
    ]


def _units(feature: str | None) -> list[str]:
    """Units of value that cost more, too, where a feature's calls do."""
    return [unit for one in FEATURES if one.name == feature for unit in (one.unit, *([TEXT] if one.team == "sales" else []))]


def _feature(name: str) -> dict[str, str]:
    return {"feature": name}


def _day(day: date) -> tuple[date, date]:
    return day, day


def _ends(days: Sequence[date]) -> tuple[date, date]:
    return days[0], days[-1]
