"""Langfuse traces: blob export, UI export or API pages, as JSON, JSON lines, CSV or Parquet.

A trace adds no money: it says whose the calls of an operation are (user, session, and team, tenant, feature and experiment_arm from
metadata or from tags such as `team:search`). Its id is the operation_id of langfuse_observations. Totals that the API or the UI show with
a trace (totalCost, usageDetails) are sums of its observations and never read, nor are `input`, `output` and the rest of `metadata`.
Instants are UTC.
"""

from typing import Any

import msgspec

from meterbook.assets.content import Content
from meterbook.assets.ingest import _calls, _langfuse
from meterbook.assets.ingest._calls import Row, columns
from meterbook.assets.ingest._exports import Exports
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.ingest.format import About, Format
from meterbook.assets.sources import Reading

Text = str | None


class _Trace(msgspec.Struct):
    id: Text = None
    timestamp: Text = None
    updated_at: Text = None
    project_id: Text = None
    environment: Text = None
    user_id: Text = None
    session_id: Text = None
    tags: list[Any] | str | None = None
    metadata: msgspec.Raw = msgspec.Raw(b"null")


_COLUMNS = columns(
    "operation_id", "started_at", "updated_at", "project_id", "user_id", "session_id", "team", "tenant", "feature", "environment",
    "experiment_arm", "tags",
) | {"updated_at": "TIMESTAMP"}  # fmt: skip


def _rows(trace: _Trace, reading: Reading) -> list[Row]:
    if not trace.id:
        raise ValueError("id is missing")
    said = _langfuse.said(trace.metadata, trace.tags, reading)
    return [
        {
            **said,
            "operation_id": trace.id,
            "started_at": _calls.utc(trace.timestamp, "timestamp"),
            "updated_at": _calls.utc(trace.updated_at, "updated_at") if trace.updated_at else None,
            "project_id": trace.project_id or None,
            "user_id": trace.user_id or said["user_id"],
            "session_id": trace.session_id or said["session_id"],
            "environment": trace.environment or said["environment"],
        }
    ]


def _read(content: Content, reading: Reading) -> Rows:
    nested = frozenset({"metadata", "tags"})
    return Exports(_Trace, _COLUMNS, _rows, ("data",), ("metadata", "tags"), "operation_id", nested=nested).read(content, reading)


FORMAT = Format(
    name="langfuse_traces",
    description="Langfuse traces: blob export, UI export or API pages, as JSON, JSON lines, CSV or Parquet",
    columns=_COLUMNS,
    day="started_at",
    recognises=_langfuse.is_trace,
    read=_read,
    about=About(
        obtain="The table `traces` of the blob storage export, an export of the traces table in the UI, or all pages of "
        "`GET /api/public/traces`.",
        taken="User, session, environment, and team, tenant, feature and experiment_arm of metadata or tags (`team:search`), and what "
        "`tags` of the book names of them.",
        key="`id`; of several rows the one updated last counts.",
        money="no money: costs shown with a trace are sums of its observations.",
        options="`tags`: a tag `name:value` or `name=value` is what it says, any other word of the list is true.",
        limits="A trace is no call; without the observations of the same days it adds nothing. Observations and scores inside a trace of "
        "the API are not read: export them as such.",
    ),
    names=frozenset(_Trace.__struct_encode_fields__),
)
