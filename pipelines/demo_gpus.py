"""The sample company's whole GPUs, sixteen in two pools, sampled every five minutes."""

from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import zstandard
from numpy.typing import NDArray

from meterbook.pipelines.demo_company import POOLS, SEED, SERVED_FEATURE
from meterbook.pipelines.demo_training import GPUS, SECONDS, SLOTS, grid_of

Ints = NDArray[np.int64]
Held = tuple[NDArray[np.bool_], NDArray[np.str_]]
"""Of each sample: whether work ran, and the team that held the GPU ('' where nobody)."""
IDLE_POOL, IDLE_FROM, IDLE_TO = "inference", date(2026, 10, 17), date(2026, 10, 26)
GAP_POOL, GAP_DAY, GAP_HOURS, GAP_GPUS = "training", date(2026, 9, 8), (10, 16), 4
WARM_BYTES, USED_BYTES = 30 * 2**30, 60 * 2**30


def write_day(folder: Path, day: date) -> dict[str, Counter[str]]:
    """Write both pools' samples of a day.

    Returns:
        Of each pool: samples, and how many of them found the GPU used, warm idle (memory held) and free idle.
    """
    found = {}
    for number, pool in enumerate(POOLS):
        frame = _samples(np.random.default_rng([SEED, 7, number, day.toordinal()]), pool, day)
        path = folder / "inbox" / name_of(pool, day)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(zstandard.ZstdCompressor(level=3).compress(frame.write_ndjson().encode()))
        used, held = frame["utilization_gpu"] > 0, frame["memory_used_bytes"] > 0
        found[pool] = Counter(
            samples=frame.height, used=int(used.sum()), warm_idle=int((held & ~used).sum()), free_idle=int((~held & ~used).sum())
        )
    return found


def name_of(pool: str, day: date) -> str:
    """A day's file of a pool, in the inbox."""
    return f"gpu/{pool}/{day}.jsonl.zst"


def _samples(rng: np.random.Generator, pool: str, day: date) -> pl.DataFrame:
    slot = np.tile(np.arange(SLOTS), GPUS)
    gpu = np.repeat(np.arange(GPUS), SLOTS)
    hour = slot * SECONDS // 3600
    if pool == "training":
        grid = grid_of(day)
        busy, team, more = grid.busy, grid.team, {"job_id": _named(grid.job), "total_energy_mj": grid.energy_mj}
    else:
        busy, team = _inference(rng, day, gpu, hour)
        more = {"feature": _named(np.where(team != "", SERVED_FEATURE, ""))}
    loaded = team != ""
    util = np.where(busy, np.clip(rng.normal(88 if pool == "training" else 55, 9, len(gpu)), 1, 100), 0).astype(np.int64)
    midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 -- written with a Z below
    stamps = [(midnight + timedelta(seconds=n * SECONDS)).strftime("%Y-%m-%dT%H:%M:%SZ") for n in range(SLOTS)]
    frame = pl.DataFrame(
        {
            "sampled_at": np.array(stamps)[slot],
            "interval_seconds": SECONDS,
            "host": np.array([f"{pool}-{n}" for n in (1, 2)])[gpu // 4],
            "pool": pool,
            "uuid": np.array([f"GPU-{pool[:4]}-{n:02d}" for n in range(GPUS)])[gpu],
            "name": POOLS[pool][2],
            "utilization_gpu": util,
            "memory_used_bytes": np.where(busy, USED_BYTES, np.where(loaded, WARM_BYTES, 0)),
            "processes": loaded.astype(np.int64),
            "team": _named(team),
            **more,
        }
    )
    if pool == GAP_POOL and day == GAP_DAY:
        silent = pl.Series((hour >= GAP_HOURS[0]) & (hour < GAP_HOURS[1]) & (gpu >= GPUS - GAP_GPUS))
        frame = frame.filter(~silent)
    return frame


def _named(values: NDArray[np.str_]) -> pl.Series:
    """Texts; nothing where they are empty."""
    return pl.Series(values).replace("", None)


def _inference(rng: np.random.Generator, day: date, gpu: Ints, hour: Ints) -> Held:
    """A model stays loaded day and night; it works by daylight, and on two GPUs not at all. For nine days nobody serves it."""
    share = np.clip(0.1 + np.exp(-((hour - 13) ** 2) / 30), 0, 1) * (0.5 if day.weekday() >= 5 else 1.0)
    served = (gpu < 6) & (not is_idle(day))
    return np.asarray((rng.random(len(gpu)) < share) & served), np.where(served, "support", "")


def is_idle(day: date) -> bool:
    """Whether the idle pool serves no model on a day."""
    return IDLE_FROM <= day < IDLE_TO
