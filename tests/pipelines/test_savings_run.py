"""The ledger of savings from files to pages: realised by hand, published by month, made anew only where its own tables changed."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from running import typed
from small import call, gateway_book, limited, make_small, write

from meterbook.assets.publications import JUDGED, OF_SAVINGS, SAVINGS, WEEKLY
from meterbook.assets.publishing import Publisher
from meterbook.assets.workspace import Workspace

pytestmark = pytest.mark.long

CARD = """\
provider: openai
models:
  gpt-5: {rates: [{starts_on: 2020-01-01, input: 1, output: 10, source: told, checked_on: 2026-11-01}]}
  gpt-5-mini: {rates: [{starts_on: 2020-01-01, input: 0.25, output: 2, source: told, checked_on: 2026-11-01}]}
"""
LEDGER = """\
savings:
  - name: to mini
    lever: routing
    owner: search
    status: live
    idea_on: 2026-08-01
    committed_on: 2026-08-02
    live_since: 2026-09-02
    was: {model: gpt-5}
    to: {model: gpt-5-mini}
"""


TABLES = (*OF_SAVINGS, *JUDGED, "marts.conservation", "marts.day_profile", "marts.chargeback")
"""What is looked at here; a run of the whole book takes many times as long."""


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        make_small(monkeypatch)
        folder = gateway_book(tmp_path_factory.mktemp("savings") / "book")
        write(folder / "rate_cards/openai.yaml", [CARD])
        write(folder / "savings.yaml", [LEDGER])
        spent = {"gpt-5": 0.1001, "gpt-5-mini": 0.02502}
        days = [date(2026, 9, day) for day in (1, 2, 3)]
        lines = [call(f"{day}-{model}", day, 100_000, model=model, spend=usd) for day in days for model, usd in spent.items()]
        write(folder / "inbox/log.jsonl", lines)
        _bring_up_to_date(folder)
        yield folder


def _bring_up_to_date(book: Path) -> None:
    """Compute what is stale and publish the savings page, as a run does beside other pages."""
    workspace = limited(Workspace(book), *TABLES)
    assert not workspace.ingest().refused
    for model in workspace.project.models.values():
        if workspace.engine.stale(model):
            workspace.build(model)
    publisher = Publisher(workspace)
    [_] = publisher.publish(item for item in publisher.stale() if item.kind == SAVINGS)


def _stale(book: Path) -> set[str]:
    return {item.key for item in Publisher(limited(Workspace(book), *TABLES)).stale()}


def _other_pages(book: Path) -> dict[str, str]:
    """What weeks and statements are made from, as digests."""
    publisher = Publisher(limited(Workspace(book), *TABLES))
    return {item.key: publisher._fingerprint(item) for item in publisher.wanted() if item.kind in {"chargeback", WEEKLY}}


def test_what_was_realised_is_the_same_tokens_at_the_old_models_price(book: Path) -> None:
    done = typed(book, "savings", "--period", "2026-09", "--format", "json")
    [row] = json.loads(done.out)
    # Two calls since the 2nd, of 100,000 tokens in and 10 out: 0.1001 at gpt-5, 0.02502 at gpt-5-mini.
    assert (row["realised_usd"], row["since_live_usd"], row["status"]) == ("0.150160000000", "0.150160000000", "live")
    table = typed(book, "savings")
    assert (table.code, "realised in 2026-09: $0, measured" in table.out) == (0, True)


def test_a_month_without_data_and_an_empty_ledger_are_told_in_a_line(book: Path) -> None:
    late = typed(book, "savings", "--period", "2027-01")
    assert (late.code, "there is nothing of 2027-01" in late.err) == (2, True)
    early = typed(book, "savings", "--period", "september")
    assert "'september' is not a month" in early.err
    ideas = typed(book, "savings", "ideas")
    assert (ideas.code, ideas.out) == (0, "")


def test_a_change_of_the_ledger_makes_the_savings_page_anew_and_nothing_else(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_small(monkeypatch)
    before = _other_pages(book)
    assert before.keys() == {"chargeback/2026-09", "weekly/2026-W36"}
    assert "savings/2026-09" not in _stale(book)
    write(book / "savings.yaml", [LEDGER.replace("owner: search", "owner: platform")])
    _bring_up_to_date(book)
    assert b"routing, platform" in (book / "reports/savings/2026-09.html").read_bytes()
    assert _other_pages(book) == before


def test_a_model_before_that_is_on_no_card_stops_a_run_with_one_line(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_small(monkeypatch)
    good = (book / "savings.yaml").read_text()
    write(book / "savings.yaml", [LEDGER.replace("{model: gpt-5}", "{model: gtp-5}")])
    done = typed(book, "run")
    write(book / "savings.yaml", [good])
    assert done.code == 2
    assert "savings.yaml:9: savings.0.was.model: no rate card has a model 'gtp-5'; did you mean gpt-5" in done.err
