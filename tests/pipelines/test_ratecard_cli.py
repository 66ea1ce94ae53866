"""`meterbook ratecard`, as typed: a card is published, charged by, shown, and guarded by the audit."""

import csv
import json
import shutil
from decimal import Decimal
from pathlib import Path

import pytest
from running import run, typed
from small import price, write

pytestmark = [pytest.mark.long, pytest.mark.early, pytest.mark.usefixtures("all_small", "all_few")]
SETTINGS = """\
name: Acme
sources:
  - name: log
    path: "*.jsonl"
    format: mapped
    mapping:
      kind: request
      columns: {started_at: at, model: model, input_tokens: input, output_tokens: output, team: team}
      constants: {provider: acme}
"""
RATECARD = """\
classes:
- {class: all models, models: ["*"]}
rates:
- {class: all models, meter: output, usd_per_million: 16}
"""


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory, all_small: None, all_few: None) -> Path:
    """Four requests of September and October, and how a card is made, after a run."""
    folder = tmp_path_factory.mktemp("computed") / "book"
    write(folder / "meterbook.yaml", [SETTINGS])
    write(folder / "ratecard.yaml", [RATECARD])
    price(folder, "acme", "small")
    write(
        folder / "inbox/calls.jsonl",
        [
            json.dumps({"at": f"{day}T12:00:00Z", "model": "small", "input": 1_000_003, "output": 101, "team": "search"})
            for day in ("2026-09-29", "2026-09-30", "2026-10-01", "2026-10-02")
        ],
    )
    assert run(folder)[0] == 0
    return folder


@pytest.fixture
def book(computed: Path, tmp_path: Path) -> Path:
    """The book, computed."""
    shutil.copytree(computed, tmp_path / "book")
    return tmp_path / "book"


def test_a_published_card_is_charged_by_and_each_file_names_it(book: Path) -> None:
    done = typed(book, "ratecard", "publish", "2026-10")
    assert done.code == 0, done.err
    assert "1 price from 2026-09, 1 stated" in done.err
    assert run(book)[0] == 0
    with (book / "chargeback/2026-10/chargeback.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert {row["rate_card"] for row in rows} == {"rate card 2026-10, edition 1"}
    assert list(rows[0])[-1] == "rate_card"
    # Two calls of 101 output tokens, at 16 USD a million in place of 10.
    assert {(row["team"], row["line"]): Decimal(row["cost_usd"]) for row in rows if row["line"] == "Rate card"} == {
        ("search", "Rate card"): Decimal("0.001212"),
        ("unallocated", "Rate card"): Decimal("-0.001212"),
    }
    statement = (book / "chargeback/2026-10/statements/search.html").read_text("utf-8")
    assert statement.count("rate card 2026-10, edition 1") == len(["the line's basis", "what it rests on"])


def test_show_prints_the_card_in_force_as_it_was_published(book: Path) -> None:
    without = typed(book, "ratecard", "show", "2026-10")
    assert (without.code, "2026-10 has no rate card" in without.err) == (2, True)
    assert typed(book, "ratecard", "publish", "2026-10", "--from", "2026-09").code == 0
    table = typed(book, "ratecard", "show", "2026-10")
    assert table.code == 0
    assert "1.000000" in table.out
    record = json.loads(typed(book, "ratecard", "show", "2026-10", "--format", "json").out)
    assert [price["usd"] for price in record["prices"]] == ["1.000000", "16"]
    listed = typed(book, "ratecard", "show", "2026-10", "--format", "csv").out
    assert listed.encode() == (book / "ratecards/2026-10/1/card.csv").read_bytes()


def test_a_card_without_any_price_is_not_published(book: Path) -> None:
    (book / "ratecard.yaml").write_text("classes:\n- {class: none, models: [nothing]}\n", "utf-8")
    done = typed(book, "ratecard", "publish", "2026-10")
    assert (done.code, "states no price, and nothing of 2026-09" in done.err, len(done.err.splitlines())) == (2, True, 1)
    assert not (book / "ratecards").exists()


def test_another_edition_needs_a_why_and_both_are_in_the_audit(book: Path) -> None:
    assert typed(book, "ratecard", "publish", "2026-10").code == 0
    again = typed(book, "ratecard", "publish", "2026-10")
    assert (again.code, "--why" in again.err) == (2, True)
    assert typed(book, "ratecard", "publish", "2026-10", "--why", "agreed").code == 0
    audit = typed(book, "audit", "--format", "csv")
    assert (audit.code, audit.out.count(",publish rate card,")) == (0, 2)


@pytest.mark.parametrize("name", ["card.csv", "card.html", "card.json"])
def test_the_audit_finds_a_card_that_was_altered(book: Path, name: str) -> None:
    assert typed(book, "ratecard", "publish", "2026-10").code == 0
    assert typed(book, "audit").code == 0
    path = book / "ratecards/2026-10/1" / name
    path.write_bytes(path.read_bytes().replace(b"16", b"17", 1) if name != "card.json" else path.read_bytes().replace(b'"16"', b'"17"'))
    altered = typed(book, "audit")
    assert (altered.code, "2026-10/1" in altered.err) == (1, True)


def test_the_audit_misses_a_card_that_is_gone_until_it_is_there_again(book: Path) -> None:
    assert typed(book, "ratecard", "publish", "2026-10").code == 0
    shutil.rmtree(book / "ratecards/2026-10")
    gone = typed(book, "audit")
    assert (gone.code, "edition 1 of the rate card of 2026-10 is gone" in gone.err) == (1, True)
    assert typed(book, "ratecard", "publish", "2026-10").code == 0
    assert typed(book, "audit").code == 0


@pytest.mark.parametrize("words", [("publish", "2026-13"), ("publish", "2026-10", "--from", "september"), ("show", "2026-9")])
def test_a_month_that_is_none_is_refused_in_a_line(book: Path, words: tuple[str, ...]) -> None:
    found = typed(book, "ratecard", *words)
    assert (found.code, "is not a month such as 2026-11" in found.err, len(found.err.splitlines())) == (2, True, 1)


def test_a_closed_month_names_its_card_and_keeps_it(book: Path) -> None:
    assert typed(book, "ratecard", "publish", "2026-09", "--from", "2026-09").code == 0
    assert run(book)[0] == 0
    closed = typed(book, "close", "2026-09")
    assert closed.code == 0, closed.err
    record = json.loads((book / "closed/2026-09/close.json").read_text("utf-8"))
    assert "ratecards/2026-09/1/card.json" in record["book"]
    refused = typed(book, "ratecard", "publish", "2026-09", "--why", "dearer")
    assert (refused.code, "2026-09 is closed" in refused.err) == (2, True)
