"""The bytes of an inbox file: unpacked, in chunks of whole lines, or refused with one clear line.

What is not text is refused, but for Parquet and for OpenTelemetry spans in protobuf, which are known by their structure. Gzip, zstd and zip
are unpacked whatever the file's name; what unpacks to far more than any export does is refused, so that it cannot fill memory or disk.
"""

import gzip
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import zstandard
from isal import igzip
from isal.igzip_lib import IsalError

CHUNK = 16 * 2**20
HEAD = 2**18
EXPANSION, SLACK = 200, 2**28  # a file may unpack to 200 times its size, and to 256 MiB in any case; logs pack 10 to 50 times smaller
MEMBERS = 10_000
PACKED = 2**13
"""Bytes of zstd unpacked at once: a block of a few bytes can stand for 128 KiB."""
GZIP, ZSTD, PARQUET, ZIP = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1", b"PK\x03\x04"
Framing = Literal["message", "fixed", "varint"]
"""How protobuf messages lie in a file: one by itself, or each behind its length in 4 bytes (big-endian) or as a varint."""
_TO_SPAN = (1, 2, 2)
"""Fields that lead from an ExportTraceServiceRequest to a span: resource_spans, scope_spans, spans."""
_TRACE_ID, _SPAN_ID = 16, 8
_SPANS = b'{"resourceSpans"'


class FileRefused(ValueError):  # noqa: N818 -- it is said of a file, to a person
    """A file cannot be taken in; the message is one line that says why. Nothing of it is kept."""


def members(path: Path) -> list[str]:
    """Files in a zip, in order; what operating systems add is left out.

    Args:
        path: any file.

    Returns:
        Names, or nothing where the file is no zip.

    Raises:
        FileRefused: a zip that is damaged or holds too many files.
    """
    with path.open("rb") as handle:
        if handle.read(4) != ZIP:
            return []
    try:
        with zipfile.ZipFile(path) as archive:
            found = [info for info in archive.infolist() if not info.is_dir()]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise FileRefused(f"is a zip file that is cut short or damaged ({error})") from error
    if len(found) > MEMBERS:
        raise FileRefused(f"is a zip file of {len(found):,} files; at most {MEMBERS:,} are read")
    return sorted(info.filename for info in found if not _is_system_file(info.filename.split("/")))


def _is_system_file(parts: list[str]) -> bool:
    return parts[-1].startswith(".") or "__MACOSX" in parts


@dataclass(frozen=True)
class Content:
    """One inbox file.

    Args:
        path: where it lies.
        member: its name inside a zip.
    """

    path: Path
    member: str | None = None

    @cached_property
    def head(self) -> bytes:
        """The first unpacked bytes, enough to recognise a format.

        Raises:
            FileRefused: cut short, or not text.
        """
        if not self.is_parquet and not self.framing and b"\x00" in self._begin:
            raise FileRefused("is not text; expected JSON, JSON lines, CSV or Parquet, plain or packed with gzip, zstd or zip")
        return self._begin[:HEAD]

    @cached_property
    def framing(self) -> Framing | None:
        """How OpenTelemetry spans in protobuf lie in the file; None where it holds something else."""
        return None if self.is_parquet else framing_of(self._begin[:HEAD])

    @cached_property
    def _begin(self) -> bytes:
        begin = b""
        for piece in self.pieces():
            begin += piece
            if len(begin) >= HEAD:
                break
        return begin

    @cached_property
    def is_parquet(self) -> bool:
        """Whether the file is Parquet."""
        return self.member is None and self._magic == PARQUET

    @property
    def _magic(self) -> bytes:
        with self.path.open("rb") as handle:
            return handle.read(4)

    @property
    def largest(self) -> int:
        """Bytes it unpacks to at most."""
        size = self.path.stat().st_size
        return EXPANSION * size + SLACK if self._magic.startswith((GZIP, ZSTD, ZIP)) else size

    def whole(self) -> bytes:
        """All unpacked bytes.

        Raises:
            FileRefused: cut short.
        """
        return b"".join(self.pieces()).removeprefix(b"\xef\xbb\xbf")

    def chunks(self) -> Iterator[bytes]:
        """Unpacked bytes in pieces that end with a line, some 16 MB each.

        Raises:
            FileRefused: cut short.
        """
        rest: list[bytes] = []
        size = 0
        first = True
        for piece in self.pieces():
            rest.append(piece.removeprefix(b"\xef\xbb\xbf") if first else piece)
            first = False
            size += len(piece)
            if size >= CHUNK and b"\n" in piece:
                lines, _, tail = rest[-1].rpartition(b"\n")
                rest[-1] = lines + b"\n"
                yield b"".join(rest)
                rest, size = [tail], len(tail)
        if size:
            yield b"".join(rest)

    def pieces(self) -> Iterator[bytes]:
        """Unpacked bytes as they come.

        Raises:
            FileRefused: cut short, or of no bounded size.
        """
        return _bounded(self._unpacked(), self.path.stat().st_size)

    def _unpacked(self) -> Iterator[bytes]:
        if self.member is not None:
            yield from self._zip(self.member)
        elif self._magic == ZIP:
            raise FileRefused(f"is a zip file of {len(members(self.path))} files")
        elif self._magic.startswith(GZIP):
            yield from self._gzip()
        elif self._magic == ZSTD:
            yield from self._zstd()
        else:
            with self.path.open("rb") as handle:
                while piece := handle.read(2**20):
                    yield piece

    def _zip(self, member: str) -> Iterator[bytes]:
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(member) as handle:
                while piece := handle.read(2**20):
                    yield piece
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, KeyError) as error:
            raise FileRefused(f"is a zip file that is cut short or damaged ({error})") from error
        except (RuntimeError, NotImplementedError) as error:
            raise FileRefused(f"is a zip file that cannot be unpacked ({error})") from error

    def _gzip(self) -> Iterator[bytes]:
        try:
            with igzip.IGzipFile(self.path) as handle:  # type: ignore[no-untyped-call]  # it has no types
                while piece := handle.read(2**20):
                    yield piece
        except (EOFError, IsalError, gzip.BadGzipFile) as error:  # type: ignore[misc]  # its stub calls the class an instance
            raise FileRefused(f"is a gzip file that is cut short or damaged ({error})") from error

    def _zstd(self) -> Iterator[bytes]:
        with self.path.open("rb") as handle:
            yield from _unzstd(iter(lambda: handle.read(PACKED), b""))


