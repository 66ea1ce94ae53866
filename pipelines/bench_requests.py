"""A month of requests as a lake holds them, to measure the price step over: generated once, the same on every machine.

Skewed as calls are: a few tenants, features and models make most of them; 2 % fail, a fifth reads a cache, one in ten is not at the
standard tier, 3 in 1,000 search the web. A feature belongs to one team and keeps to a few models, all of which have a shipped price.
"""

import inspect
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
from numpy.typing import NDArray

from meterbook.assets.book import Book
from meterbook.assets.book_tables import tables_of
from meterbook.assets.workspace import project
from meterbook.pipelines.bench_lakes import engine_over
from meterbook.pipelines.bench_price import MEMORY, VIEWED
from meterbook.sql.digests import digest
from meterbook.sql.engine import Engine
from meterbook.sql.lake import COPY, Lake, Partition, quoted, sha256_of
from meterbook.sql.models import Columns, Project

FIRST_DAY = date(2026, 10, 15)
FORMAT = "mapped_request"
TEAMS, TENANTS, FEATURES = 12, 300, 60
_LISTED = """
anthropic claude-sonnet-4-5-20250929 batch
openai gpt-5-mini-2025-08-07 batch flex priority
openai gpt-5.1 batch flex priority
google gemini-2.5-flash batch
anthropic claude-haiku-4-5-20251001 batch
openai gpt-4o-mini batch priority
openai gpt-5.4 batch flex priority
google gemini-2.5-pro batch
anthropic claude-opus-4-6 batch
openai gpt-4.1-mini batch priority
aws.bedrock anthropic.claude-sonnet-4-5-20250929-v1:0
openai gpt-5-nano batch flex
google gemini-2.5-flash-lite batch
mistral mistral-large-latest
openai gpt-4o-2024-08-06 batch priority
anthropic claude-sonnet-4-6 batch
openai o4-mini batch flex priority
google gemini-3.1-pro-preview batch
openai gpt-5.5 batch flex priority
anthropic claude-opus-4-5-20251101 batch
aws.bedrock anthropic.claude-haiku-4-5-20251001-v1:0
google gemini-3-flash-preview batch
openai gpt-4.1 batch priority
mistral mistral-small-latest
openai o3 batch flex priority
anthropic claude-haiku-5-5 batch
google gemini-2.0-flash
openai gpt-5.4-mini batch flex priority
anthropic claude-3-5-haiku-20241022
openai gpt-5 batch flex priority
"""
MODELS = tuple((provider, model, ("standard", *tiers)) for provider, model, *tiers in map(str.split, _LISTED.strip().splitlines()))
"""Provider, model as logs spell it, and its tiers."""
PER_FEATURE = 4
"""Models a feature uses."""
_Numbers = NDArray[Any]


def lake(folder: Path, rows: int, days: int) -> Engine:
    """A lake with the requests and, by the engine, all that pricing them reads; what is there already is not made again.

    Args:
        folder: where to keep it.
        rows: requests, over all days.
        days: how many, from the middle of October 2026 on.
    """
    engine = opened(folder, rows, days)
    kept = engine.lake.root.parent
    kept.mkdir(parents=True, exist_ok=True)
    (kept / "meterbook.yaml").write_text("name: A month of requests\n", "utf-8")
    _generate(engine.lake, _counts(rows, days))
    for name, frame in tables_of(Book(kept)).items():
        engine.put(name, frame)
    for name in _upstream(engine.catalog.project, VIEWED):
        if not name.startswith("staging."):
            engine.build(engine.catalog.project.models[name])
    return engine


def opened(folder: Path, rows: int, days: int, memory: str = MEMORY) -> Engine:
    """The engine over such a lake, as far as it is made; `memory` is what DuckDB may take."""
    return engine_over(folder / f"price-{rows}-{days}", FORMAT, _counts(rows, days), memory)


