"""Close a month, and open it again: what it was made from and what it came to is put down, and said in the audit."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from itertools import count
from pathlib import Path
from zoneinfo import ZoneInfo

from meterbook.assets.audit import FILE as AUDIT
from meterbook.assets.audit import append_audit
from meterbook.assets.book import Book
from meterbook.assets.closed import FILES, FOLDER, LINES, RAW, RECORD, REOPENED, Closed, CloseError, read_closed
from meterbook.assets.frozen import freeze, sha256
from meterbook.assets.ledger import contents
from meterbook.assets.publications import Publication
from meterbook.assets.publishing import Publisher
from meterbook.assets.workspace import Workspace
from meterbook.reports.charges import Edition
from meterbook.reports.codes import FinanceError
from meterbook.reports.periods import days_of
from meterbook.sql.lake import COPY, quoted

SETTINGS = ("*.yaml", "*.csv", "baselines.jsonl", "rate_cards/*.yaml", "ratecards/*/*/card.json", "prices.lock")
"""The files of a book that figures follow from."""
TABLE = "core.allocation"


@dataclass(frozen=True)
class Month:
    """A month that was closed or reopened, and the record of the audit that says so."""

    period: str
    audit: str
    closed: Closed | None = None


def close(workspace: Workspace, period: str, why: str) -> Month:
    """Close a month: what is published of it from now on is what it is now.

    Args:
        workspace: the opened book, after a run.
        period: the month, YYYY-MM.
        why: what the audit says beside it; may be empty.

    Raises:
        CloseError: the month is not over, closed already, not the next to close, or not computed; or its finance files cannot be published.
        AuditError: the audit does not verify, so nothing is added to it.
    """
    _refuse(workspace, period)
    target = workspace.folder / FOLDER / period
    audit = freeze(
        target, RECORD, lambda folder: _write(workspace, period, folder), audit=workspace.folder / AUDIT, action="close", why=why
    )
    workspace.book = Book(workspace.folder)
    publisher = Publisher(workspace)
    list(publisher.publish(publisher.settled(period)))
    return Month(period, audit, read_closed(target))


def reopen(workspace: Workspace, period: str, why: str) -> Month:
    """Open the last closed month again; what it was closed with stays in `closed/.reopened/`.

    Raises:
        CloseError: it is not the last closed month.
        AuditError: the audit does not verify, so nothing is added to it.
    """
    closed = workspace.book.closed
    if period not in {one.period for one in closed}:
        raise CloseError(f"{period} is not closed" + (f"; closed are {', '.join(one.period for one in closed)}" if closed else ""))
    last = closed[-1]
    if last.period != period:
        raise CloseError(f"{last.period} was closed after {period}; reopen it first")
    audit = append_audit(workspace.folder / AUDIT, "reopen", why, {"period": period, "version": last.record.version, "record": last.digest})
    kept = workspace.folder / FOLDER / REOPENED
    kept.mkdir(exist_ok=True)
    last.folder.rename(kept / f"{period}.{last.record.version}")
    return Month(period, audit)


def _refuse(workspace: Workspace, period: str) -> None:
    closed = workspace.book.closed
    first, end = days_of(period)
    if any(one.period == period for one in closed):
        raise CloseError(f"{period} is closed already; `meterbook reopen {period} --why ...` opens it")
    if closed and first != closed[-1].days[1]:
        if first < closed[0].days[0]:
            raise CloseError(f"{period} lies before {closed[0].period}, which is closed")
        raise CloseError(f"{period} is not the next month to close: {closed[-1].days[1]:%Y-%m} is")
    if datetime.now(UTC).astimezone(ZoneInfo(workspace.book.settings.time_zone)).date() < end:
        raise CloseError(f"{period} is not over")
    days = workspace.days_of(["marts.conservation"])
    if not any(str(first) <= day < str(end) for day in days):
        raise CloseError(f"the lake has nothing of {period}" + (f"; it has {days[0]} to {days[-1]}" if days else ""))
    if days[-1] < str(end - timedelta(days=1)):
        raise CloseError(f"the lake ends on {days[-1]}; {period} can be closed when its last day, or a later one, is there")
    if not closed and days[0] < str(first):
        raise CloseError(f"{days[0][:7]} is before {period} and open; close it first")
    if (plan := workspace.plan()) is not None and plan.from_day < end:
        raise CloseError(f"{plan.from_day} is not computed, or no longer as it was; `meterbook run` first")
    publisher, item = Publisher(workspace), Publication("chargeback", period)
    if why := publisher.held_back([item]):
        raise CloseError(why[item.key])


def _write(workspace: Workspace, period: str, folder: Path) -> Mapping[str, object]:
    """Everything a closed month is, into a folder; what the audit says of it."""
    first, end = days_of(period)
    before = _before(workspace.folder, period)
    edition = Edition("closed", before.record.version + 1 if before else 1, _manifest(before))
    columns = ", ".join(workspace.project.inputs[f"raw.{RAW}"])
    with workspace.catalog.reading([TABLE]) as con:
        query = f"select {columns} from {TABLE} where day >= date '{first}' and day < date '{end}' order by all"
        con.execute(f"copy ({query}) to {quoted(str(folder / LINES))} ({COPY})")
        days = dict(con.execute(f"select cast(day as varchar), count(*) from ({query}) group by 1 order by 1").fetchall())
        [(cost,)] = con.execute(f"select coalesce(sum(cost_usd), 0) from ({query})").fetchall()
    try:
        files = Publisher(workspace).finance_files(period, edition)
    except FinanceError as error:
        raise CloseError(f"{period}: {error}") from error
    for name, content in files.items():
        (folder / FILES / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / FILES / name).write_bytes(content)
    told = json.loads(files["manifest.json"])
    posted = next(file["posted_usd"] for file in told["files"] if file["file"] == "chargeback.csv")
    record = {
        "period": period,
        "version": edition.version,
        "supersedes": before.digest if before else None,
        "meterbook": version("meterbook"),
        "prices": sorted(_prices(workspace, first, end)),
        "cost_usd": f"{cost:f}",
        "posted_usd": posted,
        "days": days,
        "lines": sha256((folder / LINES).read_bytes()),
        "inputs": {
            entry.file: entry.sha256
            for entry in contents(workspace.inbox.entries)
            if any(str(first) <= day < str(end) for day in entry.days)
        },
        "book": {
            path.relative_to(workspace.folder).as_posix(): sha256(path.read_bytes())
            for pattern in SETTINGS
            for path in sorted(workspace.folder.glob(pattern))
        },
        "files": {name: sha256(content) for name, content in sorted(files.items())},
    }
    (folder / RECORD).write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return {name: record[name] for name in ("period", "version", "cost_usd", "posted_usd")}


def _before(folder: Path, period: str) -> Closed | None:
    """What the month was closed with before it was reopened."""
    last = None
    for number in count(1):
        kept = folder / FOLDER / REOPENED / f"{period}.{number}"
        if not kept.is_dir():
            return last
        last = read_closed(kept)
    return last


def _manifest(before: Closed | None) -> str | None:
    return before.record.files["manifest.json"] if before else None


def _prices(workspace: Workspace, first: date, end: date) -> set[str]:
    lock = workspace.prices.lock()
    if lock is None:
        return set()
    return {name for span, begins, ends in lock.spans() if begins < end and ends > first for name in span.versions}
