"""The whole table of benchmarks: none is left out, and none hides another."""

import io
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from meterbook.pipelines import bench_all, bench_ingest, cli_bench
from meterbook.pipelines.bench import Case
from meterbook.pipelines.bench_listed import BENCHES

_MODULE = "meterbook.pipelines.bench_ingest"


class _Bench:
    """A benchmark of the door over few lines, or one that cannot be made."""

    counted, least, rows = "lines", 100, 10_000

    def __init__(self, name: str, at_most: float | None) -> None:
        self.name, self.at_most = name, at_most

    def cases(self, folder: Path, rows: int) -> Sequence[Case]:
        if self.at_most is None:
            raise RuntimeError("the disk is full")
        clean, _ = bench_ingest.files(folder, rows)
        return [Case("plain", _MODULE, ["plain", str(clean)]), Case("ingest", _MODULE, ["ingest", str(clean)], at_most=self.at_most)]


@pytest.mark.nightly  # processes of their own, each with its second of loading
def test_one_that_fails_is_said_and_the_others_are_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_all, "BENCHES", (_Bench("broken", None), _Bench("easy", 1e9)))
    monkeypatch.setattr(bench_all, "FLEET", _Bench("hard", 0.0))
    console = Console(file=io.StringIO(), width=160)
    found = bench_all.measure(0.02, 1, tmp_path, lambda _said: None, console)
    assert [(one.name, one.rows, one.failed) for one in found] == [
        ("broken", 200, "the disk is full"), ("easy", 200, ""), ("hard", 200, ""),
    ]  # fmt: skip
    assert [[bar.is_met for bar in one.bars] for one in found] == [[], [True], [False]]
    bench_all.show(found, console)
    text = console.file.getvalue()  # type: ignore[attr-defined] # it is the one above
    assert "broken failed: the disk is full" in text
    assert "1 of 2 bars are met; 1 failed" in text
    said = json.loads(json.dumps(bench_all.as_json(found, 0.02)))
    assert said["bars"][1]["is_met"] is False
    assert [one["failed"] for one in said["benchmarks"]] == ["the disk is full", "", ""]


def test_every_benchmark_has_a_command_with_an_example() -> None:
    for bench in BENCHES:
        said = CliRunner().invoke(cli_bench.app, [bench.name, "--help"])
        assert said.exit_code == 0, said.output
        assert bench.about.split(":")[0][:40] in " ".join(said.output.split())
        assert f"Example: meterbook bench {bench.name} --rows {bench.rows}" in " ".join(said.output.split())


def test_a_command_that_is_told_too_few_rows_says_how_many_it_needs() -> None:
    said = CliRunner().invoke(cli_bench.app, ["allocate", "--rows", "5"])
    assert said.exit_code == 2
    assert "100000" in said.output


def test_the_exit_code_tells_that_something_could_not_be_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_all, "BENCHES", ())
    monkeypatch.setattr(bench_all, "FLEET", _Bench("broken", None))
    said = CliRunner().invoke(cli_bench.app, ["all", "--folder", str(tmp_path), "--json", str(tmp_path / "all.json")])
    assert said.exit_code == 1
    assert json.loads((tmp_path / "all.json").read_text("utf-8"))["benchmarks"][0]["failed"] == "the disk is full"
