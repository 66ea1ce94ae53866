"""Business outcomes."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest


def test_outcomes_are_read_from_csv(desk: Any, sample: Callable[[str], str]) -> None:
    assert desk.take({"outcomes.csv": sample("sample.csv")}).rows_typed == 4
    first, second = desk.staged("outcomes").filter(desk.staged("outcomes")["outcome_id"].str.starts_with("o-")).rows(named=True)
    assert (first["is_success"], first["quality_score"], first["tenant"]) == (True, Decimal("0.95"), "acme")
    assert (second["occurred_at"], second["is_escalated"], second["tenant"]) == (datetime(2026, 10, 1, 7), True, "Globex, Inc.")


def test_equal_rows_of_one_file_without_an_id_all_count(desk: Any, sample: Callable[[str], str]) -> None:
    desk.take({"outcomes.csv": sample("sample.csv")})
    found = desk.staged("outcomes").filter(desk.staged("outcomes")["unit"] == "document_processed")
    assert found.select("quantity", "copies").rows() == [(3, 1), (3, 1)]


def test_rows_without_an_id_in_an_overlapping_file_are_known_again(desk: Any) -> None:
    rows = "2026-10-01,t\n2026-10-01,t\n"
    desk.take({"a.csv": f"occurred_at,unit\n{rows}", "b.csv": f"occurred_at,unit\n{rows}2026-10-02,t\n"})
    assert sorted(desk.staged("outcomes")["copies"].to_list()) == [1, 2, 2]


def test_equal_rows_far_apart_in_a_large_file_keep_different_identities(desk: Any) -> None:
    filler = "x" * 200
    line = f'{{"occurred_at": "2026-10-01", "unit": "t", "team": "{filler}"}}\n'
    desk.take({"large.jsonl": line * 90_000})
    assert desk.raw("outcomes")["outcome_id"].n_unique() == 90_000


def test_json_lines_give_the_same_outcomes(desk: Any) -> None:
    desk.take(
        {"a.jsonl": '{"occurred_at": "2026-10-01T08:00:00Z", "unit": "t", "quantity": 2, "is_success": true, "quality_score": 0.1}\n'}
    )
    assert desk.staged("outcomes").select("quantity", "is_success", "quality_score").rows() == [(2, True, Decimal("0.1"))]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2026-10-01,,1,1", "unit is missing"),
        ("soon,t,1,1", "occurred_at 'soon' is not an instant"),
        ("2026-10-01,t,-1,1", "quantity is negative (-1)"),
        ("2026-10-01,t,1,1.5", "quality_score 1.500000 is above 1"),
        ("2026-10-01,t,1.5,1", "not a record: Expected `int | null`, got `str` - at `$.quantity`"),
        ("2026-10-01,t,1,NaN", "quality_score NaN is not a number"),
        ("2026-10-01,t,1", "the row has another number of fields than the header"),
        ("2026-10-01,t,1,1,more", "the row has another number of fields than the header"),
    ],
)
def test_a_wrong_outcome_is_set_aside(desk: Any, row: str, reason: str) -> None:
    done = desk.take({"a.csv": f"occurred_at,unit,quantity,quality_score\n2026-10-01,t,1,1\n{row}\n"})
    assert (done.rows_typed, done.quarantined) == (1, 1)
    assert desk.inbox.quarantine().select("line", "reason").rows() == [(3, reason)]
