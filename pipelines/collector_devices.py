"""The GPUs and MIG slices of a machine as NVML lists them, with what of them does not change from one tick to the next."""

from collections import Counter
from dataclasses import dataclass, field
from types import ModuleType

from meterbook.pipelines.collector_clock import Say
from meterbook.pipelines.collector_nvml import INVALID_ARGUMENT, NOT_FOUND, Figures, GoneError, known

Said = set[tuple[str, str, str]]
"""Device, figure and reason, each told once in the life of a collector."""
_MIG = " MIG "
"""Before the profile in the name of a slice: NVIDIA A100-SXM4-40GB MIG 3g.20gb."""


@dataclass
class Device:
    """A GPU or a slice.

    Args:
        handle: NVML's own.
        uuid: `GPU-...` or `MIG-...`.
        figures: asks NVML about it.
    """

    handle: object
    uuid: str
    figures: Figures


@dataclass
class Slice(Device):
    """A MIG slice: a compute instance within a GPU instance.

    Args:
        gpu_instance_id: NVML's number.
        profile: such as 3g.40gb.
        slices: of the GPU's slices; where a GPU instance holds several compute instances, those of the compute instance, for else their
            sum were more than there are.
    """

    gpu_instance_id: int | None = None
    profile: str | None = None
    slices: int | None = None


@dataclass
class Gpu(Device):
    """A GPU.

    Args:
        index: NVML's number.
        name: the product.
        mig_mode: 1 where it is cut into slices.
        device_slices: how many it can be cut into; None where it is not cut.
        slices: those there are.
        seen_us: stamp of the latest sample of its processes, unix microseconds.
    """

    index: int = 0
    name: str | None = None
    mig_mode: int | None = None
    device_slices: int | None = None
    slices: list[Slice] = field(default_factory=list)
    seen_us: int = 0


def gpu_at(nvml: ModuleType, index: int, said: Said, say: Say) -> Gpu:
    """The GPU of a number, and its slices.

    Raises:
        NVMLError: there is none, or it cannot be known which one it is.
        GoneError: it does not answer.
    """
    handle = nvml.nvmlDeviceGetHandleByIndex(index)
    uuid = nvml.nvmlDeviceGetUUID(handle)
    gpu = Gpu(handle, uuid, Figures(nvml, uuid, said, say), index)
    gpu.name = gpu.figures.ask("name", "nvmlDeviceGetName", handle)
    mode = gpu.figures.ask("mig_mode", "nvmlDeviceGetMigMode", handle)
    gpu.mig_mode = mode[0] if mode else None
    if gpu.mig_mode:
        gpu.device_slices = gpu.figures.ask("device_slices", "nvmlDeviceGetMaxMigDeviceCount", handle)
        gpu.slices = _slices(nvml, gpu, said, say)
    return gpu


def _slices(nvml: ModuleType, gpu: Gpu, said: Said, say: Say) -> list[Slice]:
    found = []
    for place in range(gpu.device_slices or 0):
        try:
            handle = nvml.nvmlDeviceGetMigDeviceHandleByIndex(gpu.handle, place)
            uuid = nvml.nvmlDeviceGetUUID(handle)
        except nvml.NVMLError as error:
            if error.value not in {NOT_FOUND, INVALID_ARGUMENT}:  # these say that no slice has this place
                gpu.figures.lack(f"slice {place}", str(error))
            continue
        try:
            found.append(_slice(Slice(handle, uuid, Figures(nvml, uuid, said, say))))
        except GoneError as gone:
            gpu.figures.lack(f"slice {place}", str(gone))
    return _counted(found)


def _slice(one: Slice) -> Slice:
    one.gpu_instance_id = known(one.figures.ask("gpu_instance_id", "nvmlDeviceGetGpuInstanceId", one.handle))
    name = one.figures.ask("name", "nvmlDeviceGetName", one.handle)
    one.profile = name.partition(_MIG)[2] or None if name else None
    return one


def _counted(slices: list[Slice]) -> list[Slice]:
    sharing = Counter(one.gpu_instance_id for one in slices)
    for one in slices:
        attributes = one.figures.ask("slices", "nvmlDeviceGetAttributes", one.handle)
        is_alone = one.gpu_instance_id is not None and sharing[one.gpu_instance_id] == 1
        count = attributes and (attributes.gpuInstanceSliceCount if is_alone else attributes.computeInstanceSliceCount)
        # A slice has at least one of the GPU's slices; 0 is a driver that does not tell.
        one.slices = known(count) or None
    return slices
