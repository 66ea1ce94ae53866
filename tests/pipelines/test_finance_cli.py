"""`meterbook chargeback` and `meterbook readiness`, over a book of two months."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from running import Said, run, typed
from small import make_small

from meterbook.assets.publications import Publication
from meterbook.assets.publishing import Publisher
from meterbook.assets.workspace import Workspace

pytestmark = [pytest.mark.long, pytest.mark.early, pytest.mark.usefixtures("all_few")]

BOOK = """\
name: Acme
coverage_target: 0
team_modes:
  search: {mode: chargeback, starts_on: 2026-10-01}
sources:
  - name: log
    path: "*.jsonl"
    format: mapped
    mapping:
      kind: request
      columns: {started_at: at, model: model, input_tokens: input, output_tokens: output, team: team}
      constants: {provider: acme}
"""
CARD = """\
provider: acme
models:
  small:
    rates:
      - {starts_on: 2026-01-01, input: 1, output: 4, source: x, checked_on: 2026-01-01}
"""
DISPUTES = "id,period,team,amount_usd,opened_on,closed_on,note\nD-1,2026-09,sales,2.50,2026-10-04,,not ours\n"
JOURNAL = "clearing_account: '1450'\naccounts: [{line: 'Model usage', account: '6110'}]\nexport: [netsuite]\n"


@pytest.fixture(scope="module")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    book = tmp_path_factory.mktemp("finance") / "book"
    (book / "inbox").mkdir(parents=True)
    (book / "rate_cards").mkdir()
    (book / "meterbook.yaml").write_text(BOOK)
    (book / "rate_cards" / "acme.yaml").write_text(CARD)
    (book / "disputes.csv").write_text(DISPUTES)
    record = {"model": "small", "input": 1_000_003, "output": 101}
    lines = [
        {"at": f"{day}T12:00:00Z", "team": team, **record}
        for day in ("2026-09-30", "2026-10-01", "2026-10-02")
        for team in ("search", "sales")
    ]
    (book / "inbox" / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.MonkeyPatch.context() as monkeypatch:
        make_small(monkeypatch)
        code, said = run(book)
    assert code == 0, said
    return book


@pytest.fixture
def book(_made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    make_small(monkeypatch)
    return shutil.copytree(_made, tmp_path / "book")


def _month(said: Said, book: Path) -> list[str]:
    return [Path(line).relative_to(book / "chargeback" / "2026-10").as_posix() for line in said.out.splitlines()]


def _files(book: Path) -> dict[str, str]:
    return {
        str(path.relative_to(book)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (book / "chargeback").rglob("*")
        if path.is_file()
    }


def test_a_month_prints_what_it_wrote_and_says_which_file_is_not_made(book: Path) -> None:
    said = typed(book, "chargeback", "2026-10")
    assert said.code == 0
    own = [f"statements/{team}.{kind}" for team in ("sales", "search") for kind in ("csv", "html")]
    assert _month(said, book) == ["chargeback.csv", "chargeback_tenant.csv", "chargeback.xlsx", *own, "manifest.json"]
    assert said.err == "no journal.csv: the book has no journal.yaml\n"


def test_settings_of_a_journal_make_the_month_stale_and_the_journal_is_what_is_charged(book: Path) -> None:
    (book / "journal.yaml").write_text(JOURNAL)
    stale = {item.key for item in Publisher(Workspace(book)).stale() if item.kind == "chargeback"}
    assert stale == {"chargeback/2026-09", "chargeback/2026-10"}
    names = _month(typed(book, "chargeback", "2026-10"), book)
    assert names[3:5] == ["journal.csv", "journal.netsuite.csv"]
    rows = (book / "chargeback" / "2026-10" / "journal.csv").read_text().splitlines()
    assert [row.split(",")[4] for row in rows[1:]] == ["6110", "1450"]
    # In September the team was in showback still.
    september = typed(book, "chargeback", "2026-09")
    assert september.err == "no journal.csv: no team is charged in this month\n"


def test_a_line_without_an_account_stops_its_month_and_leaves_the_set_that_was_there(book: Path) -> None:
    before = _files(book)
    (book / "journal.yaml").write_text("clearing_account: '1450'\n")
    said = typed(book, "chargeback", "2026-10")
    assert said.code == 1
    assert said.err.startswith("not published chargeback/2026-10: 2026-10: line 'Model usage' of team 'search'")
    assert _files(book) == before
    code, told = run(book, by_dagster=True)
    assert code == 1
    assert "line 'Model usage' of team 'search'" in told
    # The month that can be published is.
    assert {name for name, digest in _files(book).items() if before[name] != digest} >= {"chargeback/2026-09/manifest.json"}


def test_a_changed_month_makes_the_next_one_stale_for_it_stands_beside(book: Path) -> None:
    publisher = Publisher(Workspace(book))
    october = publisher._fingerprint(Publication("chargeback", "2026-10"))
    (book / "meterbook.yaml").write_text(BOOK.replace("2026-10-01", "2026-09-01"))
    run(book)
    assert Publisher(Workspace(book))._fingerprint(Publication("chargeback", "2026-10")) != october


def test_readiness_says_of_each_team_what_keeps_it(book: Path) -> None:
    said = typed(book, "readiness", "--format", "json")
    assert said.code == 0
    sales, search = json.loads(said.out)
    assert (sales["team"], sales["mode"], sales["months"], sales["coverage"]) == ("sales", "showback", 2, "1")
    assert sales["verdict"] == "not yet: what is unexplained is not known: no bill of acme; 1 open dispute over $2.50 (D-1)"
    assert (search["mode"], search["months"]) == ("chargeback", 1)


def test_readiness_prints_a_table_and_the_disputes(book: Path) -> None:
    said = typed(book, "readiness", "--period", "2026-10", "--team", "sales")
    assert "sales" in said.out
    assert "search" not in said.out
    assert "not known" in said.out
    assert "dispute D-1: sales, 2026-09, $2.50: not ours" in said.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--period", "2031-01"), "there is nothing of any team in 2031-01"),
        (("--team", "nobody"), "there is nothing of nobody in any month"),
        (("--period", "October"), "'October' is not a month"),
    ],
)
def test_what_cannot_be_answered_is_one_line(words: tuple[str, ...], said: str, book: Path) -> None:
    found = typed(book, "readiness", *words)
    assert (found.code, found.err.count("\n")) == (2, 1)
    assert said in found.err
