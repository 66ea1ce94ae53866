"""Seeding appends: what stood on a card before stays, byte for byte and price for price."""

import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from seeding import HAND, TODAY, rate, seeded, source

from meterbook.rate_cards.card import BEGINNING
from meterbook.rate_cards.card_text import SCHEMA_LINE
from meterbook.rate_cards.compile import read_entries
from meterbook.rate_cards.from_litellm import read
from meterbook.rate_cards.seed import seed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "acme.yaml").write_text(HAND, "utf-8")
    return tmp_path


def _text(folder: Path) -> str:
    return (folder / "acme.yaml").read_text("utf-8")


def _added(folder: Path) -> list[str]:
    """Lines that are new; fails where one that stood there is gone or moved."""
    rest = iter(HAND.splitlines())
    expected = next(rest, None)
    added = []
    for line in _text(folder).splitlines():
        if expected is not None and line.replace(f", ends_on: {TODAY}", "") == expected:
            expected = next(rest, None)
        else:
            added.append(line.strip())
    assert expected is None
    return added


SAME = {"m": [rate(input=1, output=4)], "n": [rate(input=2, output=2)]}


def test_a_price_that_changed_is_ended_today_and_the_new_one_appended(folder: Path) -> None:
    done = seeded(folder, {**SAME, "m": [rate(input=Decimal("1.25"), output=4)]})
    assert (done.added, done.changed, done.refused, done.failed) == ([], ["m"], [], None)
    assert f"{{starts_on: 2026-01-01, ends_on: {TODAY}, input: 1, cache_read: 0.1, output: 4, source:" in _text(folder)
    new = f"- {{starts_on: {TODAY}, input: 1.25, cache_read: 0.1, output: 4, source: 'https://prices.example', checked_on: {TODAY}}}"
    assert _added(folder) == [SCHEMA_LINE, new]


def test_comments_notes_and_entries_by_hand_stay_byte_for_byte(folder: Path) -> None:
    batch = {"tier": "batch", **rate(input=Decimal("0.6"), output=2)}
    done = seeded(folder, {"m": [*SAME["m"], batch], "n": [rate(input=2, output=Decimal("2.5"))], "z": [rate(input=9)]})
    assert (done.added, done.changed) == (["z"], ["m", "n"])
    assert [line for line in _added(folder) if line == f"ends_on: {TODAY}"] == [f"ends_on: {TODAY}"]
    assert _text(folder).rstrip().endswith("# Anything below this line is mine.")
    entries = read_entries([folder])
    assert [rate.note for rate in entries["acme", "m"].model.rates] == [None, "half", None]


def test_a_new_model_is_added_with_its_whole_history(folder: Path) -> None:
    past = date(2025, 6, 10)
    done = seeded(folder, {**SAME, "new": [{**rate(input=10), "ends_on": past}, {**rate(input=2), "starts_on": past}]})
    assert done.added == ["new"]
    rates = read_entries([folder])["acme", "new"].model.rates
    assert [(rate.starts_on, rate.input, rate.cache_read) for rate in rates] == [(BEGINNING, 10, 10), (past, 2, 2)]


def test_a_new_tier_is_added_to_a_model(folder: Path) -> None:
    done = seeded(folder, {**SAME, "n": [*SAME["n"], {"tier": "flex", **rate(input=1)}]})
    assert done.changed == ["n"]
    assert [rate.tier for rate in read_entries([folder])["acme", "n"].model.rates] == ["standard", "flex"]


def test_what_a_source_does_not_say_stays_as_it_is(folder: Path) -> None:
    done = seeded(folder, {"m": [rate(output=4)], "n": [rate(input=2)]})
    assert not done.is_written
    assert _text(folder) == HAND


def test_a_price_announced_for_a_day_to_come_starts_on_that_day(folder: Path) -> None:
    new_year = date(2027, 1, 1)
    rates = [{**rate(input=2, output=2), "ends_on": new_year}, {**rate(input=Decimal("2.5"), output=2), "starts_on": new_year}]
    assert seeded(folder, {**SAME, "n": rates}).changed == ["n"]
    found = read_entries([folder])["acme", "n"].model.rates
    assert [(rate.starts_on, rate.ends_on, rate.input) for rate in found] == [
        (date(2026, 1, 1), new_year, 2),
        (new_year, None, Decimal("2.5")),
    ]
    assert not seeded(folder, {**SAME, "n": rates}).is_written


def test_a_change_the_source_dates_back_starts_today_and_says_since_when_the_source_has_it(folder: Path) -> None:
    since = date(2026, 6, 1)
    rates = [{**rate(input=2, output=2), "ends_on": since}, {**rate(input=Decimal("2.5"), output=2), "starts_on": since}]
    seeded(folder, {**SAME, "n": rates})
    last = read_entries([folder])["acme", "n"].model.rates[-1]
    assert (last.starts_on, last.note) == (TODAY, f"in the source since {since}")


