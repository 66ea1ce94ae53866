"""Kong AI Gateway: entries of Kong's logging plugins (http-log, file-log, kafka-log, ...), one per line, as an array, or arrays in lines.

The AI part is read as the audit log reference gives it: `ai.proxy.{usage,meta,cache}` with what other plugins add inside (`rag-inject`,
`ai-llm-as-judge`), and the layout before it, `ai.<plugin>.{usage,meta,cache}` with `prompt_token` and `completion_token`. Each model call
of an entry is a row of its own: the answer, the embeddings of a retrieval, a judge's verdict. `started_at` is in unix milliseconds.

Kong passes on the provider's own numbers: cached tokens lie inside `prompt_tokens`, unless `total_tokens` is input, output and cached
tokens together, or the names are Anthropic's (`cache_read_input_tokens`). Reasoning lies inside `completion_tokens`, Google's beside it
where the total says so; audio and images lie inside both. Which of the two holds for Anthropic's models behind OpenAI's names is not
documented: such files are flagged until `tokens` is given.

`cost` is tokens times the prices in the operator's configuration, without a currency; 0 where none is set, and so unknown. Payloads,
which stand in an entry only where their logging is on, are never kept.
"""

import contextlib
import hashlib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import partial

import msgspec

from meterbook.assets.content import Content
from meterbook.assets.ingest import _calls
from meterbook.assets.ingest._calls import Calls, Row, columns
from meterbook.assets.ingest._meters import USED
from meterbook.assets.ingest._prompts import ASKED, asked_of
from meterbook.assets.ingest._records import Count
from meterbook.assets.ingest._rows import BROKEN
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.ingest._usage import Usage, buckets, holds_cached
from meterbook.assets.ingest.format import About, Format
from meterbook.assets.sources import Options, Reading

Text = str | None
_NULL = msgspec.Raw(b"null")
_ANSWERS = ("proxy", "ai-proxy", "ai-proxy-advanced")
"""Plugins that log the answer itself; an entry of the newer layout has the first only."""
_MODES = {"oneshot": False, "stream": True, "realtime": True}
_EXCLUSIVE = frozenset({"anthropic", "bedrock"})  # their own input counts leave cached tokens out


class _Usage(Usage):
    cost: Decimal | None = None
    time_to_first_token: Decimal | None = None


class _Meta(msgspec.Struct):
    request_model: Text = None
    response_model: Text = None
    provider_name: Text = None
    llm_latency: Decimal | None = None
    request_mode: Text = None


class _Cache(msgspec.Struct):
    cache_status: Text = None
    embeddings_model: Text = None


class _Plugin(msgspec.Struct):
    usage: _Usage | None = None
    meta: _Meta | None = None
    cache: _Cache | None = None
    embeddings_tokens: Count | None = None
    embeddings_provider: Text = None
    embeddings_model: Text = None
    embeddings_latency: Decimal | None = None
    retrieval: "_Plugin | None" = msgspec.field(default=None, name="rag-inject")
    judge: "_Plugin | None" = msgspec.field(default=None, name="ai-llm-as-judge")
    payload: msgspec.Raw = _NULL
    request: msgspec.Raw = _NULL


class _Part(msgspec.Struct):
    id: Text = None
    name: Text = None
    username: Text = None
    custom_id: Text = None
    status: int | None = None


class _Latencies(msgspec.Struct):
    request: Decimal | None = None


class _Entry(msgspec.Struct):
    started_at: int | str | None = None
    request: _Part | None = None
    response: _Part | None = None
    latencies: _Latencies | None = None
    consumer: _Part | None = None
    authenticated_entity: _Part | None = None
    route: _Part | None = None
    service: _Part | None = None
    workspace: Text = None
    workspace_name: Text = None
    ai: dict[str, _Plugin | None] | None = None


_NO_USAGE, _NO_META, _NO_CACHE, _NOBODY = _Usage(), _Meta(), _Cache(), _Part()
_COLUMNS = columns(
    "request_id", "operation_id", "started_at", "provider", "model", "requested_model", *USED, "latency_ms", "time_to_first_token_ms",
    "status", "error_class", "is_cache_hit", "key_id", "key_alias", "project_id", "feature", *ASKED,
    "reported_cost_usd",
)  # fmt: skip


