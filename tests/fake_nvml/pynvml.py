"""A fake of NVIDIA's pynvml: the functions and constants that the collector uses, replaying a scenario instead of a driver.

A scenario is a mapping (or a YAML file, named by FAKE_NVML for a process of its own):

    driver: {0: loaded, 5: driver not loaded, 8: loaded}   # what every call says while it is not loaded; then nvmlInit is needed again
    gpus:
      - uuid: GPU-1
        present: {0: true, 9: false}       # hot unplug
        answers: {0: true, 3: gpu is lost} # what every call about it says
        utilization: {0: 98, 2: 0}         # a mapping of turns: from this turn on
        power_mw: not supported            # the name of an error is raised
        slices: [...]                      # of a GPU with mig_mode 1
"""

# ruff: noqa: N802 -- pynvml's names

import os
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml

NVML_CLOCK_SM = 1
NVML_DEVICE_MIG_ENABLE = 1
nvmlMemory_v2 = 0x02000028  # noqa: N816 -- its name
NVML_ERROR_UNINITIALIZED, NVML_ERROR_INVALID_ARGUMENT, NVML_ERROR_NOT_SUPPORTED, NVML_ERROR_NO_PERMISSION = 1, 2, 3, 4
NVML_ERROR_NOT_FOUND, NVML_ERROR_DRIVER_NOT_LOADED, NVML_ERROR_TIMEOUT, NVML_ERROR_LIBRARY_NOT_FOUND = 6, 9, 10, 12
NVML_ERROR_FUNCTION_NOT_FOUND, NVML_ERROR_GPU_IS_LOST, NVML_ERROR_RESET_REQUIRED = 13, 15, 16
NVML_ERROR_LIB_RM_VERSION_MISMATCH, NVML_ERROR_GPU_NOT_FOUND, NVML_ERROR_UNKNOWN = 18, 28, 999
ERRORS = {
    name.removeprefix("NVML_ERROR_").lower().replace("_", " "): value
    for name, value in list(globals().items())
    if name.startswith("NVML_ERROR_")
}
USUAL: Mapping[str, Any] = {
    "name": "NVIDIA H100 80GB HBM3",
    "present": True,
    "answers": True,
    "utilization": 0,
    "utilization_memory": 0,
    "memory_used_bytes": 0,
    "memory_total_bytes": 85_520_809_984,
    "power_mw": 70_000,
    "energy_mj": 1_000,
    "sm_clock_mhz": 1_980,
    "clock_event_reasons": 1,
    "processes": [],
    "mig_mode": 0,
    "device_slices": 7,
    "slices": [],
}
calls: Counter[str] = Counter()
"""How often each function was called."""


class NVMLError(Exception):
    def __init__(self, value: int) -> None:
        super().__init__(value)
        self.value = value

    def __str__(self) -> str:
        return next((name for name, value in ERRORS.items() if value == self.value), f"NVML Error with code {self.value}")


class _Machine:
    scenario: Mapping[str, Any] | None = None
    turn: Callable[[], int]
    is_open = False


_machine = _Machine()


def load(scenario: Mapping[str, Any] | Path, turn: Callable[[], int]) -> None:
    """Replay a scenario; `turn` says where in it we are."""
    _machine.scenario = yaml.safe_load(scenario.read_text("utf-8")) if isinstance(scenario, Path) else scenario
    _machine.turn, _machine.is_open = turn, False
    calls.clear()


class _Handle:
    def __init__(self, given: Mapping[str, Any], parent: "_Handle | None" = None) -> None:
        self.given, self.parent = given, parent

    def get(self, name: str) -> Any:
        """The figure of this turn; an error where the scenario names one."""
        _loaded()
        if self.parent and not self.parent.is_cut:
            raise NVMLError(NVML_ERROR_INVALID_ARGUMENT)
        for one in (self.parent, self):
            if one and _now(one.given.get("present", True)) is not True:
                raise NVMLError(NVML_ERROR_GPU_IS_LOST if one.parent is None else NVML_ERROR_INVALID_ARGUMENT)
            if one:
                _now(one.given.get("answers", True))
        return _now(self.given.get(name, USUAL.get(name)))

    def whole(self, name: str) -> Any:
        """A figure that only whole GPUs have."""
        if self.parent:
            _loaded()
            raise NVMLError(NVML_ERROR_NOT_SUPPORTED)
        return self.get(name)

    @property
    def is_cut(self) -> bool:
        try:
            return self.parent is None and self.get("mig_mode") == 1
        except NVMLError:
            return False


def _now(value: Any) -> Any:
    if isinstance(value, dict) and all(isinstance(turn, int) for turn in value):
        value = value[max(turn for turn in value if turn <= _machine.turn())]
    if isinstance(value, str) and value in ERRORS:
        raise NVMLError(ERRORS[value])
    return value


def _driver() -> None:
    try:
        _now((_machine.scenario or {}).get("driver", "loaded"))
    except NVMLError:
        _machine.is_open = False
        raise


def _loaded() -> None:
    _driver()
    if not _machine.is_open:
        raise NVMLError(NVML_ERROR_UNINITIALIZED)


def _called(name: str) -> None:
    calls[name] += 1


def _gpus() -> list[_Handle]:
    _loaded()
    return [_Handle(gpu) for gpu in (_machine.scenario or {})["gpus"] if _now(gpu.get("present", True)) is True]


def nvmlInit() -> None:
    _called("nvmlInit")
    if _machine.scenario is None:
        begun = time.monotonic()
        load(Path(os.environ["FAKE_NVML"]), lambda: int(time.monotonic() - begun))
    _driver()
    _machine.is_open = True


