"""Scenarios held against sums by hand, against the levers of the book, and against each other."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from running import typed
from small import built, limited, make_small, write

from meterbook.assets.book import BookError
from meterbook.assets.whatif import read_scenario
from meterbook.assets.whatif_run import Outcome, whatif
from meterbook.assets.workspace import Workspace
from meterbook.reports.saving_ledger import Range

pytestmark = pytest.mark.long

BOOK = """\
name: Acme
prompt_hash_key: 0123456789abcdef
sources:
  - name: log
    path: "*.jsonl"
    format: mapped
    mapping:
      kind: request
      tokens: exclusive
      columns: {request_id: id, started_at: at, model: model, input_tokens: input, output_tokens: output, cache_read_tokens: read,
        feature: feature, served_tier: tier, prompt_hash: hash, temperature: temperature, has_tools: tools}
      constants: {provider: acme, team: search, tenant: t}
"""
RATE = "starts_on: 2026-01-01, source: x, checked_on: 2026-01-01"
CARD = f"""\
provider: acme
models:
  large:
    rates:
      - {{input: 10, cache_read: 1, output: 40, {RATE}}}
      - {{tier: batch, input: 5, cache_read: 0.5, output: 20, {RATE}}}
  small: {{rates: [{{input: 1, output: 4, {RATE}}}]}}
