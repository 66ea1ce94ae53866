"""The cap is never below what 995 in a thousand of the accepted answers fit under, however they are spread and binned."""

from collections.abc import Sequence
from datetime import date, timedelta

from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from meterbook.assets.workspace import columns, project
from meterbook.sql.schemas import empty_table
from meterbook.sql.scratch import scratch

CELL = "'chat', 'openai', 'm'"
TODAY = date(2026, 10, 2)
LENGTHS = st.lists(st.integers(1, 200_000) | st.integers(1, 600), min_size=200, max_size=420)


def _cap(lengths: Sequence[int], day: date = TODAY - timedelta(days=1)) -> int | None:
    """The cap of a day after one on which answers were so long."""
    with scratch() as con:
        con.execute(
            f"set variable from_day = date '{TODAY - timedelta(days=40)}'; set variable to_day = date '{TODAY + timedelta(days=1)}'"
        )
        for name in ("core.request", "core.truncated_answer", "book.output_cap"):
            empty_table(con, name, columns()[name])
        con.execute(
            f"""insert into core.request (request_id, day, feature, provider, model, status, is_cache_hit, is_estimated, output_tokens)
                select 'r' || row_number() over (), day, {CELL}, 'success', false, false, tokens
                from (select date '{day}' as day, unnest(?) as tokens union all select date '{TODAY}', 7)""",
            [list(lengths)],
        )
        for name in ("core.output_histogram", "core.output_cap"):
            con.execute(f"create table {name} as {project().models[name].sql}")
        found = con.execute(f"select cap_tokens from core.output_cap where day = date '{TODAY}'").fetchall()
    return found[0][0] if found else None


def _exact(lengths: Sequence[int]) -> int:
    return sorted(lengths)[-(-len(lengths) * 995 // 1000) - 1]


@examples(8)
@given(LENGTHS)
def test_a_cap_is_at_least_the_exact_quantile_and_at_most_a_64th_above_it(lengths: list[int]) -> None:
    cap, exact = _cap(lengths), _exact(lengths)
    assert cap is not None
    assert max(exact, 256) <= cap <= max(256, exact + max(3, exact // 64))


@examples(5)
@given(LENGTHS, st.data())
def test_longer_answers_never_lower_a_cap(lengths: list[int], data: st.DataObject) -> None:
    longer = [
        length + more for length, more in zip(lengths, data.draw(st.lists(st.integers(0, 5000), min_size=len(lengths))), strict=False)
    ]
    before, after = _cap(lengths), _cap(longer)
    assert before is not None
    assert after is not None
    assert after >= before


def test_answers_of_29_days_before_say_nothing_and_those_of_28_do() -> None:
    assert _cap([400] * 200, TODAY - timedelta(days=28)) == 400
    assert _cap([400] * 200, TODAY - timedelta(days=29)) is None
