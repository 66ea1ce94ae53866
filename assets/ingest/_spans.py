"""OpenTelemetry spans, from OTLP/JSON or protobuf: each as JSON of its ids, times, status, and of the attributes that are asked for.

OTLP/JSON writes ids in hex of any case, enums as numbers and 64-bit integers as text; what protobuf's own JSON printer writes (ids in
base64, names of enums, snake_case) is read, too. Events, links and all other attributes, which may hold messages, are passed over.
"""

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

import msgspec
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # it comes without types
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans
from opentelemetry.proto.trace.v1.trace_pb2 import Span as ProtoSpan

from meterbook.assets.content import Content, FileRefused, unpacked
from meterbook.assets.ingest._exports import Prepared, camel, fault
from meterbook.assets.ingest._rows import BATCH, BROKEN, why
from meterbook.assets.ingest._tags import label_of

LARGEST_MESSAGE = 2**28
"""Bytes; collectors send a few megabytes at once, and what claims to be more is damaged."""
_CUT = "the message is cut short or damaged; what follows it cannot be read"
Value = TypeVar("Value")
_NULL = msgspec.Raw(b"null")
_ENCODE = msgspec.json.Encoder().encode


class Span(msgspec.Struct):
    """What is read of a span; attributes and tags are those of its resource, then its own."""

    trace_id: str | None = None
    span_id: str | None = None
    started: int | str | None = None
    ended: int | str | None = None
    status: int | str | None = None
    attributes: dict[str, Any] = {}
    texts: dict[str, Any] = {}
    tags: dict[str, str] = {}


@dataclass(frozen=True)
class Spans(Prepared[Span]):
    """Spans as calls.

    Args:
        names: attributes that are read.
        own: those that are read of a span only, not of its resource.
        prompts: attributes with messages: they are there to be hashed, and not kept.
        is_tag: whether an attribute's name is one that the book asks for.
    """

    names: frozenset[str] = field(default_factory=frozenset)
    own: frozenset[str] = field(default_factory=frozenset)
    prompts: frozenset[str] = field(default_factory=frozenset)
    is_tag: Callable[[str], bool] = field(default=lambda _name: False)

    def batches(self, content: Content) -> Iterator[list[tuple[int, bytes]]]:
        """Spans with the line of their request, or its number where there are no lines."""
        if content.framing:
            found = ((n, one) for n, message in _messages(content) for one in self._of_message(message))
            while batch := list(islice(found, BATCH)):
                yield batch
            return
        for requests in super().batches(content):
            yield [(line, one) for line, request in requests for one in self._of_json(request)]

    def _of_message(self, message: ResourceSpans | bytes) -> Iterator[bytes]:
        if isinstance(message, ResourceSpans):
            yield from self._of_protobuf(message)
        elif message.startswith(b"{"):
            yield from self._of_json(message)
        else:
            yield message

    def _of_protobuf(self, group: ResourceSpans) -> Iterator[bytes]:
        shared = self._sorted([(one.key, one.value) for one in group.resource.attributes], _plain)
        for scope in group.scope_spans:
            for span in scope.spans:
                own = self._sorted([(one.key, one.value) for one in span.attributes], _plain)
                yield _ENCODE(self._merged(_proto_span(span), shared, own))

    def _of_json(self, request: bytes) -> Iterator[bytes]:
        try:
            groups = _list(_object(request), "resource_spans")
        except BROKEN as error:
            yield fault(why(error))
            return
        if groups is None:
            yield b"{}"  # metrics or logs: nothing to be counted
        for group in groups or ():
            yield from self._of_group(group)

    def _of_group(self, group: msgspec.Raw) -> Iterator[bytes]:
        try:
            parts = _object(group)
            shared = self._attributes(_object(parts.get("resource", _NULL)))
            spans = [span for scope in _list(parts, "scope_spans") or () for span in _list(_object(scope), "spans") or ()]
        except BROKEN as error:
            yield fault(why(error))
            return
        for span in spans:
            try:
                found = _object(span)
                yield _ENCODE(self._merged(_json_span(found), shared, self._attributes(found)))
            except BROKEN as error:
                yield fault(why(error))

    def _merged(self, span: Span, shared: Span, own: Span) -> Span:
        given = {name: value for name, value in shared.attributes.items() if name not in self.own}
        span.attributes, span.texts, span.tags = {**given, **own.attributes}, own.texts, {**shared.tags, **own.tags}
        return span

    def _attributes(self, holder: Mapping[str, msgspec.Raw]) -> Span:
        pairs = msgspec.json.decode(holder.get("attributes", _NULL), type=list[_Attribute] | None)
        return self._sorted([(pair.key, pair.value) for pair in pairs or ()], _decoded)

    def _sorted(self, pairs: Sequence[tuple[str, Value]], plain: Callable[[Value], Any]) -> Span:
        """The attributes that are read, and the texts to hash; no other value is as much as decoded."""
        found = {name: plain(value) for name, value in pairs if name in self.names or name in self.prompts or self.is_tag(name)}
        return Span(
            attributes={name: value for name, value in found.items() if name in self.names},
            texts={name: value for name, value in found.items() if name in self.prompts},
            tags={name: text for name, value in found.items() if self.is_tag(name) and (text := label_of(value)) is not None},
        )


