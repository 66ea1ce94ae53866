"""Records at the speed of DuckDB: columns and rules as SQL, and Python sees only what is odd.

msgspec goes through the lines and says whether each is a sound record; DuckDB alone would take 9.7 tokens for 10, a trailing comma, or a
number for a text. Sound lines go to DuckDB as they lie there, which types them while msgspec goes through the next ones; where they have
bodies, with what these tell in front. Odd lines go as plain JSON of what they mean; wrong ones are set aside. Records of files of other
shapes (arrays, pages, CSV, Parquet) go as lines too, so that one piece of SQL types them all.
"""

import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import ROUND_05UP, Context, Decimal
from functools import cached_property
from operator import attrgetter
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from meterbook.assets.content import Content
from meterbook.assets.ingest._duck import NUMBER, OWN, SKIP, Rules, Shape, copied, judged, kept, pipes
from meterbook.assets.ingest._records import Record, RecordFiles
from meterbook.assets.ingest._rows import BROKEN
from meterbook.assets.ingest._shapes import amounts_of, bodied_of, columns_of, plain_of
from meterbook.assets.ingest._typed_rows import KEPT_REJECTS, Rows
from meterbook.assets.sources import Reading
from meterbook.sql.lake import SPILL, quoted

LARGEST_AMOUNT = Decimal(10) ** 6
_NUMBER, _OWN, _SKIPPED = NUMBER.encode(), OWN.encode(), f'{{"{SKIP}":true}}'.encode()
_ENCODER = msgspec.json.Encoder(decimal_format="string")
_BLOCK = 64
"""Lines looked at together where one of their chunk is odd."""
_AT_ONCE = 2**18
_GROWTH = 8
"""Times as long as it was a record may be when it is written anew: with its number, its names in full, and what only settling knows."""
_STICKY = Context(prec=60, rounding=ROUND_05UP)
"""Rounds so that rounding once more gives what rounding once would have given."""
_FLOAT_DIGITS = 15
"""Digits of a decimal that a float surely keeps."""


