"""`meterbook bench pages`: the pages and finance files of a company of five hundred teams, from marts of 50 million requests.

What requests give is there as the engine rolls it up, some 28 of them to a row, by the generator of `bench_explain`; the marts between that
and the pages are made by the models that ship: shared out over pools, explained, forecast, held against a budget of each team.
"""

import sys
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb

from meterbook.assets.book import Book
from meterbook.assets.book_tables import tables_of
from meterbook.pipelines.bench import Case, told
from meterbook.pipelines.bench_explain import DAYS, DRIVER, FIRST, MEMORY, PER_GROUP, ROWS, TEAMS, drivers
from meterbook.pipelines.bench_lakes import engine_over, publish
from meterbook.reports import finance, page
from meterbook.reports.figures import PageFacts
from meterbook.reports.periods import week
from meterbook.reports.team_frame import TeamFacts, TeamWeeks
from meterbook.sql.engine import Engine
from meterbook.sql.models import Project

Con = duckdb.DuckDBPyConnection
WEEK, MONTH, QUARTER, LAST = "2026-W43", "2026-10", "2026-Q4", FIRST + timedelta(days=DAYS - 1)
POOLS, UNITS = 20, 40
SPENT, PRICED, PAGE_SECONDS, FINANCE_SECONDS = "core.model_spend", "marts.priced_use", 3.0, 10.0
_MODULE = "meterbook.pipelines.bench_pages"
_TOKENS = "input_tokens, cache_read_tokens, cache_write_tokens, output_tokens"
_SPENT = f"""
    select day, day as book_day, 'requests' as basis, team, 'CC-' || team as cost_centre, tenant, feature, 'production' as environment,
        'gateway' as source, provider, model, attempts as requests, 0 as failed_requests, 0 as unpriced_requests,
        attempts - operations as repeated_attempts, {_TOKENS}, 0 as reasoning_tokens, cost_usd as list_cost_usd,
        cost_usd as contracted_cost_usd, cost_usd, 0 as uncertain_cost_usd, cost_usd as reported_cost_usd
    from given
"""
_SERVED = """
    select day, day as book_day, team, tenant, feature, 'production' as environment, model, '(none)' as experiment_arm,
        sum(attempts) as requests, sum(operations) as successes, sum(cost_usd) as cost_usd
    from given group by all
"""
_USED = """
    select day, team, feature, provider, model, sum(attempts) as requests, sum(input_tokens) as input_tokens,
        sum(cache_read_tokens) as cache_read_tokens, sum(cache_write_tokens) as cache_write_tokens, sum(output_tokens) as output_tokens,
        0 as reasoning_tokens, sum(cost_usd) as cost_usd, 9 * sum(cache_read_cost_usd) as cache_saving_usd
    from given group by all
"""
_PRICED = """
    select day, 'gateway' as source, provider, model, served_tier, 'priced' as reason, sum(attempts) as requests,
        sum(input_tokens + cache_read_tokens + output_tokens) as tokens, sum(cost_usd) as reported_cost_usd, sum(cost_usd) as cost_usd,
        0 as estimated_requests, 0 as estimated_tokens, 0 as estimated_cost_usd
    from given group by all
"""
_COUNTED = f"""
    select day, 'unit of ' || feature as unit, feature, tenant, model, '(none)' as experiment_arm, sum(operations) as units,
        sum(operations - operations // 20) as successes, sum(operations // 50) as escalations, 0 as fallbacks, 0 as completed,
        count(*) as quality_count, 0.9 * count(*) as quality_sum
    from given where feature < 'feature-{UNITS:04d}' group by all
"""
GENERATED = {
    DRIVER: "from given",
    SPENT: _SPENT,
    "core.feature_spend": _SERVED,
    "core.unit_count": _COUNTED,
    "marts.token_use": _USED,
    PRICED: _PRICED,
}
"""Tables of which a row is made for many requests, by what makes them of the drivers of a day."""


_UNMADE = frozenset({"marts.conservation", "marts.day_profile"})
"""Marts that hold the lake against its requests, which are not there; no page shows them."""
FACTS = PageFacts(
    company="A large company",
    mode="chargeback",
    rate_cards=[],
    checks_passed=0,
    checks_total=0,
    data_through=LAST,
    run_hash="",
    is_closed=False,
    owner_target=Decimal("0.95"),
)


def cases(folder: Path, rows: int = ROWS) -> list[Case]:
    """Reading and summing, and each kind of page; the marts are made first, in minutes, where they are not there yet.

    Args:
        folder: where to keep them.
        rows: requests of both months.
    """
    _generate(folder, rows)
    return [Case(name, _MODULE, [name, str(folder), str(rows)], at_most_seconds=_BARS.get(name)) for name in _WORK]


