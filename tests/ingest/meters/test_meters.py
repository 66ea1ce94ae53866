"""Buckets that exclude each other: whatever a source counts, every token stands in one."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbook.assets.ingest import _meters
from meterbook.assets.ingest._meters import BUCKETS, INPUT, OUTPUT, Media, Writes

COUNTS = st.integers(0, 10**9)
MAYBE = st.none() | COUNTS
PARTS = st.builds(Media, MAYBE, MAYBE, MAYBE)


def total(row: dict[str, Any], buckets: tuple[str, ...]) -> int:
    return sum(row.get(name) or 0 for name in buckets)


def plus(one: int | None, other: int | None) -> int | None:
    return None if one is None and other is None else (one or 0) + (other or 0)


@given(text=COUNTS, read=COUNTS, writes=st.builds(Writes, COUNTS, COUNTS, COUNTS), media=PARTS, cached=PARTS)
def test_input_buckets_add_up_to_the_whole_and_each_is_what_went_in(
    text: int, read: int, writes: Writes, media: Media, cached: Media
) -> None:
    # A medium of which some was cached is counted as a whole, with that inside.
    counted = Media(*map(plus, media, cached))
    whole = text + read + writes.total + counted.total
    row = _meters.inputs(whole, read + cached.total, writes, counted, cached)
    assert total(row, INPUT) == whole == _meters.all_tokens(row)
    # Cached video has no bucket of its own.
    assert (row["input_tokens"], row["cache_read_tokens"]) == (text, read + (cached.video or 0))
    assert tuple(row.get(f"{name}_input_tokens") or 0 for name in Media._fields) == tuple(part or 0 for part in media)
    assert (row.get("audio_cache_read_tokens"), row.get("image_cache_read_tokens")) == (cached.audio, cached.image)


@given(text=COUNTS, media=PARTS, share=st.integers(0, 100))
def test_output_buckets_add_up_to_the_whole_with_reasoning_inside(text: int, media: Media, share: int) -> None:
    row = _meters.outputs(text + media.total, media, text * share // 100)
    assert total(row, OUTPUT) == text + media.total
    assert row["output_tokens"] == text + (media.video or 0) >= row["reasoning_tokens"]


@given(whole=COUNTS, read=MAYBE, writes=st.builds(Writes, COUNTS, COUNTS, COUNTS), media=PARTS, cached=PARTS)
def test_no_bucket_is_ever_below_zero_nor_clamped(whole: int, read: int | None, writes: Writes, media: Media, cached: Media) -> None:
    try:
        row = _meters.inputs(whole, read, writes, media, cached)
    except ValueError:
        return
    assert min(row[name] or 0 for name in BUCKETS if name in row) >= 0
    assert total(row, INPUT) == whole


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"cached": 11}, "cached tokens (11) exceed prompt (10)"),
        ({"cached": 6, "writes": Writes(2, 2, 1)}, "cached tokens (11) exceed prompt (10)"),
        ({"cached": 6, "media": Media(5)}, "cached, audio, image and video tokens (11) exceed prompt (10)"),
        ({"media": Media(4, 4, 3)}, "cached, audio, image and video tokens (11) exceed prompt (10)"),
        ({"cached": 5, "media": Media(1), "cached_media": Media(2)}, "cached audio tokens (2) exceed audio tokens (1)"),
        ({"cached": 5, "media": Media(video=1), "cached_media": Media(video=2)}, "cached video tokens (2) exceed video tokens (1)"),
        ({"cached": 1, "cached_media": Media(1, 1)}, "cached audio and image tokens (2) exceed cached tokens (1)"),
    ],
)
def test_a_part_larger_than_its_whole_is_an_error_and_not_clamped(parts: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011 -- its text is compared whole
        _meters.inputs(10, **parts, name="prompt")
    assert str(error.value) == reason


@pytest.mark.parametrize(("media", "reasoning"), [(Media(6, 5), None), (Media(6), 5), (Media(), 11)])
def test_more_audio_images_and_reasoning_than_output_is_an_error(media: Media, reasoning: int | None) -> None:
    with pytest.raises(ValueError, match=r"tokens \(11\) exceed output tokens \(10\)"):
        _meters.outputs(10, media, reasoning)


@pytest.mark.parametrize(
    ("output", "thoughts", "total", "expected"),
    [
        (700, 300, 10_700, 700),
        (400, 300, 10_700, 700),
        (100, 300, None, 400),
        (400, 300, None, 400),
        (100, 300, 10_100, 100),
        (400, None, 10_700, 400),
        (None, 300, 10_300, None),
    ],
    ids=["inside", "beside", "more than the output", "no total", "said to be inside", "none", "unknown"],
)
def test_the_thoughts_of_google_are_added_unless_prompt_and_candidates_are_the_total(
    output: int | None, thoughts: int | None, total: int | None, expected: int | None
) -> None:
    assert _meters.with_thoughts(output, thoughts, whole_input=10_000, total=total) == expected


@pytest.mark.parametrize(
    ("name", "speed", "expected"),
    [
        (None, None, None),
        ("", "standard", None),
        ("default", None, "standard"),
        ("AUTO", None, "standard"),
        ("priority", None, "priority"),
        ("scale", None, "provisioned"),
        ("reserved", None, "provisioned"),
        ("flex_discount", None, "flex"),
        ("standard", "fast", "fast"),
        ("tomorrow", None, "tomorrow"),
    ],
)
def test_a_tier_has_one_spelling_and_fast_mode_is_one(name: str | None, speed: str | None, expected: str | None) -> None:
    assert _meters.tier(name, speed) == expected


@pytest.mark.parametrize(
    ("names", "expected"), [(("global", "US"), "us"), (("", None), None), (("not_available",), None), ((" eu-west-1 ",), "eu-west-1")]
)
def test_a_region_is_in_small_letters_and_the_global_one_is_none(names: tuple[str | None, ...], expected: str | None) -> None:
    assert _meters.region(*names) == expected


def test_a_quantity_is_exact_and_none_of_it_is_nothing() -> None:
    assert _meters.quantity(Decimal("9.5"), "seconds", "seconds") == {"quantity": Decimal("9.500000"), "quantity_unit": "seconds"}
    assert _meters.quantity(0, "images", "images") == {}
    with pytest.raises(ValueError, match=r"pages is negative \(-1\)"):
        _meters.quantity(-1, "pages", "pages")