def _bounded(pieces: Iterable[bytes], packed: int) -> Iterator[bytes]:
    bound, size = EXPANSION * packed + SLACK, 0
    for piece in pieces:
        size += len(piece)
        if size > bound:
            raise FileRefused(f"unpacks to more than {EXPANSION} times its size; if it is sound, unpack it yourself")
        yield piece


def _unzstd(pieces: Iterable[bytes]) -> Iterator[bytes]:
    frame = zstandard.ZstdDecompressor().decompressobj()
    try:
        for piece in pieces:
            packed = piece
            while packed:
                # A frame may end where a piece does: the next one is begun when there is more.
                frame = zstandard.ZstdDecompressor().decompressobj() if frame.eof else frame
                yield frame.decompress(packed)
                packed = frame.unused_data if frame.eof else b""
    except zstandard.ZstdError as error:
        raise FileRefused(f"is a zstd file that is damaged ({error})") from error
    if not frame.eof:
        raise FileRefused("is a zstd file that is cut short")


def unpacked(message: bytes) -> Iterator[bytes]:
    """One message of a file, which may be packed with zstd by itself, in pieces.

    Raises:
        FileRefused: cut short, or of no bounded size.
    """
    if not message.startswith(ZSTD):
        return iter((message,))
    return _bounded(_unzstd(message[at : at + PACKED] for at in range(0, len(message), PACKED)), len(message))


def framing_of(begin: bytes) -> Framing | None:
    """How spans lie in a file that begins so.

    A collector that packs messages one by one may pack JSON, too; it is told from protobuf when the message is read.
    """
    if _holds_span(begin):
        return "message"
    first = _first_of(begin[4:])
    if _holds_span(first) or (first.startswith(_SPANS) and begin[4:8] == ZSTD):
        return "fixed"
    _, at = varint(begin, 0)
    return "varint" if _holds_span(begin[at:]) else None


def _first_of(message: bytes) -> bytes:
    """The first bytes of a message, unpacked."""
    if not message.startswith(ZSTD):
        return message
    begin = b""
    try:
        for piece in unpacked(message):
            begin += piece
            if len(begin) >= HEAD:
                break
    except FileRefused:
        pass  # the message goes on behind the head of the file
    return begin


def _holds_span(message: bytes) -> bool:
    ids = {number: len(value) for number, value in protobuf_fields(_first(message, _TO_SPAN))}
    return ids.get(1) == _TRACE_ID and ids.get(2) == _SPAN_ID


def _first(message: bytes, path: tuple[int, ...]) -> bytes:
    """The first field at the end of a path of field numbers."""
    if not path:
        return message
    found = (_first(value, path[1:]) for number, value in protobuf_fields(message) if number == path[0])
    return next((value for value in found if value), b"")


def protobuf_fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Numbers and bytes of the fields of a message that have a length, as far as it goes and can be followed."""
    at = 0
    while at < len(message):
        tag, at = varint(message, at)
        match tag & 7:
            case 0:
                _, at = varint(message, at)
            case 1:
                at += 8
            case 2:
                size, at = varint(message, at)
                yield tag >> 3, message[at : at + size]
                at += size
            case 5:
                at += 4
            case _:
                return


def varint(data: bytes, at: int) -> tuple[int, int]:
    """A protobuf number and where it ends; what is cut short, or longer than 10 bytes, counts as far as it goes."""
    value = 0
    for n, byte in enumerate(data[at : at + 10]):
        value |= (byte & 127) << 7 * n
        if byte < 128:  # noqa: PLR2004 -- the last byte of a number
            return value, at + n + 1
    return value, at + 10
