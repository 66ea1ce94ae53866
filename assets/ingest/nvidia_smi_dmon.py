"""`nvidia-smi dmon`: one row per GPU and tick, headers repeated every screenful, columns by the most recent header.

`sm` is the percentage of time with any kernel running, `fb` (with `-s m`) memory in MB of 2^20 bytes; `-` is no value: unknown, never 0.
Times are local: `time_zone` of the options says where. `-o DT` prints date and time; with `-o T` the date of the first row comes from
`starts_at`, and a time before the last one is the next day; without either (or with `-o D` alone) the options `starts_at` and
`interval_seconds` time the ticks, one more each time a GPU comes again. A GPU is known by host (`host` of the options, else the name of
the source) and number. `--format csv` has commas, `nounit` has no units (then MB), `noheader` needs the option `columns` (and `delimiter`
where it is CSV). The exact look of these is not documented, and blanks around values do not matter.
"""

from meterbook.assets.content import Content, FileRefused
from meterbook.assets.ingest import _gpu, _smi_table
from meterbook.assets.ingest._gpu import TEXT_COLUMNS, TextSample
from meterbook.assets.ingest._smi_table import Row, Times
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.ingest.format import About, Format, Sample, first_line
from meterbook.assets.sources import Reading


def _recognises(sample: Sample) -> bool:
    names = _smi_table.head_names(sample)
    return "gpu" in names and "pid" not in names and bool(names & {"sm", "pwr", "pclk", "fb"})


def _read(content: Content, reading: Reading) -> Rows:
    rows, times = Rows(), Times(reading)
    samples: list[TextSample] = []
    for row in _smi_table.rows_of(content, ("sm",), reading):
        rows.rows_in += 1
        try:
            samples.append(_sample(row, times))
        except FileRefused:
            raise
        except ValueError as error:
            rows.reject(row.line, first_line(error), row.text)
    rows.flags += [*times.clock.flags(), *_gpu.by_index(reading)]
    _gpu.add_text_samples(samples, rows, reading)
    return rows


def _sample(row: Row, times: Times) -> TextSample:
    cells = row.header.row(row.text)
    gpu = _smi_table.number(cells)
    # The tick has passed, whatever is wrong with the figures.
    sampled_at = times.at(cells, gpu, str(gpu))
    utilization = _gpu.percent(cells["sm"], "sm")
    memory = _gpu.memory(cells.get("fb"), row.header.units.get("fb"), "fb")
    return TextSample(row.line, sampled_at, None, gpu, utilization_percent=utilization, memory_used_bytes=memory)


FORMAT = Format(
    name="nvidia_smi_dmon",
    description="GPU samples of nvidia-smi dmon: text",
    columns=TEXT_COLUMNS,
    day="sampled_at",
    recognises=_recognises,
    read=_read,
    about=About(
        obtain="`nvidia-smi dmon -s um -o DT -d 60 -f gpus.txt`.",
        taken="Utilisation (sm) and memory used (fb) per GPU and tick; other columns are left out.",
        key="Host, number of the GPU, and instant; the busiest sample counts.",
        options="host, time_zone, starts_at, interval_seconds, pool; columns and delimiter of a file without a header.",
        limits="No names, no owners, and no memory without -s m: then held memory cannot be seen, and an unused GPU is free idle. "
        "A dash is unknown, never idle. The same GPUs by number here and by UUID elsewhere would count twice.",
    ),
    names=frozenset({"# gpu", "sm", "mem", "pwr"}),
)
