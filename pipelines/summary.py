"""What a run says when it is over: what came in and went out, what it cost, what was written, what needs a look."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from rich.console import Console

from meterbook.assets.inbox import Ingested
from meterbook.assets.publications import JUDGED
from meterbook.assets.publishing import Publisher
from meterbook.pipelines.words import (
    QUALITY_FILE,
    cost_line,
    coverage_lines,
    differing_line,
    door_lines,
    gate_lines,
    unmade_lines,
    written_lines,
)
from meterbook.reports.coverage import Coverage
from meterbook.reports.quality import Quality

SHOWN = 5
"""Notes of one kind printed at most."""
MOST = 20
"""Refused files printed at most."""


@dataclass
class Outcome:
    """What a run did."""

    ingested: Ingested = field(default_factory=Ingested)
    built_days: tuple[date, date] | None = None
    published: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    held: dict[str, str] = field(default_factory=dict)
    """Why publications were held back, by key."""
    drafts: dict[str, str] = field(default_factory=dict)
    """Why pages are drafts, by key of all that are."""

    @property
    def is_short(self) -> bool:
        """Whether the gate held back a publication, or made a draft of a page that was published now."""
        return bool(self.held) or not self.drafts.keys().isdisjoint(self.published)


def summarise(publisher: Publisher, console: Console, outcome: Outcome) -> None:
    """Print what a run did.

    Args:
        publisher: of the book it worked on.
        console: where to print.
        outcome: what it did.
    """
    for line in _told(publisher, outcome):
        console.print(line, soft_wrap=True, markup=False)
    _notes(publisher.workspace.folder, console, outcome.ingested)
    for failure in outcome.failures:
        console.print(f"failed {failure}", style="red", soft_wrap=True, markup=False)
    for line in unmade_lines(publisher.unmade()):
        console.print(line, style="yellow", soft_wrap=True, markup=False)
    for why in outcome.held.values():
        console.print(f"not published {why}", style="red", soft_wrap=True, markup=False)
    # Nothing is judged for the sake of the summary: a run that failed has published nothing.
    for line in gate_lines(publisher.gate.verdicts if publisher.gate.is_known else []):
        console.print(line, style="yellow", soft_wrap=True, markup=False)
    for why in outcome.drafts.values():
        console.print(f"draft {why}", style="yellow", soft_wrap=True, markup=False)


def _told(publisher: Publisher, outcome: Outcome) -> list[str]:
    """What came in and went out, what it cost, what was written."""
    workspace = publisher.workspace
    lines = [_input_line(outcome.ingested)]
    with workspace.catalog.reading((*JUDGED, "marts.conservation")) as con:
        door = door_lines(Quality(con, publisher.quality))
        [(rows_out, duplicates)] = con.execute(
            "select coalesce(sum(rows_out), 0), coalesce(sum(duplicates), 0) from marts.input_file"
        ).fetchall()
        [(days, first, last, cost)] = con.execute("select count(*), min(day), max(day), sum(cost_usd) from marts.conservation").fetchall()
        coverage = Coverage(con)
        lines += [f"kept {rows_out:,} rows, {duplicates:,} duplicates", *door]
        if days:
            lines.append(cost_line(coverage, cost, f"over {days} days, {first} to {last}"))
        lines += coverage_lines(coverage)
    built = outcome.built_days
    lines.append(f"computed {built[0]} to {built[1]}" if built else "nothing to compute: every day is up to date")
    if differing := workspace.prices.differing():
        lines.append(differing_line(differing))
    return [*lines, *written_lines(workspace.folder, outcome.published)]


def _notes(folder: Path, console: Console, found: Ingested) -> None:
    """What is to be said of single files; of many only the first, for the quality page names them all."""
    inbox = folder / "inbox"
    for name, flag in found.flagged[:SHOWN]:
        console.print(f"note {inbox / name}: it {flag}", style="yellow", soft_wrap=True, markup=False)
    if len(found.flagged) > SHOWN:
        console.print(
            f"and {len(found.flagged) - SHOWN} more notes: meterbook query 'from raw.file_flag'",
            style="yellow",
            soft_wrap=True,
            markup=False,
        )
    for name, why in found.skipped[:SHOWN]:
        console.print(f"skipped {inbox / name}: {why}", soft_wrap=True, markup=False)
    for name, reason in found.refused[:MOST]:
        console.print(f"refused {inbox / name}: it {reason}", style="red", soft_wrap=True, markup=False)
    if len(found.refused) > MOST:
        console.print(
            f"and {len(found.refused) - MOST} more refused: {folder / QUALITY_FILE} names them", style="red", soft_wrap=True, markup=False
        )


def _input_line(found: Ingested) -> str:
    files = f"{found.new_files} new and {found.known_files} known files"
    copies = f", {found.copies} delivered twice" if found.copies else ""
    if not found.new_files and not found.known_files:
        return "the inbox is empty: drop usage exports, gateway logs, GPU samples or outcomes into it"
    replaced = f", {found.superseded:,} replaced by later exports" if found.superseded else ""
    return f"read {files}{copies}: {found.rows_in:,} rows in, {found.quarantined:,} set aside, {found.filtered:,} filtered{replaced}"