def test_a_cached_token_that_costs_as_much_as_input_follows_it(folder: Path) -> None:
    (folder / "acme.yaml").write_text(HAND.replace("input: 2, output: 2", "input: 2, cache_read: 2, output: 2"), "utf-8")
    seeded(folder, {**SAME, "n": [rate(input=Decimal("2.5"), output=2)]})
    last = read_entries([folder])["acme", "n"].model.rates[-1]
    assert (last.input, last.cache_read) == (Decimal("2.5"), Decimal("2.5"))


def test_a_movement_of_more_than_thirty_per_cent_is_refused_until_it_is_accepted_by_name(folder: Path) -> None:
    far = {**SAME, "m": [rate(input=Decimal("1.31"), output=4)], "z": [rate(input=1)]}
    done = seeded(folder, far)
    assert done.refused == ["m: standard input 1 -> 1.31 (+31 %); --accept takes it"]
    assert (done.added, done.changed) == (["z"], [])
    assert seeded(folder, far, accept=["other"]).refused
    assert seeded(folder, far, accept=["M"]).changed == ["m"]


def test_thirty_per_cent_itself_is_no_refusal_and_the_threshold_can_be_moved(folder: Path) -> None:
    exactly = {**SAME, "m": [rate(input=Decimal("1.3"), output=4)]}
    assert seeded(folder, exactly, threshold=Decimal(29)).refused
    assert seeded(folder, exactly).changed == ["m"]


@pytest.mark.parametrize("accept", [["acme/m"], ["all"]])
def test_a_movement_is_accepted_by_provider_and_name_or_for_all(folder: Path, accept: list[str]) -> None:
    assert seeded(folder, {**SAME, "m": [rate(input=9, output=4)]}, accept=accept).changed == ["m"]


def test_from_free_to_any_price_is_a_movement(folder: Path) -> None:
    (folder / "acme.yaml").write_text(HAND.replace("input: 2, output: 2", "input: 0, output: 2"), "utf-8")
    assert seeded(folder, SAME).refused == ["n: standard input 0 -> 2 (was free); --accept takes it"]


def test_a_long_context_price_that_falls_away_is_a_movement(folder: Path) -> None:
    above = {"above_input_tokens": {"threshold": 200_000, "input": 4}}
    assert seeded(folder, {**SAME, "n": [{**rate(input=2, output=2), **above}]}).refused == [
        "n: standard input above 200000 2 -> 4 (+100 %); --accept takes it"
    ]
    assert seeded(folder, {**SAME, "n": [{**rate(input=2, output=2), **above}]}, accept=["n"]).changed == ["n"]
    later = TODAY + timedelta(days=1)
    assert seeded(folder, SAME, later).refused == ["n: standard input above 200000 4 -> 2 (-50 %); --accept takes it"]


def test_hours_of_the_day_begin_today_and_end_when_the_source_drops_them(folder: Path) -> None:
    quiet = {**rate(input=Decimal("1.5"), output=2), "hours_utc": "16:30-00:30"}
    assert seeded(folder, {**SAME, "n": [*SAME["n"], quiet]}).changed == ["n"]
    assert read_entries([folder])["acme", "n"].model.rates[-1].starts_on == TODAY
    assert not seeded(folder, {**SAME, "n": [*SAME["n"], quiet]}).is_written
    later = TODAY + timedelta(days=7)
    assert seeded(folder, SAME, later, accept=["n"]).changed == ["n"]
    assert read_entries([folder])["acme", "n"].model.rates[-1].ends_on == later
    again = later + timedelta(days=7)
    assert seeded(folder, {**SAME, "n": [*SAME["n"], quiet]}, again).changed == ["n"]
    assert read_entries([folder])["acme", "n"].model.rates[-1].starts_on == again


def test_a_price_that_stands_for_later_is_left_to_a_person(folder: Path) -> None:
    rate = '{starts_on: 2026-01-01, ends_on: 2027-01-01, input: 2, output: 2, source: "https://old.example", checked_on: 2026-01-05}'
    agreed = rate.replace("2026-01-01, ends_on: 2027-01-01, input: 2", "2027-01-01, input: 3")
    text = HAND.replace('{starts_on: 2026-01-01, input: 2, output: 2, source: "https://old.example", checked_on: 2026-01-05}', rate)
    (folder / "acme.yaml").write_text(text.replace(f"- {rate}", f"- {rate}\n    - {agreed}"), "utf-8")
    before = _text(folder)
    done = seeded(folder, SAME)
    said = "the source differs from the card from 2027-01-01 on (standard input 3 -> 2 (-33 %)), and its price there begins that very day"
    assert done.refused == [f"n: {said}; change it by hand"]
    assert _text(folder) == before


