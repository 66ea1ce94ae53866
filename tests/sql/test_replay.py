"""What a cache would have answered: held against an oracle that is a dictionary, and what must hold whatever the traffic."""

import gzip
import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from meterbook.sql.replay import Calls, Hits, estimate, replay

SECOND = 1_000_000
TRACE = Path(__file__).parents[3] / "shared/traces/mooncake_conversation.jsonl.gz"
Traffic = list[tuple[int, int]]
"""Keys and instants, in microseconds."""
traffic = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 40).map(lambda half: half * SECOND // 2)), max_size=60)
"""Few keys and instants, so that instants are equal, gaps are the TTL to the microsecond, and buckets are left and entered."""
lives = st.sampled_from([1, 2, 3, 5, 30])


def hits_of(calls: Traffic, ttl_seconds: int, *, renews: bool = False) -> tuple[Hits, Traffic]:
    ordered = sorted(calls)
    entry, at = (np.array([call[part] for call in ordered], np.int64) for part in (0, 1))
    size = len(ordered)
    return estimate(Calls(entry, at, np.full(size, ttl_seconds * SECOND), renews)), ordered


def oracle(ordered: Sequence[tuple[int, int]], ttl_seconds: int, *, renews: bool) -> list[bool]:
    stored: dict[int, int] = {}
    hits = []
    for key, at in ordered:
        is_hit = key in stored and at - stored[key] <= ttl_seconds * SECOND
        hits.append(is_hit)
        if renews or not is_hit:
            stored[key] = at
    return hits


@given(traffic, lives, st.booleans())
@examples(200)
def test_the_replay_answers_what_a_dictionary_with_instants_does(calls: Traffic, ttl: int, renews: bool) -> None:
    found, ordered = hits_of(calls, ttl, renews=renews)
    assert found.exact.tolist() == oracle(ordered, ttl, renews=renews)


@given(traffic, lives, st.booleans())
@examples(200)
def test_low_is_at_most_exact_and_exact_at_most_high_for_every_key_whatever_the_traffic(calls: Traffic, ttl: int, renews: bool) -> None:
    found, ordered = hits_of(calls, ttl, renews=renews)
    assert not (found.exact & ~found.high).any()
    counts: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for (key, _), low, exact in zip(ordered, found.low, found.exact, strict=True):
        counts[key][0] += bool(low)
        counts[key][1] += bool(exact)
    assert all(low <= exact for low, exact in counts.values())


Asked = list[tuple[str, int, int]]
"""Scope, question and instant, in microseconds."""
asked = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 2), st.integers(0, 40).map(lambda half: half * SECOND // 2)), max_size=40)


@given(asked, lives, st.randoms(use_true_random=False))
@examples(60)
def test_the_step_keeps_the_order_of_estimates_for_each_call_and_heeds_no_order_of_rows(calls: Asked, ttl: int, chance: Any) -> None:
    rows = [(f"{number}", *call) for number, call in enumerate(calls)]
    found = replayed(rows, ttl)
    for row in found.values():
        assert row["low_ppm"] <= row["point_ppm"] <= row["high_ppm"]
        assert row["prefix_low_ppm"] <= row["prefix_point_ppm"] <= row["prefix_high_ppm"]
    assert {name for name, row in found.items() if row["point_ppm"]} == answered(rows, ttl, renews=False)
    assert {name for name, row in found.items() if row["prefix_point_ppm"]} == answered(rows, ttl, renews=True)
    assert {name for name, row in found.items() if row["wide_high_ppm"]} == answered_across(rows, ttl)
    chance.shuffle(rows)
    assert replayed(rows, ttl) == found


def answered(rows: Sequence[tuple[str, str, int, int]], ttl: int, *, renews: bool) -> set[str]:
    """Calls that the caches of each scope answer, by the dictionary."""
    ordered = sorted(rows, key=lambda row: (row[3], row[0]))
    keys = {key: number for number, key in enumerate(sorted({(scope, what) for _, scope, what, _ in rows}))}
    hits = oracle([(keys[scope, what], at) for _, scope, what, at in ordered], ttl, renews=renews)
    return {row[0] for row, hit in zip(ordered, hits, strict=True) if hit}


def answered_across(rows: Sequence[tuple[str, str, int, int]], ttl: int) -> set[str]:
    """Calls of what several scopes asked that were asked by any at most a TTL before."""
    ordered = sorted(rows, key=lambda row: (row[3], row[0]))
    hits = oracle([(what, at) for _, _, what, at in ordered], ttl, renews=True)
    crossed = {what for what in range(3) if len({scope for _, scope, asked, _ in rows if asked == what}) > 1}
    return {row[0] for row, hit in zip(ordered, hits, strict=True) if hit and row[2] in crossed}


def replayed(rows: Sequence[tuple[str, str, int, int]], ttl: int) -> dict[str, dict[str, Any]]:
    """What the step shows of each call, of one day, whose question is its prefix too and whose tenant has an account of its own."""
    names, scope, what, at = ([row[part] for row in rows] for part in range(4))
    size = len(rows)
    nothing, asked, lives = pa.nulls(size, pa.string()), pa.array(map(str, what), pa.string()), pa.array([ttl] * size, pa.int64())
    columns = {
        "request_id": pa.array(names, pa.string()),
        "day": pa.array([0] * size, pa.date32()),
        "started_at": pa.array(at, pa.timestamp("us")),
        "is_shown": pa.array([True] * size, pa.bool_()),
        **dict.fromkeys(("asked", "prefix"), asked),
        **dict.fromkeys(("ttl_seconds", "prefix_ttl_seconds"), lives),
        **dict.fromkeys(("tenant", "account_id"), pa.array(scope, pa.string())),
        **dict.fromkeys(("model", "max_output_tokens", "temperature", "provider", "project_id"), nothing),
        "open_tokens": pa.array([1] * size, pa.int64()),
    }
    return {row["request_id"]: row for row in replay(pa.table(columns)).to_pylist()}


def test_a_hit_at_the_end_of_the_ttl_is_one_and_a_microsecond_later_is_none() -> None:
    found, _ = hits_of([(1, 0), (1, 5 * SECOND), (2, 0), (2, 5 * SECOND + 1)], 5)
    assert found.exact.tolist() == found.high.tolist() == [False, True, False, False]


def test_a_hit_does_not_prolong_an_entry_unless_the_cache_renews() -> None:
    calls = [(1, 0), (1, 4 * SECOND), (1, 8 * SECOND), (1, 9 * SECOND)]
    assert hits_of(calls, 5)[0].exact.tolist() == [False, True, False, True]
    assert hits_of(calls, 5, renews=True)[0].exact.tolist() == [False, True, True, True]


def test_a_bucket_ends_on_the_clock_wherever_the_entry_was_stored() -> None:
    found, _ = hits_of([(1, 4 * SECOND), (1, 5 * SECOND), (1, 6 * SECOND)], 5)
    assert found.low.tolist() == [False, False, True]


@pytest.fixture(scope="module")
def blocks() -> tuple[Calls, int]:
    """Every block of every request of a real trace, as a call of a cache of blocks; and the tokens of all input."""
    if not TRACE.is_file():
        pytest.skip("the real traces lie beside the repository, in ../shared")
    with gzip.open(TRACE, "rt") as lines:
        requests = [json.loads(line) for line in lines]
    pairs = [(block, request["timestamp"] * 1000) for request in requests for block in request["hash_ids"]]
    entry, at = (np.array(part, np.int64) for part in zip(*pairs, strict=True))
    order = np.lexsort((at, entry))
    size = len(pairs)
    return Calls(entry[order], at[order], np.zeros(size, np.int64)), sum(one["input_length"] for one in requests)


def with_ttl(calls: Calls, seconds: int) -> Hits:
    return estimate(Calls(calls.entry, calls.at, np.full(len(calls.at), seconds * SECOND)))


def test_of_a_real_trace_374_in_a_thousand_input_tokens_could_have_been_read_from_an_endless_cache(blocks: tuple[Calls, int]) -> None:
    calls, tokens = blocks
    found = with_ttl(calls, 10**6)
    assert round(int(found.exact.sum()) * 512 / tokens, 3) == 0.374
    assert found.high.sum() == found.exact.sum()


@pytest.mark.parametrize("ttl", [60, 300, 3600])
def test_on_a_real_trace_low_is_at_most_exact_and_exact_at_most_high(blocks: tuple[Calls, int], ttl: int) -> None:
    found = with_ttl(blocks[0], ttl)
    assert 0 < found.low.sum() <= found.exact.sum() <= found.high.sum()
    assert not (found.exact & ~found.high).any()
