"""What the GPU collector costs the machine that it watches."""

import time
from pathlib import Path

from sampling import TestClock, fake_nvml, proc

from meterbook.pipelines.collector import collect
from meterbook.pipelines.collector_files import Files
from meterbook.pipelines.collector_jobs import Jobs
from meterbook.pipelines.collector_sampler import Labels, Sampler

TICKS = 1_000
BAR = 0.005
"""CPU seconds of a tick: at one a second half a percent of a core."""


def test_eight_gpus_once_a_second_cost_less_than_half_a_percent_of_a_core(tmp_path: Path) -> None:
    clock, said = TestClock(), list[str]()
    nvml = fake_nvml("eight", lambda: int(clock.up - 1000))
    jobs = Jobs(proc(tmp_path / "proc", {41_217: "/slurm/uid_1/job_1/step_0", 41_300: "/slurm/uid_1/job_2/step_0"}))
    files = Files(tmp_path / "samples", "n1", 1, rotate=3600, max_bytes=2**30, say=said.append)
    sampler = Sampler(nvml, jobs, Labels("n1", 1), clock, said.append)
    begun = time.process_time()
    collect(sampler, files, clock, 1, count=TICKS, say=said.append)
    spent = (time.process_time() - begun) / TICKS
    assert files.rows == TICKS * 24
    assert spent < BAR, f"{spent * 1000:.2f} ms of CPU a tick"
    assert nvml.calls["nvmlInit"] == nvml.calls["nvmlShutdown"] == 1
    calls = nvml.calls.total() / TICKS
    assert calls < 8 * 8 + 1, f"{calls:.1f} calls of NVML a tick"
