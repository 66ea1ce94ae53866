"""notified.jsonl of a book: what was told where. Lines are appended and on disk before anything goes on.

At most once: that a notice is about to be sent is written before it is sent. Where a command ends in between, nobody knows whether it
arrived; it is then told as unclear and never sent again, for an alarm that comes twice is not believed the third time. Only what a channel
said it did not take is tried again. Nothing of a channel's address or of its answer is written, only its name and one of a few outcomes.
"""

import errno
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from filelock import FileLock, Timeout

FILE = "notified.jsonl"
LOCK = ".notify.lock"
Outcome = Literal["sending", "sent", "failed", "unclear", "skipped", "given up"]
FIELDS = frozenset({"at", "notice", "channel", "outcome", "why"})


class NotifyError(ValueError):
    """Nothing can be told; the message is one line that says what to do."""


@dataclass(frozen=True)
class State:
    """Where a notice stands with a channel: the last outcome, and when it was first tried."""

    outcome: Outcome
    first_at: datetime


class Notified:
    """What was told.

    Args:
        path: of notified.jsonl.

    Raises:
        NotifyError: a line is not what was written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.states: dict[tuple[str, str], State] = {}
        self.first_use: dict[str, datetime] = {}
        """When each channel was used first."""
        for number, line in enumerate(self._lines(), 1):
            self._take(number, line)

    def note(self, notices: Iterable[str], channel: str, outcome: Outcome, why: str = "") -> None:
        """Add a line for each notice; all are on disk before this returns.

        Raises:
            NotifyError: they cannot be written; nothing may be sent then.
        """
        at = datetime.now(UTC).isoformat(timespec="seconds")
        lines = [{"at": at, "notice": one, "channel": channel, "outcome": outcome, "why": why} for one in notices]
        try:
            self._append("".join(f"{json.dumps(line, separators=(',', ':'))}\n" for line in lines).encode())
        except OSError as error:
            raise NotifyError(f"{self.path} cannot be written ({error.strerror}), so nothing is sent") from error
        for line in lines:
            self._keep(line)

    def _append(self, content: bytes) -> None:
        # What was cut off by a crash in mid-write was not on disk, so nothing had been sent for it.
        whole = sum(len(line) + 1 for line in self._lines())
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            if os.fstat(handle).st_size > whole:
                os.ftruncate(handle, whole)
            if os.write(handle, content) < len(content):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(handle)
        finally:
            os.close(handle)

    def _lines(self) -> list[bytes]:
        return self.path.read_bytes().split(b"\n")[:-1] if self.path.is_file() else []

    def _take(self, number: int, text: bytes) -> None:
        try:
            line: Any = json.loads(text)
            sound = line.keys() == FIELDS and line["outcome"] in get_args(Outcome)
            datetime.fromisoformat(line["at"])
        except (ValueError, AttributeError, TypeError, KeyError):
            sound = False
        if not sound:
            raise NotifyError(f"{self.path}:{number}: is not what was written; restore it from a backup, or notices may be sent twice")
        self._keep(line)

    def _keep(self, line: dict[str, Any]) -> None:
        key, at = (line["notice"], line["channel"]), datetime.fromisoformat(line["at"])
        before = self.states.get(key)
        again = before is not None and before.outcome != "skipped"
        self.states[key] = State(line["outcome"], before.first_at if before and again else at)
        self.first_use.setdefault(line["channel"], at)


@contextmanager
def one_teller(folder: Path) -> Iterator[None]:
    """Keep other commands from telling meanwhile.

    Raises:
        NotifyError: another one is at it.
    """
    lock = FileLock(folder / LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout as busy:
        raise NotifyError(f"another command sends notices of {folder}; wait for it") from busy
    try:
        yield
    finally:
        lock.release()
