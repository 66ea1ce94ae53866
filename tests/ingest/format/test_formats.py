"""What holds of every format, whichever there are."""

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from meterbook.assets import workspace
from meterbook.assets.content import Content
from meterbook.assets.inbox import ADDED, raw_columns
from meterbook.assets.ingest import formats
from meterbook.assets.ingest._typed_rows import KEPT_CHARACTERS, KEPT_REJECTS, Rows
from meterbook.assets.ingest.format import exact, instant, sample_of
from meterbook.assets.sources import Reading

SAMPLES = {path.parent.name: path for path in sorted(Path(__file__).parents[1].glob("*/sample.*"))}
OWN = sorted(name for name in formats() if not name.startswith("mapped_"))


def test_every_format_has_a_staging_model_that_binds() -> None:
    project, made = workspace.project(), workspace.columns()
    for name in formats():
        model = project.models[f"staging.{name}"]
        assert model.header.conserves == f"raw.{name}"
        assert f"raw.{name}" in model.inputs
        assert all(table.startswith("raw.") for table in model.inputs)
        assert {"day", "source", "file_id", "copies"} <= set(made[f"staging.{name}"])


def test_raw_columns_are_known_without_any_file() -> None:
    for name, one in formats().items():
        assert raw_columns()[name] == {**one.columns, **ADDED}
        assert one.columns[one.day] == "TIMESTAMP"


@pytest.mark.parametrize("name", OWN)
def test_a_sample_is_recognised_as_its_format_and_as_no_other(name: str) -> None:
    sample = sample_of(Content(SAMPLES[name]))
    assert [other for other, one in formats().items() if one.recognises(sample)] == [name]


@pytest.mark.parametrize("name", OWN)
def test_every_record_of_a_sample_is_accounted_for(name: str) -> None:
    rows = formats()[name].read(Content(SAMPLES[name]), Reading())
    assert rows.rows_typed > 0
    assert rows.rows_in == rows.rows_typed + rows.quarantined + rows.filtered == rows.rows_typed + rows.filtered


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-10-01T01:02:03Z", datetime(2026, 10, 1, 1, 2, 3)),
        ("2026-10-01 01:02:03.123456", datetime(2026, 10, 1, 1, 2, 3, 123456)),
        ("2026-10-01T01:02:03+02:00", datetime(2026, 9, 30, 23, 2, 3)),
        ("2026-10-01 01:02:03.5+00", datetime(2026, 10, 1, 1, 2, 3, 500000)),
        ("2026-10-01 01:02:03 -0530", datetime(2026, 10, 1, 6, 32, 3)),
        ("2026-10-01T01:02", datetime(2026, 10, 1, 1, 2)),
        ("2026-10-01", datetime(2026, 10, 1)),
        ("2026-02-30", None),
        ("2026-10-01T25:00:00Z", None),
        ("", None),
        (None, None),
    ],
)
def test_an_instant_without_a_zone_is_utc(text: str | None, expected: datetime | None) -> None:
    frame = pl.DataFrame({"given": ["2026-10-01T00:00:00Z", text]}, schema={"given": pl.String})
    assert frame.select(instant("given"))["given"].to_list() == [datetime(2026, 10, 1), expected]


def test_money_is_rounded_half_to_even_once_at_the_picodollar() -> None:
    assert exact(Decimal("0.0000000000005"), 12, 18, "cost") == 0
    assert exact(Decimal("0.0000000000015"), 12, 18, "cost") == Decimal("0.000000000002")
    assert exact(Decimal("999999.999999999999"), 12, 18, "cost") == Decimal("999999.999999999999")
    with pytest.raises(ValueError, match="cost 1000000 is too large"):
        exact(Decimal(1_000_000), 12, 18, "cost")


def test_a_file_of_broken_records_is_counted_whole_and_kept_in_part() -> None:
    rows = Rows()
    for line in range(KEPT_REJECTS + 5):
        rows.reject(line, "wrong", "x" * (KEPT_CHARACTERS + 1))
    assert (rows.quarantined, len(rows.rejected)) == (KEPT_REJECTS + 5, KEPT_REJECTS)
    assert len(rows.rejected[0].raw_text) == KEPT_CHARACTERS


def test_a_sample_is_recognised_behind_a_broken_first_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"cut sh\n' + json.dumps({"occurred_at": "2026-10-01", "unit": "t"}) + "\n", "utf-8")
    assert formats()["outcomes"].recognises(sample_of(Content(path)))
