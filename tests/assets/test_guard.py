"""The unit guard: a file in another unit is stopped, an absurd row is kept."""

import json
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from meterbook.assets.guard import UnitGuard
from meterbook.assets.inbox import Inbox, Ingested
from meterbook.assets.sources import Source
from meterbook.assets.workspace import project
from meterbook.rate_cards.compile import SHIPPED, Cards, load_cards

PRICE = Decimal("0.00000125")
"""gpt-5, per uncached input token."""


@cache
def cards() -> Cards:
    return load_cards([SHIPPED])


def take(book: Path, files: Mapping[str, str], *sources: Mapping[str, Any]) -> Ingested:
    (book / "inbox").mkdir(exist_ok=True)
    for name, text in files.items():
        (book / "inbox" / name).write_text(text, "utf-8")
    return Inbox(book, [Source.model_validate(source) for source in sources], guard=UnitGuard(cards, project)).ingest()


def log(name: str, factor: Decimal, tokens: int = 1000) -> str:
    return json.dumps(
        {
            "request_id": name,
            "startTime": "2026-10-01T00:00:00Z",
            "model": "gpt-5",
            "custom_llm_provider": "openai",
            "spend": float(PRICE * tokens * factor),
            "prompt_tokens": tokens,
            "completion_tokens": 0,
        }
    )


def logs(*factors: int | str) -> str:
    return "\n".join(log(f"r{n}", Decimal(factor)) for n, factor in enumerate(factors))


@pytest.mark.parametrize(
    ("factor", "said"),
    [
        ("100", "reports about 100 times what its tokens cost at list price (median of 9 rows): "),
        ("1000", "reports about 1,000 times what"),
        ("0.01", "reports about 1/100 of what"),
        ("80", "reports about 100 times what"),
    ],
)
def test_a_file_whose_amounts_are_in_another_unit_is_stopped_with_the_setting_to_use(tmp_path: Path, factor: str, said: str) -> None:
    done = take(tmp_path, {"a.jsonl": logs(*[factor] * 9)})
    [(_, why)] = done.refused
    assert why.startswith(said)
    assert "money_unit" in why
    assert (done.rows_in, list((tmp_path / "lake/raw").rglob("*.parquet"))) == (0, [])


@pytest.mark.parametrize("factor", ["1", "0.5", "2", "0.2", "12"])
def test_discounts_and_margins_pass(tmp_path: Path, factor: str) -> None:
    assert take(tmp_path, {"a.jsonl": logs(*[factor] * 9)}).refused == []


def test_one_absurd_row_is_data(tmp_path: Path) -> None:
    done = take(tmp_path, {"a.jsonl": logs(1, 1, 1, 1, 1, 700_000)})
    assert (done.refused, done.rows_typed) == ([], 6)


@pytest.mark.parametrize(("count", "refused"), [(4, []), (5, ["a.jsonl"])])
def test_a_file_of_few_rows_is_not_judged(tmp_path: Path, count: int, refused: list[str]) -> None:
    assert [name for name, _ in take(tmp_path, {"a.jsonl": logs(*[100] * count)}).refused] == refused


def test_rows_without_an_amount_or_without_a_price_say_nothing(tmp_path: Path) -> None:
    free = [log(f"z{n}", Decimal(0)) for n in range(20)]
    unknown = [log(f"u{n}", Decimal(100)).replace("gpt-5", "house-model") for n in range(20)]
    assert take(tmp_path, {"a.jsonl": "\n".join([*free, *unknown, logs(1, 1, 1, 1, 1)])}).refused == []


def test_a_unit_set_in_the_book_is_believed_and_said(tmp_path: Path) -> None:
    source = {"name": "gateway", "path": "*", "format": "litellm_spendlogs", "options": {"money_unit": "usd"}}
    done = take(tmp_path, {"a.jsonl": logs(*[100] * 9)}, source)
    assert done.refused == []
    assert [flag for _, flag in done.flagged] == [
        "reports about 100 times what its tokens cost at list price (median of 9 rows); taken as the book's `money_unit` says"
    ]


def test_cents_and_nano_dollars_of_a_mapped_file_are_stopped_until_the_mapping_says_so(tmp_path: Path) -> None:
    columns = {"started_at": "at", "model": "model", "input_tokens": "in", "output_tokens": "out", "reported_cost_usd": "cost"}
    mapping = {"kind": "request", "columns": columns, "constants": {"provider": "openai"}}
    text = "at,model,in,out,cost\n" + "2026-10-01,gpt-5,100,0,125000\n" * 9
    source = {"name": "own", "path": "*", "format": "mapped", "mapping": mapping}
    [(_, why)] = take(tmp_path, {"a.csv": text}, source).refused
    assert why.startswith("reports about 1,000,000,000 times")
    assert why.endswith("set `money_unit:` (usd, cents or nanousd) in its `mapping:` in meterbook.yaml")
    done = take(tmp_path, {}, {**source, "mapping": {**mapping, "money_unit": "nanousd"}})
    assert (done.refused, done.flagged, done.rows_typed) == ([], [], 9)


def test_a_large_file_is_judged_all_over(tmp_path: Path) -> None:
    text = "\n".join(log(f"r{n}", Decimal(1 if n < 20_000 else 100)) for n in range(30_000))
    assert len(take(tmp_path, {"a.jsonl": text}).refused) == 0
    text = "\n".join(log(f"r{n}", Decimal(1 if n < 10_000 else 100)) for n in range(30_000))
    assert len(take(tmp_path, {"a.jsonl": text}).refused) == 1


def focus(currency: str, billed: Decimal, **more: str) -> str:
    line = {
        "BilledCost": f"{billed:f}",
        "BillingCurrency": currency,
        "ChargePeriodStart": "2026-10-07T00:00:00Z",
        "ChargeCategory": "Usage",
        "ProviderName": "OpenAI",
        "x_Model": "gpt-5",
        "SkuMeter": "input",
        "ConsumedQuantity": "1000000",
        "ConsumedUnit": "Tokens",
        **more,
    }
    return f"{json.dumps(line)}\n" * 9


def test_a_bill_in_yen_is_not_taken_for_one_in_cents(tmp_path: Path) -> None:
    listed = PRICE * 1_000_000
    assert take(tmp_path, {"a.jsonl": focus("JPY", listed * 150)}).refused == []
    done = take(tmp_path, {"b.jsonl": focus("USD", listed * 150)})
    assert [why.partition(" what")[0] for _, why in done.refused] == ["reports about 100 times"]


def test_dollars_that_a_bill_in_another_currency_states_are_judged(tmp_path: Path) -> None:
    listed = PRICE * 1_000_000
    assert take(tmp_path, {"a.jsonl": focus("JPY", listed * 150, x_BilledCostInUsd=f"{listed:f}")}).refused == []
    assert len(take(tmp_path, {"b.jsonl": focus("JPY", listed, x_BilledCostInUsd=f"{listed * 100:f}")}).refused) == 1
