"""One spoken call in the shape of every format that can tell audio from text.

6,000 input tokens of text that no cache held, 1,500 of text read from one, 2,500 of audio; 400 output tokens of audio and 500 of text, of
which 200 are reasoning. Where a format tells what was cached of the audio, 700 tokens more.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import writers
from writers import iso, line, unix

TEXT, READ, AUDIO, SPOKEN, WRITTEN_OUT, REASONING, HEARD_BEFORE = 6_000, 1_500, 2_500, 400, 500, 200, 700
INPUT, OUTPUT = TEXT + READ + AUDIO, SPOKEN + WRITTEN_OUT
BUCKETS = ("input_tokens", "cache_read_tokens", "audio_input_tokens", "audio_cache_read_tokens", "output_tokens", "audio_output_tokens")
KNOWN = (TEXT, READ, AUDIO, 0, WRITTEN_OUT, SPOKEN)
CACHED = (TEXT, READ, AUDIO, HEARD_BEFORE, WRITTEN_OUT, SPOKEN)


@dataclass(frozen=True)
class Shape:
    """A file that holds the call.

    Args:
        text: the file.
        gives: its buckets.
        options: `options:` of the source.
        mapping: `mapping:` of the source.
    """

    text: str
    gives: tuple[int, ...] = KNOWN
    options: Mapping[str, Any] = field(default_factory=dict)
    mapping: Mapping[str, Any] | None = None


def openai(before: int = 0, **names: Any) -> dict[str, Any]:
    """The usage object of OpenAI; `before` is audio that was cached."""
    of_cached = {"cached_tokens_details": {"text_tokens": READ, "audio_tokens": before}} if before else {}
    return {
        "prompt_tokens": INPUT + before,
        "completion_tokens": OUTPUT,
        "total_tokens": INPUT + before + OUTPUT,
        "prompt_tokens_details": {"cached_tokens": READ + before, "audio_tokens": AUDIO + before, **of_cached},
        "completion_tokens_details": {"audio_tokens": SPOKEN, "reasoning_tokens": REASONING},
        **names,
    }


def litellm(write: Callable[[str], str], before: int = 0) -> str:
    """A log of LiteLLM, its tokens replaced."""
    log = json.loads(write("call-1"))
    usage = openai(before)
    log["metadata"] = {"usage_object": usage}
    return line({**log, **{name: usage[name] for name in ("prompt_tokens", "completion_tokens", "total_tokens")}})


def kong(**usage: Any) -> str:
    """An entry of Kong with usage as it is given."""
    meta = {"request_model": "gpt-audio", "response_model": "gpt-audio", "provider_name": "openai"}
    entry = {"started_at": unix(1000), "latencies": {"request": 900}, "request": {"id": "call-1"}, "response": {"status": 200}}
    return line({**entry, "ai": {"proxy": {"usage": usage, "meta": meta}}})


ENVOY = {
    "gen_ai.response.model": "gpt-audio",
    "gen_ai.usage.input_tokens": INPUT,
    "gen_ai.usage.cache_read.input_tokens": READ,
    "gen_ai.usage.audio.input_tokens": AUDIO,
    "gen_ai.usage.output_tokens": OUTPUT,
    "gen_ai.usage.audio.output_tokens": SPOKEN,
    "gen_ai.usage.reasoning.output_tokens": REASONING,
}
HELICONE = {
    "prompt_tokens": TEXT,
    "prompt_cache_read_tokens": READ,
    "prompt_cache_write_tokens": 0,
    "prompt_audio_tokens": AUDIO,
    "completion_tokens": WRITTEN_OUT - REASONING,
    "reasoning_tokens": REASONING,
    "completion_audio_tokens": SPOKEN,
}
FLAT = {
    "input": TEXT,
    "input_cached_tokens": READ,
    "input_audio_tokens": AUDIO,
    "output": WRITTEN_OUT - REASONING,
    "output_reasoning_tokens": REASONING,
    "output_audio_tokens": SPOKEN,
}
MODALITIES = {
    "input": 0,
    "input_modality_text": TEXT,
    "input_modality_audio": AUDIO,
    "cached_modality_text": READ,
    "cached_modality_audio": HEARD_BEFORE,
    "output": WRITTEN_OUT,
    "output_modality_audio": SPOKEN,
}
MAPPED = {"in": INPUT + HEARD_BEFORE, "read": READ, "audio": AUDIO, "before": HEARD_BEFORE, "out": OUTPUT, "spoken": SPOKEN}
TOKENS = dict(zip(BUCKETS, ("in", "read", "audio", "before", "out", "spoken"), strict=True))
COLUMNS = {"request_id": "id", "started_at": "at", **TOKENS}
USAGE = {
    "input_tokens": INPUT + HEARD_BEFORE,
    "output_tokens": OUTPUT,
    "num_model_requests": 1,
    "input_cached_tokens": READ + HEARD_BEFORE,
    "input_text_tokens": TEXT,
    "input_cached_text_tokens": READ,
    "input_audio_tokens": AUDIO,
    "input_cached_audio_tokens": HEARD_BEFORE,
    "output_text_tokens": WRITTEN_OUT,
    "output_audio_tokens": SPOKEN,
}
OLD_USAGE = {
    "input_tokens": TEXT + READ,
    "output_tokens": WRITTEN_OUT,
    "num_model_requests": 1,
    "input_cached_tokens": READ,
    "input_audio_tokens": AUDIO,
    "output_audio_tokens": SPOKEN,
}


def usage_page(figures: Mapping[str, int]) -> str:
    """A page of OpenAI's usage API."""
    result = {"object": "organization.usage.completions.result", "model": "gpt-audio", **figures}
    day = unix() // 86_400 * 86_400
    bucket = {"object": "bucket", "start_time": day, "end_time": day + 86_400, "results": [result]}
    return json.dumps({"object": "page", "data": [bucket]})


