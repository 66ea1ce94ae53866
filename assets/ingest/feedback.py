"""Feedback: what people, judges or your own systems say of calls, as CSV, JSON lines, JSON or Parquet.

Needed: `occurred_at` (ISO 8601, UTC where it names no zone, or unix time), what was judged (`request_id`, `operation_id` or `session_id`),
and a judgement: either `signal` with `value` or `label`, or columns of their own: `rating` (0 to 1, `4/5`, or up and down),
`task_completed`, `fallback`, `escalated` (yes or no), `score` (any number). A row may fill several. Optional: `quality_id`; a row without
one is known by its content and its place among equal rows of its file. Other columns, such as comments, are never read.
"""

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

import msgspec

from meterbook.assets.content import Content
from meterbook.assets.ingest import _calls, _quality
from meterbook.assets.ingest._calls import Row
from meterbook.assets.ingest._exports import Exports
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.ingest.format import About, Format, Sample
from meterbook.assets.sources import Reading

Text = str | None
_NULL = msgspec.Raw(b"null")
_YES_OR_NO = ("task_completed", "fallback", "escalated")
_OWN = ("rating", *_YES_OR_NO, "score")
_JUDGED = ("request_id", "operation_id", "session_id")
_OTHERS = {"is_completed": "task_completed", "is_fallback": "fallback", "is_escalated": "escalated", "quality_score": "rating"}
"""Names the same figures have elsewhere in meterbook."""
_COLUMNS = {name: dtype for name, dtype in _quality.COLUMNS.items() if name != "updated_at"}


class _Judgement(msgspec.Struct):
    quality_id: Text = None
    occurred_at: str | int | None = None
    request_id: Text = None
    operation_id: Text = None
    session_id: Text = None
    signal: Text = None
    label: Text = None
    value: msgspec.Raw = _NULL
    rating: msgspec.Raw = _NULL
    task_completed: msgspec.Raw = _NULL
    fallback: msgspec.Raw = _NULL
    escalated: msgspec.Raw = _NULL
    score: msgspec.Raw = _NULL


def _rows(given: _Judgement, _reading: Reading) -> list[Row]:
    if not (given.request_id or given.operation_id or given.session_id):
        raise ValueError(f"what was judged is missing: give {', '.join(_JUDGED)}")
    shared = {name: getattr(given, name) or None for name in ("quality_id", *_JUDGED)}
    shared["occurred_at"] = _calls.utc(given.occurred_at, "occurred_at")
    rows = [{**shared, **verdict} for verdict in _verdicts(given)]
    if not rows:
        raise ValueError(f"a judgement is missing: give signal, or one of {', '.join(_OWN)}")
    return rows


def _verdicts(given: _Judgement) -> Iterator[Row]:
    if given.signal:
        text, word = _plain(given.value), _quality.label(given.label, "label")
        if text is None and word is None:
            raise ValueError("value is missing, and so is label")
        yield {"signal": given.signal[: _quality.LONGEST], "value": _value(given.signal, text, "value"), "label": word}
    for name in _OWN:
        text = _plain(getattr(given, name))
        if text is not None:
            yield {"signal": name, "value": _value(name, text, name), "label": None}


def _plain(value: msgspec.Raw) -> Text:
    """Text of a number, of true or false, or a text itself."""
    text = bytes(value)
    found = msgspec.json.decode(text, type=str) if text.startswith(b'"') else text.decode()
    return None if found.strip() in {"", "null"} else found.strip()


def _value(signal: str, text: Text, name: str) -> Decimal | None:
    if text is None:
        return None
    if signal in _YES_OR_NO:
        return _quality.yes_or_no(text, name)
    return _rating(text, name) if signal == "rating" else _quality.number(_decimal(text, name), name)


def _rating(text: str, name: str) -> Decimal:
    """0 to 1, from a share, from `4/5`, or from up and down."""
    if text.lower() in {"up", "down", "yes", "no", "true", "false"}:
        return _quality.yes_or_no(text, name)
    parts = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?) ?/ ?([1-9]\d{0,5})", text)
    value = _quality.number(Decimal(parts[1]) / Decimal(parts[2]) if parts else _decimal(text, name), name)
    if not 0 <= value <= 1:
        raise ValueError(f"{name} {value.normalize():f} is not within 0 to 1; a scale is written as 4/5")
    return value


def _decimal(text: str, name: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"{name} is no number; a word stands in label") from error


def _read(content: Content, reading: Reading) -> Rows:
    bodies = ("label", "value", *_OWN)
    delimiter = reading.options.delimiter or ","
    return Exports(_Judgement, _COLUMNS, _rows, (), bodies, "quality_id", names=_OTHERS, delimiter=delimiter).read(content, reading)


def _recognises(sample: Sample) -> bool:
    keys = sample.keys
    has_verdict = not keys.isdisjoint({"signal", *_OWN, *_OTHERS})
    return "occurred_at" in keys and "unit" not in keys and has_verdict and not keys.isdisjoint(_JUDGED)


FORMAT = Format(
    name="feedback",
    description="Feedback and quality of calls: CSV, JSON lines, JSON or Parquet",
    columns=_COLUMNS,
    day="occurred_at",
    recognises=_recognises,
    read=_read,
    about=About(
        obtain="Written by your own systems: one row per judgement, or one per call with a column per judgement.",
        taken="occurred_at; request_id, operation_id or session_id; signal with value or label; or columns rating, task_completed, "
        "fallback, escalated, score. Other columns are never read.",
        key="`quality_id` and the signal, else the content and the place among equal rows; of several the latest counts.",
        options="`delimiter`: between the columns of a CSV.",
        limits="A rating is 0 to 1, or written with its scale (4/5). Labels have at most 200 characters: texts of people do not "
        "belong here.",
    ),
    names=frozenset(_Judgement.__struct_fields__),
)
