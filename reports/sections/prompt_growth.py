"""Prompts against their own history: whose grew, since when and at what price; context, and instructions that were sent again and again."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from meterbook.reports.frame import Row
from meterbook.reports.lever_text import SHOWN, summed
from meterbook.reports.month_frame import MonthFrame
from meterbook.reports.numbers import NONE, count, dollars, percent, ratio
from meterbook.reports.section import Section

_HELD = timedelta(days=2)
"""A rise is shown from its third day on: the mean of a day with few calls is soon a tenth off."""
_DAYS = """
    select day, feature, provider, model, requests, prompt_tokens, usual_milli_tokens, excess_tokens, excess_cost_usd, rose_on
    from marts.prompt_growth where day >= ? and day < ? order by feature, provider, model, day
"""
_PARTS = """
    select feature, model, cast(sum(prefix_requests) as bigint) as prefix_requests,
        cast(sum(repeated_requests) as bigint) as repeated_requests,
        cast(sum(repeated_tokens) as bigint) as repeated_tokens, sum(repeated_cost_usd) as repeated_cost_usd,
        cast(sum(context_tokens) as bigint) as context_tokens, cast(sum(context_known_tokens) as bigint) as context_known_tokens
    from marts.prompt_growth where day >= ? and day < ? group by feature, provider, model
    having sum(prefix_requests) + sum(context_requests) > 0 order by repeated_cost_usd desc, context_tokens desc, feature, model
"""


def _build(frame: MonthFrame) -> Mapping[str, Any] | None:
    days, parts = frame.rows(_DAYS, *frame.span), frame.rows(_PARTS, *frame.span)
    if not days:
        return None
    rises = sorted(_rises(days), key=lambda row: (-summed([row], "excess_cost_usd"), row["feature"], row["model"]))
    return {
        "excess": dollars(summed(rises, "excess_cost_usd")),
        "rises": [_rise(row) for row in rises[:SHOWN]],
        "more": max(0, len(rises) - SHOWN),
        "repeated": dollars(summed(parts, "repeated_cost_usd")),
        "parts": [_part(row) for row in parts if row["repeated_requests"] or row["context_tokens"]][:SHOWN],
    }


def _rises(days: list[Row]) -> list[Row]:
    """The last rise of each feature and model that held three days, with what it cost in the days that are shown."""
    found: dict[tuple[str, str, str], Row] = {}
    for row in days:
        if row["rose_on"] is not None and row["day"] - row["rose_on"] >= _HELD:
            key = (row["feature"], row["provider"], row["model"])
            found[key] = row
    return [{**row, "excess_cost_usd": _cost(days, row)} for row in found.values()]


def _cost(days: list[Row], rise: Row) -> Any:  # noqa: ANN401 -- Decimal, or None where no day has a price
    key = ("feature", "provider", "model")
    since = [row for row in days if all(row[name] == rise[name] for name in key) and rise["rose_on"] <= row["day"] <= rise["day"]]
    priced = [row for row in since if row["excess_cost_usd"] is not None]
    return summed(priced, "excess_cost_usd") if priced else None


def _rise(row: Row) -> Mapping[str, str]:
    now, usual = row["prompt_tokens"] * 1000 // row["requests"], row["usual_milli_tokens"]
    return {
        "feature": row["feature"],
        "model": row["model"],
        "usual": count(usual // 1000),
        "now": count(now // 1000),
        "change": percent(ratio(now - usual, usual), plus=True),
        "since": f"{row['rose_on'].day} {row['rose_on']:%B}",
        "cost": dollars(row["excess_cost_usd"]),
    }


def _part(row: Row) -> Mapping[str, str]:
    has_prefix = bool(row["prefix_requests"])
    return {
        "feature": row["feature"],
        "model": row["model"],
        "context": percent(ratio(row["context_tokens"], row["context_known_tokens"])),
        "sent": count(row["repeated_requests"]) if has_prefix else NONE,
        "tokens": count(row["repeated_tokens"]) if has_prefix else NONE,
        "cost": dollars(row["repeated_cost_usd"]) if has_prefix else NONE,
    }


SECTION = Section("prompt_growth", _build, "No prompts in this month.", "Prompts against their own history")
