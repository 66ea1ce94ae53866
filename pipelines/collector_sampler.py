"""One tick: every GPU, slice and process as rows; through drivers that are loaded anew, GPUs that are lost, and MIG going on and off."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import ModuleType

from meterbook.pipelines.collector_clock import Clock, Say
from meterbook.pipelines.collector_devices import Device, Gpu, Said, Slice, gpu_at
from meterbook.pipelines.collector_jobs import Jobs, together
from meterbook.pipelines.collector_nvml import LIB_RM_VERSION_MISMATCH, NOT_FOUND, NOT_SUPPORTED, RESTART, GoneError, known, percent
from meterbook.pipelines.collector_rows import GpuRow, ProcessRow, Row, SliceRow

LISTED = 60
"""Seconds after which devices are listed anew, and the longest wait after an error."""
_SUCCESS = 0
"""pynvml raises it where a GPU has no samples of processes at all."""


class DriverReplacedError(Exception):
    """The driver was replaced by another version; only a new process loads the library that belongs to it."""

    def __init__(self) -> None:
        super().__init__("the driver was replaced by another version, and its library is loaded only at a start: start gpu-sample again")


@dataclass(frozen=True)
class Labels:
    """What a collector was told to write on every row."""

    host: str
    interval_seconds: int
    pool: str | None = None
    team: str | None = None


@dataclass(frozen=True)
class _Running:
    """Compute processes of a device: bytes by number, and their jobs."""

    used: dict[int, int | None] = field(default_factory=dict)
    jobs: dict[int, str | None] = field(default_factory=dict)
    is_known: bool = True

    @property
    def count(self) -> int | None:
        return len(self.used) if self.is_known else None

    @property
    def job_id(self) -> str | None:
        return together(set(self.jobs.values()))


class Sampler:
    """Samples all devices of the machine.

    Args:
        nvml: the library, `pynvml` or what has its functions.
        jobs: tells the jobs of processes.
        labels: for every row.
        clock: tells when devices are listed anew.
        say: takes a line for people.
    """

    def __init__(self, nvml: ModuleType, jobs: Jobs, labels: Labels, clock: Clock, say: Say) -> None:
        self._nvml, self._jobs, self._labels, self._clock, self._say = nvml, jobs, labels, clock, say
        self._gpus: list[Gpu] = []
        self._said: Said = set()
        self._out: dict[str, str] = {}
        self._shown: str | None = None
        self._is_open = self._is_troubled = self._must_restart = self._has_worked = False
        self._is_host = jobs.is_host()
        self._list_at, self._pause = clock.monotonic(), 1

    def sample(self, tick: int) -> list[Row]:
        """Rows of a tick; none where there is no GPU, or no driver.

        Args:
            tick: unix seconds.

        Raises:
            DriverReplacedError: the driver is of another version than the library this process has loaded.
        """
        if self._clock.monotonic() >= self._list_at:
            self._list()
        stamp = f"{datetime.fromtimestamp(tick, UTC):%Y-%m-%dT%H:%M:%SZ}"
        rows: list[Row] = []
        for gpu in list(self._gpus):
            try:
                rows += self._gpu(gpu, stamp)
            except GoneError as gone:
                self._gpus.remove(gpu)
                self._leave_out(gpu.uuid, str(gone), gone.value)
            else:
                self._is_back(gpu.uuid)
        return rows

    def _gpu(self, gpu: Gpu, stamp: str) -> list[Row]:
        ask, handle, labels = gpu.figures.ask, gpu.handle, self._labels
        with gpu.figures:
            memory = ask("memory", "nvmlDeviceGetMemoryInfo", handle, self._nvml.nvmlMemory_v2)
            rates = ask("utilization", "nvmlDeviceGetUtilizationRates", handle)
            running = self._running(gpu)
            row = GpuRow(
                sampled_at=stamp,
                uuid=gpu.uuid,
                host=labels.host,
                pool=labels.pool,
                interval_seconds=labels.interval_seconds,
                job_id=running.job_id,
                index=gpu.index,
                name=gpu.name,
                team=labels.team,
                utilization_gpu=rates and percent(rates.gpu),
                utilization_memory=rates and percent(rates.memory),
                memory_used_bytes=memory and known(memory.used),
                memory_total_bytes=memory and known(memory.total),
                power_mw=known(ask("power", "nvmlDeviceGetPowerUsage", handle)),
                total_energy_mj=known(ask("total_energy", "nvmlDeviceGetTotalEnergyConsumption", handle)),
                sm_clock_mhz=known(ask("sm_clock", "nvmlDeviceGetClockInfo", handle, self._nvml.NVML_CLOCK_SM)),
                clock_event_reasons=known(ask("clock_event_reasons", "nvmlDeviceGetCurrentClocksEventReasons", handle)),
                processes=running.count,
                mig_mode=gpu.mig_mode,
                device_slices=gpu.device_slices,
            )
        if gpu.figures.failed is not None or gpu.figures.is_other:
            self._look_again(gpu.figures.failed or NOT_SUPPORTED)
        if gpu.mig_mode:
            return [row, *self._slices(gpu, stamp)]
        return [row, *self._processes(gpu, running, stamp, self._busy(gpu, running))]

    def _slices(self, gpu: Gpu, stamp: str) -> list[Row]:
        rows: list[Row] = []
        for one in list(gpu.slices):
            try:
                rows += self._slice(gpu, one, stamp)
            except GoneError as gone:
                gpu.slices.remove(one)
                self._leave_out(one.uuid, str(gone), gone.value)
            else:
                self._is_back(one.uuid)
        return rows

    def _slice(self, gpu: Gpu, one: Slice, stamp: str) -> list[Row]:
        labels = self._labels
        with one.figures:
            memory = one.figures.ask("memory", "nvmlDeviceGetMemoryInfo", one.handle, self._nvml.nvmlMemory_v2)
            running = self._running(one)
        row = SliceRow(
            sampled_at=stamp,
            uuid=one.uuid,
            host=labels.host,
            pool=labels.pool,
            interval_seconds=labels.interval_seconds,
            job_id=running.job_id,
            parent_uuid=gpu.uuid,
            gpu_instance_id=one.gpu_instance_id,
            slice_profile=one.profile,
            slices=one.slices,
            device_slices=gpu.device_slices,
            name=gpu.name,
            team=labels.team,
            utilization_gpu=None,
            memory_used_bytes=memory and known(memory.used),
            memory_total_bytes=memory and known(memory.total),
            processes=running.count,
            mig_mode=1,
        )
        return [row, *self._processes(one, running, stamp, {}, gpu.uuid)]

    def _running(self, device: Device) -> _Running:
        if not self._is_host:
            device.figures.lack("processes", "the collector does not run among the host's processes (Kubernetes: hostPID)")
            return _Running(is_known=False)
        # Without its number the function raises an error of pynvml's own where a driver is too old.
        found = device.figures.ask("processes", "nvmlDeviceGetComputeRunningProcesses_v3", device.handle)
        if found is None:
            return _Running(is_known=False)
        used = {one.pid: known(one.usedGpuMemory) for one in found}
        return _Running(used, {pid: self._jobs.of(pid) for pid in used})

    def _busy(self, gpu: Gpu, running: _Running) -> dict[int, int | None]:
        """Percent by process, of the latest sample since the tick before."""
        if not running.used:
            return {}
        found = gpu.figures.ask("sm_percent", "nvmlDeviceGetProcessUtilization", gpu.handle, gpu.seen_us, empty=(NOT_FOUND, _SUCCESS))
        latest = sorted(found or (), key=lambda one: int(one.timeStamp))
        if latest:
            gpu.seen_us = int(latest[-1].timeStamp)
        return {one.pid: percent(one.smUtil) for one in latest}

    def _processes(
        self, device: Device, running: _Running, stamp: str, busy: Mapping[int, int | None], parent: str | None = None
    ) -> list[ProcessRow]:
        labels = self._labels
        return [
            ProcessRow(
                sampled_at=stamp,
                uuid=device.uuid,
                host=labels.host,
                pool=labels.pool,
                interval_seconds=labels.interval_seconds,
                job_id=running.jobs[pid],
                parent_uuid=parent,
                pid=pid,
                used_memory_bytes=used,
                sm_percent=busy.get(pid),
            )
            for pid, used in running.used.items()
        ]

    def close(self) -> None:
        """Let go of the library."""
        if self._is_open:
            with suppress(self._nvml.NVMLError):  # a driver that is gone cannot be let go of
                self._nvml.nvmlShutdown()
        self._is_open = self._must_restart = False
        self._gpus = []

    def _list(self) -> None:
        """List devices; the wait after errors grows while they go on, from a second to a minute."""
        now = self._clock.monotonic()
        self._pause = min(LISTED, 2 * self._pause) if self._is_troubled else 1
        self._is_troubled, self._list_at = False, now + LISTED
        self._jobs.forget()
        if self._must_restart:
            self.close()
        try:
            if not self._is_open:
                self._nvml.nvmlInit()
                self._is_open = True
            count = self._nvml.nvmlDeviceGetCount()
        except self._nvml.NVMLError as error:
            if error.value == LIB_RM_VERSION_MISMATCH and self._has_worked:
                raise DriverReplacedError from error
            self._gpus = []
            self._leave_out("NVML", f"{error}; is the driver loaded?", error.value)
            self.close()
            return
        self._has_worked = True
        self._is_back("NVML")
        before = {gpu.uuid: gpu.seen_us for gpu in self._gpus}
        self._gpus = [gpu for index in range(count) if (gpu := self._found(index))]
        for gpu in self._gpus:
            gpu.seen_us = before.get(gpu.uuid, 0)
        self._show()

    def _found(self, index: int) -> Gpu | None:
        name = f"GPU number {index}"
        try:
            gpu = gpu_at(self._nvml, index, self._said, self._say)
        except self._nvml.NVMLError as error:
            self._leave_out(name, str(error), error.value)
        except GoneError as gone:
            self._leave_out(name, str(gone), gone.value)
        else:
            self._is_back(name)
            return gpu
        return None

    def _show(self) -> None:
        slices = sum(len(gpu.slices) for gpu in self._gpus)
        found = f"sampling {len(self._gpus)} GPUs and {slices} MIG slices" if self._gpus else "there is no GPU; waiting for one"
        if found != self._shown:
            self._say(found)
        self._shown = found

    def _leave_out(self, name: str, why: str, value: int) -> None:
        """Go on without a device until the next listing, which comes soon; what has been said is not said again."""
        if self._out.get(name) != why:
            self._say(f"{name} is left out: {why}")
        self._out[name] = why
        self._look_again(value)

    def _look_again(self, value: int) -> None:
        if not self._is_troubled:
            self._list_at = self._clock.monotonic() + self._pause
        self._is_troubled = True
        if value in RESTART:
            self._must_restart = True

    def _is_back(self, name: str) -> None:
        if self._out.pop(name, None) is not None:
            self._say(f"{name} is back")
