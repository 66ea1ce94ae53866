"""Files that were not taken in, by why, and each by its name."""

import re
from collections.abc import Mapping
from typing import Any

from meterbook.reports.numbers import plural
from meterbook.reports.quality import ALIKE, Quality
from meterbook.reports.section import Section

SHOWN, NAMED = 20, 1000


def _build(quality: Quality) -> Mapping[str, Any] | None:
    refused = sorted(quality.facts.refused)
    if not refused:
        return None
    sorts: dict[str, list[tuple[str, str]]] = {}
    for file, why in refused:
        sorts.setdefault(re.sub(ALIKE, "", why), []).append((file, f"it {why}"))
    found = sorted(sorts.values(), key=lambda files: (-len(files), files[0]))
    return {
        "rows": [{"file": files[0][0], "why": files[0][1], "files": f"{len(files):,}"} for files in found[:SHOWN]],
        "more": f"And {plural(len(found) - SHOWN, 'more reason')}." if len(found) > SHOWN else "",
        "all": [(file, f"it {why}") for file, why in refused[:NAMED]] if len(refused) > len(found[:SHOWN]) else [],
        "unnamed": max(0, len(refused) - NAMED),
    }


SECTION = Section("refused", _build, "No file was refused.", "Refused files")
