"""Logs of gateways: JSON records, each of which holds no model call, one or several, as rows of kind request.

Buckets are made exclusive here, names of providers made one, instants made UTC; what is wrong with a record is said in one line.
Of a record that is set aside only the fields that a format reads are kept, so no message can reach the lake with it.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_DOWN, Decimal
from typing import Any, Generic, TypeVar

import msgspec
import polars as pl

from meterbook.assets.content import Content
from meterbook.assets.ingest._meters import ASSUMED, BUCKETS, all_tokens, assumed_lifetimes
from meterbook.assets.ingest._rows import BROKEN, is_lines, json_records, why
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.ingest.format import FIRST_YEAR, LARGEST, LAST_YEAR, Places, Sample, exact
from meterbook.assets.sources import MoneyUnit, Reading

Record = TypeVar("Record", bound=msgspec.Struct)
Row = dict[str, Any]
OWNERS = ("team", "tenant", "feature", "environment", "experiment_arm")
_TYPES: dict[str, pl.DataType] = {
    "VARCHAR": pl.String(),
    "BIGINT": pl.Int64(),
    "BOOLEAN": pl.Boolean(),
    "TIMESTAMP": pl.Datetime("us"),
    "DECIMAL(18,12)": pl.Decimal(18, 12),
    "DECIMAL(18,6)": pl.Decimal(18, 6),
    "DECIMAL(9,6)": pl.Decimal(9, 6),
    "DECIMAL(9,4)": pl.Decimal(9, 4),
}
_COLUMNS = {
    "started_at": "TIMESTAMP",
    **dict.fromkeys((*BUCKETS, "all_tokens", "reasoning_tokens", "searches", "latency_ms", "time_to_first_token_ms"), "BIGINT"),
    "max_output_tokens": "BIGINT",
    **dict.fromkeys(("is_cache_hit", "is_custom_cost", "is_streaming", "has_tools", "is_deferrable"), "BOOLEAN"),
    "temperature": "DECIMAL(9,4)",
    **dict.fromkeys(("prefix_ratio", "context_ratio"), "DECIMAL(9,6)"),
    "reported_cost_usd": "DECIMAL(18,12)",
    "quantity": "DECIMAL(18,6)",
}
_PROVIDERS = {
    **dict.fromkeys(("vertex_ai", "vertex-ai", "gcp.vertex_ai", "gcp.gemini", "gcp.gen_ai", "gemini", "google", "vertex"), "google"),
    **dict.fromkeys(("google-ai-studio", "google-vertex-ai"), "google"),
    **dict.fromkeys(("azure", "azure-openai", "azure_openai", "az.ai.openai", "azure.ai.openai"), "azure.ai.openai"),
    **dict.fromkeys(("bedrock", "aws-bedrock", "aws_bedrock", "aws.bedrock"), "aws.bedrock"),
    **dict.fromkeys(("mistral_ai", "mistral-ai", "mistralai", "mistral"), "mistral"),
    **dict.fromkeys(("xai", "x-ai", "x_ai", "grok"), "x_ai"),
    **dict.fromkeys(("perplexity", "perplexity-ai", "perplexity_ai"), "perplexity"),
}
_REFUSED = frozenset({*(str(code) for code in range(400, 500) if code not in {408, 499}), "503", "529"})
_SHIFTS: Mapping[MoneyUnit, int] = {"usd": 0, "cents": -2, "nanousd": -9}
_SECOND, _MILLISECOND, _MICROSECOND = 10**11, 10**14, 10**17


def columns(*names: str) -> dict[str, str]:
    """Columns of a raw table of calls with their DuckDB types."""
    return {name: _COLUMNS.get(name, "VARCHAR") for name in names}


def mentions(*names: str) -> Callable[[Sample], bool]:
    """Recognition of JSON by keys that stand anywhere in its head: of a record, or of one inside a page."""
    return lambda sample: sample.text.lstrip()[:1] in {"{", "["} and all(f'"{name}"' in sample.text for name in names)


@dataclass(frozen=True)
class Calls(Generic[Record]):
    """How the records of a log become calls.

    Args:
        record: what is read of a record; nothing else of it is kept.
        columns: columns of the raw table with their DuckDB types.
        rows: the calls of a record, none where it is about something else; ValueError where it is wrong.
        inside: keys under which a page of an API holds its records.
        bodies: fields of the record that hold messages beside what is read of them.
        identity: the column that names a row; where a record gives none, its content and place do.
    """

    record: type[Record]
    columns: Mapping[str, str]
    rows: Callable[[Record, Reading], Sequence[Row]]
    inside: tuple[str, ...] = ()
    bodies: tuple[str, ...] = ()
    identity: str = "request_id"

    def read(self, content: Content, reading: Reading) -> Rows:
        """Read one file.

        Raises:
            FileRefused: cut short, or not JSON.
        """
        rows, places = Rows(), Places()
        decoder = msgspec.json.Decoder(self.record)
        assumed = 0
        for batch in self.batches(content):
            typed: list[Row] = []
            for line, raw in batch:
                calls = self._calls(decoder, line, raw, reading, rows)
                typed += [_named({**call, "line": line}, raw, places, self.identity) for call in calls]
            rows.add(frame(typed, self.columns))
            assumed += sum(bool(row.get(ASSUMED)) for row in typed)
        rows.flags += assumed_lifetimes(assumed)
        return rows

    def batches(self, content: Content) -> Iterator[list[tuple[int, bytes]]]:
        """The records of a file as JSON with their lines, some at a time; a format whose files wrap them otherwise has its own."""
        return _batches(content, self.inside)

    def _calls(self, decoder: msgspec.json.Decoder[Record], line: int, raw: bytes, reading: Reading, rows: Rows) -> Sequence[Row]:
        record = None
        try:
            record = decoder.decode(raw)
            calls = self.rows(record, reading)
        except (*BROKEN, ValueError) as error:
            kept = record and msgspec.structs.replace(record, **dict.fromkeys(self.bodies))
            set_aside(rows, line, why(error), kept)
            return []
        rows.rows_in += max(len(calls), 1)
        rows.filtered += not calls
        return calls


def _named(call: Row, raw: bytes, places: Places, identity: str) -> Row:
    """A call with an identity: what the log gives it, else its content and its place among equal records."""
    if call.get(identity):
        return call
    return {**call, identity: places.name(hashlib.md5(raw, usedforsecurity=False).hexdigest())}


def set_aside(rows: Rows, line: int, reason: str, record: msgspec.Struct | None) -> None:
    """Count a record that is wrong, and keep what was read of it; nothing where it could not be read at all."""
    rows.rows_in += 1
    kept = "(the record is not kept: it may hold messages)" if record is None else msgspec.json.encode(record, enc_hook=str)
    rows.reject(line, reason, kept)


def frame(rows: Sequence[Row], shape: Mapping[str, str]) -> pl.DataFrame:
    """Rows as a typed frame with the column `line`; what a row lacks is NULL, and `all_tokens` is what its buckets add up to."""
    schema = {**{name: _TYPES[dtype] for name, dtype in shape.items()}, "line": pl.Int64()}
    summed = [{**row, "all_tokens": all_tokens(row)} for row in rows] if "all_tokens" in shape else rows
    return pl.DataFrame([[row.get(name) for name in schema] for row in summed], schema=schema, orient="row")


def _batches(content: Content, inside: tuple[str, ...]) -> Iterator[list[tuple[int, bytes]]]:
    head = content.head.lstrip(b"\xef\xbb\xbf \r\n\t")
    if not head.startswith(b"{") or not is_lines(head, inside):
        yield list(enumerate(json_records(content, inside), 1))
        return
    before = 0
    for chunk in content.chunks():
        lines = chunk.split(b"\n")
        yield [(before + n, one) for n, line in enumerate(lines, 1) if line.strip() for one in _of_line(line)]
        before += len(lines) - chunk.endswith(b"\n")


def _of_line(line: bytes) -> list[bytes]:
    """A record, or those of an array that was written as a line."""
    if not line.lstrip().startswith(b"["):
        return [line]
    try:
        return [bytes(one) for one in msgspec.json.decode(line, type=list[msgspec.Raw])]
    except BROKEN:
        return [line]


def utc(value: str | float | Decimal | None, name: str) -> datetime:
    """An instant from RFC 3339 or unix seconds, milliseconds, microseconds or nanoseconds, naive UTC.

    Raises:
        ValueError: none, or outside the calendar.
    """
    if value is None or value == "":
        raise ValueError(f"{name} is missing")
    try:
        found = _iso(value) if isinstance(value, str) and not value.isdecimal() else _unix(Decimal(value))
    except (ValueError, OverflowError, ArithmeticError, OSError) as error:
        raise ValueError(f"{name} '{str(value)[:80]}' is not an instant") from error
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise ValueError(f"day {found.date()} is outside {FIRST_YEAR} to {LAST_YEAR}")
    return found


def _iso(value: str) -> datetime:
    found = datetime.fromisoformat(value.strip())
    return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found


def _unix(value: Decimal) -> datetime:
    size = abs(value)
    shift = 0 if size < _SECOND else -3 if size < _MILLISECOND else -6 if size < _MICROSECOND else -9
    seconds, part = divmod(int(value.scaleb(shift + 6)), 10**6)
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None, microsecond=part)


def count(value: object, name: str) -> int | None:
    """A count from a number or its text; NULL where there is none. Whole fractions such as 150.0 pass.

    Raises:
        ValueError: not whole, negative or too large.
    """
    if type(value) is int and 0 <= value <= LARGEST:
        return value
    if value is None or value in ("", "-"):
        return None
    try:
        found = Decimal(str(value)) if isinstance(value, int | float | str | Decimal) and not isinstance(value, bool) else None
    except ArithmeticError:
        found = None
    if found is None or not found.is_finite() or (abs(found) <= LARGEST and found != found.to_integral_value()):
        raise ValueError(f"{name} {str(value)[:80]} is not a whole number")
    if abs(found) > LARGEST:
        raise ValueError(f"{name} {str(value)[:80]} is too large")
    if found < 0:
        raise ValueError(f"{name} is negative ({found})")
    return int(found)


def milliseconds(value: Decimal | None, name: str) -> int | None:
    """A time, fractions of a millisecond cut off.

    Raises:
        ValueError: negative, no number, or too large.
    """
    return count(value.to_integral_value(ROUND_DOWN) if value is not None and value.is_finite() else value, name)


def money(value: Decimal | None, unit: MoneyUnit, name: str) -> Decimal | None:
    """An amount in USD, exact to the picodollar.

    Raises:
        ValueError: no number, negative, or too large.
    """
    if value is not None and value.is_finite() and value < 0:
        raise ValueError(f"{name} is negative ({value})")
    return exact(value.scaleb(_SHIFTS[unit]) if value is not None and value.is_finite() else value, 12, 18, name)


def dollars_only(currency: str | None) -> None:
    """Refuse other currencies.

    Raises:
        ValueError: an amount is not in USD.
    """
    if currency and currency.upper() != "USD":
        raise ValueError(f"billed in {currency[:80]}; only USD is read")


def provider_of(name: str | None) -> str | None:
    """A provider in the spelling of gen_ai.provider.name; unknown names stay as they are, in small letters."""
    return _PROVIDERS.get(name.lower(), name.lower()) if name else None


def outcome(code: int | None, *, success: bool | None = None) -> Row:
    """Status and error class of an HTTP answer; success only where a code is below 400, or the log says so."""
    failed = code is not None and code >= 400 if success is None else not success  # noqa: PLR2004 -- HTTP
    return {"status": "failure" if failed else "success", "error_class": str(code) if failed and code is not None else None}


def refused(error_class: str | None) -> bool:
    """Whether a provider declined before it generated anything, so that a call without tokens had none.

    That is so of 4xx, 503 and 529. It is not known of other failures (408, 499, 5xx): what was generated may have been billed.
    """
    return error_class in _REFUSED


def said(metadata: Mapping[str, Any], prefix: str = "") -> Row:
    """What callers say of themselves, where it is plain text or a number."""
    found = {key: str(value)[:500] for name, value in metadata.items() if (key := name.removeprefix(prefix)) and _is_plain(value)}
    user, session = found.get("_user") or found.get("user_id") or found.get("user"), found.get("session_id") or found.get("session")
    owners = {name: found.get(name) for name in OWNERS}
    owners["environment"] = owners["environment"] or found.get("_environment")
    return {**owners, "user_id": user, "session_id": session}


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool) and value != ""
