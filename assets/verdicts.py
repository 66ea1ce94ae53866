"""What the files of an inbox say of each other: manifests that count rows, pages that go on, exports that replace others.

Nothing here depends on when a file arrived: the same files give the same verdicts in whatever order they came.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from meterbook.assets.ledger import Entry, Listed

_PARTS = re.compile(r"part[_-]\d+(_\d+)?|[-_.](\d{5}|\d{12})(?=\.)")
"""Numbers of the parts of one run, as AWS (-00001), Azure (part_0_0001) and BigQuery (-000000000001) write them."""
Sums = Mapping[tuple[str, str], str]
"""What a raw column of a file adds up to, by file and column."""


@dataclass
class Verdicts:
    """What follows for each file."""

    refused: dict[str, str] = field(default_factory=dict)
    """Files that are known to be cut, each with one line that says why."""
    superseded: dict[str, dict[str, str]] = field(default_factory=dict)
    """By file: its units of delivery that a later export replaces, each with a file of that export."""
    flags: list[tuple[str, str]] = field(default_factory=list)
    """What is odd, file by file."""


def verdicts(entries: Iterable[Entry], sums: Sums) -> Verdicts:
    """Judge the files of an inbox together.

    Args:
        entries: one per content.
        sums: what manifests ask for.
    """
    found = Verdicts()
    files = list(entries)
    for manifest in files:
        for listed in manifest.manifest:
            _judge(found, manifest, listed, files, sums)
    found.flags += [(one.file, flag) for one in files for flag in one.flags]
    found.flags += [(one.file, "has more pages, and none of them is in the inbox") for one in files if _is_open(one, files)]
    sound = [one for one in files if one.file not in found.refused]
    for unit in sorted({unit for one in sound for unit in one.units}):
        _supersede(found, unit, [one for one in sound if unit in one.units and not one.adds])
    return found


def asked_sums(entries: Iterable[Entry]) -> Iterator[tuple[Entry, str]]:
    """Files and raw columns whose sums some manifest names."""
    files = list(entries)
    for manifest in files:
        for listed in manifest.manifest:
            for one in matching(listed, manifest, files):
                yield from ((one, column) for column in listed.sums)


def matching(listed: Listed, manifest: Entry, files: Iterable[Entry]) -> list[Entry]:
    """The files a manifest means by a name: those that share most of the end of its path, and of those its neighbours.

    Where it lists several files of one name, they must share enough to tell which is meant.
    """
    others = [_common(listed.name, other.name) for other in manifest.manifest if other.name != listed.name]
    named = [(_common(listed.name, one.file), one) for one in files if not one.is_manifest]
    longest = max((length for length, _ in named), default=0)
    best = [one for length, one in named if length == longest] if longest > max(others, default=0) else []
    beside = [one for one in best if one.file.rpartition("/")[0] == manifest.file.rpartition("/")[0]]
    # A name alone, such as part_0_0001.csv, means no file where several have it.
    return beside or (best if longest > 1 or len(best) == 1 else [])


def _common(name: str, file: str) -> int:
    """How many parts two paths share at their end; `__` in a file name stands for the `/` of an object's key."""
    parts, others = name.split("/"), file.replace("__", "/").split("/")
    shared = 0
    for one, other in zip(reversed(parts), reversed(others), strict=False):
        if one != other:
            break
        shared += 1
    return shared


def _judge(found: Verdicts, manifest: Entry, listed: Listed, files: list[Entry], sums: Sums) -> None:
    meant = matching(listed, manifest, files)
    if not meant:
        found.flags.append((manifest.file, f"names {listed.name}, which is not in the inbox"))
    for one in meant:
        if listed.rows is not None and one.rows_in != listed.rows:
            found.refused[one.file] = (
                f"holds {one.rows_in:,} rows where its manifest {manifest.file} names {listed.rows:,}; export it again"
            )
        for column, total in listed.sums.items():
            summed = sums.get((one.file, column), "0")
            if Decimal(summed) != Decimal(total) and one.file not in found.refused:
                found.refused[one.file] = f"has {column} of {summed} where its manifest {manifest.file} says {total}; export it again"


def _is_open(one: Entry, files: list[Entry]) -> bool:
    if not one.continues_on:
        return False
    return not any(other is not one and other.format == one.format and max(other.days, default="") >= one.continues_on for other in files)


def _supersede(found: Verdicts, unit: str, files: list[Entry]) -> None:
    runs: dict[str, list[Entry]] = {}
    for one in files:
        runs.setdefault(f"{one.format} {_PARTS.sub('', one.file)}", []).append(one)
    latest = max(runs, key=lambda run: (_last_day(runs[run], unit), max(one.rank for one in runs[run]), run), default="")
    for run, parts in runs.items():
        for one in parts:
            if run != latest:
                found.superseded.setdefault(one.file, {})[unit] = runs[latest][0].file


def _last_day(run: Iterable[Entry], unit: str) -> str:
    return max(max(one.units[unit]) for one in run)
