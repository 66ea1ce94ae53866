"""What LiteLLM says of what a call used: its own usage object, in which the prompt holds everything that was cached, and all media.

Names are those of `litellm.types.utils.Usage` (1.109.1). Fields marked as rare say something in few calls only; see `_shapes`.
"""

from decimal import Decimal
from typing import Annotated

import msgspec

from meterbook.assets.ingest import _calls, _meters
from meterbook.assets.ingest._calls import Row
from meterbook.assets.ingest._meters import Media, Writes
from meterbook.assets.ingest._records import Count
from meterbook.assets.ingest._rows import BROKEN
from meterbook.assets.ingest._shapes import UNREAD, rare, says_more

RareCount = Annotated[Count | None, rare(0)]
RareRegion = Annotated[str | None, rare("", "global", "not_available")]
RareAmount = Annotated[Decimal | None, rare(0)]
CallType = Annotated[
    str | None,
    rare(
        *("", "completion", "acompletion", "text_completion", "atext_completion", "embedding", "aembedding", "responses", "aresponses"),
        *("anthropic_messages", "aanthropic_messages", "pass_through_endpoint", "generate_content", "agenerate_content"),
        *("generate_content_stream", "agenerate_content_stream"),
    ),
]
"""Kinds of calls; those that count tokens of text say nothing more."""
IMAGES = frozenset({"image_generation", "aimage_generation", "image_edit", "aimage_edit", "passthrough_image_generation"})
_BATCHES = frozenset({"retrieve_batch", "aretrieve_batch"})
SPECIAL = IMAGES | _BATCHES
"""Kinds of calls whose output or tier is another than the usage object says."""


class Lifetimes(msgspec.Struct, gc=False, omit_defaults=True):
    """Tokens written to a cache, by lifetime, as Anthropic gives them."""

    five: Count | None = msgspec.field(default=None, name="ephemeral_5m_input_tokens")
    hour: Count | None = msgspec.field(default=None, name="ephemeral_1h_input_tokens")


class _Kept(msgspec.Struct, gc=False, omit_defaults=True):
    five: Annotated[Count | None, UNREAD] = msgspec.field(default=None, name="ephemeral_5m_input_tokens")
    thirty: Annotated[Count | None, UNREAD] = msgspec.field(default=None, name="ephemeral_30m_input_tokens")
    hour: RareCount = msgspec.field(default=None, name="ephemeral_1h_input_tokens")
    half_day: RareCount = msgspec.field(default=None, name="ephemeral_12h_input_tokens")


class _Media(msgspec.Struct, gc=False, omit_defaults=True):
    audio_tokens: RareCount = None
    image_tokens: RareCount = None


class _Tools(msgspec.Struct, gc=False, omit_defaults=True):
    web_search_requests: RareCount = None


class _Prompt(msgspec.Struct, gc=False, omit_defaults=True):
    cached_tokens: Count | None = None
    cache_creation_tokens: Count | None = None
    cache_write_tokens: Count | None = None
    cache_creation_token_details: _Kept | None = None
    cached_tokens_details: _Media | None = None
    audio_tokens: RareCount = None
    image_tokens: RareCount = None
    video_tokens: RareCount = None
    web_search_requests: RareCount = None
    character_count: RareCount = None
    image_count: RareCount = None
    audio_length_seconds: RareAmount = None
    video_length_seconds: RareAmount = None


class Completion(msgspec.Struct, gc=False, omit_defaults=True):
    """Parts of the output."""

    reasoning_tokens: Count | None = None
    audio_tokens: RareCount = None
    image_tokens: RareCount = None


class Usage(msgspec.Struct, gc=False, omit_defaults=True):
    """What was used, as LiteLLM normalises it: the details of OpenAI's shape, and beside them the counts of Anthropic's."""

    prompt_tokens_details: _Prompt | None = None
    completion_tokens_details: Completion | None = None
    cache_read_input_tokens: Count | None = None
    cache_creation_input_tokens: Count | None = None
    cache_creation: Lifetimes | None = None
    service_tier: str | None = None
    server_tool_use: _Tools | None = None
    inference_geo: RareRegion = None
    speed: Annotated[str | None, rare("", "standard")] = None
    seconds: RareAmount = None
    pages_processed: RareCount = None

    @property
    def parts(self) -> tuple[msgspec.Struct | None, ...]:
        """Records in which the counts of tokens and tools are split."""
        return self.prompt_tokens_details, self.completion_tokens_details, self.server_tool_use


class Breakdown(msgspec.Struct, gc=False, omit_defaults=True):
    """What LiteLLM priced a call by."""

    service_tier: str | None = None
    original_cost: Annotated[Decimal | None, UNREAD] = None
    data_residency: RareRegion = None
    vertex_location: RareRegion = None


class _Choice(msgspec.Struct):
    finish_reason: str | None = None


class _Answer(msgspec.Struct):
    choices: list[_Choice] | None = None
    stop_reason: str | None = None
    status: str | None = None


NO_USAGE = Usage()
_NO_PROMPT, _NO_COMPLETION, _NO_MEDIA, _NO_TOOLS = _Prompt(), Completion(), _Media(), _Tools()


