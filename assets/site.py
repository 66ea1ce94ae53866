"""A folder for any web server: every page of a book as it is, under the same paths, replaced as a whole."""

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from json import JSONDecodeError
from pathlib import Path, PurePosixPath
from posixpath import normpath
from urllib.parse import quote, unquote, urlsplit

from meterbook.assets.book import Book, BookError
from meterbook.assets.notify import plain_address
from meterbook.assets.shelf import open_below, pages_of
from meterbook.reports.entry import entry
from meterbook.reports.publish import MANIFEST, publish_set

KIND = "meterbook site"
ROBOTS = b"User-agent: *\nDisallow: /\n"
_LINK = re.compile(rb"<a\b[^>]*?\bhref=[\"']?([^\"'\s>]+)", re.IGNORECASE)
_SCRIPT = re.compile(rb"<script\b.*?</script>", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Site:
    """What was written: paths below the folder, and links that lead to none of them, each as (page, link)."""

    files: list[Path]
    dead: list[tuple[str, str]]


class _Contents(Mapping[str, bytes]):
    """Files by path, read only when one is asked for: pages of years do not fit into memory."""

    def __init__(self, folder: Path, pages: list[str], made: Mapping[str, bytes]) -> None:
        self._folder, self._pages, self._made = folder, dict.fromkeys(pages), made

    def __getitem__(self, name: str) -> bytes:
        if name in self._made:
            return self._made[name]
        if name not in self._pages:
            raise KeyError(name)
        with open_below(self._folder, name) as file:
            return file.read()

    def __iter__(self) -> Iterator[str]:
        return iter({**self._pages, **self._made})

    def __len__(self) -> int:
        return len({**self._pages, **self._made})


def publish_site(book: Book, target: Path, base_url: str = "") -> Site:
    """Copy the pages of a book, with a first page, and a manifest with the hash of each file.

    Args:
        book: whose pages.
        target: a folder outside the book: new, empty, or a site that was written before. Other files in a site stay.
        base_url: where it will be served, for the manifest.

    Raises:
        BookError: there are no pages, or the folder or the address is none that can be used.
    """
    target = target.resolve()
    _check_target(book.folder.resolve(), target)
    try:
        base_url = plain_address(base_url) if base_url else ""
    except ValueError as error:
        raise BookError(f"--base-url is {error}") from error
    pages = pages_of(book.folder)
    if not pages:
        raise BookError(f"{book.folder} has no pages yet; `meterbook run` makes them")
    made = {"index.html": entry(book.settings.name, pages), "robots.txt": ROBOTS}
    contents = _Contents(book.folder, pages, made)
    files, dead, there = [], [], set(contents)
    for name, content in contents.items():
        url = {"url": f"{base_url}/{quote(name)}"} if base_url else {}
        files.append({"file": name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest(), **url})
        dead += [(name, link) for link in dead_links(name, content, there)]
    manifest = json.dumps({"kind": KIND, "company": book.settings.name, "files": files}, indent=1, ensure_ascii=False).encode()
    return Site(publish_set(target, _Contents(book.folder, pages, {**made, MANIFEST: manifest})), dead)


def dead_links(page: str, content: bytes, there: Collection[str]) -> list[str]:
    """Links of a page to files of the same site that are not there; addresses elsewhere are not looked at."""
    found = []
    for raw in _LINK.findall(_SCRIPT.sub(b"", content)):
        link = raw.decode("utf-8", "replace")
        parts = urlsplit(link)
        if parts.scheme or parts.netloc or not parts.path:
            continue
        target = normpath(str(PurePosixPath(page).parent / unquote(parts.path)))
        if target not in there:
            found.append(link)
    return found


def _check_target(book: Path, target: Path) -> None:
    if target.is_relative_to(book) or book.is_relative_to(target):
        raise BookError(f"{target} holds the book or lies in it; name a folder outside of it, which can be served to others")
    if target.exists() and not target.is_dir():
        raise BookError(f"{target} is a file; name a folder")
    if target.is_dir() and any(target.iterdir()) and not _is_site(target):
        raise BookError(f"{target} has files and is no site of meterbook; name a new or an empty folder")


def _is_site(target: Path) -> bool:
    try:
        manifest = json.loads((target / MANIFEST).read_text("utf-8"))
    except (OSError, JSONDecodeError, UnicodeDecodeError):
        return False
    return isinstance(manifest, dict) and manifest.get("kind") == KIND
