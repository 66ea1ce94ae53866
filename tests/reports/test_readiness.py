"""Which teams can move to chargeback: every threshold is asked, and what is not known is said to be unknown."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import duckdb
import pytest

from meterbook.reports.readiness import Disputed, Ready, Thresholds, last_period, readiness, shown

Con = duckdb.DuckDBPyConnection
NEEDED = Thresholds(coverage=Decimal("0.95"), unexplained=Decimal("0.01"), open_disputes=0, months=2)
DISPUTE = Disputed("D-1", "2026-09", "x", Decimal("12.50"), "why")


@pytest.fixture
def con(empty: Con) -> Con:
    """Team x in its second month of showback, priced, billed and explained."""
    for period in ("2026-09", "2026-10"):
        _charge(empty, "x", "100", period=period)
    _spend(empty, "x", "openai", 1000)
    _bill(empty, "openai", "50")
    return empty


def _charge(con: Con, team: str, cost: str, line: str = "Model usage", period: str = "2026-10") -> None:
    con.execute(
        "insert into marts.chargeback values (?, ?, 'showback', '', '', ?, '', ?, round(cast(? as decimal(38,12)), 2), '(none)')",
        [period, team, line, cost, cost],
    )


def _spend(con: Con, team: str, provider: str, requests: int, unpriced: int = 0) -> None:
    names = "day, team, provider, requests, unpriced_requests"
    con.execute(f"insert into marts.spend ({names}) values (?, ?, ?, ?, ?)", [date(2026, 10, 2), team, provider, requests, unpriced])


def _bill(con: Con, provider: str, billed: str, period: str = "2026-10") -> None:
    con.execute("insert into marts.reconciliation_cell (period, provider, billed_usd) values (?, ?, ?)", [period, provider, billed])


def _cause(con: Con, usd: str, cause: str = "unexplained", comparison: str = "billed - computed") -> None:
    names = "period, provider, comparison, cause, amount_usd"
    con.execute(f"insert into marts.reconciliation_cause ({names}) values ('2026-10', 'openai', ?, ?, ?)", [comparison, cause, usd])


def _of(con: Con, team: str = "x", disputes: tuple[Disputed, ...] = (), needed: Thresholds = NEEDED) -> Ready:
    [found] = [one for one in readiness(con, "2026-10", disputes, needed) if one.team == team]
    return found


def test_a_team_with_nothing_in_its_way_is_ready(con: Con) -> None:
    found = _of(con)
    assert (found.verdict, found.reasons, found.months) == ("ready", [], 2)
    assert (found.coverage, found.unexplained) == (1, 0)


@pytest.mark.parametrize(("unpriced", "is_ready"), [(50, True), (51, False)])
def test_coverage_is_held_against_its_threshold(unpriced: int, is_ready: bool, con: Con) -> None:
    con.execute("update marts.spend set unpriced_requests = ?", [unpriced])
    found = _of(con)
    assert (not found.reasons) == is_ready
    assert found.coverage == 1 - Decimal(unpriced) / 1000
    if not is_ready:
        assert found.verdict == "not yet: coverage is 94.9 %, 95 % is needed"


def test_gpu_hours_nobody_saw_are_not_covered_and_pools_are_left_out_of_the_share(con: Con) -> None:
    _charge(con, "x", "10", "GPU unknown")
    _charge(con, "x", "500", "Shared: gateway")
    found = _of(con)
    assert found.observed == Decimal(100) / 110
    assert found.shared_usd == 500
    assert found.cost_usd == 610
    assert found.reasons == ["coverage is 90.9 %, 95 % is needed"]


def test_a_credit_makes_nothing_more_or_less_observed(con: Con) -> None:
    _charge(con, "x", "-60", "Credit")
    assert _of(con).observed == 1


def test_the_lower_of_both_shares_counts(con: Con) -> None:
    _charge(con, "x", "25", "GPU unknown")
    con.execute("update marts.spend set unpriced_requests = 100")
    assert _of(con).coverage == Decimal("0.8")


def test_a_team_without_use_of_its_own_is_not_ready(con: Con) -> None:
    for period in ("2026-09", "2026-10"):
        _charge(con, "y", "5", "Shared: gateway", period)
    found = _of(con, "y")
    assert (found.coverage, found.unexplained, found.bills) == (None, None, {})
    assert found.verdict == "not yet: it has no use of its own to be covered"


@pytest.mark.parametrize(("amounts", "share"), [(["0.5"], "0.01"), (["0.51"], "0.0102"), (["0.4", "-0.4"], "0.016")])
def test_what_is_unexplained_is_a_share_of_what_was_billed_without_sign(amounts: list[str], share: str, con: Con) -> None:
    for amount in amounts:
        _cause(con, amount)
    _cause(con, "40", "price drift")
    _cause(con, "40", "unexplained", "reported - computed")
    found = _of(con)
    assert found.unexplained == Decimal(share)
    assert bool(found.reasons) == (Decimal(share) > Decimal("0.01"))


def test_a_provider_without_a_bill_is_unknown_and_never_reconciled(con: Con) -> None:
    _spend(con, "x", "acme", 1)
    con.execute("insert into marts.reconciliation_cell (period, provider, computed_usd) values ('2026-10', 'acme', 1)")
    _bill(con, "acme", "1", "2026-09")
    found = _of(con)
    assert found.unexplained is None
    assert found.verdict == "not yet: what is unexplained is not known: no bill of acme"
    assert found.as_json()["bills"] == {"acme": None, "openai": {"billed_usd": "50.000000000000", "unexplained_usd": "0"}}


def test_a_bill_of_nothing_is_unknown(con: Con) -> None:
    con.execute("update marts.reconciliation_cell set billed_usd = 0")
    assert _of(con).verdict == "not yet: what is unexplained is not known: nothing was billed"


def test_open_disputes_of_the_month_or_an_earlier_one_stand_in_the_way(con: Con) -> None:
    later = replace(DISPUTE, id="D-2", period="2026-11")
    other = replace(DISPUTE, id="D-3", team="y")
    found = _of(con, disputes=(DISPUTE, later, other))
    assert [one.id for one in found.disputes] == ["D-1"]
    assert found.verdict == "not yet: 1 open dispute over $12.50 (D-1)"
    assert _of(con, disputes=(DISPUTE,), needed=replace(NEEDED, open_disputes=1)).verdict == "ready"


def test_too_few_months_of_showback_stand_in_the_way(con: Con) -> None:
    con.execute("update marts.chargeback set mode = 'chargeback' where period = '2026-09'")
    _charge(con, "x", "1", period="2026-11")
    assert _of(con).verdict == "not yet: 1 month of showback, 2 are needed"


def test_a_team_that_is_charged_already_is_told_what_it_lacks(con: Con) -> None:
    con.execute("update marts.chargeback set mode = 'chargeback'")
    assert _of(con).verdict == "is charged"
    assert _of(con, disputes=(DISPUTE,)).verdict == "is charged, though 1 open dispute over $12.50 (D-1)"


def test_what_nobody_owns_is_no_team(con: Con) -> None:
    _charge(con, "unowned", "1")
    _charge(con, "unallocated", "1")
    assert [one.team for one in readiness(con, "2026-10", (), NEEDED)] == ["x"]


def test_the_last_month_with_statements_is_asked_for(con: Con) -> None:
    assert last_period(con) == "2026-10"
    con.execute("delete from marts.chargeback")
    assert last_period(con) is None


def test_json_is_exact_and_unknown_is_null(con: Con) -> None:
    con.execute("delete from marts.spend")
    found = _of(con, disputes=(DISPUTE,)).as_json()
    assert (found["cost_usd"], found["priced"], found["unexplained"]) == ("100.000000000000", None, None)
    assert found["disputes"][0]["amount_usd"] == "12.50"
    assert found["needed"]["coverage"] == "0.95"
    assert found["is_ready"] is False


@pytest.mark.parametrize(
    ("share", "up", "said"), [("0.9999", False, "99.9 %"), ("0.00001", True, "0.1 %"), ("1", False, "100 %"), ("0", True, "0 %")]
)
def test_a_share_is_never_shown_better_than_it_is(share: str, up: bool, said: str) -> None:
    assert shown(Decimal(share), up=up) == said
