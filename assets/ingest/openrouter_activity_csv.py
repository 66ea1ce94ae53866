"""OpenRouter, Activity page: the exported CSV, one row per generation.

`tokens_prompt` includes `tokens_cached`, `tokens_completion` includes `tokens_reasoning`; buckets are made exclusive here. `created_at`
has no zone and is UTC: it is the second inside `generation_id`. `cost_total` is in dollars, what OpenRouter charged; the other `cost_*`
columns are parts of it and are not read (the sign of `cost_cache` is not verified). `byok_usage_inference` is what an upstream provider
bills to a key of the user's own, and is not in `cost_total`. Columns are found by name: exports of 2025 have no `tokens_cached`.
"""

from decimal import Decimal

import msgspec

from meterbook.assets.content import Content, FileRefused
from meterbook.assets.ingest import _calls, _meters
from meterbook.assets.ingest._call_tables import TabledCalls
from meterbook.assets.ingest._calls import Row
from meterbook.assets.ingest._openrouter import CALL_COLUMNS, flag_own_keys, variant_of
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.ingest.format import About, Format, Sample
from meterbook.assets.sources import Reading

Text = str | None
_HEADER = frozenset({"generation_id", "created_at", "cost_total", "tokens_prompt", "tokens_completion"})
_GROUPED = frozenset({"Model", "Spend"})


class _Generation(msgspec.Struct):
    generation_id: Text = None
    created_at: Text = None
    cost_total: Decimal | None = None
    byok_usage_inference: Decimal | None = None
    tokens_prompt: Decimal | None = None
    tokens_completion: Decimal | None = None
    tokens_reasoning: Decimal | None = None
    tokens_cached: Decimal | None = None
    model_permaslug: Text = None
    provider_name: Text = None
    variant: Text = None
    cancelled: bool | str | None = None
    streamed: bool | str | None = None
    user: Text = None
    finish_reason_normalized: Text = None
    generation_time_ms: Decimal | None = None
    time_to_first_token_ms: Decimal | None = None
    api_key_name: Text = None
    app_name: Text = None


def _rows(one: _Generation, _reading: Reading) -> list[Row]:
    prompt, cached = _calls.count(one.tokens_prompt, "tokens_prompt"), _calls.count(one.tokens_cached, "tokens_cached")
    output, reasoning = _calls.count(one.tokens_completion, "tokens_completion"), _calls.count(one.tokens_reasoning, "tokens_reasoning")
    own_key = _calls.money(one.byok_usage_inference, "usd", "byok_usage_inference")
    is_cancelled = str(one.cancelled).lower() == "true"
    if not one.generation_id:
        raise ValueError("generation_id is missing")
    return [
        {
            **_meters.inputs(prompt, cached, name="tokens_prompt"),
            **_meters.outputs(output, reasoning=reasoning, name="tokens_completion"),
            "request_id": one.generation_id,
            "started_at": _calls.utc(one.created_at, "created_at"),
            "host": one.provider_name or None,
            "model": variant_of(one.model_permaslug, one.variant),
            "latency_ms": _calls.milliseconds(one.generation_time_ms, "generation_time_ms"),
            "time_to_first_token_ms": _calls.milliseconds(one.time_to_first_token_ms, "time_to_first_token_ms"),
            "status": "failure" if one.finish_reason_normalized == "error" else "success",
            "is_streaming": {"true": True, "false": False}.get(str(one.streamed).lower()),
            "finish_reason": one.finish_reason_normalized or ("cancelled" if is_cancelled else None),
            "is_cache_hit": False,
            "key_alias": one.api_key_name or None,
            "user_id": one.user or None,
            "feature": one.app_name or None,
            "reported_cost_usd": _calls.money(one.cost_total, "usd", "cost_total"),
            "byok_usd": own_key,
            "is_free": one.variant == "free" or is_cancelled or bool(own_key) or output == 0,
        }
    ]


_CALLS = TabledCalls(_Generation, CALL_COLUMNS, _rows, header=_HEADER)


def _read(content: Content, reading: Reading) -> Rows:
    header = content.head.decode("utf-8-sig", "replace").lstrip().partition("\n")[0]
    if {name.strip(' "\r') for name in header.split(",")} >= _GROUPED:
        raise FileRefused("is OpenRouter's grouped summary of models and spend; export the activity itself, one row per generation")
    return flag_own_keys(_CALLS.read(content, reading))


def _recognises(sample: Sample) -> bool:
    is_summary = sample.keys >= _GROUPED and "$" in sample.text and sample.text.lstrip()[:1] not in {"{", "["}
    return not sample.content.is_parquet and (sample.keys >= _HEADER or is_summary)


FORMAT = Format(
    name="openrouter_activity_csv",
    description="OpenRouter activity page: exported CSV of generations",
    columns=CALL_COLUMNS,
    day="started_at",
    recognises=_recognises,
    read=_read,
    about=About(
        obtain="Activity page, export of the activity (not grouped: sums by model are refused).",
        taken="Every generation: tokens, cost, times, host, key and app name (as feature), user. Parts of the cost are not read.",
        key="`generation_id`; of several rows the one with the larger cost counts. The generation API (`openrouter_generation`) names "
        "the same calls by the same id, and each counts once.",
        tokens="tokens_prompt holds cached tokens, tokens_completion holds reasoning. In exports without tokens_cached all input counts "
        "as uncached.",
        money="`cost_total` in dollars, charged to the OpenRouter account, whose provider is `openrouter`. 0 stands where the variant is "
        "free, the call was cancelled, gave nothing, or ran over a key of the user's own; any other 0 is unknown.",
        limits="Media, searches and tiers are not in the CSV; the generation API tells some of them. What upstream providers bill to keys "
        "of your own (`byok_usage_inference`) is on their bills: it is flagged by file and not counted here. Cache writes are not shown. "
        "`host` (who ran the model) stays in the raw table. The sums of the activity API (`openrouter_activity`) are not added on days "
        "with calls of OpenRouter: bring all calls of a day, or none.",
    ),
    names=frozenset(_Generation.__struct_encode_fields__),
)
