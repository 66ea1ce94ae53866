"""Runs and commands in the process of the tests: one of its own takes seconds to load."""

import io
import sys
from collections.abc import Sequence
from contextlib import nullcontext, redirect_stderr, redirect_stdout
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest
from rich.console import Console

from meterbook.assets.publications import Publication
from meterbook.assets.publishing import Publisher
from meterbook.assets.workspace import Plan, Workspace
from meterbook.pipelines import runner
from meterbook.pipelines.cli import main


class Said(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


class _Plain:
    """What Dagster does of a run, without it. What breaks a rule or cannot be published ends the run as an error.

    A test of the benchmarks (tests/pipelines/test_bench_runs.py) holds the files of both ways against each other.
    """

    def __init__(self, workspace: Workspace, active: Sequence[str]) -> None:
        self._workspace, self._active = workspace, active
        self.failures: list[str] = []

    def compute(self, plan: Plan) -> bool:
        for name in self._active:
            self._workspace.build(self._workspace.project.models[name], (plan.from_day, plan.to_day))
        return True

    def publish(self, items: Sequence[Publication]) -> bool:
        for _ in Publisher(self._workspace).publish(items):
            pass
        return True


def run(book: Path, *, by_dagster: bool = False) -> tuple[int, str]:
    """Run a book: the exit code, and what was said.

    Args:
        book: the folder.
        by_dagster: as a user has it, in twice the time; else its steps are called one after the other.
    """
    said, plain = io.StringIO(), cached_property[Any](lambda run: _Plain(run.workspace, run._active))
    plain.__set_name__(runner._Run, "_executor")
    with nullcontext() if by_dagster else patch.object(runner._Run, "_executor", plain, create=True):
        code = runner.run_book(book, Console(file=said, highlight=False, width=80))
    return code, said.getvalue()


def typed(book: Path, *words: str) -> Said:
    """A command as it is typed in a shell, errors and exit codes too."""
    out, err = io.StringIO(), io.StringIO()
    argv = ["meterbook", "--book", str(book), *words]
    with patch.object(sys, "argv", argv), redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as left:
        main()
    return Said(int(left.value.code or 0), out.getvalue(), err.getvalue())
