"""What the sample company's providers export: usage and costs that follow from the requests, but for what was planted.

OpenAI gives dollars, Anthropic cents; both call a model by its dated name. Google's bill is in demo_google.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from meterbook.pipelines.demo_company import PRICES
from meterbook.pipelines.demo_gaps import Key, Sums, Usage, echoed, forgiven, lagging, prices_of, rows_of_providers, tier_of
from meterbook.pipelines.demo_requests import Requests, buckets_of

CREDIT_DAY, CREDIT_USD = date(2026, 9, 30), Decimal(-50)
TAX_DAY, TAX_USD = date(2026, 10, 30), Decimal("41.37")
BILLED = ("anthropic", "openai")
MONTHLY_PAGE_DAYS = 7


def add_up(usage: Usage, made: Requests, day: date) -> None:
    """Add a day's requests to the usage of the day on which each provider counts them."""
    buckets = buckets_of(made).tolist()
    lags, left_out = set(lagging(made, day)), set(forgiven(made, day))
    for n, provider, key in rows_of_providers(made):
        if n not in left_out:
            sums = usage.setdefault(day + timedelta(days=int(n in lags)), {}).setdefault(provider, {})
            _add(sums, key, buckets[n])
    for n, provider, key in rows_of_providers(made, echoed(made, day)):
        _add(usage[day][provider], key, buckets[n])


def _add(sums: Sums, key: Key, buckets: Sequence[int]) -> None:
    total = sums.setdefault(key, [0] * 5)
    for place, value in enumerate((1, *buckets)):
        total[place] += value


def billed_usd(day: date, provider: str, sums: Sums) -> Decimal:
    """All a provider bills for a day."""
    lines = sum((amount for key, total in sums.items() for _, _, amount in _meters(key, day, total)), Decimal(0))
    return lines + sum((amount for _, amount in _extras(day, provider)), Decimal(0))


def write_bills(folder: Path, usage: Usage) -> dict[str, dict[str, int]]:
    """One file of pages per provider, kind and month; a page per week, as their APIs give them.

    Returns:
        Results in each file, by its name in the inbox.
    """
    kinds: tuple[tuple[str, Callable[[date, Sums], list[dict[str, Any]]]], ...] = (
        ("openai/usage", _openai_usage),
        ("openai/costs", _openai_costs),
        ("anthropic/usage", _anthropic_usage),
        ("anthropic/costs", _anthropic_costs),
    )
    months: dict[str, list[date]] = defaultdict(list)
    for day in sorted(usage):
        months[f"{day:%Y-%m}"].append(day)
    return dict(
        _write_month(folder, name, month, {day: usage[day] for day in of}, results)
        for month, of in months.items()
        for name, results in kinds
    )


def _write_month(
    folder: Path, name: str, month: str, usage: Mapping[date, Mapping[str, Sums]], results: Callable[[date, Sums], list[dict[str, Any]]]
) -> tuple[str, dict[str, int]]:
    provider = name.split("/", maxsplit=1)[0]
    buckets = [_bucket(provider, day, results(day, dict(sorted(sums.get(provider, {}).items())))) for day, sums in usage.items()]
    path = folder / "inbox" / f"{name}_{month}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(_pages(provider, buckets), indent=1), "utf-8")
    return f"{name}_{month}.json", {"rows_in": sum(len(bucket["results"]) for bucket in buckets), "quarantined": 0}


