"""The measurements: what they generate, and what they show."""

import gzip
import itertools
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from meterbook.pipelines import bench, bench_ingest
from meterbook.pipelines.cli import app


def test_the_generated_logs_are_the_same_each_time_and_some_570_bytes_a_line() -> None:
    lines = list(bench_ingest.lines(2_000))
    assert lines == list(bench_ingest.lines(2_000))
    assert 540 < sum(map(len, lines)) / len(lines) < 620
    assert {json.loads(line)["status"] for line in lines} == {"success"}


def test_one_line_in_a_thousand_is_bad() -> None:
    lines = list(bench_ingest.lines(5_000, 1_000))
    assert [n for n, line in enumerate(lines) if line.strip() in bench_ingest.BAD] == [500, 1_500, 2_500, 3_500, 4_500]


def test_every_case_is_measured_beside_the_peer_and_written_with_machine_and_versions(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app, ["bench", "ingest", "--rows", "2000", "--rounds", "1", "--folder", str(tmp_path / "b"), "--json", str(tmp_path / "out.json")]
    )
    assert done.exit_code == 0, done.output
    assert all(name in done.output for name in ("DuckDB read_json", "ingest, clean", "1 in 1,000 bad"))
    found = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert [(case["case"], case["runs"][0]["rows"]) for case in found["cases"]] == [
        ("DuckDB read_json", 2_000),
        ("ingest, clean", 2_000),
        ("ingest, 1 in 1,000 bad", 2_000),
    ]
    assert {"cores", "duckdb", "python"} <= found["machine"].keys()


def test_a_case_that_fails_says_so() -> None:
    with pytest.raises(RuntimeError, match="nothing there failed"):
        bench.run(bench.Case("nothing there", "meterbook.pipelines.bench_ingest", ["ingest", "/nowhere"]))


@pytest.mark.nightly
@pytest.mark.parametrize("bad_every", [0, 1_000], ids=["clean", "with bad lines"])
def test_five_gigabytes_are_read_within_one(tmp_path: Path, bad_every: int) -> None:
    text = "".join(bench_ingest.lines(80_000, bad_every)).encode()
    packed, size, copies = gzip.compress(text, 1), len(text), 0
    with (tmp_path / "logs.jsonl.gz").open("wb") as handle:
        for copies in itertools.count(1):
            handle.write(packed)
            if copies * size > 5 * 10**9:
                break
    found = bench.run(bench.Case("five gigabytes", "meterbook.pipelines.bench_ingest", ["ingest", str(tmp_path / "logs.jsonl.gz")]))
    assert found.rows == copies * 80_000
    assert found.peak_bytes < 2**30
