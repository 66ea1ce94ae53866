"""A closed month does not move: what comes late, or is edited, is a correction in the open month, to the pico-dollar."""

import json
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from small import built, limited, make_small
from small_book import CARD, SmallBook

from meterbook.assets.audit import AuditError, append_audit, read_audit
from meterbook.assets.book import Book, BookError
from meterbook.assets.closed import CloseError
from meterbook.assets.closing import close, reopen
from meterbook.assets.gate import Gate
from meterbook.assets.publishing import Publisher
from meterbook.assets.workspace import Workspace
from meterbook.reports.periods import days_of

pytestmark = [pytest.mark.long, pytest.mark.early, pytest.mark.usefixtures("all_small")]
MARTS = ("chargeback", "chargeback_tenant", "rate_used", "conservation", "statement", "closed_month")
OWNERS = "starts_on,ends_on,field,pattern,team,cost_centre,feature,tenant,environment,priority\n"
POOLS = "pools:\n- {pool: gateway, monthly_usd: 310, key: cost}\n"
CALL = Decimal("1.000407")
"""What a request of SmallBook.log costs."""


@pytest.fixture(scope="module", autouse=True)
def _passing() -> Iterator[None]:
    """Every period passes the gate, which has tests of its own: what it judges is a fifth of the tables."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(Gate, "why", lambda _gate, _item: "")
        yield


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two months, with a shared pool, after a run."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        make_small(monkeypatch)
        made = SmallBook(tmp_path_factory.mktemp("computed") / "book")
        (made.folder / "allocation.yaml").write_text(POOLS, "utf-8")
        made.log("2026-08-30", "2026-08-31", "2026-09-01", "2026-09-30")
        _run(made)
    return made.folder


@pytest.fixture
def book(computed: Path, tmp_path: Path) -> SmallBook:
    """The two months, computed and open."""
    shutil.copytree(computed, tmp_path / "book")
    return SmallBook(tmp_path / "book")


@pytest.fixture(scope="module")
def closed(computed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first of the two months is closed."""
    folder = tmp_path_factory.mktemp("closed") / "book"
    shutil.copytree(computed, folder)
    with pytest.MonkeyPatch.context() as monkeypatch:
        make_small(monkeypatch)
        close(_opened(SmallBook(folder)), "2026-08", "agreed")
    return folder


@pytest.fixture
def august(closed: Path, tmp_path: Path) -> SmallBook:
    """The two months, the first of them closed."""
    shutil.copytree(closed, tmp_path / "august")
    return SmallBook(tmp_path / "august")


def _opened(book: SmallBook) -> Workspace:
    return limited(Workspace(book.folder), *(f"marts.{name}" for name in MARTS))


def _run(book: SmallBook) -> Workspace:
    workspace = built(_opened(book))
    publisher = Publisher(workspace)
    list(publisher.publish(item for item in publisher.stale() if item.kind == "chargeback"))
    return workspace