def buckets(prompt: int | None, output: int | None, total: int | None, usage: Usage, call_type: str | None = None) -> Row:
    """Exclusive buckets of a call, searches, and what it used that is not tokens.

    Args:
        prompt: all input, what was read from and written to a cache inside.
        output: all output, reasoning inside.
        total: both together.
        usage: the parts.
        call_type: the kind of call.

    Raises:
        ValueError: the parts exceed the whole, or are below zero.
    """
    inside, made = usage.prompt_tokens_details or _NO_PROMPT, usage.completion_tokens_details or _NO_COMPLETION
    read = _calls.count(_first(usage.cache_read_input_tokens, inside.cached_tokens), "cached tokens") or 0
    media = _media("", inside.audio_tokens, inside.image_tokens, inside.video_tokens)
    of_cached = inside.cached_tokens_details or _NO_MEDIA
    cached_media = _media("cached ", of_cached.audio_tokens, of_cached.image_tokens)
    thoughts = _calls.count(made.reasoning_tokens, "reasoning_tokens")
    whole_output = _meters.with_thoughts(output, thoughts, whole_input=prompt, total=total)
    made_media = _media("output ", made.audio_tokens, made.image_tokens)
    if call_type in IMAGES and made == _NO_COMPLETION and output:
        made_media = Media(image=output)  # images are all that such a call gives, and OpenAI does not say it again
    searched = (usage.server_tool_use or _NO_TOOLS).web_search_requests
    counted = bool(prompt or output)
    return {
        **_meters.inputs(prompt, read, _written(usage, inside), media, cached_media, name="prompt tokens"),
        **_meters.outputs(whole_output, made_media, thoughts, name="completion tokens"),
        "searches": _calls.count(_first(searched, inside.web_search_requests), "web_search_requests"),
        **({} if counted else _quantity(usage, inside)),
    }


def has_meters(usage: Usage) -> bool:
    """Whether a call used something that few calls use."""
    return usage.seconds is not None or usage.pages_processed is not None or any(map(says_more, usage.parts))


def tier(usage: Usage, breakdown: Breakdown, call_type: str | None) -> str | None:
    """The tier that served: the answer's, else the one it was priced at; a batch is booked as one row when its result is fetched."""
    named = _meters.tier(usage.service_tier or breakdown.service_tier, usage.speed)
    return "batch" if call_type in _BATCHES and named in {None, "standard"} else named


def region(usage: Usage, breakdown: Breakdown) -> str | None:
    """Where the call was served, as far as that has a price of its own."""
    return _meters.region(usage.inference_geo, breakdown.data_residency, breakdown.vertex_location)


def finish_reason(response: msgspec.Raw) -> str | None:
    """Why an answer ended, in the word of its shape (`stop`, `length`, `max_tokens`, `incomplete`); None where it is not stored.

    Args:
        response: JSON of the answer, or its text, in the shape of OpenAI (chat or responses) or of Anthropic.
    """
    text = bytes(response)
    try:
        text = msgspec.json.decode(text, type=str).encode() if text.startswith(b'"') else text
        found = msgspec.json.decode(text, type=_Answer)
    except (*BROKEN, UnicodeEncodeError):
        return None
    ended = found.choices[0].finish_reason if found.choices else found.stop_reason or found.status
    return ended[:500] if ended else None


def _media(where: str, audio: int | None, image: int | None, video: int | None = None) -> Media:
    return Media(*(_calls.count(value, f"{where}{name}_tokens") for name, value in (("audio", audio), ("image", image), ("video", video))))


def _quantity(usage: Usage, inside: _Prompt) -> Row:
    """What a call without tokens used; nothing where it used several things, which are priced apart."""
    length = (inside.audio_length_seconds or 0) + (inside.video_length_seconds or 0)
    given = (
        ("seconds", usage.seconds or length),
        ("pages", usage.pages_processed),
        ("characters", inside.character_count),
        ("images", inside.image_count),
    )
    found = [(unit, amount) for unit, amount in given if amount]
    return _meters.quantity(found[0][1], found[0][0], found[0][0]) if len(found) == 1 else {}


def _written(usage: Usage, inside: _Prompt) -> Writes:
    """Tokens written to a cache; without a lifetime they are of five minutes, and those of thirty count as such too."""
    given = _first(usage.cache_creation_input_tokens, inside.cache_creation_tokens, inside.cache_write_tokens)
    total = _calls.count(given, "cache write tokens")
    five, hour, half_day = _lifetimes(usage, inside)
    kept = (five or 0) + hour + half_day
    if total is None:
        return Writes(five or 0, hour, half_day)
    if not kept:
        return Writes(total, is_assumed=True)
    if hour + half_day > total or (five is not None and kept != total):
        longer = f"1 hour ({hour})" if not half_day else f"1 hour ({hour}) and 12 hours ({half_day})"
        raise ValueError(f"cache writes of 5 minutes ({five or 0}) and {longer} are not their total ({total})")
    return Writes(total - hour - half_day, hour, half_day)


def _lifetimes(usage: Usage, inside: _Prompt) -> tuple[int | None, int, int]:
    plain, kept = usage.cache_creation, inside.cache_creation_token_details
    given = (plain.five, plain.hour, None, None) if plain else (kept.five, kept.hour, kept.half_day, kept.thirty) if kept else (None,) * 4
    names = ("5 minute", "1 hour", "12 hour", "30 minute")
    five, hour, half_day, thirty = (_calls.count(value, f"{name} cache writes") for value, name in zip(given, names, strict=True))
    return (five if thirty is None else (five or 0) + thirty), hour or 0, half_day or 0


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)
