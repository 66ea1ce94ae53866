"""One call as each format writes it, with what its caller said of itself."""

import json
from collections.abc import Callable, Mapping
from typing import Any

Said = Mapping[str, Any]
AT = "2026-11-05T10:00:00Z"


def _line(**record: Any) -> str:
    return json.dumps(record) + "\n"


def spend_log(said: Said, **more: Any) -> str:
    """A line of LiteLLM's spend logs."""
    tokens = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, "spend": 0.1}
    model = {"model": "gpt-5", "custom_llm_provider": "openai", "startTime": AT, "endTime": AT}
    return _line(**{"request_id": "r1", **model, **tokens, "metadata": {"spend_logs_metadata": said}, **more})


def _payload(said: Said) -> str:
    tokens = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, "response_cost": 0.1}
    times = {"startTime": 1793779200.5, "endTime": 1793779202.5, "completionStartTime": 1793779202.5}
    return _line(id="r1", custom_llm_provider="openai", model="gpt-5", **tokens, **times, metadata={"requester_metadata": said})


def observation(said: Said, **more: Any) -> str:
    """An observation of Langfuse, of the trace t1."""
    seen = {"id": "o1", "trace_id": "t1", "type": "GENERATION", "start_time": AT, "provided_model_name": "gpt-5"}
    return _line(**{**seen, "usage_details": {"input": 10, "output": 5}, "metadata": said, "tags": [], **more})


def trace(said: Said, **more: Any) -> str:
    """The trace t1 of Langfuse."""
    return _line(**{"id": "t1", "timestamp": AT, "bookmarked": False, "tags": [], "metadata": said, **more})


def _helicone(said: Said) -> str:
    tokens = {"prompt_tokens": 10, "completion_tokens": 5, "cost": 1000}
    return _line(request_id="r1", request_created_at=AT, status=200, provider="OPENAI", model="gpt-5", **tokens, properties=said)


def _portkey(said: Said) -> str:
    used = {"req_units": 10, "res_units": 5, "cost": 0.1, "response_status_code": 200}
    return _line(id="r1", created_at=AT, ai_org="openai", ai_model="gpt-5", **used, metadata=said)


def _portkey_pairs(said: Said) -> str:
    return _portkey({"key": list(said), "value": list(said.values())})


def _envoy(said: Said) -> str:
    used = {"gen_ai.request.model": "gpt-5", "gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 5}
    return _line(**{**said, "start_time": AT, "response_code": 200, "x-request-id": "r1", **used})


def _cloudflare(said: Said) -> str:
    log = {"id": "r1", "created_at": AT, "provider": "openai", "model": "gpt-5", "tokens_in": 10, "tokens_out": 5, "success": True}
    return json.dumps({"result": [{**log, "cost": 0.1, "metadata": json.dumps(said)}]})


def _logpush(said: Said) -> str:
    return _line(Gateway="g", Provider="openai", Model="gpt-5", StatusCode=200, Timestamp=AT, Metadata=said, Metrics={"cost": 0.1})


def _bedrock(said: Said) -> str:
    tokens = {"input": {"inputTokenCount": 10}, "output": {"outputTokenCount": 5}}
    log = {"schemaType": "ModelInvocationLog", "timestamp": AT, "accountId": "1", "requestId": "r1", "modelId": "m"}
    return _line(**log, **tokens, requestMetadata=said)


def _attribute(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, list):
        wrapped = {"arrayValue": {"values": [_attribute("", one)["value"] for one in value]}}
    elif isinstance(value, dict):
        wrapped = {"kvlistValue": {"values": [_attribute(key, one) for key, one in value.items()]}}
    else:
        kinds: dict[type, str] = {bool: "boolValue", int: "intValue", float: "doubleValue", str: "stringValue"}
        wrapped = {kinds[type(value)]: str(value) if type(value) is int else value}
    return {"key": name, "value": wrapped}


def spans(own: Said, resource: Said) -> str:
    """A span with attributes of its own and of its resource."""
    used = {
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-5",
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 5,
    }
    times = {"startTimeUnixNano": "1793606400250000000", "endTimeUnixNano": "1793606402994000000"}
    attributes = [_attribute(name, value) for name, value in {**own, **used}.items()]
    span = {"traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": "00f067aa0ba902b7", **times, "attributes": attributes}
    shared = {"attributes": [_attribute(name, value) for name, value in resource.items()]}
    return _line(resourceSpans=[{"resource": shared, "scopeSpans": [{"spans": [span]}]}])


WRITERS: Mapping[str, tuple[str, Callable[[Said], str]]] = {
    "litellm_spendlogs": ("litellm_spendlogs", spend_log),
    "litellm_standard_logging": ("litellm_standard_logging", _payload),
    "langfuse_observations": ("langfuse_observations", observation),
    "langfuse_traces": ("langfuse_traces", trace),
    "helicone": ("helicone", _helicone),
    "portkey_logs": ("portkey_logs", _portkey),
    "portkey_logs, parallel lists": ("portkey_logs", _portkey_pairs),
    "envoy_ai_gateway": ("envoy_ai_gateway", _envoy),
    "cloudflare_logs": ("cloudflare_logs", _cloudflare),
    "cloudflare_logpush": ("cloudflare_logpush", _logpush),
    "bedrock_invocation_logs": ("bedrock_invocation_logs", _bedrock),
    "otlp_spans, of the span": ("otlp_spans", lambda said: spans(said, {})),
    "otlp_spans, of the resource": ("otlp_spans", lambda said: spans({}, said)),
}
"""Where callers speak -> the format, and a file of it that holds one call."""
