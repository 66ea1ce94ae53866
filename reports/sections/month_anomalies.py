"""What stood out in a month, and how often such alarms were worth looking at."""

from collections.abc import Mapping
from typing import Any

from meterbook.reports.month_frame import MonthFrame
from meterbook.reports.numbers import percent, plural, ratio
from meterbook.reports.section import Section
from meterbook.reports.sections.anomalies import SECTION as OF_DAYS

_JUDGED = """
    select cast(coalesce(sum(cards), 0) as bigint) as cards, cast(coalesce(sum(real_cards), 0) as bigint) as real_cards,
        cast(coalesce(sum(false_cards), 0) as bigint) as false_cards, cast(coalesce(sum(open_cards), 0) as bigint) as open_cards,
        cast(coalesce(sum(muted_cards), 0) as bigint) as muted_cards
    from marts.alarm_quality where period = ?
"""


def _build(frame: MonthFrame) -> Mapping[str, Any] | None:
    found = OF_DAYS.build(frame)
    return None if found is None else {**found, "precision": precision(frame)}


def precision(frame: MonthFrame) -> str:
    """How many of the month's alarms were looked at, and how many of these were real."""
    [row] = frame.rows(_JUDGED, frame.month)
    if not row["cards"]:
        return ""
    looked, began = row["real_cards"] + row["false_cards"], plural(row["cards"], "alarm")
    muted = f"; {row['muted_cards']:,} muted" if row["muted_cards"] else ""
    if not looked:
        return f"{began} began in the month and nobody has looked at any: how many are worth it cannot be told{muted}."
    share = percent(ratio(row["real_cards"], looked))
    return f"Of {began} that began in the month {looked:,} were looked at and {row['real_cards']:,} were real, {share}{muted}."


SECTION = Section("month_anomalies", _build, "Nothing stood out in this month.", "What stood out, and was it worth a look?")
