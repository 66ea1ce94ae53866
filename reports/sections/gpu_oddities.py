"""What is odd about samples of GPUs, and what is made of it."""

from collections.abc import Mapping
from typing import Any

from meterbook.reports.quality import Quality
from meterbook.reports.section import Section

TAKEN: Mapping[str, str] = {
    "no sample": "counted as unknown, never as idle",
    "no figure of utilisation": "counted as unknown, never as idle",
    "several sources": "the source that saw most of the hour counts, the time of the others does not",
    "slices beyond the device": "slices are cut off at one whole device, in the order of their names",
    "energy counter set back": "the energy of the hour is a lower bound",
    "holder changed within the hour": "each holder has the time in which it was seen",
}
"""What is made of each oddity of marts.gpu_oddity."""


def _build(quality: Quality) -> Mapping[str, Any] | None:
    rows = [
        {
            "oddity": row["oddity"],
            "taken": TAKEN[row["oddity"]],
            "devices": f"{row['devices']:,}",
            "hours": f"{row['hours']:,}",
            "time": f"{row['seconds'] / 3600:,.1f}" if row["seconds"] else "",
            "device": row["device_id"],
            "when": f"{row['first_day']} to {row['last_day']}",
        }
        for row in quality.gpu_oddities
    ]
    return {"rows": rows} if rows else None


SECTION = Section("gpu_oddities", _build, "Every hour of every GPU was seen whole, by one source.", "Samples of GPUs")
