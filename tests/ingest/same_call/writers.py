"""The call of shapes.py, written as each tool logs it."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

UNCACHED, READ, WRITTEN, OUTPUT, REASONING = 9_000, 4_000, 1_000, 700, 300
INPUT = UNCACHED + READ + WRITTEN
STARTED = datetime(2026, 11, 2, 9, 15, tzinfo=UTC)
MODEL = "claude-sonnet-4-5-20250929"
PRICE = Decimal("0.04245")
"""USD by the card: 9,000 x 3 + 4,000 x 0.30 + 1,000 x 3.75 + 700 x 15, per million."""


def bytes_of(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


def line(record: Mapping[str, Any]) -> str:
    return json.dumps(record) + "\n"


def iso(zone: str = "Z") -> str:
    return STARTED.strftime("%Y-%m-%dT%H:%M:%S") + zone


def unix(factor: int = 1) -> int:
    return int(STARTED.timestamp()) * factor


OPENAI = {
    "prompt_tokens": INPUT,
    "completion_tokens": OUTPUT,
    "total_tokens": INPUT + OUTPUT,
    "prompt_tokens_details": {"cached_tokens": READ, "cache_creation_tokens": WRITTEN},
    "completion_tokens_details": {"reasoning_tokens": REASONING},
    "cache_read_input_tokens": READ,
    "cache_creation_input_tokens": WRITTEN,
}
"""As LiteLLM normalises it: the whole prompt, with Anthropic's counts beside."""
ANTHROPIC = {
    "input_tokens": UNCACHED,
    "output_tokens": OUTPUT,
    "cache_read_input_tokens": READ,
    "cache_creation_input_tokens": WRITTEN,
    "cache_creation": {"ephemeral_5m_input_tokens": WRITTEN, "ephemeral_1h_input_tokens": 0},
}


def litellm_spendlogs(name: str) -> str:
    tokens = {"prompt_tokens": INPUT, "completion_tokens": OUTPUT, "total_tokens": INPUT + OUTPUT}
    rest = {"startTime": iso(), "endTime": iso(), "spend": 0, "model": MODEL, "custom_llm_provider": "anthropic", "cache_hit": "False"}
    return line(
        {"request_id": name, "call_type": "acompletion", **tokens, **rest, "metadata": {"usage_object": OPENAI}, "status": "success"}
    )


def litellm_standard_logging(name: str) -> str:
    times = {"startTime": float(unix()), "endTime": float(unix() + 1), "completionStartTime": float(unix() + 1)}
    tokens = {"prompt_tokens": INPUT, "completion_tokens": OUTPUT, "metadata": {"usage_object": OPENAI}}
    rest = {"status": "success", "custom_llm_provider": "anthropic", "model": MODEL, "response_cost": 0, "call_type": "acompletion"}
    return line({"id": name, **times, **tokens, **rest})


def portkey(usage: Mapping[str, Any] | None) -> Callable[[str], str]:
    response = {} if usage is None else {"response": {"usage": usage}}
    return lambda name: line(
        {"id": name, "created_at": iso(), "ai_org": "anthropic", "ai_model": MODEL, "req_units": INPUT, "res_units": OUTPUT, **response}
    )


def kong(**usage: Any) -> Callable[[str], str]:
    meta = {"request_model": "sonnet", "response_model": MODEL, "provider_name": "anthropic"}
    thought = {"completion_tokens_details": {"reasoning_tokens": REASONING}}
    return lambda name: line(
        {
            "started_at": unix(1000),
            "latencies": {"request": 900},
            "request": {"id": name},
            "response": {"status": 200},
            "ai": {"proxy": {"usage": {**usage, **thought}, "meta": meta}},
        }
    )


def envoy(names: Sequence[str], tokens: Sequence[int] = (INPUT, READ, WRITTEN, OUTPUT, REASONING)) -> Callable[[str], str]:
    counts = dict(zip(names[1:], tokens, strict=False))
    return lambda name: line(
        {"start_time": iso(".000Z"), "response_code": 200, "duration": 900, "x-request-id": name, names[0]: MODEL, **counts}
    )


GEN_AI = (
    "gen_ai.response.model",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.reasoning.output_tokens",
)
LLM = ("response_model", "llm_input_token", "llm_cached_input_token", "llm_cache_creation_input_token", "llm_output_token")


def cloudflare_logs(name: str) -> str:
    tokens = {"tokens_in": INPUT, "tokens_out": OUTPUT, "cost": 0}
    log = {"id": name, "cached": False, "created_at": iso(), "provider": "anthropic", "model": MODEL, "success": True, **tokens}
    return line(log)


def cloudflare_logpush(_name: str) -> str:
    event = {"Gateway": "prod", "Provider": "anthropic", "Model": MODEL, "StatusCode": 200, "Cached": False, "Timestamp": iso()}
    return line({**event, "Metrics": {"tokensIn": INPUT, "tokensOut": OUTPUT}})


def helicone(**columns: Any) -> Callable[[str], str]:
    tokens = {"prompt_tokens": UNCACHED, "prompt_cache_read_tokens": READ, "prompt_cache_write_tokens": WRITTEN}
    row = {**tokens, "completion_tokens": OUTPUT - REASONING, "provider": "ANTHROPIC", "model": MODEL, **columns}
    return lambda name: line({"request_id": name, "response_id": f"{name}-answer", "request_created_at": iso(), **row})


