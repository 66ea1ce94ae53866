"""What is published from the lake: pages by week and by month, statements, the quality page; and which no longer say what the lake says."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from meterbook.assets.closed import Closed
from meterbook.assets.gate import HeldBackError, why_held
from meterbook.assets.publications import (
    BOOK_TABLES,
    JUDGED,
    MONTHLY,
    OF_SAVINGS,
    QUALITY_PAGE,
    SAVINGS,
    WEEKLY,
    Publication,
    bounds_of,
    read_from,
    week_of,
)
from meterbook.assets.week_digests import week_digests
from meterbook.assets.workspace import Workspace
from meterbook.reports import finance, page
from meterbook.reports.charges import Edition
from meterbook.reports.codes import FinanceError
from meterbook.reports.page import PageFacts
from meterbook.reports.publish import publish_set
from meterbook.reports.quality import QualityFacts, Rule
from meterbook.sql.catalog import digest
from meterbook.sql.lake import write_atomically, write_if_changed
from meterbook.sql.models import Model


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
        """Every week and month the marts have days for, and the quality page as soon as any file was seen."""
        days = self.workspace.days_of(["marts.conservation"])
        weeks = sorted({week_of(date.fromisoformat(day)) for day in days})
        months = sorted({day[:7] for day in days})
        judged = [QUALITY_PAGE] if self.workspace.inbox.entries else []
        monthly = (Publication(kind, month) for kind in ("chargeback", SAVINGS) for month in months)
        return [*monthly, *(Publication(WEEKLY, week) for week in weeks), *judged]

    def publish(self, items: Iterable[Publication]) -> Iterator[tuple[Publication, list[Path]]]:
        """Make publications one after the other; files whose content did not change are not written.

        Yields:
            Each publication with its files, as soon as they are there.

        Raises:
            HeldBackError: after the others, where too little of a period has a price, or its finance files cannot be written; what was
                published of it before stays.
        """
        held: dict[str, str] = {}
        with self.workspace.catalog.connect() as con:
            for item in items:
                why = self._why_held(item, con)
                if why is None:
                    try:
                        files = self._publish(item, con)
                    except FinanceError as error:
                        why = f"{item.key}: {error}"
                    else:
                        yield item, files
                        continue
                held[item.key] = why
        if held:
            raise HeldBackError(held)

    def held_back(self, items: Iterable[Publication]) -> dict[str, str]:
        """Which publications the gate holds back, by key, and why."""
        with self.workspace.catalog.reading(JUDGED) as con:
            found = {item.key: self._why_held(item, con) for item in items}
        return {key: why for key, why in found.items() if why is not None}

    def _why_held(self, item: Publication, con: duckdb.DuckDBPyConnection) -> str | None:
        target = self.workspace.book.settings.coverage_target
        return None if item == QUALITY_PAGE else why_held(con, item.key, bounds_of(item), target)

    def finance_files(self, period: str, edition: Edition) -> dict[str, bytes]:
        """The finance files of a month that is about to be closed; nothing is published.

        Raises:
            FinanceError: they cannot be made.
        """
        with self.workspace.catalog.connect() as con:
            return self._finance_files(Publication("chargeback", period), con, edition)

    def _closed(self, item: Publication) -> Closed | None:
        """The closed month whose finance files an item is."""
        return next((one for one in self.workspace.book.closed if item.key == f"chargeback/{one.period}"), None)

    def _publish(self, item: Publication, con: duckdb.DuckDBPyConnection) -> list[Path]:
        files = self._statement(item, con) if item.kind == "chargeback" else self._page(item, con)
        known = {
            **self._known(),
            item.key: {"fingerprint": self._fingerprint(item), "files": [str(self._relative(path)) for path in files]},
        }
        write_atomically(self._record, json.dumps(dict(sorted(known.items())), indent=1))
        return files

    def _statement(self, item: Publication, con: duckdb.DuckDBPyConnection) -> list[Path]:
        closed = self._closed(item)
        contents = closed.contents() if closed else self._finance_files(item, con)
        return publish_set(self.workspace.folder / "chargeback" / item.period, contents)

    def _finance_files(self, item: Publication, con: duckdb.DuckDBPyConnection, edition: Edition | None = None) -> dict[str, bytes]:
        facts, (_, end) = self._facts(item), bounds_of(item)
        facts = replace(facts, data_through=min(facts.data_through, end - timedelta(days=1)), is_closed=edition is not None)
        return finance.set_of(item.period, con, facts, settings=self.workspace.book.journal, edition=edition)

    def _page(self, item: Publication, con: duckdb.DuckDBPyConnection) -> list[Path]:
        target = self.workspace.folder / "reports" / item.kind / f"{item.period}.html"
        facts = replace(self.quality, run_hash=self._fingerprint(item)) if item == QUALITY_PAGE else self._facts(item)
        html = page.render(item.kind, item.period, con, facts)
        write_if_changed(target, html.encode())
        return [target]

    @cached_property
    def quality(self) -> QualityFacts:
        """What the door and the models say of the data, beside the tables of the lake.

        Files given twice are no part of it: they change nothing that is published.
        """
        inbox = self.workspace.inbox
        present = sorted({item.name for item in inbox.scan()} & inbox.entries.keys())
        whys = {
            name: inbox.entries[name].refused or inbox.verdicts.refused.get(inbox.entries[name].copy_of or name, "") for name in present
        }
        return QualityFacts(
            company=self.workspace.book.settings.name,
            data_through=date.fromisoformat(days[-1]) if (days := self.workspace.days_of(["marts.conservation"])) else None,
            refused=[(name, why) for name, why in whys.items() if why],
            rules=[rule for _, model in sorted(self.workspace.project.regular.items()) for rule in self._rules(model)],
            coverage_target=self.workspace.book.settings.coverage_target,
        )

    def _rules(self, model: Model) -> Iterator[Rule]:
        made = self.workspace.lake.table(model.name).partitions
        if not made:
            return
        yield Rule(model.name, f"{', '.join(model.header.key)}: unique, never null", is_blocking=True)
        if model.header.conserves:
            yield Rule(model.name, f"every row of {model.header.conserves} is kept or a copy", is_blocking=True)
        for rule in model.header.must:
            yield Rule(model.name, rule, is_blocking=True)
        for rule in model.header.should:
            broken = {key: rows for key, part in sorted(made.items()) if (rows := part.warnings.get(rule, 0))}
            yield Rule(model.name, rule, is_blocking=False, rows=sum(broken.values()), partitions=list(broken))

    def _facts(self, item: Publication) -> PageFacts:
        book = self.workspace.book
        first, last = bounds_of(item)
        checks = [
            (len(model.header.must) + 1 + len(model.header.should), sum(rows > 0 for rows in broken.values()))
            for model in self.workspace.project.regular.values()
            if (broken := self._warnings(model.name, str(first), str(last))) is not None
        ]
        return PageFacts(
            company=book.settings.name,
            mode=book.settings.mode,
            rate_cards=self._cards(first, last),
            checks_passed=sum(total - broken for total, broken in checks),
            checks_total=sum(total for total, _ in checks),
            data_through=date.fromisoformat(self.workspace.days_of(["marts.conservation"])[-1]),
            run_hash=self._fingerprint(item),
            is_closed=last <= book.open_from,
            owner_target=book.settings.owner_target,
        )

    def _cards(self, first: date, end: date) -> list[tuple[str, str]]:
        """The cards that price days of a half-open range, each with its version: later ones change no page of the past."""
        rates = self.workspace.book.cards.rates.filter(pl.col("priced_from") < end, pl.col("priced_to") > first)
        return [(str(card), str(version)) for card, version in rates.select("card", "card_version").unique().sort(pl.all()).rows()]

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
        if known and item.kind in {WEEKLY, SAVINGS} and bounds_of(item)[1] <= self.workspace.book.open_from:
            # A page of days that are closed stays as it is.
            return not all((self.workspace.folder / path).is_file() for path in known["files"])
        if known is None or known["fingerprint"] != self._fingerprint(item):
            return True
        return not all((self.workspace.folder / path).is_file() for path in known["files"])

    def _fingerprint(self, item: Publication) -> str:
        if item == QUALITY_PAGE:
            tables = [(name, self.workspace.lake.table(name).tokens()) for name in JUDGED]
            said = asdict(self.quality)
            return digest([self._code, said | {name: str(said[name]) for name in ("data_through", "coverage_target")}, tables])
        if closed := self._closed(item):
            return closed.digest
        first, last = read_from(item), bounds_of(item)[1]
        lake = self.workspace.lake
        other = OF_SAVINGS if item.kind != SAVINGS else frozenset()
        marts = (model for model in self.workspace.project.regular.values() if model.clock == "day" and model.layer == "marts")
        daily = [model.name for model in marts if model.name not in other]
        tokens = [(name, lake.table(name).tokens(str(first), str(last))) for name in (*daily, "core.file_day")]
        # Statements show the month before.
        before = timedelta(days=1) if item.kind == "chargeback" else timedelta(0)
        touched = {f"{day:%Y-%m}" for day in (bounds_of(item)[0] - before, bounds_of(item)[0], last - timedelta(days=1))}
        months = [(name, [token for token in lake.table(name).tokens() if token[0] in touched]) for name in MONTHLY[item.kind]]
        book = [lake.table(name).tokens() for name in (*BOOK_TABLES, *(["book.saving"] if item.kind == SAVINGS else []))]
        cards = self._cards(first, last)
        settings = self.workspace.book.settings.model_dump_json(include={"name", "mode", "coverage_target", "owner_target"})
        journal = repr(self.workspace.book.journal) if item.kind == "chargeback" else ""
        week = self._weeks.get(bounds_of(item)[0], "") if item.kind == WEEKLY else ""
        return digest([self._code, settings, tokens, months, book, cards, journal, week])

    @cached_property
    def _weeks(self) -> Mapping[date, str]:
        return week_digests(self.workspace.catalog)

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
