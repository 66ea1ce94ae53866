"""Money is of an exact type, and of one that every engine writes alike, in each table there is: read, staged, given or computed."""

from collections.abc import Iterator

from meterbook.assets.workspace import columns, project

SCORES = {"marts.budget_outlook", "marts.landing", "marts.series_score", "marts.anomaly", "marts.anomaly_episode", "marts.anomaly_card"}
"""Marts that only score; they carry no money into another table."""
MONEY = {"DECIMAL(18,12)", "DECIMAL(38,12)"}
POSTED = {"DECIMAL(38,2)"}


def _types() -> Iterator[tuple[str, str]]:
    """Every column there is, as schema.table.column, with its type."""
    kinds = {f"staging.{kind}": shape for kind, shape in project().kinds.items()}
    for table, shape in {**columns(), **kinds}.items():
        if table not in SCORES:
            yield from ((f"{table}.{column}", dtype) for column, dtype in shape.items())


def test_no_column_is_inexact() -> None:
    assert [column for column, dtype in _types() if dtype in {"FLOAT", "DOUBLE", "HUGEINT", "UHUGEINT"}] == []


def test_dollars_have_twelve_decimals_and_posted_ones_two() -> None:
    found = {column: dtype for column, dtype in _types() if column.endswith("_usd")}
    assert {"core.request_cost.cost_usd", "core.request_meter.list_cost_usd", "core.usage_meter.effective_cost_usd"} <= found.keys()
    assert {column: dtype for column, dtype in found.items() if dtype not in (POSTED if "posted" in column else MONEY)} == {}


def test_pico_dollars_are_whole_numbers() -> None:
    found = {column: dtype for column, dtype in _types() if column.endswith("_pico")}
    assert "core.price_in_force.contracted_output_pico" in found
    assert {column: dtype for column, dtype in found.items() if dtype not in {"BIGINT", "DECIMAL(38,0)"}} == {}


def test_tokens_and_requests_are_counted_in_whole_numbers() -> None:
    found = {column: dtype for column, dtype in _types() if column.endswith(("_tokens", "requests")) and ".has_" not in column}
    assert "core.model_spend.input_tokens" in found
    assert {column: dtype for column, dtype in found.items() if dtype not in {"BIGINT", "DECIMAL(38,0)", "DECIMAL(38,6)"}} == {}
