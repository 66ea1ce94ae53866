"""A page as a letter: its verdict, figures, teams, what stood out and what to decide, as text and as plain tables; the page is attached.

Mail programs drop scripts and inline SVG. So a letter has what the page's own sections say, from the same figures, and at most a picture.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from email.message import EmailMessage
from email.policy import SMTP
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from meterbook.reports.frame import Frame
from meterbook.reports.kinds import KINDS, sections_of
from meterbook.reports.week_columns import HEIGHT, WIDTH, columns_of, drawn, rasterised, words

TOLD = frozenset({"opening", "verdict", "kpis", "teams", "anomalies", "decisions"})
"""Shapes of sections that a letter repeats, by their template; all others are in the page."""
MOST = 40
"""Rows of teams in a letter: programs cut long ones."""
PICTURE = "weeks@meterbook.invalid"


@dataclass(frozen=True)
class Letter:
    """What a mail says.

    Args:
        subject: the verdict.
        text: for those who read plain text.
        html: the same with tables; the picture is `cid:weeks@meterbook.invalid`.
        picture: PNG, where there is one.
    """

    subject: str
    text: str
    html: str
    picture: bytes | None


def letter(kind: str, period: str, con: duckdb.DuckDBPyConnection, facts: Any, address: str = "") -> Letter:  # noqa: ANN401 -- as the kind has it
    """Write the letter of a page.

    Args:
        kind: of the page.
        period: of the page.
        con: a connection in which the marts are views.
        facts: what else the page says.
        address: where the page can be read, where it can be.

    Raises:
        KeyError: an unknown kind.
        ValueError: a period that is none.
    """
    figures = KINDS[kind].figures(con, period, facts)
    told = {name: section for section in sections_of(kind) if (name := section.template or section.name) in TOLD}
    found = {name: section.build(figures) for name, section in told.items()}
    titles = {name: section.title for name, section in told.items()}
    empty = {name: section.empty for name, section in told.items()}
    columns = columns_of(figures) if isinstance(figures, Frame) else []
    picture = rasterised(drawn(columns)) if columns else None
    title = KINDS[kind].title.format(company=facts.company, period=getattr(facts, "title", period))
    opening = found.get("opening") or found.get("verdict")
    draft = getattr(facts, "draft", "")
    said = {"title": title, "opening": opening, "draft": draft, "found": found, "titles": titles, "empty": empty, "address": address}
    drawing = {
        "picture": PICTURE if picture else "",
        "words": words(columns) if columns else "",
        "width": WIDTH,
        "height": HEIGHT,
        "most": MOST,
    }
    html, text = (_environment().get_template(name).render(**said, **drawing) for name in ("letter.html.j2", "letter.txt.j2"))
    return Letter("Draft: " * bool(draft) + _subject(title, facts.company, opening), text, html, picture)


def _subject(title: str, company: str, opening: Mapping[str, Any] | None) -> str:
    said = f"{company}: {opening['headline'].rstrip('.')}" if opening else title
    # A header is one line of text, whatever names hold.
    return " ".join("".join(char if char.isprintable() else " " for char in said).split())


def eml(said: Letter, day: date, page: tuple[str, bytes], to: str = "") -> bytes:
    """A letter as a draft that mail programs open (RFC 5322; `X-Unsent` of Outlook), the page attached.

    The same letter is the same bytes: boundaries and the name come from its content, its date is the last day with data.

    Args:
        said: the letter.
        day: its date.
        page: file name and content of what is attached.
        to: whom it goes to, as an address list; the reader's mail program asks where it is empty.

    Raises:
        ValueError: `to` is no address list.
    """
    name, content = page
    mark = hashlib.sha256(b"\0".join((said.subject.encode(), said.text.encode(), said.html.encode(), said.picture or b"", content)))
    message = EmailMessage(policy=SMTP)
    message["Subject"] = said.subject
    message["Date"] = f"{day:%a, %d %b %Y} 12:00:00 +0000"
    message["Message-ID"] = f"<{mark.hexdigest()[:32]}@meterbook.invalid>"
    message["X-Unsent"] = "1"
    if to:
        message["To"] = to
        if not all(one.domain for one in message["To"].addresses):
            raise ValueError("an address is a name, @ and a domain")
    message.set_content(said.text, cte="quoted-printable")
    message.add_alternative(said.html, subtype="html", cte="quoted-printable")
    if said.picture:
        _, html = message.iter_parts()
        html.add_related(said.picture, "image", "png", cid=f"<{PICTURE}>", disposition="inline", filename="weeks.png")
    message.add_attachment(content, "text", "html", filename=name, params={"charset": "utf-8"})
    parts = (part for part in message.walk() if part.is_multipart())
    for number, part in enumerate(parts):
        # Neither quoted-printable nor base64 can hold "=_".
        part.set_boundary(f"=_meterbook_{mark.hexdigest()[:24]}_{number}")
    return message.as_bytes()


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=select_autoescape(("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
