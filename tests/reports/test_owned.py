"""The share of cost with an owner: of what rules can name an owner of, against its target, and never above the whole."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb

from meterbook.reports.frame import Frame, PageFacts
from meterbook.reports.periods import week
from meterbook.reports.sections.kpis import SECTION, Kpi

Con = duckdb.DuckDBPyConnection
MONDAY, BEFORE = date(2026, 10, 19), date(2026, 10, 12)
NBSP = "\N{NO-BREAK SPACE}"


def shown(con: Con, facts: PageFacts) -> Kpi:
    made: Any = SECTION.build(Frame(con, week("2026-W43", facts.data_through), facts))
    [found] = [kpi for kpi in made["kpis"] if kpi.name == "Cost with an owner"]
    assert isinstance(found, Kpi)
    return found


def covered(con: Con, day: date, owned: str, lost: str) -> None:
    for is_owned, cost in ((True, owned), (False, lost)):
        row = [day, "requests", is_owned, "", "", Decimal(cost)]
        con.execute("insert into marts.owner_coverage (day, basis, is_owned, field, value, cost_usd) values (?, ?, ?, ?, ?, ?)", row)


def test_it_names_the_target_and_is_marked_below_it(empty: Con, facts: PageFacts) -> None:
    covered(empty, BEFORE, "80", "20")
    covered(empty, MONDAY, "94", "6")
    found = shown(empty, facts)
    assert (found.value, found.delta, found.mood) == (f"94.0{NBSP}%", f"+14.0{NBSP}pts", "over")
    assert found.basis.startswith(f"target 95.0{NBSP}%; ")
    assert found.basis.endswith(f"80.0{NBSP}%")
    assert shown(empty, replace(facts, owner_target=Decimal("0.9"))).mood == "under"


def test_it_is_no_more_than_the_whole_whatever_bills_say_less_than_prices(empty: Con, facts: PageFacts) -> None:
    covered(empty, MONDAY, "100", "0")
    columns = "(day, line, team, tenant, feature, cost_usd)"
    empty.execute(f"insert into marts.cost {columns} values (?, 'Model usage', 'red', 'a', 'b', 100)", [MONDAY])
    empty.execute(f"insert into marts.cost {columns} values (?, 'Billed minus priced', 'unallocated', 'a', 'b', -5)", [MONDAY])
    assert shown(empty, facts).value == f"100.0{NBSP}%"


def test_a_little_that_nobody_owns_is_not_rounded_away(empty: Con, facts: PageFacts) -> None:
    covered(empty, MONDAY, "99999", "0.01")
    assert shown(empty, facts).value == f"over 99.9{NBSP}%"


def test_a_week_without_cost_has_no_share(empty: Con, facts: PageFacts) -> None:
    found = shown(empty, facts)
    assert (found.delta, found.mood) == ("", "")
    assert found.basis == f"no call or GPU hour with a price; target 95.0{NBSP}%"
