"""`meterbook anomalies`: cards of a small book with one spike and one change of price."""

import json
import shutil
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from running import typed
from small import built, limited, make_small, write
from small_book import SmallBook

from meterbook.assets.audit import read_audit
from meterbook.assets.auto_ets import HOW_TO_INSTALL
from meterbook.assets.workspace import Workspace
from meterbook.pipelines.anomalies import bar
from meterbook.pipelines.second_opinion import AGREES

pytestmark = pytest.mark.long

CARD = """\
provider: acme
models:
  small:
    rates:
      - {starts_on: 2026-01-01, ends_on: 2026-09-25, input: 1, output: 4, source: x, checked_on: 2026-01-01}
      - {starts_on: 2026-09-25, input: 3, output: 12, source: x, checked_on: 2026-01-01}
"""
FIRST, DAYS = date(2026, 9, 14), 17
SPIKE, PRICE = "2026-09-30 total all cost", "2026-09-25 model small price"


@pytest.fixture(scope="module")
def alarmed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Seventeen days of one request a day, dearer from the 25th on, and one huge request on the last."""
    folder = tmp_path_factory.mktemp("alarmed") / "book"
    with pytest.MonkeyPatch.context() as monkeypatch:
        make_small(monkeypatch)
        book = SmallBook(folder)
        book.price(CARD)
        day = {"model": "small", "input": 1_000_003, "output": 101, "team": "search"}
        days = [{**day, "at": f"{FIRST + timedelta(days=n)}T12:00:00Z"} for n in range(DAYS)]
        days[-1]["input"] = 900_000_003
        write(folder / "inbox" / "2026.jsonl", [json.dumps(one) for one in days])
        (folder / "events.csv").write_text("name,starts_on,ends_on,kind\nopening,2026-09-30,,launch\n")
        built(limited(Workspace(folder), "marts.alarm_quality"))
        yield folder


@pytest.fixture
def book(alarmed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    make_small(monkeypatch)
    return Path(shutil.copytree(alarmed, tmp_path / "book"))


def test_cards_are_listed_with_dollars_cause_and_event_and_prices_are_told_as_such(book: Path) -> None:
    said = typed(book, "anomalies", "--json")
    cards = {card["card_id"]: card for card in json.loads(said.out)}
    assert list(cards) == [SPIKE, PRICE]
    assert cards[SPIKE]["cause"].startswith("one request of $2,700.00 (")
    assert (cards[SPIKE]["event"], cards[SPIKE]["status"]) == ("launch: opening", "open")
    assert (cards[PRICE]["kind"], cards[PRICE]["excess_usd"]) == ("price change", "2.000814000000")
    told = typed(book, "anomalies").out
    assert "at the same time: launch: opening" in told
    assert "the same use costs $3.00 instead of $1.00 (+200 %)" in told


def test_a_second_opinion_without_statsforecast_says_how_to_install_it(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "statsforecast.models", None)
    done = typed(book, "anomalies", "--second-opinion")
    assert (done.code, done.err) == (2, f"meterbook: {HOW_TO_INSTALL}\n")


def test_a_second_opinion_is_beside_the_cards_it_has_one_of(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("meterbook.assets.auto_ets.auto_ets", lambda: lambda logs, known: (logs[known - 1 : -1], 0.1))
    monkeypatch.setattr("meterbook.assets.second_opinion.LEAST_DAYS", 1)
    monkeypatch.setattr("meterbook.pipelines.second_opinion.EVERY_DAYS", 7)
    told = typed(book, "anomalies", "--second-opinion").out
    assert told.count("AutoETS agrees") == 1
    assert "of 1 card on cost it agrees with 1" in told
    found = json.loads(typed(book, "anomalies", "--second-opinion", "--json").out)
    assert [card.get("second_opinion") for card in found["cards"]] == [AGREES, None]
    assert found["only_second_opinion"] == []


def test_a_card_is_shown_with_its_series_by_a_beginning_of_its_name(book: Path) -> None:
    told = typed(book, "anomalies", "show", "2026-09-30 total").out
    assert told.startswith(SPIKE)
    assert "█  cost, 2026-08-20 to 2026-09-30, at most 2,700" in told
    assert "2026-09-30" in told
    assert "over 1 day, 30 Sep" in told


def test_what_was_looked_at_and_what_is_muted_is_counted_and_listed_on_demand(book: Path) -> None:
    assert typed(book, "anomalies", "ack", SPIKE, "--real", "--note", "a backfill").code == 0
    muted = typed(book, "anomalies", "mute", "model small price", "--from", "2026-09-01", "--until", "2026-09-30", "--note", "agreed")
    assert muted.out == "model small price: muted from 2026-09-01 to 2026-09-30; 1 cards are muted now\n"
    told = typed(book, "anomalies").out
    assert told == "nothing stood out that is still open\nnot shown: 1 acknowledged, 1 muted; --all lists them\n"
    assert [card["status"] for card in json.loads(typed(book, "anomalies", "--all", "--json").out)] == ["acknowledged", "muted"]
    assert "real, says" in typed(book, "anomalies", "show", SPIKE).out
    assert [one.action for one in read_audit(book / "audit.jsonl")] == ["acknowledge anomaly", "mute anomalies"]
    with Workspace(book).catalog.reading(["marts.alarm_quality"]) as con:
        assert con.execute("select cards, real_cards, open_cards from marts.alarm_quality").fetchall() == [(1, 1, 0)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "2026-09-30 total all cots"), "there is no card '2026-09-30 total all cots'; did you mean '2026-09-30 total all cost'?"),
        (("show", "2026-09"), "2 cards begin with '2026-09': 2026-09-25 model small price; 2026-09-30 total all cost"),
        (("ack", SPIKE, "--false", "--note", " "), "note: "),
        (("mute", "tenant harbor", "--until", "2026-12-31", "--note", "x"), "nothing called 'tenant harbor' is watched"),
        (("--from", "2026-09-02", "--to", "2026-09-01"), "--to lies before --from"),
    ],
)
def test_a_wrong_word_is_one_line_that_says_what_to_do(words: tuple[str, ...], said: str, book: Path) -> None:
    done = typed(book, "anomalies", *words)
    assert done.code == 2
    assert said in done.err
    assert done.err.count("\n") == 1


def test_a_bar_is_from_zero_and_an_unknown_day_is_a_point() -> None:
    assert "".join(bar(value, 8.0) for value in (0.0, 1.0, 8.0, None)) == "▁▂█·"
    assert bar(0.0, 0.0) == "▁"
