"""History does not move: what a run makes of cards that were edited after days have been priced."""

import shutil
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from meterbook.assets.book import BookError
from meterbook.assets.prices import Differing
from meterbook.assets.publications import Publication
from meterbook.assets.publishing import Publisher
from meterbook.assets.rerating import Rerating
from meterbook.assets.workspace import Workspace
from meterbook.rate_cards.snapshots import VersionError
from meterbook.rate_cards.versions import read_lock

pytestmark = pytest.mark.long

DEARER = """\
provider: acme
models:
  small:
    rates:
      - {starts_on: 2026-01-01, input: 1.000001, output: 4, source: x, checked_on: 2026-01-01}
"""
NEW_MODEL = """\
provider: acme
models:
  tiny:
    aliases: [tiny-preview]
    rates:
      - {starts_on: 2026-01-01, input: 3, output: 3, source: x, checked_on: 2026-01-01}
"""
GATEWAY = {
    "request_id": "r-1",
    "startTime": "2026-10-01T12:00:00Z",
    "endTime": "2026-10-01T12:00:01Z",
    "prompt_tokens": 1_000_003,
    "completion_tokens": 101,
    "total_tokens": 1_000_104,
    "custom_llm_provider": "acme",
    "status": "success",
}
ONE = {"2026-09-29": "1.000407000000", "2026-09-30": "1.000407000000", "2026-10-01": "1.000407000000", "2026-10-02": "1.000407000000"}
"""1,000,003 tokens at 1 USD and 101 at 4 USD per million."""
DEAR = "1.000408000003"


def test_a_card_edited_after_the_fact_changes_no_day_already_priced(priced_book: Any) -> None:
    before = priced_book.bytes()
    priced_book.price(DEARER)
    priced_book.run()
    assert priced_book.costs() == ONE
    assert priced_book.bytes() == before


def test_a_new_day_takes_the_edited_card_and_late_data_the_card_of_its_day(priced_book: Any) -> None:
    priced_book.price(DEARER)
    priced_book.log("2026-10-03", "2026-10-01")
    priced_book.run()
    assert priced_book.costs() == {**ONE, "2026-10-01": "2.000814000000", "2026-10-03": DEAR}


def test_pages_of_the_past_are_not_made_anew_for_an_edited_card(priced_book: Any) -> None:
    before = Publisher(Workspace(priced_book.folder))._fingerprint(Publication("chargeback", "2026-09"))
    priced_book.price(DEARER)
    priced_book.run()
    assert Publisher(Workspace(priced_book.folder))._fingerprint(Publication("chargeback", "2026-09")) == before


def test_a_run_says_how_many_prices_of_the_past_differ_and_on_which_days(priced_book: Any) -> None:
    assert priced_book.run().prices.differing() is None
    priced_book.price(DEARER)
    priced_book.log("2026-10-03")
    assert priced_book.run().prices.differing() == Differing(1, date(2026, 9, 29), date(2026, 10, 2))
    priced_book.price(DEARER.replace("models:", "models:\n  other: {same_as: acme/small}"))
    # The new model is in no log; a card with another remark is another version with the same prices.
    assert priced_book.run().prices.differing() == Differing(1, date(2026, 9, 29), date(2026, 10, 2))


def test_a_name_that_the_cards_give_to_another_model_is_a_price_that_differs(priced_book: Any) -> None:
    priced_book.price(DEARER.replace("small:", "other:").replace("1.000001", "1"))
    assert priced_book.run().prices.differing() == Differing(3, date(2026, 9, 29), date(2026, 10, 2))


def test_a_price_that_is_ended_and_a_new_one_appended_differs_on_no_day_already_priced(priced_book: Any) -> None:
    rate = "- {starts_on: 2026-01-01, input: 1,"
    later = "      - {starts_on: 2026-10-03, input: 5, output: 4, source: x, checked_on: 2026-10-03}\n"
    card = priced_book.card.replace(rate, rate.replace(", input", ", ends_on: 2026-10-03, input"), 1)
    priced_book.price(card.replace("  large:", f"{later}  large:"))
    assert priced_book.run().prices.differing() is None


