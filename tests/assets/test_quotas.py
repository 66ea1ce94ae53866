"""A request of another amount: what is written when it is asked for, approved and rejected, and what is refused."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from unittest.mock import Mock

import pytest

from meterbook.assets.audit import AuditError, read_audit
from meterbook.assets.book import Book
from meterbook.assets.budgets import Budget
from meterbook.assets.quota_requests import Evidence, QuotaError, QuotaRequest, digest_of, load_request, load_requests
from meterbook.assets.quotas import Wanted, approve, ask, reject

TODAY = date(2026, 11, 2)
BUDGETS = """\
# agreed in May
budgets:
  - {budget: support, amount_usd: 9000, team: support} # ours
  - {budget: sales/eu, measure: tokens, period: day, amount: 1001, team: sales}
"""
NOTHING = Evidence()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "meterbook.yaml").write_text("name: Acme\n", "utf-8")
    (tmp_path / "budgets.yaml").write_text(BUDGETS, "utf-8")
    monkeypatch.setattr("meterbook.assets.quotas.today_of", lambda _: TODAY)
    return tmp_path


def _ask(folder: Path, by: str = "25", until: date | None = None, name: str = "support") -> QuotaRequest:
    return ask(Book(folder), name, Wanted(by_percent=Decimal(by), until=until), "the sale", who="dana", evidence=NOTHING)


def _budget(folder: Path) -> Budget:
    return Book(folder).budgets[0]


def test_a_request_is_a_file_that_says_what_is_asked_and_changes_nothing(folder: Path) -> None:
    made = _ask(folder, until=date(2026, 12, 1))
    assert (made.request, made.amount, made.wanted, made.who) == ("2026-11-02-support-1", 9000, 11250, "dana")
    assert list(load_requests(folder)) == [made]
    assert (folder / "budgets.yaml").read_text("utf-8") == BUDGETS
    assert not (folder / "audit.jsonl").exists()


def test_the_name_of_a_file_is_of_the_day_the_budget_and_a_number(folder: Path) -> None:
    assert [_ask(folder).request, _ask(folder).request] == ["2026-11-02-support-1", "2026-11-02-support-2"]
    made = _ask(folder, "10", name="sales/eu")
    assert (made.request, made.wanted) == ("2026-11-02-sales-eu-1", 1101)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Wanted(), "either --amount"),
        (Wanted(Decimal(1), Decimal(1)), "either --amount"),
        (Wanted(Decimal(9000)), "what there is"),
        (Wanted(by_percent=Decimal(-101)), "less than nothing"),
        (Wanted(Decimal(1), until=TODAY), "not after today"),
        (Wanted(Decimal("1.0000001")), "wanted 1.0000001: .* 6 decimal places"),
    ],
)
def test_what_makes_no_sense_is_not_asked_for(wanted: Wanted, said: str, folder: Path) -> None:
    with pytest.raises(QuotaError, match=said):
        ask(Book(folder), "support", wanted, "the sale", who="dana", evidence=NOTHING)
    assert not list(load_requests(folder))


def test_a_budget_that_there_is_not_is_told_with_those_there_are(folder: Path) -> None:
    with pytest.raises(QuotaError, match="no budget 'suport': support, sales/eu"):
        _ask(folder, name="suport")


def test_an_approved_amount_is_dated_in_the_budgets_in_the_request_and_in_the_audit(folder: Path) -> None:
    made = _ask(folder, until=date(2026, 12, 1))
    asked = digest_of(folder, made)
    done = approve(Book(folder), f"{folder}/quota_requests/{made.request}.yaml", "agreed")
    assert (folder / "budgets.yaml").read_text("utf-8") == BUDGETS.replace(
        "team: support}",
        'team: support, raises: [{amount: 11250, starts_on: 2026-11-02, ends_on: 2026-12-01, request: "2026-11-02-support-1"}]}',
    )
    assert [int(_budget(folder).limit_on(day)) for day in (date(2026, 11, 1), TODAY, date(2026, 12, 1))] == [9000, 11250, 9000]
    [line] = read_audit(folder / "audit.jsonl")
    assert (line.action, line.why, line.details["request_sha256"]) == ("quota approve", "agreed", asked)
    assert {key: line.details[key] for key in ("before", "wanted", "starts_on", "ends_on", "asked_by")} == {
        "before": "9000", "wanted": "11250", "starts_on": "2026-11-02", "ends_on": "2026-12-01", "asked_by": "dana",
    }  # fmt: skip
    assert done == load_request(folder, made.request)
    assert done.decision
    assert (done.decision.outcome, done.decision.audit, done.decision.ends_on) == ("approved", line.digest, date(2026, 12, 1))


def test_who_approves_may_set_other_days_and_without_an_end_it_is_for_good(folder: Path) -> None:
    approve(Book(folder), _ask(folder).request, "agreed", starts_on=date(2026, 11, 5), until=date(2026, 11, 9))
    approve(Book(folder), _ask(folder, "50").request, "agreed", starts_on=date(2026, 11, 20))
    days = [date(2026, 11, 4), date(2026, 11, 5), date(2026, 11, 9), date(2026, 11, 20), date(2030, 1, 1)]
    assert [int(_budget(folder).limit_on(day)) for day in days] == [9000, 11250, 9000, 13500, 13500]


def test_a_rejected_request_changes_no_budget_and_is_in_the_audit(folder: Path) -> None:
    done = reject(Book(folder), _ask(folder).request, "half is unused")
    assert (folder / "budgets.yaml").read_text("utf-8") == BUDGETS
    [line] = read_audit(folder / "audit.jsonl")
    assert (line.action, line.why, done.decision and done.decision.audit) == ("quota reject", "half is unused", line.digest)


def test_what_is_decided_is_not_decided_again(folder: Path) -> None:
    name = _ask(folder).request
    reject(Book(folder), name, "no")
    with pytest.raises(QuotaError, match="was rejected on 2026-11-02"):
        approve(Book(folder), name, "yes")


@pytest.mark.parametrize(
    ("why", "starts_on", "until", "said"),
    [
        (" ", None, None, "say why"),
        ("yes", date(2026, 11, 9), date(2026, 11, 9), "not after 2026-11-09"),
    ],
)
def test_a_decision_without_reason_or_with_wrong_days_is_refused(
    why: str, starts_on: date | None, until: date | None, said: str, folder: Path
) -> None:
    name = _ask(folder).request
    with pytest.raises(QuotaError, match=said):
        approve(Book(folder), name, why, starts_on, until)
    assert load_request(folder, name).decision is None


def test_where_the_audit_does_not_verify_nothing_is_decided(folder: Path) -> None:
    name = _ask(folder).request
    (folder / "audit.jsonl").write_text("{}\n", "utf-8")
    with pytest.raises(AuditError):
        approve(Book(folder), name, "yes")
    assert (folder / "budgets.yaml").read_text("utf-8") == BUDGETS
    assert load_request(folder, name).decision is None


def test_an_approval_that_was_interrupted_is_finished_without_adding_the_amount_twice(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = _ask(folder).request
    with monkeypatch.context() as context:
        context.setattr("meterbook.assets.quotas.rewrite", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            approve(Book(folder), name, "yes")
    assert approve(Book(folder), name, "yes").decision
    assert len(_budget(folder).raises) == 1


def test_a_request_of_a_budget_whose_measure_has_changed_is_refused(folder: Path) -> None:
    name = _ask(folder).request
    (folder / "budgets.yaml").write_text("budgets: [{budget: support, measure: tokens, amount: 1}]\n", "utf-8")
    with pytest.raises(QuotaError, match="is of tokens now"):
        approve(Book(folder), name, "yes")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("who: dana", "who: dana\nwhoo: dana"), "unknown key; did you mean who"),
        (("request: 2026-11-02-support-1", "request: other"), "has the name of its file"),
        (("wanted: 11250", "wanted: -1"), "wanted"),
        (("why: the sale", "why: the sale\nwhy: again"), "given twice"),
    ],
)
def test_a_file_that_is_wrong_is_told_with_its_line(change: tuple[str, str], said: str, folder: Path) -> None:
    path = folder / "quota_requests" / f"{_ask(folder).request}.yaml"
    path.write_text(path.read_text("utf-8").replace(*change), "utf-8")
    with pytest.raises(QuotaError, match=said) as told:
        list(load_requests(folder))
    assert str(path) in str(told.value)


@pytest.mark.parametrize("name", ["2026-11-02-support-9", "../budgets", "/elsewhere/2026-11-02-support-1.yaml", ""])
def test_a_request_that_there_is_not_is_told(name: str, folder: Path) -> None:
    _ask(folder)
    with pytest.raises(QuotaError, match="quota list"):
        load_request(folder, name)
