"""What there is to say: from the lake's events and cards, from requests, and from what the weekly page says first."""

import random
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest

from meterbook.assets.book import Book
from meterbook.assets.notice import message_of
from meterbook.assets.notices import anomaly_notices, budget_notices, last_due, notices_of, quota_notices
from meterbook.assets.notify import NotifyFile
from meterbook.assets.quota_requests import QuotaRequest

EVENT = {
    "budget": "varchar", "period_start": "date", "level_percent": "integer", "kind": "varchar", "day": "date", "period": "varchar",
    "period_end": "date", "measure": "varchar", "owner": "varchar", "scope": "varchar", "amount": "decimal(38,6)", "used": "decimal(38,12)",
    "share_percent": "decimal(19,1)", "reached_low": "date", "reached_point": "date", "reached_high": "date", "at_limit": "varchar",
}  # fmt: skip
CARD = {
    "card_id": "varchar", "first_day": "date", "last_day": "date", "kind": "varchar", "dimension": "varchar", "scope": "varchar",
    "measure": "varchar", "owner": "varchar", "excess_usd": "decimal(38,12)", "severity": "double", "cause": "varchar",
    "culprit": "varchar", "event": "varchar", "status": "varchar", "verdict": "varchar", "note": "varchar",
}  # fmt: skip
USED = {
    "budget": "search", "period_start": "2026-10-01", "level_percent": 80, "kind": "actual", "day": "2026-10-21", "period": "month",
    "period_end": "2026-11-01", "measure": "dollars", "owner": "search", "scope": "search, prod", "amount": 10000, "used": "8123.4",
    "share_percent": "81.2", "at_limit": "search is told, nothing is stopped",
}  # fmt: skip
HARBOR = {
    "card_id": "2026-10-21 tenant harbor cost", "first_day": "2026-10-21", "last_day": "2026-10-23", "kind": "spike", "dimension": "tenant",
    "scope": "harbor", "measure": "cost", "owner": "support", "excess_usd": "412.7", "severity": 2.0, "cause": "3.1 times what is usual",
    "culprit": "feature assistant, model gpt-5", "event": "launch: harbor goes live", "status": "open",
}  # fmt: skip
Con = duckdb.DuckDBPyConnection


@pytest.fixture
def con() -> Iterator[Con]:
    with duckdb.connect() as con:
        con.execute("create schema marts")
        for name, shape in (("budget_event", EVENT), ("anomaly_card", CARD)):
            con.execute(f"create table marts.{name} ({', '.join(f'{column} {dtype}' for column, dtype in shape.items())})")
        yield con


def _put(con: Con, name: str, rows: Sequence[dict[str, Any]]) -> None:
    for row in rows:
        con.execute(f"insert into marts.{name} ({', '.join(row)}) values ({', '.join('?' * len(row))})", list(row.values()))


def _body(notice: Any) -> str:
    return message_of(notice, None).plain


def _title(notice: Any) -> str:
    return message_of(notice, None).title


def test_a_level_that_was_reached_is_told_with_dollars_owner_and_what_happens_at_the_limit(con: Con) -> None:
    _put(con, "budget_event", [USED])
    [notice] = budget_notices(con, ["actual"])
    assert (notice.notice_id, notice.owner, notice.day) == ("budget search 2026-10-01 80% actual", "search", date(2026, 10, 21))
    assert _title(notice) == "Budget search: 80 % of $10.0k is used"
    assert _body(notice).splitlines() == [
        "Owner: search",
        "Scope: search, prod",
        "Period: month, 1 October 2026 to 31 October 2026",
        "Used: $8,123 of $10.0k (81.2 %), by 21 October 2026",
        "At the limit: search is told, nothing is stopped",
    ]


