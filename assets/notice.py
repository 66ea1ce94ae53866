"""One thing to be told, and how it is written for a chat, a mail or a text message.

Names come from logs and books, so whoever names a tenant writes into other people's chats: nobody is called by such a name, nothing of it
becomes a link, and no mark of it becomes a format.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from meterbook.sql.digests import digest_of

Kind = Literal["budget", "anomaly", "quota", "digest", "more", "test"]
TITLE, TEXT = 200, 600
"""Most characters of a title, and of one line of what is told."""
_GAP = "\N{ZERO WIDTH SPACE}"


@dataclass(frozen=True)
class Notice:
    """One thing to be told.

    Args:
        key: names it for ever: kind and what it is of, whatever is said of it later.
        owner: the team that is told.
        day: the day of the book it is of.
        usd: how much it is about; of a flood what is larger comes first.
        title: one line, as it was found.
        lines: what else is to be said, as it was found.
        facts: names and values, as they were found.
        page: the page that shows more, under the folder `reports`.
    """

    kind: Kind
    key: str
    owner: str
    day: date
    usd: Decimal
    title: str
    lines: Sequence[str] = ()
    facts: Sequence[tuple[str, str]] = ()
    page: str | None = None

    @property
    def notice_id(self) -> str:
        """Stable name of the notice."""
        return f"{self.kind} {self.key}"


@dataclass(frozen=True)
class Message:
    """A notice as it is sent: `plain` and `markdown` say the same."""

    title: str
    plain: str
    markdown: str


def message_of(notice: Notice, base_url: str | None) -> Message:
    """A notice as it is sent.

    Args:
        notice: what is told.
        base_url: where the book's pages are served; without it there is no link.
    """
    lines = [cut(line, TEXT) for line in notice.lines]
    facts = [(name, cut(value, TEXT)) for name, value in notice.facts if value]
    link = f"{base_url}/{notice.page}" if base_url and notice.page else None
    plain = [*lines, *(f"{name}: {value}" for name, value in facts), *([link] if link else [])]
    marked = [*map(marks_escaped, lines), "\n".join(f"- {name}: {marks_escaped(value)}" for name, value in facts)]
    # The address is its own text, for what is shown without links.
    marked += [f"[{marks_escaped(link)}]({link})"] if link else []
    title = cut(notice.title, TITLE)
    return Message(title, "\n".join(plain) or title, "\n\n".join(part for part in marked if part) or marks_escaped(title))


def cut(text: str, most: int) -> str:
    """A text in one line that is harmless, and not too long: no control or direction marks, no tag, no call of somebody, no link."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    # Chats and mail programs differ in what escapes a tag; what looks like its first character is none anywhere.
    line = re.sub(r"<(?=\S)", "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}", line)
    line = re.sub(r"(?<![\w.])@(?=\w)", f"@{_GAP}", line).replace("://", f":{_GAP}//")
    return line if len(line) <= most else f"{line[: most - 1]}\N{HORIZONTAL ELLIPSIS}"


def marks_escaped(text: str) -> str:
    """A text of which Markdown makes nothing but itself; marks inside a word are none and stay as they are."""
    escaped = re.sub(r"([\\`*\[\]~|]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)|^[#+>=-])", r"\\\1", text)
    return re.sub(r"^(\d+)([.)])", r"\1\\\2", escaped)


def gathered(notices: Sequence[Notice], owner: str, shown: int = 30) -> Notice:
    """Many notices as one; its key follows from theirs, in whatever order they come."""
    told = sorted(notices, key=lambda one: (-one.day.toordinal(), -abs(one.usd), one.notice_id))
    digest = digest_of("\n".join(sorted(one.notice_id for one in told)))
    facts = [(str(one.day), one.title) for one in told[:shown]]
    rest = [f"The newest {shown}; the others are in the lake."] if len(told) > shown else []
    return Notice("more", digest, owner, told[0].day, told[0].usd, f"{len(told)} more notices", rest, facts, told[0].page)
