"""Thirteen weeks of marts of a small company, made without clock or chance, in tables that have exactly the models' columns."""

import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pages
import pytest
from mart_rows import put
from sharing import made_once, shared

from meterbook.assets.workspace import columns
from meterbook.reports.page import PageFacts, render
from meterbook.sql.models import Columns
from meterbook.sql.schemas import empty_table
from meterbook.sql.scratch import make_empty, scratch

FIRST, LAST = date(2026, 7, 27), date(2026, 10, 25)
FEATURES = (("support", "assistant", "acme", 300), ("sales", "drafts", "bolt", 120), ("research", "(none)", "(none)", 80))
PLAN = Decimal(47000)
Con = duckdb.DuckDBPyConnection


@pytest.fixture(scope="session")
def shapes() -> dict[str, Columns]:
    known = columns()
    return {
        name: shape for name, shape in known.items() if name.startswith(("marts.", "book.")) or name in {"raw.file_flag", "raw.quarantine"}
    }


@pytest.fixture(scope="session")
def _nothing(shapes: dict[str, Columns]) -> Iterator[Con]:
    with scratch() as con:
        make_empty(con, shapes)
        yield con


@pytest.fixture
def empty(_nothing: Con) -> Iterator[Con]:
    """Marts without rows; what a test does to them is taken back."""
    yield from _undone(_nothing)


