"""Anthropic analytics API, usage: saved pages of buckets (`usage_report`), of rows by dimension (`usage`) or by user.

The counters are those of the usage report for messages, and exclude each other; beside them is a count of requests. Rows by
dimension carry their figures under `usage` and their dimensions under `group`.
"""

import re

from meterbook.assets.ingest._anthropic import COUNT_RULES, COUNTER_COLUMNS, as_bucket, counters, refuse_overlaps
from meterbook.assets.ingest._page_values import Row, text, whole_number
from meterbook.assets.ingest._pages import BUCKET, Pages
from meterbook.assets.ingest.format import About, Format, Rule, Sample, negative, not_an_instant

_TEXTS = {
    "key_id": "api_key_id",
    "user_id": "actor",
    **{name: name for name in ("workspace_id", "model", "product", "context_window")},
}
_COLUMNS = {"requests": "BIGINT", **COUNTER_COLUMNS, **dict.fromkeys(_TEXTS, "VARCHAR")}


def _row(result: Row) -> Row:
    refuse_overlaps(result)
    return {
        "requests": whole_number(result, "requests"),
        **counters(result),
        **{name: text(result, key) for name, key in _TEXTS.items()},
    }


_RULES: list[Rule] = [*not_an_instant("starts_at", "starts_at"), *COUNT_RULES, *negative("requests")]
_PAGES = Pages(_COLUMNS, "starting_at", "ending_at", _row, frozenset(), _RULES, bucket=as_bucket, cap=100)


def _recognises(sample: Sample) -> bool:
    counted = re.search(r'"uncached_input_tokens"\s*:', sample.text) and re.search(r'"requests"\s*:', sample.text)
    return '"starting_at"' in sample.text and counted is not None


FORMAT = Format(
    name="anthropic_analytics_usage",
    description="Anthropic analytics API: saved pages of usage",
    columns={**BUCKET, **_COLUMNS},
    day="starts_at",
    recognises=_recognises,
    read=_PAGES.read,
    about=About(
        obtain="GET `/v1/organizations/analytics/usage_report`, `usage` or `user_usage_report`, saved as pages, with a time bucket of a "
        "day or less.",
        taken="Every row: tokens, requests, web searches, tier (fast mode is one) and region. Rows over more than a day are set aside; "
        "exports grouped by rbac_group_id are refused, for members of several groups count in each of them.",
        key="bucket and every dimension; of several exports the one with more tokens counts. Where the same time was exported by other "
        "dimensions or another width, the fullest counts, then the one with most dimensions; by workspace where all name workspaces.",
        tokens="four counters that exclude each other; thinking is inside output_tokens.",
        limits="A bucket holds the 100 largest groups at most and nothing for the rest; a bucket of exactly 100 is flagged. Totals by "
        "user are below those of the organisation. Save all pages of rows by dimension in one file. The usage report for messages "
        "(`anthropic_usage`) has the API's part of this usage again: bring one of the two.",
    ),
)
