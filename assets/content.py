"""The bytes of an inbox file: unpacked, in chunks of whole lines, or refused with one clear line.

Gzip, zstd and zip are unpacked on the way, whatever the file's name; what unpacks to far more than any export does is refused, so
that a small file cannot fill the memory or the disk.
"""

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import zstandard

CHUNK = 16 * 2**20
HEAD = 2**18
EXPANSION, SLACK = 200, 2**28
"""A file may unpack to 200 times its size, and to 256 MiB in any case. Logs pack 10 to 50 times smaller."""
MEMBERS = 10_000
PACKED = 2**13
"""Bytes of zstd unpacked at once: a block of a few bytes can stand for 128 KiB."""
GZIP, ZSTD, PARQUET, ZIP = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1", b"PK\x03\x04"


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
        head = b""
        for piece in self._pieces():
            head += piece
            if len(head) >= HEAD:
                break
        if not self.is_parquet and b"\x00" in head:
            raise FileRefused("is not text; expected JSON, JSON lines, CSV or Parquet, plain or packed with gzip, zstd or zip")
        return head[:HEAD]

    @cached_property
    def is_parquet(self) -> bool:
        """Whether the file is Parquet."""
        with self.path.open("rb") as handle:
            return self.member is None and handle.read(4) == PARQUET

    def whole(self) -> bytes:
        """All unpacked bytes.

        Raises:
            FileRefused: cut short.
        """
        return b"".join(self._pieces()).removeprefix(b"\xef\xbb\xbf")

    def chunks(self) -> Iterator[bytes]:
        """Unpacked bytes in pieces that end with a line, some 16 MB each.

        Raises:
            FileRefused: cut short.
        """
        rest: list[bytes] = []
        size = 0
        first = True
        for piece in self._pieces():
            rest.append(piece.removeprefix(b"\xef\xbb\xbf") if first else piece)
            first = False
            size += len(piece)
            if size >= CHUNK and b"\n" in piece:
                lines, _, tail = b"".join(rest).rpartition(b"\n")
                yield lines + b"\n"
                rest, size = [tail], len(tail)
        if size:
            yield b"".join(rest)

    def _pieces(self) -> Iterator[bytes]:
        bound, size = EXPANSION * self.path.stat().st_size + SLACK, 0
        for piece in self._unpacked():
            size += len(piece)
            if size > bound:
                raise FileRefused(f"unpacks to more than {EXPANSION} times its size; if it is sound, unpack it yourself")
            yield piece

    def _unpacked(self) -> Iterator[bytes]:
        with self.path.open("rb") as handle:
            magic = handle.read(4)
        if self.member is not None:
            yield from self._zip(self.member)
        elif magic == ZIP:
            raise FileRefused(f"is a zip file of {len(members(self.path))} files")
        elif magic.startswith(GZIP):
            yield from self._gzip()
        elif magic == ZSTD:
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
            with gzip.open(self.path) as handle:
                while piece := handle.read(2**20):
                    yield piece
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise FileRefused(f"is a gzip file that is cut short or damaged ({error})") from error

    def _zstd(self) -> Iterator[bytes]:
        frame = zstandard.ZstdDecompressor().decompressobj()
        try:
            with self.path.open("rb") as handle:
                while packed := handle.read(PACKED):
                    while packed:
                        yield frame.decompress(packed)
                        packed = frame.unused_data if frame.eof else b""
                        if packed:
                            frame = zstandard.ZstdDecompressor().decompressobj()
        except zstandard.ZstdError as error:
            raise FileRefused(f"is a zstd file that is damaged ({error})") from error
        if not frame.eof:
            raise FileRefused("is a zstd file that is cut short")
