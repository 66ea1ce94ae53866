"""What must always hold when bills in other currencies become dollars, whatever the amounts and the rates."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from meterbook.assets.book_tables import fx_table
from meterbook.assets.workspace import columns, project
from meterbook.rate_cards.fx import FxRate
from meterbook.sql.schemas import empty_table
from meterbook.sql.scratch import scratch

pytestmark = pytest.mark.long

FIRST = date(2026, 10, 1)
PICO, WIDE = Decimal("1E-12"), Context(prec=80, rounding=ROUND_HALF_UP)
AMOUNT = st.decimals(min_value=-(10**15), max_value=10**15, places=12) | st.decimals(min_value=-1, max_value=1, places=12)
RATE = st.decimals(min_value="0.000000000001", max_value=1, places=12) | st.decimals(min_value=1, max_value=5, places=4)
DAY = st.integers(0, 20).map(lambda days: FIRST + timedelta(days))
CURRENCY = st.sampled_from(["EUR", "JPY", "KRW"])
LINES = st.lists(st.tuples(CURRENCY | st.none(), DAY, AMOUNT), min_size=1, max_size=12)
RATES = st.dictionaries(st.tuples(CURRENCY, DAY), RATE, max_size=8)
Line = tuple[str | None, date, Decimal]


def _charges(lines: Sequence[Line], rates: dict[tuple[str, date], Decimal]) -> list[dict[str, object]]:
    """Rows of core.charge, in the order of the lines."""
    model = project().models["core.charge"]
    with scratch() as con:
        for name in model.inputs:
            schema, table = name.split(".")
            empty_table(con, name, project().kinds[table] if schema == "staging" else columns()[name])
        for number, (currency, day, amount) in enumerate(lines):
            con.execute(
                "insert into staging.charge (charge_id, day, currency, billed_cost) values (?, ?, ?, cast(? as decimal(38,12)))",
                [f"{number:03d}", day, currency, f"{amount:f}"],
            )
        frame = fx_table(sorted(FxRate(currency, day, usd) for (currency, day), usd in rates.items()))
        con.register("given", frame.to_arrow())
        con.execute("insert into book.fx_rate by name select * from given")
        con.execute("set variable from_day = date '2026-10-01'; set variable to_day = date '2026-11-01'")
        return con.sql(f"select * from ({model.sql}) order by charge_id").pl().to_dicts()


def _dollars(line: Line, rates: dict[tuple[str, date], Decimal]) -> Decimal | None:
    """The same in Python: the latest rate that began on the day or before it."""
    currency, day, amount = line
    if currency is None:
        return amount
    begun = [(start, usd) for (of, start), usd in rates.items() if of == currency and start <= day]
    return WIDE.multiply(amount, max(begun)[1]).quantize(PICO, context=WIDE) if begun else None


@examples(20)
@given(LINES, RATES)
def test_every_line_is_converted_once_at_its_days_rate_and_the_sum_is_that_of_the_lines(
    lines: list[Line], rates: dict[tuple[str, date], Decimal]
) -> None:
    found = _charges(lines, rates)
    wanted = [_dollars(line, rates) for line in lines]
    assert [row["billed_cost_usd"] for row in found] == wanted
    assert [row["billed_cost"] for row in found] == [amount for _, _, amount in lines]
    assert [row["unconverted_reason"] is None for row in found] == [usd is not None for usd in wanted]


@examples(20)
@given(LINES, RATES, CURRENCY, DAY, RATE)
def test_a_later_entry_of_a_currency_changes_no_earlier_line(
    lines: list[Line], rates: dict[tuple[str, date], Decimal], currency: str, day: date, usd: Decimal
) -> None:
    before, after = _charges(lines, rates), _charges(lines, {**rates, (currency, day): usd})
    untouched = [number for number, (of, on, _) in enumerate(lines) if of != currency or on < day]
    assert [after[number] for number in untouched] == [before[number] for number in untouched]


def test_the_rate_and_its_day_are_kept_with_the_row_so_that_it_can_be_computed_again() -> None:
    rates = {("EUR", FIRST): Decimal("1.1"), ("EUR", date(2026, 10, 5)): Decimal("1.2")}
    [row] = _charges([("EUR", date(2026, 10, 6), Decimal("100.000000000003"))], rates)
    assert (row["currency"], row["fx_rate"], row["fx_starts_on"]) == ("EUR", Decimal("1.2"), date(2026, 10, 5))
    assert row["billed_cost_usd"] == (Decimal("100.000000000003") * Decimal("1.2")).quantize(PICO, ROUND_HALF_UP)


@pytest.mark.parametrize(
    ("amount", "rate", "usd"),
    [
        ("9999999999999.999999999999", "0.000680123456", "6801234560"),
        ("-9999999999999.999999999999", "0.000680123456", "-6801234560"),
        ("0.000000000001", "0.5", "0.000000000001"),
        ("-0.000000000001", "0.5", "-0.000000000001"),
        ("0.000000000001", "0.499999999999", "0"),
    ],
)
def test_the_largest_and_the_smallest_amounts_are_exact(amount: str, rate: str, usd: str) -> None:
    [row] = _charges([("KRW", FIRST, Decimal(amount))], {("KRW", FIRST): Decimal(rate)})
    assert row["billed_cost_usd"] == Decimal(usd)
