"""published.json: what was published, from what it was made, and what each page says in a sentence."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from meterbook.reports import page
from meterbook.sql.digests import digest
from meterbook.sql.lake import write_atomically


@cache
def code_of_pages() -> str:
    """Hash of the code, the templates and the fonts that pages are made of."""
    folder = Path(page.__file__).parent
    files = sorted(path for path in folder.rglob("*") if path.suffix in {".py", ".j2", ".html", ".css", ".js", ".woff2"})
    return digest([hashlib.sha256(path.read_bytes()).hexdigest() for path in files])


@dataclass(frozen=True)
class Said:
    """What is kept of a page, so that the index says it without making the page again.

    Args:
        verdict: its headline.
        state: open or closed.
        draft: which expectation its period fails, where it fails one.
        team: whose page it is, of a team's.
        is_former: whether its team has no cost in the week any more: it was renamed, or its cost is another's now.
    """

    verdict: str = ""
    state: str = ""
    draft: str = ""
    team: str = ""
    is_former: bool = False


class Published:
    """The record of a book.

    Args:
        path: where it lies.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._read = path, (0, dict[str, dict[str, Any]]())

    def entries(self) -> Mapping[str, dict[str, Any]]:
        """Every publication by key; read again only where somebody wrote it."""
        if not self._path.is_file():
            return {}
        stamp = self._path.stat().st_mtime_ns
        if stamp != self._read[0]:
            self._read = (stamp, json.loads(self._path.read_text("utf-8")))
        return self._read[1]

    def pages(self, key: str) -> Mapping[str, Said]:
        """What the pages of a publication say, by path below the book."""
        return {path: Said(**said) for path, said in self.entries().get(key, {}).get("pages", {}).items()}

    def unmade(self) -> dict[str, list[str]]:
        """Sections that could not be made, each with the keys of the publications that lack it."""
        found: dict[str, list[str]] = {}
        for key, known in sorted(self.entries().items()):
            for why in known.get("unmade", ()):
                found.setdefault(why, []).append(key)
        return found

    def put(self, key: str, fingerprint: str, files: Sequence[str], pages: Mapping[str, Said], unmade: Sequence[str]) -> None:
        """Remember a publication."""
        entry: dict[str, Any] = {"fingerprint": fingerprint, "files": list(files)}
        if pages:
            entry["pages"] = {path: {name: value for name, value in asdict(said).items() if value} for path, said in pages.items()}
        if unmade:
            entry["unmade"] = list(unmade)
        encoded = msgspec.json.encode(dict(sorted({**self.entries(), key: entry}.items())))
        write_atomically(self._path, msgspec.json.format(encoded, indent=1).decode())
