"""How the quality page judges, and the run it came from."""

from collections.abc import Mapping
from typing import Any

from meterbook.reports.quality import Quality
from meterbook.reports.section import Section


def _build(quality: Quality) -> Mapping[str, Any]:
    return {
        "facts": [
            ("Records", "in = kept + set aside + duplicates + filtered + replaced, by file: a blocking check of marts.input_file"),
            ("Set aside", "with file, line, reason and text: meterbook query 'from raw.quarantine'"),
            ("Same money", "pairs of sources of which both have at least half of their calls, usage or charges of a day alike"),
            ("Volumes", "beside the median of the four same weekdays before; a source of less than four is not judged"),
            ("Run", quality.facts.run_hash),
        ]
    }


SECTION = Section("basis", _build, template="closing")
