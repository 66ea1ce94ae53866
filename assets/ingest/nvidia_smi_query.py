"""`nvidia-smi --query-gpu=... --format=csv`, with and without header and units, once or in a loop (`-l`).

Columns are known by the field names of the header, or by `columns` of the options for a file without one (`noheader`). A unit stands
in the header and behind the value, in one of them (`nounits`) or in neither; then memory is in MiB, as nvidia-smi prints it.
`utilization.gpu` is the percentage of time with any kernel running; `[N/A]`, `[Not Supported]` and their like are unknown, never 0, and
so is a GPU in MIG mode, which has no utilisation of its own. `timestamp` is local time without a zone: `time_zone` of the options says
which. In an hour that clocks repeat, the order of a GPU's samples tells the two apart; `starts_at` tells it of the first one. A file
without timestamps needs `starts_at` and `interval_seconds`. A GPU is known by `uuid`; a file without it by host and number, which may
change at a restart.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from meterbook.assets.content import Content, FileRefused
from meterbook.assets.ingest import _gpu
from meterbook.assets.ingest._gpu import TEXT_COLUMNS, Clock, TextSample, Ticks
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.ingest.format import About, Format, Sample, first_line
from meterbook.assets.sources import Reading

_FIELD = re.compile(r"([a-z][a-z0-9_.]*)(?: \[([^\]]*)\])?")
_TIME = re.compile(r"(\d{4})/(\d\d)/(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?")
_ALIASES = {"gpu_uuid": "uuid", "gpu_name": "name"}
_MIG = {"Enabled": 1, "Disabled": 0}


class _Header:
    """Where the fields of a row stand.

    Args:
        cells: field names, with units in brackets.
    """

    def __init__(self, cells: Sequence[str]) -> None:
        found = [_FIELD.fullmatch(cell.strip()) for cell in cells]
        named = {_ALIASES.get(field[1], field[1]): (place, field[2]) for place, field in enumerate(found) if field}
        if "utilization.gpu" not in named or not named.keys() & {"uuid", "index"}:
            raise FileRefused("needs the fields utilization.gpu and uuid (or at least index)")
        self._width, self._fields = len(cells), named

    def row(self, cells: Sequence[str]) -> dict[str, str]:
        """A row's cells by field."""
        if len(cells) != self._width:
            raise ValueError("the row has another number of fields than the header")
        return {name: cells[place] for name, (place, _) in self._fields.items()}

    def unit(self, name: str) -> str | None:
        """The unit the header gives a field."""
        return self._fields[name][1] if name in self._fields else None


def _is_header(cells: Sequence[str]) -> bool:
    return all(_FIELD.fullmatch(cell.strip()) for cell in cells) and any(cell.strip().startswith("utilization.gpu") for cell in cells)


def _recognises(sample: Sample) -> bool:
    first = next((line for line in sample.text.splitlines() if line.strip()), "")
    return _is_header(first.split(",")) or bool(_TIME.match(first) and ", " in first)


def _read(content: Content, reading: Reading) -> Rows:
    rows, clock = Rows(), Clock(reading)
    samples: list[TextSample] = []
    ticks: Ticks | None = None
    for line, cells, header in _records(content, reading):
        rows.rows_in += 1
        try:
            row = header.row(cells)
            if "timestamp" not in row:
                ticks = ticks or Ticks(reading)
            samples.append(_sample(line, row, header, ticks or clock))
        except FileRefused:
            raise
        except ValueError as error:
            rows.reject(line, first_line(error), ", ".join(cells))
    rows.flags += clock.flags()
    if any(sample.uuid is None for sample in samples):
        rows.flags += _gpu.by_index(reading)
    _gpu.add_text_samples(samples, rows, reading)
    return rows


def _records(content: Content, reading: Reading) -> Iterator[tuple[int, list[str], _Header]]:
    header = _Header(reading.options.columns) if reading.options.columns else None
    for line, text in _gpu.lines(content):
        cells = [cell.strip() for cell in text.split(",")]
        if _is_header(cells):
            header = _Header(cells)
        elif header is None:
            raise FileRefused("has no header: give its field names in order as `columns` in the options of its source")
        else:
            yield line, cells, header


def _sample(line: int, row: Mapping[str, str], header: _Header, times: Clock | Ticks) -> TextSample:
    uuid, index = _gpu.figure(row.get("uuid")), _gpu.index(row.get("index"))
    device = uuid or (f"{index}" if index is not None else None)
    if device is None:
        raise ValueError("names neither uuid nor index")
    # The tick has passed, whatever is wrong with the figures.
    sampled_at = times.at(device) if isinstance(times, Ticks) else times.utc(_time(row["timestamp"]), device)
    utilization = _gpu.percent(row["utilization.gpu"], "utilization.gpu")
    memory = _gpu.memory(row.get("memory.used"), header.unit("memory.used"), "memory.used")
    return TextSample(
        line=line,
        sampled_at=sampled_at,
        uuid=uuid,
        gpu_index=index,
        gpu_model=_gpu.figure(row.get("name")),
        utilization_percent=utilization,
        memory_used_bytes=memory,
        mig_mode=_MIG.get(row.get("mig.mode.current", "")),
    )


def _time(text: str) -> datetime:
    found = _TIME.fullmatch(text)
    if not found:
        raise ValueError(f"timestamp {text[:80]!r} is not YYYY/MM/DD HH:MM:SS.mmm")
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    return datetime(year, month, day, hour, minute, second, int((found[7] or "").ljust(6, "0")))  # noqa: DTZ001 -- local, as given


FORMAT = Format(
    name="nvidia_smi_query",
    description="GPU samples of nvidia-smi --query-gpu: CSV",
    columns=TEXT_COLUMNS,
    day="sampled_at",
    recognises=_recognises,
    read=_read,
    about=About(
        obtain="`nvidia-smi --query-gpu=timestamp,index,name,uuid,utilization.gpu,memory.used,mig.mode.current --format=csv -l 60`.",
        taken="Utilisation, memory used, name and MIG mode per GPU and instant; other fields are left out.",
        key="GPU (uuid, else host and index) and instant; the busiest sample counts.",
        options="time_zone, columns, host, pool, interval_seconds, starts_at.",
        limits="Who held the GPU is not in it. N/A is unknown, never idle; so is a GPU in MIG mode.",
    ),
    names=frozenset({"timestamp", "index", "uuid", "utilization.gpu [%]", "memory.used [MiB]"}),
)
