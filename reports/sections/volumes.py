"""How much each source gives, beside what it gave on the same weekdays before."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

from meterbook.reports.numbers import NONE, count
from meterbook.reports.quality import DAYS, WORDS, Quality
from meterbook.reports.section import Section
from meterbook.reports.svg import sparkline

SHOWN = 15
_SAID = {
    "low": "less than half of usual",
    "high": "more than twice the usual",
    "new": "too new to compare",
    "usual": "as usual",
}


def _build(quality: Quality) -> Mapping[str, Any] | None:
    last = quality.last_day
    if last is None or not quality.volumes:
        return None
    streams = groupby(quality.volumes, key=lambda row: (row["source"], row["kind"]))
    odd = quality.unusual(DAYS)
    return {
        "day": f"{last:%a} {last.day} {last:%b}",
        "rows": [_stream(source, kind, list(rows), last) for (source, kind), rows in streams],
        "odd": [_odd(row) for row in odd[:SHOWN]],
        "more": max(0, len(odd) - SHOWN),
        "days": DAYS,
    }


def _stream(source: str, kind: str, rows: Sequence[Mapping[str, Any]], last: date) -> Mapping[str, Any]:
    by_day = {row["day"]: row for row in rows}
    values = [by_day.get(last - timedelta(days=DAYS - 1 - n), {}).get("rows_kept", 0) for n in range(DAYS)]
    now = by_day.get(last)
    unusual = sum(row["status"] in {"low", "high"} for row in rows)
    return {
        "source": source,
        "kind": WORDS.get(kind, kind),
        "spark": sparkline([Decimal(value) for value in values], f"{source} {WORDS.get(kind, kind)}, {DAYS} days", show=count),
        "rows": f"{now['rows_kept']:,}" if now else "0",
        "usual": NONE if now is None or now["usual_rows"] is None else f"{now['usual_rows']:,}",
        "said": _SAID[now["status"]] if now else "none came",
        "mood": "over" if now and now["status"] in {"low", "high"} else "",
        "unusual": f"{unusual:,}",
    }


def _odd(row: Mapping[str, Any]) -> Mapping[str, str]:
    day = row["day"]
    return {
        "day": f"{day:%a} {day.day} {day:%b}",
        "source": row["source"],
        "text": f"{row['rows_kept']:,} {WORDS.get(row['kind'], row['kind'])}, usually {row['usual_rows']:,}: {_SAID[row['status']]}",
    }


SECTION = Section("volumes", _build, "No volumes yet.", "Volumes")
