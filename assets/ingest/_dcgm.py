"""Metrics of NVIDIA's dcgm-exporter, from whatever Prometheus container they come in: one row per value of a metric that is read.

Read are GPU_UTIL (0 to 100), its newer spelling GPU_UTIL_RATIO (documented as 0 to 1; that all releases keep to it is not verified, so
a series that passes 1 anywhere in the file is in percent), PROF_GR_ENGINE_ACTIVE alias PROF_GR_ENGINE_UTIL_RATIO (0 to 1, also of MIG
slices, for which there is no GPU_UTIL), FB_USED (MiB) and TOTAL_ENERGY_CONSUMPTION (millijoule counter). NaN, infinities and DCGM's
blank values are no value: unknown, never 0.

A GPU is known by the label UUID, a slice by GPU_I_ID beside the UUID of its GPU. Who holds it are namespace and pod; where a scraper kept
these labels for itself they are exported_namespace and exported_pod, and the exporter's own pod holds nothing. A GPU that several pods
share is given once per pod, with the same value: all of them are named, and it is one GPU.
"""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import NamedTuple

import polars as pl

from meterbook.assets.content import FileRefused
from meterbook.assets.ingest import _gpu
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.ingest.format import FIRST_YEAR, LARGEST, LAST_YEAR, Rule, keep_sound
from meterbook.assets.sources import Reading

_FIGURES = {
    "DCGM_FI_DEV_GPU_UTIL": "utilization",
    "DCGM_FI_DEV_GPU_UTIL_RATIO": "utilization ratio",
    "DCGM_FI_PROF_GR_ENGINE_ACTIVE": "engine",
    "DCGM_FI_PROF_GR_ENGINE_UTIL_RATIO": "engine",
    "DCGM_FI_DEV_FB_USED": "memory",
    "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION": "energy",
}
"""What the metrics tell that are read."""
COLUMNS = {
    "metric": "VARCHAR",
    "uuid": "VARCHAR",
    "gpu_index": "BIGINT",
    "slice_id": "VARCHAR",
    "slices": "BIGINT",
    "device_slices": "BIGINT",
    "sampled_at": "TIMESTAMP",
    "sampled_second": "BIGINT",
    "interval_seconds": "BIGINT",
    "host": "VARCHAR",
    "pool": "VARCHAR",
    "gpu_model": "VARCHAR",
    "utilization_ppm": "BIGINT",
    "engine_ppm": "BIGINT",
    "memory_used_bytes": "BIGINT",
    "energy_mj": "BIGINT",
    "team": "VARCHAR",
    "job_id": "VARCHAR",
}
"""Columns of the raw tables; activity in parts per million, so that little work is not none."""
_HOSTS = ("hostname", "Hostname", "node", "kubernetes_node", "instance")
_EXPORTER = "dcgm-exporter"
_PROFILE = re.compile(r"(?:[1-7]c\.)?([1-7])g\.")
_NO_VALUE = frozenset({"nan", "inf", "+inf", "-inf"})
_BLANK_INT32, _BLANK_DOUBLE, _BLANK_INT64 = 2**31 - 16, 2.0**47, 2.0**63 - 1024
_BLANKS = 16
_MIB, _MILLION = 2**20, 10**6


class Series(NamedTuple):
    """What the labels of a series say."""

    metric: str
    uuid: str | None
    gpu_index: int | None
    slice_id: str | None
    slices: int | None
    device_slices: int | None
    host: str | None
    gpu_model: str | None
    team: str | None
    job: str | None


class Points(NamedTuple):
    """Values of series, column by column.

    Args:
        line: where each stands.
        series: number of its series.
        at: unix time in microseconds.
        value: as text.
    """

    line: list[int]
    series: list[int]
    at: list[int]
    value: list[str]

    def add(self, line: int, series: int, at: int, value: str) -> None:
        """Add one value."""
        self.line.append(line)
        self.series.append(series)
        self.at.append(at)
        self.value.append(value)


def series_of(name: str, labels: Mapping[str, str]) -> Series | None:
    """A series, or None where its metric is not read.

    Raises:
        ValueError: it names no GPU.
    """
    if name not in _FIGURES:
        return None
    uuid = labels.get("UUID") or labels.get("uuid") or None
    index = _gpu.index(labels.get("gpu"))
    if uuid is None and index is None:
        raise ValueError("names no GPU: it has neither a label UUID nor gpu")
    host = next((labels[label] for label in _HOSTS if labels.get(label)), None)
    model = labels.get("modelName") or None
    return Series(name, uuid, index, labels.get("GPU_I_ID") or None, *_slices(labels, model), host, model, *_holder(labels))