def opened(folder: Path, rows: int) -> Engine:
    """The engine over the lake, as far as it is made."""
    days = {str(FIRST + timedelta(days=n)): rows // DAYS for n in range(DAYS)}
    return engine_over(folder / f"pages-{rows}", "mapped_request", days, MEMORY, beside=["outcomes"])


def _generate(folder: Path, rows: int) -> None:
    engine = opened(folder, rows)
    kept = engine.lake.root.parent
    kept.mkdir(parents=True, exist_ok=True)
    for name, text in _book().items():
        (kept / name).write_text(text, "utf-8")
    for name, frame in tables_of(Book(kept)).items():
        engine.put(name, frame)
    for day in engine.catalog.days:
        if day not in engine.lake.table(PRICED).partitions:
            publish(engine, day, drivers(date.fromisoformat(day), rows // DAYS // PER_GROUP), GENERATED)
    for name in made(engine.catalog.project):
        engine.build(engine.catalog.project.models[name])


def _book() -> dict[str, str]:
    """Its files: twenty pools, a monthly budget of everything and of each team."""
    keys = ("cost", "tokens", "requests", "direct_cost")
    pools = (f"- {{pool: pool {n:02d}, monthly_usd: {1000 + n}.37, key: {keys[n % len(keys)]}}}\n" for n in range(POOLS))
    teams = (f"- {{budget: {name}, period: month, amount_usd: {200 + n}, team: {name}}}\n" for n, name in enumerate(_teams()))
    return {
        "meterbook.yaml": f"name: {FACTS.company}\n",
        "allocation.yaml": f"pools:\n{''.join(pools)}",
        "budgets.yaml": f"budgets:\n- {{budget: everything, period: month, amount_usd: 300000}}\n{''.join(teams)}",
    }


def _teams() -> Iterator[str]:
    return (f"team-{n:04d}" for n in range(TEAMS))


def made(models: Project) -> Iterator[str]:
    """What stands between what is generated and the marts, each after what it reads."""
    asked, todo = set[str](), [name for name, model in models.regular.items() if model.layer == "marts" and name not in _UNMADE]
    while todo:
        name = todo.pop()
        if name in models.models and name not in asked | GENERATED.keys():
            asked.add(name)
            todo.extend(models.models[name].inputs)
    follow = set(GENERATED)
    for name, model in models.models.items():
        if name in asked and follow.intersection(model.inputs):
            follow.add(name)
            yield name


def _read(con: Con) -> list[int]:
    return [len(con.execute("select team, sum(cost_usd) from marts.cost group by team").fetchall())]


def _page(kind: str, period: str) -> Callable[[Con], list[int]]:
    return lambda con: [len(page.render(kind, period, con, FACTS).encode())]


def _team_pages(con: Con) -> list[int]:
    weeks = TeamWeeks(con, week(WEEK, LAST), FACTS)
    return [len(page.render("team", WEEK, con, TeamFacts(FACTS, team, weeks)).encode()) for team in weeks.teams]


def _finance_files(con: Con) -> list[int]:
    return [len(content) for content in finance.set_of(MONTH, con, FACTS).values()]


_WORK: dict[str, Callable[[Con], list[int]]] = {
    "read and sum": _read,
    "weekly page": _page("weekly", WEEK),
    "monthly page": _page("monthly", MONTH),
    "quarterly page": _page("quarterly", QUARTER),
    "team pages": _team_pages,
    "chargeback": _finance_files,
}
"""What each case makes: sizes of its files in bytes."""
_BARS = dict.fromkeys(("weekly page", "monthly page", "quarterly page"), PAGE_SECONDS) | {"chargeback": FINANCE_SECONDS}


def _main(name: str, folder: str, rows: str) -> None:
    engine, sizes = opened(Path(folder), int(rows)), list[int]()
    models = engine.catalog.project
    read = [one for one in (*models.inputs, *models.regular) if one.startswith(("book.", "marts.", "core.fixed_", "core.price_"))]

    def work() -> int:
        with engine.catalog.reading(read) as con:
            sizes.extend(_WORK[name](con))
        return len(sizes)

    with engine.catalog.reading(["marts.cost"]) as con:
        _read(con)  # a warm file cache
    told(work, lambda: {} if name == "read and sum" else {"files": len(sizes), "largest_bytes": max(sizes), "bytes": sum(sizes)})


if __name__ == "__main__":
    _main(*sys.argv[1:])
