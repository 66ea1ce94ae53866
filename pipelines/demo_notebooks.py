"""The sample company's notebooks: two GPUs cut into MIG slices, as the text of DCGM's exporter, scrape by scrape.

Three teams have slices of three, two and one of a GPU's seven; nobody has the last. By day they work, by night research keeps its memory
and the others let go.
"""

import gzip
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from meterbook.pipelines.demo_company import SEED

POOL, MODEL = "notebooks", "NVIDIA A100-SXM4-80GB"
SINCE = date(2026, 10, 5)
"""The day on which they were opened."""
GPUS, SEVENTHS, SECONDS = 2, 7, 900
SLOTS = 86_400 // SECONDS
OPEN, CLOSED = 7, 20
"""Hours between which notebooks are open."""
MOVED_DAY, MOVED_GPU, MOVED_SLOT, MOVED_TO = date(2026, 10, 27), 0, 42, "documents"
"""In mid-hour, at half past ten, the smallest slice of a GPU goes to a pod of another team for the rest of the day."""
BOOTED_MJ, IDLE_WATTS, SLICE_WATTS = 900_000_000_000, 60, 45
"""Of an energy counter when they were opened; of a GPU without work; of one seventh at work."""
NOBODY = "unassigned"
_METRICS = (_ENGINE, _MEMORY, _ENERGY) = ("PROF_GR_ENGINE_ACTIVE gauge", "DEV_FB_USED gauge", "DEV_TOTAL_ENERGY_CONSUMPTION counter")


class Slice(NamedTuple):
    """One MIG slice of each GPU."""

    instance: int
    profile: str
    sevenths: int
    team: str
    mib: int
    is_kept: bool
    """Whether its pod and memory stay by night."""


SLICES = (
    Slice(1, "3g.40gb", 3, "research", 30_720, is_kept=True),
    Slice(5, "2g.20gb", 2, "documents", 12_288, is_kept=False),
    Slice(9, "1g.10gb", 1, "engineering", 6144, is_kept=False),
)


def write_day(folder: Path, day: date) -> tuple[str, int, Counter[str]]:
    """Write a day's file; of a day since they were opened.

    Returns:
        Its name in the inbox, the values in it, and the seconds of sevenths of a GPU by team and state; NOBODY where nobody has them.
    """
    work, seconds, lines = _work(day), Counter[str](), list[str]()
    held = (work.any(axis=2, keepdims=True) & _open()) | np.array([one.is_kept for one in SLICES])[None, :, None]
    energy = np.array([_counters(day)[gpu] + np.cumsum([0, *_spent_mj(work[gpu])[:-1]]) for gpu in range(GPUS)])
    for slot in range(SLOTS):
        at = _millisecond(day, slot)
        scraped: dict[str, list[str]] = {name: [f"# TYPE DCGM_FI_{name}"] for name in _METRICS}
        for gpu, place in np.ndindex(GPUS, len(SLICES)):
            one, works = SLICES[place], bool(work[gpu, place, slot])
            team = _team(day, gpu, place, slot) if held[gpu, place, slot] else NOBODY
            seconds[f"{team} {'used' if works else 'free_idle' if team == NOBODY else 'warm_idle'}"] += SECONDS * one.sevenths
            labels = _labels(gpu, one, team)
            activity = 35 + 5 * ((slot + place) % 8) if works else 0
            scraped[_ENGINE].append(f"DCGM_FI_PROF_GR_ENGINE_ACTIVE{{{labels}}} 0.{activity:02d}0000 {at}")
            scraped[_MEMORY].append(f"DCGM_FI_DEV_FB_USED{{{labels}}} {0 if team == NOBODY else one.mib} {at}")
        scraped[_ENERGY] += [f"DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{{{_labels(gpu)}}} {energy[gpu, slot]} {at}" for gpu in range(GPUS)]
        lines += [line for name in _METRICS for line in scraped[name]]
    seconds[f"{NOBODY} free_idle"] += GPUS * SLOTS * SECONDS * (SEVENTHS - sum(one.sevenths for one in SLICES))
    name = f"gpu/{POOL}/{day}.prom.gz"
    path = folder / "inbox" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode(), 3, mtime=0))
    return name, len(lines) - SLOTS * len(_METRICS), seconds


def _team(day: date, gpu: int, place: int, slot: int) -> str:
    moved = (day, gpu, place) == (MOVED_DAY, MOVED_GPU, len(SLICES) - 1) and slot >= MOVED_SLOT
    return MOVED_TO if moved else SLICES[place].team


def _labels(gpu: int, one: Slice | None = None, team: str = NOBODY) -> str:
    slice_of = f',GPU_I_PROFILE="{one.profile}",GPU_I_ID="{one.instance}"' if one else ""
    pod = f',namespace="{team}",pod="notebook-{team}-{gpu}",container="jupyter"' if team != NOBODY else ""
    return f'gpu="{gpu}",UUID="GPU-note-{gpu:02d}",modelName="{MODEL}",Hostname="notebooks-1"{slice_of}{pod}'


@cache
def _millisecond(day: date, slot: int) -> int:
    return int((datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=slot * SECONDS)).timestamp()) * 1000 + 120


def _open() -> NDArray[np.bool_]:
    hour = np.arange(SLOTS) * SECONDS // 3600
    return np.asarray((hour >= OPEN) & (hour < CLOSED))


@cache
def _work(day: date) -> NDArray[np.bool_]:
    """Whether each slice of each GPU works in each slot: by day, on weekends hardly."""
    rng = np.random.default_rng([SEED, 10, day.toordinal()])
    share = np.where(_open(), 0.1 if day.weekday() >= 5 else 0.6, 0.0)
    return np.asarray(rng.random((GPUS, len(SLICES), SLOTS)) < share)


def _spent_mj(work: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Millijoules that a GPU takes in each slot."""
    sevenths = np.array([one.sevenths for one in SLICES])
    return np.asarray((IDLE_WATTS + SLICE_WATTS * (work * sevenths[:, None]).sum(axis=0)) * SECONDS * 1000)


@cache
def _counters(day: date) -> tuple[int, ...]:
    """The energy counter of each GPU at the start of a day."""
    if day <= SINCE:
        return (BOOTED_MJ,) * GPUS
    before = day - timedelta(days=1)
    return tuple(counter + int(_spent_mj(work).sum()) for counter, work in zip(_counters(before), _work(before), strict=True))
