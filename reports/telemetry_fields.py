"""The minimum fields of a call: why each, what is impossible without it, and which setting of a gateway gives it."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

USUAL = Decimal("0.9")
ANY = Decimal(0)
"""Enough where only some calls ever have it: those of an experiment, those that may wait, those that were rated."""


@dataclass(frozen=True)
class Field:
    """One field of the contract.

    Args:
        name: for people.
        column: of marts.telemetry, which counts the calls that carry it.
        carriers: columns of the common shape; a format can carry the field if it has all of them, none if there are none.
        gen_ai: its attribute in OpenTelemetry's conventions, where they have one.
        why: what it is for.
        without: what a gap makes impossible.
        remedy: what closes the gap, wherever the calls come from.
        settings: what closes it, by format, where a setting of the gateway does.
        elsewhere: what closes it where a format cannot carry it.
        enough: share of the calls that what is computed from it needs.
        is_of_answers: whether only calls that were answered can have it.
    """

    name: str
    column: str
    carriers: tuple[str, ...]
    gen_ai: str
    why: str
    without: str
    remedy: str
    settings: Mapping[str, str] = field(default_factory=dict)
    elsewhere: str = ""
    enough: Decimal = USUAL
    is_of_answers: bool = False

    def is_in(self, columns: Container[str]) -> bool:
        """Whether a table with these columns can carry it."""
        return bool(self.carriers) and all(name in columns for name in self.carriers)


_BODY = {
    "litellm_spendlogs": "`store_prompts_in_spend_logs: true` in general_settings of the proxy",
    "litellm_standard_logging": "model_parameters hold what callers ask for: ask for it, or set it in litellm_params of the model",
    "helicone": "export the request bodies too",
    "portkey_logs": "select `request` in the log export",
    "kong_ai_logs": "`logging.log_payloads: true` of the AI Proxy plugin",
    "bedrock_invocation_logs": "text data delivery in the settings of model invocation logging",
    "envoy_ai_gateway": "write it to the access log and name its key under `fields:` of the source",
    "langfuse_observations": "give modelParameters with each generation, and select the field group `model` in the export",
}
_PROMPT = {
    **{form: setting for form, setting in _BODY.items() if form != "envoy_ai_gateway"},
    "litellm_spendlogs": "`store_prompts_in_spend_logs: true` in general_settings of the proxy, MAX_STRING_LENGTH_PROMPT_IN_DB above the "
    "longest text (what it cuts is not hashed); and `prompt_hash_key:` in meterbook.yaml",
    "litellm_standard_logging": "no `turn_off_message_logging`, and `prompt_hash_key:` in meterbook.yaml",
    "langfuse_observations": "select the field group `io` in the export, and `prompt_hash_key:` in meterbook.yaml",
    "otlp_spans": "capture of message content in the instrumentation (OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT), and "
    "`prompt_hash_key:` in meterbook.yaml",
}
_OWNED = "an owner rule in owners.csv that gives it by key, project or tag"
_LABELS = {
    "litellm_spendlogs": "`spend_logs_metadata` of the key or the call, or a request tag `name:value`",
    "litellm_standard_logging": "`spend_logs_metadata` of the key or the call, or a request tag `name:value`",
    "portkey_logs": "a key of the `x-portkey-metadata` header",
    "helicone": "a header `Helicone-Property-Name`",
    "langfuse_observations": "metadata or a tag `name:value` of the trace",
    "bedrock_invocation_logs": "`requestMetadata` of Converse",
    "cloudflare_logs": "a key of the `cf-aig-metadata` header",
    "otlp_spans": "an attribute of that name",
}

FIELDS: tuple[Field, ...] = (
    Field(
        *("model", "model_requests", ("model",), "gen_ai.response.model"),
        "Prices are by the model that answered.",
        "calls cannot be priced",
        "log the model of the answer",
    ),
    Field(
        *("tokens", "tokens_requests", ("input_tokens", "output_tokens"), "gen_ai.usage.input_tokens, gen_ai.usage.output_tokens"),
        "Cost is tokens times price; what is estimated is no base of a saving.",
        "cost is an estimate, and no cost per token, cap or cache can be judged",
        "log usage with every answer; streams of OpenAI's shape need `stream_options: {include_usage: true}`",
        is_of_answers=True,
    ),
    Field(
        *(
            "cache",
            "cache_requests",
            ("cache_read_tokens",),
            "gen_ai.usage.cache_read.input_tokens, gen_ai.usage.cache_creation.input_tokens",
        ),
        "Cached input costs a tenth to a half.",
        "what the provider's cache spared is unknown, and cached input is charged as if it were new",
        "log the details of usage as the provider gives them",
        {
            "portkey_logs": "select `response` in the log export",
            "envoy_ai_gateway": "define CachedInputToken and CacheCreationInputToken in llmRequestCosts, and write them to the access log",
        },
        is_of_answers=True,
    ),
    Field(
        *("latency", "latency_requests", ("latency_ms",), ""),
        "A cheaper route must not be slower than a feature bears.",
        "routes and tiers cannot be compared by speed",
        "log when a call ended (of OpenTelemetry the span's end)",
    ),
    Field(
        *("time to first token", "first_token_requests", ("time_to_first_token_ms",), "gen_ai.response.time_to_first_chunk"),
        "It is what a person who reads along waits for.",
        "a route for people cannot be judged by what they wait for",
        "log the first token of streamed calls; of a call that is said not to be streamed it is not asked",
        is_of_answers=True,
    ),
    Field(
        *("finish reason", "finish_reason_requests", ("finish_reason",), "gen_ai.response.finish_reasons"),
        "It tells a truncated answer from a short one.",
        "truncated answers cannot be told, so a cap on output has no known cost of asking again",
        "log why each answer ended",
        {
            "litellm_spendlogs": _BODY["litellm_spendlogs"] + ": it is read of the stored response",
            "bedrock_invocation_logs": _BODY["bedrock_invocation_logs"],
        },
        is_of_answers=True,
    ),
    Field(
        *("output cap", "output_cap_requests", ("max_output_tokens",), "gen_ai.request.max_tokens"),
        "A cap bounds what an answer can cost.",
        "which features ask without a cap, or far above what they use, cannot be told",
        "log the parameters of requests",
        _BODY,
    ),
    Field(
        *("temperature", "temperature_requests", ("temperature",), "gen_ai.request.temperature"),
        "An answer may be given again from a cache only where it was asked to be the same each time.",
        "no call counts as safe to be answered by a response cache, so its low potential is nothing",
        "log the parameters of requests, and ask with a temperature: a default that is not sent is not logged",
        _BODY,
    ),
    Field(
        *("streaming", "streaming_requests", ("is_streaming",), "gen_ai.request.stream"),
        "What is streamed is read by somebody now, and cannot go by batch.",
        "calls that somebody waits for cannot be told from those of a batch",
        "log the parameters of requests",
        _BODY,
    ),
    Field(
        *("tools", "tools_requests", ("has_tools",), "gen_ai.tool.definitions"),
        "A call that may use tools acts on the world of that moment.",
        "calls that must not be answered from a cache cannot be told",
        "log the parameters of requests",
        _BODY,
    ),
    Field(
        *("routing reason", "routing_reason_requests", ("routing_reason",), ""),
        "Escalations and fallbacks are what a cascade costs.",
        "fallbacks cannot be told from first choices, so a route has no known rate of acceptance",
        "log why the gateway took a route",
        {"cloudflare_logpush": "select RoutingReason in the Logpush job", "envoy_ai_gateway": _BODY["envoy_ai_gateway"]},
    ),
    Field(
        *("deferrable", "deferrable_requests", ("is_deferrable",), ""),
        "A call that may wait a day goes by batch at half the price.",
        "no call is known to be able to wait, so the low potential of batches is nothing",
        "tag calls `deferrable: true`, or name your own tag under `options: {deferrable: NAME}` of the source",
        enough=ANY,
    ),
    Field(
        *("prompt hash", "prompt_hash_requests", ("prompt_hash",), "gen_ai.input.messages, which is hashed and not kept"),
        "Repeats are what a response cache answers.",
        "repeats cannot be counted, so there is no potential of a response cache",
        "prompts in the log, and `prompt_hash_key:` in meterbook.yaml; only the keyed hash is kept",
        _PROMPT,
    ),
    Field(
        *("prefix hash", "prefix_hash_requests", ("prefix_hash", "prefix_ratio"), "gen_ai.system_instructions, gen_ai.tool.definitions"),
        "Beginnings that repeat are what a provider's prompt cache serves.",
        "shared beginnings cannot be found, so there is no potential of prompt caching",
        "prompts in the log, and `prompt_hash_key:` in meterbook.yaml; only the keyed hash and its share are kept",
        _PROMPT,
    ),
    Field(
        *("operation", "operation_requests", ("operation_id",), "the trace of the span"),
        "Attempts and steps of one task belong together.",
        "retries cannot be counted, nor the cost of a task of several calls",
        "one id for all attempts and steps of a task, such as the trace",
    ),
    Field(
        *("session", "session_requests", ("session_id",), "gen_ai.conversation.id"),
        "A conversation is what a person uses.",
        "there is no cost per conversation, and loops of agents cannot be found",
        "send the id of the conversation with each call",
        _LABELS,
    ),
    Field(
        *("team", "team_requests", ("team",), ""),
        "Cost that nobody owns is cut by nobody.",
        "cost cannot be charged to anybody",
        _OWNED,
        _LABELS,
        _OWNED,
    ),
    Field(
        *("tenant", "tenant_requests", ("tenant",), ""),
        "A cache must not answer one customer with what it told another.",
        "there is no cost per customer, and repeats are not counted across calls without one",
        _OWNED,
        _LABELS,
        _OWNED,
    ),
    Field(
        *("feature", "feature_requests", ("feature",), ""),
        "Every lever is judged by feature.",
        "levers, unit costs and experiments have nothing they belong to",
        _OWNED,
        _LABELS,
        _OWNED,
    ),
    Field(
        *("experiment arm", "experiment_arm_requests", ("experiment_arm",), ""),
        "A change is proved by calls with it and calls without.",
        "no experiment can be read, so savings stay estimates",
        "log which variant a call belongs to as `experiment_arm`",
        _LABELS,
        enough=ANY,
    ),
    Field(
        *("quality", "quality_requests", (), "gen_ai.evaluation.result, as a rating of the request or the trace"),
        "A cheaper answer is a saving only where it is as good.",
        "no lever can be shown to keep quality, so none is more than a potential",
        "drop ratings, scores or outcomes that name the request or the operation (docs/formats.md)",
        elsewhere="drop ratings, scores or outcomes that name the request or the operation (docs/formats.md)",
        enough=ANY,
        is_of_answers=True,
    ),
)
"""In the order of what is computed from them."""
