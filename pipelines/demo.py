"""The sample company: 92 days of a whole book, the same bytes every time, with known trouble in it.

What was planted, and what the pipeline must therefore find, stands in `truth.json` beside the book.
"""

import csv
import gzip
import io
import json
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from meterbook.pipelines import demo_gpus as gpus
from meterbook.pipelines import demo_requests as planted
from meterbook.pipelines.demo_bills import CREDIT_DAY, CREDIT_USD, SHADOW_INPUT, SHADOW_OUTPUT, SHADOW_REQUESTS, Sums, add_up, write_bills
from meterbook.pipelines.demo_company import (
    FIRST,
    REPRICED,
    REPRICED_ON,
    SHADOW_DAYS,
    SHADOW_PROJECT,
    UNOWNED_KEY,
    UNPRICED_FROM,
    UNPRICED_MODEL,
    days,
    write_book,
)
from meterbook.pipelines.demo_outcomes import outcomes_of, write_outcomes
from meterbook.pipelines.demo_requests import Requests, cost_pico, lines_of, requests_of, usd

LATE_DAY, LATE_IN, LATE_EVERY = date(2026, 10, 14), date(2026, 10, 17), 3
TWICE = date(2026, 9, 15)
CSV_DAYS = (date(2026, 8, 20), date(2026, 8, 21))
MALFORMED_FILES = 20
MALFORMED = (
    b'{"request_id":"bad-1","startTime":"2026-09-0',
    b"Traceback (most recent call last):",
    b'{"request_id":"bad-3","spend":0,"prompt_tokens":5,"completion_tokens":5,"model":"gpt-5","custom_llm_provider":"openai"}',
    b'{"request_id":"bad-4","startTime":"yesterday","spend":0,"prompt_tokens":5,"completion_tokens":5,"custom_llm_provider":"openai"}',
    b'{"request_id":"bad-5","startTime":"1970-01-01T00:00:00","spend":0,"prompt_tokens":5,"completion_tokens":5,"custom_llm_provider":"openai"}',
    b'{"request_id":"bad-6","startTime":"2026-09-01T10:00:00","spend":0,"prompt_tokens":-5,"completion_tokens":5,"custom_llm_provider":"openai"}',
    b'{"request_id":"bad-7","startTime":"2026-09-01T10:00:00","spend":0,"prompt_tokens":9.7,"completion_tokens":5,"custom_llm_provider":"openai"}',
    (
        b'{"request_id":"bad-8","startTime":"2026-09-01T10:00:00","spend":0,"prompt_tokens":5,"completion_tokens":5,"custom_llm_provider":"openai",'
        b'"metadata":{"usage_object":{"prompt_tokens_details":{"cached_tokens":9}}}}'
    ),
    b'{"startTime":"2026-09-01T10:00:00","spend":0,"prompt_tokens":5,"completion_tokens":5,"custom_llm_provider":"openai"}',
    b'{"request_id":"bad-10","startTime":"2026-09-01T10:00:00","spend":0,"custom_llm_provider":"openai","status":"success"}',
)