def test_a_level_that_will_be_reached_is_told_with_its_days(con: Con) -> None:
    coming = {**USED, "kind": "forecast", "level_percent": 100, "reached_low": "2026-10-22", "reached_point": "2026-10-24"}
    _put(
        con,
        "budget_event",
        [{**coming, "reached_high": "2026-10-29"}, {**coming, "budget": "b"}, {**coming, "budget": "c", "reached_point": None}],
    )
    titles = [_title(one).split(": ", 1)[1] for one in budget_notices(con, ["forecast"])]
    assert titles == [
        "100 % of $10.0k will be reached on 24 October 2026 (22 October 2026 at the earliest, or not in this period)",
        "100 % of $10.0k may be reached (22 October 2026 at the earliest, or not in this period)",
        "100 % of $10.0k will be reached on 24 October 2026 (22 October 2026 to 29 October 2026, P10 to P90)",
    ]
    assert not list(budget_notices(con, ["actual"]))


def test_a_budget_of_nothing_and_one_of_tokens_read_as_they_are(con: Con) -> None:
    tokens = {"measure": "tokens", "amount": 0, "used": 1_250_000, "share_percent": None, "owner": None, "at_limit": None}
    _put(con, "budget_event", [{**USED, **tokens}])
    [notice] = budget_notices(con, ["actual"])
    assert _title(notice) == "Budget search: 80 % of 0 tokens is used"
    assert "Used: 1.2M tokens of 0 tokens, by 21 October 2026" in _body(notice)
    assert "Owner" not in _body(notice)


def test_an_open_card_is_told_once_with_its_cause(con: Con) -> None:
    other = [
        {**HARBOR, "card_id": "small", "excess_usd": "49.99"},
        {**HARBOR, "card_id": "muted", "status": "muted"},
        {**HARBOR, "card_id": "seen", "status": "acknowledged"},
        {**HARBOR, "card_id": "judged", "verdict": "false"},
        {**HARBOR, "card_id": "drop", "dimension": "total", "scope": "all", "kind": "drop", "excess_usd": -300, "last_day": "2026-10-21"},
    ]
    _put(con, "anomaly_card", [HARBOR, *other])
    harbor, drop = anomaly_notices(con, 50)
    assert (harbor.notice_id, harbor.owner) == ("anomaly 2026-10-21 tenant harbor cost", "support")
    assert _title(harbor) == "Spike of cost, tenant harbor: +$413 (21 October 2026 to 23 October 2026)"
    assert "Dollars: $413 more than expected\nCause: 3.1 times what is usual\nComes from: feature assistant, model gpt-5\n" in _body(harbor)
    assert "Event: launch: harbor goes live" in _body(harbor)
    assert _title(drop) == "Drop of cost, everything: \N{MINUS SIGN}$300 (21 October 2026)"


@pytest.fixture
def workspace(tmp_path: Path) -> Any:
    """As a workspace is before its models have such tables: to read all models takes seconds."""
    (tmp_path / "meterbook.yaml").write_text("name: Acme\n", "utf-8")
    everything = "{anomalies: {}, budgets: [actual, forecast], quotas: true, digest: {}}"
    (tmp_path / "notify.yaml").write_text(f"channels: {{chat: {{url_env: CHAT}}}}\ndefault: [chat]\nsend: {everything}\n", "utf-8")
    catalog = SimpleNamespace(reading=lambda _names: duckdb.connect())
    bare = {"folder": tmp_path, "project": SimpleNamespace(models={}), "catalog": catalog, "days_of": lambda _names: []}
    return SimpleNamespace(book=Book(tmp_path), **bare)


def test_a_book_without_events_cards_requests_or_days_has_nothing_to_tell(workspace: Any) -> None:
    assert notices_of(workspace, date(2026, 10, 26)) == []


