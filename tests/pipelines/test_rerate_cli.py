"""`meterbook rerate` and `meterbook audit` as they are typed."""

import csv
import io
import json
from typing import Any

import pytest
from running import run
from typer.testing import CliRunner, Result

from meterbook.assets.book import BookError
from meterbook.pipelines.cli import app
from meterbook.pipelines.locked import locked
from meterbook.rate_cards.versions import read_lock

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("all_few")]
RANGE = ("--from", "2026-09-01", "--to", "2026-10-31")
DEARER = "input: 1.000001,"
DIFFERENCE = "0.000004000012"
"""Four times 1,000,003 tokens at a pico-dollar more."""


def typed(book: Any, *words: str) -> Result:
    return CliRunner().invoke(app, ["--book", str(book.folder), *words], env={"COLUMNS": "160"})


@pytest.fixture
def edited(priced_book: Any) -> Any:
    """A book with a card edited after its run."""
    priced_book.price(priced_book.card.replace("input: 1,", DEARER))
    return priced_book


def test_the_table_shows_prices_and_costs_by_day_model_and_team_and_says_that_it_rounds(edited: Any) -> None:
    found = typed(edited, "rerate", *RANGE)
    assert found.exit_code == 0, found.output
    assert "2026-09-29 to 2026-10-02: 1 price in use differs" in found.stdout
    lines = [line.split() for line in found.stdout.splitlines()]
    rate = ["acme/small", "standard", "input", "million", "2026-09-29", "2026-10-02", "1", "1.000001"]
    assert rate in [[word for word in line if word != "│"] for line in lines]
    for name in ("2026-10-01", "acme/small", "search", "all"):
        assert any(name in line for line in lines), name
    assert "+0.000004" in found.stdout
    assert "rounded to 6 decimals; --format csv and json have all 12" in found.stdout


def test_csv_is_exact(edited: Any) -> None:
    found = typed(edited, "rerate", *RANGE, "--by", "day", "--by", "team", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(found.stdout)))
    assert [(row["by"], row["name"]) for row in rows] == [
        ("total", "open days"), ("total", "closed days"), ("total", "all days"),
        ("day", "2026-09-29"), ("day", "2026-09-30"), ("day", "2026-10-01"), ("day", "2026-10-02"), ("team", "search"),
    ]  # fmt: skip
    assert rows[2] == {
        "by": "total", "name": "all days", "old_usd": "4.001628000000", "corrected_usd": "0.000000000000", "new_usd": "4.001632000012",
        "difference_usd": DIFFERENCE, "newly_priced": "0", "newly_unpriced": "0",
    }  # fmt: skip


def test_json_has_the_prices_too(edited: Any) -> None:
    found = json.loads(typed(edited, "rerate", *RANGE, "--format", "json").stdout)
    assert (found["from"], found["to"]) == ("2026-09-29", "2026-10-02")
    assert sorted(found["by"]) == ["day", "model", "team"]
    assert found["totals"][2]["difference_usd"] == DIFFERENCE
    [rate] = found["rates"]
    assert (rate["model"], rate["meter"], rate["old_usd"], rate["new_usd"]) == ("small", "input", "0.000001000000", "0.000001000001")


def test_apply_needs_a_reason(edited: Any) -> None:
    for words in (["--apply"], ["--apply", "--why", "  "]):
        with pytest.raises(BookError, match="--apply needs --why"):
            raise typed(edited, "rerate", *RANGE, *words).exception or AssertionError
    assert not (edited.folder / "audit.jsonl").exists()


def test_apply_says_what_follows_and_the_audit_lists_it(edited: Any) -> None:
    edited.close("2026-09")
    found = typed(edited, "rerate", *RANGE, "--apply", "--why", "late list", "--format", "csv")
    assert found.exit_code == 0, found.output
    assert "2026-10-01 to 2026-10-02 are priced with version" in found.stderr
    assert f"`meterbook --book {edited.folder} run` makes the pages follow" in found.stderr
    assert "corrections.csv: 2 lines for closed days" in found.stderr
    again = typed(edited, "rerate", *RANGE, "--apply", "--why", "late list")
    assert "nothing to apply: these days are priced so already" in again.stderr
    listed = typed(edited, "audit")
    assert listed.exit_code == 0, listed.output
    assert "late list" in listed.stdout
    assert "2 records; the chain holds" in listed.stderr
    _, record = json.loads(typed(edited, "audit", "--format", "json").stdout)
    assert (record["action"], record["why"], record["details"]["corrections"]) == ("rerate", "late list", 2)


def test_an_audit_that_was_tampered_with_names_the_line_and_exits_with_1(edited: Any) -> None:
    edited.close("2026-09")
    typed(edited, "rerate", *RANGE, "--apply", "--why", "late list")
    path = edited.folder / "audit.jsonl"
    whole = path.read_text("utf-8")
    path.write_text(whole.replace("late list", "early list"), "utf-8")
    found = typed(edited, "audit")
    assert found.exit_code == 1
    assert "audit.jsonl:2: was changed after it was written" in found.stderr
    path.unlink()
    found = typed(edited, "audit")
    assert found.exit_code == 1
    assert "audit.jsonl: has no record" in found.stderr


def test_a_book_at_work_is_not_rerated(edited: Any) -> None:
    with locked(edited.folder), pytest.raises(BookError, match="another run is at work"):
        raise typed(edited, "rerate", *RANGE).exception or AssertionError


def test_a_run_notes_the_days_it_priced_and_says_which_prices_of_the_past_differ(edited: Any) -> None:
    edited.log("2026-10-03")
    code, told = run(edited.folder)
    assert code == 0, told
    said = "1 price of days already priced differs from your cards; meterbook rerate --from 2026-09-29 --to 2026-10-02 shows"
    assert said in told
    lock = read_lock(edited.folder / "prices.lock")
    assert lock is not None
    assert (str(lock.priced_until), lock.pending, len(lock.prices)) == ("2026-10-03", None, 2)
    assert edited.costs()["2026-10-03"] == "1.000408000003"
