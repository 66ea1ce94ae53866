"""GPU samples of meterbook's own collector: JSON lines, one per device and sample, in NVML's terms.

`utilization_gpu` is NVML's percent of time with any kernel running, null (or `N/A`) where NVML has none (MIG): unknown, never idle.
`memory_used_bytes`, `total_energy_mj` (millijoule counter), `processes` (count of compute processes). Who held the device (team,
tenant, feature, job_id) is what the scheduler said, where it said anything. `interval_seconds` is the time between samples.
"""

from collections.abc import Sequence

import msgspec
import polars as pl

from meterbook.assets.ingest._records import Count, Records
from meterbook.assets.ingest.format import About, Format, Rule, has_keys, instant, missing, negative, not_an_instant

_NO_FIGURE = frozenset({"N/A", "[N/A]", "[Not Supported]"})
"""How NVIDIA's tools write a figure that a device does not have."""


class NvmlSample(msgspec.Struct):
    """One line."""

    sampled_at: str | None = None
    uuid: str | None = None
    name: str | None = None
    host: str | None = None
    pool: str | None = None
    interval_seconds: Count | None = None
    utilization_gpu: Count | str | None = None
    memory_used_bytes: Count | None = None
    total_energy_mj: Count | None = None
    processes: Count | None = None
    mig_mode: Count | None = None
    team: str | None = None
    tenant: str | None = None
    feature: str | None = None
    job_id: str | None = None


_TEXT, _COUNT = ("VARCHAR", pl.String()), ("BIGINT", pl.Int64())
_FIELDS = {
    "uuid": _TEXT,
    "name": _TEXT,
    "host": _TEXT,
    "pool": _TEXT,
    "interval_seconds": _COUNT,
    "utilization_gpu": _COUNT,
    "memory_used_bytes": _COUNT,
    "total_energy_mj": _COUNT,
    "processes": _COUNT,
    "mig_mode": _COUNT,
    "team": _TEXT,
    "tenant": _TEXT,
    "feature": _TEXT,
    "job_id": _TEXT,
}


def _columns(samples: Sequence[NvmlSample]) -> pl.DataFrame:
    values = {name: [getattr(sample, name) for sample in samples] for name in _FIELDS}
    values["utilization_gpu"] = [_percent(given) for given in values["utilization_gpu"]]
    columns = {name: pl.Series(values[name], dtype=dtype) for name, (_, dtype) in _FIELDS.items()}
    given = pl.Series([sample.sampled_at for sample in samples], dtype=pl.String())
    return (
        pl.DataFrame({"given": given, **columns})
        .with_columns(instant("given").alias("sampled_at"))
        .with_columns(pl.col("sampled_at").dt.epoch("s").alias("sampled_second"))
    )


def _percent(given: int | str | None) -> int | None:
    if given is None or given in _NO_FIGURE:
        return None
    if isinstance(given, str) and not given.isdecimal():
        raise ValueError(f"utilization_gpu {given!r} is not a percentage")
    return int(given)


_RULES: list[Rule] = [
    missing("uuid"),
    *not_an_instant("sampled_at", "given", "sampled_at"),
    (
        pl.col("interval_seconds").is_null() | ~pl.col("interval_seconds").is_between(1, 3600),
        pl.format("interval_seconds {} is not 1 to 3600", pl.col("interval_seconds").cast(pl.String).fill_null("(none)")),
    ),
    (
        ~pl.col("utilization_gpu").is_between(0, 100),
        pl.format("utilization_gpu {} is not 0 to 100", pl.col("utilization_gpu")),
    ),
    *negative("memory_used_bytes", "processes"),
]

FORMAT = Format(
    name="nvml_samples",
    description="GPU samples of the NVML collector: JSON lines",
    columns={"sampled_at": "TIMESTAMP", "sampled_second": "BIGINT", **{name: dtype for name, (dtype, _) in _FIELDS.items()}},
    day="sampled_at",
    recognises=has_keys("sampled_at", "uuid", "utilization_gpu"),
    read=Records(NvmlSample, rules=_RULES, columns=_columns).read,
    about=About(
        obtain="meterbook's own collector, or any sampler that writes these keys.",
        taken="Utilisation, memory, energy, processes, and who held the device.",
        key="device and instant; the busiest sample counts.",
        limits="NVML has no utilisation for MIG slices: null is unknown, never idle.",
    ),
    names=frozenset(NvmlSample.__struct_fields__),
)
