"""One request as each provider's API takes it, and one call as each format logs it."""

import json
from collections.abc import Callable, Mapping
from typing import Any

AT = "2026-11-05T10:00:00Z"
SYSTEM, EARLIER, LAST = "You are a clerk.", "What is a heron?", "Where does it wait?"
TOOL = {"name": "look_up", "description": "Looks up."}
OPENAI: Mapping[str, Any] = {
    "model": "gpt-5",
    "max_completion_tokens": 500,
    "temperature": 0.2,
    "stream": True,
    "tools": [{"type": "function", "function": TOOL}],
    "messages": [
        {"role": "system", "content": SYSTEM},
        {"role": "user", "content": EARLIER},
        {"role": "assistant", "content": "A bird."},
        {"role": "user", "content": LAST},
    ],
}
BODIES: Mapping[str, Mapping[str, Any]] = {
    "OpenAI chat": OPENAI,
    "OpenAI responses": {
        "model": "gpt-5",
        "max_output_tokens": 500,
        "temperature": 0.2,
        "stream": True,
        "tools": [TOOL],
        "instructions": SYSTEM,
        "input": OPENAI["messages"][1:],
    },
    "Anthropic": {
        "model": "claude",
        "max_tokens": 500,
        "temperature": 0.2,
        "stream": True,
        "tools": [TOOL],
        "system": SYSTEM,
        "messages": OPENAI["messages"][1:],
    },
    "Google": {
        "systemInstruction": {"parts": [{"text": SYSTEM}]},
        "tools": [{"functionDeclarations": [TOOL]}],
        "generationConfig": {"maxOutputTokens": 500, "temperature": 0.2},
        "contents": [{"role": "user", "parts": [{"text": text}]} for text in (EARLIER, "A bird.", LAST)],
    },
    "Bedrock": {
        "system": [{"text": SYSTEM}],
        "toolConfig": {"tools": [{"toolSpec": TOOL}]},
        "inferenceConfig": {"maxTokens": 500, "temperature": 0.2},
        "messages": [{"role": "user", "content": [{"text": text}]} for text in (EARLIER, "A bird.", LAST)],
    },
}


def _line(**record: Any) -> str:
    return json.dumps(record) + "\n"


def spend_log(body: Any, **more: Any) -> str:
    """A line of LiteLLM's spend logs."""
    used = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, "spend": 0.1, "model": "gpt-5"}
    known = {"request_id": "r1", "custom_llm_provider": "openai", "startTime": AT, "endTime": AT, "proxy_server_request": body}
    return _line(**{**known, **used, **more})


def _payload(body: Mapping[str, Any]) -> str:
    used = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, "response_cost": 0.1, "stream": True}
    times = {"startTime": 1793779200.5, "endTime": 1793779202.5, "completionStartTime": 1793779202.5}
    parameters = {name: value for name, value in body.items() if name != "messages"}
    return _line(
        id="r1", custom_llm_provider="openai", model="gpt-5", **used, **times, messages=body["messages"], model_parameters=parameters
    )


def _observation(body: Mapping[str, Any]) -> str:
    seen = {"id": "o1", "trace_id": "t1", "type": "GENERATION", "start_time": AT, "provided_model_name": "gpt-5"}
    parameters = {"max_tokens": "500", "temperature": 0.2, "stream": True}
    asked = {"input": {name: body[name] for name in ("tools", "messages")}, "model_parameters": parameters}
    return _line(**seen, **asked, usage_details={"input": 10, "output": 5}, metadata={}, tags=[], tool_definitions={"look_up": "{}"})


def _helicone(body: Mapping[str, Any]) -> str:
    used = {"prompt_tokens": 10, "completion_tokens": 5, "cost": 1000}
    return _line(request_id="r1", request_created_at=AT, status=200, provider="OPENAI", model="gpt-5", **used, request_body=body)


def _portkey(body: Mapping[str, Any]) -> str:
    used = {"req_units": 10, "res_units": 5, "cost": 0.1, "response_status_code": 200}
    return _line(id="r1", created_at=AT, ai_org="openai", ai_model="gpt-5", **used, metadata={}, request={"body": body})


def _kong(body: Mapping[str, Any]) -> str:
    meta = {"request_model": "gpt-5", "provider_name": "openai", "request_mode": "stream"}
    used = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    proxy = {"usage": used, "meta": meta, "payload": {"request": json.dumps(body)}}
    return _line(started_at=1793779200500, latencies={"request": 5}, response={"status": 200}, ai={"proxy": proxy})


def _bedrock(body: Mapping[str, Any]) -> str:
    log = {"schemaType": "ModelInvocationLog", "timestamp": AT, "accountId": "1", "requestId": "r1", "modelId": "m"}
    counts = {"input": {"inputTokenCount": 10, "inputBodyJson": body}, "output": {"outputTokenCount": 5}}
    return _line(**log, operation="InvokeModelWithResponseStream", **counts)


def span(attributes: Mapping[str, Mapping[str, Any]]) -> str:
    """A chat span with attributes, each wrapped as OTLP has it."""
    used = {"gen_ai.usage.input_tokens": {"intValue": "10"}, "gen_ai.usage.output_tokens": {"intValue": "5"}}
    named = {"gen_ai.operation.name": {"stringValue": "chat"}, "gen_ai.request.model": {"stringValue": "gpt-5"}}
    pairs = [{"key": key, "value": value} for key, value in {**named, **used, **attributes}.items()]
    times = {"startTimeUnixNano": "1793606400250000000", "endTimeUnixNano": "1793606402994000000"}
    one = {"traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": "00f067aa0ba902b7", **times, "attributes": pairs}
    return _line(resourceSpans=[{"resource": {"attributes": []}, "scopeSpans": [{"spans": [one]}]}])


def _span(body: Mapping[str, Any]) -> str:
    said: dict[str, Mapping[str, Any]] = {
        "gen_ai.request.max_tokens": {"intValue": "500"},
        "gen_ai.request.temperature": {"doubleValue": 0.2},
        "gen_ai.request.stream": {"boolValue": True},
        "gen_ai.tool.definitions": {"stringValue": json.dumps(body["tools"])},
        "gen_ai.input.messages": {"stringValue": json.dumps(body["messages"])},
    }
    return span(said)


WRITERS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "litellm_spendlogs": spend_log,
    "litellm_standard_logging": _payload,
    "langfuse_observations": _observation,
    "helicone": _helicone,
    "portkey_logs": _portkey,
    "kong_ai_logs": _kong,
    "bedrock_invocation_logs": _bedrock,
    "otlp_spans": _span,
}
"""Formats that hold what was asked -> a file of one call."""
