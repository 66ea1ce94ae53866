"""The internal rate card from ratecard.yaml to the line on a statement: made from a month, frozen, charged to the last digit."""

import csv
import json
import shutil
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from small import built, freeze, limited, make_small

from meterbook.assets.audit import read_audit
from meterbook.assets.book import Book, BookError
from meterbook.assets.book_tables import tables_of
from meterbook.assets.ratecarding import month_before, publish, unit_price
from meterbook.assets.ratecards import Published, RateCardError
from meterbook.assets.workspace import Workspace

SETTINGS = """\
name: Acme & Sons
sources:
  - name: log
    path: "calls.jsonl"
    format: mapped
    mapping:
      kind: request
      columns: {started_at: at, model: model, input_tokens: input, output_tokens: output, team: team, searches: searches}
      constants: {provider: acme}
  - name: gpus
    path: "gpus.jsonl"
    format: mapped
    mapping:
      kind: gpu_sample
      columns: {sampled_at: at, device_id: device, gpus: gpus, used_gpus: used, team: team, pool: pool}
      constants: {interval_seconds: 3600}
gpu_pools:
  training: {rate: gpu/h100, owner: platform}
"""
CARD = """\
provider: acme
models:
  big-1:
    rates: [{starts_on: 2026-01-01, input: 3, output: 15, search: 10, source: x, checked_on: 2026-01-01}]
  small:
    rates: [{starts_on: 2026-01-01, input: 1, output: 4, source: x, checked_on: 2026-01-01}]
  tiny:
    rates: [{starts_on: 2026-01-01, input: 0.4, output: 2, source: x, checked_on: 2026-01-01}]
"""
GPUS = "provider: gpu\nmodels:\n  h100:\n    rates: [{starts_on: 2026-01-01, gpu_hour: 2.5, source: x, checked_on: 2026-01-01}]\n"
RATECARD = """\
classes:
- {class: premium, models: ["BIG-*", "o3*"]}
- {class: standard, models: ["*"]}
margin_percent: 10
rates:
- {class: premium, meter: output, usd_per_million: 80}
- {gpu_pool: inference, usd_per_hour: 1.25}
difference_to: platform
"""
CALLS: list[dict[str, Any]] = [
    {"at": "2026-09-03T03:00:00Z", "team": "red", "model": "big-1", "input": 1_000_003, "output": 17, "searches": 3},
    {"at": "2026-09-03T04:00:00Z", "team": "blue", "model": "small", "input": 700_001, "output": 31},
    {"at": "2026-09-30T04:00:00Z", "team": "blue", "model": "tiny", "input": 300_000, "output": 0},
    {"at": "2026-10-01T03:00:00Z", "team": "red", "model": "big-1", "input": 2_000_001, "output": 1_003, "searches": 40},
    {"at": "2026-10-01T04:00:00Z", "team": "blue", "model": "small", "input": 999_983, "output": 100_003},
    {"at": "2026-10-02T04:00:00Z", "team": None, "model": "tiny", "input": 5_000_011, "output": 7},
    {"at": "2026-10-02T05:00:00Z", "team": "platform", "model": "small", "input": 50, "output": 0},
]
SAMPLES = [
    {"at": f"{day}T{hour:02}:00:00Z", "device": "g", "gpus": 1, "used": 1, "team": "red", "pool": "training"}
    for day, hours in (("2026-09-03", 4), ("2026-10-01", 3))
    for hour in range(hours)
]
TABLES = ("core.allocation", "marts.conservation", "marts.chargeback")
CHARGES = "select item, team, charge_usd, provider_usd, difference_usd from core.rate_card_charge order by all"


