"""`nvidia-smi pmon`: one line per process, GPU and tick; a GPU without processes has one line of dashes.

A GPU is used where `sm` of any of its processes is above 0, warm idle where it has compute processes (type C, M, C+G) and all of them show
0, and unknown where none shows work but one shows `-`, which is no value. A GPU without processes is free, if the file shows a process
anywhere: in a container pmon sees none at all, so of a file without any process nothing is known. `fb` (with `-s um`) is MB of 2^20 bytes.
Utilisation is the sum of `sm`, at most 100. Commands are not read. Dates, times and hosts are as in `nvidia_smi_dmon`; without times a tick
ends where a GPU's number falls or a process comes again, which cannot tell ticks of a single GPU whose processes change: use `-o DT`.
"""

from dataclasses import dataclass, field
from datetime import datetime

from meterbook.assets.content import Content, FileRefused
from meterbook.assets.ingest import _gpu, _smi_table
from meterbook.assets.ingest._gpu import TEXT_COLUMNS, TextSample
from meterbook.assets.ingest._smi_table import Row, Times
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.ingest.format import About, Format, Sample, first_line
from meterbook.assets.sources import Reading


@dataclass
class _Gpu:
    """What one GPU shows at one instant."""

    line: int
    work: list[int | None] = field(default_factory=list)
    memory: list[int | None] = field(default_factory=list)
    holders: int = 0

    def utilization(self, *, sees_processes: bool) -> int | None:
        """Percent of work; None is unknown."""
        total = sum(one for one in self.work if one is not None)
        if total > 0:
            return min(total, 100)
        is_unknown = None in self.work or not (self.work or sees_processes)
        return None if is_unknown else 0


@dataclass
class _Found:
    """GPUs by number and instant, and those of which a line was set aside."""

    gpus: dict[tuple[int, datetime], _Gpu] = field(default_factory=dict)
    spoilt: set[tuple[int, datetime]] = field(default_factory=set)

    def whole(self) -> dict[tuple[int, datetime], _Gpu]:
        """The GPUs; what a line that was set aside would have shown is unknown."""
        for key in self.spoilt & self.gpus.keys():
            self.gpus[key].work.append(None)
        return self.gpus


def _recognises(sample: Sample) -> bool:
    return _smi_table.head_names(sample) >= {"gpu", "pid"}


def _read(content: Content, reading: Reading) -> Rows:
    rows, times = Rows(), Times(reading)
    found = _Found()
    for row in _smi_table.rows_of(content, ("pid", "type", "sm"), reading):
        try:
            _take(row, times, found)
        except FileRefused:
            raise
        except ValueError as error:
            rows.rows_in += 1
            rows.reject(row.line, first_line(error), row.header.without_command(row.text))
    gpus = found.whole()
    rows.rows_in += len(gpus)
    sees = any(gpu.work for gpu in gpus.values())
    rows.flags += [*times.clock.flags(), *_gpu.by_index(reading)]
    if gpus and not sees:
        rows.flags.append("shows no process on any GPU: whether they were idle, or pmon ran where it sees no processes, is unknown")
    _gpu.add_text_samples([_sample(key, gpu, sees) for key, gpu in gpus.items()], rows, reading)
    return rows


def _take(row: Row, times: Times, found: _Found) -> None:
    cells = row.header.row(row.text)
    number, pid = _smi_table.number(cells), _gpu.figure(cells["pid"])
    if pid is not None and not (pid.isascii() and pid.isdecimal()):
        raise ValueError(f"pid {pid[:80]!r} is not the number of a process")
    # The tick has passed, whatever is wrong with the figures.
    key = (number, times.at(cells, number, f"{number}/{pid}"))
    try:
        work = _gpu.percent(cells["sm"], "sm")
        memory = _gpu.memory(cells.get("fb"), row.header.units.get("fb"), "fb")
    except ValueError:
        found.spoilt.add(key)
        raise
    gpu = found.gpus.setdefault(key, _Gpu(row.line))
    if pid is not None:
        gpu.work.append(work)
        gpu.memory.append(memory)
        # A window on a screen holds no GPU that somebody could use for work.
        gpu.holders += cells["type"] != "G"


def _sample(key: tuple[int, datetime], gpu: _Gpu, sees_processes: bool) -> TextSample:  # noqa: FBT001 -- one yes or no of the file
    number, sampled_at = key
    known = [one for one in gpu.memory if one is not None]
    return TextSample(
        line=gpu.line,
        sampled_at=sampled_at,
        uuid=None,
        gpu_index=number,
        utilization_percent=gpu.utilization(sees_processes=sees_processes),
        memory_used_bytes=sum(known) if known else None,
        processes=gpu.holders,
    )


FORMAT = Format(
    name="nvidia_smi_pmon",
    description="GPU processes of nvidia-smi pmon: text",
    columns=TEXT_COLUMNS,
    day="sampled_at",
    recognises=_recognises,
    read=_read,
    about=About(
        obtain="`nvidia-smi pmon -s um -o DT -d 10 -f processes.txt`, on the host, not in a container.",
        taken="Per GPU and tick: whether any process worked, how many hold the GPU, and their memory. Commands are left out. "
        "The lines of one GPU and tick are one record.",
        key="Host, number of the GPU, and instant; the busiest sample counts.",
        options="host, time_zone, starts_at, interval_seconds, pool; columns and delimiter of a file without a header.",
        limits="No names and no owners. Of a file without any process nothing is known; neither is it of a process that shows a dash.",
    ),
    names=frozenset({"# gpu", "pid", "type", "sm"}),
)
