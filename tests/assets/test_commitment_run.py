"""A book with commitments from file to statement: nothing is paid twice, nothing is lost."""

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from small import built, limited

from meterbook.assets.book import Book, BookError
from meterbook.assets.book_tables import tables_of
from meterbook.assets.workspace import Workspace
from meterbook.pipelines.scaffold import scaffold
from meterbook.sql.models import read_inputs

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("all_small")]
ASKED = (
    *("core.request_cost", "core.allocation", "core.commitment_hour", "core.minimum_spend", "marts.conservation", "marts.statement"),
    *("marts.commitment", "marts.vendor_cost"),
)

BOOK = """\
name: Acme
time_zone: {zone}
sources:
  - name: log
    path: "*.jsonl"
    format: mapped
    mapping:
      kind: request
      columns: {{started_at: at, model: model, input_tokens: input, output_tokens: output, team: team, served_tier: tier, key_id: key}}
      constants: {{provider: acme}}
"""
CARD = """\
provider: acme
models:
  small:
    rates:
      - {starts_on: 2026-01-01, input: 1, output: 4, source: x, checked_on: 2026-01-01}
  large:
    rates:
      - {starts_on: 2026-01-01, input: 10, output: 40, source: x, checked_on: 2026-01-01}
    allowances: [{meter: input, free: 1500000, source: x, checked_on: 2026-01-01}]
"""
COMMITMENTS = """\
provisioned_throughput:
  - name: two days
    provider: acme
    models: [SMALL]
    keys: ["prod*"]
    units: 1
    tokens_per_minute: 50000
    weights: {input: 1, output: 4}
    price: {term: 1}
    starts_on: 2026-09-30
    ends_on: 2026-10-02
    owner: platform
minimum_spend:
  - {name: enterprise, provider: acme, monthly: 3100, starts_on: 2026-10-01}
"""
CALL = {"model": "small", "input": 1_000_003, "output": 101, "team": "search", "tier": "provisioned", "key": "prod-1"}
CALLS = [
    {**CALL, "at": "2026-09-29T12:00:00Z", "tier": None},
    {**CALL, "at": "2026-09-30T12:00:00Z"},
    {**CALL, "at": "2026-09-30T12:30:00Z", "tier": "standard"},
    {**CALL, "at": "2026-10-01T03:00:00Z", "team": "chat"},
    {**CALL, "at": "2026-10-01T04:00:00Z", "key": "test"},
    {**CALL, "at": "2026-10-01T05:00:00Z", "model": "large", "tier": None},
    {**CALL, "at": "2026-10-02T05:00:00Z", "model": "large", "tier": None},
]
Ask = Callable[[str], list[tuple[str, ...]]]


def _write(folder: Path, zone: str = "UTC") -> Path:
    for name in ("inbox", "rate_cards"):
        (folder / name).mkdir(parents=True)
    (folder / "meterbook.yaml").write_text(BOOK.format(zone=zone), "utf-8")
    (folder / "rate_cards" / "acme.yaml").write_text(CARD, "utf-8")
    (folder / "commitments.yaml").write_text(COMMITMENTS, "utf-8")
    (folder / "inbox" / "log.jsonl").write_text("".join(json.dumps(call) + "\n" for call in CALLS), "utf-8")
    return folder


@pytest.fixture(scope="module", params=["UTC", "America/Los_Angeles"])
def ask(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Ask]:
    workspace = built(limited(Workspace(_write(tmp_path_factory.mktemp("committed") / "book", request.param)), *ASKED))
    with workspace.catalog.connect() as con:

        def answer(query: str) -> list[tuple[str, ...]]:
            rows: list[tuple[Any, ...]] = con.execute(query).fetchall()
            return [tuple(f"{value:f}" if isinstance(value, Decimal) else str(value) for value in row) for row in rows]

        yield answer


def test_calls_of_a_commitment_cost_nothing_more_and_those_it_does_not_serve_keep_their_price(ask: Ask) -> None:
    query = """select started_at, commitment, list_cost_usd, cost_usd, coalesce(matched_rule, unpriced_reason)
        from core.request_cost where model = 'small' order by started_at"""
    assert ask(query) == [
        ("2026-09-29 12:00:00", "None", "1.000407000000", "1.000407000000", "name: standard"),
        ("2026-09-30 12:00:00", "two days", "1.000407000000", "0.000000000000", "commitment two days"),
        ("2026-09-30 12:30:00", "None", "1.000407000000", "1.000407000000", "name: standard"),
        ("2026-10-01 03:00:00", "two days", "1.000407000000", "0.000000000000", "commitment two days"),
        ("2026-10-01 04:00:00", "None", "None", "None", "no tier"),
    ]


