"""What a book's work may take of the machine, as its meterbook.yaml says it in DuckDB's words, and what is in force."""

import os
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from meterbook.assets.sources import Strict
from meterbook.sql import limits
from meterbook.sql.catalog import Settings
from meterbook.sql.lake import MEMORY_SPILL
from meterbook.sql.limits import LimitError


def _amount(text: str) -> str:
    limits.bytes_of(text)
    return text


class Limits(Strict):
    """The settings of a book that limit what a run takes; figures do not depend on them."""

    memory_limit: Annotated[str, AfterValidator(limits.memory_of)] | None = Field(
        default=None, description="what DuckDB may hold while models are made; else 1GB, or half of a smaller machine or container"
    )
    threads: int | None = Field(default=None, ge=1, le=999, description="of DuckDB; else 2, or 1 where there is one processor")
    temp_directory: Path | None = Field(
        default=None, description="a folder for what memory does not hold, from the book; else _spill in its lake"
    )
    max_temp_directory_size: Annotated[str, AfterValidator(_amount)] | None = Field(
        default=None, description="what may lie there; else nine tenths of what the disk has free"
    )


def in_force(folder: Path, own: Limits) -> Settings:
    """The settings of the engine: what the environment says, else the book, else what suits the machine.

    Args:
        folder: the book.
        own: what it says itself.

    Raises:
        LimitError: the environment says what cannot be, or the folder named for temporary files is not there.
    """
    return Settings(
        memory_limit=limits.set_outside("memory_limit") or own.memory_limit or limits.memory(),
        threads=int(limits.set_outside("threads") or own.threads or limits.threads()),
        temp_directory=_temporary(folder, own.temp_directory),
        max_temp_directory_size=limits.set_outside("max_temp_directory_size") or own.max_temp_directory_size or "",
    )


def _temporary(folder: Path, own: Path | None) -> str:
    outside = limits.set_outside("temp_directory")
    named = Path(outside) if outside else folder / own if own else None
    if named is None:
        lake = folder / "lake"
        # A lake that can only be read is asked too: then what is spilled lies among the machine's temporary files.
        return str(lake / MEMORY_SPILL) if os.access(lake if lake.is_dir() else folder, os.W_OK) else ""
    if not named.is_dir():
        raise LimitError(f"{'METERBOOK_TEMP_DIRECTORY' if outside else folder / 'meterbook.yaml'}: temp_directory {named} is no folder")
    return str(named)


def in_words(settings: Settings) -> str:
    """What is in force, for people."""
    machine = limits.machine()
    where = settings.temp_directory or "the machine's temporary files"
    most = f", at most {settings.max_temp_directory_size}" if settings.max_temp_directory_size else ""
    return (
        f"DuckDB may take {settings.memory_limit} of memory and {settings.threads} thread{'s' * (settings.threads > 1)} "
        f"(there are {machine.memory_bytes / 1e9:.1f} GB and {machine.cpus}), and spills into {where}{most}"
    )
