"""What caches may be taken to do (`response_cache`, `semantic_cache` and `prompt_cache` of levers.yaml), and the tables SQL sees of it."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Annotated

import polars as pl
from pydantic import Field

from meterbook.assets.sources import EVERY, Name, Strict, each_reached
from meterbook.rate_cards.patterns import like

DAY = 86_400
"""Seconds; what is older than the day before is not looked at, so no entry lives longer than a day."""
_Ttl = Annotated[int, Field(ge=1, le=DAY)]
_Feature = Annotated[Name, Field(description="feature; `*` is anything")]


class ResponseCache(Strict):
    """A cache of whole answers in front of the models, for the features whose name fits; of several entries that fit the first one counts.

    Without an entry, calls of temperature 0 without tools are taken to be answerable for an hour, within their tenant.

    Args:
        feature: as owners and logs name it; `*` is anything.
        ttl_seconds: how long an answer may be given again.
        opted_in: the feature's owner takes an old answer at any temperature, and says so for calls whose log does not tell it.
        shared: an answer to one tenant may be given to another.
        user_specific: answers are one user's own: nothing of it is answered from a cache.
    """

    feature: _Feature = EVERY
    ttl_seconds: _Ttl = 3600
    opted_in: bool = False
    shared: bool = False
    user_specific: bool = False


class SemanticCache(Strict):
    """A gateway's cache that answers questions which are only alike: what each look-up in it costs.

    Args:
        feature: as owners and logs name it; `*` is anything.
        lookup_usd: per call that is looked up, hit or miss.
        embedding_model: provider/model on a rate card, which each call's input is embedded with.
    """

    feature: _Feature = EVERY
    lookup_usd: Decimal = Field(default=Decimal(0), ge=0, lt=1_000_000, decimal_places=12)
    embedding_model: str | None = Field(default=None, pattern=r"^[^/]+/.+$", description="provider/model of a rate card")


class PromptCache(Strict):
    """The providers' caches of prompt prefixes.

    Args:
        ttl_seconds: how long a prefix stays after it was last read.
        minimum_tokens: shortest prefix that is cached, by provider (`*` is every other); else what the providers document.
    """

    ttl_seconds: _Ttl = 300
    minimum_tokens: Mapping[Name, Annotated[int, Field(ge=0)]] = {}


MINIMUM_TOKENS: Sequence[tuple[str, str, int]] = (
    # https://ai.google.dev/gemini-api/docs/caching, as of 2026-10-23
    (EVERY, "*gemini-2.5*", 2048),
    (EVERY, "*gemini*", 4096),
    # https://platform.claude.com/docs/en/build-with-claude/prompt-caching, as quoted in anthropics/anthropic-sdk-python#1194
    (EVERY, "*claude-opus-4-5*", 4096),
    (EVERY, "*claude-opus-4-6*", 4096),
    (EVERY, "*claude-haiku-4-5*", 4096),
    (EVERY, "*claude-3*haiku*", 2048),
    # https://developers.openai.com/api/docs/guides/prompt-caching; Anthropic's other models have the same
    (EVERY, EVERY, 1024),
)
"""Provider, model in small letters and the shortest prefix its cache takes; the first that fits counts."""


ResponseCaches = Annotated[tuple[ResponseCache, ...], each_reached("feature")]
SemanticCaches = Annotated[tuple[SemanticCache, ...], each_reached("feature")]
_RESPONSE: Mapping[str, pl.DataType] = {
    "place": pl.Int32(),
    "feature": pl.String(),
    "ttl_seconds": pl.Int64(),
    **dict.fromkeys(("is_opted_in", "is_shared", "is_user_specific"), pl.Boolean()),
}
_SEMANTIC: Mapping[str, pl.DataType] = {
    "place": pl.Int32(),
    "feature": pl.String(),
    "lookup_usd": pl.Decimal(18, 12),
    **dict.fromkeys(("provider", "model"), pl.String()),
}
_PROMPT: Mapping[str, pl.DataType] = {
    "place": pl.Int32(),
    **dict.fromkeys(("provider", "model"), pl.String()),
    **dict.fromkeys(("ttl_seconds", "minimum_tokens"), pl.Int64()),
}


def cache_tables(responses: Sequence[ResponseCache], semantics: Sequence[SemanticCache], prompts: PromptCache) -> dict[str, pl.DataFrame]:
    """book.response_cache, book.semantic_cache and book.prompt_cache, in the order of the book."""
    told = [*responses, *([] if any(entry.feature == EVERY for entry in responses) else [ResponseCache()])]
    return {
        "book.response_cache": pl.DataFrame([_response(place, one) for place, one in enumerate(told, 1)], schema=_RESPONSE),
        "book.semantic_cache": pl.DataFrame([_semantic(place, one) for place, one in enumerate(semantics, 1)], schema=_SEMANTIC),
        "book.prompt_cache": pl.DataFrame(list(_prompts(prompts)), schema=_PROMPT),
    }


def _response(place: int, entry: ResponseCache) -> dict[str, object]:
    return {
        "place": place,
        "feature": like(entry.feature),
        "ttl_seconds": entry.ttl_seconds,
        "is_opted_in": entry.opted_in,
        "is_shared": entry.shared,
        "is_user_specific": entry.user_specific,
    }


def _semantic(place: int, entry: SemanticCache) -> dict[str, object]:
    provider, _, model = (entry.embedding_model or "").partition("/")
    return {
        "place": place,
        "feature": like(entry.feature),
        "lookup_usd": entry.lookup_usd,
        "provider": provider or None,
        "model": model or None,
    }


def _prompts(entry: PromptCache) -> Iterator[dict[str, object]]:
    """What the book says of single providers, then what it says of all others, else what is documented."""
    own = [(provider, EVERY, tokens) for provider, tokens in entry.minimum_tokens.items() if provider != EVERY]
    others = [(EVERY, EVERY, tokens) for provider, tokens in entry.minimum_tokens.items() if provider == EVERY]
    for place, (provider, model, tokens) in enumerate((*own, *(others or MINIMUM_TOKENS)), 1):
        yield {
            "place": place,
            "provider": like(provider),
            "model": like(model),
            "ttl_seconds": entry.ttl_seconds,
            "minimum_tokens": tokens,
        }
