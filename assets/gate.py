"""The gate before publication: what of a period is out of critical bounds holds its finance files back, and makes drafts of its pages.

`marts.day_profile` says of each day what is judged, `gate_measures` how, `expectations` judges; verdicts are kept with what they are of, so
that nothing is judged twice.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import cached_property, lru_cache
from typing import Any

from meterbook.assets.expectations import Values, judged
from meterbook.assets.gate_measures import MEASURES, Expectation, Row, suite_of
from meterbook.assets.publications import Publication, bounds_of, of_days
from meterbook.assets.workspace import Workspace
from meterbook.reports.coverage import Coverage, shown
from meterbook.reports.frame import rows_of
from meterbook.reports.gate import Verdict
from meterbook.reports.numbers import plural
from meterbook.sql.digests import digest
from meterbook.sql.lake import Token, write_atomically

NAMED = 3
"""Things without a price that are named with a period, the largest first."""
EVIDENCE = "publication_gate.json"
"""File of lake/_state with the values, the verdicts and what they are of."""
READ = ("marts.conservation", "marts.day_profile", "marts.input_file", "marts.priced_use")
"""Tables that verdicts follow from."""
PROFILE = """
    select profile.*, coalesce(file.rows_in, 0) as rows_in, coalesce(file.quarantined, 0) as quarantined
    from marts.day_profile as profile
    left join (
        select last_day, sum(rows_in) as rows_in, sum(quarantined) as quarantined from marts.input_file group by last_day
    ) as file on file.last_day = profile.day
    order by profile.day
"""


class HeldBackError(RuntimeError):
    """Periods that were held back; the message says of each which figure is out of bounds, and what to do.

    Args:
        held: why, by the key of the publication.
    """

    def __init__(self, held: Mapping[str, str]) -> None:
        super().__init__("\n".join(held.values()))
        self.held = held


class Gate:
    """The verdicts over all that is in the lake of a book.

    Args:
        workspace: the opened book.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._path = workspace.folder / "lake" / "_state" / EVIDENCE

    @cached_property
    def suite(self) -> Sequence[Expectation]:
        """What is expected, critical expectations first."""
        settings = self._workspace.book.settings
        return suite_of(settings.gate, settings.coverage_target, settings.owner_target)

    @cached_property
    def suite_digest(self) -> str:
        """Changes with any expectation."""
        return digest([(one.name, str(one.bound), one.measure.said, one.measure.todo) for one in self.suite])

    @cached_property
    def values(self) -> Values:
        """Each measure of each day, or of each week, month and quarter that there are days of."""
        days = self._workspace.days_of(["marts.conservation"])
        with self._workspace.catalog.reading(["marts.day_profile", "marts.input_file"]) as con:
            rows = {str(row["day"]): row for row in rows_of(con, PROFILE)}
        periods = {item.period: _summed(rows, bounds_of(item), days) for item in of_days(days)}
        of: Mapping[str, Mapping[str, Row]] = {"day": rows, "period": periods}
        return {one.name: {span: one.value(row) for span, row in of[one.of].items()} for one in MEASURES}

    @cached_property
    def fingerprint(self) -> str:
        """Changes with any value and any expectation; asks for no verdict."""
        return digest([self.suite_digest, _plain(self.values)])

    @property
    def is_known(self) -> bool:
        """Whether all verdicts are kept already, so that asking for them takes no time."""
        return self._kept is not None

    @cached_property
    def _kept(self) -> dict[str, Any] | None:
        if not self._path.is_file():
            return None
        try:
            found: dict[str, Any] = json.loads(self._path.read_text("utf-8"))
        except ValueError:
            # What somebody spoilt is made anew.
            return None
        return found if found.get("fingerprint") == self.fingerprint else None

    @cached_property
    def _evidence(self) -> Mapping[str, Any]:
        if self._kept is not None:
            return self._kept
        made = {"fingerprint": self.fingerprint, "result": judged(self.values, self.suite), "values": _plain(self.values)}
        write_atomically(self._path, json.dumps(made, indent=1, ensure_ascii=False) + "\n")
        return made

    @cached_property
    def verdicts(self) -> Sequence[Verdict]:
        """What became of each expectation, over all days and periods."""
        found = {one["expectation_config"]["meta"]["name"]: one for one in self._evidence["result"]["results"]}
        return [self._verdict(one, found.get(one.name)) for one in self.suite]

    def _verdict(self, one: Expectation, found: Mapping[str, Any] | None) -> Verdict:
        known = {span: value for span, value in self.values[one.measure.name].items() if value is not None}
        raised = found.get("exception_message", "") if found else ""
        # What could not be judged is not taken for good.
        failed = list(known) if raised else found["result"]["unexpected_index_list"] if found else []
        worst = (max if one.measure.most else min)(failed or known, key=lambda span: (known[span], span), default="")
        return Verdict(
            measure=one.measure.name,
            title=one.measure.title,
            of=one.measure.of,
            said=one.measure.said,
            severity=one.severity,
            expected=one.expected,
            place=one.place,
            worst=worst,
            observed=one.measure.text(known[worst]) if worst else "",
            judged=len(known),
            failed=sorted(failed),
            todo=one.measure.todo,
            error=raised,
        )

    def why(self, item: Publication) -> str:
        """Why a period fails: of each critical expectation a line with figure and bound, and lines of what to do; empty where it passes."""
        first, *others = self._failing(item) or [[]]
        lines = [*first, *(f"also: {': '.join(told[:2])}" for told in others)]
        return "\n  ".join(lines)

    def draft(self, item: Publication) -> str:
        """The same in sentences, for the top of a page."""
        return " ".join(f"{line[0].upper()}{line[1:].removesuffix('.')}." for told in self._failing(item) for line in told[:2])

    def content(self, item: Publication) -> str:
        """Changes with what is judged of a period, and with how."""
        spans = [item.period, *map(str, _days(*bounds_of(item)))]
        return digest([self.suite_digest, [(span, self._by_span[span]) for span in spans if span in self._by_span]])

    @cached_property
    def _by_span(self) -> Mapping[str, list[tuple[str, str]]]:
        """What is known of each day and period, as text."""
        found: dict[str, list[tuple[str, str]]] = {}
        for name, of in _plain(self.values).items():
            for span, value in of.items():
                found.setdefault(span, []).append((name, value))
        return found

    def _failing(self, item: Publication) -> list[list[str]]:
        """The critical expectations that a period fails, each in its lines."""
        told: list[list[str]] = []
        first, end = map(str, bounds_of(item))
        for one, verdict in zip(self.suite, self.verdicts, strict=True):
            failed = [span for span in verdict.failed if (span == item.period if one.measure.of == "period" else first <= span < end)]
            if one.severity == "critical" and failed:
                told.append(self._told(one, verdict, failed, item))
        return told

    def _told(self, one: Expectation, verdict: Verdict, failed: Sequence[str], item: Publication) -> list[str]:
        if verdict.error:
            return [verdict.line]
        if one.measure.name == "priced_ratio":
            return self._unpriced(one, bounds_of(item))
        values = {span: value for span in failed if (value := self.values[one.measure.name][span]) is not None}
        worst = (max if one.measure.most else min)(values, key=lambda span: values[span])
        others = f" and on {plural(len(failed) - 1, 'more day')}" if failed[1:] else ""
        days = "" if one.measure.of == "period" else f" on {worst}{others}"
        side = "more" if one.measure.most else "less"
        return [f"{one.measure.said.format(one.measure.text(values[worst]))}{days}, {side} than {one.place}", one.measure.todo]

    def _unpriced(self, one: Expectation, span: tuple[date, date]) -> list[str]:
        """What lacks a price: the measure of which the least has one, and each of the largest things without."""
        with self._workspace.catalog.reading(["marts.priced_use"]) as con:
            found = Coverage(con, *span)
            lines, lowest = list(found.lines()), found.lowest
        more = [f"and {len(lines) - NAMED:,} more: meterbook query \"from marts.priced_use where reason <> 'priced'\""]
        said = lowest.said if lowest else "nothing"
        head = f"{said} have a price, less than coverage_target {shown(one.bound)} of meterbook.yaml"
        return [head, *lines[:NAMED], *(more if lines[NAMED:] else [])]


