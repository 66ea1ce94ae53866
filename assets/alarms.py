"""What people made of alarms: anomaly_acks.csv and anomaly_mutes.csv of a book. Lines are added, never edited; the last one holds.

`meterbook anomalies ack` and `mute` write them, and the audit says who did. A mute ends by itself; what it keeps quiet is still counted.
"""

import csv
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Literal, TypeVar

import polars as pl
from pydantic import ValidationError, model_validator

from meterbook.assets.audit import FILE as AUDIT
from meterbook.assets.audit import append_audit, user_name
from meterbook.assets.csv_rows import rows_of
from meterbook.assets.sources import Name, Strict
from meterbook.sql.alarm_leaves import DEPTHS

ACKS, MUTES = "anomaly_acks.csv", "anomaly_mutes.csv"


class AlarmError(ValueError):
    """What was said of an alarm is wrong; the message says where and what to do."""


class Ack(Strict):
    """One line of anomaly_acks.csv: somebody looked at a card and says whether it was real."""

    card_id: Name
    verdict: Literal["real", "false"]
    acked_on: date
    who: Name
    note: Name


class Mute(Strict):
    """One line of anomaly_mutes.csv: cards of a scope that begin on these days are not told, `until` included.

    `scope` is a dimension and its name, such as `tenant harbor`, with a measure after it where only that one is meant.
    """

    scope: Name
    starts_on: date
    until: date
    muted_on: date
    who: Name
    note: Name

    @model_validator(mode="after")
    def _is_a_scope(self) -> "Mute":
        if not any(self.scope.startswith(f"{name} ") for name in DEPTHS):
            raise ValueError(f"scope {self.scope!r} begins with none of {'; '.join(DEPTHS)}")
        return self


@dataclass(frozen=True)
class Alarms:
    """What was said of alarms, in the order in which it was said."""

    acks: Sequence[Ack]
    mutes: Sequence[Mute]


_Line = TypeVar("_Line", Ack, Mute)


def load_alarms(folder: Path) -> Alarms:
    """Every acknowledgement and mute.

    Raises:
        AlarmError: a file is not readable, or a line is wrong.
    """
    return Alarms(_load(folder / ACKS, Ack), _load(folder / MUTES, Mute))


def _load(path: Path, shape: type[_Line]) -> list[_Line]:
    return [line for _, line in rows_of(path, shape, AlarmError)] if path.is_file() else []


def acknowledge(folder: Path, card_id: str, verdict: Literal["real", "false"], note: str) -> Ack:
    """Record a verdict; one of the same card that was there before no longer holds.

    Raises:
        AlarmError: the note is empty, or no text that a table may hold.
        AuditError: the audit does not verify, so nothing is recorded.
    """
    made = _said(Ack, {"card_id": card_id, "verdict": verdict, "acked_on": _today(), "who": user_name(), "note": note})
    append_audit(folder / AUDIT, "acknowledge anomaly", made.note, {"card": card_id, "verdict": verdict})
    _append(folder / ACKS, made)
    return made


def mute(folder: Path, scope: str, days: tuple[date, date], note: str) -> Mute:
    """Keep cards of a scope quiet that begin on some days; the same first day with an earlier last one ends a mute sooner.

    Args:
        folder: the book.
        scope: such as `tenant harbor` or `tenant harbor cost`; `total` is `total all`.
        days: the first and the last of them.
        note: why.

    Raises:
        AlarmError: the note is empty, or it is no scope.
        AuditError: the audit does not verify, so nothing is recorded.
    """
    whole = "total all" if scope.strip() == "total" else scope
    days_of = {"starts_on": days[0], "until": days[1], "muted_on": _today()}
    made = _said(Mute, {"scope": whole, **days_of, "who": user_name(), "note": note})
    append_audit(folder / AUDIT, "mute anomalies", made.note, {"scope": made.scope, "from": str(days[0]), "until": str(days[1])})
    _append(folder / MUTES, made)
    return made


def alarm_tables(alarms: Alarms) -> dict[str, pl.DataFrame]:
    """book.anomaly_ack, one row per card, and book.anomaly_mute, one per scope and first day: what holds."""
    last = {ack.card_id: ack for ack in alarms.acks}
    texts, days = ("card_id", "verdict", "who", "note", "scope"), ("acked_on", "muted_on", "starts_on", "ends_on")
    types: dict[str, pl.DataType] = {**dict.fromkeys(texts, pl.String()), **dict.fromkeys(days, pl.Date())}
    columns = {
        "book.anomaly_ack": ("card_id", "verdict", "acked_on", "who", "note"),
        "book.anomaly_mute": ("scope", "starts_on", "ends_on", "muted_on", "who", "note"),
    }
    rows = {"book.anomaly_ack": [ack.model_dump() for ack in last.values()], "book.anomaly_mute": list(_holding(alarms.mutes))}
    return {name: pl.DataFrame(rows[name], schema={one: types[one] for one in columns[name]}) for name in columns}


def _holding(mutes: Iterable[Mute]) -> Iterator[dict[str, object]]:
    """Each mute until the next one of its scope begins."""
    last = {(one.scope, one.starts_on): one for one in mutes}
    for (scope, starts_on), one in sorted(last.items(), key=lambda item: item[0]):
        later = [day for other, day in last if other == scope and day > starts_on]
        ends_on = min(one.until + timedelta(days=1), *later) if later else one.until + timedelta(days=1)
        yield {**one.model_dump(exclude={"until"}), "ends_on": ends_on}


def _said(shape: type[_Line], values: Mapping[str, object]) -> _Line:
    try:
        return shape.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise AlarmError(f"{'.'.join(map(str, first['loc'])) or 'mute'}: {first['msg'].removeprefix('Value error, ')}") from error


def _append(path: Path, made: Ack | Mute) -> None:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if not path.is_file():
        writer.writerow(type(made).model_fields)
    writer.writerow(made.model_dump(mode="json").values())
    # One write of whole lines to a file opened for appending: never half of them after half of another's.
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(handle, text.getvalue().encode())
        os.fsync(handle)
    finally:
        os.close(handle)


def _today() -> date:
    return datetime.now(UTC).date()