def _pages(provider: str, buckets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    head = {"object": "page"} if provider == "openai" else {}
    starts = range(0, len(buckets), MONTHLY_PAGE_DAYS)
    more = [start + MONTHLY_PAGE_DAYS < len(buckets) for start in starts]
    return [
        {
            **head,
            "data": buckets[start : start + MONTHLY_PAGE_DAYS],
            "has_more": one,
            "next_page": f"page_{start + MONTHLY_PAGE_DAYS:03d}" if one else None,
        }
        for start, one in zip(starts, more, strict=True)
    ]


def _bucket(provider: str, day: date, results: list[dict[str, Any]]) -> dict[str, Any]:
    midnights = [datetime(one.year, one.month, one.day, tzinfo=UTC) for one in (day, day + timedelta(days=1))]
    if provider == "openai":
        start, end = (int(at.timestamp()) for at in midnights)
        return {"object": "bucket", "start_time": start, "end_time": end, "results": results}
    starting, ending = (f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in midnights)
    return {"starting_at": starting, "ending_at": ending, "results": results}


def _meters(key: Key, day: date, sums: Sequence[int]) -> list[tuple[int, int, Decimal]]:
    """Number of the meter, tokens and USD, for each meter with tokens."""
    rates = prices_of(day, key)
    return [(n, tokens, Decimal(rate * tokens).scaleb(-12)) for n, (rate, tokens) in enumerate(zip(rates, sums[1:], strict=True)) if tokens]


def _extras(day: date, provider: str) -> list[tuple[str, Decimal]]:
    """Lines of a bill that no usage stands behind."""
    lines = {CREDIT_DAY: ("Promotional credit", CREDIT_USD), TAX_DAY: ("Sales tax", TAX_USD)}
    return [lines[day]] if provider == "openai" and day in lines else []


def _openai_usage(day: date, sums: Sums) -> list[dict[str, Any]]:
    return [
        {
            "object": "organization.usage.completions.result",
            "input_tokens": fresh + read + written,
            "output_tokens": output,
            "num_model_requests": requests,
            "input_cached_tokens": read,
            "input_uncached_tokens": fresh,
            "project_id": project,
            "user_id": None,
            "api_key_id": None,
            "model": PRICES[model].release,
            "batch": tier_of(day, (project, model)) == "batch",
            "service_tier": "default",
        }
        for (project, model), (requests, fresh, read, written, output) in sums.items()
    ]


def _openai_costs(day: date, sums: Sums) -> list[dict[str, Any]]:
    names = ("input", "cached input", "cache write", "output")
    lines = [
        _openai_line(amount, f"{PRICES[model].release}{_batch(day, (project, model))}, {names[meter]}", tokens, project)
        for (project, model), total in sums.items()
        for meter, tokens, amount in _meters((project, model), day, total)
    ]
    return lines + [_openai_line(amount, item, None, None) for item, amount in _extras(day, "openai")]


def _batch(day: date, key: Key) -> str:
    return " batch" if tier_of(day, key) == "batch" else ""


def _openai_line(amount: Decimal, item: str, tokens: int | None, project: str | None) -> dict[str, Any]:
    return {
        "object": "organization.costs.result",
        "amount": {"value": f"{amount:f}", "currency": "usd"},
        "line_item": item,
        "quantity": tokens,
        "quantity_unit": None if tokens is None else "tokens",
        "project_id": project,
        "user_id": None,
        "api_key_id": None,
    }


def _anthropic_usage(_day: date, sums: Sums) -> list[dict[str, Any]]:
    return [
        {
            "uncached_input_tokens": fresh,
            "cache_creation": {"ephemeral_1h_input_tokens": 0, "ephemeral_5m_input_tokens": written},
            "cache_read_input_tokens": read,
            "output_tokens": output,
            "server_tool_use": {"web_search_requests": 0},
            "api_key_id": None,
            "workspace_id": project,
            "model": PRICES[model].release,
            "service_tier": "standard",
            "context_window": "0-200k",
        }
        for (project, model), (_, fresh, read, written, output) in sums.items()
    ]


def _anthropic_costs(day: date, sums: Sums) -> list[dict[str, Any]]:
    meters = (
        ("uncached_input_tokens", "Input Tokens"),
        ("cache_read_input_tokens", "Input Tokens, Cache Hit"),
        ("cache_creation.ephemeral_5m_input_tokens", "Input Tokens, Cache Write"),
        ("output_tokens", "Output Tokens"),
    )
    return [
        {
            "currency": "USD",
            "amount": f"{amount * 100:f}",
            "workspace_id": project,
            "description": f"{PRICES[model].release} Usage - {meters[meter][1]}",
            "cost_type": "tokens",
            "context_window": "0-200k",
            "model": PRICES[model].release,
            "service_tier": "standard",
            "token_type": meters[meter][0],
        }
        for (project, model), total in sums.items()
        for meter, _, amount in _meters((project, model), day, total)
    ]
