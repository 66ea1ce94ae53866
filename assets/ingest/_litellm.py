"""What LiteLLM says of the tokens of a call: its own usage object, in which the prompt holds everything that was cached."""

import msgspec

from meterbook.assets.ingest import _calls
from meterbook.assets.ingest._calls import Row
from meterbook.assets.ingest._records import Count


class _Lifetimes(msgspec.Struct):
    five: Count | None = msgspec.field(default=None, name="ephemeral_5m_input_tokens")
    hour: Count | None = msgspec.field(default=None, name="ephemeral_1h_input_tokens")


class _Details(msgspec.Struct):
    cached_tokens: Count | None = None
    cache_creation_tokens: Count | None = None
    cache_write_tokens: Count | None = None
    reasoning_tokens: Count | None = None
    cache_creation_token_details: _Lifetimes | None = None


class Usage(msgspec.Struct):
    """Tokens as LiteLLM normalises them: the details of OpenAI's shape, and beside them the counts of Anthropic's."""

    prompt_tokens_details: _Details | None = None
    completion_tokens_details: _Details | None = None
    cache_read_input_tokens: Count | None = None
    cache_creation_input_tokens: Count | None = None
    cache_creation: _Lifetimes | None = None
    service_tier: str | None = None


NO_USAGE = Usage()
_NO_DETAILS, _NO_SPLIT = _Details(), _Lifetimes()


def buckets(prompt: int | None, output: int | None, usage: Usage) -> Row:
    """Exclusive token buckets of a call.

    Args:
        prompt: all input, what was read from and written to a cache inside.
        output: all output, reasoning inside.
        usage: the parts.

    Raises:
        ValueError: the parts exceed the whole, or are below zero.
    """
    inside, thought = usage.prompt_tokens_details or _NO_DETAILS, usage.completion_tokens_details or _NO_DETAILS
    read = _calls.count(_first(usage.cache_read_input_tokens, inside.cached_tokens), "cached tokens") or 0
    five, hour = _written(usage, inside)
    return {
        "input_tokens": _calls.uncached(prompt, read, five, hour, name="prompt tokens"),
        "cache_read_tokens": read,
        "cache_write_5m_tokens": five,
        "cache_write_1h_tokens": hour,
        "output_tokens": output,
        "reasoning_tokens": _calls.count(thought.reasoning_tokens, "reasoning_tokens"),
    }


def _written(usage: Usage, inside: _Details) -> tuple[int, int]:
    """Tokens written to a cache for five minutes and for an hour; without a split all are of five minutes."""
    given = _first(usage.cache_creation_input_tokens, inside.cache_creation_tokens, inside.cache_write_tokens)
    total = _calls.count(given, "cache write tokens")
    split = usage.cache_creation or inside.cache_creation_token_details or _NO_SPLIT
    five, hour = _calls.count(split.five, "5 minute cache writes"), _calls.count(split.hour, "1 hour cache writes") or 0
    if total is None:
        return five or 0, hour
    if not five and not hour:
        return total, 0
    if hour > total or (five is not None and five + hour != total):
        raise ValueError(f"cache writes of 5 minutes ({five or 0}) and 1 hour ({hour}) are not their total ({total})")
    return total - hour, hour


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)
