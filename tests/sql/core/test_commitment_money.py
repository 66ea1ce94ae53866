"""What must always hold when commitments are paid and used, whatever the term, the units and the traffic."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from meterbook.assets.clock import hours
from meterbook.rate_cards.amortise import spread

pytestmark = pytest.mark.long

FIRST = date(2026, 10, 1)
PICO = Decimal("1E-12")
Rows = Sequence[Mapping[str, object]]
Chain = Callable[..., dict[str, list[dict[str, object]]]]
PRICE = st.decimals(min_value=0, max_value=1_000_000, places=6)
CALL = st.tuples(st.integers(0, 47), st.sampled_from("abc"), st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**5))
WEIGHT = st.decimals(min_value=0, max_value=50, places=6)


def _commitment(kind: str, usd: Decimal, last: date, capacity: int) -> dict[str, Rows | pl.DataFrame]:
    span = spread(usd, FIRST, last)
    dates = {"commitment": "c", "starts_on": FIRST, "ends_on": last}
    return {
        "book.hour": hours(FIRST, last, "UTC"),
        "book.commitment": [{**dates, "kind": kind, "provider": "azure", "is_billed": True, "capacity": capacity}],
        "book.commitment_price": [{**dates, "hour_usd": span.hour_usd, "first_second": span.first_second, "extra_hours": span.extra_hours}],
    }


def _sum(rows: Iterable[Mapping[str, object]], column: str) -> Decimal:
    return sum((Decimal(str(row[column])) for row in rows if row[column] is not None), Decimal(0))


@examples(10)
@given(PRICE, st.tuples(st.integers(1, 2), st.integers(1, 10**7)), st.lists(CALL, max_size=12), st.tuples(WEIGHT, WEIGHT))
def test_used_and_unused_throughput_are_the_price_of_the_term_whatever_the_traffic(
    chain: Chain, usd: Decimal, size: tuple[int, int], calls: list[tuple[int, str, int, int, int]], heavy: tuple[Decimal, Decimal]
) -> None:
    days, capacity = size
    output, cached = heavy
    last = FIRST + timedelta(days)
    requests = [
        {
            "request_id": number, "day": at.date(), "started_at": at, "commitment": "c", "team": team,
            "input_tokens": fresh, "cache_read_tokens": reads, "output_tokens": written,
        }
        for number, (hour, team, fresh, reads, written) in enumerate(calls)
        if (at := datetime(2026, 10, 1) + timedelta(hours=hour, minutes=number)).date() < last
    ]  # fmt: skip
    weights = {"input": Decimal(1), "cache_read": cached, "cache_write_5m": 1, "cache_write_1h": 1, "output": output}
    made = chain(
        {
            **_commitment("provisioned_throughput", usd, last, capacity),
            "book.commitment_weight": [{"commitment": "c", "meter": meter, "weight": weight} for meter, weight in weights.items()],
            "core.request_cost": requests,
        },
        ["core.commitment_cost", "core.commitment_use", "core.commitment_hour", "core.adjustment"],
        FIRST,
        last,
    )
    assert _sum(made["core.commitment_cost"], "cost_usd") == usd
    used, unused = (_sum(made["core.commitment_hour"], f"{part}_cost_usd") for part in ("used", "unused"))
    assert used + unused == usd
    assert _sum(made["core.commitment_use"], "cost_usd") == used
    assert _sum(made["core.adjustment"], "cost_usd") == usd
    weighted = sum(
        (row["input_tokens"] + row["cache_read_tokens"] * cached + row["output_tokens"] * output for row in requests), Decimal(0)
    )
    assert _sum(made["core.commitment_hour"], "used") + _sum(made["core.commitment_hour"], "overflow") == weighted
    full = [row for row in made["core.commitment_hour"] if row["used"] == row["capacity"]]
    assert all(row["unused_cost_usd"] == 0 for row in full)


@examples(10)
@given(
    PRICE,
    st.integers(1, 6),
    st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4), st.integers(0, 3600)), max_size=6),
    st.booleans(),
)
def test_reserved_gpu_hours_are_counted_once_whatever_the_fleet(
    chain: Chain, usd: Decimal, gpus: int, fleet: list[tuple[int, int, int]], is_priced: bool
) -> None:
    last = FIRST + timedelta(1)
    state = [
        {
            "day": FIRST, "device_id": f"d{number}", "hour_second": 1790812800 + hour * 3600, "team": team, "pool": "p", "gpus": count,
            "device_slices": 1, "state": "used", "seconds": seconds,
        }
        for number, (hour, count, busy) in enumerate(fleet)
        for team, seconds in (("red", busy), ("unassigned", count * 3600 - busy)) if seconds
    ]  # fmt: skip
    rate = {"rate_id": "x", "layer": "list", "provider": "gpu", "model": "h100", "served_tier": "standard", "region": "", "gpu_hour_usd": 3}
    made = chain(
        {
            **_commitment("reserved_gpu", usd, last, gpus * 3600),
            "book.commitment_match": [
                {"commitment": "c", "kind": "reserved_gpu", "pool": "p", "model": "%", "place": 1, "starts_on": FIRST, "ends_on": last}
            ],
            "book.gpu_pool": [{"pool": "p", "provider": "gpu", "model": "h100"}],
            "rate_cards.rate": [
                {**rate, "starts_at": "2020-01-01", "ends_at": "9999-12-31", "priced_from": "1970-01-01", "priced_to": "9999-12-31"}
            ][: int(is_priced)],
            "core.gpu_state": state,
        },
        ["core.commitment_cost", "core.gpu_price", "core.gpu_hour", "core.commitment_hour", "core.adjustment"],
        FIRST,
        last,
    )
    prices = made["core.gpu_price"]
    unused = _sum(made["core.commitment_hour"], "unused_cost_usd")
    assert _sum(prices, "covered_cost_usd") + unused == usd == _sum(made["core.adjustment"], "cost_usd") + _sum(prices, "covered_cost_usd")
    assert _sum(made["core.gpu_hour"], "cost_usd") == _sum(prices, "cost_usd")
    known = [row for row in prices if row["cost_usd"] is not None]
    beyond = sum(int(str(row["seconds"])) - int(str(row["covered_seconds"])) for row in known)
    # Whole GPU hours beyond the reservation, at the card's three dollars.
    assert _sum(known, "cost_usd") - _sum(known, "covered_cost_usd") == beyond // 3600 * 3
    assert len(known) == len(prices) or not is_priced
