"""The quality page of a book, and what a run says of the door: true, short, and written only where it says something new."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from running import run, typed
from small import built, call, gateway_book, write

from meterbook.assets.publications import QUALITY_PAGE
from meterbook.assets.publishing import Publisher
from meterbook.assets.workspace import Workspace

pytestmark = [pytest.mark.long, pytest.mark.early, pytest.mark.usefixtures("all_small", "all_few")]
PAGE = "reports/quality/index.html"
FIRST = date(2026, 9, 1)


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return gateway_book(tmp_path / "book")


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty quiet days and a loud one, the same calls in two shapes, records that are wrong, files that cannot be read."""
    book = gateway_book(tmp_path_factory.mktemp("troubled") / "book")
    days = [FIRST + timedelta(days=number) for number in range(31)]
    calls = [call(f"{day}-{n}", day, 100 + n * 7 % 40) for day in days for n in range(60 if day == days[-1] else 20)]
    bad = [call("neg", FIRST, -5), *(call(f"markup{n}", FIRST, 5, startTime="[/red]") for n in range(2)), "{"]
    write(book / "inbox/gateway.jsonl", [*calls, *bad])
    shape = {"ai_org": "openai", "ai_model": "gpt-5", "res_units": 10, "response_status_code": 200}
    again = [{**shape, "id": f"p{n}", "created_at": f"{days[-1]}T08:00:00Z", "req_units": 100 + n * 7 % 40} for n in range(60)]
    write(book / "inbox/portkey.jsonl", [json.dumps(one) for one in again])
    for number in range(25):
        write(book / f"inbox/odd/{number:02}.csv", ["colour,size", f"red,{number}"])
    return book


@pytest.fixture(scope="module")
def told(troubled: Path) -> tuple[int, str]:
    return run(troubled)


def test_a_run_says_in_a_line_each_what_needs_a_look_and_names_the_page(troubled: Path, told: tuple[int, str]) -> None:
    assert told[0] == 1
    lines = told[1].splitlines()
    for words in (
        "set aside most often: ",
        "startTime '[/red]' is not an instant (2 records)",
        "volumes out of the ordinary on 1 day of the last 7: litellm_spendlogs 2026-10-01 60 calls, usually 20",
        "the same money twice: litellm_spendlogs and portkey_logs count the same calls on 1 day; say `counts: false`",
        f"open {troubled / PAGE}",
    ):
        assert len([line for line in lines if words in line]) == 1, words
    assert len([line for line in lines if line.startswith("refused")]) == 20
    assert f"and 5 more refused: {troubled / PAGE} names them" in lines
    assert len(lines) < 45


def test_the_page_says_what_the_lake_says(troubled: Path, told: tuple[int, str]) -> None:
    made = (troubled / PAGE).read_text("utf-8")
    assert "All 724 records are accounted for; 4 were set aside, 25 files were refused, 1 pair of sources counts the same money" in made
    assert "odd/24.csv".replace("/", "/<wbr>").replace(".", ".<wbr>") in made
    quality = Publisher(Workspace(troubled)).quality
    assert len(quality.refused) == 25
    rows = {(rule.table, rule.text): (rule.rows, list(rule.partitions)) for rule in quality.rules}
    assert rows["marts.volume", "status <> 'high'"] == (1, ["2026-10-01"])
    assert rows["marts.input_file", "quarantined = 0"] == (1, ["all"])
    assert {rule.table for rule in quality.rules if rule.is_blocking} >= {"marts.conservation", "staging.litellm_spendlogs"}


def test_the_page_is_written_where_it_says_something_new_and_only_there(book: Path) -> None:
    write(book / "inbox/a.jsonl", [call("one", FIRST, 100)])
    publisher = Publisher(built(Workspace(book)))
    assert QUALITY_PAGE in [item for item, _ in publisher.publish(publisher.wanted())]
    first = (book / PAGE).read_bytes()
    stamp = (book / PAGE).stat().st_mtime_ns
    # The same bytes under another name change nothing that is published.
    write(book / "inbox/b.jsonl", [call("one", FIRST, 100)])
    assert "nothing new to publish" in run(book)[1]
    assert (book / PAGE).stat().st_mtime_ns == stamp
    write(book / "inbox/odd.csv", ["colour,size", "red,1"])
    code, said = run(book)
    assert code == 1
    assert f"open {book / PAGE}" in said
    assert "weekly" not in said
    assert b"1 file was refused" in (book / PAGE).read_bytes()
    (book / "inbox/odd.csv").unlink()
    (book / PAGE).unlink()
    assert run(book)[0] == 0
    assert (book / PAGE).read_bytes() == first


def test_a_book_of_refused_files_alone_has_a_page_that_names_them(book: Path) -> None:
    write(book / "inbox/odd.csv", ["colour,size", "red,1"])
    assert run(book)[0] == 1
    made = (book / PAGE).read_text("utf-8")
    assert "No record has come in yet; 1 file was refused." in made
    assert "no data yet" in made


def test_an_empty_book_has_no_page(book: Path) -> None:
    assert run(book)[0] == 0
    assert not (book / PAGE).exists()
    assert QUALITY_PAGE not in Publisher(Workspace(book)).wanted()


def test_the_page_is_published_by_name(book: Path) -> None:
    write(book / "inbox/a.jsonl", [call("one", FIRST, 100)])
    Workspace(book).ingest()
    assert typed(book, "report", "quality").out.split() == [str(book / PAGE)]
    assert typed(book, "report", "quality", "--period", "2026-W40").code == 2


def test_a_check_of_the_inbox_names_the_nearest_format_and_where_to_read_on(book: Path) -> None:
    write(book / "inbox/nearly[x].csv", ["request_id,startTime,prompt_tokens", "r,2026-10-01,1"])
    done = typed(book, "check")
    assert done.code == 1
    assert "nearly[x].csv: is of no known format (nearest: litellm_spendlogs); name it in `sources:`" in done.out
    assert "meterbook formats NAME" in done.out
