"""What is published from the lake: pages by week, statements by month; and which of them no longer say what the lake says."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from meterbook.assets.workspace import Workspace
from meterbook.reports import finance, page
from meterbook.reports.frame import WEEKS
from meterbook.reports.page import PageFacts
from meterbook.sql.catalog import digest
from meterbook.sql.lake import write_atomically, write_if_changed

WEEKLY = "weekly"
BOOK_TABLES = ("rate_cards.rate", "book.owner", "book.unit", "book.budget", "book.gpu_pool", "book.pool")


@dataclass(frozen=True)
class Publication:
    """One thing to publish: a page of a week (`2026-W43`) or the statements of a month (`2026-10`)."""

    kind: str
    period: str

    @property
    def key(self) -> str:
        """Name in the record."""
        return f"{self.kind}/{self.period}"


class Publisher:
    """Publishes what follows from the lake, and remembers from what it was made.

    Args:
        workspace: the opened book.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._record = workspace.folder / "lake" / "_state" / "published.json"

    def stale(self) -> list[Publication]:
        """Pages and statements to make: new, changed, or removed by somebody."""
        return [item for item in self.wanted() if self._is_stale(item)]

    def wanted(self) -> list[Publication]:
        """Every week and month the marts have days for."""
        days = self.workspace.days_of(["marts.conservation"])
        weeks = sorted({week_of(date.fromisoformat(day)) for day in days})
        months = sorted({day[:7] for day in days})
        return [*(Publication("chargeback", month) for month in months), *(Publication(WEEKLY, week) for week in weeks)]

    def publish(self, items: Iterable[Publication]) -> Iterator[tuple[Publication, list[Path]]]:
        """Make publications one after the other; files whose content did not change are not written.

        Yields:
            Each publication with its files, as soon as they are there.
        """
        with self.workspace.catalog.connect() as con:
            for item in items:
                yield item, self._publish(item, con)

    def _publish(self, item: Publication, con: duckdb.DuckDBPyConnection) -> list[Path]:
        files = self._statement(item, con) if item.kind == "chargeback" else self._page(item, con)
        known = {
            **self._known(),
            item.key: {"fingerprint": self._fingerprint(item), "files": [str(self._relative(path)) for path in files]},
        }
        write_atomically(self._record, json.dumps(dict(sorted(known.items())), indent=1))
        return files

    def _statement(self, item: Publication, con: duckdb.DuckDBPyConnection) -> list[Path]:
        return finance.write_chargeback(self.workspace.folder / "chargeback", item.period, con)

    def _page(self, item: Publication, con: duckdb.DuckDBPyConnection) -> list[Path]:
        target = self.workspace.folder / "reports" / item.kind / f"{item.period}.html"
        html = page.render(item.kind, item.period, con, self._facts(item))
        write_if_changed(target, html.encode())
        return [target]

    def _facts(self, item: Publication) -> PageFacts:
        book = self.workspace.book
        cards = book.cards.rates.select("card", "card_version").unique().sort("card").rows()
        first, last = bounds_of(item)
        checks = [
            (len(model.header.must) + 1 + len(model.header.should), sum(rows > 0 for rows in broken.values()))
            for model in self.workspace.project.models.values()
            if (broken := self._warnings(model.name, str(first), str(last))) is not None
        ]
        return PageFacts(
            company=book.settings.name,
            mode=book.settings.mode,
            rate_cards=[(str(card), str(version)) for card, version in cards],
            checks_passed=sum(total - broken for total, broken in checks),
            checks_total=sum(total for total, _ in checks),
            data_through=date.fromisoformat(self.workspace.days_of(["marts.conservation"])[-1]),
            run_hash=self._fingerprint(item),
            is_closed=False,
        )

    def _warnings(self, table: str, first: str, last: str) -> dict[str, int] | None:
        made = [part for key, part in self.workspace.lake.table(table).partitions.items() if first <= key < last]
        if not made:
            return None
        broken: dict[str, int] = {}
        for part in made:
            for rule, rows in part.warnings.items():
                broken[rule] = broken.get(rule, 0) + rows
        return broken

    def _is_stale(self, item: Publication) -> bool:
        known = self._known().get(item.key)
        if known is None or known["fingerprint"] != self._fingerprint(item):
            return True
        return not all((self.workspace.folder / path).is_file() for path in known["files"])

    def _fingerprint(self, item: Publication) -> str:
        first, last = bounds_of(item)
        if item.kind == WEEKLY:
            first -= timedelta(weeks=WEEKS)
        lake = self.workspace.lake
        daily = [name for name, model in self.workspace.project.models.items() if model.clock == "day" and model.layer == "marts"]
        tokens = [(name, lake.table(name).tokens(str(first), str(last))) for name in (*daily, "core.file_day")]
        months = [
            (name, [token for token in lake.table(name).tokens() if token[0] == item.period])
            for name in ("marts.chargeback", "marts.statement")
        ]
        book = [lake.table(name).tokens() for name in BOOK_TABLES]
        settings = self.workspace.book.settings.model_dump_json(include={"name", "mode", "coverage_target"})
        return digest([self._code, settings, tokens, months, book])

    @cached_property
    def _code(self) -> str:
        folder = Path(page.__file__).parent
        files = sorted(path for path in folder.rglob("*") if path.suffix in {".py", ".j2", ".html", ".css", ".js", ".woff2"})
        return digest([hashlib.sha256(path.read_bytes()).hexdigest() for path in files])

    def _known(self) -> dict[str, dict[str, Any]]:
        known: dict[str, dict[str, Any]] = json.loads(self._record.read_text("utf-8")) if self._record.is_file() else {}
        return known

    def _relative(self, path: Path) -> Path:
        return path.relative_to(self.workspace.folder)


def week_of(day: date) -> str:
    """ISO week of a day, `2026-W43`."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"


def bounds_of(item: Publication) -> tuple[date, date]:
    """Half-open range of days of a publication's period."""
    if item.kind == "chargeback":
        first = date.fromisoformat(f"{item.period}-01")
        return first, (first + timedelta(days=31)).replace(day=1)
    year, week = item.period.split("-W")
    monday = date.fromisocalendar(int(year), int(week), 1)
    return monday, monday + timedelta(days=7)