def activity(figures: Mapping[str, int]) -> str:
    """A download of OpenAI's dashboard."""
    day = unix() // 86_400 * 86_400
    row = {"start_time": day, "end_time": day + 86_400, "start_time_iso": "", "end_time_iso": "", "model": "gpt-audio", **figures}
    return f"{','.join(row)}\n{','.join(f'{value}.0' if isinstance(value, int) else value for value in row.values())}\n"


def portkey(usage: Mapping[str, Any]) -> str:
    """A log of Portkey with its response."""
    log = {"id": "call-1", "created_at": iso(), "ai_org": "openai", "ai_model": "gpt-audio", "req_units": INPUT, "res_units": OUTPUT}
    return line({**log, "response": {"usage": usage}})


def mapped(**counts: int) -> str:
    """A row of a file of one's own."""
    return line({"id": "call-1", "at": iso(), **MAPPED, **counts})


RESPONSES = {
    "input_tokens": INPUT,
    "output_tokens": OUTPUT,
    "input_tokens_details": {"cached_tokens": READ, "audio_tokens": AUDIO},
    "output_tokens_details": {"audio_tokens": SPOKEN, "reasoning_tokens": REASONING},
}
BESIDE = {
    **openai(),
    "prompt_tokens": TEXT + AUDIO,
    "total_tokens": TEXT + AUDIO + READ + OUTPUT,
}
"""As gateways write an answer whose provider counts what was cached beside its input."""
OTLP = {name: value for name, value in ENVOY.items() if isinstance(value, int)}
SHAPES: Mapping[str, Shape] = {
    "litellm_spendlogs": Shape(litellm(writers.litellm_spendlogs)),
    "litellm_spendlogs, some audio cached": Shape(litellm(writers.litellm_spendlogs, HEARD_BEFORE), CACHED),
    "litellm_standard_logging": Shape(litellm(writers.litellm_standard_logging)),
    "litellm_standard_logging, some audio cached": Shape(litellm(writers.litellm_standard_logging, HEARD_BEFORE), CACHED),
    "portkey_logs": Shape(portkey(openai())),
    "portkey_logs, responses": Shape(portkey(RESPONSES)),
    "portkey_logs, some audio cached": Shape(portkey(openai(HEARD_BEFORE)), CACHED),
    "portkey_logs, cached beside": Shape(portkey(BESIDE)),
    "kong_ai_logs": Shape(kong(**openai())),
    "kong_ai_logs, some audio cached": Shape(kong(**openai(HEARD_BEFORE)), CACHED),
    "kong_ai_logs, exclusive": Shape(
        kong(**{**openai(), "prompt_tokens": TEXT + AUDIO, "total_tokens": None}), options={"tokens": "exclusive"}
    ),
    "kong_ai_logs, calls that are not text": Shape(
        kong(**{**RESPONSES, "input_tokens_details": {"cached_tokens": READ, "audio_tokens_count": AUDIO}})
    ),
    "envoy_ai_gateway": Shape(line({"start_time": iso(".000Z"), "response_code": 200, "x-request-id": "call-1", **ENVOY})),
    "envoy_ai_gateway, exclusive": Shape(
        line({"start_time": iso(".000Z"), "x-request-id": "call-1", **ENVOY, "gen_ai.usage.input_tokens": TEXT + AUDIO}),
        options={"tokens": "exclusive"},
    ),
    "helicone": Shape(writers.helicone(status=200, cost=0, **HELICONE)("call-1")),
    "langfuse_observations": Shape(writers.langfuse(FLAT)("call-1")),
    "langfuse_observations, modalities": Shape(writers.langfuse(MODALITIES)("call-1"), CACHED),
    "otlp_spans": Shape(writers.otlp(**OTLP)("call-1")),
    "otlp_spans, exclusive": Shape(
        writers.otlp(**{**OTLP, "gen_ai.usage.input_tokens": TEXT + AUDIO})("call-1"), options={"tokens": "exclusive"}
    ),
    "openai_usage": Shape(usage_page(USAGE), CACHED),
    "openai_usage, cached audio inside audio": Shape(usage_page({**USAGE, "input_audio_tokens": AUDIO + HEARD_BEFORE}), CACHED),
    "openai_usage, before text was counted": Shape(usage_page(OLD_USAGE)),
    "openai_activity_csv": Shape(activity(USAGE), CACHED),
    "mapped_request": Shape(mapped(), CACHED, mapping={"kind": "request", "columns": COLUMNS}),
    "mapped_request, exclusive": Shape(
        mapped(**{"in": TEXT, "out": WRITTEN_OUT}), CACHED, mapping={"kind": "request", "columns": COLUMNS, "tokens": "exclusive"}
    ),
    "mapped_usage": Shape(mapped(), CACHED, mapping={"kind": "usage", "columns": {"usage_id": "id", "starts_at": "at", **TOKENS}}),
}
"""Format and variant -> the call."""
