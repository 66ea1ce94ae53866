"""Logos made safe to embed: of a PNG only the picture is kept, of an SVG only what draws.

An SVG is a document that can hold scripts and fetch things. What can do either is refused and named with its line, so that nobody wonders
why a logo lost a part; what editors leave beside the drawing (metadata, their own elements) is left out in silence.
"""

import base64
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

BYTES, SIDE = 100_000, 4000
"""The most a logo may take, in bytes and in pixels of a side."""
SVG = "http://www.w3.org/2000/svg"
DRAWS = frozenset({
    *("svg", "g", "defs", "symbol", "use", "title", "desc", "style", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon"),
    *("text", "tspan", "linearGradient", "radialGradient", "stop", "clipPath", "mask", "pattern"),
})  # fmt: skip
REFUSED = frozenset({"script", "foreignobject", "iframe", "image", "animate", "set", "handler", "a"})
_CHUNKS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_OUTSIDE = re.compile(r"@import|expression\s*\(|javascript:|url\(\s*['\"]?\s*[^#'\"\s]|\\", re.IGNORECASE)
"""What styles fetch or run; a backslash could hide it."""


class LogoError(ValueError):
    """A logo cannot be shown; the message says why, with a line where there is one (`3: ...`)."""


def data_uri(path: Path) -> str:
    """A logo as a data URI.

    Raises:
        LogoError: it is too large, is neither PNG nor SVG, or holds what could run or fetch something.
    """
    content = path.read_bytes()
    if len(content) > BYTES:
        raise LogoError(f"1: has {len(content):,} bytes; a logo may have {BYTES:,}")
    if content.startswith(_SIGNATURE):
        return f"data:image/png;base64,{base64.b64encode(b''.join((_SIGNATURE, *_png(content)))).decode()}"
    return f"data:image/svg+xml;base64,{base64.b64encode(clean_svg(content).encode()).decode()}"


def _png(content: bytes) -> Iterator[bytes]:
    """The chunks that make the picture; comments, places and times are not among them."""
    place, is_whole = len(_SIGNATURE), False
    while place + 12 <= len(content) and not is_whole:
        (length,) = struct.unpack(">I", content[place : place + 4])
        kind, body = content[place + 4 : place + 8], content[place + 8 : place + 8 + length]
        end = content[place + 8 + length : place + 12 + length]
        if end != struct.pack(">I", zlib.crc32(kind + body)):
            raise LogoError("1: is a damaged PNG")
        if kind == b"IHDR" and max(struct.unpack(">II", body[:8])) > SIDE:
            raise LogoError(f"1: is wider or higher than {SIDE:,} pixels")
        if kind in _CHUNKS:
            yield content[place : place + 12 + length]
        place, is_whole = place + 12 + length, kind == b"IEND"
    if not is_whole:
        raise LogoError("1: is a damaged PNG")


def clean_svg(content: bytes) -> str:
    """An SVG with nothing but what draws.

    Raises:
        LogoError: it is none, or it holds a script, an event handler, a document type or a reference to something outside.
    """
    reader = _Svg()
    try:
        reader.parser.Parse(content, True)  # noqa: FBT003 -- expat takes it by place
    except expat.ExpatError as error:
        raise LogoError(f"{error.lineno}: is neither PNG nor SVG: {expat.errors.messages[error.code]}") from error
    return "".join(reader.parts)


class _Svg:
    """Writes what it keeps, as expat reads."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self._open: list[str] = []
        """Names of the elements around; empty of those that are left out."""
        self.parser = expat.ParserCreate(namespace_separator=" ")
        # Text in one piece: what is refused could else be parted.
        self.parser.buffer_text = True
        self.parser.StartElementHandler, self.parser.EndElementHandler = self._start, self._end
        self.parser.CharacterDataHandler, self.parser.StartDoctypeDeclHandler = self._text, self._doctype

    def _wrong(self, why: str) -> LogoError:
        return LogoError(f"{self.parser.CurrentLineNumber}: {why}")

    def _doctype(self, *_: object) -> None:
        raise self._wrong("has a document type, which could name other files; remove the DOCTYPE line")

    def _start(self, full: str, attributes: dict[str, str]) -> None:
        space, _, name = full.rpartition(" ")
        if not self._open and (space, name) != (SVG, "svg"):
            raise self._wrong(f'is no SVG: it begins with <{name}>, not with <svg xmlns="{SVG}">')
        if name.lower() in REFUSED:
            raise self._wrong(f"<{name}> is not allowed in a logo: only what draws, without scripts, pictures and links")
        is_kept = space == SVG and name in DRAWS and (not self._open or bool(self._open[-1]))
        kept = "".join(self._attributes(attributes))
        self._open.append(name if is_kept else "")
        if is_kept:
            self.parts.append(f"<{name}{f' xmlns={quoteattr(SVG)}' if len(self._open) == 1 else ''}{kept}>")

    def _attributes(self, attributes: dict[str, str]) -> Iterator[str]:
        for full, value in attributes.items():
            space, _, name = full.rpartition(" ")
            if name.lower().startswith("on"):
                raise self._wrong(f"{name}= is not allowed in a logo: it runs a script")
            if name in {"href", "src", "base"} and not value.startswith("#"):
                raise self._wrong(f"{name}={value[:40]!r} is not allowed in a logo: it leads outside")
            if _OUTSIDE.search(value):
                raise self._wrong(f"{name}={value[:40]!r} is not allowed in a logo: it fetches or runs something")
            if not space or name == "href":
                yield f" {name}={quoteattr(value)}"

    def _end(self, _full: str) -> None:
        name = self._open.pop()
        if name:
            self.parts.append(f"</{name}>")

    def _text(self, text: str) -> None:
        if self._open and self._open[-1]:
            if self._open[-1] == "style" and _OUTSIDE.search(text):
                raise self._wrong("its style fetches or runs something")
            self.parts.append(escape(text))
