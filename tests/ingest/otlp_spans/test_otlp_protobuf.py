"""The same spans in protobuf: plain, behind their lengths, packed or not, cut short."""

import contextlib
import gzip
import json
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from meterbook.assets.content import Content, FileRefused
from meterbook.assets.ingest import _spans, formats
from meterbook.assets.ingest.format import sample_of
from meterbook.assets.sources import Reading

pytestmark = pytest.mark.long

HERON = b"the heron waits beneath the third bridge"


@pytest.fixture
def requests(sample: Callable[[str], str]) -> list[bytes]:
    """The requests of the sample in protobuf; OTLP/JSON has ids in hex, where protobuf's JSON reader expects base64."""
    found = []
    for line in sample("sample.jsonl").splitlines():
        given = json.loads(line)
        ids = [(span, name, bytes.fromhex(span.pop(name))) for span in spans_of(given) for name in ("traceId", "spanId")]
        message = ExportTraceServiceRequest()
        json_format.ParseDict(given, message)
        made = iter(span for group in message.resource_spans for scope in group.scope_spans for span in scope.spans)
        for (_, _, trace), (_, _, own) in zip(ids[::2], ids[1::2], strict=True):
            span = next(made)
            span.trace_id, span.span_id = trace, own
        found.append(message.SerializeToString())
    return found


def spans_of(request: dict[str, Any]) -> list[dict[str, Any]]:
    return [span for group in request["resourceSpans"] for scope in group["scopeSpans"] for span in scope["spans"]]


def varint(size: int) -> bytes:
    return bytes([size & 127 | 128, *varint(size >> 7)]) if size > 127 else bytes([size])


def fixed(messages: list[bytes]) -> bytes:
    return b"".join(struct.pack(">I", len(message)) + message for message in messages)


FRAMES: dict[str, Callable[[list[bytes]], bytes]] = {
    "plain": b"".join,  # two requests one after the other are one request
    "behind 4 bytes": fixed,
    "behind a varint": lambda messages: b"".join(varint(len(message)) + message for message in messages),
    "packed one by one": lambda messages: fixed([zstandard.compress(message) for message in messages]),
    "packed as a whole": lambda messages: zstandard.compress(fixed(messages)),
    "gzip": lambda messages: gzip.compress(fixed(messages)),
}


@pytest.mark.parametrize("frame", FRAMES)
def test_protobuf_gives_the_same_calls_as_json(desk: Any, sample: Callable[[str], str], requests: list[bytes], frame: str) -> None:
    done = desk.take({"a.binpb": FRAMES[frame](requests), "b.jsonl": sample("sample.jsonl")})
    assert (done.refused, done.quarantined, done.filtered) == ([], 0, 4)
    assert desk.staged("otlp_spans")["copies"].to_list() == [2] * 5
    raw = desk.raw("otlp_spans")
    own = [name for name in raw.columns if name not in {"file_id", "line"}]
    first, second = (raw.filter(raw["file_id"] == file).select(own).rows() for file in raw["file_id"].unique())
    assert first == second


def test_json_that_a_collector_packed_message_by_message_is_read(desk: Any, sample: Callable[[str], str]) -> None:
    packed = fixed([zstandard.compress(line.encode()) for line in sample("sample.jsonl").splitlines()])
    done = desk.take({"a": packed, "b.jsonl": sample("sample.jsonl")})
    assert (done.refused, done.quarantined) == ([], 0)
    assert desk.staged("otlp_spans")["copies"].to_list() == [2] * 5


def test_spans_in_protobuf_are_of_no_other_format(tmp_path: Path, requests: list[bytes]) -> None:
    for name, frame in FRAMES.items():
        (tmp_path / name).write_bytes(frame(requests))
        sample = sample_of(Content(tmp_path / name))
        assert [other for other, one in formats().items() if one.recognises(sample)] == ["otlp_spans"]


@pytest.mark.parametrize("frame", ["behind 4 bytes", "behind a varint", "plain"])
def test_a_message_cut_short_is_set_aside_and_those_before_it_stay(desk: Any, requests: list[bytes], frame: str) -> None:
    done = desk.take({"a": FRAMES[frame](requests)[:-5]})
    assert (done.refused, done.rows_typed, done.quarantined) == ([], 2, 1)
    reason = "the message is cut short or damaged; what follows it cannot be read"
    assert desk.inbox.quarantine().select("line", "reason").rows() == [(2, reason)]


def test_a_damaged_message_between_sound_ones_is_set_aside(desk: Any, requests: list[bytes]) -> None:
    damaged = requests[0][:40] + b"\xff" * 20 + requests[0][60:]
    done = desk.take({"a": fixed([requests[0], damaged, requests[1]])})
    assert (done.rows_typed, done.quarantined, desk.reasons()) == (5, 1, ["the message is damaged"])


def test_a_message_too_large_to_be_one_ends_the_reading(desk: Any, requests: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_spans, "LARGEST_MESSAGE", len(requests[0]))
    done = desk.take({"a": fixed([requests[0]]) + struct.pack(">I", 2**31) + requests[1]})
    assert (done.rows_typed, done.quarantined) == (2, 1)


def test_a_message_that_unpacks_without_end_is_set_aside(desk: Any, requests: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("meterbook.assets.content.SLACK", 2**20)
    bomb = zstandard.compress(b"\n" * 2**26)
    done = desk.take({"a": fixed([requests[0], bomb])})
    assert (done.rows_typed, desk.reasons()) == (2, ["the message is damaged"])


def test_other_binaries_are_refused_as_before(desk: Any) -> None:
    rng = random.Random(7)  # noqa: S311 -- reproducible, not secret
    done = desk.take({f"{n}.bin": b"\x0a\x00" + rng.randbytes(200) for n in range(50)})
    assert {reason for _, reason in done.refused} == {
        "is not text; expected JSON, JSON lines, CSV or Parquet, plain or packed with gzip, zstd or zip"
    }
    assert len(done.refused) == 50


def test_no_message_reaches_the_lake(desk: Any, requests: list[bytes]) -> None:
    assert HERON in requests[0]
    desk.take({"a": fixed(requests)[:-5]})
    assert not [path for path in desk.folder.rglob("*.parquet") if HERON in path.read_bytes()]


def spoil(whole: bytes, rng: random.Random) -> bytes:
    spoilt = bytearray(whole)
    for _ in range(rng.randrange(1, 4)):
        spoilt[rng.randrange(len(spoilt))] ^= 1 << rng.randrange(8)
    return bytes(spoilt[: rng.randrange(len(spoilt)) + 1] if rng.random() < 0.3 else spoilt)


@pytest.mark.parametrize("frame", FRAMES)
def test_spoilt_files_are_refused_or_accounted_for(tmp_path: Path, requests: list[bytes], frame: str) -> None:
    rng, read = random.Random(frame), 0  # noqa: S311 -- reproducible, not secret
    for _ in range(300):
        (tmp_path / "a").write_bytes(spoil(FRAMES[frame](requests), rng))
        with contextlib.suppress(FileRefused):
            sample_of(Content(tmp_path / "a"))
            rows = formats()["otlp_spans"].read(Content(tmp_path / "a"), Reading())
            assert rows.rows_in == rows.rows_typed + rows.quarantined + rows.filtered
            read += rows.rows_in
    assert read or frame in {"packed as a whole", "gzip"}
