"""disputes.csv is read strictly: a dispute that is misread would let a team be charged."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from meterbook.assets.book import Book, BookError
from meterbook.assets.disputes import DisputeError, load_disputes

HEAD = "id,period,team,amount_usd,opened_on,closed_on,note"
LINE = "D-1,2026-10,sales,85.50,2026-11-04,,retries of the gateway"


def _file(folder: Path, *lines: str) -> Path:
    path = folder / "disputes.csv"
    path.write_text("\n".join((HEAD, *lines)) + "\n", "utf-8")
    return path


def test_a_dispute_is_open_until_it_has_a_day_on_which_it_was_closed(tmp_path: Path) -> None:
    closed = "D-2,2026-09,sales,1,2026-10-06,2026-10-06,settled"
    first, second = load_disputes(_file(tmp_path, LINE, closed))
    assert (first.id, first.period, first.team, first.amount_usd, first.opened_on) == (
        "D-1", "2026-10", "sales", Decimal("85.50"), date(2026, 11, 4),
    )  # fmt: skip
    assert (first.is_open, second.is_open) == (True, False)


def test_where_there_is_no_file_nothing_is_disputed(tmp_path: Path) -> None:
    assert load_disputes(tmp_path / "disputes.csv") == ()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (LINE.replace("2026-10,", "2026-13,"), "period"),
        (LINE.replace("85.50", "0"), "amount_usd"),
        (LINE.replace("85.50", "85.505"), "amount_usd"),
        (LINE.replace("85.50", "NaN"), "amount_usd"),
        (LINE.replace("85.50", "some"), "amount_usd"),
        (LINE.replace("2026-11-04", "yesterday"), "opened_on"),
        (LINE.replace(",,", ",2026-11-03,"), "closed_on 2026-11-03 lies before opened_on 2026-11-04"),
        (LINE.replace("sales", "=sales"), "team"),
        (LINE.replace("retries of the gateway", ""), "note"),
        (LINE.replace("D-1", ""), "id"),
        (f"{LINE},more", "has not 7 fields"),
        ("D-1,2026-10", "has not 7 fields"),
    ],
)
def test_a_line_that_is_wrong_is_told_with_its_number(line: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(DisputeError, match=r"disputes\.csv:2: ") as told:
        load_disputes(_file(tmp_path, line))
    assert said in str(told.value)


def test_an_id_that_is_given_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DisputeError, match=r"disputes\.csv:3: id 'D-1' is given twice"):
        load_disputes(_file(tmp_path, LINE, LINE))


@pytest.mark.parametrize("content", [b"id,team\nD-1,sales\n", b"", HEAD.encode() + b"\n\xff\n"])
def test_another_file_is_refused_and_stops_the_book(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "meterbook.yaml").write_text("name: Acme\n", "utf-8")
    (tmp_path / "disputes.csv").write_bytes(content)
    with pytest.raises(BookError, match=r"disputes\.csv"):
        Book(tmp_path)
