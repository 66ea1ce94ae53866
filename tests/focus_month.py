"""An October with every kind of FOCUS row, as the tables before them would hold it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import duckdb
from rows import insert

from meterbook.assets.workspace import columns, project
from meterbook.sql.schemas import empty_table
from meterbook.sql.scratch import scratch
from meterbook.sql.steps import make_table

Con = duckdb.DuckDBPyConnection
Rows = Sequence[Mapping[str, object]]
FOCUS = (
    "marts.focus_use", "marts.focus_request", "marts.focus_usage", "marts.focus_gpu", "marts.focus_adjustment", "marts.focus_charge",
    "marts.focus_line", "marts.focus",
)  # fmt: skip
DAY = "2026-10-02"
_CALL = {
    "request_id": "a", "day": DAY, "provider": "openai", "model": "gpt-5-2025-08-07", "card_model": "gpt-5", "served_tier": "standard",
    "project_id": "proj", "team": "search", "cost_centre": "4711", "tenant": "acme", "feature": "chat", "environment": "prod",
    "rate_id": "rate", "card_version": "v", "cost_basis": "computed", "billing": "billed", "is_estimated": False, "input_tokens": 1000,
    "cache_read_tokens": 500, "output_tokens": 100, "reasoning_tokens": 40, "list_cost_usd": "0.0023125", "contracted_cost_usd": "0.00185",
    "cost_usd": "0.00185",
}  # fmt: skip
_RATE = {"rate_id": "rate", "priced_from": "2020-01-01", "priced_to": "9999-12-31"}
_PRICES = (("input", "0.00000125", "0.000001"), ("cache_read", "0.000000125", "0.0000001"), ("output", "0.00001", "0.000008"))
_CHARGE = {
    "charge_id": "bill", "day": DAY, "provider": "openai", "billed_as": "openai", "scope": "model", "charge_category": "Usage",
    "currency": "USD", "billed_cost": "0.002", "billed_cost_usd": "0.002", "cost_usd": "0.002", "invoice_id": "INV-1", "fx_rate": 1,
    "billing_account_id": "0042", "tags": '{"owner": "=x, \\"y\\""}', "meter": "input", "quantity": 1000, "quantity_unit": "tokens",
}  # fmt: skip
_HOUR = {
    "device_id": "GPU-1", "day": DAY, "started_at": f"{DAY} 00:00:00", "pool": "training", "team": "research", "gpu_model": "NVIDIA H100",
    "rate_id": "gpu", "gpus": 1, "capacity_seconds": 3600, "used_seconds": 1200, "warm_idle_seconds": 1200, "free_idle_seconds": 1200,
    "unknown_seconds": 0, "cost_usd": 3, "used_cost_usd": 1, "warm_idle_cost_usd": 1, "free_idle_cost_usd": 1, "unknown_cost_usd": 0,
}  # fmt: skip
MONTH: Mapping[str, Rows] = {
    "core.request_cost": [
        _CALL,
        {**_CALL, "request_id": "served", "commitment": "ptu", "contracted_cost_usd": 0, "cost_usd": 0},
        {**_CALL, "request_id": "reported", "provider": "groq", "rate_id": None, "cost_basis": "reported", "cost_usd": "0.01"},
        {**_CALL, "request_id": "hit", "billing": "not billed", "list_cost_usd": 0, "contracted_cost_usd": 0, "cost_usd": 0},
        {**_CALL, "request_id": "unpriced", "provider": "acme", "cost_basis": None, "cost_usd": None, "unpriced_reason": "no model"},
    ],
    "core.model_spend": [
        {"day": DAY, "provider": "openai", "basis": "requests", "cost_usd": "0.00185"},
        {"day": DAY, "provider": "groq", "basis": "requests", "cost_usd": "0.01"},
    ],
    "rate_cards.unit_rate": [
        *({**_RATE, "meter": meter, "list_usd": price, "contracted_usd": paid, "effective_usd": paid} for meter, price, paid in _PRICES),
        {**_RATE, "rate_id": "gpu", "meter": "gpu_hour", "list_usd": 3, "contracted_usd": 3, "effective_usd": 3},
    ],
    "core.gpu_hour": [
        _HOUR,
        {
            **_HOUR,
            "device_id": "GPU-2",
            "commitment": "gpus",
            "cost_usd": "1.5",
            "used_cost_usd": "0.5",
            "warm_idle_cost_usd": "0.5",
            "free_idle_cost_usd": "0.5",
        },
        {**_HOUR, "device_id": "GPU-3", "cost_usd": None},
    ],
    "core.gpu_price": [
        {"device_id": "GPU-1", "day": DAY, "started_at": f"{DAY} 00:00:00", "seconds": 3600, "covered_seconds": 0},
        {"device_id": "GPU-2", "day": DAY, "started_at": f"{DAY} 00:00:00", "seconds": 3600, "covered_seconds": 3600, "commitment": "gpus"},
        {"device_id": "GPU-3", "day": DAY, "started_at": f"{DAY} 00:00:00", "seconds": 3600, "covered_seconds": 0},
    ],
    "book.gpu_pool": [{"pool": "training", "owner": "research", "is_billed": False}],
    "core.commitment_use": [{"day": DAY, "commitment": "ptu", "provider": "openai", "team": "search", "used": 1600, "cost_usd": "0.5"}],
    "core.commitment_hour": [
        {
            "day": DAY,
            "commitment": "ptu",
            "provider": "openai",
            "capacity_unit": "weighted tokens",
            "capacity": 3000,
            "used": 1600,
            "unused_cost_usd": "0.4",
        },
    ],
    "core.adjustment": [
        {"day": DAY, "line": "Commitment used", "basis": "ptu", "provider": "openai", "billed_as": "openai", "cost_usd": "0.5"},
        {"day": DAY, "line": "Commitment unused", "basis": "ptu", "provider": "openai", "billed_as": "openai", "cost_usd": "0.4"},
        {
            "day": DAY,
            "line": "Free allowance",
            "basis": "gpt-5",
            "provider": "openai",
            "billed_as": "openai",
            "team": "search",
            "cost_usd": "-0.001",
        },
        {"day": DAY, "line": "Correction of 2026-09", "basis": "late", "provider": "openai", "cost_usd": "-0.25"},
    ],
    "book.correction": [
        {
            "correction_id": "1",
            "day": DAY,
            "corrects_period": "2026-09",
            "corrects_day": "2026-09-17",
            "team": "search",
            "provider": "openai",
            "model": "gpt-5",
            "amount_usd": "-0.25",
            "reason": "late",
        },
    ],
    "core.charge": [
        _CHARGE,
        {**_CHARGE, "charge_id": "tax", "charge_category": "Tax", "billed_cost": "0.1", "billed_cost_usd": "0.1", "cost_usd": "0.1"},
        {
            **_CHARGE,
            "charge_id": "euro",
            "provider": "google",
            "billed_as": "google",
            "currency": "EUR",
            "billed_cost": 5,
            "billed_cost_usd": 6,
            "cost_usd": 6,
            "fx_rate": "1.2",
            "invoice_id": None,
            "resource_id": "res",
            "region_id": "eu",
        },
        {
            **_CHARGE,
            "charge_id": "old",
            "charge_class": "Correction",
            "day": "2026-09-30",
            "billing_period": "2026-10",
            "billed_cost": -1,
            "billed_cost_usd": -1,
            "cost_usd": -1,
        },
        {**_CHARGE, "charge_id": "next", "billing_period": "2026-11", "provider": "mistral", "billed_as": "mistral"},
        {**_CHARGE, "charge_id": "disks", "scope": "other", "billed_as": None, "billed_cost": 77},
    ],
    "core.cost_line": [
        # Of openai: 0.002 billed, and 0.00185 + 0.5 + 0.4 - 0.001 priced.
        {"day": DAY, "line": "Billed minus priced", "basis": "bill of openai", "cost_usd": "-0.89885"},
        {"day": DAY, "line": "Tax", "basis": "bill of openai", "cost_usd": "0.1"},
        {"day": DAY, "line": "Billed minus priced", "basis": "bill of google", "cost_usd": 6},
        {"day": DAY, "line": "Billed minus priced", "basis": "bill of mistral", "cost_usd": "0.002"},
        {"day": "2026-09-30", "line": "Billed minus priced", "basis": "bill of openai", "cost_usd": -1},
    ],
}


def fill(con: Con, given: Mapping[str, Rows], tables: Iterable[str]) -> None:
    """Create tables with what is given of them, in their own columns; those not given are empty."""
    for name in tables:
        shape = project().kinds[name.split(".")[1]] if project().is_kind_view(name) else columns()[name]
        empty_table(con, name, shape)
        insert(con, name, shape, given.get(name, ()))


def make(con: Con, names: Sequence[str] = FOCUS) -> None:
    """Make models one after the other, for September to November."""
    con.execute("set variable from_day = date '2026-09-01'; set variable to_day = date '2026-12-01'")
    for name in names:
        con.execute(f"create schema if not exists {name.split('.')[0]}")
        make_table(con, project().models[name], name)
        for rule in project().models[name].header.must:
            assert not con.execute(f"select * from {name} where ({rule}) is not true").fetchall(), f"{name}: {rule}"


@contextmanager
def month(given: Mapping[str, Rows] = MONTH) -> Iterator[Con]:
    """A connection with the FOCUS rows of a month, and all they were made from."""
    read = {name for model in (*FOCUS, "marts.focus_total") for name in project().models[model].inputs} | {"core.closed_gap"}
    with scratch() as con:
        fill(con, given, sorted(read - set(FOCUS)))
        make(con)
        yield con