def _read(content: Content, reading: Reading) -> Rows:
    """Read one file, and say what its figures leave open.

    Raises:
        FileRefused: cut short, or not JSON.
    """
    odd: set[str] = set()
    rows = Calls(_Entry, _COLUMNS, partial(_rows, odd=odd)).read(content, reading)
    rows.flags += sorted(odd)
    return rows


def _rows(entry: _Entry, reading: Reading, odd: set[str]) -> list[Row]:
    plugins = {name: plugin for name, plugin in (entry.ai or {}).items() if plugin is not None}
    # Payloads are taken off before anything can be wrong: an entry that is set aside is kept without them.
    prompt = _prompt(plugins)
    calls = list(_model_calls(plugins))
    if not calls:
        return []
    name = (entry.request or _NOBODY).id or hashlib.md5(msgspec.json.encode(entry, enc_hook=str), usedforsecurity=False).hexdigest()
    owner = _owner(entry, name)
    found = [
        {**owner, **_call(plugin, reading.options, odd), "request_id": name if n == 0 else f"{name}/{at}"}
        for n, (at, plugin) in enumerate(calls)
    ]
    mode = (calls[0][1].meta or _NO_META).request_mode
    found[0] |= {**_answer(entry, found[0]), **asked_of(prompt, reading)}
    if mode is not None:
        found[0]["is_streaming"] = _MODES.get(mode)
    return found


def _prompt(plugins: Mapping[str, _Plugin]) -> msgspec.Raw:
    found = [prompt for plugin in plugins.values() for prompt in _payloads(plugin)]
    return next((prompt for prompt in found if bytes(prompt) != b"null"), _NULL)


def _payloads(plugin: _Plugin | None) -> Iterator[msgspec.Raw]:
    """The requests in what a plugin logged of payloads, which leave it; `ai.payload` is itself the payload."""
    if plugin is None:
        return
    payload, request = plugin.payload, plugin.request
    plugin.payload = plugin.request = _NULL
    yield request
    # Where a payload was logged without a request, or is no object, there is no prompt to tell apart.
    with contextlib.suppress(*BROKEN):
        yield msgspec.json.decode(payload, type=dict[str, msgspec.Raw]).get("request", _NULL)
    for inner in (plugin.retrieval, plugin.judge):
        yield from _payloads(inner)


def _model_calls(plugins: Mapping[str, _Plugin]) -> Iterator[tuple[str, _Plugin]]:
    """The plugins that called a model, the answer first; an answer that stands in both layouts once."""
    answers = [name for name in _ANSWERS if name in plugins]
    others = [name for name in plugins if name not in _ANSWERS]
    for name in answers[:1] + others:
        yield from _of_plugin(name, plugins[name])


def _of_plugin(name: str, plugin: _Plugin) -> Iterator[tuple[str, _Plugin]]:
    if plugin.usage is not None or plugin.meta is not None or plugin.embeddings_tokens is not None:
        yield name, plugin
    for inner, one in (("rag-inject", plugin.retrieval), ("ai-llm-as-judge", plugin.judge)):
        if one is not None:
            yield from _of_plugin(inner, one)


def _owner(entry: _Entry, name: str) -> Row:
    consumer = entry.consumer or _NOBODY
    return {
        "operation_id": name,
        "started_at": _calls.utc(entry.started_at, "started_at"),
        "key_id": (entry.authenticated_entity or _NOBODY).id or consumer.id or None,
        "key_alias": consumer.username or consumer.custom_id or None,
        "project_id": entry.workspace_name or entry.workspace or None,
        "feature": (entry.route or _NOBODY).name or (entry.service or _NOBODY).name or None,
    }


def _answer(entry: _Entry, call: Row) -> Row:
    """What the HTTP answer says of the call that made it; a call that was refused had no tokens."""
    done = _calls.outcome(entry.response.status if entry.response else None)
    if _calls.refused(done["error_class"]) and call["input_tokens"] is None and call["output_tokens"] is None:
        done |= {"input_tokens": 0, "output_tokens": 0}
    if call["latency_ms"] is None and entry.latencies is not None:
        done["latency_ms"] = _calls.milliseconds(entry.latencies.request, "latencies.request")
    return done


