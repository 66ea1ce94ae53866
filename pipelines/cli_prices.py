"""`meterbook prices ...`: rate cards seeded from a price source, held against it, and checked. Nothing here reaches the network."""

import csv
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.table import Table

from meterbook.assets.book import BookError
from meterbook.pipelines.asked import book_of
from meterbook.pipelines.consoles import err, out
from meterbook.rate_cards.compile import SHIPPED, read_entries
from meterbook.rate_cards.diff import Compared, Difference, compare
from meterbook.rate_cards.offers import EXAMPLES, Source, SourceError, UnknownProviderError
from meterbook.rate_cards.providers import KNOWN, canonical
from meterbook.rate_cards.seed import THRESHOLD, Seeded, seed

DONE, FAILED, WRONG = 0, 1, 2
FIRST = ("openai", "anthropic", "google")
"""Whose cards are made in a folder that has none."""
app = typer.Typer(help="Rate cards.", no_args_is_help=True, rich_markup_mode=None)

Providers = Annotated[
    list[str] | None,
    typer.Option("--provider", help="Provider, such as mistral or bedrock; give it again for more. Else those with a card."),
]
Map = Annotated[Path | None, typer.Option(help="A LiteLLM price map (JSON) to read instead of the installed genai-prices.")]
Folder = Annotated[Path | None, typer.Option(help="Folder of cards; else the book's over the shipped ones.")]


@app.command(
    "seed",
    epilog="Examples: meterbook prices seed --provider openai --provider mistral --folder ./book/rate_cards; "
    "meterbook prices seed --litellm model_prices.json --accept gpt-5",
)
def seed_cards(
    folder: Annotated[Path, typer.Option(help="Folder of the cards.")] = Path("rate_cards"),
    provider: Providers = None,
    litellm: Map = None,
    accept: Annotated[
        list[str] | None,
        typer.Option(help="Model whose price may move by more than the threshold; `all` for every one. Give it again for more."),
    ] = None,
    threshold: Annotated[float, typer.Option(min=0, help="Per cent by which a price may move unaccepted.")] = float(THRESHOLD),
) -> None:
    """Append new models and prices to dated cards: a changed price is ended today, and what held before stays as it is.

    Refused models and distrusted sources leave exit code 1.
    """
    today = _today()
    source, wanted = _read(litellm, provider, [path.stem for path in sorted(folder.glob("*.yaml"))], today)
    done = seed(folder, source, wanted, today, threshold=Decimal(str(threshold)), accept=accept or ())
    for text in source.warnings:
        _warn(text)
    for one in done:
        _tell(one)
    if any(one.failed or one.refused for one in done):
        raise typer.Exit(FAILED)


@app.command(
    "diff", epilog="Examples: meterbook prices diff; meterbook prices diff --litellm model_prices.json --provider openai --format csv"
)
def diff_cards(
    context: typer.Context,
    folder: Folder = None,
    provider: Providers = None,
    litellm: Map = None,
    form: Annotated[Literal["table", "csv", "json"], typer.Option("--format", help="How to print.")] = "table",
) -> None:
    """Show where the cards in force and a price source disagree: per million tokens and characters, per one of all else."""
    today = _today()
    entries = read_entries(_folders(context, folder))
    source, wanted = _read(litellm, provider, [provider for provider, _ in entries], today)
    found = compare(entries, source, wanted, today)
    _print(found.differences, form)
    _summary(found, source)


@app.command("check", epilog="Examples: meterbook prices check; meterbook prices check --folder ./book/rate_cards --older-than 90")
def check_cards(
    context: typer.Context,
    folder: Folder = None,
    older_than: Annotated[int, typer.Option(min=1, help="Days after which a price should be looked at again.")] = 180,
) -> None:
    """Validate cards: shape, dates, names, sources and age; in a book with a lake also the models that had no price.

    Exit code 2 where a card is wrong; what is merely old or unpriced is a warning.
    """
    from meterbook.rate_cards.audit import audit  # noqa: PLC0415

    folders = _folders(context, folder)
    findings = audit(folders, _today(), older_than)
    for one in findings:
        err.print(f"{one.severity}: {one.text}", style="red" if one.severity == "error" else "yellow", soft_wrap=True, markup=False)
    if any(one.severity == "error" for one in findings):
        raise typer.Exit(WRONG)
    for text in _unpriced(_book(context)):
        _warn(text)
    entries = read_entries(folders)
    rates = sum(len(entry.model.rates) for entry in entries.values())
    out.print(f"{len(entries)} models of {len({provider for provider, _ in entries})} providers, {rates} rates", markup=False)


