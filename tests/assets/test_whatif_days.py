"""Scenarios by day: the days are the book's, other routes than the scenario's are none of it, and what days like these would save."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from running import typed
from small import built, limited, make_small, write

from meterbook.assets.whatif import read_scenario
from meterbook.assets.whatif_gpus import _borne
from meterbook.assets.whatif_outcome import NOTHING, PICO, Outcome
from meterbook.assets.whatif_run import whatif
from meterbook.assets.workspace import Workspace
from meterbook.reports.saving_ledger import Range

pytestmark = pytest.mark.long

BOOK = """\
name: Acme
time_zone: America/Los_Angeles
sources:
  - name: log
    path: "*.jsonl"
    format: mapped
    mapping:
      kind: request
      tokens: exclusive
      columns: {request_id: id, started_at: at, model: model, input_tokens: input, output_tokens: output, feature: feature,
        operation_id: operation, attempt: attempt}
      constants: {provider: acme, team: search, tenant: t}
"""
RATE = "starts_on: 2026-01-01, source: x, checked_on: 2026-01-01"
CARD = f"""\
provider: acme
models:
  large: {{rates: [{{input: 10, output: 40, {RATE}}}]}}
  small: {{rates: [{{input: 1, output: 4, {RATE}}}]}}
"""
CHEAPER = CARD.replace("input: 10", "input: 5")
FIRST, LAST = date(2026, 10, 1), date(2026, 10, 4)
SEARCHES = (3, 1, 5, 2)
"""Calls of the feature whose days differ, a dollar of input each."""
TRIES = 80


def _calls() -> Iterator[str]:
    """On each day of the book: chats that begin at the small model, a tenth of them passed on, chats at the large one, and searches."""
    for number, searches in enumerate(SEARCHES):
        # Late at night in California it is the next day at Greenwich.
        evening = datetime(2026, 10, 2 + number, 4, tzinfo=UTC)
        for n in range(TRIES):
            yield _call(evening, f"{number}-{n}", "chat", "small")
            if n % 10 == 0:
                yield _call(evening + timedelta(seconds=9), f"{number}-{n}", "chat", "large", attempt=2)
        for n in range(5):
            yield _call(evening, f"{number}-large-{n}", "chat", "large")
        for n in range(searches):
            yield _call(evening, f"{number}-search-{n}", "search", "large", tokens=100_000)


def _call(at: datetime, operation: str, feature: str, model: str, *, attempt: int = 1, tokens: int = 1000) -> str:
    call = {"id": f"{operation}-{attempt}", "at": f"{at:%Y-%m-%dT%H:%M:%SZ}", "operation": operation, "attempt": attempt}
    return json.dumps(call | {"feature": feature, "model": model, "input": tokens, "output": 0})


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("whatif-days") / "book"
    with pytest.MonkeyPatch.context() as monkeypatch:
        make_small(monkeypatch)
        write(folder / "meterbook.yaml", [BOOK])
        write(folder / "rate_cards/acme.yaml", [CARD])
        write(folder / "inbox/log.jsonl", list(_calls()))
        write(folder.parent / "cheaper.yaml", [CHEAPER])
        write(folder.parent / "price.yaml", ["changes: [{price: {card: cheaper.yaml}}]"])
        built(limited(Workspace(folder), "core.lever_saving", "core.lever_price", "core.route_offer"))
        yield folder


def _ask(book: Path, *changes: str, first: date = FIRST, last: date = LAST) -> Outcome:
    file = book.parent / "scenario.yaml"
    write(file, ["changes:", *(f"  - {change}" for change in changes)])
    return whatif(Workspace(book), read_scenario(file), first, last, file.parent)


def _usd(*values: str) -> Range:
    return Range(*map(Decimal, values))


def test_a_route_that_the_traffic_offers_is_none_of_the_scenarios(book: Path) -> None:
    with Workspace(book).catalog.reading(["core.route_offer"]) as con:
        offered = con.execute("select distinct feature from core.route_offer where not is_stated").fetchall()
    assert offered == [("chat",)]
    found = _ask(book, "route: {feature: search, from: large, to: small, accept: 0.5}")
    # Eleven dollars of searches: half of them at a tenth of the price, the others at both.
    assert found.savings == {("search", "routing"): _usd(*["4.4"] * 3)}
    cached = _ask(book, "cap_output: {feature: search, tokens: 10}")
    assert cached.savings == {}


def test_days_are_those_of_the_book_before_and_after(book: Path) -> None:
    route = "route: {feature: search, from: large, to: small, accept: 1}"
    for number, searches in enumerate(SEARCHES):
        day = FIRST + timedelta(days=number)
        found = _ask(book, route, first=day, last=day)
        assert (found.before["search"], found.saving()) == (Decimal(searches), _usd(*[str(searches * Decimal("0.9"))] * 3))
    assert _ask(book, route).before["search"] == sum(SEARCHES)


def test_each_day_pays_its_gpus_whatever_they_do_on_it(book: Path) -> None:
    change = "own_gpus: {model: large, feature: search, gpus: 2, usd_per_gpu_hour: 0.01, tokens_per_second: 100, utilization: 1}"
    found = _ask(book, change)
    days = [found.daily["search", "own GPUs"][day].point for day in found.days]
    assert days == [searches - Decimal("0.48") for searches in SEARCHES]


def test_a_new_price_is_one_number_for_the_days_that_were_and_a_range_for_those_to_come(book: Path) -> None:
    found = _ask(book, "price: {card: cheaper.yaml}")
    assert found.savings["search", "prices and switches"] == _usd(*["5.5"] * 3)
    ahead = found.ahead("search")
    assert ahead is not None
    assert ahead.point == Decimal("41.25")
    # No sum of thirty of these days is outside 15 and 75.
    assert Decimal(15) <= ahead.low < Decimal(30) < Decimal(55) < ahead.high <= Decimal(75)
    assert found.ahead("search") == found.ahead("search", "prices and switches")
    assert _ask(book, "price: {card: cheaper.yaml}", last=FIRST).ahead() is None


def test_the_command_tells_both_and_that_one_day_is_too_few(book: Path) -> None:
    said = json.loads(
        typed(book, "whatif", str(book.parent / "price.yaml"), "--from", "2026-10-01", "--to", "2026-10-04", "--format", "json").out
    )
    [search] = (row for row in said["features"] if row["feature"] == "search")
    assert search["saving_usd"] == dict.fromkeys(("low", "point", "high"), "5.500000000000")
    low, point, high = (Decimal(search["saving_30_days_usd"][name]) for name in ("low", "point", "high"))
    assert low < point == Decimal("41.25") < high
    assert any("drawn at random from these 4" in line for line in said["assumptions"])
    table = typed(book, "whatif", str(book.parent / "price.yaml"), "--from", "2026-10-03", "--to", "2026-10-03").out
    assert "One day does not tell how much days differ" in table
    assert all(len(line) <= 100 for line in table.splitlines() if "┃" in line or "│" in line)


@examples(15)
@given(
    st.lists(st.tuples(st.decimals(0, 99, places=2), st.decimals(0, 99, places=2), st.decimals(0, 99, places=2)), min_size=2, max_size=40)
)
def test_a_month_ahead_holds_its_point_and_parts_of_one_day_count_in_the_whole(days: list[tuple[Decimal, Decimal, Decimal]]) -> None:
    found = Outcome(FIRST, FIRST + timedelta(days=len(days) - 1), {"f": Decimal(0)})
    group = ("f", "acme", "large")
    ranges = [Range(*sorted(values)) for values in days]
    found.add({((str(FIRST + timedelta(days=number)), *group), "caps"): usd for number, usd in enumerate(ranges)})
    assert found.saving() == sum(ranges, NOTHING)
    ahead = found.ahead()
    assert ahead is not None
    mean = sum((usd.point for usd in ranges), Decimal(0)) / len(days)
    assert ahead.low <= ahead.point <= ahead.high
    assert abs(ahead.point - mean * 30) <= Decimal("0.01")
    assert ahead == found.ahead("f", "caps")


@examples(15)
@given(st.decimals(0, 1000, places=6), st.lists(st.integers(0, 10**9), min_size=1, max_size=9))
def test_what_gpus_cost_is_borne_to_the_last_pico_dollar(paid: Decimal, tokens: list[int]) -> None:
    parts = _borne(paid, tokens)
    assert sum(parts) == paid
    assert all(part >= 0 for part in parts)
    assert all(part == part.quantize(PICO) for part in parts)
