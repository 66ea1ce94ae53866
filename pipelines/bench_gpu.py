"""`meterbook bench gpu`: GPU samples once a second made into hours with a price, beside a bare scan and group of the same files.

Measured is what ships: every model from staging.nvml_samples to core.gpu_hour, checked, sorted and written by the engine, day by day.
"""

import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from meterbook.assets.book import Book
from meterbook.assets.book_tables import tables_of
from meterbook.assets.workspace import columns, project
from meterbook.pipelines.bench import Case, make_anew, told
from meterbook.pipelines.bench_price import THREADS
from meterbook.sql.catalog import Catalog, Settings
from meterbook.sql.engine import Engine
from meterbook.sql.lake import COPY, Lake
from meterbook.sql.raw_files import RawFile
from meterbook.sql.scratch import scratch

GPUS, HOURS, SECONDS, BYTES = 1000, 28, 60, 2 * 2**30
FIRST = date(2026, 10, 1)
MEMORY = "1GB"
"""What DuckDB may keep; what its threads work on comes on top."""
MADE = (
    "staging.nvml_samples", "core.owner_profile", "core.owner_in_force", "core.gpu_slot", "core.gpu_observed", "core.gpu_device",
    "core.gpu_slice", "core.gpu_state", "core.gpu_price", "core.gpu_hour",
)  # fmt: skip
_MODULE = "meterbook.pipelines.bench_gpu"
_FORMAT = "nvml_samples"
_BOOK = """name: A fleet
gpu_pools:
  pool-0: {rate: gpu/h100-sxm}
  pool-1: {rate: gpu/h100-sxm}
  pool-2: {rate: gpu/h100-sxm}
  pool-3: {rate: gpu/h100-sxm}
"""


def cases(folder: Path, gpus: int = GPUS, hours: int = HOURS) -> list[Case]:
    """Scanning and grouping, and making hours; the samples are generated first, where they are not there yet.

    Args:
        folder: where to keep them.
        gpus: devices, each sampled once a second.
        hours: of samples.
    """
    _generate(folder, gpus, hours)
    said = [str(folder), str(gpus), str(hours)]
    return [
        Case("scan and group", _MODULE, ["scan", *said]),
        Case("samples to GPU hours", _MODULE, ["hours", *said], at_most_seconds=SECONDS, at_most_bytes=BYTES),
    ]


def _folder(folder: Path, gpus: int, hours: int) -> Path:
    return folder / f"gpu-{gpus}-{hours}"


def _opened(kept: Path, gpus: int, hours: int) -> Engine:
    raw = [
        RawFile(f"{hour:016d}", kept / f"samples-{hour:03d}.parquet", {str(FIRST + timedelta(days=hour // 24)): gpus * 3600})
        for hour in range(hours)
    ]
    return Engine(Catalog(Lake(kept / "lake"), project(), {_FORMAT: raw}, Settings(MEMORY, THREADS), columns()))


def _generate(folder: Path, gpus: int, hours: int) -> None:
    kept = _folder(folder, gpus, hours)
    kept.mkdir(parents=True, exist_ok=True)
    (kept / "meterbook.yaml").write_text(_BOOK, "utf-8")
    for name, frame in tables_of(Book(kept)).items():
        _opened(kept, gpus, hours).put(name, frame)
    for hour in range(hours):
        path = kept / f"samples-{hour:03d}.parquet"
        if not path.is_file():
            with scratch() as con:
                con.execute(f"copy ({_samples(gpus, hour)}) to '{path.with_suffix('.part')}' ({COPY})")
            path.with_suffix(".part").rename(path)


def _samples(gpus: int, hour: int) -> str:
    """Rows of raw.nvml_samples of an hour: nodes of eight GPUs, each held by a job, whose work begins and ends every ten minutes."""
    began = int(datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC).timestamp()) + hour * 3600
    made = {
        "sampled_at": f"make_timestamp(({began} + tick) * 1000000)",
        "sampled_second": f"{began} + tick",
        "uuid": "printf('GPU-%08d-3f1c-4a52-9b77-0a1b2c3d4e5f', gpu)",
        "name": "'NVIDIA H100 80GB HBM3'",
        "host": "printf('node-%03d', gpu // 8)",
        "pool": "printf('pool-%d', gpu * 4 // " + str(gpus) + ")",
        "interval_seconds": "1",
        "utilization_gpu": f"case when hash(tick // 600, gpu, {hour}) % 3 = 0 then 0 else hash(tick, gpu) % 101 end",
        "memory_used_bytes": f"(hash(tick // 600, gpu, {hour}, 1) % 80) * 1073741824",
        "memory_total_bytes": "85899345920",
        "total_energy_mj": f"1000000 + ({hour} * 3600 + tick) * 350000",
        "processes": f"hash(tick // 600, gpu, {hour}, 2) % 2",
        "team": "printf('team-%02d', gpu // 50)",
        "job_id": f"printf('job-%d-%d', gpu // 8, {hour} // 4)",
        "file_id": f"'{hour:016d}'",
        "line": f"tick * {gpus} + gpu",
        "day": f"date '{FIRST + timedelta(days=hour // 24)}'",
        "source": "'fleet'",
    }
    listed = ", ".join(f"cast({made.get(name, 'null')} as {dtype}) as {name}" for name, dtype in columns()[f"raw.{_FORMAT}"].items())
    return f"select {listed} from range(3600) as second(tick), range({gpus}) as device(gpu)"


def _scan(engine: Engine) -> int:
    with engine.catalog.reading([f"raw.{_FORMAT}"]) as con:
        query = f"select uuid, team, sampled_second // 3600, count(*), sum(utilization_gpu) from raw.{_FORMAT} group by all"
        return sum(row[3] for row in con.execute(query).fetchall())


def _hours(engine: Engine) -> int:
    make_anew(engine, MADE)
    return sum(file.days[day] for file in engine.catalog.raw[_FORMAT] for day in file.days)


def _main(what: str, folder: str, gpus: str, hours: str) -> None:
    engine = _opened(_folder(Path(folder), int(gpus), int(hours)), int(gpus), int(hours))
    work = {"scan": _scan, "hours": _hours}[what]
    _scan(engine)  # a warm file cache
    told(lambda: work(engine))


if __name__ == "__main__":
    _main(*sys.argv[1:])
