"""GPU samples of meterbook's own collector (`meterbook gpu-sample`): JSON lines, one per device and sample, in NVML's terms.

`utilization_gpu` is NVML's percent of time with any kernel running, null (or `N/A`) where NVML has none (MIG): unknown, never idle.
`memory_used_bytes`, `total_energy_mj` (millijoule counter), `processes` (count of compute processes). Who held the device (team,
tenant, feature, job_id) is what the scheduler said, where it said anything. `interval_seconds` is the time between samples.

`record` is gpu, slice or process; a row without it is a device. A MIG slice names its GPU (`parent_uuid`), how many of the GPU's slices it
has (`slices`) and how many there are (`device_slices`). Rows of processes say again what their device says, and are counted as filtered.
"""

from collections.abc import Sequence

import msgspec
import polars as pl

from meterbook.assets.content import Content
from meterbook.assets.ingest._gpu import set_back
from meterbook.assets.ingest._records import Batch, Count, Numbered, Records
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.ingest.format import About, Format, Rule, has_keys, instant, missing, negative, not_an_instant
from meterbook.assets.sources import Reading

_NO_FIGURE = frozenset({"N/A", "[N/A]", "[Not Supported]"})
"""How NVIDIA's tools write a figure that a device does not have."""

_PROCESS = "process"
_RECORDS = ("gpu", "slice")
"""What a row that is kept says it is, where it says so."""


class NvmlSample(msgspec.Struct):
    """One line."""

    record: str | None = None
    sampled_at: str | None = None
    uuid: str | None = None
    parent_uuid: str | None = None
    gpu_instance_id: Count | None = None
    slices: Count | None = None
    device_slices: Count | None = None
    name: str | None = None
    host: str | None = None
    pool: str | None = None
    interval_seconds: Count | None = None
    utilization_gpu: Count | str | None = None
    memory_used_bytes: Count | None = None
    memory_total_bytes: Count | None = None
    power_mw: Count | None = None
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
    "parent_uuid": _TEXT,
    "gpu_instance_id": _COUNT,
    "slices": _COUNT,
    "device_slices": _COUNT,
    "name": _TEXT,
    "host": _TEXT,
    "pool": _TEXT,
    "interval_seconds": _COUNT,
    "utilization_gpu": _COUNT,
    "memory_used_bytes": _COUNT,
    "memory_total_bytes": _COUNT,
    "power_mw": _COUNT,
    "total_energy_mj": _COUNT,
    "processes": _COUNT,
    "mig_mode": _COUNT,
    "team": _TEXT,
    "tenant": _TEXT,
    "feature": _TEXT,
    "job_id": _TEXT,
}
_GIVEN = {"given": "sampled_at", "record": "record"}
"""What the rules read beside the columns."""


class _Samples(Records[NvmlSample]):
    """Rows of devices; those of processes are filtered."""

    def read(self, content: Content, reading: Reading) -> Rows:
        rows = super().read(content, reading)
        if rows.rows_typed:
            ticks = pl.concat(rows.frames(["uuid", "sampled_at"]))
            rows.flags += set_back(ticks.rename({"uuid": "device"}))
        return rows

    def shaped(self, numbered: Numbered, rows: Rows, reading: Reading) -> Batch:
        records, numbers, given = super().shaped(numbered, rows, reading)
        kept = [(record, number) for record, number in zip(records, numbers, strict=True) if record.record != _PROCESS]
        rows.filtered += len(records) - len(kept)
        return Batch([record for record, _ in kept], [number for _, number in kept], given)


def _columns(samples: Sequence[NvmlSample]) -> pl.DataFrame:
    values = {name: [getattr(sample, name) for sample in samples] for name in _FIELDS}
    values["utilization_gpu"] = [_percent(given) for given in values["utilization_gpu"]]
    columns = {name: pl.Series(values[name], dtype=dtype) for name, (_, dtype) in _FIELDS.items()}
    given = {name: pl.Series([getattr(sample, of) for sample in samples], dtype=pl.String()) for name, of in _GIVEN.items()}
    return (
        pl.DataFrame({**given, **columns})
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
    (~pl.col("record").is_in(_RECORDS), pl.format("record '{}' is not gpu, slice or process", pl.col("record"))),
    missing("uuid"),
    ((pl.col("record") == "slice") & pl.col("parent_uuid").fill_null("").eq(""), pl.lit("a slice names no GPU: parent_uuid is missing")),
    ((pl.col("record") == "gpu") & pl.col("parent_uuid").is_not_null(), pl.lit("a GPU has no parent_uuid; record slice has one")),
    (pl.col("parent_uuid") == "", pl.lit("parent_uuid is empty")),
    (pl.col("parent_uuid") == pl.col("uuid"), pl.lit("parent_uuid is the slice itself")),
    (pl.col("slices") < 1, pl.format("slices {} is less than 1", pl.col("slices"))),
    (pl.col("device_slices") < 1, pl.format("device_slices {} is less than 1", pl.col("device_slices"))),
    (
        pl.col("slices") > pl.col("device_slices"),
        pl.format("a slice of {} slices is more than its GPU, which has {}", pl.col("slices"), pl.col("device_slices")),
    ),
    *not_an_instant("sampled_at", "given", "sampled_at"),
    (
        pl.col("interval_seconds").is_null() | ~pl.col("interval_seconds").is_between(1, 3600),
        pl.format("interval_seconds {} is not 1 to 3600", pl.col("interval_seconds").cast(pl.String).fill_null("(none)")),
    ),
    (
        ~pl.col("utilization_gpu").is_between(0, 100),
        pl.format("utilization_gpu {} is not 0 to 100", pl.col("utilization_gpu")),
    ),
    *negative("memory_used_bytes", "memory_total_bytes", "power_mw", "total_energy_mj", "processes", "gpu_instance_id"),
    (
        pl.col("memory_used_bytes") > pl.col("memory_total_bytes"),
        pl.format("memory_used_bytes {} is more than memory_total_bytes {}", pl.col("memory_used_bytes"), pl.col("memory_total_bytes")),
    ),
]

FORMAT = Format(
    name="nvml_samples",
    description="GPU samples of the NVML collector: JSON lines",
    columns={"sampled_at": "TIMESTAMP", "sampled_second": "BIGINT", **{name: dtype for name, (dtype, _) in _FIELDS.items()}},
    day="sampled_at",
    recognises=has_keys("sampled_at", "uuid", "utilization_gpu"),
    read=_Samples(NvmlSample, rules=_RULES, columns=_columns).read,
    about=About(
        obtain="`meterbook gpu-sample` on each machine with GPUs (docs/gpu-collector.md), or any sampler that writes these keys.",
        taken="Utilisation, memory, power, energy, processes, MIG slices, and who held the device. Rows of single processes are filtered.",
        key="device, or MIG slice, and slot of its interval; the busiest sample counts.",
        limits="NVML has no utilisation for MIG slices: null is unknown, never idle.",
    ),
    names=frozenset(NvmlSample.__struct_fields__),
)
