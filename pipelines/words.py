"""What a run says of the door, in a few lines; the quality page says it in full."""

from collections.abc import Iterator

from meterbook.reports.numbers import plural
from meterbook.reports.quality import RECENT, WORDS, Quality, brief

TOLD = 2
"""Reasons named in the line of what was set aside."""


def door_lines(quality: Quality) -> list[str]:
    """One line for each thing that needs a look, from the same figures as the quality page."""
    return [*_aside(quality), *_volumes(quality), *_alike(quality)]


def _aside(quality: Quality) -> Iterator[str]:
    found = quality.reasons
    if not found:
        return
    told = [f"{brief(row['reason'])} ({plural(row['records'], 'record')})" for row in found[:TOLD]]
    rest = [plural(more, "more reason")] if (more := len(found) - len(told)) else []
    yield f"set aside most often: {'; '.join([*told, *rest])}"


def _volumes(quality: Quality) -> Iterator[str]:
    odd = quality.unusual(RECENT)
    if odd:
        last = odd[0]
        what = WORDS.get(last["kind"], last["kind"])
        days = plural(len({row["day"] for row in odd}), "day")
        yield (
            f"volumes out of the ordinary on {days} of the last {RECENT}: "
            f"{last['source']} {last['day']} {last['rows_kept']:,} {what}, usually {last['usual_rows']:,}"
        )


def _alike(quality: Quality) -> Iterator[str]:
    found = quality.alike
    if found:
        first = found[0]
        what = WORDS.get(first["kind"], first["kind"])
        more = f" (and {plural(len(found) - 1, 'more pair')})" if len(found) > 1 else ""
        pair = f"{first['source']} and {first['other_source']} count the same {what} on {plural(first['days'], 'day')}"
        yield f"the same money twice: {pair}{more}; say `counts: false` of one of them in meterbook.yaml"
