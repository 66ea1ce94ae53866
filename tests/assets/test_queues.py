"""`queues:` of meterbook.yaml: what it may say, and the tables SQL sees of it."""

from decimal import Decimal
from pathlib import Path

import pytest

from meterbook.assets.book import Book, BookError
from meterbook.assets.book_tables import tables_of
from meterbook.sql.models import read_inputs


def _book(folder: Path, queues: str) -> Book:
    (folder / "meterbook.yaml").write_text(f"name: Acme\nqueues: {queues}\n", "utf-8")
    return Book(folder)


def test_a_queue_has_a_target_at_nine_in_ten_where_only_its_seconds_are_given(tmp_path: Path) -> None:
    [entry] = _book(tmp_path, "[{queue: gpu, target_seconds: 600}]").settings.queues
    assert (entry.target_seconds, entry.target_percentile, entry.pool, entry.waiting_usd_per_hour) == (600, 90, None, {})


@pytest.mark.parametrize(
    ("queues", "why"),
    [
        ("[{queue: gpu, target: 60}]", "target"),
        ("[{queue: gpu, target_percentile: 95}]", "`target_percentile` is of a target: give `target_seconds` too"),
        ("[{queue: gpu, target_seconds: 60, target_percentile: 101}]", "less than or equal to 100"),
        ("[{queue: gpu, target_seconds: -1}]", "greater than or equal to 0"),
        ("[{queue: gpu, waiting_usd_per_hour: -1}]", "greater than or equal to 0"),
        ("[{queue: gpu, waiting_usd_per_hour: {red: -1}}]", "greater than or equal to 0"),
        ("[{queue: gpu, waiting_usd_per_hour: 0.0000001}]", "6 decimal places"),
        ("[{queue: gpu}, {queue: gpu}]", "queue 'gpu' is given twice"),
        ("[{queue: '*'}, {queue: gpu}]", "queue 'gpu' is never reached: '*' stands before it and fits every queue"),
        ("[{queue: ''}]", "at least 1 character"),
        ("[{pool: training}]", "queue"),
    ],
)
def test_a_wrong_entry_is_one_line_that_names_the_file_and_why(queues: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(BookError) as wrong:
        _book(tmp_path, queues)
    said = str(wrong.value)
    assert said.count("\n") == 0
    assert "meterbook.yaml" in said
    assert why in said


def test_sql_sees_patterns_in_the_order_of_the_book_and_values_by_team(tmp_path: Path) -> None:
    queues = "[{queue: 'gpu_*', pool: training, waiting_usd_per_hour: {red: 12.5, '*': 3}}, {queue: '*', waiting_usd_per_hour: 0}, ]"
    tables = tables_of(_book(tmp_path, queues))
    assert tables["book.queue"].rows() == [(1, "gpu!_%", "training", None, None), (2, "%", None, None, None)]
    assert tables["book.queue_value"].rows() == [(1, "red", Decimal("12.5")), (1, "*", Decimal(3)), (2, "*", Decimal(0))]
    for name in ("book.queue", "book.queue_value"):
        assert tables[name].columns == list(read_inputs()[name])


def test_a_book_without_queues_gives_empty_tables(tmp_path: Path) -> None:
    (tmp_path / "meterbook.yaml").write_text("name: Acme\n", "utf-8")
    tables = tables_of(Book(tmp_path))
    assert tables["book.queue"].is_empty()
    assert tables["book.queue_value"].is_empty()