def _call(plugin: _Plugin, options: Options, odd: set[str]) -> Row:
    if plugin.embeddings_tokens is not None:
        return _embedding(plugin)
    usage, meta, cache = plugin.usage or _NO_USAGE, plugin.meta or _NO_META, plugin.cache or _NO_CACHE
    cost = _calls.money(usage.cost, options.money_unit or "usd", "cost")
    if cost and options.money_unit is None:
        odd.add("holds costs without a currency, taken as USD; say `money_unit: usd` if they are")
    if cache.embeddings_model:
        odd.add("holds look-ups of a semantic cache, whose embeddings are spend without a count of tokens")
    return {
        **_tokens(usage, meta, options, odd),
        "provider": _calls.provider_of(meta.provider_name),
        "model": meta.response_model or meta.request_model or None,
        "requested_model": meta.request_model or None,
        "latency_ms": _calls.milliseconds(meta.llm_latency, "llm_latency"),
        "time_to_first_token_ms": _calls.milliseconds(usage.time_to_first_token, "time_to_first_token"),
        "status": "success",
        "is_cache_hit": (cache.cache_status or "").lower() == "hit",
        "reported_cost_usd": cost,
    }


def _embedding(plugin: _Plugin) -> Row:
    return {
        "provider": _calls.provider_of(plugin.embeddings_provider),
        "model": plugin.embeddings_model or None,
        "input_tokens": _calls.count(plugin.embeddings_tokens, "embeddings_tokens"),
        "output_tokens": 0,
        "latency_ms": _calls.milliseconds(plugin.embeddings_latency, "embeddings_latency"),
        "status": "success",
        "is_cache_hit": False,
    }


def _tokens(usage: _Usage, meta: _Meta, options: Options, odd: set[str]) -> Row:
    is_told = options.tokens is not None or not usage.cached
    if not is_told and holds_cached(usage, options) and (meta.provider_name or "").lower() in _EXCLUSIVE:
        odd.add("holds cached tokens of Anthropic or Bedrock, taken as part of prompt_tokens; say `tokens: inclusive` or `exclusive`")
    return buckets(usage, options)


FORMAT = Format(
    name="kong_ai_logs",
    description="Kong AI Gateway log entries of any logging plugin: JSON lines or JSON",
    columns=_COLUMNS,
    day="started_at",
    recognises=_calls.mentions("started_at", "latencies", "ai"),
    read=_read,
    about=About(
        obtain="A logging plugin of Kong (http-log, file-log, kafka-log, ...) on the routes of AI Proxy, its entries collected as files.",
        taken="Of each model call in an entry: tokens, cost, models, provider, latencies, status, cache hit. The consumer is the key, the "
        "workspace the project, the route (else the service) the feature. Embeddings of a retrieval and a judge's call are rows of their "
        "own. Entries without a model call are counted as filtered. Payloads are never kept; of a request its parameters, and keyed "
        "hashes where the book has a key.",
        key="`request.id`, else the content of the entry: two equal entries are one that was delivered twice. Of several the one with the "
        "most tokens counts. Calls of one entry share operation_id.",
        tokens="The provider's own numbers: prompt_tokens holds cached tokens, unless total_tokens or Anthropic's names say otherwise; "
        "`tokens` decides. Reasoning lies inside completion_tokens, beside it where total_tokens says so (Google); audio and images lie "
        "inside both. A hit of the gateway's cache keeps its tokens and costs nothing.",
        money="`cost` at the prices configured in Kong, an estimate without a currency: USD, or `money_unit`. 0 is unknown. It knows no "
        "price of cached tokens.",
        options="money_unit, tokens",
        limits="Attempts that AI Proxy Advanced made before the one that answered are not logged. Tokens of a semantic cache's embeddings "
        "and of a judge are not logged: the first are flagged, the second unknown. Tier, region, searches, and what calls without tokens "
        "used (images, characters, seconds) are not logged. Cache writes without a lifetime are taken as five minutes.",
    ),
    names=frozenset(_Entry.__struct_encode_fields__),
)
