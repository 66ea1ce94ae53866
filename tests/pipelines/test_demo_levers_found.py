"""What levers find in the sample company's calls, compared with what was planted there for them."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.long

Ask = Callable[..., list[tuple[Any, ...]]]


def test_repeated_prompts_are_found_and_those_of_other_tenants_told_apart(ask: Ask, truth: dict[str, Any]) -> None:
    planted = truth["plants"]["repeated_prompts"]["requests"]
    names = ("low_repeats", "point_repeats", "high_repeats", "foreign_repeats", "cache_hits", "claimed_repeats")
    [(low, point, high, foreign, hits, claimed)] = ask(
        f"select {', '.join(f'cast(sum({name}) as bigint)' for name in names)} from marts.response_cache where eligible_requests > 0"
    )
    assert 0 < low < point < high
    # Each was asked within the hour before; the gateway answered some of them itself. A bare count finds them all, and claims every one.
    assert high + foreign + hits == pytest.approx(planted, rel=0.02)
    assert claimed + hits == pytest.approx(planted, rel=0.02)
    # Seven in ten repeat one of their own tenant.
    assert high / (high + foreign) == pytest.approx(0.7, abs=0.03)


def test_instructions_sent_again_and_again_are_found_in_every_call_that_was_answered(ask: Ask, truth: dict[str, Any]) -> None:
    plant = truth["plants"]["repeated_instructions"]
    query = """
        select count(*), cast(sum(case when reuse.point_read_tokens > 0 then 1 else 0 end) as bigint)
        from core.prefix_reuse as reuse
        inner join core.request_cost as cost on cost.day = reuse.day and cost.request_id = reuse.request_id
        where cost.feature = ?
    """
    [(found, read)] = ask(query, plant["feature"])
    # Some failed, and some came with a key that nobody owns.
    assert 0.95 * plant["requests"] < found <= plant["requests"]
    assert 0.5 * found < read < found
    [(low, high)] = ask("select sum(low_saving_usd), sum(high_saving_usd) from marts.prompt_cache where feature = ?", plant["feature"])
    assert 0 < low < high


def test_every_answered_call_that_may_wait_could_go_by_batch_since_its_model_has_a_price_there(ask: Ask, truth: dict[str, Any]) -> None:
    plant = truth["plants"]["deferrable"]
    tagged = "from core.request where is_deferrable and feature = ?"
    assert ask(f"select count(*) {tagged}", plant["feature"]) == [(plant["requests"],)]
    [(first, found)] = ask("select min(day), count(*) from core.batch_share where point_ppm > 0")
    assert [(found,)] == ask(f"select count(*) {tagged} and status = 'success' and day >= ?", plant["feature"], first)
    assert found > 0