@pytest.fixture(scope="session")
def company(shapes: dict[str, Columns], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The company's marts as one file, made once; a test works on a copy of its own."""

    def make(path: Path) -> None:
        with duckdb.connect(path) as con:
            con.begin()
            for name, shape in shapes.items():
                empty_table(con, name, shape)
            for number in range((LAST - FIRST).days + 1):
                _fill_day(con, FIRST + timedelta(days=number), number)
            _fill_files(con)
            _fill_month(con)
            con.commit()

    return made_once(shared(tmp_path_factory, "marts"), "company.duckdb", make)


@pytest.fixture(scope="session")
def filled(company: Path) -> Path:
    """The company's marts with what every kind of page has sections for, as one file."""

    def make(path: Path) -> None:
        with duckdb.connect(shutil.copy(company, path)) as con:
            con.begin()
            pages.fill(con)
            con.commit()

    return made_once(company.parent, "filled.duckdb", make)


@pytest.fixture(scope="session")
def _lake(company: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Con]:
    yield from _copy(company, tmp_path_factory)


@pytest.fixture
def lake(_lake: Con) -> Iterator[Con]:
    """The company's marts; what a test does to them is taken back."""
    yield from _undone(_lake)


@pytest.fixture(scope="session")
def weekly(_lake: Con, facts: PageFacts) -> str:
    """The page of the company's last week."""
    return render("weekly", "2026-W43", _lake, facts)


@pytest.fixture
def own_lake(company: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Con]:
    """The company's marts, for what begins transactions itself."""
    yield from _copy(company, tmp_path_factory)


def _copy(company: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Con]:
    with duckdb.connect(shutil.copy(company, tmp_path_factory.mktemp("lake"))) as con:
        yield con


def _undone(con: Con) -> Iterator[Con]:
    """To take back costs nothing, to make a database for a test a twentieth of a second."""
    [(path,)] = con.execute("select current_setting('search_path')").fetchall()
    with con.cursor() as own:
        own.execute(f"set search_path = '{path}'")
        own.begin()
        yield own
        own.rollback()


@pytest.fixture(scope="session")
def facts() -> PageFacts:
    return PageFacts(
        company="Acme AI",
        mode="chargeback",
        rate_cards=[("openai", "0123456789ab")],
        checks_passed=24,
        checks_total=24,
        data_through=LAST,
        run_hash="c0ffee",
        is_closed=False,
        owner_target=Decimal("0.95"),
    )


def _fill_day(con: Con, day: date, number: int) -> None:
    for team, feature, tenant, base in FEATURES:
        requests = base * 10 + number * 7 % 50 + number
        cost = Decimal(requests) * Decimal("0.101234567891") * (1 + Decimal(number // 30) / 10)
        tokens = {
            "requests": requests,
            "input_tokens": requests * 900,
            "cache_read_tokens": requests * 400,
            "cache_write_tokens": requests * 50,
        }
        tokens |= {"output_tokens": requests * 120, "reasoning_tokens": 0, "cost_usd": cost}
        labels = {"day": day, "feature": feature, "provider": "openai", "model": "gpt-5"}
        put(con, "spend", [{**labels, **tokens, "team": team, "tenant": tenant, "environment": "production", "unpriced_requests": 0}])
        put(con, "token_use", [{**labels, **tokens, "cache_saving_usd": cost / 5}])
        _fill_cost(con, day, "Model usage", cost, team=team, tenant=tenant, feature=feature)
        put(con, "owner_coverage", [{"day": day, "basis": "requests", "is_owned": True, "field": "", "value": team, "cost_usd": cost}])
    _fill_cost(con, day, "Model usage", Decimal("1.234567890123"), team="unowned")
    lost = {"basis": "requests", "is_owned": False, "field": "key_id", "value": "sk-1", "cost_usd": Decimal("1.234567890123")}
    put(con, "owner_coverage", [{"day": day, **lost}])
    _fill_cost(con, day, "Shared: gateway", Decimal("135.483870967742"), team="support")
    _fill_cost(con, day, "Billed minus priced", Decimal("-0.5"), team="unowned")
    _fill_gpus(con, day, number)
    unit = {"unit": "ticket", "label": "resolved ticket", "feature": "assistant", "is_part": True, "units": 1000 + number, "successes": 900}
    quality = {"escalations": 40, "quality_count": 100, "quality_sum": Decimal(91), "cost_usd": Decimal(390), "target_usd": Decimal("0.45")}
    put(con, "unit_cost", [{"day": day, **unit, **quality}])
    put(con, "coverage", [{"day": day, "source": "gateway", "reason": "priced", "requests": 5000, "tokens": 7_000_000}])


def _fill_cost(con: Con, day: date, line: str, cost: Decimal, *, team: str, tenant: str = "(none)", feature: str = "(none)") -> None:
    put(con, "cost", [{"day": day, "line": line, "team": team, "tenant": tenant, "feature": feature, "cost_usd": cost}])


def _fill_gpus(con: Con, day: date, number: int) -> None:
    used = 40 + number % 7
    shares = {"used": used, "warm_idle": 10, "free_idle": 85 - used, "unknown": 5}
    seconds = {f"{state}_seconds": share * 8640 for state, share in shares.items()}
    costs = {f"{state}_cost_usd": Decimal(share) * 6 for state, share in shares.items()}
    whole = {"capacity_seconds": sum(seconds.values()), "cost_usd": sum(costs.values()), "owner": "research"}
    put(con, "gpu_use", [{"day": day, "pool": "training", "gpu_model": "H100", **seconds, **costs, **whole}])
    for state, share in shares.items():
        team = "unallocated" if state == "free_idle" else "research"
        _fill_cost(con, day, f"GPU {state.replace('_', ' ')}", Decimal(share) * 6, team=team)


def _fill_files(con: Con) -> None:
    file = {
        "file_id": "0" * 16,
        "file": "gateway/log.jsonl",
        "format": "litellm_spendlogs",
        "source": "gateway",
        "sha256": "0" * 64,
        "bytes": 9,
    }
    rows = {"rows_in": 100, "rows_out": 90, "quarantined": 3, "duplicates": 5, "filtered": 2, "superseded": 0}
    put(con, "input_file", [{**file, **rows, "first_day": FIRST, "last_day": LAST}])
    put(con, "coverage", [{"day": LAST, "source": "gateway", "reason": "no model", "requests": 420, "tokens": 6_300_000}])
    _fill_cards(con)
    bill = {"provider": "openai", "priced_usd": Decimal(500), "billed_usd": Decimal("499.5"), "difference_usd": Decimal("-0.5")}
    put(con, "reconciliation", [{"day": date(2026, 10, 20), **bill}])
    place = {"day": date(2026, 10, 20), "provider": "openai", "model": "gpt-5", "key": "(none)"}
    held = {"computed_usd": Decimal(500), "held_against_bill_usd": Decimal(500), "billed_minus_computed_usd": Decimal("-0.5")}
    put(con, "reconciliation_cell", [{**place, "billed_usd": Decimal("499.5"), **held}])
    cause = {"comparison": "billed - computed", "cause": "price drift", "amount_usd": Decimal("-0.5")}
    put(con, "reconciliation_cause", [{**place, **cause}])


def _fill_cards(con: Con) -> None:
    """A spike of a team, a price that changed, and two cards that are not shown: one muted, one found false."""
    cards = (
        ("team", "sales", "cost", "spike", Decimal(150), "open", None),
        ("model", "gpt-5", "price", "price change", Decimal(40), "open", None),
        ("tenant", "bolt", "cost", "drift", Decimal(30), "muted", None),
        ("feature", "drafts", "tokens per request", "spike", Decimal(20), "acknowledged", "false"),
    )
    for dimension, scope, measure, kind, excess, status, verdict in cards:
        day = date(2026, 10, 22)
        card = {"card_id": f"{day} {dimension} {scope} {measure}", "first_day": day, "kind": kind, "dimension": dimension, "scope": scope}
        card |= {"measure": measure, "owner": "sales", "excess_usd": excess, "severity": 1.5, "cause": "it is twice what is usual"}
        card |= {"culprit": f"{dimension} {scope}", "children": 0}
        put(con, "anomaly_episode", [{**card, "day": day}])
        put(con, "anomaly_card", [{**card, "last_day": day, "days": 1, "status": status, "verdict": verdict}])
    counts = {"cards": 3, "real_cards": 1, "false_cards": 1, "open_cards": 1, "muted_cards": 0}
    put(con, "alarm_quality", [{"period": "2026-10", "kind": "spike", "measure": "cost", **counts}])


def _fill_month(con: Con) -> None:
    for budget, team, amount in (("everything", None, PLAN), ("sales", "sales", Decimal(300))):
        used = "select sum(cost_usd) from marts.cost where day >= '2026-10-01'" + (f" and team = '{team}'" if team else "")
        spent = con.execute(used).fetchall()[0][0]
        period = {
            "period": "month",
            "period_start": date(2026, 10, 1),
            "period_end": date(2026, 11, 1),
            "day_of_period": 25,
            "days_in_period": 31,
        }
        used = {"measure": "dollars", "amount": amount, "used": spent, "peak": spent, "level_percent": 50, "owner": team or "finance"}
        said = {"at_limit": f"{team or 'finance'} is told, nothing is stopped", "unpriced_requests": 0}
        put(con, "budget_use", [{"budget": budget, "day": LAST, "scope": budget, "team": team, **period, **used, **said}])
        bounds = {"low": spent * 30 / 25, "point": spent * 31 / 25, "high": spent * 32 / 25}
        landing = {"series": budget, "day": LAST, "target": amount, "method": "conformal", **bounds}
        put(con, "budget_outlook", [{**landing, **{name: period[name] for name in ("period_start", "period_end")}}])
    [(spent,)] = con.execute("select sum(cost_usd) from marts.cost where day >= '2026-10-01'").fetchall()
    money = {"used_usd": spent, "low_usd": spent * 30 / 25, "point_usd": spent * 31 / 25, "high_usd": spent * 32 / 25}
    said = {"period": "2026-10", "days_left": 6, "method": "conformal", "error": 0.012, "tests": 40, "covered": 32}
    put(con, "forecast", [{"day": LAST, "dimension": "total", "scope": "all", "period_start": date(2026, 10, 1), **money, **said}])
    con.execute("""
        insert into marts.chargeback by name
        select strftime(day, '%Y-%m') as period, team, case team when 'support' then 'chargeback' else 'showback' end as mode, line,
            'by requests, "as logged"' as basis, 'CC-1' as cost_centre,
            case line when 'Model usage' then '6100' else '(none)' end as gl_account,
            sum(cost_usd) as cost_usd, cast(round(sum(cost_usd), 2) as decimal(38,2)) as posted_usd, '(none)' as rate_card
        from marts.cost group by all
    """)
    for team, price in (("support", "0.00000125"), ("sales", "0.000001")):
        rate = {"period": "2026-10", "team": team, "provider": "openai", "model": "gpt-5", "served_tier": "standard", "region": ""}
        card = {"rate_id": f"openai/gpt-5/{team}", "card": "openai", "card_version": "0123456789ab", "starts_at": FIRST, "days": 25}
        prices = {f"{layer}_usd": Decimal(price) for layer in ("list", "contracted", "effective")}
        put(con, "rate_used", [{**rate, **card, "meter": meter, **prices} for meter in ("input", "output")])
    con.execute("""
        insert into marts.chargeback_tenant by name
        select strftime(day, '%Y-%m') as period, tenant, line, sum(cost_usd) as cost_usd,
            cast(round(sum(cost_usd), 2) as decimal(38,2)) as posted_usd
        from marts.cost group by all
    """)
