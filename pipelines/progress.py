"""Progress for people: one bar for the step at work, a line for each step done."""

from time import monotonic
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


class Steps:
    """A progress bar over named steps; silent where output is no terminal, but for a line per step.

    Args:
        console: where to write.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        columns = (
            TextColumn("{task.description:<14}"),
            BarColumn(32),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[what]}"),
        )
        self._bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task: TaskID | None = None
        self._name, self._total, self._done = "", 0, 0
        self._began = monotonic()

    def __enter__(self) -> Self:
        """Show the bar."""
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Take the bar away."""
        self._end()
        self._bar.stop()

    def begin(self, name: str, total: int) -> None:
        """Begin a step of so many parts."""
        self._end()
        self._name, self._total, self._done = name, total, 0
        self._began = monotonic()
        self._task = self._bar.add_task(name, total=total or None, what="")

    def advance(self, what: str, done: int = 1) -> None:
        """Say that parts of the step are done, and what is at work."""
        self._done += done
        if self._task is not None:
            self._bar.update(self._task, completed=self._done, total=max(self._total, self._done) or None, what=what)

    def _end(self) -> None:
        if self._task is not None:
            self._bar.remove_task(self._task)
            self._task = None
            self._console.print(f"{self._name}: done in {monotonic() - self._began:.1f} s", style="dim")