def gate_of(workspace: Workspace) -> Gate:
    """The gate of an opened book, the same one while its lake says the same: every publisher of a run asks for it."""
    return _gate(workspace, tuple(tuple(workspace.lake.table(name).tokens()) for name in READ))


@lru_cache(maxsize=1)
def _gate(workspace: Workspace, _said: tuple[tuple[Token, ...], ...]) -> Gate:
    return Gate(workspace)


def _summed(rows: Mapping[str, Row], span: tuple[date, date], days: Sequence[str]) -> Row:
    """The sums of the days of a period; how many lack a profile, and how many between the book's first and last have no record."""
    first, end = map(str, span)
    profiled = [row for day, row in rows.items() if first <= day < end]
    there = {day for day in days if first <= day < end}
    asked = {str(day) for day in _days(max(span[0], date.fromisoformat(days[0])), min(span[1], date.fromisoformat(days[-1])))}
    columns = {name for row in profiled for name, value in row.items() if name != "day" and not isinstance(value, date)}
    sums: dict[str, Any] = {}
    for name in columns:
        known = [row[name] for row in profiled if row[name] is not None]
        sums[name] = sum(known) if known else None
    empty = {
        "used_tokens": 0,
        "used_requests": 0,
        "reported_usd": 0,
        "ownable_usd": 0,
        "compared_usd": None,
        "billed_minus_priced_usd": None,
    }
    return {**empty, **sums, "unprofiled_days": len(there - rows.keys()), "missing_days": len(asked - there)}


def _days(first: date, end: date) -> Iterator[date]:
    for offset in range((end - first).days):
        yield first + timedelta(days=offset)


def _plain(values: Values) -> dict[str, dict[str, str]]:
    """Values as text, those that are known."""
    return {name: {span: f"{value.normalize():f}" for span, value in of.items() if value is not None} for name, of in values.items()}