class _Tally:
    """What the requests of all days come to, for the truth."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.plants: dict[str, Counter[str]] = defaultdict(Counter)

    def add(self, made: Requests, day: date) -> None:
        costs = cost_pico(made, day)
        self.counts["requests"] += len(made)
        self.counts["unpriced_requests"] += sum(pico is None for pico in costs)
        self.counts["cost_pico"] += sum(pico or 0 for pico in costs)
        self.counts["prompt_tokens"] += int(made.prompt.sum())
        self.counts["output_tokens"] += int(made.output.sum())
        self._plant("unowned_keys", [n for n in range(len(made)) if made.unowned[n]], costs)
        tenants = made.tenant.tolist()
        if day == planted.SPIKE_DAY:
            tenant = planted.TENANTS.index(planted.SPIKE_TENANT)
            self._plant("spike", [n for n in range(len(made)) if made.feature[n] == 3 and tenants[n] == tenant], costs)
        if day == planted.STORM_DAY:
            self._plant("retry_storm", [n for n in range(len(made)) if made.feature[n] == 0 and made.status[n] == "failure"], costs)
        if day == planted.LOOP_DAY:
            self._plant("tool_call_loop", [n for n, session in enumerate(made.session) if session], costs)

    def _plant(self, name: str, rows: list[int], costs: list[int | None]) -> None:
        self.plants[name].update({"requests": len(rows), "cost_pico": sum(costs[n] or 0 for n in rows)})


def write_demo(folder: Path, count: int | None = None, progress: Callable[[date], None] | None = None) -> None:
    """Write the sample company's book.

    Args:
        folder: where; created where missing, files of the same name replaced.
        count: only so many of the last days, for tests; all 92 where not given.
        progress: told about each day that is written.
    """
    wanted = days(count)
    write_book(folder, wanted[0])
    tally, usage, outcomes = _Tally(), {}, defaultdict(list)
    late: list[bytes] = []
    files: dict[str, dict[str, int]] = {}
    for day in wanted:
        made = requests_of(day)
        tally.add(made, day)
        usage[day] = add_up(made, day)
        outcomes[f"{day:%Y-%m}"] += outcomes_of(made, day)
        lines = lines_of(made, day)
        if day == LATE_DAY and LATE_IN in wanted:
            late, lines = lines[::LATE_EVERY], [line for n, line in enumerate(lines) if n % LATE_EVERY]
        files |= _write_gateway(folder, day, lines + (late if day == LATE_IN else []))
        tally.counts["gpu_samples"] += gpus.write_day(folder, day)
        if progress:
            progress(day)
    for month, rows in outcomes.items():
        write_outcomes(folder, month, rows)
        tally.counts["outcomes"] += len(rows)
    write_bills(folder, usage)
    (folder / "truth.json").write_text(json.dumps(_truth(tally, usage, files, len(late)), indent=1) + "\n", "utf-8")


def _write_gateway(folder: Path, day: date, lines: list[bytes]) -> dict[str, dict[str, int]]:
    path = folder / "inbox" / "gateway" / f"{day}.jsonl.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    if day in CSV_DAYS:
        path = path.with_name(f"{day}.csv")
        path.write_text(_csv(lines), "utf-8", newline="")
        return {f"gateway/{path.name}": {"rows_in": len(lines), "quarantined": 0}}
    bad = _malformed(day)
    step = max(1, len(lines) // (len(bad) + 1))
    for n, line in enumerate(bad, 1):
        lines.insert(n * step, line)
    packed = gzip.compress(b"\n".join(lines) + b"\n", 3, mtime=0)
    path.write_bytes(packed)
    if day == TWICE:
        path.with_name(f"{day}-again.jsonl.gz").write_bytes(packed)
    return {f"gateway/{path.name}": {"rows_in": len(lines), "quarantined": len(bad)}}


def _malformed(day: date) -> tuple[bytes, ...]:
    number = (day - FIRST).days
    return MALFORMED if number % 4 == 2 and number // 4 < MALFORMED_FILES else ()


def _csv(lines: list[bytes]) -> str:
    """A day as a table dump shows it: JSON columns as JSON text, a space in timestamps."""
    handle = io.StringIO(newline="")
    rows = [msgspec.json.decode(line, type=dict[str, msgspec.Raw]) for line in lines]
    writer = csv.writer(handle)
    writer.writerow(rows[0])
    for row in rows:
        writer.writerow(_cell(name, bytes(value)) for name, value in row.items())
    return handle.getvalue()


def _cell(name: str, raw: bytes) -> str:
    if raw == b"null":
        return ""
    text = raw.decode()
    plain = text.strip('"') if text.startswith('"') else text
    return plain.replace("T", " ") if name in {"startTime", "endTime"} else plain


def _truth(tally: _Tally, usage: dict[date, dict[str, Sums]], files: dict[str, dict[str, int]], late: int) -> dict[str, Any]:
    wanted = list(usage)
    figures = {name: {"requests": found["requests"], "cost_usd": usd(found["cost_pico"])} for name, found in tally.plants.items()}
    none = {"requests": 0, "cost_usd": "0.0"}
    shadow = [day for day in wanted if day in SHADOW_DAYS]
    twice = files.get(f"gateway/{TWICE}.jsonl.gz", {}).get("rows_in", 0)
    totals = {
        name: tally.counts[name] for name in ("requests", "unpriced_requests", "prompt_tokens", "output_tokens", "gpu_samples", "outcomes")
    }
    return {
        "first_day": str(wanted[0]),
        "last_day": str(wanted[-1]),
        "totals": {
            **totals,
            "cost_usd": usd(tally.counts["cost_pico"]),
            "malformed_lines": sum(one["quarantined"] for one in files.values()),
        },
        "plants": {
            "spike": {
                "day": str(planted.SPIKE_DAY),
                "feature": "contract-review",
                "tenant": planted.SPIKE_TENANT,
                **figures.get("spike", none),
            },
            "retry_storm": {"day": str(planted.STORM_DAY), "feature": "support-assistant", **figures.get("retry_storm", none)},
            "tool_call_loop": {
                "day": str(planted.LOOP_DAY),
                "feature": "coding-agent",
                "tenant": planted.LOOP_TENANT,
                **figures.get("tool_call_loop", none),
            },
            "price_change": {"day": str(REPRICED_ON), "model": REPRICED, "factor": "1.4"},
            "slow_ramp": {"from": str(planted.RAMP_FROM), "feature": planted.RAMP_FEATURE, "factor": str(planted.RAMP_FACTOR)},
            "late_data": {"day": str(LATE_DAY), "arrived_in": f"gateway/{LATE_IN}.jsonl.gz", "rows": late},
            "file_twice": {"file": f"gateway/{TWICE}.jsonl.gz", "copy": f"gateway/{TWICE}-again.jsonl.gz", "rows": twice},
            "malformed_lines": {name: one["quarantined"] for name, one in files.items() if one["quarantined"]},
            "unowned_keys": {"key_alias": UNOWNED_KEY, **figures.get("unowned_keys", none)},
            "unpriced_model": {"model": UNPRICED_MODEL, "from": str(UNPRICED_FROM), "requests": totals["unpriced_requests"]},
            "idle_pool": {"pool": gpus.IDLE_POOL, "from": str(gpus.IDLE_FROM), "to": str(gpus.IDLE_TO)},
            "silent_host": {"pool": gpus.GAP_POOL, "day": str(gpus.GAP_DAY), "gpu_hours": 4 * (gpus.GAP_HOURS[1] - gpus.GAP_HOURS[0])},
            "shadow_project": {
                "project": SHADOW_PROJECT,
                "days": [str(day) for day in shadow],
                "requests": SHADOW_REQUESTS * len(shadow),
                "cost_usd": usd(len(shadow) * (SHADOW_INPUT * 250_000 + SHADOW_OUTPUT * 2_000_000)),
            },
            "credit": {"day": str(CREDIT_DAY), "provider": "anthropic", "amount_usd": str(CREDIT_USD)},
        },
        "files": files,
    }
