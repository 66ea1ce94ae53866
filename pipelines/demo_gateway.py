"""The sample company's gateway logs as files: a day each, some late, one twice, two as CSV, some lines beyond reading."""

import csv
import gzip
import io
from datetime import date
from pathlib import Path

import msgspec

from meterbook.pipelines.demo_company import FIRST

LATE_DAY, LATE_IN, LATE_EVERY = date(2026, 10, 14), date(2026, 10, 17), 3
"""Every third row of a day arrives in the file of a later one."""
TWICE = date(2026, 9, 15)
CSV_DAYS = (date(2026, 8, 20), date(2026, 8, 21))
FORGOTTEN, FORGOTTEN_DAY, FORGOTTEN_EVERY = "cluster-eu-late.jsonl.gz", date(2026, 9, 29), 20
"""A file that turns up when its month is closed: calls of one day that no other file has."""
MALFORMED_FILES = 20
_SOUND = b'"spend":0,"prompt_tokens":5,"completion_tokens":5,"custom_llm_provider":"openai"'
_UNCOUNTED = b'"startTime":"2026-09-01T10:00:00","spend":0,"custom_llm_provider":"openai"'
MALFORMED = {
    "cut short": b'{"request_id":"bad-1","startTime":"2026-09-0',
    "not JSON": b"Traceback (most recent call last):",
    "no time": b'{"request_id":"bad-3",' + _SOUND + b"}",
    "no such time": b'{"request_id":"bad-4","startTime":"yesterday",' + _SOUND + b"}",
    "before computers": b'{"request_id":"bad-5","startTime":"1970-01-01T00:00:00",' + _SOUND + b"}",
    "negative tokens": b'{"request_id":"bad-6","prompt_tokens":-5,"completion_tokens":5,' + _UNCOUNTED + b"}",
    "a part of a token": b'{"request_id":"bad-7","prompt_tokens":9.7,"completion_tokens":5,' + _UNCOUNTED + b"}",
    "more cached than sent": (
        b'{"request_id":"bad-8","startTime":"2026-09-01T10:00:00",' + _SOUND + b',"metadata":{"usage_object":'
        b'{"prompt_tokens_details":{"cached_tokens":9}}}}'
    ),
    "no id": b'{"startTime":"2026-09-01T10:00:00",' + _SOUND + b"}",
    "a success without tokens": b'{"request_id":"bad-10","status":"success",' + _UNCOUNTED + b"}",
}
Files = dict[str, dict[str, int]]
"""Rows in and rows set aside, by a file's name in the inbox."""


class Gateway:
    """Writes the days in order, and holds back what arrives late.

    Args:
        folder: the book.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "inbox" / "gateway"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._late: list[bytes] = []
        self.files: Files = {}
        self.late_rows = 0

    def write(self, day: date, lines: list[bytes]) -> None:
        """Write a day's file."""
        if day == LATE_DAY:
            self._late, lines = lines[::LATE_EVERY], [line for n, line in enumerate(lines) if n % LATE_EVERY]
            self.late_rows = len(self._late)
        if day == LATE_IN:
            lines += self._late
        if day in CSV_DAYS:
            (self._folder / f"{day}.csv").write_text(_csv(lines), "utf-8", newline="")
            self.files[f"gateway/{day}.csv"] = {"rows_in": len(lines), "quarantined": 0}
        else:
            self._pack(day, lines, malformed(day))

    def _pack(self, day: date, lines: list[bytes], bad: tuple[bytes, ...]) -> None:
        step = max(1, len(lines) // (len(bad) + 1))
        for n, line in enumerate(bad, 1):
            lines.insert(n * step, line)
        packed = gzip.compress(b"\n".join(lines) + b"\n", 3, mtime=0)
        for name in (f"{day}.jsonl.gz", f"{day}_copy.jsonl.gz")[: 2 if day == TWICE else 1]:
            (self._folder / name).write_bytes(packed)
        self.files[f"gateway/{day}.jsonl.gz"] = {"rows_in": len(lines), "quarantined": len(bad)}


def write_forgotten(folder: Path, lines: list[bytes]) -> Path:
    """Deliver what was forgotten: calls like some of a day's, with ids of their own.

    Args:
        folder: the book.
        lines: what the gateway logged that day.
    """
    calls = [msgspec.json.decode(line) for line in lines[::FORGOTTEN_EVERY]]
    for call in calls:
        call |= {name: f"eu-{call[name]}" for name in ("request_id", "litellm_call_id", "session_id")}
    path = folder / "inbox" / "gateway" / FORGOTTEN
    path.write_bytes(gzip.compress(b"".join(msgspec.json.encode(call) + b"\n" for call in calls), 3, mtime=0))
    return path


def malformed(day: date) -> tuple[bytes, ...]:
    """The lines of a day's file that nobody can read: one of each kind in every fourth file."""
    number = (day - FIRST).days
    return tuple(MALFORMED.values()) if number % 4 == 2 and number // 4 < MALFORMED_FILES else ()


def _csv(lines: list[bytes]) -> str:
    """A day as a table dump shows it: JSON columns as JSON text, a space in timestamps."""
    handle = io.StringIO(newline="")
    rows = [msgspec.json.decode(line, type=dict[str, msgspec.Raw]) for line in lines]
    writer = csv.writer(handle)
    names = list(dict.fromkeys(name for row in rows for name in row))
    writer.writerow(names)
    for row in rows:
        writer.writerow(_cell(name, bytes(row.get(name, b"null"))) for name in names)
    return handle.getvalue()


def _cell(name: str, raw: bytes) -> str:
    if raw == b"null":
        return ""
    text = raw.decode()
    plain = text.strip('"') if text.startswith('"') else text
    return plain.replace("T", " ") if name in {"startTime", "endTime"} else plain
