"""Folders of a book that never change once they are there: a record names what lies in them by its hash, and the audit names the record."""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from meterbook.assets.audit import append_audit

REPAIR = "restore it from git or a backup"
Record = TypeVar("Record", bound=BaseModel)


def freeze(target: Path, record: str, write: Callable[[Path], Mapping[str, object]], *, audit: Path, action: str, why: str) -> str:
    """Write a folder beside its place, say so in the audit, and put it there: a failure on the way leaves none of it.

    Args:
        target: the folder.
        record: name of the file in it that names all others by their hashes.
        write: writes everything into a folder, and gives what the audit says beside the record's hash.
        audit: the book's audit.jsonl.
        action: what the audit calls it.
        why: as the user said.

    Returns:
        Digest of the audit's record.

    Raises:
        AuditError: the audit does not verify, so nothing is added to it.
    """
    beside = target.with_name(f".{target.name}")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        beside.mkdir(parents=True)
        details = write(beside)
        told = append_audit(audit, action, why, {**details, "record": sha256((beside / record).read_bytes())})
        beside.rename(target)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    return told


def read_record(path: Path, shape: type[Record], wrong: type[ValueError]) -> tuple[Record, str]:
    """A record, and its sha256.

    Args:
        path: the file.
        shape: what it is.
        wrong: raised where it is not readable.
    """
    try:
        content = path.read_bytes()
        return shape.model_validate(json.loads(content)), sha256(content)
    except (OSError, ValueError, ValidationError) as error:
        raise wrong(f"{path}: is not readable ({str(error).splitlines()[0]}); {REPAIR}") from error


def holds(path: Path, digest: str) -> bool:
    """Whether a file has the content that a record names."""
    return path.is_file() and sha256(path.read_bytes()) == digest


def sha256(content: bytes) -> str:
    """Hex digest."""
    return hashlib.sha256(content).hexdigest()