class _Attribute(msgspec.Struct):
    key: str = ""
    value: msgspec.Raw = _NULL


def _object(text: bytes | msgspec.Raw) -> dict[str, msgspec.Raw]:
    return msgspec.json.decode(text, type=dict[str, msgspec.Raw] | None) or {}


def _list(found: Mapping[str, msgspec.Raw], name: str) -> list[msgspec.Raw] | None:
    return msgspec.json.decode(found.get(camel(name)) or found.get(name) or _NULL, type=list[msgspec.Raw] | None)


class _Status(msgspec.Struct):
    code: int | str | None = None


def _json_span(found: Mapping[str, msgspec.Raw]) -> Span:
    def scalar(name: str) -> Any:  # noqa: ANN401 -- text or number, as it stands
        return msgspec.json.decode(found.get(camel(name)) or found.get(name) or _NULL, type=int | str | None)

    status = msgspec.json.decode(found.get("status", _NULL), type=_Status | None)
    ids = (_hex(scalar("trace_id"), 16), _hex(scalar("span_id"), 8))
    return Span(*ids, scalar("start_time_unix_nano"), scalar("end_time_unix_nano"), status.code if status else None)


def _hex(given: int | str | None, size: int) -> str | None:
    """An id in small hex letters; as it stands where it is none."""
    text = str(given or "")
    try:
        if len(text) != 2 * size and len(decoded := base64.b64decode(text, validate=True)) == size:
            return decoded.hex()
    except (binascii.Error, ValueError):
        return text
    return text.lower() or None


def _proto_span(span: ProtoSpan) -> Span:
    return Span(span.trace_id.hex(), span.span_id.hex(), span.start_time_unix_nano, span.end_time_unix_nano, span.status.code)


def _plain(value: AnyValue) -> Any:  # noqa: ANN401 -- an attribute's value
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_plain(one) for one in value.array_value.values]
    return getattr(value, kind) if kind in {"string_value", "int_value", "double_value", "bool_value"} else None


_KINDS = ("stringValue", "string_value", "intValue", "int_value", "doubleValue", "double_value", "boolValue", "bool_value")


def _decoded(value: msgspec.Raw) -> Any:  # noqa: ANN401 -- an attribute's value
    found = _object(value)
    array = found.get("arrayValue") or found.get("array_value")
    if array is not None:
        return [_decoded(one) for one in _list(_object(array), "values") or ()]
    return next((found[kind] for kind in _KINDS if kind in found), None)


def _messages(content: Content) -> Iterator[tuple[int, ResourceSpans | bytes]]:
    """The messages of a file with their numbers: parsed, or as JSON, or as a fault."""
    stream = _Stream(content.pieces())
    number = 0
    while (size := _size(stream, content)) is not None:
        number += 1
        message = stream.take(size) if size <= LARGEST_MESSAGE else b""
        if len(message) < size:
            yield number, fault(_CUT)
            return
        yield from ((number, one) for one in _parsed(message, is_group=content.framing == "message"))


def _size(stream: "_Stream", content: Content) -> int | None:
    """Length of the next message; None at the end."""
    if content.framing == "fixed":
        head = stream.take(4)
        return int.from_bytes(head, "big") if len(head) == 4 else LARGEST_MESSAGE + 1 if head else None  # noqa: PLR2004 -- bytes
    if content.framing == "varint":
        return stream.varint()
    tag = stream.varint()
    # A request has one field, resource_spans; any other is a newer one, and none of ours.
    return None if tag is None else stream.varint() or 0 if tag == _RESOURCE_SPANS else LARGEST_MESSAGE + 1


_RESOURCE_SPANS = 1 << 3 | 2


def _parsed(message: bytes, *, is_group: bool) -> Iterator[ResourceSpans | bytes]:
    try:
        text = b"".join(unpacked(message))
        if text.startswith(b"{"):
            yield text
        elif is_group:
            yield ResourceSpans.FromString(text)
        else:
            yield from ExportTraceServiceRequest.FromString(text).resource_spans
    except (DecodeError, FileRefused):
        yield fault("the message is damaged")


class _Stream:
    """Bytes in pieces, taken as they are needed."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest = pieces, bytearray()

    def take(self, size: int) -> bytes:
        """So many bytes, or fewer at the end."""
        while len(self._rest) < size and (piece := next(self._pieces, None)) is not None:
            self._rest += piece
        taken = bytes(self._rest[:size])
        del self._rest[:size]
        return taken

    def varint(self) -> int | None:
        """A protobuf number; None at the end, and one too large for any message where it is cut short."""
        value = 0
        for n in range(10):
            byte = self.take(1)
            if not byte:
                return LARGEST_MESSAGE + 1 if n else None
            value |= (byte[0] & 127) << 7 * n
            if byte[0] < 128:  # noqa: PLR2004 -- the last byte of a number
                return value
        return LARGEST_MESSAGE + 1
