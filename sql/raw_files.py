"""Input files as they were taken in: Parquet of typed rows, which staging reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from meterbook.sql.digests import digest
from meterbook.sql.lake import quoted


@dataclass(frozen=True)
class RawFile:
    """One ingested input file: its typed rows, and the days they fall on."""

    file_id: str
    path: Path
    days: Mapping[str, int]
    recipe: str = ""
    """Hash of the reader and mapping: the same bytes read otherwise are other content."""
    without: tuple[str, tuple[str, ...]] = ("", ())
    """A column and those of its values whose rows do not count, because a later file replaces them."""

    @property
    def token(self) -> str:
        """Changes with the content."""
        return f"{self.file_id}{self.recipe}{digest(self.without) if self.without[1] else ''}"

    def size(self, day: str) -> int:
        """Bytes of the rows of a day: of the whole file as many as they are of its rows."""
        return self.path.stat().st_size * self.days[day] // max(1, sum(self.days.values()))

    @property
    def query(self) -> str:
        """The rows that count."""
        column, replaced = self.without
        listed = ", ".join(quoted(value) for value in replaced)
        kept = f" where {column} is null or {column} not in ({listed})" if replaced else ""
        return f"select * from read_parquet({quoted(str(self.path))}){kept}"


def by_day(files: Sequence[RawFile]) -> dict[str, list[RawFile]]:
    """The files of a table by the days they have rows of, in an order that does not follow from when they came."""
    index: dict[str, list[RawFile]] = {}
    for file in sorted(files, key=lambda f: f.file_id):
        for day in file.days:
            index.setdefault(day, []).append(file)
    return index