def test_the_price_of_a_commitment_is_on_two_lines_to_the_pico_dollar(ask: Ask) -> None:
    query = "select line, team, sum(cost_usd) from core.allocation where line like 'Commitment%' group by 1, 2 order by 1, 2"
    assert ask(query) == [
        ("Commitment unused", "platform", "0.986105458334"),
        ("Commitment used", "chat", "0.006947270833"),
        ("Commitment used", "search", "0.006947270833"),
    ]
    assert ask("select count(*), sum(used), sum(overflow), sum(cost_usd) from core.commitment_hour") == [
        ("48", "2000814.000000", "0.000000", "1.000000000000")
    ]


def test_a_free_allowance_and_a_minimum_spend_are_lines_of_their_own(ask: Ask) -> None:
    assert ask("select team, sum(cost_usd) from core.allocation where line = 'Free allowance' group by 1") == [
        ("search", "-15.000000000000")
    ]
    [(short, due)] = ask("select shortfall_usd, due_usd from core.minimum_spend where day = '2026-10-02'")
    [(calls,)] = ask("select sum(cost_usd) from core.request_cost where day >= '2026-10-01'")
    [(hours,)] = ask("select sum(cost_usd) from core.commitment_hour where day >= '2026-10-01'")
    assert Decimal(due) == 200
    assert Decimal(short) == 200 - (Decimal(calls) + Decimal(hours) - 15)
    assert ask("select sum(cost_usd) from core.allocation where line = 'Minimum spend' and day <= '2026-10-02'") == [(short,)]


def test_what_it_served_and_what_it_could_have_served_are_known_at_list(ask: Ask) -> None:
    query = "select sum(hours), sum(used), sum(cost_usd), sum(list_usd), sum(open_list_usd), sum(unlisted) from marts.commitment"
    assert ask(query) == [("48", "2000814.000000", "1.000000000000", "2.000814000000", "1.000407000000", "0")]


def test_what_providers_cost_is_the_whole_cost_of_a_book_without_gpus(ask: Ask) -> None:
    assert ask("select provider, sum(cost_usd) from marts.vendor_cost group by 1") == [
        ("acme", *ask("select sum(cost_usd) from core.allocation")[0])
    ]


def test_every_day_conserves_and_statements_are_the_whole_cost(ask: Ask) -> None:
    days = ask("select difference_usd, adjustment_usd <> 0 from marts.conservation")
    assert {difference for difference, _ in days} == {"0.000000000000"}
    assert ("0.000000000000", "True") in days
    assert ask("select sum(cost_usd) from marts.statement") == ask("select sum(cost_usd) from marts.conservation")


def test_a_wrong_commitment_is_an_error_of_the_book(tmp_path: Path) -> None:
    folder = _write(tmp_path / "book")
    (folder / "commitments.yaml").write_text(COMMITMENTS.replace("units: 1", "units: 0"), "utf-8")
    with pytest.raises(BookError, match=r"commitments\.yaml:6: provisioned_throughput\.0\.units: "):
        Book(folder)


def test_the_commented_example_of_a_new_book_is_sound(tmp_path: Path) -> None:
    list(scaffold(tmp_path))
    path = tmp_path / "commitments.yaml"
    assert Book(tmp_path).commitments.provisioned == ()
    lines = [line.replace("[]", "") for line in path.read_text("utf-8").splitlines() if not line.startswith("# W")]
    path.write_text("\n".join(f" {line[1:]}" if line.startswith("#") else line for line in lines), "utf-8")
    found = Book(tmp_path).commitments
    assert [len(part) for part in (found.provisioned, found.reserved, found.owned, found.power, found.minimums)] == [1, 1, 1, 1, 1]


def test_the_tables_of_commitments_have_the_columns_that_models_are_told(tmp_path: Path) -> None:
    tables = tables_of(Book(_write(tmp_path / "book")))
    for name in ("commitment", "commitment_price", "commitment_match", "commitment_weight", "minimum_spend", "gpu_pool"):
        assert set(tables[f"book.{name}"].columns) == set(read_inputs()[f"book.{name}"])
