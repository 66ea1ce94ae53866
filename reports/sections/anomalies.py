"""What stood out, with owner and dollars; one card per cause."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from meterbook.reports.frame import Frame
from meterbook.reports.numbers import dollars
from meterbook.reports.section import Section

SHOWN = 8


def _build(frame: Frame) -> Mapping[str, Any] | None:
    roots = [row for row in frame.anomalies if row["parent"] is None]
    if not roots:
        return None
    rows = [
        {
            "kind": row["kind"],
            "what": "all cost" if row["dimension"] == "total" else f"{row['dimension']} {row['scope']}",
            "deepest": _deepest(frame, row),
            "cause": row["cause"],
            "when": _days(row["first_day"], row["last_day"]),
            "owner": row["owner"],
            "excess": dollars(row["excess_usd"], plus=True),
            "mood": "over" if row["excess_usd"] > 0 else "under",
        }
        for row in roots[:SHOWN]
    ]
    return {"rows": rows, "more": max(0, len(roots) - SHOWN), "children": len(frame.anomalies) - len(roots)}


def _deepest(frame: Frame, root: Mapping[str, Any]) -> str:
    """The narrowest scope that explains a root."""
    name = f"{root['dimension']} {root['scope']}"
    depth = {"team": 1, "model": 2, "feature": 3, "tenant": 4}
    children = [
        row
        for row in frame.anomalies
        if row["parent"] == name and row["first_day"] <= root["last_day"] and row["last_day"] >= root["first_day"]
    ]
    if not children:
        return ""
    best = max(children, key=lambda row: (depth.get(row["dimension"], 0), abs(row["excess_usd"])))
    return f"{best['dimension']} {best['scope']}"


def _days(first: date, last: date) -> str:
    return f"{first.day} {first:%b}" if first == last else f"{first.day} to {last.day} {last:%b}"


SECTION = Section("anomalies", _build, "Nothing stood out in this week.", "What stood out")