def _write(folder: Path, ratecard: str | None = RATECARD) -> Path:
    (folder / "inbox").mkdir(parents=True)
    (folder / "rate_cards").mkdir()
    (folder / "meterbook.yaml").write_text(SETTINGS, "utf-8")
    (folder / "allocation.yaml").write_text(
        "pools:\n- {pool: staff, monthly_usd: 310, key: even}\n- {pool: taxes, lines: [Tax], key: cost, ends_on: 2026-10-01}\n", "utf-8"
    )
    if ratecard is not None:
        (folder / "ratecard.yaml").write_text(ratecard, "utf-8")
    for name, text in (("acme", CARD), ("gpu", GPUS)):
        (folder / f"rate_cards/{name}.yaml").write_text(text, "utf-8")
    for name, rows in (("calls", CALLS), ("gpus", SAMPLES)):
        (folder / f"inbox/{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return folder


def _open(folder: Path) -> Workspace:
    return limited(Workspace(folder), *TABLES)


def _publish(folder: Path, period: str = "2026-10", made_from: str = "2026-09", why: str = "") -> Published:
    return publish(_open(folder), period, made_from, why)


@pytest.fixture(scope="module", autouse=True)
def _small() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        make_small(monkeypatch)
        yield


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two months after a run, without a card."""
    folder = _write(tmp_path_factory.mktemp("computed") / "book")
    built(_open(folder))
    return folder


@pytest.fixture(scope="module")
def carded(computed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The second month is charged by a card that was made from the first."""
    folder = tmp_path_factory.mktemp("carded") / "book"
    shutil.copytree(computed, folder)
    _publish(folder)
    built(_open(folder))
    return folder


@pytest.fixture
def book(computed: Path, tmp_path: Path) -> Path:
    shutil.copytree(computed, tmp_path / "book")
    return tmp_path / "book"


@pytest.fixture
def charged(carded: Path, tmp_path: Path) -> Path:
    shutil.copytree(carded, tmp_path / "book")
    return tmp_path / "book"


def _ask(folder: Path, query: str) -> list[tuple[Any, ...]]:
    with _open(folder).catalog.connect() as con:
        return con.execute(query).fetchall()


def test_a_card_has_what_use_cost_with_the_margin_and_what_is_stated(carded: Path) -> None:
    [card] = Book(carded).published_cards
    prices = {(price.item, price.meter): (f"{price.usd:f}", price.is_stated, price.quantity) for price in card.record.prices}
    assert prices == {
        ("premium", "input"): ("3.300000", False, 1_000_003),
        ("premium", "output"): ("80", True, 17),
        # (700,001 at 1 USD and 300,000 at 0.4) for 1,000,001 tokens, and 10 % on top.
        ("standard", "input"): ("0.902000", False, 1_000_001),
        ("standard", "output"): ("4.400000", False, 31),
        ("inference", "gpu_hour"): ("1.25", True, 0),
        ("training", "gpu_hour"): ("2.750000", False, 4 * 3600),
    }
    assert [(one.name, one.seen) for one in card.record.classes] == [("premium", ("big-1",)), ("standard", ("small", "tiny"))]
    assert [(one.pool, one.monthly_usd, one.key) for one in card.record.services] == [("staff", Decimal(310), "equal parts")]
    assert (card.record.name, card.record.made_from, card.record.supersedes) == ("rate card 2026-10, edition 1", "2026-09", None)


def test_tokens_and_hours_times_the_prices_of_the_card_are_the_charge_to_the_last_digit(carded: Path) -> None:
    with (carded / "ratecards/2026-10/1/card.csv").open(newline="") as handle:
        usd = {(row["item"], row["meter"]): Decimal(row["usd"]) for row in csv.DictReader(handle) if row["kind"] != "shared service"}
    expected: dict[tuple[str, str], Decimal] = {}
    for call in (call for call in CALLS if call["at"] >= "2026-10"):
        item, team = "premium" if call["model"].startswith("big") else "standard", call["team"] or "unowned"
        charge = (call["input"] * usd[item, "input"] + call["output"] * usd[item, "output"]).scaleb(-6)
        expected[item, team] = expected.get((item, team), Decimal(0)) + charge
    expected["GPU hours of training", "red"] = 3 * usd["training", "gpu_hour"]
    rows = _ask(carded, CHARGES)
    assert {(item, team): charge for item, team, charge, _, _ in rows} == expected
    assert all(charge - provider == difference for _, _, charge, provider, difference in rows)


def test_the_difference_is_a_line_that_names_card_and_edition_and_whoever_bears_it_has_the_rest(carded: Path) -> None:
    difference = "select team, basis, sum(cost_usd) from core.allocation where line = 'Rate card' group by all order by all"
    rows = _ask(carded, difference)
    assert {basis for _, basis, _ in rows} == {"rate card 2026-10, edition 1"}
    by_team: dict[str, Decimal] = {}
    for _, team, _, _, usd in _ask(carded, CHARGES):
        by_team[team] = by_team.get(team, Decimal(0)) + usd
    by_team["platform"] -= sum(by_team.values())
    assert {team: usd for team, _, usd in rows} == by_team
    assert sum(usd for _, _, usd in rows) == 0


def test_searches_stay_at_what_they_cost(carded: Path) -> None:
    [(searched,)] = _ask(carded, "select other_cost_usd from core.request_cost where model = 'big-1' and book_day = '2026-10-01'")
    assert searched > 0
    [(usd,)] = _ask(carded, "select sum(cost_usd) from core.allocation where line = 'Model usage' and team = 'red' and day = '2026-10-01'")
    [(priced,)] = _ask(carded, "select sum(provider_usd) from core.rate_card_charge where item = 'premium'")
    assert usd == priced + searched


def test_every_day_conserves_and_models_stay_at_provider_cost(carded: Path, computed: Path) -> None:
    days = _ask(carded, "select rate_card_usd, difference_usd, cost_usd - allocated_usd from marts.conservation")
    assert days
    assert set(days) == {(0, 0, 0)}
    used = "select day, team, sum(cost_usd) from core.allocation where line <> 'Rate card' group by all order by all"
    assert _ask(carded, used) == _ask(computed, used)


def test_each_line_of_a_month_names_its_card_and_a_month_without_one_says_so(carded: Path) -> None:
    named = _ask(carded, "select distinct period, rate_card from marts.chargeback order by 1")
    assert named == [("2026-09", "(none)"), ("2026-10", "rate card 2026-10, edition 1")]


def test_page_csv_and_record_name_each_other_by_hash_and_the_audit_the_record(carded: Path) -> None:
    [card] = Book(carded).published_cards
    page = (card.folder / "card.html").read_text("utf-8")
    assert card.record.files["card.csv"] in page
    for text in ("Acme &amp; Sons", "$80.00 premium", "small, tiny", "$310.00", "platform", "30 days"):
        assert text in page
    assert "http" not in page.replace("http-equiv", "")
    [record] = [one for one in read_audit(carded / "audit.jsonl") if one.action == "publish rate card"]
    assert record.details == {"period": "2026-10", "edition": 1, "record": card.digest}


def test_a_second_edition_needs_a_why_takes_the_place_of_the_first_and_names_it(charged: Path) -> None:
    with pytest.raises(RateCardError, match="published already"):
        _publish(charged)
    (charged / "ratecard.yaml").write_text(RATECARD.replace("usd_per_million: 80", "usd_per_million: 90"), "utf-8")
    first, second = Book(charged).published_cards[0], _publish(charged, why="agreed anew")
    assert (second.record.edition, second.record.supersedes) == (2, first.digest)
    assert "agreed anew" in (second.folder / "card.html").read_text("utf-8")
    built(_open(charged))
    basis = _ask(charged, "select distinct basis from core.allocation where line = 'Rate card'")
    assert basis == [("rate card 2026-10, edition 2",)]
    assert [one.record.edition for one in Book(charged).published_cards] == [1, 2]


def test_settings_that_change_after_a_card_was_published_change_no_charge(charged: Path) -> None:
    before = _ask(charged, CHARGES)
    (charged / "ratecard.yaml").write_text("classes:\n- {class: other, models: ['*']}\n", "utf-8")
    built(_open(charged))
    assert _ask(charged, CHARGES) == before


def test_without_a_team_that_bears_it_the_difference_is_unallocated(book: Path) -> None:
    (book / "ratecard.yaml").write_text(RATECARD.replace("difference_to: platform\n", ""), "utf-8")
    _publish(book)
    built(_open(book))
    [(usd,)] = _ask(book, "select sum(cost_usd) from core.allocation where line = 'Rate card' and team = 'unallocated'")
    [(all_usd,)] = _ask(book, "select sum(difference_usd) from core.rate_card_charge")
    assert usd == -all_usd != 0


def test_a_closed_month_keeps_its_card(book: Path) -> None:
    freeze(book, "2026-10")
    with pytest.raises(RateCardError, match="2026-10 is closed"):
        _publish(book)


@pytest.mark.parametrize(
    ("period", "made_from", "says"),
    [("2026-10", "2026-08", "has nothing of 2026-08"), ("2026-08", "2026-09", "comes after it")],
)
def test_a_card_is_made_from_a_month_that_is_there_and_not_after_it(book: Path, period: str, made_from: str, says: str) -> None:
    with pytest.raises(RateCardError, match=says):
        _publish(book, period, made_from)
    assert not (book / "ratecards").exists()


def test_a_card_is_made_from_what_the_lake_says_now(book: Path) -> None:
    with (book / "inbox/calls.jsonl").open("a") as handle:
        handle.write(json.dumps(CALLS[0]) + "\n")
    workspace = _open(book)
    workspace.ingest()
    with pytest.raises(RateCardError, match="`meterbook run` first"):
        publish(workspace, "2026-10", "2026-09", "")


def test_a_book_without_settings_publishes_nothing(book: Path) -> None:
    (book / "ratecard.yaml").unlink()
    with pytest.raises(RateCardError, match=r"has no ratecard\.yaml"):
        _publish(book)


def test_a_card_that_was_edited_moved_or_lost_its_predecessor_stops_the_book(charged: Path) -> None:
    _publish(charged, why="again")
    folder = charged / "ratecards/2026-10"
    kept = (folder / "1/card.json").read_text("utf-8")
    (folder / "1/card.json").write_text(kept.replace('"usd": "80"', '"usd": "8"'), "utf-8")
    with pytest.raises(BookError, match="does not follow the edition before it"):
        Book(charged)
    (folder / "1/card.json").write_text(kept[:-20], "utf-8")
    with pytest.raises(BookError, match="is not readable"):
        Book(charged)
    (folder / "1/card.json").write_text(kept, "utf-8")
    (folder / "2").rename(folder / "3")
    with pytest.raises(BookError, match="does not lie where that does"):
        Book(charged)


def test_the_tables_of_a_card_have_patterns_and_prices_of_one_token(carded: Path) -> None:
    tables = tables_of(Book(carded))
    assert tables["rate_cards.internal_class"].rows() == [
        ("2026-10", 1, "premium", "big-%"),
        ("2026-10", 2, "premium", "o3%"),
        ("2026-10", 3, "standard", "%"),
    ]
    prices = tables["rate_cards.internal"].select("class", "gpu_pool", "meter", "usd").rows()
    assert ("premium", None, "output", Decimal("0.00008")) in prices
    assert (None, "training", "gpu_hour", Decimal("2.75")) in prices


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("margin_percent: -1", "margin_percent"),
        ("rates:\n- {class: a, meter: output, usd_per_million: 1}", "there is no class 'a'"),
        ("classes:\n- {class: a, models: [x]}\n- {class: a, models: [y]}", "class 'a' is given twice"),
        ("classes:\n- {class: a, models: []}", "models"),
        ("classes:\n- {class: =a, models: [x]}", "class"),
        ("classes:\n- {class: a, models: [x]}\nrates:\n- {class: a, meter: output}", "a rate has"),
        ("rates:\n- {gpu_pool: p, usd_per_hour: 1, meter: input}", "a rate has"),
        ("rates:\n- {gpu_pool: p, usd_per_hour: 1}\n- {gpu_pool: p, usd_per_hour: 2}", "rate of 'p gpu_hour' is given twice"),
        ("rates:\n- {gpu_pool: p, usd_per_hour: 0.0000001}", "usd_per_hour"),
        ("classes:\n- {class: a, models: [x]}\nrates:\n- {class: a, meter: reasoning, usd_per_million: 1}", "meter"),
        ("difference: platform", "unknown key; did you mean difference_to?"),
    ],
)
def test_a_wrong_ratecard_is_an_error_of_the_book_that_says_what_to_do(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(BookError, match=r"ratecard\.yaml") as error:
        Book(_write(tmp_path / "book", f"{text}\n"))
    assert says in str(error.value)
    assert "\n" not in str(error.value)


@given(
    st.decimals(min_value=0, max_value=10**9, places=12),
    st.integers(1, 10**15),
    st.sampled_from([10**6, 3600]),
    st.decimals(min_value=0, max_value=100, places=4),
)
@examples(50)
def test_a_price_is_within_half_a_millionth_of_what_use_cost_with_its_margin(
    cost: Decimal, quantity: int, per: int, margin: Decimal
) -> None:
    exact = Fraction(cost) * per * (1 + Fraction(margin) / 100) / quantity
    found = unit_price(cost, quantity, per, margin)
    assert abs(Fraction(found) - exact) <= Fraction(1, 2 * 10**6)
    assert found == found.quantize(Decimal("0.000001"))


def test_a_price_in_the_middle_goes_to_the_even_digit() -> None:
    assert [unit_price(Decimal(text), 10**6, 1, Decimal(0)) for text in ("0.5", "1.5", "2.5")] == [
        Decimal(0), Decimal("0.000002"), Decimal("0.000002")
    ]  # fmt: skip


def test_the_month_before_january_is_december() -> None:
    assert [month_before(period) for period in ("2026-11", "2027-01", "2026-02")] == ["2026-10", "2026-12", "2026-01"]
