"""Langfuse scores: blob export, UI export or API pages (`/api/public/v2/scores`), as JSON, JSON lines, CSV or Parquet.

Columns as packages/shared of langfuse exports them (getScoresForBlobStorageExport): id, timestamp, trace_id, observation_id, session_id,
dataset_run_id, name, value, data_type, string_value and others, or the API's camelCase. NUMERIC keeps its value, BOOLEAN is 1 or 0,
CATEGORICAL is a word. TEXT and CORRECTION are texts of people: they are left out, as are `comment` and `metadata`, which are never read.
Instants are UTC.
"""

from decimal import Decimal, InvalidOperation

import msgspec

from meterbook.assets.content import Content
from meterbook.assets.ingest import _calls, _langfuse, _quality
from meterbook.assets.ingest._calls import Row
from meterbook.assets.ingest._exports import Exports
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.ingest.format import About, Format
from meterbook.assets.sources import Reading

Text = str | None
_NULL = msgspec.Raw(b"null")
_TEXTS = frozenset({"TEXT", "CORRECTION"})


class _Score(msgspec.Struct):
    id: Text = None
    timestamp: Text = None
    trace_id: Text = None
    observation_id: Text = None
    session_id: Text = None
    dataset_run_id: Text = None
    name: Text = None
    value: msgspec.Raw = _NULL
    data_type: Text = None
    string_value: Text = None
    updated_at: Text = None


def _rows(score: _Score, _reading: Reading) -> list[Row]:
    kind = (score.data_type or "NUMERIC").upper()
    is_judged = score.trace_id or score.observation_id or score.session_id
    if kind in _TEXTS or (score.dataset_run_id and not is_judged):
        return []
    if not (score.id and score.name and is_judged):
        raise ValueError(f"{'id' if not score.id else 'name' if not score.name else 'what was judged'} is missing")
    value, label = _verdict(score, kind)
    return [
        {
            "quality_id": score.id,
            "occurred_at": _calls.utc(score.timestamp, "timestamp"),
            "updated_at": _calls.utc(score.updated_at, "updated_at") if score.updated_at else None,
            "signal": score.name,
            "value": value,
            "label": label,
            "request_id": score.observation_id or None,
            "operation_id": score.trace_id or None,
            "session_id": score.session_id or None,
        }
    ]


def _verdict(score: _Score, kind: str) -> tuple[Decimal | None, Text]:
    given = _plain(score.value)
    if kind == "CATEGORICAL":
        word = _quality.label(score.string_value or given, "string_value")
        if word is None:
            raise ValueError("string_value is missing")
        return None, word
    if kind == "BOOLEAN":
        return _quality.yes_or_no(given or score.string_value or "", "value"), None
    if kind != "NUMERIC":
        raise ValueError("data_type is none that is known")
    try:
        return _quality.number(Decimal(given or ""), "value"), None
    except InvalidOperation as error:
        raise ValueError("value is no number") from error


def _plain(value: msgspec.Raw) -> Text:
    """Text of a number, of true or false, or a text itself."""
    text = bytes(value)
    if text.startswith(b'"'):
        return msgspec.json.decode(text, type=str)
    return None if text == b"null" else text.decode()


def _read(content: Content, reading: Reading) -> Rows:
    bodies = ("value", "string_value")
    return Exports(_Score, _quality.COLUMNS, _rows, ("data",), bodies, "quality_id").read(content, reading)


FORMAT = Format(
    name="langfuse_scores",
    description="Langfuse scores: blob export, UI export or API pages, as JSON, JSON lines, CSV or Parquet",
    columns=_quality.COLUMNS,
    day="occurred_at",
    recognises=_langfuse.is_score,
    read=_read,
    about=About(
        obtain="The table `scores` of the blob storage export, an export of the scores table in the UI, or all pages of "
        "`GET /api/public/v2/scores`.",
        taken="Name, value or category, time, and what was judged: an observation (request), its trace (operation), or a session. Scores "
        "of type TEXT and CORRECTION, and those of a dataset run alone, are left out. Comments are never read.",
        key="`id`; of several rows the one updated last counts.",
        limits="Values are kept as given: no scale is known, so a rating from 1 to 5 is not brought to 0 to 1.",
    ),
    names=frozenset(_Score.__struct_encode_fields__),
)
