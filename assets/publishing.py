"""What is published from the lake: pages by week, month and quarter, statements, quality; and which no longer say what the lake says."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path

import duckdb

from meterbook.assets.added import Added
from meterbook.assets.closed import Closed
from meterbook.assets.gate import HeldBackError, gate_of
from meterbook.assets.listed import CLOSED, OPEN, listing_of, said_of_statements
from meterbook.assets.publications import (
    BOOK_TABLES,
    INDEX,
    INDEX_PAGE,
    JUDGED,
    MONTH_REVIEW,
    MONTHLY,
    OF_SAVINGS,
    QUALITY_PAGE,
    QUARTERLY,
    SAVINGS,
    STAYS,
    TEAM,
    WEEKLY,
    WHOLE,
    Publication,
    beside,
    bounds_of,
    of_days,
    read_from,
)
from meterbook.assets.published import Published, Said, code_of_pages
from meterbook.assets.team_pages import facts_of as team_facts
from meterbook.assets.team_pages import former, months_of, team_pages
from meterbook.assets.told import Told
from meterbook.assets.week_digests import promised, week_digests
from meterbook.assets.workspace import Workspace
from meterbook.reports import finance, page
from meterbook.reports.charges import Edition
from meterbook.reports.codes import FinanceError
from meterbook.reports.listing import Listing
from meterbook.reports.page import PageFacts
from meterbook.reports.periods import days_of
from meterbook.reports.publish import publish_set
from meterbook.reports.quality import QualityFacts
from meterbook.reports.team_frame import TeamFacts
from meterbook.sql.digests import digest, digest_of
from meterbook.sql.lake import write_if_changed


class Publisher:
    """Publishes what follows from the lake, and remembers from what it was made.

    Args:
        workspace: the opened book.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._published = Published(workspace.folder / "lake" / "_state" / "published.json")
        self._added, self._unmade = Added(workspace), dict[str, list[str]]()
        self.gate = gate_of(workspace)
        self._said, self._told = dict[str, dict[str, Said]](), Told(workspace, self.gate)
        self._hashed = dict[tuple[date, date, bool], str]()

    def stale(self, among: Collection[Publication] | None = None) -> list[Publication]:
        """Pages and statements to make: new, changed, or removed by somebody; only of some, where these are given."""
        asked = [item for item in self.wanted() if among is None or item in among]
        found = [item for item in asked if item != INDEX_PAGE and self._is_stale(item)]
        if INDEX_PAGE not in asked:
            return found
        # The index says what the others say, and is made once there are any.
        is_stale = bool(found) or (bool(self._published.entries()) and self._is_stale(INDEX_PAGE))
        return [*found, INDEX_PAGE] if is_stale else found

    def wanted(self) -> list[Publication]:
        """Every week, month and quarter the marts have days for, the quality page as soon as any file was seen, and the index of them all.

        In the order in which pages are made: what is linked to comes before what links to it.
        """
        judged = [QUALITY_PAGE] if self.workspace.inbox.entries else []
        pages = [*of_days(self.workspace.days_of(["marts.conservation"])), *judged]
        return [*pages, INDEX_PAGE] if pages else []

    def publish(self, items: Iterable[Publication]) -> Iterator[tuple[Publication, list[Path]]]:
        """Make publications one after the other; files whose content did not change are not written.

        Yields:
            Each publication with its files, as soon as they are there.

        Raises:
            HeldBackError: after the others, where a period fails the gate, or its finance files cannot be written; what was published
                of it before stays.
        """
        items = list(items)
        held = self.held_back(items)
        with self.workspace.catalog.connect() as con:
            for item in items:
                if item.key in held:
                    continue
                try:
                    files = self._publish(item, con)
                except FinanceError as error:
                    held[item.key] = f"{item.key}: {error}"
                else:
                    yield item, files
        if held:
            raise HeldBackError(held)

    def held_back(self, items: Iterable[Publication]) -> dict[str, str]:
        """Which publications the gate holds back, by key, and why: finance files; of what it stops else there are drafts."""
        return self.short(item for item in items if item.kind == "chargeback")

    def short(self, items: Iterable[Publication]) -> dict[str, str]:
        """Which publications are of periods that fail the gate, by key, and why."""
        found = {item.key: self.gate.why(item) for item in items if item not in {QUALITY_PAGE, INDEX_PAGE}}
        return {key: f"{key}: {why}" for key, why in found.items() if why}

    def drafts(self) -> dict[str, str]:
        """Pages that are published as drafts, by key of their publication, and why."""
        found = ((key, said) for key in self._published.entries() for said in self._published.pages(key).values())
        return {key: f"{key}: {said.draft}" for key, said in found if said.draft and not key.startswith(f"{TEAM}/")}

    def unmade(self) -> dict[str, list[str]]:
        """Sections of the book's own that could not be made on pages that are published, each with the keys of those pages."""
        return self._published.unmade()

    def settled(self, period: str) -> list[Publication]:
        """What to publish once a month is closed, from the lake it was closed from: its statements, and pages of days that end in it."""
        first, known = days_of(period)[0], self._published.entries()
        ends = (item for item in self.wanted() if item.kind in STAYS and item.key in known and self._is_closed(item))
        index = [INDEX_PAGE] if INDEX_PAGE.key in known else []
        return [Publication("chargeback", period), *(item for item in ends if first < bounds_of(item)[1]), *index]

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
        makers = {"chargeback": self._statement, TEAM: self._teams, INDEX: self._index}
        files = makers.get(item.kind, self._page)(item, con)
        said, unmade = self._said.get(item.key, {}), self._unmade.get(item.key, [])
        self._published.put(item.key, self._fingerprint(item), [self._relative(path) for path in files], said, unmade)
        return files

    def _statement(self, item: Publication, con: duckdb.DuckDBPyConnection) -> list[Path]:
        closed = self._closed(item)
        contents = closed.contents() if closed else self._finance_files(item, con)
        files = publish_set(self.workspace.folder / "chargeback" / item.period, contents)
        self._said[item.key] = said_of_statements(item.period, contents, [self._relative(path) for path in files])
        return files

    def _finance_files(self, item: Publication, con: duckdb.DuckDBPyConnection, edition: Edition | None = None) -> dict[str, bytes]:
        facts, (_, end) = self._facts(item), bounds_of(item)
        facts = replace(facts, data_through=min(facts.data_through, end - timedelta(days=1)), is_closed=edition is not None)
        return finance.set_of(item.period, con, facts, settings=self.workspace.book.journal, edition=edition)

    def _page(self, item: Publication, con: duckdb.DuckDBPyConnection) -> list[Path]:
        target = self.workspace.folder / "reports" / item.kind / f"{item.period}.html"
        facts = self.facts_of(item)
        made = page.make(item.kind, item.period, con, facts, self._added.pages)
        self._unmade[item.key] = list(made.unmade)
        state = "" if isinstance(facts, QualityFacts) else CLOSED if facts.is_closed else OPEN
        self._said[item.key] = {self._relative(target): Said(made.verdict, state, getattr(facts, "draft", ""))}
        write_if_changed(target, made.html.encode())
        return [target]

    def _teams(self, item: Publication, con: duckdb.DuckDBPyConnection) -> list[Path]:
        """The pages of a week's teams; those of a team that has no cost in it any more stay as they are."""
        folder, said, files = self.workspace.folder, dict[str, Said](), list[Path]()
        unmade: dict[str, None] = {}
        for one in team_pages(con, item, self._facts(item), self._statements(item), self._added.pages):
            write_if_changed(folder / one.path, one.made.html.encode())
            files.append(folder / one.path)
            said[one.path] = one.said
            unmade |= dict.fromkeys(one.made.unmade)
        self._said[item.key] = said | former(self._published.pages(item.key), list(said), folder)
        self._unmade[item.key] = list(unmade)
        return files

    def _index(self, _item: Publication, con: duckdb.DuckDBPyConnection) -> list[Path]:
        target = self.workspace.folder / "reports" / "index.html"
        write_if_changed(target, page.make(INDEX, INDEX, con, self._listing(), self._added.pages).html.encode())
        return [target]

    def _listing(self) -> Listing:
        book = self.workspace.book
        return listing_of(self.workspace.folder, book.settings.name, self.quality.data_through, self._published, book.open_from)

    def _statements(self, item: Publication) -> list[str]:
        """Statements that are there, of the months of a week."""
        known = (path for month in months_of(item) for path in self._published.pages(f"chargeback/{month}"))
        return sorted(path for path in known if (self.workspace.folder / path).is_file())

    def _team_pages(self, item: Publication) -> dict[str, str]:
        """Pages of a week's teams that are there, by team, as the page of the week links to them."""
        found = self._published.pages(Publication(TEAM, item.period).key).items() if item.kind == WEEKLY else ()
        there = ((path, said) for path, said in found if not said.is_former and (self.workspace.folder / path).is_file())
        return {said.team: f"../{path.removeprefix('reports/')}" for path, said in there}

    @property
    def quality(self) -> QualityFacts:
        """What the door and the models say of the data, beside the tables of the lake."""
        return self._told.quality

    def _facts(self, item: Publication) -> PageFacts:
        return self._told.facts(item, self._fingerprint(item), self._team_pages(item))

    def facts_of_team(self, item: Publication, team: str, con: duckdb.DuckDBPyConnection) -> TeamFacts | None:
        """What the page of one team is made of; None where it has no cost in the week."""
        found = team_facts(con, item, self._facts(item), self._statements(item))
        return next((one for one in found if one.team == team), None)

    def facts_of(self, item: Publication) -> PageFacts | QualityFacts:
        """What a page says of the book and the run, beside the marts."""
        if item != QUALITY_PAGE:
            return self._facts(item)
        return replace(self.quality, run_hash=self._fingerprint(item), verdicts=self.gate.verdicts)

    def _is_stale(self, item: Publication) -> bool:
        known = self._published.entries().get(item.key)
        if known is None or not all((self.workspace.folder / path).is_file() for path in known["files"]):
            return True
        if item.kind in STAYS:
            if self._is_closed(item):
                # A page of days that are closed stays as it is.
                return False
            if any(said.state == CLOSED and not said.is_former for said in self._published.pages(item.key).values()):
                # Its days were opened again.
                return True
        return bool(known["fingerprint"] != self._fingerprint(item))

    def _is_closed(self, item: Publication) -> bool:
        return bounds_of(item)[1] <= self.workspace.book.open_from

    def _fingerprint(self, item: Publication) -> str:
        if item == INDEX_PAGE:
            return digest([code_of_pages(), repr(self._listing()), repr(self._added.pages.brand)])
        if item == QUALITY_PAGE:
            tables = [(name, self.workspace.lake.table(name).tokens()) for name in JUDGED]
            said = asdict(self.quality)
            added = self._added.content(item.kind, str(date.max))
            said |= {name: str(said[name]) for name in ("data_through", "coverage_target")}
            return digest([code_of_pages(), said, self.gate.fingerprint, tables, added])
        if closed := self._closed(item):
            return closed.digest
        first, last = read_from(item), bounds_of(item)[1]
        lake = self.workspace.lake
        tokens = self._marts(first, last, of_savings=item.kind in {SAVINGS, MONTH_REVIEW, QUARTERLY})
        # Statements show the month before.
        before = timedelta(days=1) if item.kind == "chargeback" else timedelta(0)
        touched = {f"{day:%Y-%m}" for day in (bounds_of(item)[0] - before, bounds_of(item)[0], last - timedelta(days=1))}
        months = [(name, [token for token in lake.table(name).tokens() if token[0] in touched]) for name in MONTHLY[item.kind]]
        book = [lake.table(name).tokens() for name in (*BOOK_TABLES, *WHOLE.get(item.kind, ()))]
        cards = self._told.cards(first, last)
        settings = self.workspace.book.settings.model_dump_json(include={"name", "mode", "owner_target"})
        journal = repr(self.workspace.book.journal) if item.kind == "chargeback" else ""
        week = self._weeks.get(bounds_of(item)[0], "") if item.kind in {WEEKLY, TEAM} else ""
        linked = self._statements(item) if item.kind == TEAM else list(self._team_pages(item).items())
        if item.kind == WEEKLY:
            week = digest([week, promised(self.workspace.book.savings, *bounds_of(item))])
        if item.kind in {MONTH_REVIEW, QUARTERLY}:
            begun, linked = bounds_of(item)[0], list(beside(self.workspace.folder, item).items())
            week = digest([text for monday, text in sorted(self._weeks.items()) if begun - timedelta(days=6) <= monday < last])
        added = self._added.content(item.kind, str(last)) if item.kind != "chargeback" else []
        return digest([code_of_pages(), settings, self.gate.content(item), tokens, months, book, cards, journal, week, linked, added])

    def _marts(self, first: date, last: date, *, of_savings: bool) -> str:
        """Hash of what daily marts hold of some days: those of savings too, or all others. A week's page and its teams' have the same."""
        asked = (first, last, of_savings)
        if asked not in self._hashed:
            daily = (model.name for model in self.workspace.project.regular.values() if model.clock == "day" and model.layer == "marts")
            names = [name for name in daily if of_savings or name not in OF_SAVINGS]
            texts = (f"{name}{self.workspace.lake.table(name).tokens_text(str(first), str(last))}" for name in (*names, "core.file_day"))
            self._hashed[asked] = digest_of("\n".join(texts))
        return self._hashed[asked]

    @cached_property
    def _weeks(self) -> Mapping[date, str]:
        return week_digests(self.workspace.catalog)

    def _relative(self, path: Path) -> str:
        return path.relative_to(self.workspace.folder).as_posix()
