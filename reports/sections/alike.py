"""Pairs of sources that count the same calls, usage or charges."""

from collections.abc import Mapping
from typing import Any

from meterbook.reports.numbers import share
from meterbook.reports.quality import WORDS, Quality
from meterbook.reports.section import Section


def _build(quality: Quality) -> Mapping[str, Any] | None:
    rows = [
        {
            "sources": f"{row['source']} and {row['other_source']}",
            "kind": WORDS.get(row["kind"], row["kind"]),
            "same": f"{row['same_items']:,}",
            "share": f"{share(row['same_items'], row['items'])} and {share(row['same_items'], row['other_items'])}",
            "days": f"{row['days']:,}",
            "when": f"{row['first_day']} to {row['last_day']}",
        }
        for row in quality.alike
    ]
    return {"rows": rows} if rows else None


SECTION = Section("alike", _build, "No two sources count the same money.", "The same money twice")