def _counts(rows: int, days: int) -> dict[str, int]:
    return {str(FIRST_DAY + timedelta(days=n)): rows * (n + 1) // days - rows * n // days for n in range(days)}


def _upstream(models: Project, name: str) -> Iterator[str]:
    """Models behind a model, each after those it reads."""
    behind: set[str] = set()
    todo = [name]
    while todo:
        found = [one for one in models.upstream(models.models[todo.pop()]) if one in models.models and one not in behind]
        behind.update(found)
        todo.extend(found)
    return (one for one in models.models if one in behind)


def _generate(found: Lake, counts: Mapping[str, int]) -> None:
    table, wanted = found.table(f"staging.{FORMAT}"), project().kinds["request"]
    shape = digest([inspect.getsource(sys.modules[__name__]), list(wanted.items())])
    for day, rows in counts.items():
        known = table.partitions.get(day)
        if known is None or known.fingerprint != shape:
            _write(_requests(date.fromisoformat(day), rows), wanted, table.beside(day))
            table.publish({day: Partition(shape, sha256_of(table.beside(day)), rows)})


def _write(frame: pl.DataFrame, wanted: Columns, path: Path) -> None:
    """In the order and the compression in which the engine writes a table."""
    listed = ", ".join(f"cast({name if name in frame.columns else 'null'} as {dtype}) as {name}" for name, dtype in wanted.items())
    with duckdb.connect(config={"memory_limit": "1GB", "threads": "2"}) as con:
        con.register("given", frame.to_arrow())
        con.execute(f"copy (select {listed} from given order by request_id) to {quoted(str(path))} ({COPY})")


def _requests(day: date, rows: int) -> pl.DataFrame:
    rng = np.random.default_rng(day.toordinal())
    feature = _skewed(rng, rows, FEATURES)
    model = (feature * 7 + _skewed(rng, rows, PER_FEATURE) * 3) % len(MODELS)
    return pl.DataFrame(
        {
            "day": pl.repeat(day, rows, eager=True),
            "started_at": np.datetime64(day, "us") + rng.integers(0, 86_400_000_000, rows),
            **_identity(rng, rows),
            **_owner(rng, rows, feature),
            "provider": _texts([provider for provider, _, _ in MODELS], model),
            "model": _texts([name for _, name, _ in MODELS], model),
            "served_tier": _tiers(rng, rows, model),
            **_use(rng, rows, np.array([provider == "anthropic" for provider, _, _ in MODELS])[model]),
        }
    )


def _identity(rng: np.random.Generator, rows: int) -> dict[str, object]:
    calls = _hex(rng, rows)
    return {
        "request_id": calls,
        "operation_id": calls,
        "attempt": np.where(_chance(rng, rows, 1.5), 2, 1),
        "response_id": _hex(rng, rows),
        "user_id": _texts([f"user-{n}" for n in range(5_000)], rng.integers(0, 5_000, rows)),
        "copies": np.ones(rows, np.int64),
        "file_id": _texts(["generated"], np.zeros(rows, np.int64)),
    }


def _owner(rng: np.random.Generator, rows: int, feature: _Numbers) -> dict[str, object]:
    team, tenant = feature % TEAMS, (feature * 13 + _skewed(rng, rows, TENANTS)) % TENANTS
    return {
        "source": _texts(["litellm", "otel"], (feature % 5 == 0).astype(np.int64)),
        "key_id": _texts([f"key-{n:03d}" for n in range(FEATURES)], feature),
        "project_id": _texts([f"project-{n}" for n in range(FEATURES)], feature),
        "team": _texts([f"team-{n:02d}" for n in range(TEAMS)], team),
        "tenant": _texts([f"tenant-{n:03d}" for n in range(TENANTS)], tenant),
        "feature": _texts([f"feature-{n:02d}" for n in range(FEATURES)], feature),
        "environment": _texts(["production", "staging"], _chance(rng, rows, 5).astype(np.int64)),
    }


def _use(rng: np.random.Generator, rows: int, writes_caches: _Numbers) -> dict[str, object]:
    failed, cached = _chance(rng, rows, 2), _chance(rng, rows, 20)
    prompt = np.where(failed, 0, rng.lognormal(7, 1.4, rows).astype(np.int64).clip(1, 900_000))
    output = np.where(failed, 0, rng.lognormal(5, 1, rows).astype(np.int64).clip(1, 32_000))
    read = np.where(cached, prompt * rng.integers(5, 10, rows) // 10, 0)
    written = np.where(cached & writes_caches, (prompt - read) // 2, 0)
    return {
        "status": _texts(["success", "failure"], failed.astype(np.int64)),
        "error_class": _texts([None, "rate_limit"], failed.astype(np.int64)),
        "is_cache_hit": ~failed & _chance(rng, rows, 1),
        "input_tokens": prompt - read - written,
        "cache_read_tokens": read,
        "cache_write_5m_tokens": written - written // 4,
        "cache_write_1h_tokens": written // 4,
        "output_tokens": output,
        "reasoning_tokens": output // 2,
        "searches": np.where(_chance(rng, rows, 0.3), 1, 0),
        "latency_ms": output * 12 + 200,
        "time_to_first_token_ms": rng.integers(100, 900, rows),
        "reported_cost_usd": pl.Series(prompt * 3 + output * 15).cast(pl.Decimal(18, 6)) * Decimal("0.000001"),
    }


def _skewed(rng: np.random.Generator, rows: int, kinds: int) -> _Numbers:
    """Numbers below `kinds` by Zipf's law: the n-th of them 1/n times as often as the first."""
    shares = np.cumsum(1 / np.arange(1, kinds + 1))
    found: _Numbers = np.searchsorted(shares, rng.random(rows) * shares[-1], side="right")
    return found


def _texts(words: Sequence[str | None], chosen: _Numbers) -> pl.Series:
    return pl.Series(words, dtype=pl.String).gather(pl.Series(chosen))


def _tiers(rng: np.random.Generator, rows: int, model: _Numbers) -> pl.Series:
    flat = [tier for _, _, tiers in MODELS for tier in tiers]
    counts = np.array([len(tiers) for _, _, tiers in MODELS])
    first, count = (np.cumsum(counts) - counts)[model], counts[model]
    other = 1 + (rng.random(rows) * (count - 1)).astype(np.int64)
    return _texts(flat, first + np.where(_chance(rng, rows, 10) & (count > 1), other, 0))


def _chance(rng: np.random.Generator, rows: int, percent: float) -> _Numbers:
    found: _Numbers = rng.random(rows) * 100 < percent
    return found


def _hex(rng: np.random.Generator, rows: int) -> pl.Series:
    text = rng.bytes(16 * rows).hex()
    return pl.Series([text[at : at + 32] for at in range(0, 32 * rows, 32)])
