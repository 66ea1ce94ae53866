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

from meterbook.assets.content import Content
from meterbook.assets.ingest._records import Count, Records
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.ingest.format import About, Format, Places, Rule, exact, has_keys, instant, missing, negative, not_an_instant
from meterbook.assets.sources import Reading


class Outcome(msgspec.Struct):
    """One row."""

    outcome_id: str | None = None
    occurred_at: str | None = None
    unit: str | None = None
    quantity: Count | None = None
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


class _Outcomes:
    """Types the outcomes of one file, and names those without an id."""

    def __init__(self) -> None:
        self._places = Places()

    def columns(self, outcomes: Sequence[Outcome]) -> pl.DataFrame:
        for outcome in outcomes:
            outcome.quality_score = exact(outcome.quality_score, 6, 18, "quality_score")
        for outcome in outcomes:
            outcome.outcome_id = outcome.outcome_id or self._places.name(_content(outcome))
        rows = [msgspec.structs.astuple(outcome) for outcome in outcomes]
        frame = pl.DataFrame(rows, schema={name: dtype for name, (_, dtype) in _TYPES.items()}, orient="row")
        return frame.rename({"occurred_at": "occurred_at_text"}).with_columns(instant("occurred_at_text").alias("occurred_at"))


def _content(outcome: Outcome) -> str:
    return hashlib.md5(msgspec.json.encode(outcome), usedforsecurity=False).hexdigest()


def _read(content: Content, reading: Reading) -> Rows:
    return Records(Outcome, rules=_RULES, columns=_Outcomes().columns).read(content, reading)


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
    read=_read,
    about=About(
        obtain="Written by your own systems: one row per unit of value attempted.",
        taken="All columns named in the module.",
        key="`outcome_id`, else the content and the place among equal rows; of several the latest counts.",
    ),
    names=frozenset(Outcome.__struct_fields__),
)
