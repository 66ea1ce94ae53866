"""One call of claude-sonnet-4-5 in the shape of every format of requests.

9,000 input tokens that no cache held, 4,000 read from a cache, 1,000 written to one for five minutes, 700 output tokens of which 300 are
reasoning. A shape that cannot tell all of these apart says what it gives instead, and why.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import writers
from writers import COLUMNS, CREATED, INPUT, OUTPUT, PRICE, READ, REASONING, UNCACHED, WRITTEN

Buckets = tuple[int, int, int, int, int]
"""Uncached input, read from a cache, written for five minutes, written for an hour, output."""
KNOWN: Buckets = (UNCACHED, READ, WRITTEN, 0, OUTPUT)
WHOLE: Buckets = (INPUT, 0, 0, 0, OUTPUT)
READ_ONLY: Buckets = (UNCACHED + WRITTEN, READ, 0, 0, OUTPUT)


@dataclass(frozen=True)
class Shape:
    """A file that holds the call.

    Args:
        write: gives the file; the argument is an id no other shape has.
        gives: the buckets that are read of it.
        why: where these are not all there is to know, why not.
        reported: whether the cost is the log's own, because the card does not meet what the log counts.
        options: `options:` of the source.
        mapping: `mapping:` of the source.
    """

    write: Callable[[str], str | bytes]
    gives: Buckets = KNOWN
    why: str = ""
    reported: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    mapping: Mapping[str, Any] | None = None


NO_WRITES = "the format has no count of cache writes: they stay with the uncached input"
SHAPES: Mapping[str, Mapping[str, Shape]] = {
    "litellm_spendlogs": {"usage object": Shape(writers.litellm_spendlogs)},
    "litellm_standard_logging": {"usage object": Shape(writers.litellm_standard_logging)},
    "portkey_logs": {
        "anthropic response": Shape(writers.portkey(writers.ANTHROPIC)),
        "openai response": Shape(writers.portkey(writers.OPENAI)),
        "no response": Shape(writers.portkey(None), WHOLE, "the log's own units are not split; the response, which is, was not exported"),
    },
    "kong_ai_logs": {
        "inclusive": Shape(
            writers.kong(
                prompt_tokens=INPUT, completion_tokens=OUTPUT, total_tokens=INPUT + OUTPUT, prompt_tokens_details={"cached_tokens": READ}
            ),
            READ_ONLY,
            NO_WRITES,
        ),
        "exclusive": Shape(
            writers.kong(prompt_tokens=UNCACHED + WRITTEN, completion_tokens=OUTPUT, prompt_tokens_details={"cached_tokens": READ}),
            READ_ONLY,
            NO_WRITES,
            options={"tokens": "exclusive"},
        ),
        "anthropic names": Shape(writers.kong(**writers.ANTHROPIC)),
        "older layout": Shape(writers.kong(prompt_token=INPUT, completion_token=OUTPUT), WHOLE, "the layout has no details"),
    },
    "envoy_ai_gateway": {
        "gen_ai names": Shape(writers.envoy(writers.GEN_AI)),
        "metadata keys": Shape(writers.envoy(writers.LLM)),
        "exclusive": Shape(writers.envoy(writers.GEN_AI, (UNCACHED, READ, WRITTEN, OUTPUT)), options={"tokens": "exclusive"}),
        "no parts": Shape(
            writers.envoy(("genai_model_name", "genai_tokens_input", "genai_tokens_output"), (INPUT, OUTPUT)),
            WHOLE,
            "the operator's log does not write the parts",
        ),
    },
    "cloudflare_logs": {"list": Shape(writers.cloudflare_logs, WHOLE, "tokens_in is one number")},
    "cloudflare_logpush": {"metrics": Shape(writers.cloudflare_logpush, WHOLE, "a count in clear is one number; the parts are encrypted")},
    "helicone": {
        "table": Shape(writers.helicone(status=200, reasoning_tokens=REASONING, cost=0)),
        "api": Shape(
            writers.helicone(response_status=200, cost=float(PRICE)),
            (UNCACHED, READ, WRITTEN, 0, OUTPUT - REASONING),
            "the API leaves out reasoning, which is no part of completion_tokens",
            reported=True,
        ),
        "csv": Shape(
            writers.helicone_csv,
            (UNCACHED, 0, 0, 0, OUTPUT - REASONING),
            "the CLI's CSV leaves out cached and reasoning tokens, which are no parts of the columns it has",
            reported=True,
        ),
    },
    "langfuse_observations": {
        "flattened": Shape(
            writers.langfuse(
                {
                    "input": UNCACHED,
                    "input_cached_tokens": READ,
                    "input_cache_creation": WRITTEN,
                    "output": OUTPUT - REASONING,
                    "output_reasoning_tokens": REASONING,
                    "total": INPUT + OUTPUT,
                }
            )
        ),
        "as sent": Shape(
            writers.langfuse({"input": UNCACHED, "output": OUTPUT, "cache_read_input_tokens": READ, "cache_creation_input_tokens": WRITTEN})
        ),
    },
    "bedrock_invocation_logs": {"record": Shape(writers.bedrock)},
    "otlp_spans": {
        "inclusive": Shape(writers.otlp(**{"gen_ai.usage.input_tokens": INPUT, **CREATED})),
        "protobuf": Shape(writers.otlp_protobuf),
        "exclusive": Shape(writers.otlp(**{"gen_ai.usage.input_tokens": UNCACHED, **CREATED}), options={"tokens": "exclusive"}),
    },
    "openrouter_activity_csv": {"generations": Shape(writers.openrouter_csv, READ_ONLY, NO_WRITES, reported=True)},
    "openrouter_generation": {"native counts": Shape(writers.openrouter_generation, READ_ONLY, NO_WRITES, reported=True)},
    "mapped_request": {
        "inclusive": Shape(writers.mapped(INPUT), mapping={"kind": "request", "columns": COLUMNS}),
        "exclusive": Shape(writers.mapped(UNCACHED), mapping={"kind": "request", "columns": COLUMNS, "tokens": "exclusive"}),
    },
}
