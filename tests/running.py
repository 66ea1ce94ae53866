"""Runs and commands in the process of the tests: one of its own takes seconds to load."""

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import pytest
from rich.console import Console

from meterbook.pipelines.cli import main
from meterbook.pipelines.runner import run_book


class Said(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


def run(book: Path) -> tuple[int, str]:
    """Run a book: the exit code, and what was said."""
    said = io.StringIO()
    code = run_book(book, Console(file=said, highlight=False, width=80))
    return code, said.getvalue()


def typed(book: Path, *words: str) -> Said:
    """A command as it is typed in a shell, errors and exit codes too."""
    out, err = io.StringIO(), io.StringIO()
    argv = ["meterbook", "--book", str(book), *words]
    with patch.object(sys, "argv", argv), redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as left:
        main()
    return Said(int(left.value.code or 0), out.getvalue(), err.getvalue())
