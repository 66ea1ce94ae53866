"""Instants that DuckDB types: what `format.instant` says of them, whatever form they have."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from itertools import compress

import polars as pl
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from meterbook.assets.ingest import _sql
from meterbook.assets.ingest.format import instant
from meterbook.sql.scratch import scratch

pytestmark = pytest.mark.long

CLOCKS = ("%H:%M:%S", "%H:%M:%S.%f", "%H:%M")
OFFSETS = st.sampled_from(("", "Z", "+00:00", "+02:00", "-0530", "+01", " +0100", "-11:45"))
MOMENTS = st.datetimes(datetime(2015, 1, 1), datetime(2099, 12, 30))


def told(texts: Sequence[str | None]) -> list[datetime | None]:
    frame = pl.DataFrame({"given": texts}, schema={"given": pl.String})
    with scratch() as con:
        con.register("frame", frame)
        return [found for (found,) in con.execute(f"select {_sql.instant('given')} from frame").fetchall()]


def shown_as(moment: datetime, between: str, clock: str, digits: int) -> str:
    shown = moment.strftime(f"%Y-%m-%d{between}{clock}")
    return shown[: len(shown) - 6 + digits] if "%f" in clock else shown


def offset_of(text: str) -> timedelta:
    digits = text.strip().replace(":", "").ljust(5, "0")
    return timedelta(0) if digits[0] not in "+-" else timedelta(minutes=int(f"{digits[0]}{int(digits[1:3]) * 60 + int(digits[3:5])}"))


@examples(8)
@given(st.lists(st.tuples(MOMENTS, st.sampled_from("T "), st.sampled_from(CLOCKS), st.integers(1, 6), OFFSETS), min_size=1, max_size=40))
def test_every_form_of_an_instant_is_the_moment_it_says(forms: list[tuple[datetime, str, str, int, str]]) -> None:
    shown = [shown_as(moment, between, clock, digits) for moment, between, clock, digits, _ in forms]
    offsets = [offset for *_, offset in forms]
    texts = [f"{text}{offset}" for text, offset in zip(shown, offsets, strict=True)]
    zoned = [datetime.fromisoformat(text).replace(tzinfo=timezone(offset_of(one))) for text, one in zip(shown, offsets, strict=True)]
    found = told(texts)
    assert found == [one.astimezone(UTC).replace(tzinfo=None) for one in zoned]
    by_polars = pl.DataFrame({"given": texts}).select(instant("given"))["given"].to_list()
    # polars reads no offset without seconds, nor behind a space where T is between.
    read = [clock != "%H:%M" and f"{between}{offset[:1]}" != "T " for _, between, clock, _, offset in forms]
    assert list(compress(by_polars, read)) == list(compress(found, read))


@pytest.mark.parametrize(
    "text",
    [
        *("", "epoch", "-infinity", "now", "yesterday", "2026-02-30", "2026-10-01T25:00:00Z", "2026-10-01T12:60:00", "2026-1-1T00:00:00"),
        *("2026-10-01T00:00:00.+02", "2026-10-01T00:00:00+99:99", "2026-10-01 00:00:00 Europe/Berlin", "2026-10-01T00:00:00.1234z"),
        *(" 2026-10-01T00:00:00.123", "2026-10-01T00:00:00.1 3", "2026-10-01T00:00:00 BC", "12026-10-01T00:00:00"),
    ],
)
def test_what_is_no_instant_is_none(text: str) -> None:
    assert told([text]) == [None]
    assert told([None, "2026-10-01", text]) == [None, datetime(2026, 10, 1), None]


def test_an_offset_is_never_dropped_in_silence() -> None:
    # DuckDB's own cast to TIMESTAMP reads the first three as five o'clock.
    texts = ["2026-10-01T05:00:00+02:00", "2026-10-01 05:00:00.5+02", "2026-10-01T05:00:00.123456 +0200", "2026-10-01T05:00:00.123Z"]
    assert [str(one)[11:16] for one in told(texts)] == ["03:00", "03:00", "03:00", "05:00"]
