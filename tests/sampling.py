"""The GPU collector on a fake of NVML and clocks of the tests' own: no driver, no waiting."""

import importlib.util
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import zstandard

from meterbook.pipelines.collector_clock import ticks
from meterbook.pipelines.collector_jobs import HOST_NAMESPACE, Jobs
from meterbook.pipelines.collector_rows import lines_of
from meterbook.pipelines.collector_sampler import Labels, Sampler

FAKE = Path(__file__).parent / "fake_nvml"
START = 1_790_812_800
"""2026-10-01T00:00:00Z."""


def fake_nvml(scenario: Mapping[str, Any] | str, turn: Callable[[], int]) -> ModuleType:
    """A fake of its own for one test; a scenario is a mapping or the name of a file beside the fake."""
    spec = importlib.util.spec_from_file_location("fake_pynvml", FAKE / "pynvml.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.load(FAKE / f"{scenario}.yaml" if isinstance(scenario, str) else scenario, turn)
    return module


@dataclass
class TestClock:
    """Time that passes only while it is waited for."""

    __test__ = False
    now: float = START
    up: float = 1000.0
    sets: dict[float, float] = field(default_factory=dict)
    """At this monotonic time the wall clock is moved by so many seconds."""
    stops_at: float = float("inf")

    def wall(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.up

    def wait(self, seconds: float) -> bool:
        self.pass_by(seconds)
        return self.up >= self.stops_at

    def pass_by(self, seconds: float) -> None:
        self.now, self.up = self.now + seconds, self.up + seconds
        for at in [at for at in self.sets if at <= self.up]:
            self.now += self.sets.pop(at)


def proc(folder: Path, groups: Mapping[int, str] = {}, *, namespace: str = HOST_NAMESPACE) -> Path:
    """A /proc in which processes have these control groups."""
    (folder / "self/ns").mkdir(parents=True, exist_ok=True)
    if not (folder / "self/ns/pid").is_symlink():
        (folder / "self/ns/pid").symlink_to(namespace)
    for pid, group in groups.items():
        process(folder, pid, group)
    return folder


def process(folder: Path, pid: int, group: str, *, started: int = 77, environ: bytes = b"") -> None:
    """One process, whose name is made to mislead."""
    (folder / str(pid)).mkdir(exist_ok=True)
    fields = " ".join(["S", *map(str, range(18)), str(started), "0"])
    (folder / str(pid) / "stat").write_text(f"{pid} (a ) b) {fields}\n")
    (folder / str(pid) / "cgroup").write_text(f"0::{group}\n")
    (folder / str(pid) / "environ").write_bytes(environ)


class Bench:
    """A sampler on a fake, driven tick by tick; one turn of the scenario is one tick."""

    def __init__(self, scenario: Mapping[str, Any] | str, folder: Path, *, interval: int = 10, jobs: Jobs | None = None) -> None:
        self.clock, self.said, self.turn = TestClock(), list[str](), 0
        self.nvml = fake_nvml(scenario, lambda: self.turn)
        labels = Labels("n1", interval, "training", "research")
        self.sampler = Sampler(self.nvml, jobs or Jobs(proc(folder)), labels, self.clock, self.said.append)
        self._ticks = ticks(self.clock, interval, self.said.append)

    def tick(self) -> list[dict[str, Any]]:
        """Rows of the next tick, as they are written."""
        rows = lines_of(self.sampler.sample(next(self._ticks)))
        self.turn += 1
        return [json.loads(line) for line in rows.splitlines()]

    def run(self, count: int) -> list[list[dict[str, Any]]]:
        """Rows of so many ticks."""
        return [self.tick() for _ in range(count)]


def unpacked(path: Path) -> bytes:
    """What a finished file holds; it is one frame."""
    return zstandard.ZstdDecompressor().decompressobj().decompress(path.read_bytes())
