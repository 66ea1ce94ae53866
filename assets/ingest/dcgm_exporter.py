"""Text of a dcgm-exporter's /metrics: one scrape, or several appended to one file.

Which metrics are read, and what they say, is in `_dcgm`. A value may be followed by its time, unix milliseconds (Prometheus) or seconds
(OpenMetrics). Scrapes saved with curl have none: `starts_at` and `interval_seconds` of the options time them, and a series or a TYPE
line that comes again begins the next scrape. (The time of a file on a disk is not the time of a scrape.)
"""

import re

from meterbook.assets.content import Content, FileRefused
from meterbook.assets.ingest import _dcgm, _gpu
from meterbook.assets.ingest._dcgm import Found
from meterbook.assets.ingest._gpu import Ticks
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.ingest.format import About, Format, Sample, first_line
from meterbook.assets.sources import Reading

_LINE = re.compile(r'([a-zA-Z_:][\w:]*+) *(?:\{((?:[^"}]++|"(?:[^"\\]++|\\.)*+")*+)\})? *([^ {}]++)(?: +(-?[\d.]++))? *(?:#.*)?', re.ASCII)
_LABEL = re.compile(r' *([a-zA-Z_]\w*+) *= *"((?:[^"\\]|\\.)*+)" *(?:,|$)', re.ASCII)
_ESCAPES = {r"\\": "\\", r"\"": '"', r"\n": "\n"}
_FIRST = re.compile(r"^(?:# (?:HELP|TYPE) )?(?:DCGM_(?:FI|EXP)_|kueue_)\w+[ {]", re.MULTILINE)
_SECONDS = 10**11


class _Times:
    """Instants of values, in unix microseconds."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._ticks: Ticks | None = None
        self._before: list[str] = []

    def begins(self, heading: str) -> None:
        """A TYPE line: one that comes again begins a scrape."""
        if self._ticks:
            self._ticks.at(heading)
        else:
            self._before.append(heading)

    def at(self, given: str | None, series: str) -> int:
        """The instant of a value.

        Raises:
            FileRefused: it has none, and the options do not say it.
            ValueError: it is no time.
        """
        if given is not None:
            return _micros(given)
        if self._ticks is None:
            self._ticks = Ticks(self._reading)
            for heading in self._before:
                self._ticks.at(heading)
        return _gpu.micros(self._ticks.at(series))


def _micros(given: str) -> int:
    if len(given) > 25 or given.count(".") > 1 or not any(map(str.isdecimal, given)):  # noqa: PLR2004 -- digits a time has at most
        raise ValueError(f"'{given[:80]}' is not a time")
    if abs(float(given)) < _SECONDS:
        return round(float(given) * 1000) * 1000
    return min(int(float(given)), 10**15) * 1000


def _recognises(sample: Sample) -> bool:
    return sample.text.lstrip()[:1] not in {"{", "["} and bool(_FIRST.search(sample.text))


def _read(content: Content, reading: Reading) -> Rows:
    rows, scrapes = Rows(), _Scrapes(reading)
    for line, text in _gpu.lines(content):
        if text.startswith("#"):
            scrapes.heading(text)
            continue
        rows.rows_in += 1
        try:
            rows.filtered += not scrapes.take(line, text)
        except FileRefused:
            raise
        except ValueError as error:
            rows.reject(line, first_line(error), text)
    if scrapes.is_kueue and not scrapes.found.series:
        raise FileRefused("is metrics of Kueue, which tell no job's times: export `kubectl get workloads -A -o json` instead")
    _dcgm.keep(scrapes.found, rows, reading)
    return rows


class _Scrapes:
    """Values of a file; each series is looked at once."""

    def __init__(self, reading: Reading) -> None:
        self.found, self.is_kueue = Found(), False
        self._times = _Times(reading)
        self._numbers: dict[tuple[str, str], int | None] = {}

    def heading(self, text: str) -> None:
        """Take a comment."""
        if text.startswith("# TYPE "):
            self._times.begins(text)

    def take(self, line: int, text: str) -> bool:
        """Take a value; False where its metric is not read.

        Raises:
            FileRefused: it has no time, and the options do not say it.
            ValueError: it is none.
        """
        parts = _LINE.fullmatch(text.strip())
        if not parts:
            raise ValueError("not a line of Prometheus text")
        name, labels, value, at = parts.groups()
        number = self._number(name, labels or "")
        if number is None and (at is not None or name.startswith("kueue_")):
            return False
        # A value without a time tells where scrapes begin, also where it is not read.
        instant = self._times.at(at, f"{name}{{{labels}}}")
        if number is not None:
            self.found.points.add(line, number, instant, value)
        return number is not None

    def _number(self, name: str, labels: str) -> int | None:
        if (name, labels) not in self._numbers:
            self.is_kueue |= name.startswith("kueue_")
            series = _dcgm.series_of(name, _labels(labels))
            number = self.found.add_series(series, f"{name}{{{labels}}}") if series else None
            self._numbers[name, labels] = number
        return self._numbers[name, labels]


def _labels(text: str) -> dict[str, str]:
    found, at = {}, 0
    while at < len(text):
        one = _LABEL.match(text, at)
        if not one:
            raise ValueError("not a line of Prometheus text: its labels are broken")
        found[one[1]] = re.sub(r"\\.", lambda escape: _ESCAPES.get(escape[0], escape[0]), one[2])
        at = one.end()
    return found


FORMAT = Format(
    name="dcgm_exporter",
    description="GPU metrics of dcgm-exporter: Prometheus text",
    columns=_dcgm.COLUMNS,
    day="sampled_at",
    recognises=_recognises,
    read=_read,
    about=About(
        obtain="`while sleep 30; do curl -s localhost:9400/metrics >> gpus.prom; done`; note when it began. Or values with timestamps.",
        taken="Utilisation (GPU_UTIL, GPU_UTIL_RATIO, PROF_GR_ENGINE_ACTIVE or its newer name), FB_USED and the energy counter; others "
        "are counted as filtered. Pod and namespace tell who held a GPU. Metrics of Kueue are refused.",
        key="UUID of the GPU (else host and number) and slot of the interval; the busiest value counts. A GPU shared by pods is one GPU; "
        "a GPU cut into MIG slices is one GPU too, used where any slice works.",
        options="starts_at and interval_seconds (needed where values have no times), host, pool.",
        limits="A namespace is taken as the team; where pods of several share a GPU the team is unknown. MIG slices do not tell how much "
        "of a GPU was used, so slices that nobody uses are not seen as idle. Power is not read.",
    ),
    names=frozenset({"DCGM_FI_DEV_GPU_UTIL", "DCGM_FI_DEV_FB_USED"}),
)