def _today() -> date:
    return datetime.now(UTC).date()


def _book(context: typer.Context) -> Path | None:
    """The book the command is run in, where it is one."""
    book = book_of(context)
    return book if (book / "meterbook.yaml").is_file() else None


def _folders(context: typer.Context, folder: Path | None) -> list[Path]:
    if folder is not None:
        if not folder.is_dir():
            raise BookError(f"{folder} is not a folder of cards")
        return [folder]
    book = _book(context)
    return [SHIPPED, *([book / "rate_cards"] if book else [])]


def _read(litellm: Path | None, given: Sequence[str] | None, there: Iterable[str], today: date) -> tuple[Source, list[str]]:
    """The source, and whose prices are wanted of it: of those named, else of those with a card, else of the largest."""
    from meterbook.rate_cards import from_genai, from_litellm  # noqa: PLC0415 -- genai-prices takes a while to load

    wanted = list(dict.fromkeys(map(canonical, given or [name for name in there if name in KNOWN] or FIRST)))
    try:
        while True:
            try:
                return from_litellm.read(litellm, wanted, today) if litellm else from_genai.read(wanted, today), wanted
            except UnknownProviderError as error:
                left = [name for name in wanted if name not in error.missing]
                if given or not left:
                    raise
                _warn(str(error).partition(";")[0])
                wanted = left
    except SourceError as error:
        err.print(f"warning: {error}; no card is touched", style="red", soft_wrap=True, markup=False)
        raise typer.Exit(FAILED) from error
    except (UnknownProviderError, OSError) as error:
        raise BookError(str(error)) from error


def _tell(done: Seeded) -> None:
    for note in done.notes:
        _warn(f"{done.provider}/{note}")
    for refused in done.refused:
        err.print(f"refused: {done.provider}/{refused}", style="red", soft_wrap=True, markup=False)
    if done.failed:
        err.print(f"warning: {done.provider}: {done.failed}; {done.path} is left as it is", style="red", soft_wrap=True, markup=False)
        return
    counts = f"{len(done.added)} models added, {len(done.changed)} changed"
    out.print(f"{done.path}: {counts if done.is_written else 'nothing new'}", soft_wrap=True, markup=False)


def _warn(text: str) -> None:
    err.print(f"warning: {text}", style="yellow", soft_wrap=True, markup=False)


def _print(rows: Sequence[Difference], form: str) -> None:
    names = [field.name for field in fields(Difference)]
    cells = [[_cell(value) for value in astuple(row)] for row in rows]
    if form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerows([names, *cells])
    elif form == "json":
        sys.stdout.write(json.dumps([dict(zip(names, row, strict=True)) for row in cells], indent=1) + "\n")
    else:
        table = Table(show_edge=False)
        for name in ("provider", "model", "tier", "meter", "card", "source", "change %", "from"):
            table.add_column(name, overflow="fold")
        for row in cells:
            table.add_row(*(value or "-" for value in row))
        out.print(table)


def _cell(value: object) -> str | None:
    """Money as plain decimals, never as a float."""
    return None if value is None else f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def _summary(found: Compared, source: Source) -> None:
    for text in (*source.warnings, *found.notes):
        _warn(text)
    for provider, names in found.missing.items():
        named = ", ".join(names[:EXAMPLES]) + (", ..." if len(names) > EXAMPLES else "")
        _warn(f"{provider}: {len(names)} models of {source.name} are on no card: {named}")
    err.print(f"{len(found.differences)} prices differ from {source.name}", markup=False)


def _unpriced(book: Path | None) -> list[str]:
    """Models the last run saw without a price, and why."""
    if book is None or not (book / "lake").is_dir():
        return []
    from meterbook.assets.workspace import Workspace  # noqa: PLC0415 -- the engine is needed only here

    query = """
        select provider, model, served_tier, unpriced_reason, count(distinct day), max(day) from core.rate_in_force
        where unpriced_reason is not null group by all order by 1, 2, 3, 4
    """
    with Workspace(book).catalog.reading(["core.rate_in_force"]) as con:
        rows = con.execute(query).fetchall()
    return [
        f"{provider or 'unknown provider'}/{model or 'unknown model'} ({tier}): no price on {days} days, last on {last}: {why}"
        for provider, model, tier, why, days, last in rows
    ]
