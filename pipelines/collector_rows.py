"""What the GPU collector writes: one JSON line per GPU, per MIG slice and per compute process of a tick, in NVML's terms.

None is a figure that NVML does not have; it is written as null and never as 0. All rows of a tick have the same `sampled_at`.
"""

from collections.abc import Sequence

import msgspec


class Row(msgspec.Struct, tag_field="record"):
    """What all rows have.

    Args:
        sampled_at: the tick, ISO 8601 in UTC, a multiple of the interval.
        uuid: of the GPU or the slice; its index changes with a restart, this does not.
        host: the machine.
        pool: as given to the collector.
        interval_seconds: between ticks.
        job_id: Slurm's job or Kubernetes' pod uid; of several, in order, with a comma between.
    """

    sampled_at: str
    uuid: str
    host: str
    pool: str | None
    interval_seconds: int
    job_id: str | None


class GpuRow(Row, tag="gpu"):
    """A whole GPU.

    Args:
        index: NVML's number of it.
        name: the product.
        team: as given to the collector.
        utilization_gpu: percent of time in which any kernel ran.
        utilization_memory: percent of time in which memory was accessed.
        memory_used_bytes: without what the driver reserves.
        memory_total_bytes: of the board.
        power_mw: milliwatt of the board.
        total_energy_mj: millijoule since the driver was loaded; a counter that starts anew.
        sm_clock_mhz: of the streaming multiprocessors.
        clock_event_reasons: NVML's bit mask of why clocks are not at their highest.
        processes: compute processes.
        mig_mode: 1 where the GPU is cut into slices.
        device_slices: slices a MIG GPU can be cut into.
    """

    index: int
    name: str | None
    team: str | None
    utilization_gpu: int | None
    utilization_memory: int | None
    memory_used_bytes: int | None
    memory_total_bytes: int | None
    power_mw: int | None
    total_energy_mj: int | None
    sm_clock_mhz: int | None
    clock_event_reasons: int | None
    processes: int | None
    mig_mode: int | None
    device_slices: int | None


class SliceRow(Row, tag="slice"):
    """A MIG slice. NVML has neither utilisation nor power of one.

    Args:
        parent_uuid: its GPU.
        gpu_instance_id: NVML's number of the GPU instance.
        slice_profile: such as 3g.40gb.
        slices: how many of the GPU's slices it has.
        device_slices: how many the GPU has.
        name: the product of the GPU.
        team: as given to the collector.
        utilization_gpu: None.
        memory_used_bytes: of the slice.
        memory_total_bytes: of the slice.
        processes: compute processes in it.
        mig_mode: 1.
    """

    parent_uuid: str
    gpu_instance_id: int | None
    slice_profile: str | None
    slices: int | None
    device_slices: int | None
    name: str | None
    team: str | None
    utilization_gpu: int | None
    memory_used_bytes: int | None
    memory_total_bytes: int | None
    processes: int | None
    mig_mode: int


class ProcessRow(Row, tag="process"):
    """A compute process on a GPU or a slice. Neither its command line nor its user is looked at.

    Args:
        parent_uuid: the GPU of the slice it runs in; None where it runs on a whole GPU.
        pid: its number on the host.
        used_memory_bytes: that it holds on the device.
        sm_percent: of the streaming multiprocessors' time, latest sample.
    """

    parent_uuid: str | None
    pid: int
    used_memory_bytes: int | None
    sm_percent: int | None


_ENCODER = msgspec.json.Encoder()


def lines_of(rows: Sequence[Row]) -> bytes:
    """Rows as JSON lines, UTF-8, each with its newline."""
    return _ENCODER.encode_lines(rows)
