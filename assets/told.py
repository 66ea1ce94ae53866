"""What pages and statements say of the book and the run, beside the marts: the state of their period, its checks, its cards, the door."""

from collections.abc import Iterator, Mapping
from datetime import date
from functools import cached_property

from meterbook.assets.gate import Gate
from meterbook.assets.publications import Publication, beside, bounds_of
from meterbook.assets.workspace import Workspace
from meterbook.reports.page import PageFacts
from meterbook.reports.quality import QualityFacts, Rule
from meterbook.sql.models import Model


class Told:
    """What is known of a book.

    Args:
        workspace: the opened book.
        gate: what is judged of it.
    """

    def __init__(self, workspace: Workspace, gate: Gate) -> None:
        self._workspace, self._gate = workspace, gate

    @cached_property
    def quality(self) -> QualityFacts:
        """What the door and the models say of the data, beside the tables of the lake.

        Files given twice are no part of it: they change nothing that is published.
        """
        inbox = self._workspace.inbox
        later = inbox.verdicts.refused
        judged = ((name, one.refused or later.get(one.copy_of or name, "")) for name, one in sorted(inbox.entries.items()))
        refused = [(name, why) for name, why in judged if why]
        present = {item.name for item in inbox.scan()} if refused else set()
        return QualityFacts(
            company=self._workspace.book.settings.name,
            data_through=date.fromisoformat(days[-1]) if (days := self._workspace.days_of(["marts.conservation"])) else None,
            refused=[(name, why) for name, why in refused if name in present],
            rules=[rule for _, model in sorted(self._workspace.project.regular.items()) for rule in self._rules(model)],
            coverage_target=self._workspace.book.settings.coverage_target,
        )

    def _rules(self, model: Model) -> Iterator[Rule]:
        made = self._workspace.lake.table(model.name).partitions
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

    def facts(self, item: Publication, run_hash: str, team_pages: Mapping[str, str]) -> PageFacts:
        """What a page or a statement says of the book and the run.

        Args:
            item: its publication.
            run_hash: changes with what it is made of.
            team_pages: addresses of the pages of teams, from it.
        """
        book = self._workspace.book
        first, last = bounds_of(item)
        checks = [
            (len(model.header.must) + 1 + len(model.header.should), sum(rows > 0 for rows in broken.values()))
            for model in self._workspace.project.regular.values()
            if (broken := self._warnings(model.name, str(first), str(last))) is not None
        ]
        return PageFacts(
            company=book.settings.name,
            mode=book.settings.mode,
            rate_cards=self.cards(first, last),
            checks_passed=sum(total - broken for total, broken in checks),
            checks_total=sum(total for total, _ in checks),
            data_through=date.fromisoformat(self._workspace.days_of(["marts.conservation"])[-1]),
            run_hash=run_hash,
            is_closed=last <= book.open_from,
            owner_target=book.settings.owner_target,
            coverage_target=book.settings.coverage_target,
            beside=beside(self._workspace.folder, item),
            # Finance files of a period that fails are not published at all.
            draft="" if item.kind == "chargeback" else self._gate.draft(item),
            team_pages=team_pages,
        )

    def cards(self, first: date, end: date) -> list[tuple[str, str]]:
        """The cards that price days of a half-open range, each with its version: later ones change no page of the past."""
        return sorted({(card, version) for card, version, begin, until in self._priced if begin < end and until > first})

    @cached_property
    def _priced(self) -> list[tuple[str, str, date, date]]:
        """Versions of cards, with what they price from and to: asked for each page of a year."""
        spans = self._workspace.book.cards.rates.select("card", "card_version", "priced_from", "priced_to").unique()
        return [(str(card), str(version), begin, until) for card, version, begin, until in spans.rows()]

    def _warnings(self, table: str, first: str, last: str) -> dict[str, int] | None:
        made = [part for key, part in self._workspace.lake.table(table).partitions.items() if first <= key < last]
        if not made:
            return None
        broken: dict[str, int] = {}
        for part in made:
            for rule, rows in part.warnings.items():
                broken[rule] = broken.get(rule, 0) + rows
        return broken