def _slices(labels: Mapping[str, str], model: str | None) -> tuple[int | None, int | None]:
    """Of a MIG slice: how many slices of its GPU it has (`3g.40gb` has three), and into how many that GPU is cut."""
    profile = _PROFILE.match(labels.get("GPU_I_PROFILE") or "")
    if not profile or not labels.get("GPU_I_ID"):
        return None, None
    # Slices of NVIDIA's MIG user guide: seven of all but the A30, which has four.
    whole = 4 if "A30" in (model or "").split() else 7
    return min(int(profile[1]), whole), whole


def _holder(labels: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Namespace and job (a scheduler's, else the pod) that hold a GPU."""
    is_exported = bool(labels.get("exported_pod") or labels.get("exported_namespace"))
    names = ("exported_namespace", "exported_pod", "exported_container") if is_exported else ("namespace", "pod", "container")
    namespace, pod, container = (labels.get(name) or None for name in names)
    job = labels.get("hpc_job") or None
    if not is_exported:
        namespace, pod = namespace or labels.get("pod_namespace") or None, pod or labels.get("pod_name") or None
        if _EXPORTER in f"{pod} {container}":
            return None, job
    if pod is None:
        return None, job
    return namespace, job or (f"{namespace}/{pod}" if namespace else pod)


class Found:
    """Series and values of one file.

    Attributes:
        points: the values.
        series: whose they are, by number.
    """

    def __init__(self) -> None:
        self.points, self.series = Points([], [], [], []), list[Series]()
        self._texts: list[str] = []

    def add_series(self, series: Series, text: str) -> int:
        """The number of a series; its text is shown where a value of it is set aside."""
        self.series.append(series)
        self._texts.append(text)
        return len(self.series) - 1

    @cached_property
    def _of_line(self) -> Mapping[int, int]:
        return dict(zip(self.points.line, self.points.series, strict=True))

    def text(self, line: int) -> str:
        """The series a line is of, as text."""
        return self._texts[self._of_line[line]]


def keep(found: Found, rows: Rows, reading: Reading) -> None:
    """Type the values of a file, and keep those that are sound.

    Args:
        found: what the file holds.
        rows: takes them.
        reading: its options name the pool, the interval, and the host where the labels do not.

    Raises:
        FileRefused: nothing that is read is in the file.
    """
    if not found.series:
        raise FileRefused(f"holds none of the metrics that are read: {', '.join(_FIGURES)}")
    shape = {"line": pl.Int64(), "series": pl.Int64(), "at": pl.Int64(), "value": pl.String()}
    frame = pl.DataFrame(dict(zip(shape, found.points, strict=True)), schema=shape)
    types = {"metric": pl.String(), "uuid": pl.String(), "gpu_index": pl.Int64(), "slice_id": pl.String()}
    types |= {"slices": pl.Int64(), "device_slices": pl.Int64(), "host": pl.String()}
    types |= {"gpu_model": pl.String(), "team": pl.String(), "job": pl.String()}
    known = pl.DataFrame(found.series, schema=types, orient="row").with_row_index("series").with_columns(pl.col("series").cast(pl.Int64))
    judged = _numbers(frame.join(known, on="series", how="left", maintain_order="left"))
    rows.flags += _odd(judged)
    sound = keep_sound(judged, _RULES, rows, found.text)
    if sound.height:
        sound = _jobs(_figures(sound.with_columns(host=pl.coalesce("host", pl.lit(reading.options.host, pl.String())))))
        # Metrics asked for one after the other have instants of their own.
        timed = _gpu.timed(sound, pl.concat_str(_DEVICE, "metric", separator=" "), rows, reading)
        rows.add(timed.select(*COLUMNS, "line"))


_DEVICE = pl.coalesce("uuid", pl.concat_str(pl.col("host").fill_null(""), pl.col("gpu_index").cast(pl.String), separator="/"))


def _numbers(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with instant, figure and number; the number is NULL where the value is none."""
    is_valued = ~pl.col("value").str.to_lowercase().is_in(_NO_VALUE)
    figure = pl.col("metric").replace_strict(_FIGURES, return_dtype=pl.String())
    number = pl.when(is_valued).then(pl.col("value").cast(pl.Float64, strict=False))
    first = pl.when(pl.col("figure") == "energy").then(pl.lit(_BLANK_DOUBLE)).otherwise(pl.lit(float(_BLANK_INT32)))
    # Energy counters pass the 32 bits; of doubles only the blank values themselves are meant.
    last = pl.when(pl.col("figure") == "energy").then(pl.lit(_BLANK_DOUBLE + _BLANKS)).otherwise(pl.lit(float("inf")))
    is_blank = ((pl.col("number") >= first) & (pl.col("number") < last)) | (pl.col("number") >= _BLANK_INT64)
    typed = frame.with_columns(figure.alias("figure"), number.alias("number"), is_wrong=is_valued & number.is_null())
    return typed.with_columns(is_blank.fill_null(value=False).alias("is_blank")).with_columns(
        pl.from_epoch("at", "us").alias("sampled_at"), pl.when(~pl.col("is_blank")).then("number").alias("number")
    )


def _odd(judged: pl.DataFrame) -> list[str]:
    """What is odd about the values of a file."""
    blanks = int(judged["is_blank"].sum())
    above = judged.filter((pl.col("figure") == "utilization ratio") & (pl.col("number") > 1))["series"].n_unique()
    return [
        *[f"has {blanks:,} of DCGM's blank values, which mean that there is no figure: unknown, never one"] * bool(blanks),
        *[f"has {above:,} series that are called ratios and go above 1: they are taken as percent"] * bool(above),
    ]


def _over(figure: str, limit: float, words: str) -> Rule:
    above = (pl.col("figure") == figure) & (pl.col("number") > limit)
    return above, pl.format("{} {} is not {}", pl.col("metric"), pl.col("value").str.slice(0, 80), pl.lit(words))


_YEAR = pl.col("sampled_at").dt.year()
_RULES: list[Rule] = [
    (pl.col("is_wrong"), pl.format("{} '{}' is not a number", pl.col("metric"), pl.col("value").str.slice(0, 80))),
    (
        (_YEAR < FIRST_YEAR) | (_YEAR > LAST_YEAR),
        pl.format("day {} is outside {} to {}", pl.col("sampled_at").dt.date(), pl.lit(FIRST_YEAR), pl.lit(LAST_YEAR)),
    ),
    (pl.col("number") < 0, pl.format("{} is negative ({})", pl.col("metric"), pl.col("value").str.slice(0, 80))),
    _over("utilization", 100, "0 to 100"),
    _over("utilization ratio", 100, "0 to 100"),
    _over("engine", 1, "0 to 1"),
    _over("memory", LARGEST / _MIB, "an amount of memory in MiB"),
    _over("energy", LARGEST, "an amount of energy in mJ"),
]


def _figures(frame: pl.DataFrame) -> pl.DataFrame:
    is_percent = (pl.col("number").max().over("series") > 1) | (pl.col("figure") == "utilization")
    scale = pl.when(is_percent).then(_MILLION // 100).otherwise(_MILLION)
    parts = pl.col("number") * scale
    # However little work there was, it was some.
    ppm = pl.when(parts > 0).then(pl.max_horizontal(parts.round(), pl.lit(1.0))).otherwise(parts).cast(pl.Int64)
    return frame.with_columns(
        pl.when(pl.col("figure").str.starts_with("utilization")).then(ppm).alias("utilization_ppm"),
        pl.when(pl.col("figure") == "engine").then(ppm).alias("engine_ppm"),
        pl.when(pl.col("figure") == "memory").then((pl.col("number") * _MIB).round().cast(pl.Int64)).alias("memory_used_bytes"),
        pl.when(pl.col("figure") == "energy").then(pl.col("number").round().cast(pl.Int64)).alias("energy_mj"),
    )


def _jobs(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with `job_id`: all jobs that held a GPU, or a MIG slice of it whose size is known, at an instant, in order."""
    held = frame.with_columns(_DEVICE.alias("device"), pl.when(pl.col("slices").is_not_null()).then("slice_id").alias("sized_id"))
    named = held.select("device", "sized_id", "sampled_at", "job").unique().drop_nulls("job")
    together = named.group_by("device", "sized_id", "sampled_at").agg(pl.col("job").sort().str.join(", ").alias("job_id"))
    return held.join(together, on=["device", "sized_id", "sampled_at"], how="left", maintain_order="left", nulls_equal=True)
