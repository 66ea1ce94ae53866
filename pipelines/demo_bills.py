"""What the sample company's providers export: usage and costs that follow from the requests, but for what was planted."""

import json
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from meterbook.pipelines.demo_company import FEATURES, SHADOW_DAYS, SHADOW_PROJECT, price_on
from meterbook.pipelines.demo_requests import Requests

CREDIT_DAY, CREDIT_USD = date(2026, 9, 30), Decimal(-50)
SHADOW_REQUESTS, SHADOW_INPUT, SHADOW_OUTPUT = 400, 9_000_000, 500_000
Key = tuple[str, str]
Sums = dict[Key, list[int]]
"""(project, model) -> requests, uncached input, cache read, cache written, output."""


def add_up(made: Requests, day: date) -> dict[str, Sums]:
    """A day's usage as each provider counts it; answers from the gateway's own cache never reached one."""
    sums: dict[str, Sums] = defaultdict(lambda: defaultdict(lambda: [0] * 5))
    columns = (
        made.feature.tolist(),
        made.model,
        made.prompt.tolist(),
        made.read.tolist(),
        made.written.tolist(),
        made.output.tolist(),
        made.cache_hit.tolist(),
    )
    for feature, model, prompt, read, written, output, hit in zip(*columns, strict=True):
        price = price_on(model, day)
        if price is not None and not hit:
            total = sums[price.provider][(FEATURES[feature].project, model)]
            for place, value in enumerate((1, prompt - read - written, read, written, output)):
                total[place] += value
    if day in SHADOW_DAYS:
        sums["openai"][(SHADOW_PROJECT, "gpt-5-mini")] = [SHADOW_REQUESTS, SHADOW_INPUT, 0, 0, SHADOW_OUTPUT]
    return {provider: dict(sorted(found.items())) for provider, found in sums.items()}


def write_bills(folder: Path, usage: Mapping[date, Mapping[str, Sums]]) -> None:
    """One file of pages per provider, kind and month; a page per week, as their APIs give them."""
    for month in sorted({f"{day:%Y-%m}" for day in usage}):
        of_month = {day: sums for day, sums in usage.items() if f"{day:%Y-%m}" == month}
        for name, bucket in (
            ("openai/usage", _openai_usage),
            ("openai/costs", _openai_costs),
            ("anthropic/usage", _anthropic_usage),
            ("anthropic/costs", _anthropic_costs),
        ):
            provider = name.split("/")[0]
            buckets = [bucket(day, sums.get(provider, {})) for day, sums in sorted(of_month.items())]
            pages = [
                {"object": "page", "data": buckets[n : n + 7], "has_more": n + 7 < len(buckets), "next_page": None}
                for n in range(0, len(buckets), 7)
            ]
            path = folder / "inbox" / f"{name}_{month}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(pages, indent=1, default=_number), "utf-8")


def _number(value: object) -> object:
    if isinstance(value, Decimal):
        return f"{value:f}"
    raise TypeError(f"{value!r} is not JSON")


def _unix(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def _openai(day: date, results: list[dict[str, Any]]) -> dict[str, Any]:
    return {"object": "bucket", "start_time": _unix(day), "end_time": _unix(day + timedelta(days=1)), "results": results}


def _openai_usage(day: date, sums: Sums) -> dict[str, Any]:
    return _openai(
        day,
        [
            {
                "object": "organization.usage.completions.result",
                "input_tokens": fresh + read + written,
                "output_tokens": output,
                "num_model_requests": requests,
                "input_cached_tokens": read,
                "project_id": project,
                "user_id": None,
                "api_key_id": None,
                "model": model,
                "batch": False,
                "service_tier": "default",
            }
            for (project, model), (requests, fresh, read, written, output) in sums.items()
        ],
    )


def _meters(model: str, day: date, sums: list[int]) -> list[tuple[str, int, Decimal]]:
    price = price_on(model, day)
    if price is None:
        return []
    per_million = (price.input, price.cache_read, price.cache_write, price.output)
    names = ("input", "cached input", "cache write", "output")
    return [
        (name, tokens, Decimal(str(rate)) * tokens / 1_000_000)
        for name, tokens, rate in zip(names, sums[1:], per_million, strict=True)
        if tokens
    ]


def _openai_costs(day: date, sums: Sums) -> dict[str, Any]:
    return _openai(
        day,
        [
            {
                "object": "organization.costs.result",
                "amount": {"value": amount, "currency": "usd"},
                "line_item": f"{model}, {meter}",
                "quantity": tokens,
                "quantity_unit": "tokens",
                "project_id": project,
            }
            for (project, model), total in sums.items()
            for meter, tokens, amount in _meters(model, day, total)
        ],
    )


def _anthropic(day: date, results: list[dict[str, Any]]) -> dict[str, Any]:
    return {"starting_at": f"{day}T00:00:00Z", "ending_at": f"{day + timedelta(days=1)}T00:00:00Z", "results": results}


def _anthropic_usage(day: date, sums: Sums) -> dict[str, Any]:
    return _anthropic(
        day,
        [
            {
                "uncached_input_tokens": fresh,
                "cache_creation": {"ephemeral_1h_input_tokens": 0, "ephemeral_5m_input_tokens": written},
                "cache_read_input_tokens": read,
                "output_tokens": output,
                "api_key_id": None,
                "workspace_id": project,
                "model": model,
                "service_tier": "standard",
                "context_window": "0-200k",
            }
            for (project, model), (_, fresh, read, written, output) in sums.items()
        ],
    )


def _anthropic_costs(day: date, sums: Sums) -> dict[str, Any]:
    lines = [(project, model, meter, amount) for (project, model), total in sums.items() for meter, _, amount in _meters(model, day, total)]
    results = [
        {
            "currency": "USD",
            "amount": amount * 100,
            "workspace_id": project,
            "description": f"{model} Usage - {meter}",
            "cost_type": "tokens",
            "model": model,
        }
        for project, model, meter, amount in lines
    ]
    if day == CREDIT_DAY:
        results.append(
            {
                "currency": "USD",
                "amount": CREDIT_USD * 100,
                "workspace_id": None,
                "description": "Promotional credit",
                "cost_type": "credit",
                "model": None,
            }
        )
    return _anthropic(day, results)
