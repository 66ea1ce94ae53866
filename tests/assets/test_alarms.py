"""What people say of alarms: kept in the order in which it was said, with who and why."""

from datetime import date
from pathlib import Path

import pytest

from meterbook.assets.alarms import AlarmError, acknowledge, alarm_tables, load_alarms, mute
from meterbook.assets.audit import read_audit

DAYS = (date(2026, 10, 20), date(2026, 10, 31))


def test_the_last_verdict_on_a_card_holds_and_the_audit_keeps_both(tmp_path: Path) -> None:
    acknowledge(tmp_path, "2026-10-21 tenant harbor cost", "real", "a backfill, of harbor")
    acknowledge(tmp_path, "2026-10-21 tenant harbor cost", "false", 'it was "planned"')
    [row] = alarm_tables(load_alarms(tmp_path))["book.anomaly_ack"].to_dicts()
    assert (row["verdict"], row["note"]) == ("false", 'it was "planned"')
    assert [one.details["verdict"] for one in read_audit(tmp_path / "audit.jsonl")] == ["real", "false"]
    assert (tmp_path / "anomaly_acks.csv").read_text().startswith("card_id,verdict,acked_on,who,note\n")


def test_a_mute_holds_until_its_last_day_and_ends_where_the_next_one_of_its_scope_begins(tmp_path: Path) -> None:
    mute(tmp_path, "tenant harbor", DAYS, "known")
    mute(tmp_path, "tenant harbor", (date(2026, 10, 25), date(2026, 11, 5)), "still")
    mute(tmp_path, "total", DAYS, "all of it")
    rows = alarm_tables(load_alarms(tmp_path))["book.anomaly_mute"].to_dicts()
    assert [(row["scope"], row["starts_on"], row["ends_on"]) for row in rows] == [
        ("tenant harbor", date(2026, 10, 20), date(2026, 10, 25)),
        ("tenant harbor", date(2026, 10, 25), date(2026, 11, 6)),
        ("total all", date(2026, 10, 20), date(2026, 11, 1)),
    ]


def test_the_same_first_day_with_an_earlier_last_one_ends_a_mute_sooner(tmp_path: Path) -> None:
    for until in (date(2026, 12, 31), date(2026, 10, 21)):
        mute(tmp_path, "tenant harbor cost", (DAYS[0], until), "known")
    [row] = alarm_tables(load_alarms(tmp_path))["book.anomaly_mute"].to_dicts()
    assert row["ends_on"] == date(2026, 10, 22)


@pytest.mark.parametrize("note", ["", "  ", "=1+1", "two\nlines"])
def test_a_note_that_is_empty_or_no_plain_text_is_refused_and_nothing_is_written(note: str, tmp_path: Path) -> None:
    with pytest.raises(AlarmError, match="note: "):
        acknowledge(tmp_path, "a card", "real", note)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_scope_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AlarmError, match="scope 'harbor' begins with none of total; team"):
        mute(tmp_path, "harbor", DAYS, "known")
    assert list(tmp_path.iterdir()) == []


def test_a_line_that_somebody_spoilt_is_told_with_its_number(tmp_path: Path) -> None:
    acknowledge(tmp_path, "a card", "real", "seen")
    path = tmp_path / "anomaly_acks.csv"
    path.write_text(path.read_text().replace("real", "maybe"))
    with pytest.raises(AlarmError, match=r"anomaly_acks\.csv:2: verdict"):
        load_alarms(tmp_path)
