"""The usage object of a provider's answer as gateways pass it on: OpenAI's (chat, responses, images, transcriptions) and Anthropic's.

In OpenAI's shape the details lie inside the input: what was read from a cache, what was written to one, audio and images. Anthropic's
counts of cached tokens lie beside its input. Google's thoughts lie beside the output where the total says so.
"""

from decimal import Decimal

import msgspec

from meterbook.assets.ingest import _calls, _meters
from meterbook.assets.ingest._calls import Row
from meterbook.assets.ingest._meters import Media, Writes
from meterbook.assets.ingest._records import Count
from meterbook.assets.sources import Options


class _CachedMedia(msgspec.Struct):
    audio_tokens: Count | None = None
    image_tokens: Count | None = None


class _Kept(msgspec.Struct):
    ttl_12h_tokens: Count | None = None


class _Details(msgspec.Struct):
    cached_tokens: Count | None = None
    cached_tokens_details: _CachedMedia | None = None
    cache_write_tokens: Count | None = None
    cache_write_tokens_details: _Kept | None = None
    reasoning_tokens: Count | None = None
    audio_tokens: Count | None = None
    audio_tokens_count: Count | None = None
    image_tokens: Count | None = None
    video_tokens: Count | None = None


class _Lifetimes(msgspec.Struct):
    ephemeral_1h_input_tokens: Count | None = None


class _Tools(msgspec.Struct):
    web_search_requests: Count | None = None


class Usage(msgspec.Struct):
    """What an answer says was used; the spellings of older gateways beside those of the providers."""

    prompt_tokens: Count | None = None
    prompt_token: Count | None = None
    input_tokens: Count | None = None
    completion_tokens: Count | None = None
    completion_token: Count | None = None
    output_tokens: Count | None = None
    total_tokens: Count | None = None
    prompt_tokens_details: _Details | None = None
    input_tokens_details: _Details | None = None
    input_token_details: _Details | None = None
    completion_tokens_details: _Details | None = None
    output_tokens_details: _Details | None = None
    cache_read_input_tokens: Count | None = None
    cache_creation_input_tokens: Count | None = None
    cache_creation: _Lifetimes | None = None
    server_tool_use: _Tools | None = None
    service_tier: str | None = None
    speed: str | None = None
    inference_geo: str | None = None
    seconds: Decimal | None = None

    @property
    def whole_input(self) -> int | None:
        """Input as it is counted, cached tokens inside or beside it."""
        return self._counted("input_tokens", "prompt_tokens", "prompt_token")

    @property
    def whole_output(self) -> int | None:
        """Output as it is counted."""
        return self._counted("output_tokens", "completion_tokens", "completion_token")

    @property
    def cached(self) -> int:
        """Tokens read from a cache and written to one."""
        return _read(self) + _written(self).total

    def _counted(self, *names: str) -> int | None:
        return next((_calls.count(value, name) for name in names if (value := getattr(self, name)) is not None), None)


_NONE, _NO_MEDIA, _NOT_KEPT, _NO_TOOLS = _Details(), _CachedMedia(), _Kept(), _Tools()
NO_USAGE = Usage()


def buckets(usage: Usage, options: Options, output: int | None = None, *, is_image: bool = False) -> Row:
    """Exclusive buckets of an answer, its searches, and seconds of audio where it has no tokens.

    Args:
        usage: what the answer says.
        options: may decide whether cached tokens lie inside the input.
        output: the output, where the usage does not say it.
        is_image: whether the answer is images, and nothing else.

    Raises:
        ValueError: a part is larger than its whole, or below zero.
    """
    given, inside = usage.whole_input, usage.prompt_tokens_details or usage.input_tokens_details or usage.input_token_details or _NONE
    made = usage.completion_tokens_details or usage.output_tokens_details or _NONE
    whole = given if given is None or holds_cached(usage, options) else given + usage.cached
    output = output if usage.whole_output is None else usage.whole_output
    thoughts = _calls.count(made.reasoning_tokens, "reasoning_tokens")
    made_media = _media(made)
    if is_image and made == _NONE:
        made_media = Media(image=output)
    of_cached = inside.cached_tokens_details or _NO_MEDIA
    cached_media = Media(_calls.count(of_cached.audio_tokens, "cached tokens"), _calls.count(of_cached.image_tokens, "cached tokens"))
    has_none = not whole and not output
    return {
        **_meters.inputs(whole, _read(usage), _written(usage), _media(inside), cached_media),
        **_meters.outputs(_meters.with_thoughts(output, thoughts, whole_input=given, total=usage.total_tokens), made_media, thoughts),
        "searches": _calls.count((usage.server_tool_use or _NO_TOOLS).web_search_requests, "web_search_requests"),
        **(_meters.quantity(usage.seconds, "seconds", "seconds") if has_none else {}),
    }


def holds_cached(usage: Usage, options: Options) -> bool:
    """Whether cached tokens lie inside the input: the book says so, else the sum tells, else the names do."""
    if options.tokens is not None:
        return options.tokens == "inclusive"
    parts = (usage.whole_input or 0) + (usage.whole_output or 0)
    if usage.cached and usage.total_tokens in {parts, parts + usage.cached}:
        return usage.total_tokens == parts
    return usage.cache_read_input_tokens is None and usage.cache_creation_input_tokens is None


def _media(given: _Details) -> Media:
    counts = (("audio", _first(given.audio_tokens, given.audio_tokens_count)), ("image", given.image_tokens), ("video", given.video_tokens))
    return Media(*(_calls.count(value, f"{name}_tokens") for name, value in counts))


def _read(usage: Usage) -> int:
    details = usage.prompt_tokens_details or usage.input_tokens_details or usage.input_token_details or _NONE
    return _calls.count(_first(usage.cache_read_input_tokens, details.cached_tokens), "cached tokens") or 0


def _written(usage: Usage) -> Writes:
    details = usage.prompt_tokens_details or usage.input_tokens_details or usage.input_token_details or _NONE
    total = _calls.count(_first(usage.cache_creation_input_tokens, details.cache_write_tokens), "cache write tokens") or 0
    kept = details.cache_write_tokens_details or _NOT_KEPT
    hour = _calls.count(usage.cache_creation and usage.cache_creation.ephemeral_1h_input_tokens, "1 hour cache writes") or 0
    half_day = _calls.count(kept.ttl_12h_tokens, "12 hour cache writes") or 0
    if hour + half_day > total:
        raise ValueError(f"cache writes of 1 hour ({hour + half_day}) exceed their total ({total})")
    is_told = usage.cache_creation is not None or details.cache_write_tokens_details is not None
    return Writes(total - hour - half_day, hour, half_day, is_assumed=not is_told)


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)