"""
NEW = CARD.replace("input: 10", "input: 8").replace("output: 40", "output: 30")
NONE = Range(Decimal(0), Decimal(0), Decimal(0))
FIRST, LAST = date(2026, 10, 1), date(2026, 10, 2)


def _calls() -> Iterator[str]:
    """On each of three days: a chat of 2,000 in and 1,000 out, another that reads half of it, the same question again, one by batch."""
    call = {
        "model": "large",
        "input": 2000,
        "output": 1000,
        "read": 0,
        "feature": "chat",
        "tier": "standard",
        "temperature": 0,
        "tools": False,
    }
    for day in (FIRST - timedelta(days=1), FIRST, LAST):
        for name, minute, more in (
            ("one", 0, {"hash": "a"}),
            ("read", 5, {"input": 1000, "read": 1000, "hash": "b"}),
            ("again", 10, {"hash": "a"}),
            ("batched", 15, {"feature": "nightly", "tier": "batch", "hash": "c"}),
            ("small", 20, {"feature": "search", "model": "small", "hash": "d"}),
        ):
            yield json.dumps(call | {"id": f"{day}-{name}", "at": f"{day}T12:{minute:02}:00Z"} | more)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("whatif") / "book"
    with pytest.MonkeyPatch.context() as monkeypatch:
        make_small(monkeypatch)
        write(folder / "meterbook.yaml", [BOOK])
        write(folder / "rate_cards/acme.yaml", [CARD])
        write(folder / "inbox/log.jsonl", list(_calls()))
        write(folder / "levers.yaml", ["routes: [{feature: chat, from: large, to: small, accept: [0.5, 0.6, 0.7], guard_usd: 0.0001}]"])
        built(limited(Workspace(folder), "marts.lever", "core.lever_saving", "core.lever_price", "marts.conservation"))
        yield folder


def _ask(book: Path, *changes: str, first: date = FIRST, last: date = LAST) -> Outcome:
    file = book.parent / "scenario.yaml"
    write(file, ["changes:", *(f"  - {change}" for change in changes)] if changes else ["changes: []"])
    return whatif(Workspace(book), read_scenario(file), first, last, file.parent)


def _usd(*values: str) -> Range:
    return Range(*map(Decimal, values))


def test_a_scenario_without_changes_saves_nothing_and_the_cost_is_that_of_the_calls(book: Path) -> None:
    found = _ask(book)
    # A chat costs 0.02 + 0.04; the one that reads 0.01 + 0.001 + 0.04; by batch 0.01 + 0.02; small 0.002 + 0.004.
    assert found.before == {"chat": Decimal("0.342"), "nightly": Decimal("0.06"), "search": Decimal("0.012")}
    assert (found.saving(), found.requests, found.unknown_requests) == (NONE, 10, 0)
    assert found.after() == _usd("0.414", "0.414", "0.414")


def test_a_route_is_the_sum_by_hand(book: Path) -> None:
    found = _ask(book, "route: {feature: chat, from: large, to: small, accept: [0.5, 0.6, 0.7], guard_usd: 0.0001}")
    # The small model costs 0.006 a chat, cached input too; six chats: accepted x large less small less guard.
    assert found.savings == {
        ("chat", "routing"): _usd(*(str(Decimal("0.342") * share - 6 * Decimal("0.0061")) for share in _shares(5, 6, 7)))
    }
    assert found.saving("nightly") == NONE


def _shares(*tenths: int) -> list[Decimal]:
    return [Decimal(tenth) / 10 for tenth in tenths]


def test_a_share_of_a_route_saves_that_share_of_it(book: Path) -> None:
    change = "route: {feature: chat, from: large, to: small, accept: [0.5, 0.6, 0.7], share: %s}"
    whole, half = (_ask(book, change % share).saving() for share in ("1", "0.5"))
    assert asdict(half) == {name: value / 2 for name, value in asdict(whole).items()}


def test_a_scenario_equal_to_the_routes_of_the_book_saves_what_its_lever_says(book: Path) -> None:
    found = _ask(book, "route: {feature: chat, from: large, to: small, accept: [0.5, 0.6, 0.7], guard_usd: 0.0001}")
    query = "select scenario, sum(saving_usd) from marts.lever where lever = 'routing' and day between ? and ? group by 1"
    with Workspace(book).catalog.reading(["marts.lever"]) as con:
        of = dict(con.execute(query, [FIRST, LAST]).fetchall())
    # The lever works on what a cache of answers leaves, so what that spares is asked for first.
    cached = _ask(
        book,
        "response_cache: {feature: chat}",
        "route: {feature: chat, from: large, to: small, accept: [0.5, 0.6, 0.7], guard_usd: 0.0001}",
    )
    assert asdict(cached.savings["chat", "routing"]) == of
    assert found.saving().point > of["point"]


def test_a_cache_of_answers_gives_again_what_was_asked_on_the_same_day_within_its_time(book: Path) -> None:
    assert _ask(book, "response_cache: {feature: chat}").saving().point == Decimal("0.12")
    with pytest.raises(BookError, match="response_cache: it would touch no call of 2026-10-01 to 2026-10-02: no two calls"):
        _ask(book, "response_cache: {feature: search}")


def test_a_cap_on_output_spares_what_is_cut_less_what_is_asked_again(book: Path) -> None:
    found = _ask(book, "cap_output: {feature: chat, tokens: 400, retry: [0, 0.25, 1]}").savings["chat", "caps"]
    cut, again = 6 * Decimal("0.024"), Decimal("0.342") - 6 * Decimal("0.024")
    assert found == Range(cut - again, cut - again / 4, cut)


def test_batch_on_is_the_batch_price_for_a_share_and_off_the_standard_one(book: Path) -> None:
    found = _ask(book, "batch: {feature: chat, share: [0.2, 0.5, 1]}").savings["chat", "batch"]
    assert found == Range(*(Decimal("0.171") * share for share in _shares(2, 5, 10)))
    assert _ask(book, "batch: off").savings == {("nightly", "prices and switches"): _usd("-0.06", "-0.06", "-0.06")}


def test_without_the_providers_cache_the_same_tokens_are_input(book: Path) -> None:
    assert _ask(book, "prompt_cache: off").savings == {("chat", "prices and switches"): _usd("-0.018", "-0.018", "-0.018")}
    with pytest.raises(BookError, match="prompt_cache: no call of 2026-10-01 to 2026-10-02 uses it, so that there is nothing to turn off"):
        _ask(book, "prompt_cache: {feature: nightly, turn: off}")


def test_a_new_card_prices_the_same_tokens_and_levers_work_on_its_prices(book: Path) -> None:
    write(book.parent / "new.yaml", [NEW])
    found = _ask(book, "price: {card: new.yaml}", "batch: {feature: chat, share: 1}")
    # Input 8 and output 30 instead of 10 and 40; then half of 10 and 40 by batch.
    saved = 4 * Decimal("0.014") + 2 * Decimal("0.012")
    assert found.savings["chat", "prices and switches"] == Range(saved, saved, saved)
    batched = Decimal("0.342") - saved - Decimal("0.171")
    assert found.savings["chat", "batch"] == Range(batched, batched, batched)


def test_own_gpus_take_what_fits_into_an_hour_and_are_paid_every_hour(book: Path) -> None:
    change = "own_gpus: {model: large, feature: chat, gpus: 1, usd_per_gpu_hour: 0.001, tokens_per_second: [1, 2, 10], utilization: 0.5}"
    found = _ask(book, change).savings["chat", "own GPUs"]
    # 9,000 tokens in one hour of each day; 1,800, 3,600 and 18,000 fit.
    paid = Decimal("0.048")
    assert found == Range(*(Decimal("0.342") * share - paid for share in (Decimal("0.2"), Decimal("0.4"), Decimal(1))))


def test_savings_of_all_changes_are_the_cost_before_less_the_cost_after(book: Path) -> None:
    found = _ask(
        book,
        "response_cache: {feature: chat}",
        "cap_output: {feature: chat, tokens: 400}",
        "route: {feature: chat, from: large, to: small, accept: [0.5, 0.6, 0.7], share: 0.3}",
        "batch: {feature: chat, share: [0, 0.5, 1]}",
    )
    assert sum(found.before.values()) - found.saving().point == found.after().point
    assert found.saving() == sum((found.saving(name) for name in found.before), NONE)
    assert found.saving().low <= found.saving().point <= found.saving().high


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            "route: {feature: chta, from: large, to: small, accept: 0.5}",
            "route: no call of these days has feature 'chta'; did you mean chat?",
        ),
        (
            "route: {feature: chat, from: huge, to: small, accept: 0.5}",
            "route: no call of feature chat is of a model 'huge'; there are large",
        ),
        ("route: {feature: chat, from: large, to: smal, accept: 0.5}", "route: no rate card has a model 'smal'; did you mean small?"),
        ("route: {feature: nightly, from: large, to: small, accept: 0.5}", "it would touch no call of 2026-10-01 to 2026-10-02"),
        ("route: {feature: chat, from: large, to: small, accept: [0.9, 0.5, 1]}", "0.9, 0.5, 1 must not fall"),
        ("cap_output: {feature: chat, token: 5}", "scenario.yaml:2: changes.0.cap_output.tokens: Field required"),
        ("respons_cache: {feature: chat}", "changes.0.respons_cache: unknown key; did you mean response_cache?"),
        ("prompt_cache: on", "say `feature:`, or `off`"),
        ("own_gpus: {model: large, gpus: 1, tokens_per_second: 1, utilization: 1}", "say `usd_per_gpu_hour`, or `rate` of a rate card"),
        ("own_gpus: {model: large, gpus: 1, rate: gpu/h100, tokens_per_second: 1, utilization: 1}", "no rate card has a GPU 'gpu/h100'"),
        ("price: {card: gone.yaml}", "gone.yaml: cannot be read"),
    ],
)
def test_what_cannot_be_is_an_error_that_says_what_there_is(book: Path, change: str, said: str) -> None:
    with pytest.raises(BookError) as error:
        _ask(book, change)
    assert said in str(error.value)


def test_the_command_prints_a_range_with_its_assumptions_and_writes_nothing(book: Path) -> None:
    write(book.parent / "cheaper.yaml", ["changes: [{route: {feature: chat, from: large, to: small, accept: [0.5, 0.6, 0.7]}}]"])
    before = {path: path.stat().st_mtime_ns for path in book.rglob("*")}
    done = typed(book, "whatif", str(book.parent / "cheaper.yaml"), "--from", "2026-10-01", "--format", "json")
    assert done.code == 0, done.err
    said = json.loads(done.out)
    assert said["total"]["saving_usd"] == {"low": "0.135000000000", "point": "0.169200000000", "high": "0.203400000000"}
    assert any("go to small first; 50.0" in line for line in said["assumptions"])
    assert {path: path.stat().st_mtime_ns for path in book.rglob("*")} == before
    gone = typed(book, "whatif", "gone.yaml")
    assert (gone.code, gone.err.split("\n")[0]) == (2, "meterbook: gone.yaml: there is no such file; docs/whatif.md shows one")
    late = typed(book, "whatif", str(book.parent / "cheaper.yaml"), "--from", "2027-01-01")
    assert "there are calls from 2026-09-30 to 2026-10-02" in late.err.replace("\n", " ")
