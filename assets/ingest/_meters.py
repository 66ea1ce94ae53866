"""Buckets that exclude each other, out of counts that hold each other: what all formats of calls and of usage share.

A source counts a whole and its parts. The prompt of OpenAI and Google holds what was read from a cache and what was audio; the cached part
may be audio too, and is then counted twice inside the same whole. Here every token stands in one bucket, and what cannot be, a part larger
than its whole, is an error with a reason. A bucket that the source does not tell apart is None: its tokens stay in the whole.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from meterbook.assets.ingest.format import exact

Row = dict[str, Any]
INPUT = (
    "input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "cache_write_12h_tokens", "audio_input_tokens",
    "audio_cache_read_tokens", "image_input_tokens", "image_cache_read_tokens", "video_input_tokens",
)  # fmt: skip
OUTPUT = ("output_tokens", "audio_output_tokens", "image_output_tokens")
BUCKETS = (*INPUT, *OUTPUT)
"""Every bucket of tokens; no token stands in two."""
USED = (*BUCKETS, "reasoning_tokens", "searches", "quantity", "quantity_unit", "region", "all_tokens")
"""Columns of a raw table that say what a call used; `all_tokens` is what its buckets add up to."""
ASSUMED = "is_lifetime_assumed"
"""Key of a row: whether tokens are taken as written for five minutes only because nothing else is said."""
_TIERS = {
    **dict.fromkeys(("default", "auto", "standard", "on_demand"), "standard"),
    **dict.fromkeys(("priority_on_demand", "on_demand_priority"), "priority"),
    **dict.fromkeys(("flex_discount", "on_demand_flex"), "flex"),
    **dict.fromkeys(("scale", "reserved", "provisioned_throughput"), "provisioned"),
}
"""What providers call their tiers; what is bought ahead as throughput (OpenAI's scale, Bedrock's reserved) is provisioned."""
_NO_REGION = frozenset({"", "global", "default", "not_available", "unknown"})


class Media(NamedTuple):
    """Tokens that are not text; None where they are not told apart."""

    audio: int | None = None
    image: int | None = None
    video: int | None = None

    @property
    def total(self) -> int:
        """All of them."""
        return self.heard_or_seen + (self.video or 0)

    @property
    def heard_or_seen(self) -> int:
        """Audio and images: cached video and video that was made have no bucket, and stay in the whole."""
        return (self.audio or 0) + (self.image or 0)


class Writes(NamedTuple):
    """Tokens written to a cache, by lifetime; `is_assumed` where the source does not say that the first are of five minutes."""

    five: int = 0
    hour: int = 0
    half_day: int = 0
    is_assumed: bool = False

    @property
    def total(self) -> int:
        """All of them."""
        return self.five + self.hour + self.half_day


TEXT_ONLY, NO_WRITES = Media(), Writes()


def inputs(
    whole: int | None,
    cached: int | None = None,
    writes: Writes = NO_WRITES,
    media: Media = TEXT_ONLY,
    cached_media: Media = TEXT_ONLY,
    *,
    name: str = "input tokens",
) -> Row:
    """Input in exclusive buckets.

    Args:
        whole: all input, all parts inside.
        cached: of it, what was read from a cache, of whatever medium.
        writes: of it, what was written to a cache.
        media: of it, what is not text, what was read from a cache inside.
        cached_media: of what was read from a cache, what is not text.
        name: what the source calls the whole.

    Returns:
        The buckets that are told apart, and ASSUMED.

    Raises:
        ValueError: a part is larger than its whole.
    """
    for part, medium, of_cached in zip(Media._fields, media, cached_media, strict=True):
        if medium is not None and (of_cached or 0) > medium:
            raise ValueError(f"cached {part} tokens ({of_cached}) exceed {part} tokens ({medium})")
    if cached_media.total > (cached or 0):
        raise ValueError(f"cached audio and image tokens ({cached_media.total}) exceed cached tokens ({cached or 0})")
    uncached = Media(*map(_without, media, cached_media))
    found = {
        "input_tokens": _rest(whole, (cached or 0) + writes.total, uncached.total, name),
        "cache_read_tokens": None if cached is None else cached - cached_media.heard_or_seen,
        "cache_write_5m_tokens": writes.five,
        "cache_write_1h_tokens": writes.hour,
        ASSUMED: writes.is_assumed and writes.five > 0,
    }
    rare = {
        "cache_write_12h_tokens": writes.half_day or None,
        "audio_input_tokens": uncached.audio,
        "audio_cache_read_tokens": cached_media.audio,
        "image_input_tokens": uncached.image,
        "image_cache_read_tokens": cached_media.image,
        "video_input_tokens": uncached.video,
    }
    return found | {bucket: tokens for bucket, tokens in rare.items() if tokens is not None}


def _rest(whole: int | None, cached: int, media: int, name: str) -> int | None:
    if whole is None:
        return None
    if cached > max(whole, 0):
        raise ValueError(f"cached tokens ({cached}) exceed {name} ({whole})")
    if cached + media > max(whole, 0):
        raise ValueError(f"cached, audio, image and video tokens ({cached + media}) exceed {name} ({whole})")
    return whole - cached - media


def _without(medium: int | None, of_cached: int | None) -> int | None:
    return None if medium is None else medium - (of_cached or 0)


def assumed_lifetimes(calls: int) -> list[str]:
    """What is to be said of a file in which so many calls are ASSUMED."""
    return [f"holds {calls:,} calls whose cache writes have no lifetime: taken as of 5 minutes"] if calls else []


def outputs(whole: int | None, media: Media = TEXT_ONLY, reasoning: int | None = None, name: str = "output tokens") -> Row:
    """Output in exclusive buckets, reasoning inside output_tokens.

    Args:
        whole: all output, reasoning and media inside.
        media: of it, what is not text.
        reasoning: of it.
        name: what the source calls the whole.

    Raises:
        ValueError: a part is larger than its whole.
    """
    parts = media.heard_or_seen + (reasoning or 0)
    if whole is not None and parts > max(whole, 0):
        what = "reasoning, audio and image tokens" if media.heard_or_seen else "reasoning tokens"
        raise ValueError(f"{what} ({parts}) exceed {name} ({whole})")
    found = {"output_tokens": None if whole is None else whole - media.heard_or_seen, "reasoning_tokens": reasoning}
    rare = {"audio_output_tokens": media.audio, "image_output_tokens": media.image}
    return found | {bucket: tokens for bucket, tokens in rare.items() if tokens is not None}


def with_thoughts(output: int | None, thoughts: int | None, *, whole_input: int | None, total: int | None) -> int | None:
    """Output with reasoning inside.

    Google counts thoughts beside candidates, unless prompt and candidates are the total; others count reasoning inside the output. So
    reasoning is added where the total says so, or where there is more of it than output and no total says otherwise.
    """
    if output is None or not thoughts:
        return output
    given = (whole_input or 0) + output
    is_beside = total == given + thoughts or (thoughts > output and total != given)
    return output + thoughts if is_beside else output


def tier(name: str | None, speed: str | None = None) -> str | None:
    """The tier that served, as sql/kinds.yaml spells it; None where nothing is said.

    Args:
        name: as the answer names it; tiers that are not known stay as they are.
        speed: Anthropic's fast mode, which has prices of its own.
    """
    spelt = (name or "").strip().lower()
    return "fast" if (speed or "").lower() == "fast" else _TIERS.get(spelt, spelt) or None


def region(*names: str | None) -> str | None:
    """The first region that is named, in small letters; None is the default one, which providers call global."""
    spelt = ((name or "").strip().lower()[:100] for name in names)
    return next((name for name in spelt if name not in _NO_REGION), None)


def quantity(amount: Decimal | int | None, unit: str, name: str) -> Row:
    """What a call used that is not tokens; nothing where there is none of it.

    Raises:
        ValueError: no number, negative, or too large.
    """
    if not amount:
        return {}
    given = Decimal(amount)
    if given.is_finite() and given < 0:
        raise ValueError(f"{name} is negative ({given})")
    return {"quantity": exact(given, 6, 18, name), "quantity_unit": unit}


def all_tokens(row: Mapping[str, Any]) -> int:
    """Tokens of all buckets: by them the fullest of several copies is known."""
    return sum(row.get(bucket) or 0 for bucket in BUCKETS)
