"""What assets are given: the book they work on, opened once for a run."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

import dagster as dg
from pydantic import PrivateAttr

from meterbook.assets.workspace import Workspace

Reporter = Callable[[str, int], None]
"""Called with the step at work and how much of it was just done."""

# Dagster copies resources for each run, so whoever follows a run in this process is kept beside them.
_LISTENER: ContextVar[Reporter | None] = ContextVar("listener", default=None)
_LENT: ContextVar[Workspace | None] = ContextVar("lent", default=None)


@contextmanager
def listening(reporter: Reporter) -> Iterator[None]:
    """Be told about the progress of runs in this process."""
    token = _LISTENER.set(reporter)
    try:
        yield
    finally:
        _LISTENER.reset(token)


@contextmanager
def lending(workspace: Workspace) -> Iterator[None]:
    """Have runs in this process work on a book that is open already: to look at every file of a year of days once more takes a second."""
    token = _LENT.set(workspace)
    try:
        yield
    finally:
        _LENT.reset(token)


def report(step: str, done: int = 1) -> None:
    """Say that some of a step is done."""
    listener = _LISTENER.get()
    if listener:
        listener(step, done)


class BookResource(dg.ConfigurableResource[Workspace]):
    """The book's folder, opened when a run first needs it.

    Args:
        folder: path of the book.
    """

    folder: str
    _workspace: Workspace | None = PrivateAttr(default=None)

    def workspace(self) -> Workspace:
        """The opened book: the one that is lent, where it is this one.

        Raises:
            BookError: the book is wrong.
        """
        lent = _LENT.get()
        if lent and lent.folder == Path(self.folder):
            return lent
        if self._workspace is None:
            self._workspace = Workspace(Path(self.folder))
        return self._workspace
