"""The models that ship with meterbook, over the raw tables of the formats that are there."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from threading import RLock

from meterbook.sql.models import Columns, Project
from meterbook.sql.shipped import shipped

_finding = RLock()
"""Files are taken in two at once, and on a new machine either would find out what ships."""


def project() -> Project:
    """All models, in order."""
    return _shipped()[0]


def columns() -> Mapping[str, Columns]:
    """Columns of every table of the project."""
    return _shipped()[1]


def _shipped() -> tuple[Project, Mapping[str, Columns]]:
    with _finding:
        return _found()


@cache
def _found() -> tuple[Project, Mapping[str, Columns]]:
    return shipped(Path(__file__).parent, _raw_columns)


def _raw_columns() -> Mapping[str, Columns]:
    from meterbook.assets.inbox import raw_columns  # noqa: PLC0415 -- most commands read no file of an inbox

    return raw_columns()
