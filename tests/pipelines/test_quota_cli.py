"""`meterbook quota` as it is typed: asking, deciding, exporting, and errors of one line."""

import json
from datetime import date
from pathlib import Path

import pytest
import yaml
from running import Said, typed

BUDGETS = """\
budgets:
  - {budget: support, amount_usd: 9000, team: support, at_limit: {do: block}} # ours
  - {budget: gpus, measure: gpu_hours, amount: 100}
"""


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "meterbook.yaml").write_text("name: Acme\n", "utf-8")
    (tmp_path / "budgets.yaml").write_text(BUDGETS, "utf-8")
    for module in ("assets.quotas", "pipelines.cli_quota"):
        monkeypatch.setattr(f"meterbook.{module}.today_of", lambda _: date(2026, 11, 2))
    return tmp_path


def _quota(book: Path, *words: str) -> Said:
    return typed(book, "quota", *words)


def test_a_request_is_asked_for_listed_approved_and_exported(book: Path) -> None:
    asked = _quota(book, "request", "support", "--by", "25", "--until", "2026-12-01", "--why", "the sale", "--who", "dana")
    assert (asked.code, asked.out) == (0, "2026-11-02-support-1: $11,250 instead of $9,000 a month\n")
    [listed] = json.loads(_quota(book, "list", "--open", "--json").out)
    assert (listed["request"], listed["wanted"], listed["decision"]) == ("2026-11-02-support-1", "11250", None)
    done = _quota(book, "approve", "2026-11-02-support-1", "--why", "agreed")
    assert (done.code, done.out) == (0, "support: $11,250 a month from 2026-11-02 until 2026-12-01\n")
    assert "approved from 2026-11-02 to 2026-12-01" in " ".join(_quota(book, "list").out.split())
    assert _quota(book, "list", "--open").out == "no request\n"
    made = _quota(book, "export", "litellm")
    assert yaml.safe_load(made.out)["admin_api"][0]["body"]["max_budget"] == 11250
    assert made.err.splitlines() == [
        "not in it: budget gpus: budgets are of dollars there; gpu hours of a month cannot be limited",
        "to know: budget support: 11250 holds until 2026-12-01, then 9000; export again on that day",
        "to know: a call that is under way is not stopped: what it costs goes beyond the budget",
    ]


def test_a_request_is_rejected_with_a_reason(book: Path) -> None:
    _quota(book, "request", "gpus", "--amount", "150", "--why", "[bold]training", "--who", "dana")
    assert "[bold]training" in _quota(book, "list").out
    assert _quota(book, "reject", "2026-11-02-gpus-1", "--why", "half is unused").out == "2026-11-02-gpus-1: rejected\n"
    assert (book / "budgets.yaml").read_text("utf-8") == BUDGETS


def test_an_export_goes_to_a_file_and_says_what_is_not_in_it(book: Path, tmp_path: Path) -> None:
    said = _quota(book, "export", "portkey", "--out", str(tmp_path / "out.json"), "--on", "2026-11-01")
    assert (said.code, said.out, said.err) == (
        0,
        f"{tmp_path / 'out.json'}\n",
        "not in it: budget gpus: GPU hours pass no gateway\n" + NOTES,
    )
    assert json.loads((tmp_path / "out.json").read_text("utf-8"))["usage_limits"][0]["credit_limit"] == 9000


NOTES = "to know: calls have to carry team, tenant, feature and environment as metadata, set by the operator: a caller could write any\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("request", "suport", "--by", "1", "--why", "x"), "has no budget 'suport': support, gpus"),
        (("request", "support", "--why", "x"), "either --amount"),
        (("request", "support", "--by", "much", "--why", "x"), "--by 'much' is no number"),
        (("approve", "nothing", "--why", "x"), "`meterbook quota list` names them"),
        (("reject", "nothing", "--why", "x"), "`meterbook quota list` names them"),
        (("rebalance",), "there is nothing in the lake"),
        (("rebalance", "--month", "2026-13"), "is not a month such as 2026-12"),
        (("export", "nginx"), "nginx"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(words: tuple[str, ...], said: str, book: Path) -> None:
    found = _quota(book, *words)
    assert found.code == 2
    assert said in found.err
    assert found.err.count("\n") == 1
