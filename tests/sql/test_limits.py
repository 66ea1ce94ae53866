"""What a process takes of the machine: never more than its container has, and a clear word where that is not enough."""

import os
import re
from pathlib import Path
from time import time

import duckdb
import polars as pl
import pytest

from meterbook.sql import limits
from meterbook.sql.catalog import Catalog, Settings
from meterbook.sql.engine import Engine
from meterbook.sql.lake import LEFT, MEMORY_SPILL, Lake
from meterbook.sql.limits import LimitError, Machine, bytes_of, machine, memory_of, within
from meterbook.sql.models import Header, Model, Project
from meterbook.sql.raw_files import RawFile
from meterbook.sql.scratch import scratch

HOST = machine()
LARGE = "create table large as select i, md5(i::varchar) || md5((i + 1)::varchar) as text from range(4000000) as t(i)"
"""More than 100 MB, of which all can be spilled."""


def _root(folder: Path, groups: str, **files: str) -> Path:
    for name, text in {"proc/self/cgroup": groups, **{f"sys/fs/cgroup/{path}": text for path, text in files.items()}}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return folder


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MEMORY_LIMIT", "THREADS", "TEMP_DIRECTORY", "MAX_TEMP_DIRECTORY_SIZE"):
        monkeypatch.delenv(f"METERBOOK_{name}", raising=False)


@pytest.mark.parametrize(
    ("groups", "files", "memory_bytes", "cpus"),
    [
        ("0::/\n", {"memory.max": "536870912\n", "cpu.max": "150000 100000\n"}, 536_870_912, 2),
        ("0::/\n", {"memory.max": "max\n", "cpu.max": "max 100000\n"}, HOST.memory_bytes, HOST.cpus),
        ("0::/pod/main\n", {"pod/main/memory.max": "max", "pod/memory.max": "300000000", "pod/cpu.max": "50000 100000"}, 300_000_000, 1),
        ("4:memory:/a/b\n1:cpu,cpuacct:/a\n", {"memory/a/b/memory.limit_in_bytes": "400000000"}, 400_000_000, HOST.cpus),
        ("4:memory:/docker/of-the-host\n", {"memory/memory.limit_in_bytes": "400000000"}, 400_000_000, HOST.cpus),
        ("1:cpu:/\n", {"cpu/cpu.cfs_quota_us": "100000\n", "cpu/cpu.cfs_period_us": "100000\n"}, HOST.memory_bytes, 1),
        ("1:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, HOST.memory_bytes, HOST.cpus),
        ("4:memory:/\n", {"memory/memory.limit_in_bytes": "9223372036854771712"}, HOST.memory_bytes, HOST.cpus),
        ("", {}, HOST.memory_bytes, HOST.cpus),
    ],
)
def test_a_container_has_what_its_control_groups_allow_and_no_more_than_the_machine(
    groups: str, files: dict[str, str], memory_bytes: int, cpus: int, tmp_path: Path
) -> None:
    assert machine(_root(tmp_path, groups, **files)) == Machine(memory_bytes, min(cpus, HOST.cpus))


def test_a_system_without_control_groups_is_taken_as_a_whole(tmp_path: Path) -> None:
    assert machine(tmp_path) == HOST


@pytest.mark.parametrize(
    ("megabytes", "cpus", "expected"),
    [(64_000, 32, ("1GB", "512MB", 2)), (1_500, 1, ("750MB", "512MB", 1)), (512, 4, ("256MB", "256MB", 2)), (64, 1, ("64MB", "64MB", 1))],
)
def test_half_of_a_small_machine_is_taken_and_of_a_large_one_what_is_needed(
    megabytes: int, cpus: int, expected: tuple[str, str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "machine", lambda: Machine(megabytes * 1_000_000, cpus))
    assert (Settings().memory_limit, limits.memory("512MB"), Settings().threads) == expected
    with scratch() as con:
        [(taken,)] = con.execute("select current_setting('threads')").fetchall()
    assert taken == expected[2]


def test_what_the_environment_says_wins_and_small_work_takes_no_more_than_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METERBOOK_MEMORY_LIMIT", "300 MB")
    monkeypatch.setenv("METERBOOK_THREADS", "3")
    assert (limits.memory(), limits.memory("200MB"), limits.threads()) == ("300 MB", "200MB", 3)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("memory_limit", "10 potatoes", "METERBOOK_MEMORY_LIMIT: '10 potatoes' is no amount such as 512MB, 1.5GB or 2GiB"),
        ("memory_limit", "512", "METERBOOK_MEMORY_LIMIT: '512' is no amount"),
        ("memory_limit", "1MB", "METERBOOK_MEMORY_LIMIT: 1MB is too little to work with: at least 64MB"),
        ("threads", "0", "METERBOOK_THREADS: '0' is no number of threads"),
        ("threads", "many", "METERBOOK_THREADS: 'many' is no number of threads"),
        ("max_temp_directory_size", "-1GB", "METERBOOK_MAX_TEMP_DIRECTORY_SIZE: '-1GB' is no amount"),
    ],
)
def test_a_wrong_variable_is_named_with_what_it_should_say(name: str, text: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"METERBOOK_{name.upper()}", text)
    with pytest.raises(LimitError, match=f"^{re.escape(said)}"):
        limits.set_outside(name)


