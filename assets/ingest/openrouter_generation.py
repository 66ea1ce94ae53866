"""OpenRouter generation API: answers of `GET /api/v1/generation?id=...`, one per call.

`native_tokens_*` are the provider's own counts, by which a call is billed; `tokens_*` are those of a common tokenizer, taken only where the
native ones are missing, and then as estimates. Cached tokens are inside the prompt, reasoning is inside the completion; buckets are made
exclusive here, as are images (`native_tokens_completion_images`), inside the completion too. Web search is charged by the result, so
`num_search_results` are the searches. `data_region` is the region, global is none. `total_cost` is in dollars, what OpenRouter charged;
`upstream_inference_cost` is billed by an upstream provider to a key of the user's own. `cache_discount` is in `total_cost` already.
`response_cache_source_id` marks an answer replayed from a cache.
"""

from decimal import Decimal

import msgspec

from meterbook.assets.content import Content
from meterbook.assets.ingest import _calls, _meters
from meterbook.assets.ingest._calls import Calls, Row, mentions
from meterbook.assets.ingest._meters import Media
from meterbook.assets.ingest._openrouter import CALL_COLUMNS, flag_own_keys
from meterbook.assets.ingest._tags import label_of
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.ingest.format import About, Format
from meterbook.assets.sources import Reading

Text = str | None


class _Generation(msgspec.Struct):
    id: Text = None
    created_at: Text = None
    total_cost: Decimal | None = None
    usage: Decimal | None = None
    upstream_inference_cost: Decimal | None = None
    is_byok: bool | None = None
    model: Text = None
    provider_name: Text = None
    service_tier: Text = None
    latency: Decimal | None = None
    generation_time: Decimal | None = None
    cancelled: bool | None = None
    finish_reason: Text = None
    streamed: bool | None = None
    router: Text = None
    tokens_prompt: Decimal | None = None
    tokens_completion: Decimal | None = None
    native_tokens_prompt: Decimal | None = None
    native_tokens_completion: Decimal | None = None
    native_tokens_reasoning: Decimal | None = None
    native_tokens_cached: Decimal | None = None
    native_tokens_completion_images: Decimal | None = None
    num_search_results: Decimal | None = None
    data_region: Text = None
    external_user: Text = None
    session_id: Text = None
    workspace_id: Text = None
    response_cache_source_id: Text = None


class _Answer(_Generation):
    """An answer as the API gives it, or the generation without what is around it."""

    data: _Generation | None = None


def _rows(answer: _Answer, _reading: Reading) -> list[Row]:
    one = answer.data or answer
    if not one.id:
        raise ValueError("id is missing")
    cost = _calls.money(one.usage if one.total_cost is None else one.total_cost, "usd", "total_cost")
    return [
        {
            **_tokens(one),
            "request_id": one.id,
            "started_at": _calls.utc(one.created_at, "created_at"),
            "host": one.provider_name or None,
            "model": one.model or None,
            "served_tier": _meters.tier(one.service_tier),
            "region": _meters.region(one.data_region),
            "searches": _calls.count(one.num_search_results, "num_search_results"),
            "latency_ms": _calls.milliseconds(one.generation_time, "generation_time"),
            "time_to_first_token_ms": _calls.milliseconds(one.latency, "latency"),
            "status": "failure" if one.finish_reason == "error" else "success",
            "is_streaming": one.streamed,
            "routing_reason": label_of(one.router),
            "finish_reason": one.finish_reason or ("cancelled" if one.cancelled else None),
            "is_cache_hit": bool(one.response_cache_source_id),
            "project_id": one.workspace_id or None,
            "user_id": one.external_user or None,
            "session_id": one.session_id or None,
            "reported_cost_usd": cost,
            **_zero(one),
        }
    ]


def _tokens(one: _Generation) -> Row:
    names = ("prompt", "completion", "cached", "reasoning", "completion_images")
    prompt, output, cached, reasoning, images = (
        _calls.count(getattr(one, f"native_tokens_{name}"), f"native_tokens_{name}") for name in names
    )
    common = [_calls.count(getattr(one, name), name) for name in ("tokens_prompt", "tokens_completion")]
    return {
        **_meters.inputs(common[0] if prompt is None else prompt, cached, name="prompt tokens"),
        **_meters.outputs(common[1] if output is None else output, Media(image=images), reasoning, name="completion tokens"),
        "is_estimated": prompt is None or output is None,
    }


def _zero(one: _Generation) -> Row:
    """What is billed elsewhere, and whether a cost of zero is meant."""
    own_key = _calls.money(one.upstream_inference_cost, "usd", "upstream_inference_cost") if one.is_byok is not False else None
    is_own = bool(one.is_byok) or bool(own_key)
    gave_nothing = one.native_tokens_completion == 0
    return {"byok_usd": own_key, "is_free": is_own or bool(one.cancelled) or gave_nothing or (one.model or "").endswith(":free")}


_CALLS = Calls(_Answer, CALL_COLUMNS, _rows, inside=("data", "generations"))


def _read(content: Content, reading: Reading) -> Rows:
    return flag_own_keys(_CALLS.read(content, reading))


FORMAT = Format(
    name="openrouter_generation",
    description="OpenRouter generation API: saved answers",
    columns=CALL_COLUMNS,
    day="started_at",
    recognises=mentions("native_tokens_prompt", "native_tokens_completion", "total_cost"),
    read=_read,
    about=About(
        obtain="GET `/api/v1/generation?id=...` for each call, saved as JSON, as a list, or one a line.",
        taken="Tokens, image tokens of the answer, results of web searches (which are what is charged), cost, times, tier, region, host, "
        "user, session, workspace, streaming and the router that chose the model. The content of calls is never read.",
        key="`id`; of several answers the one with the larger cost counts. The activity CSV (`openrouter_activity_csv`) names the same "
        "calls by the same id, and each counts once.",
        tokens="native_tokens_prompt holds cached tokens, native_tokens_completion holds reasoning; where they are missing, the counts of "
        "a common tokenizer, marked as estimated.",
        money="`total_cost` in dollars, charged to the OpenRouter account, whose provider is `openrouter`. 0 stands where the model is "
        "free, the call was cancelled, gave nothing, was replayed, or ran over a key of the user's own; any other 0 is unknown.",
        limits="Counts of media items (num_media_prompt, num_input_audio_prompt, num_media_completion) and of fetched pages have no price "
        "of their own and are not read: their tokens stand in the prompt. What upstream providers bill to keys of your own "
        "(`upstream_inference_cost`) is on their bills: it is flagged by file and not counted here. Cache writes are not shown. `host` "
        "(who ran the model) stays in the raw table. The sums of the activity API (`openrouter_activity`) are not added on days with "
        "calls of OpenRouter: bring all calls of a day, or none.",
    ),
    names=frozenset(_Generation.__struct_encode_fields__),
)
