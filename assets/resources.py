"""What assets are given: the book they work on, opened once for a run."""

from collections.abc import Callable
from pathlib import Path

import dagster as dg
from pydantic import PrivateAttr

from meterbook.assets.workspace import Workspace

Reporter = Callable[[str, int], None]
"""Called with the step at work and how much of it was just done."""


def _silent(_step: str, _done: int) -> None:
    return


class BookResource(dg.ConfigurableResource[Workspace]):
    """The book's folder, opened when a run starts.

    Args:
        folder: path of the book.
    """

    folder: str
    _workspace: Workspace | None = PrivateAttr(default=None)
    _reporter: Reporter = PrivateAttr(default=_silent)

    def reporting_to(self, reporter: Reporter) -> "BookResource":
        """The same book with somebody who is told about progress."""
        self._reporter = reporter
        return self

    def report(self, step: str, done: int = 1) -> None:
        """Say that some of a step is done."""
        self._reporter(step, done)

    def workspace(self) -> Workspace:
        """The opened book.

        Raises:
            BookError: the book is wrong.
        """
        if self._workspace is None:
            self._workspace = Workspace(Path(self.folder))
        return self._workspace