@pytest.mark.parametrize(
    ("text", "amount"), [("512MB", 512_000_000), ("1.5GB", 1_500_000_000), ("2 GiB", 2 << 30), ("64mb", 64_000_000), ("1TiB", 1 << 40)]
)
def test_an_amount_is_as_many_bytes_as_duckdb_takes_it_for(text: str, amount: int) -> None:
    assert bytes_of(text) == amount
    with (
        duckdb.connect(config={"memory_limit": memory_of(text)}) as con,
        duckdb.connect(config={"memory_limit": f"{-(-amount // 1024)}KiB"}) as same,
    ):
        shown = "select current_setting('memory_limit')"
        assert con.execute(shown).fetchall() == same.execute(shown).fetchall()


def test_what_memory_does_not_hold_lies_in_the_folder_that_is_named_and_is_gone_with_the_connection(tmp_path: Path) -> None:
    folder = tmp_path / MEMORY_SPILL
    with scratch("100MB", 2, str(folder)) as con:
        con.execute(LARGE)
        assert sum(path.stat().st_size for path in folder.iterdir()) > 50_000_000
        con.execute("drop table large")
    assert sum(path.stat().st_size for path in folder.glob("*")) < 1_000_000


def test_where_memory_and_disk_are_not_enough_is_said_with_the_table_and_what_to_set(tmp_path: Path) -> None:
    for size, said in (("", "needs more memory than DuckDB may take here: raise memory_limit"), ("5MB", "needs more disk than there is")):
        sql = LARGE if size else "select list(md5(i::varchar)) from range(4000000) as t(i)"
        with (
            pytest.raises(LimitError, match=f"^core.big {said}"),
            scratch("64MB", 2, str(tmp_path / MEMORY_SPILL), size) as con,
            within("core.big"),
        ):
            con.execute(sql)


def test_another_error_stays_what_it_is() -> None:
    with pytest.raises(duckdb.ConversionException), within("core.big"):
        duckdb.execute("select cast('x' as integer)")


def test_a_model_that_needs_more_than_it_may_take_is_named(tmp_path: Path) -> None:
    header = Header(grain="one row per factor", key=("factor",), monthly=True)
    sql = "select factor.factor, cast(len(list(md5(i::varchar))) as bigint) as many, '2026-10' as period"
    model = Model("core.big", "Too much.", header, f"{sql} from book.factor as factor, range(4000000) as t(i) group by 1", ("book.factor",))
    project = Project({model.name: model}, {}, {"book.factor": {"factor": "BIGINT"}})
    raw = {"event": [RawFile("f", tmp_path / "unread.parquet", {"2026-10-05": 1})]}
    engine = Engine(Catalog(Lake(tmp_path), project, raw, Settings("64MB", 2, temp_directory=str(tmp_path / MEMORY_SPILL))))
    engine.put("book.factor", pl.DataFrame({"factor": [3]}))
    with pytest.raises(LimitError, match=r"^core\.big needs more memory .* raise memory_limit or lower threads in meterbook\.yaml"):
        engine.build(model)


def test_what_a_killed_process_spilled_is_removed_and_what_another_spills_now_is_not(tmp_path: Path) -> None:
    folder = tmp_path / MEMORY_SPILL
    folder.mkdir()
    for name, age in (("duckdb_temp_1_0_owner", LEFT + 60), ("duckdb_temp_2_0_owner", 60)):
        (folder / name).touch()
        os.utime(folder / name, (time() - age,) * 2)
    Lake(tmp_path).clean()
    assert [path.name for path in folder.iterdir()] == ["duckdb_temp_2_0_owner"]
    (folder / "duckdb_temp_2_0_owner").unlink()
    Lake(tmp_path).clean()
    assert not folder.exists()