def test_deleting_the_lake_and_running_again_gives_the_same_bytes(priced_book: Any) -> None:
    priced_book.price(DEARER)
    priced_book.log("2026-10-03")
    priced_book.run()
    priced_book.price(NEW_MODEL, "more")
    priced_book.log("2026-10-04", model="tiny")
    priced_book.run()
    before = {**priced_book.bytes(), **priced_book.bytes("rate_cards")}
    lock = (priced_book.folder / "prices.lock").read_bytes()
    shutil.rmtree(priced_book.folder / "lake")
    priced_book.run()
    assert {**priced_book.bytes(), **priced_book.bytes("rate_cards")} == before
    assert (priced_book.folder / "prices.lock").read_bytes() == lock


def test_a_model_that_had_no_price_gets_one_in_open_days_at_once(priced_book: Any) -> None:
    priced_book.log("2026-09-30", "2026-10-01", model="tiny-preview")
    priced_book.run()
    priced_book.close("2026-09")
    priced_book.price(NEW_MODEL, "more")
    priced_book.run()
    assert priced_book.costs() == {**ONE, "2026-10-01": "4.000719000000"}
    # A month closed afterwards keeps what it got.
    priced_book.close("2026-10")
    priced_book.price(DEARER)
    priced_book.run()
    assert priced_book.costs() == {**ONE, "2026-10-01": "4.000719000000"}


def test_a_cost_that_its_source_reported_is_known_and_stays(priced_book: Any) -> None:
    priced_book.take("gateway.jsonl", {**GATEWAY, "model": "tiny", "spend": 0.5})
    priced_book.run()
    priced_book.price(NEW_MODEL, "more")
    workspace = priced_book.run()
    assert priced_book.costs() == {**ONE, "2026-10-01": "1.500407000000"}
    assert workspace.prices.differing() == Differing(1, date(2026, 10, 1), date(2026, 10, 1))
    with closing(Rerating(workspace, workspace.book.current_cards, date(2026, 10, 1), date(2026, 10, 1))) as rerating:
        rerating.compare()
        assert (rerating.total().newly_priced, rerating.total().difference_usd) == (1, Decimal("2.500312"))


def test_the_book_of_one_version_has_the_lake_of_a_book_without_versions(priced_book: Any) -> None:
    before = {**priced_book.bytes(), **priced_book.bytes("rate_cards")}
    for path in ("lake", "rate_cards/.versions"):
        shutil.rmtree(priced_book.folder / path)
    (priced_book.folder / "prices.lock").unlink()
    priced_book.run()
    assert {**priced_book.bytes(), **priced_book.bytes("rate_cards")} == before


def test_a_day_to_come_is_not_history_whatever_a_wrong_clock_says(priced_book: Any) -> None:
    today = datetime.now(UTC).date()
    priced_book.log(str(today + timedelta(days=40)))
    priced_book.run()
    lock = read_lock(priced_book.folder / "prices.lock")
    assert lock is not None
    assert lock.priced_until == today


def test_a_version_of_the_cards_that_is_gone_stops_a_run_and_says_what_to_do(priced_book: Any) -> None:
    priced_book.price(DEARER)
    shutil.rmtree(priced_book.folder / "rate_cards/.versions")
    with pytest.raises(BookError, match=r"jsonl.gz: is missing, and prices.lock prices days with it; restore it from git"):
        Workspace(priced_book.folder).book.cards  # noqa: B018 -- read when first asked for
    with pytest.raises(VersionError, match=r"jsonl.gz: is missing"):
        priced_book.run()


@pytest.mark.parametrize(
    ("zone", "day"), [("UTC", date(2026, 10, 1)), ("Asia/Tokyo", date(2026, 10, 1)), ("America/New_York", date(2026, 10, 2))]
)
def test_a_utc_day_of_which_a_part_is_closed_is_closed(small_book: Any, zone: str, day: date) -> None:
    small_book.close("2026-09", f"time_zone: {zone}\n")
    assert Workspace(small_book.folder).prices.open_from == day
