"""Whether alarms are worth looking at: how many of those that people looked at were real."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from meterbook.reports.frame import Row
from meterbook.reports.intervals import wilson
from meterbook.reports.numbers import NONE, percent, plural
from meterbook.reports.quality import Quality
from meterbook.reports.section import Section

SHOWN = 24


def _build(quality: Quality) -> Mapping[str, Any] | None:
    rows = quality.alarms
    if not rows:
        return None
    return {"said": _said(rows), "rows": [_row(row) for row in rows[:SHOWN]], "more": max(0, len(rows) - SHOWN)}


def _said(rows: Sequence[Row]) -> str:
    real, false = (sum(row[name] for row in rows) for name in ("real_cards", "false_cards"))
    left = sum(row["open_cards"] + row["muted_cards"] for row in rows)
    waiting = f"{plural(left, 'alarm')} {'was' if left == 1 else 'were'} not looked at."
    if not real + false:
        return f"Nobody has said of an alarm yet whether it was real (meterbook anomalies ack). {waiting}"
    return (
        f"Of {plural(real + false, 'alarm')} looked at, {real:,} {'was' if real == 1 else 'were'} real: {precision(real, false)}. {waiting}"
    )


def precision(real: int, false: int) -> str:
    """The share that was real, with its 95 % interval (Wilson)."""
    found = wilson(real, real + false)
    if found is None:
        return NONE
    low, point, high = (percent(Decimal(f"{value:.6f}")) for value in (found.low, found.point, found.high))
    return f"{point}, between {low} and {high}"


def _row(row: Row) -> Mapping[str, str]:
    counts = {name: f"{row[f'{name}_cards']:,}" for name in ("real", "false", "open", "muted")}
    texts = {"period": row["period"], "what": f"{row['kind']} in {row['measure']}", "cards": f"{row['cards']:,}"}
    return texts | counts | {"precision": precision(row["real_cards"], row["false_cards"])}


SECTION = Section("alarms", _build, "Nothing has stood out yet.", "Alarms")
