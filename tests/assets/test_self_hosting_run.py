"""A book with GPUs of its own that serve models, from file to statement: paid once, on two bases, beside an API."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from small import built, limited
from small_book import CARD, SmallBook

from meterbook.assets.book import Book, BookError
from meterbook.assets.book_tables import tables_of
from meterbook.assets.workspace import Workspace
from meterbook.sql.models import read_inputs

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("all_small")]
ASKED = ("marts.self_hosted", "marts.self_hosted_load", "marts.coverage", "marts.conservation", "marts.statement", "marts.gpu_use")

BOOK = """\
name: Acme
sources:
  - name: log
    path: "*.jsonl"
    format: mapped
    mapping:
      kind: request
      columns: {started_at: at, model: model, input_tokens: input, output_tokens: output, team: team, reported_cost_usd: said}
      constants: {provider: my-gateway}
  - name: gpus
    path: "*.ndjson"
    format: mapped
    mapping:
      kind: gpu_sample
      columns: {sampled_at: at, device_id: device, used_gpus: used, warm_idle_gpus: warm, energy_mj: energy}
      constants: {interval_seconds: 3600, pool: serve, team: serving}
self_hosted:
  - {model: "llama-*", pool: serve, api: acme/large, ops_ratio: 0.1}
  - {model: qwen, provider: My-Gateway, pool: serve, api: acme/small, ops_ratio: 0.1}
"""
# 744 hours of October at a dollar for each of three GPUs; a kWh is a quarter of a dollar.
OWNED = """\
owned_gpu:
  - {name: rack, pool: serve, gpus: 3, bought_on: 2026-10-01, purchase_usd: 2232, life_months: 1, owner: platform}
gpu_power:
  - {pool: serve, starts_on: 2026-01-01, usd_per_kwh: 0.2, pue: 1.25, watts: 400, idle_watts: 80}
"""
CALL = {"at": "2026-10-01T09:30:00Z", "model": "llama-3.3-70b", "input": 1_000_000, "output": 100_000, "team": "search"}
CALLS = [CALL, {**CALL, "model": "qwen", "at": "2026-10-01T09:59:59Z", "said": 5}]
WORK = range(8, 20)
KWH = 3_600_000_000
"""In millijoules."""
SERVED = """\
self_hosted:
  - {model: llama, pool: serve, api: acme/large}
  - {model: qwen, pool: serve, api: acme/small}
