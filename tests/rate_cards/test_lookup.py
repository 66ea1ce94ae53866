"""The names that Python looks up mean the models that SQL finds for them."""

from datetime import date

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from meterbook.assets.workspace import columns, project
from meterbook.rate_cards.compile import SHIPPED, load_cards
from meterbook.rate_cards.lookup import Names
from meterbook.rate_cards.names import ALIAS, ANY_PROVIDER, NAME, PATTERN, Alias
from meterbook.sql.schemas import empty_table
from meterbook.sql.scratch import scratch

pytestmark = pytest.mark.long

DAY = date(2026, 10, 2)
PIECES = st.sampled_from(["a", "B", "-", ".", "_", "%", "!", "*", "-2026-01-31", "@20260131", "-20260131", "acme/", "[x]"])
TEXTS = st.lists(PIECES, min_size=1, max_size=4).map("".join)
PROVIDERS = st.sampled_from(["acme", "cloud.acme", "other"])


def _rank(name: str, place: int) -> int:
    return 100 * place + (PATTERN if "*" in name else place % 2)


ROWS = st.lists(
    st.builds(
        lambda who, name, of, place: (who, name.lower(), of, f"{of}-{name}", _rank(name, place)),
        PROVIDERS | st.just(ANY_PROVIDER),
        TEXTS,
        PROVIDERS,
        st.integers(0, 3),
    ),
    max_size=12,
)


def _in_sql(rows: list[Alias], names: list[tuple[str, str]]) -> dict[tuple[str, str], tuple[str, str] | None]:
    model = project().models["core.model_seen"]
    shapes = {**columns(), **{f"staging.{kind}": shape for kind, shape in project().kinds.items()}}
    with scratch() as con:
        for table in model.inputs:
            empty_table(con, table, shapes[table])
        for row in rows:
            con.execute("insert into rate_cards.alias values (?, ?, ?, ?, ?, date '1970-01-01', date '9999-12-31')", row)
        for number, (provider, name) in enumerate(names):
            con.execute(
                "insert into staging.request (request_id, day, provider, model) values (?, ?, nullif(?, ''), ?)",
                [str(number), DAY, provider, name],
            )
        con.execute(f"set variable from_day = date '{DAY}'; set variable to_day = date '{DAY}' + 1")
        found = con.execute(f"select provider, model, card_provider, card_model from ({model.sql})").fetchall()
    return {(provider, name): (of, meant) if meant else None for provider, name, of, meant in found}


@st.composite
def _asked(draw: st.DrawFn, rows: list[Alias]) -> set[tuple[str, str]]:
    """Names, most of them made of those that are known."""
    known = st.sampled_from([name for _, name, *_ in rows]) if rows else TEXTS
    spelled = st.builds(
        lambda name, anything, date: f"{name.replace('*', anything)}{date}",
        known | TEXTS,
        TEXTS,
        st.sampled_from(["", "-2026-01-31", "@20260131"]),
    )
    return draw(st.sets(st.tuples(st.sampled_from(["acme", "cloud.acme", "other", ""]), spelled), min_size=1, max_size=6))


@examples(25)
@given(st.data(), ROWS)
def test_a_name_means_in_sql_what_it_means_in_python(data: st.DataObject, rows: list[Alias]) -> None:
    names, asked = Names(rows), sorted(data.draw(_asked(rows)))
    meant = {name: names.matches(*name)[:1] for name in asked}
    assert _in_sql(rows, asked) == {name: (found[0][2], found[0][3]) if found else None for name, found in meant.items()}


def test_every_shipped_name_means_its_model_whatever_its_prefix_and_date() -> None:
    cards = load_cards([SHIPPED])
    own = {(who, name) for who, name, _, _, rank, _, _ in cards.aliases.rows() if rank % 10 in {NAME, ALIAS}}
    assert len(own) > 5_000
    for who, name, provider, model, rank, _, _ in cards.aliases.filter(cards.aliases["rank"] % 10 == NAME).rows():
        assert cards.names.matches(who, name.upper())[0][2:] == (provider, model, rank)
        if (who, dated := f"{name}-2026-01-31") not in own:
            assert cards.names.matches(who, dated)[0][2:4] == (provider, model)
