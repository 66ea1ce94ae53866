"""Three short incidents in the sample company that hardly cost anything, and that nobody would see in a bill.

A gateway that lets another model answer, a cap that somebody set too low, and a day's documents sent in one hour. Each changes calls that
are made anyway and draws no random number, so that every other call stays as it is.
"""

from collections import Counter
from datetime import date

import numpy as np

from meterbook.pipelines.demo_company import FEATURES
from meterbook.pipelines.demo_requests import Ints, Requests

SWAPPED, SWAPPED_DAYS = "literature-search", (date(2026, 10, 8), date(2026, 10, 9))
"""The feature whose calls another model answered than was asked for, and on which days."""
ASKED_FOR, ANSWERED_BY = "gemini-2.5-pro", "gpt-5"
"""The model that was asked for, and the one that answered; on these days they cost the same."""
CUT, CUT_DAY, CUT_CAP = "contract-review", date(2026, 10, 28), 6_000
"""The feature whose answers a cap cut off, the day, and the most tokens that it asked for then."""
RUSHED, RUSH_DAY, RUSH_HOUR, RUSH_PERCENT = "invoice-extraction", date(2026, 10, 29), 3, 30
"""The feature of which many calls came in one hour of a night, the day, the hour and how many of its calls."""
_NUMBERS = {feature.name: number for number, feature in enumerate(FEATURES)}


def cap_on(feature: str, cap: int, day: date) -> int:
    """The most tokens of an answer that a feature asks for on a day, where it is `cap` on others."""
    return CUT_CAP if (feature, day) == (CUT, CUT_DAY) else cap


def swapped_rows(made: Requests, day: date) -> Ints:
    """Calls that another model answers than was asked for."""
    rows = np.flatnonzero((made.feature == _NUMBERS[SWAPPED]) & (day in SWAPPED_DAYS))
    return rows[[made.model[n] == ASKED_FOR for n in rows.tolist()]] if len(rows) else rows


def swap(made: Requests, rows: Ints) -> None:
    """Let another model answer."""
    for n in rows.tolist():
        made.wanted[n], made.model[n] = made.model[n], ANSWERED_BY


def rush(made: Requests, day: date) -> None:
    """Move calls into one hour, in the order they had. Calls that were tried again stay where they are."""
    tries = Counter(made.operation.tolist())
    often = np.array([tries[operation] for operation in made.operation.tolist()], dtype=np.int64)
    chosen = (made.feature == _NUMBERS[RUSHED]) & (made.operation % 100 < RUSH_PERCENT) & (often == 1)
    rows = np.flatnonzero(chosen & (day == RUSH_DAY))
    made.millisecond[rows] = RUSH_HOUR * 3_600_000 + made.millisecond[rows] // 24
