"""What the exports of Langfuse share: how their tables are told apart, and what callers say of themselves."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from meterbook.assets.ingest import _calls
from meterbook.assets.ingest._calls import OWNERS, Row
from meterbook.assets.ingest._rows import BROKEN
from meterbook.assets.ingest._tags import deferrable_of, tags_of, words
from meterbook.assets.ingest.format import Sample
from meterbook.assets.sources import Reading

_STARTS = ("start_time", "startTime")


def _has(sample: Sample) -> Callable[..., bool]:
    """Whether one of some names stands in the head of a file: as a column, or anywhere in JSON."""
    is_json = sample.text.lstrip()[:1] in {"{", "["}
    return lambda *names: any((f'"{name}"' in sample.text) if is_json else (name in sample.keys) for name in names)


def is_trace(sample: Sample) -> bool:
    """Whether a file holds traces; one of the API may hold their observations and scores inside."""
    has = _has(sample)
    return has("bookmarked") and has("timestamp") and has("tags") and not _starts_first(sample)


def is_observation(sample: Sample) -> bool:
    """Whether a file holds observations."""
    has = _has(sample)
    known = has("usage_details", "usageDetails", "provided_model_name", "providedModelName")
    return has("type") and has(*_STARTS) and has("trace_id", "traceId") and known and not is_trace(sample)


def is_score(sample: Sample) -> bool:
    """Whether a file holds scores."""
    has = _has(sample)
    return has("data_type", "dataType") and all(has(name) for name in ("name", "value", "timestamp")) and not has("bookmarked", *_STARTS)


def _starts_first(sample: Sample) -> bool:
    """Whether the first record is an observation, which has a start; a trace has a timestamp, and may hold observations behind it."""
    if sample.text.lstrip()[:1] not in {"{", "["}:
        return any(name in sample.keys for name in _STARTS)
    starts = [at for name in _STARTS if (at := sample.text.find(f'"{name}"')) >= 0]
    return bool(starts) and min(starts) < sample.text.find('"timestamp"')


def said(metadata: msgspec.Raw, tags: Sequence[Any] | str | None, reading: Reading) -> Row:
    """Owners, user and session as callers give them: keys of the metadata, and tags such as `team:search` where these are silent.

    Args:
        metadata: JSON, of which only the keys of owners and those the book names are read.
        tags: words.
        reading: has the names of the book.
    """
    asked = _keys(metadata)
    given = {**_tagged(tags), **_known(asked)}
    user, session = given.get("langfuse_user_id"), given.get("langfuse_session_id")
    found = _calls.said(given)
    labels = tags_of(reading, words(tags), asked)
    return {
        **found,
        "user_id": found["user_id"] or user,
        "session_id": found["session_id"] or session,
        "tags": labels,
        "is_deferrable": deferrable_of(reading, words(tags), asked),
    }


_KNOWN = (*OWNERS, "user_id", "user", "session_id", "session", "langfuse_user_id", "langfuse_session_id")


def _keys(metadata: msgspec.Raw) -> Mapping[str, msgspec.Raw]:
    """Metadata by key, the values as they lie there."""
    try:
        return msgspec.json.decode(metadata, type=dict[str, msgspec.Raw])
    except BROKEN:
        return {}


def mapping(given: msgspec.Raw) -> Mapping[str, Any]:
    """A map that may come as the text of JSON; empty where it is none."""
    try:
        text = msgspec.json.decode(given, type=str).encode() if bytes(given).startswith(b'"') else given
        return msgspec.json.decode(text, type=dict[str, Any] | None) or {}
    except (*BROKEN, UnicodeEncodeError):
        return {}


def _known(found: Mapping[str, msgspec.Raw]) -> Mapping[str, Any]:
    """The keys that are read of metadata, whose other keys may hold messages."""
    try:
        values = {key: msgspec.json.decode(found[key]) for key in _KNOWN if key in found}
    except BROKEN:
        return {}
    return {key: value for key, value in values.items() if isinstance(value, str | int) and value != ""}


def _tagged(tags: Sequence[Any] | str | None) -> dict[str, str]:
    pairs = [tag.split(":", 1) for tag in tags or () if isinstance(tag, str) and ":" in tag]
    return {key: value for key, value in pairs if key in OWNERS}
