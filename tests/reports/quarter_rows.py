"""Rows that the quarterly page has sections for and the company's marts lack: own GPUs that serve, commitments, what providers cost."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb

DAYS = [date(2026, 9, 20) + timedelta(days=number) for number in range(36)]
ENDS = date(2027, 1, 1)
COMMITMENT = "gpt-5 in Sweden Central"


def fill_quarter(con: duckdb.DuckDBPyConnection) -> None:
    """A pool that serves a model, a commitment and a minimum spend that end, three providers of which one has more credits than cost."""
    capacity = {"capacity": Decimal(24_000_000)}
    held = {"commitment": COMMITMENT, "kind": "provisioned_throughput", "provider": "azure.ai.openai", "owner": "support"}
    _put(con, "book.commitment", **held, **capacity, starts_on=date(2026, 1, 1), ends_on=ENDS, is_billed=True)
    least = {"minimum": "enterprise agreement", "provider": "openai", "owner": "finance"}
    _put(con, "book.minimum_spend", **least, starts_on=date(2026, 1, 1), ends_on=ENDS, monthly_usd=Decimal(5000))
    for day in DAYS:
        use = {"hours": 24, "used": Decimal(18_000_000), "overflow": Decimal(0), "least_unused": Decimal(100_000)}
        money = {"cost_usd": Decimal(2400), "used_cost_usd": Decimal(1800), "unused_cost_usd": Decimal(600)}
        at_list = {"list_usd": Decimal(3000), "open_list_usd": Decimal(400), "unlisted": 0, "capacity_unit": "weighted tokens"}
        _put(con, "marts.commitment", day=day, **held, **capacity, **use, **money, **at_list)
        month = {"due_usd": Decimal(160 * day.day), "spent_usd": Decimal(120 * day.day), "shortfall_usd": Decimal(40 * day.day)}
        _put(con, "marts.minimum_spend", day=day, **least, **month, accrued_usd=Decimal(40))
        for provider, usd in (("openai", 900), ("anthropic", 400 + day.day), ("azure.ai.openai", -3)):
            _put(con, "marts.vendor_cost", day=day, provider=provider, model="gpt-5", line="Model usage", cost_usd=Decimal(usd))
        _serve(con, day)


def _serve(con: duckdb.DuckDBPyConnection, day: date) -> None:
    tokens, money = 1_000_000, {"allocation_cost_usd": Decimal(3), "api_cost_usd": Decimal("2.5")}
    counted = dict.fromkeys(("tokens", "costed_tokens", "priced_tokens"), 24 * tokens)
    whole = {"allocation_cost_usd": Decimal(72), "usage_cost_usd": Decimal(24), "api_cost_usd": Decimal(60)}
    served = {"pool": "inference", "model": "llama-3.3-70b-instruct", "api": "aws.bedrock/meta.llama3-3-70b-instruct-v1:0"}
    _put(con, "marts.self_hosted", day=day, **served, **counted, **whole, uncounted_requests=0)
    for hour in range(24):
        seconds = {"capacity_seconds": 14_400, "used_seconds": 4_000 + 100 * hour + 10 * day.day, "unknown_seconds": 0}
        at = datetime(day.year, day.month, day.day, hour)
        _put(con, "marts.self_hosted_load", day=day, started_at=at, pool="inference", tokens=tokens, **seconds, **money)


def _put(con: duckdb.DuckDBPyConnection, table: str, **row: Any) -> None:
    con.execute(f"insert into {table} ({', '.join(row)}) values ({', '.join('?' * len(row))})", list(row.values()))