def nvmlShutdown() -> None:
    _called("nvmlShutdown")
    _loaded()
    _machine.is_open = False


def nvmlDeviceGetCount() -> int:
    _called("nvmlDeviceGetCount")
    return len(_gpus())


def nvmlDeviceGetHandleByIndex(index: int) -> _Handle:
    _called("nvmlDeviceGetHandleByIndex")
    found = _gpus()
    if index >= len(found):
        raise NVMLError(NVML_ERROR_INVALID_ARGUMENT)
    found[index].get("uuid")
    return found[index]


def nvmlDeviceGetUUID(handle: _Handle) -> str:
    _called("nvmlDeviceGetUUID")
    return str(handle.get("uuid"))


def nvmlDeviceGetName(handle: _Handle) -> str:
    _called("nvmlDeviceGetName")
    name = (handle.parent or handle).get("name")
    return f"{name} MIG {handle.get('profile')}" if handle.parent else str(name)


def nvmlDeviceGetUtilizationRates(handle: _Handle) -> SimpleNamespace:
    _called("nvmlDeviceGetUtilizationRates")
    if handle.is_cut:
        raise NVMLError(NVML_ERROR_NOT_SUPPORTED)
    return SimpleNamespace(gpu=handle.whole("utilization"), memory=handle.whole("utilization_memory"))


def nvmlDeviceGetMemoryInfo(handle: _Handle, version: int | None = None) -> SimpleNamespace:
    _called("nvmlDeviceGetMemoryInfo")
    if version != nvmlMemory_v2:
        raise AssertionError("the first version counts what the driver reserves as used")
    return SimpleNamespace(used=handle.get("memory_used_bytes"), total=handle.get("memory_total_bytes"))


def nvmlDeviceGetPowerUsage(handle: _Handle) -> int:
    _called("nvmlDeviceGetPowerUsage")
    return int(handle.whole("power_mw"))


def nvmlDeviceGetTotalEnergyConsumption(handle: _Handle) -> int:
    _called("nvmlDeviceGetTotalEnergyConsumption")
    return int(handle.whole("energy_mj"))


def nvmlDeviceGetClockInfo(handle: _Handle, kind: int) -> int:
    _called("nvmlDeviceGetClockInfo")
    if kind != NVML_CLOCK_SM:
        raise NVMLError(NVML_ERROR_INVALID_ARGUMENT)
    return int(handle.whole("sm_clock_mhz"))


def nvmlDeviceGetCurrentClocksEventReasons(handle: _Handle) -> int:
    _called("nvmlDeviceGetCurrentClocksEventReasons")
    return int(handle.whole("clock_event_reasons"))


def nvmlDeviceGetComputeRunningProcesses_v3(handle: _Handle) -> list[SimpleNamespace]:
    _called("nvmlDeviceGetComputeRunningProcesses_v3")
    given = handle.get("processes")
    if handle.is_cut and "processes" not in handle.given:
        given = [one for part in _parts(handle) for one in part.get("processes")]
    return [SimpleNamespace(pid=one["pid"], usedGpuMemory=one.get("used_memory_bytes")) for one in given]


def nvmlDeviceGetProcessUtilization(handle: _Handle, last_seen: int) -> list[SimpleNamespace]:
    _called("nvmlDeviceGetProcessUtilization")
    if handle.is_cut:
        raise NVMLError(NVML_ERROR_NOT_SUPPORTED)
    handle.whole("process_utilization")
    # Two samples in a turn, the older one of another figure.
    stamp = _machine.turn() * 1_000_000 + 10
    found = [
        SimpleNamespace(pid=one["pid"], timeStamp=at, smUtil=figure)
        for one in handle.get("processes")
        if one.get("sm_percent") is not None
        for at, figure in ((one.get("time_stamp", stamp), one["sm_percent"]), (one.get("time_stamp", stamp) - 5, 1))
        if at > last_seen
    ]
    if not found:
        raise NVMLError(NVML_ERROR_NOT_FOUND)
    return found


def nvmlDeviceGetMigMode(handle: _Handle) -> list[int]:
    _called("nvmlDeviceGetMigMode")
    mode = handle.whole("mig_mode")
    return [mode, mode]


def nvmlDeviceGetMaxMigDeviceCount(handle: _Handle) -> int:
    _called("nvmlDeviceGetMaxMigDeviceCount")
    return int(handle.whole("device_slices"))


def _parts(handle: _Handle) -> list[_Handle]:
    return [_Handle(one, handle) for one in handle.get("slices") if _now(one.get("present", True)) is True]


def nvmlDeviceGetMigDeviceHandleByIndex(handle: _Handle, index: int) -> _Handle:
    _called("nvmlDeviceGetMigDeviceHandleByIndex")
    parts = _parts(handle)
    if index >= len(parts):
        raise NVMLError(NVML_ERROR_NOT_FOUND)
    return parts[index]


def nvmlDeviceGetGpuInstanceId(handle: _Handle) -> int:
    _called("nvmlDeviceGetGpuInstanceId")
    return int(handle.get("gpu_instance_id"))


def nvmlDeviceGetAttributes(handle: _Handle) -> SimpleNamespace:
    _called("nvmlDeviceGetAttributes")
    whole = handle.get("slices")
    return SimpleNamespace(gpuInstanceSliceCount=whole, computeInstanceSliceCount=handle.given.get("compute_slices", whole))
