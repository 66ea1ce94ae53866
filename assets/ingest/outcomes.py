"""Business outcomes: CSV or JSON lines, one row per unit of value attempted.

Needed: `occurred_at` and `unit` (ticket_resolved, document_processed, ...). Optional: outcome_id, quantity, is_success, is_escalated,
quality_score (0 to 1), operation_id, session_id, key_alias, team, tenant, feature, environment, experiment_arm. A row without an
outcome_id is known by its content and its place among equal rows of its file.
"""

import hashlib
from collections.abc import Sequence
from decimal import Decimal

import msgspec
import polars as pl

from meterbook.assets.ingest._records import Records
from meterbook.assets.ingest.format import Format, Rule, has_keys, instant, missing, negative, not_an_instant

_MICRO = Decimal("0.000001")


class Outcome(msgspec.Struct):
    """One row."""

    outcome_id: str | None = None
    occurred_at: str | None = None
    unit: str | None = None
    quantity: int | None = None
    is_success: bool | None = None
    is_escalated: bool | None = None
    quality_score: Decimal | None = None
    operation_id: str | None = None
    session_id: str | None = None
    key_alias: str | None = None
    team: str | None = None
    tenant: str | None = None
    feature: str | None = None
    environment: str | None = None
    experiment_arm: str | None = None


_TYPES: dict[str, tuple[str, pl.DataType]] = {
    **dict.fromkeys(Outcome.__struct_fields__, ("VARCHAR", pl.String())),
    "quantity": ("BIGINT", pl.Int64()),
    "is_success": ("BOOLEAN", pl.Boolean()),
    "is_escalated": ("BOOLEAN", pl.Boolean()),
    "quality_score": ("DECIMAL(18,6)", pl.Decimal(18, 6)),
}


def _columns(outcomes: Sequence[Outcome]) -> pl.DataFrame:
    seen: dict[str, int] = {}
    rows = []
    for outcome in outcomes:
        if not outcome.outcome_id:
            outcome.outcome_id = _identity(outcome, seen)
        if outcome.quality_score is not None:
            outcome.quality_score = outcome.quality_score.quantize(_MICRO)
        rows.append(msgspec.structs.astuple(outcome))
    frame = pl.DataFrame(rows, schema={name: dtype for name, (_, dtype) in _TYPES.items()}, orient="row")
    return frame.rename({"occurred_at": "occurred_at_text"}).with_columns(instant("occurred_at_text").alias("occurred_at"))


def _identity(outcome: Outcome, seen: dict[str, int]) -> str:
    content = hashlib.md5(msgspec.json.encode(outcome), usedforsecurity=False).hexdigest()
    seen[content] = seen.get(content, 0) + 1
    return f"{content}-{seen[content]}"


_RULES: list[Rule] = [
    missing("unit"),
    *not_an_instant("occurred_at", "occurred_at_text", "occurred_at"),
    *negative("quantity", "quality_score"),
    (pl.col("quality_score") > 1, pl.format("quality_score {} is above 1", pl.col("quality_score"))),
]

FORMAT = Format(
    name="outcomes",
    description="Business outcomes: CSV or JSON lines",
    columns={**{name: dtype for name, (dtype, _) in _TYPES.items()}, "occurred_at": "TIMESTAMP"},
    day="occurred_at",
    recognises=has_keys("occurred_at", "unit"),
    read=Records(Outcome, _columns, _RULES).read,
)
