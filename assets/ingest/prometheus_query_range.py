"""Answers of Prometheus' HTTP API to queries for DCGM metrics: `query_range` (matrix) and `query` (vector), JSON.

A file is one answer, an array or lines of answers, or only the array of series that `promtool query range -o json` prints. One metric per
file is normal: what several files say of a GPU at the same time is one sample. Which metrics are read is in `_dcgm`. Times are unix
seconds, values are text; a scrape that is missing is absent, which is unknown. The time between samples is read off them: it is the
step of the query. A step longer than the scrape interval picks values, it does not average them. An expression drops the
metric's name, so the metric itself has to be queried.
"""

import msgspec

from meterbook.assets.content import Content, FileRefused
from meterbook.assets.ingest import _dcgm
from meterbook.assets.ingest._dcgm import Found
from meterbook.assets.ingest._rows import BROKEN, json_records
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.ingest.format import About, Format, Sample, first_line
from meterbook.assets.sources import Reading

_Point = tuple[float, str]
_NONE = msgspec.Raw()
_FARTHEST = 10**10
"""Unix seconds beyond the calendar."""


class _Data(msgspec.Struct):
    result: list[msgspec.Raw] = []


class _Answer(msgspec.Struct):
    """An answer, or a series."""

    status: str | None = None
    data: _Data | None = None
    errorType: str | None = None  # noqa: N815 -- as the API spells it
    error: str | None = None
    warnings: list[str] | None = None
    isPartial: bool | None = None  # noqa: N815 -- VictoriaMetrics
    metric: dict[str, str] | None = None


class _Series(msgspec.Struct):
    """A series of values (matrix), or with one (vector)."""

    metric: dict[str, str] | None = None
    values: msgspec.Raw = _NONE
    value: msgspec.Raw = _NONE
    histograms: msgspec.Raw = _NONE
    histogram: msgspec.Raw = _NONE


def _recognises(sample: Sample) -> bool:
    text = sample.text
    if text.lstrip()[:1] not in {"{", "["}:
        return False
    is_answer = '"status"' in text and (('"resultType"' in text and '"result"' in text) or '"errorType"' in text)
    return is_answer or ('"metric"' in text and '"__name__"' in text and ('"values"' in text or '"value"' in text))


def _read(content: Content, reading: Reading) -> Rows:
    rows, found = Rows(), Found()
    lines = 0
    for raw in json_records(content):
        for series in _series(raw, rows):
            lines += 1
            try:
                _take(lines, msgspec.json.decode(series, type=_Series), found, rows)
            except (*BROKEN, ValueError) as error:
                rows.rows_in += 1
                rows.reject(lines, first_line(error), bytes(series))
    _dcgm.keep(found, rows, reading)
    return rows


def _series(raw: bytes, rows: Rows) -> list[msgspec.Raw] | list[bytes]:
    """The series of an answer; a text that is no answer as it is.

    Raises:
        FileRefused: the answer is an error.
    """
    try:
        answer = msgspec.json.decode(raw, type=_Answer)
    except BROKEN:
        return [raw]
    if answer.status not in {None, "success"}:
        raise FileRefused(f"holds an error of Prometheus instead of an answer: {_line(answer.errorType)} ({_line(answer.error)})")
    for warning in answer.warnings or ():
        is_cut = any(word in warning.lower() for word in ("limit", "truncat"))
        rows.flags.append(f"holds an answer {'that was cut short' if is_cut else 'with a warning'}: {_line(warning)}")
    if answer.isPartial:
        rows.flags.append("holds an answer that says it is partial")
    return answer.data.result if answer.data and answer.metric is None else [raw]


def _line(text: str | None) -> str:
    return " ".join((text or "").split())[:200]


def _take(line: int, series: _Series, found: Found, rows: Rows) -> None:
    if series.metric is None or "__name__" not in series.metric:
        raise ValueError("the series has no __name__; an expression drops it: query the metric itself")
    points = _points(series)
    known = _dcgm.series_of(series.metric["__name__"], series.metric)
    rows.rows_in += len(points)
    if known is None:
        rows.filtered += len(points)
        return
    number = found.add_series(known, msgspec.json.encode(series.metric).decode())
    for raw in points:
        try:
            at, value = msgspec.json.decode(raw, type=_Point)
        except BROKEN as error:
            rows.reject(line, f"not a pair of time and text: {first_line(error)}", bytes(raw))
            continue
        # Milliseconds are all that Prometheus keeps; beyond the calendar any time is as wrong as another.
        found.points.add(line, number, round(max(-_FARTHEST, min(at, _FARTHEST)) * 1000) * 1000, value)


def _points(series: _Series) -> list[msgspec.Raw]:
    if series.values != _NONE:
        return msgspec.json.decode(series.values, type=list[msgspec.Raw])
    if series.value != _NONE:
        return [series.value]
    if series.histograms != _NONE or series.histogram != _NONE:
        raise ValueError("the series holds histograms; no metric that is read does")
    raise ValueError("the series holds no values")


FORMAT = Format(
    name="prometheus_query_range",
    description="GPU metrics of DCGM kept by Prometheus: answers of its query API, JSON",
    columns=_dcgm.COLUMNS,
    day="sampled_at",
    recognises=_recognises,
    read=_read,
    about=About(
        obtain="`curl -s http://prometheus:9090/api/v1/query_range -d query=DCGM_FI_DEV_GPU_UTIL -d start=... -d end=... -d step=60`, the "
        "same for DCGM_FI_DEV_FB_USED; with MIG also for DCGM_FI_PROF_GR_ENGINE_ACTIVE. One file each, or lines of one file.",
        taken="GPU_UTIL, GPU_UTIL_RATIO, PROF_GR_ENGINE_ACTIVE or its newer name, FB_USED and the energy counter; values of other metrics "
        "are counted as filtered. Pod and namespace, exported_ where they are, tell who held a GPU. An answer with an error is refused.",
        key="UUID of the GPU (else host and number) and slot of the step; the busiest value counts. A GPU shared by pods is one GPU; "
        "a GPU cut into MIG slices is one GPU too, used where any slice works.",
        options="interval_seconds (else the median step), host, pool.",
        limits="What was not scraped is unknown. Without FB_USED a GPU that holds memory looks free. A namespace is taken as the team; "
        "where pods of several share a GPU the team is unknown. A warning of the server is flagged; what it cut off is not known.",
    ),
    names=frozenset({"resultType", "result", "metric", "values", "DCGM_FI_DEV_GPU_UTIL"}),
)
