"""Which job a process belongs to, from what Linux says of it: its control groups, and Slurm's variable where it may be read.

Slurm names the step's group `.../job_123/step_0/...` (cgroup v1 and v2), Kubernetes the pod's `.../pod<uid>/...` or
`...-pod<uid with underscores>.slice`. Command lines and users are not looked at.
"""

import re
from pathlib import Path

HOST_NAMESPACE = "pid:[4026531836]"
"""The first PID namespace of a Linux machine (PROC_PID_INIT_INO of include/linux/proc_ns.h)."""
_SLURM = re.compile(r"/job_(\d+)(?:/|$)", re.MULTILINE)
_POD = re.compile(r"pod([0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|[0-9a-f]{32})(?![0-9a-f])")
_VARIABLE = re.compile(rb"(?:^|\x00)SLURM_JOB_ID=(\d+)(?:\x00|$)")
_START = 19
"""Of the words behind the name in /proc/<pid>/stat: the 22nd field, start time in clock ticks since boot."""


class Jobs:
    """Jobs of processes, each looked up once.

    Args:
        proc: where Linux shows its processes.
    """

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc
        self._known: dict[int, tuple[bytes, str | None]] = {}
        self._asked: set[int] = set()

    def is_host(self) -> bool:
        """Whether the numbers of processes are those of the host: elsewhere NVML's list is empty, or names other processes."""
        try:
            return (self._proc / "self/ns/pid").readlink().name == HOST_NAMESPACE
        except OSError:
            return False

    def of(self, pid: int) -> str | None:
        """The job of a process; None where nothing tells, or the process has ended."""
        self._asked.add(pid)
        started = self._started(pid)
        if started is None:
            return None
        known = self._known.get(pid)
        # A number is given to another process sooner or later; number and start together never are.
        if known is None or known[0] != started:
            self._known[pid] = known = (started, self._found(pid))
        return known[1]

    def forget(self) -> None:
        """Drop what was not asked for since the last time."""
        self._known = {pid: known for pid, known in self._known.items() if pid in self._asked}
        self._asked.clear()

    def _started(self, pid: int) -> bytes | None:
        # The name of a process, in brackets, may hold brackets and spaces.
        words = self._read(pid, "stat").rpartition(b")")[2].split()
        return words[_START] if len(words) > _START else None

    def _found(self, pid: int) -> str | None:
        groups = self._read(pid, "cgroup").decode("utf-8", "replace")
        if slurm := _SLURM.search(groups):
            return slurm[1]
        if pod := _POD.search(groups):
            return pod[1].replace("_", "-")
        variable = _VARIABLE.search(self._read(pid, "environ"))
        return variable[1].decode() if variable else None

    def _read(self, pid: int, name: str) -> bytes:
        try:
            return (self._proc / str(pid) / name).read_bytes()
        except OSError:
            return b""  # it has ended, or may not be read


def together(jobs: set[str | None]) -> str | None:
    """Jobs that hold one device as one text, in order; None where none is known."""
    return ", ".join(sorted(job for job in jobs if job)) or None