def test_notices_come_in_the_order_of_their_days_and_link_to_the_page_of_their_week_where_there_is_one(workspace: Any, con: Con) -> None:
    _put(con, "budget_event", [USED, {**USED, "level_percent": 50, "day": "2026-10-12"}])
    _put(con, "anomaly_card", [HARBOR])
    workspace.project.models = dict.fromkeys(("marts.budget_event", "marts.anomaly_card"))
    workspace.catalog.reading = lambda _names: nullcontext(con)
    weekly = workspace.folder / "reports" / "weekly"
    weekly.mkdir(parents=True)
    (weekly / "2026-W43.html").touch()
    found = notices_of(workspace, date(2026, 10, 26))
    assert [(one.notice_id, one.page) for one in found] == [
        ("budget search 2026-10-01 50% actual", None),
        ("budget search 2026-10-01 80% actual", "weekly/2026-W43.html#budgets"),
        ("anomaly 2026-10-21 tenant harbor cost", "weekly/2026-W43.html#anomalies"),
    ]


def test_rows_in_another_order_are_the_same_notices(con: Con) -> None:
    events = [{**USED, "level_percent": level, "budget": name} for level in (50, 80, 95) for name in "abc"]
    cards = [{**HARBOR, "card_id": f"card {number}"} for number in range(9)]
    found = []
    for _ in range(3):
        con.execute("delete from marts.budget_event; delete from marts.anomaly_card")
        _put(con, "budget_event", random.sample(events, 9))
        _put(con, "anomaly_card", random.sample(cards, 9))
        found.append([*budget_notices(con, ["actual"]), *anomaly_notices(con, 0)])
    assert found[0] == found[1] == found[2]
    assert len({one.notice_id for one in found[0]}) == 18


def test_a_request_is_told_to_who_decides_and_its_answer_to_the_owner() -> None:
    asked = {
        "request": "2026-10-20-search-1", "asked_on": date(2026, 10, 20), "who": "ada", "budget": "search", "measure": "dollars",
        "period": "month", "amount": Decimal(10000), "wanted": Decimal(15000), "why": "a launch",
    }  # fmt: skip
    answer = {"outcome": "approved", "decided_on": date(2026, 10, 22), "why": "for the launch", "audit": "0"}
    open_one, done = QuotaRequest.model_validate(asked), QuotaRequest.model_validate({**asked, "decision": answer})
    [waits], [answered] = (list(quota_notices([one], {"search": "search team"})) for one in (open_one, done))
    assert (waits.notice_id, waits.owner) == ("quota 2026-10-20-search-1 asked", "")
    assert "From, to: $10.0k a month to $15.0k a month" in _body(waits)
    assert "meterbook quota approve 2026-10-20-search-1" in _body(waits)
    assert (answered.notice_id, answered.owner) == ("quota 2026-10-20-search-1 decided", "search team")
    assert _title(answered) == "Quota request 2026-10-20-search-1 is approved"


@pytest.mark.parametrize(
    ("digest", "today", "span"),
    [
        ({}, "2026-10-25", ("2026-10-12", "2026-10-19")),
        ({}, "2026-10-26", ("2026-10-19", "2026-10-26")),
        ({"weekday": "wednesday"}, "2026-10-27", ("2026-10-12", "2026-10-19")),
        ({"weekday": "wednesday"}, "2026-10-28", ("2026-10-19", "2026-10-26")),
        ({}, "2026-12-01", ("2026-10-19", "2026-10-26")),
        ({}, "2026-10-18", None),
        ({"every": "day"}, "2026-10-20", ("2026-10-19", "2026-10-20")),
        ({"every": "day"}, "2026-12-01", ("2026-10-27", "2026-10-28")),
    ],
)
def test_a_digest_is_of_the_last_whole_week_or_day_that_is_due(digest: dict[str, str], today: str, span: tuple[str, str] | None) -> None:
    settings = NotifyFile.model_validate({"send": {"digest": digest}})
    days = [date(2026, 10, day) for day in range(12, 28)]
    found = last_due(settings, days, date.fromisoformat(today))
    assert (found and tuple(map(str, found))) == span
