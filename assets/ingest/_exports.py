"""Exports that come in any container: JSON documents, lines and pages, CSV, Parquet; read as calls or judgements, one record at a time.

Each record is brought to the names of its format and stripped of every other field before it is typed, so that messages in fields
that no format names are gone at once. Maps and lists may be the text of JSON, as CSV has them, or the pairs of Parquet.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any

import msgspec

from meterbook.assets.content import Content
from meterbook.assets.ingest._calls import Calls, Record, Row, set_aside
from meterbook.assets.ingest._rows import BATCH, BROKEN, csv_rows, parquet_batches, whole_row, why
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.sources import Reading

_FAULT = b"!"
"""Begins what stands for a record that cannot be read; records themselves are JSON objects made here."""
_NOTHING = frozenset({"", "\\N"})
_PAIR = frozenset({"key", "value"})


def camel(name: str) -> str:
    """A name as APIs write it: trace_id as traceId."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def fault(reason: str) -> bytes:
    """What stands for a record that cannot be read, among records that are made here."""
    return _FAULT + reason.encode()


class Prepared(Calls[Record]):
    """Calls whose records are made by `batches` itself, JSON of what is read or a fault."""

    def _calls(self, decoder: msgspec.json.Decoder[Record], line: int, raw: bytes, reading: Reading, rows: Rows) -> Sequence[Row]:
        if raw.startswith(_FAULT):
            set_aside(rows, line, raw.removeprefix(_FAULT).decode(), None)
            return []
        return super()._calls(decoder, line, raw, reading, rows)


@dataclass(frozen=True)
class Exports(Prepared[Record]):
    """How the records of an export become rows.

    Args:
        names: other names of fields, beside the camel case of an API -> the record's own.
        nested: fields that hold objects or lists, which CSV has as the text of JSON.
        delimiter: between columns of a CSV.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    nested: frozenset[str] = frozenset()
    delimiter: str = ","

    @cached_property
    def spellings(self) -> dict[str, str]:
        """Every name a field may have in a file -> the record's own."""
        own = [one.encode_name for one in msgspec.structs.fields(self.record)]
        return {**{camel(name): name for name in own}, **{name: name for name in own}, **self.names}

    def batches(self, content: Content) -> Iterator[list[tuple[int, bytes]]]:
        """Records as JSON of the fields that are read, with their lines."""
        if content.is_parquet:
            yield from self._parquet(content)
        elif content.head.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] in {b"{", b"["}:
            for batch in super().batches(content):
                yield [(line, self._of_json(raw)) for line, raw in batch]
        else:
            found = csv_rows(content, self.delimiter)
            while rows := list(islice(found, BATCH)):
                yield [(line, self._of_csv(row)) for line, row in rows]

    def _parquet(self, content: Content) -> Iterator[list[tuple[int, bytes]]]:
        before = 0
        for frame in parquet_batches(content, self.spellings):
            yield [(before + n, self._encoded(row.items())) for n, row in enumerate(frame.iter_rows(named=True), 1)]
            before += frame.height

    def _of_json(self, raw: bytes) -> bytes:
        try:
            return self._encoded(msgspec.json.decode(raw, type=dict[str, msgspec.Raw]).items())
        except BROKEN as error:
            return fault(why(error))

    def _of_csv(self, row: dict[str, str]) -> bytes:
        try:
            return self._encoded((name, text) for name, text in whole_row(row).items() if text not in _NOTHING)
        except ValueError as error:
            return fault(str(error))

    def _encoded(self, fields: Iterable[tuple[str, Any]]) -> bytes:
        found: dict[str, Any] = {}
        for given, value in fields:
            name = self.spellings.get(given)
            if name is not None and (name not in found or bytes(found[name]) == b"null"):
                found[name] = _json(value, is_nested=name in self.nested)
        return msgspec.json.encode(found)


def _json(value: Any, *, is_nested: bool) -> msgspec.Raw:  # noqa: ANN401 -- a value of any container
    if isinstance(value, msgspec.Raw):
        text = bytes(value)
        value = msgspec.json.decode(text, type=str) if is_nested and text.startswith(b'"') else value
    elif isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if is_nested and isinstance(value, str) and value.lstrip()[:1] in {"{", "["}:
        value = _inner(value)
    elif isinstance(value, list) and value and all(isinstance(one, dict) and one.keys() == _PAIR for one in value):
        value = {_text(one["key"]): _text(inner) if isinstance(inner := one["value"], bytes) else inner for one in value}
    return value if isinstance(value, msgspec.Raw) else msgspec.Raw(msgspec.json.encode(value, enc_hook=_text))


def _inner(text: str) -> msgspec.Raw | str:
    try:
        msgspec.json.decode(text)
    except BROKEN:
        return text  # it stays text, which is no object: the record is set aside for it
    return msgspec.Raw(text.encode())


def _text(value: Any) -> str:  # noqa: ANN401 -- whatever a Parquet file holds
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
