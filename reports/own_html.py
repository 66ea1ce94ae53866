"""What the template of a book's own section may make: a piece of a page that closes what it opens, runs nothing and loads nothing."""

from collections.abc import Sequence
from html.parser import HTMLParser

VOID = frozenset({"area", "br", "col", "hr", "img", "input", "source", "track", "wbr"})
REFUSED = frozenset(
    {"script", "link", "iframe", "object", "embed", "base", "meta", "form", "html", "head", "body", "main", "section", "style", "title"}
)
ADDRESSES = frozenset({"src", "href", "srcset", "action", "formaction", "poster", "background", "data", "xlink:href"})
_LEADS_OUTSIDE = ("http:", "https:", "//", "javascript:", "vbscript:", "data:text", "file:", "blob:", "\\")


class MarkupError(ValueError):
    """A section's HTML cannot stand on a page."""


def refuse_unfit(made: str) -> None:
    """Check the HTML of a section.

    Raises:
        MarkupError: an element is left open or closed twice, belongs to the page, runs a script or leads outside.
    """
    reader = _Reader()
    reader.feed(made)
    reader.close()
    if reader.open:
        raise MarkupError(f"its template leaves <{reader.open[-1]}> open")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        if tag in REFUSED:
            raise MarkupError(f"<{tag}> cannot stand in a section")
        for name, value in attrs:
            _refuse(tag, name, value or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self.open or self.open[-1] != tag:
            raise MarkupError(f"its template closes </{tag}> where {f'<{self.open[-1]}> is open' if self.open else 'nothing is open'}")
        self.open.pop()

    def handle_comment(self, data: str) -> None:
        raise MarkupError(f"<!--{data[:20]} cannot stand in a section; a comment of a template is {{# ... #}}")


def _refuse(tag: str, name: str, value: str) -> None:
    if name.startswith("on"):
        raise MarkupError(f"<{tag} {name}=> cannot stand in a section: it runs a script")
    if name in ADDRESSES and "".join(value.split()).lower().startswith(_LEADS_OUTSIDE):
        raise MarkupError(f"<{tag} {name}={value[:40]!r}> cannot stand in a section: it leads outside the pages")
    if name == "style" and "url(" in value.lower():
        raise MarkupError(f"<{tag} style=> cannot load anything")
