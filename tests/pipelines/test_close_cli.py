"""`meterbook close`, `reopen` and what `audit` says of closed months, as typed."""

from typing import Any

import pytest
from running import run, typed
from small import freeze

pytestmark = pytest.mark.long


def test_close_and_reopen_say_what_they_did_and_the_audit_lists_it(published_book: Any) -> None:
    folder = published_book.folder
    done = typed(folder, "close", "2026-09", "--why", "agreed")
    assert done.code == 0, done.err
    assert "2026-09 is closed at 2.00 USD (exactly 2.000814000000), edition 1:" in done.out
    assert "2 inputs" in done.out
    again = typed(folder, "close", "2026-09")
    assert (again.code, "2026-09 is closed already" in again.err) == (2, True)
    assert run(folder)[0] == 0
    audit = typed(folder, "audit", "--format", "csv")
    assert (audit.code, ",close,agreed," in audit.out) == (0, True)
    without = typed(folder, "reopen", "2026-09")
    assert (without.code, "--why" in without.err) == (2, True)
    assert "2026-09 is open again" in typed(folder, "reopen", "2026-09", "--why", "wrong bill").out
    assert ",reopen,wrong bill," in typed(folder, "audit", "--format", "csv").out


def test_the_audit_finds_a_closed_month_or_a_posted_file_that_was_altered(small_book: Any) -> None:
    freeze(small_book.folder, "2026-09")
    assert typed(small_book.folder, "audit").code == 0
    record = small_book.folder / "closed/2026-09/close.json"
    record.write_text(record.read_text("utf-8").replace('"posted_usd": "0"', '"posted_usd": "1"'), "utf-8")
    altered = typed(small_book.folder, "audit")
    assert (altered.code, "has no record of" in altered.err) == (1, True)


@pytest.mark.parametrize("wrong", ["2026-13", "september", "2026-9"])
def test_a_month_that_is_none_is_refused_in_a_line(small_book: Any, wrong: str) -> None:
    found = typed(small_book.folder, "close", wrong)
    assert (found.code, "is not a month such as 2026-09" in found.err, len(found.err.splitlines())) == (2, True, 1)