def _ask(workspace: Workspace, query: str) -> list[tuple[str, ...]]:
    with workspace.catalog.connect() as con:
        rows: list[tuple[Any, ...]] = con.execute(query).fetchall()
    return [tuple(f"{value.normalize():f}" if isinstance(value, Decimal) else str(value) for value in row) for row in rows]


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def _manifest(book: SmallBook, period: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((book.folder / "chargeback" / period / "manifest.json").read_text("utf-8"))
    return found


def test_a_late_row_changes_no_closed_byte_and_is_a_correction_in_the_open_month(august: SmallBook) -> None:
    before = _bytes(august.folder / "chargeback/2026-08"), _bytes(august.folder / "closed")
    assert _manifest(august, "2026-08")["state"] == "closed"
    august.take("2026-late.jsonl", {"at": "2026-08-30T08:00:00Z", "model": "small", "input": 1_000_407, "output": 0, "team": "chat"})
    workspace = _run(august)
    assert (_bytes(august.folder / "chargeback/2026-08"), _bytes(august.folder / "closed")) == before
    lines = "select day, line, basis, team, corrects_period, cost_usd from core.allocation where line like 'Correction%' order by all"
    gateway = "Shared: gateway, by cost of model usage"
    assert _ask(workspace, lines) == [
        ("2026-09-01", "Correction of 2026-08", "Model usage, requests at their rates", "chat", "2026-08", f"{CALL:f}"),
        ("2026-09-01", "Correction of 2026-08", gateway, "chat", "2026-08", "5"),
        ("2026-09-01", "Correction of 2026-08", gateway, "search", "2026-08", "-5"),
    ]
    months = "select period, now_usd - closed_usd, corrected_usd, due_usd from marts.closed_month"
    assert _ask(workspace, months) == [("2026-08", f"{CALL:f}", "0", f"{CALL:f}")]
    posted = "select cast(posted_usd as varchar) from marts.chargeback where line = 'Correction of 2026-08' order by posted_usd"
    assert _ask(workspace, posted) == [("-5.00",), ("1.00",), ("5.00",)]


def test_a_correction_is_posted_once_and_the_next_one_is_net_of_it(august: SmallBook) -> None:
    late = {"model": "small", "input": 1_000_000, "output": 0, "team": "search"}
    august.take("2026-late.jsonl", {"at": "2026-08-30T08:00:00Z", **late})
    close(_run(august), "2026-09", "")
    august.take("2026-later.jsonl", {"at": "2026-08-30T09:00:00Z", **late})
    august.log("2026-10-02")
    workspace = _run(august)
    query = "select day, sum(cost_usd) from core.allocation where corrects_period = '2026-08' group by 1 order by 1"
    assert _ask(workspace, query) == [("2026-09-01", "1"), ("2026-10-01", "1")]
    months = _ask(workspace, "select period, closed_usd, now_usd, corrected_usd, due_usd from marts.closed_month order by 1")
    assert months[0] == ("2026-08", f"{2 * CALL + 20:f}", f"{2 * CALL + 22:f}", "1", "1")
    assert months[1][3:] == ("0", "0")
    with pytest.raises(CloseError, match="2026-09 was closed after 2026-08; reopen it first"):
        reopen(Workspace(august.folder), "2026-08", "x")


def test_without_late_data_nothing_is_corrected_and_closing_changes_no_figure(book: SmallBook, august: SmallBook) -> None:
    workspace = _run(august)
    assert _ask(workspace, "select * from core.allocation order by all") == _ask(
        _opened(book), "select * from core.allocation order by all"
    )
    assert _ask(workspace, "select count(*) from core.closed_correction") == [("0",)]


def test_an_owner_edited_after_the_close_moves_the_cost_by_correction_and_not_in_the_closed_month(august: SmallBook) -> None:
    (august.folder / "owners.csv").write_text(f"{OWNERS}2026-08-01,,team,search,discovery,,,,,0\n", "utf-8")
    workspace = _run(august)
    query = "select team, sum(cost_usd) from core.allocation where {} group by 1 having sum(cost_usd) <> 0 order by 1"
    moved = f"{2 * CALL + 20:f}"
    assert _ask(workspace, query.format("corrects_period = '2026-08'")) == [("discovery", moved), ("search", f"-{moved}")]
    assert _ask(workspace, query.format("day < '2026-09-01' and line = 'Model usage'")) == [("search", f"{2 * CALL:f}")]
    assert _ask(workspace, "select due_usd from marts.closed_month") == [("0",)]


def test_a_lake_that_is_deleted_comes_back_with_the_closed_month_as_it_was(august: SmallBook) -> None:
    before, files = _ask(_opened(august), "select * from core.allocation order by all"), _bytes(august.folder / "chargeback")
    shutil.rmtree(august.folder / "lake")
    shutil.rmtree(august.folder / "chargeback")
    assert _ask(_run(august), "select * from core.allocation order by all") == before
    assert _bytes(august.folder / "chargeback") == files


def test_an_input_that_a_month_was_closed_with_cannot_go_missing(august: SmallBook) -> None:
    (august.folder / "inbox" / "2026-08-30.jsonl").unlink()
    _run(august)  # what it held is in the lake
    shutil.rmtree(august.folder / "lake")
    with pytest.raises(BookError, match=r"inbox/2026-08-30.jsonl: 2026-08 was closed with it"):
        Workspace(august.folder).ingest()


def test_a_reopened_month_is_computed_anew_and_its_next_edition_names_the_one_before(august: SmallBook) -> None:
    first = Book(august.folder).closed[0]
    august.take("2026-late.jsonl", {"at": "2026-08-30T08:00:00Z", "model": "small", "input": 1_000_000, "output": 0, "team": "search"})
    reopen(_run(august), "2026-08", "a log was forgotten")
    workspace = _run(august)
    assert _manifest(august, "2026-08")["state"] == "open"
    assert _ask(workspace, "select count(*) from core.allocation where corrects_period <> ''") == [("0",)]
    close(workspace, "2026-08", "")
    again = Book(august.folder).closed[0]
    assert (again.record.version, again.record.supersedes) == (2, first.digest)
    assert Decimal(again.record.cost_usd) - Decimal(first.record.cost_usd) == 1
    told = _manifest(august, "2026-08")
    assert (told["state"], told["version"], told["supersedes"]) == ("closed", 2, first.record.files["manifest.json"])
    said = [(record.action, record.why, record.details["version"]) for record in read_audit(august.folder / "audit.jsonl")]
    assert said == [("close", "agreed", 1), ("reopen", "a log was forgotten", 1), ("close", "", 2)]


def test_a_month_that_fails_the_gate_is_not_closed_and_the_figure_is_named(book: SmallBook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Gate, "why", lambda _gate, item: "90.90 % of tokens have a price" if item.period == "2026-08" else "")
    with pytest.raises(CloseError, match=r"chargeback/2026-08: 90.90 % of tokens have a price"):
        close(_opened(book), "2026-08", "agreed")
    assert Book(book.folder).closed == ()


def test_a_month_closes_in_order_once_it_is_over_and_computed(book: SmallBook) -> None:
    workspace = _run(book)
    for period, says in (
        ("2026-09", "2026-08 is before 2026-09 and open"),
        ("2026-07", "the lake has nothing of 2026-07"),
        ("2098-01", "2098-01 is not over"),
        ("2026-10", "the lake has nothing of 2026-10; it has 2026-08-30 to 2026-09-30"),
    ):
        with pytest.raises(CloseError, match=says):
            close(workspace, period, "")
    book.log("2026-08-02")
    stale = _opened(book)
    stale.ingest()
    with pytest.raises(CloseError, match=r"2026-08-02 is not computed, or no longer as it was; `meterbook run` first"):
        close(stale, "2026-08", "")
    close(_run(book), "2026-08", "")
    for period, says in (
        ("2026-08", "closed already"),
        ("2026-07", "lies before 2026-08"),
        ("2026-10", "not the next month to close: 2026-09 is"),
    ):
        with pytest.raises(CloseError, match=says):
            close(_run(book), period, "")
    with pytest.raises(CloseError, match="2026-09 is not closed; closed are 2026-08"):
        reopen(Workspace(book.folder), "2026-09", "x")
    assert not [path for path in (book.folder / "closed").iterdir() if path.name.startswith(".")]


def test_what_a_month_was_closed_with_cannot_be_altered(august: SmallBook) -> None:
    folder = august.folder / "closed/2026-08"
    kept = (folder / "files/chargeback.csv").read_bytes()
    (folder / "files/chargeback.csv").write_bytes(kept + b"x")
    with pytest.raises(CloseError, match=r"chargeback.csv: is not what 2026-08 was closed with"):
        Book(august.folder).closed[0].contents()
    (folder / "files/chargeback.csv").write_bytes(kept)
    lines = (folder / "lines.parquet").read_bytes()
    (folder / "lines.parquet").write_bytes(lines[:-1])
    with pytest.raises(BookError, match=r"lines.parquet: is not what 2026-08 was closed with"):
        Book(august.folder)


def test_an_audit_that_does_not_verify_closes_nothing(book: SmallBook) -> None:
    workspace = _run(book)
    append_audit(book.folder / "audit.jsonl", "rerate", "x", {})
    text = (book.folder / "audit.jsonl").read_text("utf-8")
    (book.folder / "audit.jsonl").write_text(text.replace('"x"', '"y"'), "utf-8")
    with pytest.raises(AuditError):
        close(workspace, "2026-08", "")
    assert not Book(book.folder).closed
    assert _manifest(book, "2026-08")["state"] == "open"


@pytest.mark.nightly
def test_a_year_of_months_closed_one_by_one_with_late_files_changes_no_closed_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_small(monkeypatch, date(2025, 1, 1))
    months = [f"2025-{month:02d}" for month in range(1, 13)]
    book, kept = SmallBook(tmp_path / "book"), dict[str, bytes]()
    (book.folder / "allocation.yaml").write_text(POOLS, "utf-8")
    book.price(CARD.replace("starts_on: 2026", "starts_on: 2025"))
    for number, month in enumerate(months):
        book.log(f"{month}-01", str(days_of(month)[1] - timedelta(days=1)))
        for late in months[: number + 1]:
            call = {"at": f"{late}-14T08:00:00Z", "model": "large", "input": 7 * number + 1, "output": 3, "team": f"team {number}"}
            book.take(f"20-late-{month}.jsonl", call)
        workspace = _run(book)
        assert {name: path.read_bytes() for name in kept if (path := book.folder / name).is_file()} == kept
        close(workspace, month, "")
        for folder in ("closed", f"chargeback/{month}"):
            kept |= {f"{folder}/{name}": content for name, content in _bytes(book.folder / folder).items()}
    workspace = _run(book)
    assert {name: (book.folder / name).read_bytes() for name in kept} == kept
    assert {row[0] for row in _ask(workspace, "select now_usd - closed_usd - corrected_usd from marts.closed_month")} == {"0"}
    total = _ask(workspace, "select sum(cost_usd) from core.allocation")
    assert total == _ask(workspace, "select sum(cost_usd) from core.owned_line")