def test_a_source_without_dates_says_nothing_of_days_to_come(folder: Path) -> None:
    rates = [{**rate(input=2, output=2), "ends_on": date(2027, 1, 1)}, {**rate(input=4, output=2), "starts_on": date(2027, 1, 1)}]
    seeded(folder, {**SAME, "n": rates}, accept=["n"])
    before = _text(folder)
    feed = folder / "map.json"
    feed.write_text(
        json.dumps({name: {"litellm_provider": "acme", "input_cost_per_token": at} for name, at in (("m", 1e-06), ("n", 2e-06))})
    )
    [done] = seed(folder, read(feed, ["acme"], TODAY), ["acme"], TODAY)
    assert (done.refused, done.notes, _text(folder)) == ([], [], before)


def test_a_model_that_was_ended_by_hand_stays_ended(folder: Path) -> None:
    ended = HAND.replace("starts_on: 2026-01-01, input: 2", "starts_on: 2026-01-01, ends_on: 2026-06-01, input: 2")
    (folder / "acme.yaml").write_text(ended, "utf-8")
    done = seeded(folder, {**SAME, "n": [rate(input=3, output=2)]})
    assert done.notes == [f"n: standard: the card has no price from {TODAY}, the source has; left as it is"]
    assert _text(folder) == ended


def test_another_model_of_the_source_never_takes_a_name_from_the_card(folder: Path) -> None:
    offered = source({**SAME, "m-large": [rate(input=9, output=9)], "z": [rate(input=1)]}, {"z": ["m-small", "zz"]})
    [done] = seed(folder, offered, ["acme"], TODAY)
    assert done.added == ["z"]
    assert [note.split(":")[0] for note in done.notes] == ["m-large"]
    assert "goes by m on the card" in done.notes[0]
    assert read_entries([folder])["acme", "z"].model.aliases == ("zz",)


def test_a_model_of_another_file_of_the_folder_is_left_alone(folder: Path) -> None:
    (folder / "acme.yaml").rename(folder / "contract.yaml")
    done = seeded(folder, {**SAME, "m": [rate(input=9)], "z": [rate(input=1)]})
    assert done.added == ["z"]
    assert done.notes == ["m: contract.yaml has it; left alone", "n: contract.yaml has it; left alone"]
    assert (folder / "contract.yaml").read_text("utf-8") == HAND


def test_a_model_with_the_prices_of_another_is_compared_and_never_written(folder: Path) -> None:
    (folder / "acme.yaml").write_text(HAND + "  o: {same_as: acme/n}\n", "utf-8")
    assert seeded(folder, {**SAME, "o": [rate(input=2, output=2)]}).notes == []
    done = seeded(folder, {**SAME, "o": [rate(input=Decimal("2.2"), output=2)]})
    assert "has the prices of acme/n; the source says otherwise" in done.notes[0]
    assert not done.is_written


def test_a_fresh_card_names_its_schema_its_source_and_the_day(tmp_path: Path) -> None:
    seeded(tmp_path / "cards", SAME)
    text = (tmp_path / "cards" / "acme.yaml").read_text("utf-8")
    assert text.splitlines()[0] == "# yaml-language-server: $schema=schema.json"
    assert "from the test on 2026-11-28" in text
    json.loads((tmp_path / "cards" / "schema.json").read_text("utf-8"))
    assert all(
        rate.source and rate.checked_on == TODAY for entry in read_entries([tmp_path / "cards"]).values() for rate in entry.model.rates
    )


def test_a_card_with_windows_line_ends_keeps_them(folder: Path) -> None:
    (folder / "acme.yaml").write_bytes(HAND.replace("\n", "\r\n").encode())
    seeded(folder, {**SAME, "m": [rate(input=Decimal("1.2"))], "z": [rate(input=1)]})
    raw = (folder / "acme.yaml").read_bytes()
    assert raw.count(b"\n") == raw.count(b"\r\n") > HAND.count("\n")
    assert read_entries([folder])["acme", "m"].model.rates[-1].input == Decimal("1.2")


def test_a_card_that_cannot_be_added_to_safely_stays_and_leaves_nothing_behind(folder: Path) -> None:
    text = HAND.replace("    rates:\n    - {starts_on: 2026-01-01, input: 2", "    rates: &both\n    - {starts_on: 2026-01-01, input: 2")
    (folder / "acme.yaml").write_text(text + "  p:\n    rates: *both\n", "utf-8")
    before = _text(folder)
    done = seeded(folder, {**SAME, "p": [rate(input=Decimal("2.1"), output=2)]})
    assert "change it by hand" in str(done.failed)
    assert _text(folder) == before
    assert [path.name for path in folder.iterdir()] == ["acme.yaml"]