def helicone_csv(name: str) -> str:
    header = "response_id,response_created_at,response_status,request_created_at,request_body,request_properties,request_user_id,model"
    return (
        f"{header},prompt_tokens,completion_tokens,latency,cost\n"
        f"{name},{iso()},200,{iso()},,,,{MODEL},{UNCACHED},{OUTPUT - REASONING},,{PRICE}\n"
    )


def langfuse(usage: Mapping[str, int]) -> Callable[[str], str]:
    times = {"start_time": "2026-11-02 09:15:00.000", "end_time": "2026-11-02 09:15:01.000"}
    return lambda name: line(
        {"id": name, "trace_id": name, "type": "GENERATION", **times, "provided_model_name": MODEL, "usage_details": usage}
    )


def bedrock(name: str) -> str:
    tokens = {"inputTokenCount": UNCACHED, "cacheReadInputTokenCount": READ, "cacheWriteInputTokenCount": WRITTEN}
    head = {"schemaType": "ModelInvocationLog", "timestamp": iso(), "requestId": name, "operation": "Converse"}
    model = {"modelId": f"eu.anthropic.{MODEL}-v1:0"}
    return line({**head, **model, "input": tokens, "output": {"outputTokenCount": OUTPUT}})


def otlp(**tokens: int) -> Callable[[str], str]:
    texts = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "anthropic", "gen_ai.response.model": MODEL}
    counts = {"gen_ai.usage.output_tokens": OUTPUT, "gen_ai.usage.reasoning.output_tokens": REASONING, **tokens}
    attributes = [{"key": key, "value": {"stringValue": value}} for key, value in texts.items()]
    attributes += [{"key": key, "value": {"intValue": str(value)}} for key, value in counts.items()]
    span = {"name": "chat", "kind": 3, "startTimeUnixNano": str(unix(10**9)), "endTimeUnixNano": str(unix(10**9) + 10**9)}
    ids = {"traceId": "5b8efff798038103d269b633813fc60c"}
    return lambda name: line(
        {"resourceSpans": [{"scopeSpans": [{"spans": [{**ids, "spanId": hex_id(name), **span, "attributes": attributes}]}]}]}
    )


def otlp_protobuf(name: str) -> bytes:
    request = ExportTraceServiceRequest()
    span = request.resource_spans.add().scope_spans.add().spans.add(name="chat", kind="SPAN_KIND_CLIENT")
    span.trace_id, span.span_id = b"one-call-of-many", bytes.fromhex(hex_id(name))
    span.start_time_unix_nano, span.end_time_unix_nano = unix(10**9), unix(10**9) + 10**9
    for key, text in {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "anthropic", "gen_ai.response.model": MODEL}.items():
        span.attributes.add(key=key).value.string_value = text
    for key, count in {"gen_ai.usage.input_tokens": INPUT, "gen_ai.usage.output_tokens": OUTPUT, **CREATED}.items():
        span.attributes.add(key=key).value.int_value = count
    return request.SerializeToString()


def hex_id(name: str) -> str:
    return name.encode().hex()[-16:].rjust(16, "0")


def openrouter_csv(name: str) -> str:
    row = {
        "generation_id": name,
        "created_at": "2026-11-02 09:15:00.000",
        "cost_total": PRICE,
        "tokens_prompt": INPUT,
        "tokens_completion": OUTPUT,
        "tokens_reasoning": REASONING,
        "tokens_cached": READ,
        "byok_usage_inference": 0,
        "model_permaslug": "anthropic/claude-4.5-sonnet-20250929",
        "provider_name": "Anthropic",
        "variant": "standard",
        "cancelled": "false",
        "streamed": "true",
        "api_key_name": "prod-key",
        "app_name": "",
    }
    return f"{','.join(row)}\n{','.join(str(value) for value in row.values())}\n"


def openrouter_generation(name: str) -> str:
    native = {"native_tokens_prompt": INPUT, "native_tokens_completion": OUTPUT, "native_tokens_reasoning": REASONING}
    common = {"tokens_prompt": INPUT - 350, "tokens_completion": OUTPUT - 10, "native_tokens_cached": READ}
    money = {"total_cost": float(PRICE), "usage": float(PRICE), "upstream_inference_cost": None, "cache_discount": 0, "is_byok": False}
    model = {"model": "anthropic/claude-4.5-sonnet-20250929", "provider_name": "Anthropic", "streamed": True, "cancelled": False}
    return line({"data": {"id": name, "created_at": iso(".000Z"), **model, **native, **common, **money}})


def mapped(total: int) -> Callable[[str], str]:
    tokens = {"in": total, "read": READ, "written": WRITTEN, "out": OUTPUT, "thought": REASONING}
    return lambda name: line({"id": name, "at": iso(), "provider": "anthropic", "model": MODEL, **tokens})


COLUMNS = {
    "request_id": "id",
    "started_at": "at",
    "provider": "provider",
    "model": "model",
    "input_tokens": "in",
    "output_tokens": "out",
    "cache_read_tokens": "read",
    "cache_write_5m_tokens": "written",
    "reasoning_tokens": "thought",
}
CREATED = {"gen_ai.usage.cache_read.input_tokens": READ, "gen_ai.usage.cache_creation.input_tokens": WRITTEN}
