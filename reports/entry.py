"""The first page of a site: it leads to the index of the book where there is one, and lists the pages where there is none."""

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path, PurePosixPath

from jinja2 import Environment, FileSystemLoader, StrictUndefined

INDEX = "reports/index.html"


def entry(company: str, pages: Sequence[str]) -> bytes:
    """Make the page that lies above `reports/`.

    Args:
        company: the name of the book.
        pages: paths of all pages, relative to it.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    rooms = [(room, list(found)) for room, found in groupby(sorted(pages, key=lambda path: (_room(path), path)), _room)]
    # The newest first: names of weeks and months sort by time.
    listed = [(name, [(path, _name(path)) for path in reversed(found)]) for (_, name), found in rooms]
    there = INDEX if INDEX in pages else ""
    return environment.get_template("entry.html.j2").render(company=company, index=there, rooms=listed).encode()


def _room(path: str) -> tuple[bool, str]:
    """What a page is listed under: its folders; statements come last."""
    first, *rooms = PurePosixPath(path).parent.parts
    is_page = first == PurePosixPath(INDEX).parts[0]
    return not is_page, " ".join(rooms) if is_page else f"statements of {rooms[0]}"


def _name(path: str) -> str:
    pure = PurePosixPath(path)
    return pure.parent.name if pure.name == "index.html" else pure.stem