"""
Rows = list[tuple[str, ...]]


def _sample(hour: int, device: str, **more: int) -> dict[str, object]:
    return {"at": f"2026-10-01T{hour:02d}:00:00Z", "device": device, "used": 0, "warm": 0, **more}


# One works for twelve hours and its counter says 0.4 kWh an hour; the other is held for nothing and has no counter.
SAMPLES = [
    one
    for hour in range(24)
    for one in (_sample(hour, "g", used=int(hour in WORK), energy=7 * KWH + hour * KWH * 2 // 5), _sample(hour, "h", warm=1))
]


def _write(folder: Path, book: str = BOOK) -> Path:
    for name in ("inbox", "rate_cards"):
        (folder / name).mkdir(parents=True)
    (folder / "meterbook.yaml").write_text(book, "utf-8")
    (folder / "rate_cards" / "acme.yaml").write_text(CARD, "utf-8")
    (folder / "commitments.yaml").write_text(OWNED, "utf-8")
    for name, records in (("log.jsonl", CALLS), ("gpus.ndjson", SAMPLES)):
        (folder / "inbox" / name).write_text("".join(json.dumps(record) + "\n" for record in records), "utf-8")
    return folder


class _Lake:
    def __init__(self, con: Any) -> None:
        self._con = con

    def __call__(self, query: str) -> Rows:
        rows: list[tuple[Any, ...]] = self._con.execute(query).fetchall()
        return [tuple(f"{value.normalize():f}" if isinstance(value, Decimal) else str(value) for value in row) for row in rows]


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Lake]:
    workspace = built(limited(Workspace(_write(tmp_path_factory.mktemp("serving") / "book")), *ASKED))
    with workspace.catalog.connect() as con:
        yield _Lake(con)


def test_a_self_hosted_call_costs_nothing_more_says_which_pool_served_it_and_is_covered(ask: _Lake) -> None:
    query = "select model, cost_usd, list_cost_usd, matched_rule, unpriced_reason from core.request_cost order by model"
    assert ask(query) == [
        ("llama-3.3-70b", "0", "0", "pattern: served by pool serve", "None"),
        ("qwen", "0", "0", "name: served by pool serve", "None"),
    ]
    assert ask("select reason, sum(requests) from marts.coverage group by 1") == [("priced", "2")]


def test_hours_of_owned_gpus_cost_their_depreciation_and_their_power(ask: _Lake) -> None:
    query = """select device_id, power_basis, covered_cost_usd, power_cost_usd, cost_usd, count(*) from core.gpu_price
        group by all order by all"""
    assert ask(query) == [
        ("g", "measured", "1", "0.1", "1.1", "23"),
        ("g", "measured in part", "1", "0", "1", "1"),
        ("h", "stated", "1", "0.02", "1.02", "24"),
    ]
    assert ask("select used_cost_usd, warm_idle_cost_usd, free_idle_cost_usd, cost_usd from marts.gpu_use") == [
        ("13.2", "24.48", "13.1", "50.78")
    ]


def test_gpus_that_were_bought_and_are_not_there_are_unused_and_on_no_bill(ask: _Lake) -> None:
    query = "select line, basis, team, billed_as, sum(cost_usd) from core.adjustment where day = '2026-10-01' group by all"
    assert ask(query) == [("Commitment unused", "rack", "platform", "None", "24")]
    assert ask("select capacity_unit, sum(used), sum(capacity) from core.commitment_hour where day = '2026-10-01' group by 1") == [
        ("GPU seconds", "172800", "259200")
    ]


def test_both_bases_and_the_api_are_exact_and_the_hours_without_calls_keep_their_cost(ask: _Lake) -> None:
    query = """select model, api, tokens, capacity_seconds, used_seconds, allocation_cost_usd, usage_cost_usd, api_cost_usd
        from marts.self_hosted order by model"""
    # The hour of the calls costs 2.12 and a tenth of operations; by 14 to 1.4 it is split ten to one.
    assert ask(query) == [
        ("(none)", "(none)", "0", "165600", "39600", "53.526", "12.1", "0"),
        ("llama-*", "acme/large", "1100000", "6545", "3272", "2.12", "1", "14"),
        ("qwen", "acme/small", "1100000", "655", "328", "0.212", "0.1", "1.4"),
    ]
    [(allocation, usage, cost, used)] = ask("""
        select (select sum(allocation_cost_usd) from marts.self_hosted), (select sum(usage_cost_usd) from marts.self_hosted),
            (select sum(cost_usd) from marts.gpu_use), (select sum(used_cost_usd) from marts.gpu_use)""")
    assert Decimal(allocation) == Decimal(cost) * Decimal("1.1")
    assert usage == used
    assert Decimal(usage) < Decimal(allocation)
    assert ask("select sum(allocation_cost_usd), sum(api_cost_usd), count(*) from marts.self_hosted_load") == [("55.858", "15.4", "24")]


def test_nothing_is_paid_twice_and_every_day_conserves(ask: _Lake) -> None:
    assert ask("select difference_usd, gpu_usd, adjustment_usd, request_usd from marts.conservation where day = '2026-10-01'") == [
        ("0", "50.78", "24", "0")
    ]
    assert ask("select sum(cost_usd) from marts.statement") == ask("select sum(cost_usd) from marts.conservation")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("api: acme/large", "api: acme/huge", ":18: self_hosted.0.api: no card prices acme/huge; name provider/model as a rate card does"),
        ("api: acme/large", "api: large", ":18: self_hosted.0.api: "),
        ("ops_ratio: 0.1}\n  - {model: qwen", "ops: 0.1}\n  - {model: qwen", ":18: self_hosted.0.ops: unknown key"),
        ("qwen, provider: My-Gateway,", "LLAMA-*,", ":19: self_hosted.1.model: LLAMA-* is served by pool serve until 9999-12-31 already"),
        (
            "api: acme/small, ops_ratio: 0.1",
            "api: acme/small",
            ":19: self_hosted.1.ops_ratio: pool serve has ops_ratio 0.1 before; a pool has",
        ),
        ("ops_ratio: 0.1}\n  - {model: qwen", "ops_ratio: -1}\n  - {model: qwen", ":18: self_hosted.0.ops_ratio: "),
        ("model: qwen,", "model: qwen, ends_on: 1970-01-01,", "ends_on 1970-01-01 (exclusive) must lie after starts_on 1970-01-01"),
        ("pool: serve, api: acme/large", 'pool: "*", api: acme/large', ":18: self_hosted.0.pool: "),
    ],
)
def test_a_wrong_self_hosted_model_is_an_error_of_the_book_with_its_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in BOOK
    with pytest.raises(BookError) as error:
        Book(_write(tmp_path / "book", BOOK.replace(old, new))).current_cards  # noqa: B018 -- read when first asked for
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_pool_of_owned_gpus_is_on_no_clouds_bill_unless_the_book_says_so(tmp_path: Path) -> None:
    said = "gpu_pools:\n  {pool}: {{rate: gpu/h100, owner: platform{more}}}\n"
    pools = [
        tables_of(Book(_write(tmp_path / str(number), BOOK + text)))["book.gpu_pool"].select("pool", "owner", "is_billed").rows()
        for number, text in enumerate(
            ("", said.format(pool="serve", more=""), said.format(pool="serve", more=", billed: true"), said.format(pool="other", more=""))
        )
    ]
    assert pools == [
        [("serve", None, False)],
        [("serve", "platform", False)],
        [("serve", "platform", True)],
        [("serve", None, False), ("other", "platform", True)],
    ]


def test_the_tables_of_owned_gpus_and_self_hosted_models_have_the_columns_that_models_are_told(tmp_path: Path) -> None:
    tables = tables_of(Book(_write(tmp_path / "book")))
    for name in ("book.gpu_power", "book.self_hosted", "book.commitment", "book.commitment_match"):
        assert tables[name].height > 0
        assert set(tables[name].columns) == set(read_inputs()[name])


def test_a_model_that_is_told_later_to_be_self_hosted_is_priced_on_the_days_on_which_nothing_was_known_of_it(small_book: SmallBook) -> None:
    small_book.log("2026-10-01", model="llama")
    small_book.log("2026-10-02", model="qwen", said=7)
    prices = "select day, model, cost_usd, unpriced_reason from core.request_cost where model in ('llama', 'qwen') order by day, model"
    with small_book.run().catalog.connect() as con:
        assert _Lake(con)(prices) == [("2026-10-01", "llama", "None", "no model"), ("2026-10-02", "qwen", "7", "no model")]
    settings = small_book.folder / "meterbook.yaml"
    settings.write_text(f"{settings.read_text('utf-8')}{SERVED}", "utf-8")
    small_book.log("2026-10-03", model="qwen", said=7)
    with small_book.run().catalog.connect() as con:
        # What a source had reported was known, and stays until it is priced anew.
        assert _Lake(con)(prices) == [
            ("2026-10-01", "llama", "0", "None"),
            ("2026-10-02", "qwen", "7", "no model"),
            ("2026-10-03", "qwen", "0", "None"),
        ]
