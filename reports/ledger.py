"""What a book says of its ledger: accounts, and the columns in which an accounting system takes a journal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

SOURCES = (
    "journal_id", "period", "posting_date", "line_number", "account", "cost_centre", "team", "line", "description", "debit_usd",
    "credit_usd", "reference", "entity", "department", "currency",
)  # fmt: skip
"""What a column of a map may be made of: the columns of journal.csv, and what journal.yaml says beside them."""


@dataclass(frozen=True)
class AccountRule:
    """Which account lines go to that have none of their own: `*` stands for anything, the first rule that matches holds."""

    line: str
    account: str
    team: str = "*"

    def matches(self, line: str, team: str) -> bool:
        """Whether it says the account of a team's line."""
        return fnmatchcase(line, self.line) and fnmatchcase(team, self.team)


@dataclass(frozen=True)
class ColumnMap:
    """How an accounting system wants the journal.

    Args:
        name: of the file: journal.<name>.csv.
        columns: header of the column -> column of the journal, `entity`, `department` or `currency`.
        constants: header -> the same text on each line.
        date_format: of the posting date, as strftime has it.
    """

    name: str
    columns: Mapping[str, str]
    constants: Mapping[str, str]
    date_format: str = "%Y-%m-%d"

    @property
    def header(self) -> list[str]:
        """Its columns, in order."""
        return [*self.columns, *self.constants]


@dataclass(frozen=True)
class JournalSettings:
    """What the book says of its journal (journal.yaml).

    Args:
        clearing_account: credited with what teams are charged.
        rules: accounts of lines that have none of their own.
        entity: company or subsidiary.
        department_prefix: put before a cost centre where a system calls it a department.
        id_prefix: of the number of the entry.
        maps: forms it is exported in as well.
    """

    clearing_account: str
    rules: Sequence[AccountRule] = ()
    entity: str | None = None
    department_prefix: str = ""
    id_prefix: str = "MB"
    maps: Sequence[ColumnMap] = ()
