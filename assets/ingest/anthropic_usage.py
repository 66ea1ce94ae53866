"""Anthropic usage report for messages (Admin API): saved pages, buckets by group.

Input tokens come in exclusive counters already: uncached, cache read, cache creation by lifetime. A creation count without the
split by lifetime (older exports) is taken as five minutes, the default lifetime. Thinking is inside `output_tokens`. Web searches,
which are charged by the search, stand beside the tokens. `speed: fast` is a tier of its own, `inference_geo` the region (global is none).
"""

import re

from meterbook.assets.ingest._anthropic import COUNT_RULES, COUNTER_COLUMNS, counters
from meterbook.assets.ingest._page_values import Row, text
from meterbook.assets.ingest._pages import BUCKET, Pages, holds_no_result
from meterbook.assets.ingest.format import About, Format, Rule, Sample, not_an_instant

_TEXTS = {
    "key_id": "api_key_id",
    "user_id": "account_id",
    **{name: name for name in ("workspace_id", "model", "context_window")},
}
_COLUMNS = {**COUNTER_COLUMNS, **dict.fromkeys(_TEXTS, "VARCHAR")}


def _row(result: Row) -> Row:
    return {**counters(result), **{name: text(result, key) for name, key in _TEXTS.items()}}


_RULES: list[Rule] = [*not_an_instant("starts_at", "starts_at"), *COUNT_RULES]
_PAGES = Pages(_COLUMNS, "starting_at", "ending_at", _row, frozenset(), _RULES)


def _recognises(sample: Sample) -> bool:
    # A cost report names the same counters, but as values; the analytics API counts requests too.
    is_usage = re.search(r'"uncached_input_tokens"\s*:', sample.text) is not None
    is_analytics = re.search(r'"requests"\s*:', sample.text) is not None
    return '"starting_at"' in sample.text and not is_analytics and (is_usage or holds_no_result(sample.text))


FORMAT = Format(
    name="anthropic_usage",
    description="Anthropic usage report for messages: saved pages",
    columns={**BUCKET, **_COLUMNS},
    day="starts_at",
    recognises=_recognises,
    read=_PAGES.read,
    about=About(
        obtain="GET `/v1/organizations/usage_report/messages` with an admin key, saved as pages.",
        taken="Every bucket's result: tokens, web searches, tier (fast mode is one) and region.",
        key="bucket and every dimension; of several exports the one with more tokens counts. Where the same time was exported by other "
        "dimensions or another width, the fullest counts, then the one with most dimensions; by workspace where all name workspaces.",
        tokens="four counters that exclude each other; thinking is inside output_tokens. Cache writes without a lifetime are of 5 minutes.",
        limits="The report has no request count. workspace_id is null for the default workspace, api_key_id for the Console, so an export "
        "of the default workspace alone looks like one that was not grouped: export all workspaces together. Group by model and "
        "service_tier, by inference_geo and speed where you use them, or prices cannot be told. context_window only tells rows apart, and "
        "stays in the raw table: sums of calls are priced as short contexts. Claude Code's own analytics (`anthropic_claude_code`) count "
        "tokens that stand here already; the analytics API (`anthropic_analytics_usage`) counts them all again: bring one of the two.",
    ),
)
