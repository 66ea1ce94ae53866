"""What commands are asked about: the book, and a month of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from meterbook.assets.book import BookError
from meterbook.reports.periods import is_month


def book_of(context: typer.Context) -> Path:
    """The folder given by `--book`, or the current one."""
    folder: Path = context.find_root().params.get("book") or Path()
    return folder


def check_month(text: str, example: str = "2026-10") -> None:
    """Refuse what is no month.

    Args:
        text: as it was typed.
        example: a month the command could be asked for.

    Raises:
        BookError: with one line for the user.
    """
    if not is_month(text):
        raise BookError(f"{text!r} is not a month such as {example}")


@contextmanager
def told_in_a_line(*errors: type[Exception]) -> Iterator[None]:
    """Let errors that say what to do end a command as those of the book do."""
    try:
        yield
    except errors as error:
        raise BookError(str(error)) from error