@dataclass(frozen=True)
class Lines(RecordFiles[Record]):
    """How records are read by SQL.

    Args:
        record: the shape of one record: texts, counts, decimals, yes or no, lists of texts and records of these. What else a source may
            write there (`Any`, unions) `settle` brings into that shape; fields of type `msgspec.Raw` only `settle` sees, and empties.
            Those that are marked as `BODY` `told` sees, too.
        shape: typed columns, each with its DuckDB type and SQL over the record; amounts of a record are texts there, see `_sql.amount`.
            Those that begin with `_` come first, for the others and the rules, and are not kept.
        broken: conditions under which a row is set aside, and SQL for the reason.
        settle: brings an odd record into its shape, in place; ValueError where it is wrong.
        told: of a record in its shape but for its bodies, what settling adds to it under the key `OWN`; None where that is nothing.
        day: the column whose UTC day a row falls on.
    """

    shape: Shape = field(kw_only=True)
    broken: Rules = field(kw_only=True)
    settle: Callable[[Record, Reading], None] = field(kw_only=True)
    told: Callable[[Any, Reading], msgspec.Struct | None] = field(kw_only=True)
    day: str = field(kw_only=True)

    @property
    def types(self) -> dict[str, str]:
        """Columns of the raw table with their DuckDB types."""
        return kept(self.shape)

    def settled(self, record: Record, reading: Reading) -> Record:
        """The record in its shape.

        Raises:
            ValueError: it is wrong.
        """
        self.settle(record, reading)
        return record

    def read(self, content: Content, reading: Reading) -> Rows:
        """Read one file; its typed rows lie in a file that goes when the rows go.

        Raises:
            FileRefused: cut short, or neither JSON nor CSV.
        """
        folder = Path(tempfile.mkdtemp(prefix=SPILL, dir=reading.folder))
        try:
            rows = self._read(content, reading, folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        weakref.finalize(rows, shutil.rmtree, folder, ignore_errors=True)
        return rows

    def _read(self, content: Content, reading: Reading, folder: Path) -> Rows:
        # What a book names of metadata only settling sees; bodies make their own line odd.
        if not reading.options.asks and self.is_json_lines(content):
            with suppress(duckdb.Error):
                rows = Rows()
                return self._copied(self._as_they_lie(content, rows, reading), content, rows, reading, folder / "typed.parquet")
            # Such as for a key that a record has twice. Written anew, it has each key once.
        rows = Rows()
        return self._copied(self._anew(content, rows, reading), content, rows, reading, folder / "anew.parquet", is_numbered=True)

    def _copied(
        self, chunks: Iterable[bytes], content: Content, rows: Rows, reading: Reading, target: Path, *, is_numbered: bool = False
    ) -> Rows:
        paths = pipes(target.parent, content.largest * (_GROWTH if is_numbered else 1))
        found = judged(paths, columns_of(self.record), self.shape, self.broken, is_numbered=is_numbered)
        columns = ", ".join(f"cast({name} as {dtype}) as {name}" for name, dtype in self.types.items())
        added = f"{quoted(reading.file_id)} as file_id, {quoted(reading.source)} as source, line, cast({self.day} as date) as day"
        sound = "case when _reason is null then true else set_aside(line, _reason) end"
        rows.rows_typed, broken = copied(chunks, paths, f"select {columns}, {added} from ({found}) where {sound}", target)
        texts = self.texts(content, [line for line, _ in broken[:KEPT_REJECTS]])
        for line, reason in broken:
            rows.reject(line, reason, texts.get(line, b""))
        rows.typed = target if rows.rows_typed else None
        return rows

    def _anew(self, content: Content, rows: Rows, reading: Reading) -> Iterator[bytes]:
        for batch in self.batches(content, rows, reading):
            numbered = zip(batch.numbers, batch.records, strict=True)
            yield b"".join(b'{"%b":%d,%b\n' % (_NUMBER, number, _ENCODER.encode(record)[1:]) for number, record in numbered)

    def _as_they_lie(self, content: Content, rows: Rows, reading: Reading) -> Iterator[bytes]:
        """Chunks of lines; in place of an odd one what it means, in place of a wrong or empty one a line that is only counted."""
        before = 0
        for chunk in content.chunks():
            sound = self._sound_lines(chunk)
            if sound is not None:
                rows.rows_in += sound
                yield chunk
            else:
                yield self._mended(chunk.removesuffix(b"\n").split(b"\n"), before, rows, reading)
            before += _lines_of(chunk) if sound is None else sound

    def _sound_lines(self, chunk: bytes) -> int | None:
        """Lines of a chunk; None where any of them is odd."""
        found = 0
        for block in _blocks(chunk):
            lines = _lines_of(block)
            if self._records(self._plain, block, lines) is None:
                return None
            found += lines
        return found

    def _mended(self, lines: Sequence[bytes], before: int, rows: Rows, reading: Reading) -> bytes:
        done: list[bytes] = []
        for start in range(0, len(lines), _BLOCK):
            block = lines[start : start + _BLOCK]
            bodied = self._records(self._bodied, b"\n".join(block), len(block))
            if bodied is None:
                done += (self._line(before + start + n, line, rows, reading) for n, line in enumerate(block, 1))
            else:
                rows.rows_in += len(block)
                done += (self._with_own(line, record, reading) for line, record in zip(block, bodied, strict=True))
        return b"\n".join(done) + b"\n"

    def _line(self, number: int, line: bytes, rows: Rows, reading: Reading) -> bytes:
        if bodied := self._records(self._bodied, line, 1):
            rows.rows_in += 1
            return self._with_own(line, bodied[0], reading)
        if not line.strip():
            return _SKIPPED
        records = self.shaped([(number, line)], rows, reading).records
        return _ENCODER.encode(records[0]) if records else _SKIPPED

    def _with_own(self, line: bytes, record: msgspec.Struct, reading: Reading) -> bytes:
        """A line as it lies, and before it what its bodies tell."""
        own = self.told(record, reading)
        return line if own is None else b'{"%b":%b,%b' % (_OWN, _ENCODER.encode(own), line.lstrip()[1:])

    def _records(self, decoder: msgspec.json.Decoder[Any], text: bytes, lines: int) -> Sequence[Any] | None:
        """The records of so many lines; None where one is not in its shape, or has an amount that needs more than a float holds."""
        try:
            records = decoder.decode_lines(text)
        except BROKEN:
            return None
        amounts = (map(attrgetter(name), records) for name in amounts_of(self.record))
        return records if len(records) == lines and not any(map(_outgrow_a_float, amounts)) else None

    @cached_property
    def _bodied(self) -> msgspec.json.Decoder[Any]:
        return msgspec.json.Decoder(bodied_of(self.record, NUMBER, SKIP))

    @cached_property
    def _plain(self) -> msgspec.json.Decoder[Any]:
        # A line of a file that has keys of ours is odd, whatever it says there.
        return msgspec.json.Decoder(plain_of(self.record, NUMBER, SKIP))


def settled_amount(value: Decimal | None, name: str) -> Decimal | None:
    """An amount as SQL can round it exactly.

    Raises:
        ValueError: not a finite number, or too large.
    """
    if value is None:
        return None
    if not value.is_finite():
        raise ValueError(f"{name} {value} is not a number")
    if abs(value) >= LARGEST_AMOUNT:
        raise ValueError(f"{name} {value} is too large")
    return value.quantize(Decimal(1).scaleb(-30), context=_STICKY)


def _lines_of(chunk: bytes) -> int:
    return chunk.count(b"\n") + (not chunk.endswith(b"\n"))


def _blocks(chunk: bytes) -> Iterator[bytes]:
    """Lines of a chunk some at a time: while msgspec reads a block, no other thread comes to anything in Python."""
    start = 0
    while start < len(chunk):
        end = chunk.find(b"\n", start + _AT_ONCE) + 1 or len(chunk)
        yield chunk[start:end]
        start = end


def _outgrow_a_float(amounts: Iterable[Decimal | None]) -> bool:
    """Whether any amount comes out as another one where DuckDB reads it through a float."""
    long = [one for one in amounts if one is not None and len(str(one)) > _FLOAT_DIGITS]
    return any(Decimal(repr(float(one))) != one for one in long)
