"""Which entries of the ledger a weekly page tells of: others make no page anew."""

from datetime import date
from typing import Any

import pytest

from meterbook.assets.savings import Saving
from meterbook.assets.week_digests import promised

FIRST, END = date(2026, 10, 19), date(2026, 10, 26)


def _saving(**more: Any) -> Saving:
    given = {"name": "cap", "lever": "caps", "owner": "support", "status": "idea", "idea_on": "2026-08-01"}
    return Saving.model_validate(given | more)


@pytest.mark.parametrize(
    ("more", "is_told"),
    [
        ({}, False),
        ({"status": "committed", "committed_on": "2026-10-12"}, True),
        ({"status": "committed", "committed_on": "2026-09-01"}, True),
        ({"status": "committed", "committed_on": "2026-10-26"}, False),
        ({"status": "live", "committed_on": "2026-09-01", "live_since": "2026-10-25"}, False),
        ({"status": "live", "committed_on": "2026-09-01", "live_since": "2026-10-26"}, True),
        ({"status": "live", "committed_on": "2026-10-12", "live_since": "2026-10-13"}, True),
        ({"lever": "gpu", "scope": {"pool": "training"}}, True),
        ({"lever": "gpu", "scope": {"pool": "training"}, "idea_on": "2026-10-26"}, False),
    ],
)
def test_a_week_tells_what_was_decided_before_it_and_what_is_not_done(more: dict[str, Any], is_told: bool) -> None:
    assert len(promised([_saving(**more)], FIRST, END)) == is_told
