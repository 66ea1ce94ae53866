"""The bytes of an inbox file: unpacked, in chunks of whole lines, or refused with one clear line."""

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import zstandard

CHUNK = 16 * 2**20
HEAD = 2**18
GZIP, ZSTD, PARQUET = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1"


class FileRefused(ValueError):  # noqa: N818 -- it is said of a file, to a person
    """A file cannot be taken in; the message is one line that says why. Nothing of it is kept."""


@dataclass(frozen=True)
class Content:
    """One inbox file.

    Args:
        path: where it lies; gzip and zstd are unpacked on the way, whatever its name.
    """

    path: Path

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
            raise FileRefused("is not text; expected JSON, JSON lines, CSV or Parquet, plain or packed with gzip or zstd")
        return head[:HEAD]

    @cached_property
    def is_parquet(self) -> bool:
        """Whether the file is Parquet."""
        with self.path.open("rb") as handle:
            return handle.read(4) == PARQUET

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
        with self.path.open("rb") as handle:
            magic = handle.read(4)
        if magic.startswith(GZIP):
            yield from self._gzip()
        elif magic == ZSTD:
            yield from self._zstd()
        else:
            with self.path.open("rb") as handle:
                while piece := handle.read(2**20):
                    yield piece

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
                while packed := handle.read(2**18):
                    while packed:
                        yield frame.decompress(packed)
                        packed = frame.unused_data if frame.eof else b""
                        if packed:
                            frame = zstandard.ZstdDecompressor().decompressobj()
        except zstandard.ZstdError as error:
            raise FileRefused(f"is a zstd file that is damaged ({error})") from error
        if not frame.eof:
            raise FileRefused("is a zstd file that is cut short")
