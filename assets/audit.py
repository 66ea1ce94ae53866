"""audit.jsonl of a book: who did what to its history, when and why. Lines are appended, never edited.

Each line names the hash of the line before, so that an edited, dropped or inserted line breaks the chain. What is referred to by other
files of the book (corrections.csv) also shows where the end was cut off.
"""

import getpass
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FILE = "audit.jsonl"
START = "0" * 64
"""What the first line names as the line before."""
FIELDS = ("at", "who", "action", "why", "details", "previous", "digest")


class AuditError(ValueError):
    """audit.jsonl is not what was written; the message names file and line."""


@dataclass(frozen=True)
class Record:
    """One line.

    Args:
        at: UTC instant, ISO 8601.
        who: name of the user on the machine.
        action: what was done, such as `rerate`.
        why: as the user said.
        details: what it was about, as JSON.
        digest: sha256 of the line without its digest; other files refer to it.
    """

    at: str
    who: str
    action: str
    why: str
    details: Mapping[str, object]
    digest: str


def read_audit(path: Path) -> Iterator[Record]:
    """Every record, as long as the chain holds.

    Raises:
        AuditError: a line is not readable, was changed, or does not follow the line before.
    """
    previous = START
    for number, line in enumerate(_lines(path), 1):
        where = f"{path}:{number}"
        found = _read(where, line)
        if found["previous"] != previous:
            raise AuditError(f"{where}: does not follow the line before it: a line was changed, dropped or put in between")
        said = found.pop("digest")
        if said != _sha256(_text(found)):
            raise AuditError(f"{where}: was changed after it was written: its digest does not fit")
        yield Record(**{field.name: found[field.name] for field in fields(Record) if field.name in found}, digest=said)
        previous = hashlib.sha256(line).hexdigest()


def append_audit(path: Path, action: str, why: str, details: Mapping[str, object]) -> str:
    """Add a record; it is on disk before this returns.

    Returns:
        The record's digest.

    Raises:
        AuditError: what is there does not verify, so nothing is added to it.
    """
    for _ in read_audit(path):
        pass
    lines = _lines(path)
    record = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "who": user_name(),
        "action": action,
        "why": why,
        "details": details,
        "previous": hashlib.sha256(lines[-1]).hexdigest() if lines else START,
    }
    digest = _sha256(_text(record))
    # One write of one whole line to a file opened for appending: never half of it after half of another's.
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(handle, f"{_text({**record, 'digest': digest})}\n".encode())
        os.fsync(handle)
    finally:
        os.close(handle)
    return digest


def user_name() -> str:
    """Who works on the machine."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run under a number that has no name.
        return f"uid {os.getuid()}"


def _lines(path: Path) -> list[bytes]:
    if not path.is_file():
        return []
    content = path.read_bytes()
    if content and not content.endswith(b"\n"):
        raise AuditError(f"{path}:{len(content.splitlines())}: ends in the middle of a line; restore the file from git or a backup")
    return content.split(b"\n")[:-1]


def _read(where: str, line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError as error:
        raise AuditError(f"{where}: is no JSON ({error})") from error
    if not isinstance(found, dict) or sorted(found) != sorted(FIELDS):
        raise AuditError(f"{where}: has not the fields {', '.join(FIELDS)}")
    return found


def _text(record: Mapping[str, object]) -> str:
    return json.dumps(record, separators=(",", ":"), ensure_ascii=False)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
