"""`meterbook gpu-sample` as it is typed, with a fake of NVML in place of a driver."""

import configparser
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import yaml
from running import typed
from sampling import FAKE, unpacked

from meterbook.pipelines.collector_rows import GpuRow, ProcessRow, SliceRow

pytestmark = pytest.mark.long

METERBOOK = Path(sys.executable).parent / "meterbook"
SCENARIO = FAKE / "eight.yaml"
DOCUMENT = Path(__file__).parents[2] / "docs" / "gpu-collector.md"
ENVIRON = {**os.environ, "PYTHONPATH": str(FAKE), "FAKE_NVML": str(SCENARIO)}


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """NVIDIA's bindings are the fake."""
    monkeypatch.syspath_prepend(str(FAKE))
    monkeypatch.delitem(sys.modules, "pynvml", raising=False)
    monkeypatch.setenv("FAKE_NVML", str(SCENARIO))
    yield
    sys.modules.pop("pynvml", None)


@pytest.mark.usefixtures("fake")
def test_a_try_writes_a_file_and_needs_no_book(tmp_path: Path) -> None:
    folder = tmp_path / "samples"
    words = ("gpu-sample", "--folder", str(folder), "--interval", "1", "--count", "1", "--pool", "p", "--team", "t", "--host", "n7")
    said = typed(tmp_path / "no book", *words)
    assert said.code == 0, said.err
    [path] = folder.iterdir()
    assert path.name.startswith("nvml-n7-20")
    rows = [json.loads(line) for line in unpacked(path).splitlines()]
    assert {(row["host"], row["pool"], row["interval_seconds"]) for row in rows} == {("n7", "p", 1)}
    assert {row["team"] for row in rows if row["record"] == "gpu"} == {"t"}
    assert f"{len(rows)} rows written into" in said.out


def test_without_the_bindings_one_line_says_how_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    said = typed(tmp_path, "gpu-sample", "--folder", str(tmp_path / "samples"), "--count", "1")
    assert said.code == 2
    assert "pip install 'meterbook[gpu]'" in said.err
    assert len(said.err.strip().splitlines()) == 1
    assert not (tmp_path / "samples").exists()


@pytest.mark.usefixtures("fake")
def test_a_try_that_finds_no_gpu_fails_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "none.yaml").write_text("gpus: []")
    monkeypatch.setenv("FAKE_NVML", str(tmp_path / "none.yaml"))
    said = typed(tmp_path, "gpu-sample", "--folder", str(tmp_path / "samples"), "--interval", "1", "--count", "1")
    assert (said.code, "there is no GPU; waiting for one" in said.err) == (1, True)


@pytest.mark.nightly
@pytest.mark.usefixtures("fake")
def test_a_driver_that_is_replaced_ends_the_collector_which_a_supervisor_starts_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "new.yaml").write_text("driver: {0: loaded, 1: driver not loaded, 3: lib rm version mismatch}\ngpus: [{uuid: GPU-1}]")
    monkeypatch.setenv("FAKE_NVML", str(tmp_path / "new.yaml"))
    said = typed(tmp_path, "gpu-sample", "--folder", str(tmp_path / "samples"), "--interval", "1", "--count", "30")
    assert (said.code, "start gpu-sample again" in said.err) == (1, True)
    assert [path.suffix for path in (tmp_path / "samples").iterdir()] == [".zst"], "what was sampled is kept"


@pytest.mark.usefixtures("fake")
def test_a_folder_that_cannot_be_made_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = typed(tmp_path, "gpu-sample", "--folder", str(tmp_path / "file"), "--count", "1")
    assert (said.code, "cannot be used: File exists" in said.err) == (2, True)


@pytest.mark.parametrize(("option", "value"), [("--interval", "0"), ("--interval", "3601"), ("--max-bytes", "1000"), ("--rotate", "0")])
def test_options_have_bounds(tmp_path: Path, option: str, value: str) -> None:
    assert typed(tmp_path, "gpu-sample", option, value).code == 2


def test_the_help_has_examples(tmp_path: Path) -> None:
    assert "meterbook gpu-sample --count 1" in " ".join(typed(tmp_path, "gpu-sample", "--help").out.split())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_finishes_the_file(tmp_path: Path, number: signal.Signals) -> None:
    folder = tmp_path / "samples"
    command = [str(METERBOOK), "gpu-sample", "--folder", str(folder), "--interval", "1"]
    with subprocess.Popen(command, env=ENVIRON, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as running:
        assert running.stderr is not None
        assert running.stderr.readline() == "sampling 8 GPUs and 0 MIG slices\n"
        running.send_signal(number)
        out, err = running.communicate(timeout=60)
    assert running.returncode == 0, err
    [path] = folder.iterdir()
    assert f"{len(unpacked(path).splitlines())} rows written" in out


def test_a_killed_collector_loses_what_waited_and_the_next_one_finishes_its_file(tmp_path: Path) -> None:
    script = (
        "import os, pathlib; from meterbook.pipelines.collector_files import Files; "
        "files = Files(pathlib.Path('samples'), 'n1', 10, rotate=3600, max_bytes=2**30, say=print); "
        "[files.add(1790812800 + 10 * n, b'{}\\n') for n in range(5)]; os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True, cwd=tmp_path)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert [path.suffix for path in (tmp_path / "samples").iterdir()] == [".part"]
    command = [str(METERBOOK), "gpu-sample", "--folder", "samples", "--interval", "1", "--host", "n1", "--count", "1"]
    done = subprocess.run(command, check=True, env=ENVIRON, capture_output=True, text=True, cwd=tmp_path)
    assert "of a run that did not end was finished" in done.stderr
    first, _ = sorted((tmp_path / "samples").iterdir())
    assert unpacked(first) == b"{}\n" * 3


def test_the_document_has_every_field_and_every_option(tmp_path: Path) -> None:
    text = DOCUMENT.read_text("utf-8")
    fields = {one.name for row in (GpuRow, SliceRow, ProcessRow) for one in msgspec.structs.fields(row)}
    assert [name for name in sorted(fields - {"team"}) if f"`{name}`" not in text] == []
    options = set(re.findall(r"--[a-z]+(?:-[a-z]+)*", typed(tmp_path, "gpu-sample", "--help").out)) - {"--help"}
    assert [option for option in sorted(options) if f"`{option}`" not in text] == []


def test_the_documents_daemon_set_runs_the_command_among_the_hosts_processes() -> None:
    [text] = re.findall(r"```yaml\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    pod = yaml.safe_load(text)["spec"]["template"]["spec"]
    assert pod["hostPID"] is True
    assert pod["containers"][0]["command"][:2] == ["meterbook", "gpu-sample"]
    assert {mount["name"] for mount in pod["containers"][0]["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}


def test_the_documents_unit_starts_the_command_again_and_sees_only_nvidias_devices() -> None:
    [text] = re.findall(r"```ini\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str
    unit.read_string(text)
    service = unit["Service"]
    assert (service["Restart"], service["DeviceAllow"], "ProtectProc" in service) == ("always", "char-nvidia* rw", False)
    assert service["ExecStart"].split()[1:4] == ["gpu-sample", "--folder", f"/var/lib/{service['StateDirectory']}"]
