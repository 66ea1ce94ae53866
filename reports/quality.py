"""What the quality page is made of: what became of every record at the door, and what the checks of the models found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property

import duckdb

from meterbook.reports.frame import Row, rows_of
from meterbook.reports.gate import Verdict

DAYS, RECENT = 28, 7
"""Days of volumes shown, and days of which the headline speaks."""
FATES = ("rows_out", "quarantined", "duplicates", "filtered", "superseded")
"""What can become of a record, in the columns of marts.input_file."""
WORDS: Mapping[str, str] = {
    "request": "calls",
    "usage": "usage records",
    "charge": "charges",
    "gpu_sample": "GPU samples",
    "outcome": "outcomes",
    "quality": "ratings",
    "job": "jobs",
}
"""Kinds of records for people."""
ALIKE = r"""'[^']*'|"[^"]*"|[0-9]+"""
"""What differs between reasons of one sort: quoted values and numbers."""


def brief(text: str, most: int = 120) -> str:
    """Text of a file for one line: no control characters, cut where it is long."""
    clean = "".join(char if char.isprintable() else " " for char in text)
    return clean if len(clean) <= most else f"{clean[: most - 1]}…"


@dataclass(frozen=True)
class Rule:
    """What a rule of a model found over everything that is published.

    Args:
        table: the model.
        text: the rule, in SQL.
        is_blocking: whether nothing is published that breaks it.
        rows: rows that break it.
        partitions: days or months with such rows, in order; `all` of a table that is not cut.
    """

    table: str
    text: str
    is_blocking: bool
    rows: int = 0
    partitions: Sequence[str] = ()


@dataclass(frozen=True)
class QualityFacts:
    """What the page says beside the lake.

    Args:
        company: the book's name.
        data_through: the last day with data; None where there is none.
        refused: files of the inbox that were not taken in, each with one line that says why.
        rules: every rule of every model there is.
        coverage_target: the least share of what was used that has to have a price.
        run_hash: changes with anything the page is made from.
        verdicts: what the publication gate found.
    """

    company: str
    data_through: date | None
    refused: Sequence[tuple[str, str]]
    rules: Sequence[Rule]
    coverage_target: Decimal = Decimal(0)
    run_hash: str = ""
    verdicts: Sequence[Verdict] = ()


class Quality:
    """The figures of the page.

    Args:
        con: a connection in which the tables of the lake are views.
        facts: what else the page says.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, facts: QualityFacts) -> None:
        self.con, self.facts = con, facts

    @cached_property
    def inputs(self) -> list[Row]:
        """Files and records by format: what came in, and what became of it."""
        sums = ", ".join(f"cast(sum({name}) as bigint) as {name}" for name in ("rows_in", *FATES))
        query = f"""
            select format, count(*) as files, {sums}, min(first_day) as first_day, max(last_day) as last_day
            from marts.input_file group by format order by format
        """
        return rows_of(self.con, query)

    def total(self, name: str) -> int:
        """Sum of a column of `inputs`."""
        return sum(row[name] for row in self.inputs)

    @property
    def lost(self) -> int:
        """Records nobody accounts for; anything but 0 is an error of the pipeline."""
        return self.total("rows_in") - sum(self.total(name) for name in FATES)

    @cached_property
    def reasons(self) -> list[Row]:
        """Why records were set aside, by format and sort of reason, the most frequent first, each with its first record."""
        query = """
            with told as (
                select format, file_id, file, line, reason, regexp_replace(reason, ?, '', 'g') as sort from raw.quarantine
            )
            select format, count(*) as records, count(distinct file_id) as files, first(reason order by file, line) as reason,
                first(file order by file, line) as file, first(line order by file, line) as line
            from told group by format, sort order by records desc, format, reason
        """
        return rows_of(self.con, query, ALIKE)

    @cached_property
    def notes(self) -> list[Row]:
        """What is odd about files, by sort, each with its first file; what later exports replace is one sort."""
        query = """
            with told as (
                select file, flag, starts_with(flag, 'is replaced for ') as is_replaced,
                    case when starts_with(flag, 'is replaced for ') then '' else regexp_replace(flag, ?, '', 'g') end as sort
                from raw.file_flag
            )
            select is_replaced, count(distinct file) as files, first(file order by file, flag) as file,
                first(flag order by file, flag) as flag
            from told group by is_replaced, sort order by is_replaced, files desc, flag
        """
        return rows_of(self.con, query, ALIKE)

    @cached_property
    def alike(self) -> list[Row]:
        """Pairs of sources that break the rule of marts.same_money, over all days."""
        rule = next((rule.text for rule in self.facts.rules if rule.table == "marts.same_money" and not rule.is_blocking), "true")
        query = f"""
            select kind, source, other_source, count(*) as days, min(day) as first_day, max(day) as last_day,
                cast(sum(items) as bigint) as items, cast(sum(other_items) as bigint) as other_items,
                cast(sum(same_items) as bigint) as same_items
            from marts.same_money where ({rule}) is not true
            group by kind, source, other_source order by days desc, kind, source, other_source
        """
        return rows_of(self.con, query)

    @cached_property
    def gpu_oddities(self) -> list[Row]:
        """What is odd about samples of GPUs, over all days, with the device in which it is so most often."""
        query = """
            with device as (
                select oddity, device_id, sum(hours) as hours, sum(seconds) as seconds, min(day) as first_day, max(day) as last_day
                from marts.gpu_oddity group by oddity, device_id
            )
            select oddity, count(*) as devices, cast(sum(hours) as bigint) as hours, cast(sum(seconds) as bigint) as seconds,
                min(first_day) as first_day, max(last_day) as last_day, first(device_id order by hours desc, device_id) as device_id
            from device group by oddity order by seconds desc, hours desc, oddity
        """
        return rows_of(self.con, query)

    @cached_property
    def alarms(self) -> list[Row]:
        """Alarms by month, the newest first, kind and measure, with what people made of them."""
        columns = "period, kind, measure, cards, real_cards, false_cards, open_cards, muted_cards"
        return rows_of(self.con, f"select {columns} from marts.alarm_quality order by period desc, cards desc, kind, measure")

    @cached_property
    def last_day(self) -> date | None:
        """The last day for which volumes are known."""
        [(day,)] = self.con.execute("select max(day) from marts.volume").fetchall()
        return day if isinstance(day, date) else None

    @cached_property
    def volumes(self) -> list[Row]:
        """Records by source, kind and day of the last four weeks."""
        if self.last_day is None:
            return []
        query = "select day, source, kind, rows_kept, usual_rows, status from marts.volume where day > ? order by source, kind, day"
        return rows_of(self.con, query, self.last_day - timedelta(days=DAYS))

    def unusual(self, days: int) -> list[Row]:
        """Sources and days of the last so many days with far less or far more records than usual, the newest first."""
        if self.last_day is None:
            return []
        found = [row for row in self.volumes if row["status"] in {"low", "high"} and row["day"] > self.last_day - timedelta(days=days)]
        return sorted(found, key=lambda row: (-row["day"].toordinal(), row["source"], row["kind"]))

    @property
    def warned(self) -> list[Rule]:
        """Rules that some published rows break, the most rows first."""
        return sorted((rule for rule in self.facts.rules if rule.rows), key=lambda rule: (-rule.rows, rule.table, rule.text))
