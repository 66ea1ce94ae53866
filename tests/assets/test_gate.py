"""The gate: of a period of which too little has a price no finance file is published, and its pages are drafts; what passed is as ever."""

import shutil
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest
from running import run, typed
from small import built, call, gateway_book, limited, price, write

from meterbook.assets.gate import EVIDENCE, HeldBackError
from meterbook.assets.publications import INDEX, QUALITY, QUALITY_PAGE, SAVINGS, TEAM, WEEKLY, Publication
from meterbook.assets.publishing import Publisher
from meterbook.assets.workspace import Workspace
from meterbook.pipelines.words import coverage_lines
from meterbook.reports.coverage import Coverage

pytestmark = [pytest.mark.long, pytest.mark.early, pytest.mark.usefixtures("all_small", "all_few")]
PAGES = ("chargeback", SAVINGS, TEAM, WEEKLY, QUALITY, INDEX)
AUGUST, SEPTEMBER = date(2026, 8, 30), date(2026, 9, 1)


def _known(book: Path) -> None:
    write(book / "inbox/gateway.jsonl", [call(f"{day}-{n}", day, 90) for day in (AUGUST, SEPTEMBER) for n in range(20)])


def _unknown(book: Path, model: str) -> None:
    """Two calls of 22 in September, and 200 of its 2,200 tokens, of a model nobody has a card for."""
    more = {"model": model, "custom_llm_provider": "acme", "spend": 0}
    write(book / f"inbox/{model}.jsonl", [call(f"{model}{n}", SEPTEMBER, 90, **more) for n in range(2)])


def _published(book: Path) -> Mapping[str, bytes]:
    found = [path for folder in ("reports/weekly", "chargeback") for path in (book / folder).rglob("*") if path.is_file()]
    return {str(path.relative_to(book)): path.read_bytes() for path in found}


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return gateway_book(tmp_path / "book")


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, str]:
    """A book of which September lacks prices, as a run left it."""
    book = gateway_book(tmp_path_factory.mktemp("short") / "book")
    _known(book)
    _unknown(book, "x")
    return book, *run(book)


@pytest.fixture(scope="module")
def opened(short: tuple[Path, int, str], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, str]:
    """The same book with the card it lacked, as the next run left it."""
    book = shutil.copytree(short[0], tmp_path_factory.mktemp("opened") / "book")
    price(book, "acme", "x")
    return book, *run(book)


def test_finance_files_of_a_period_short_of_prices_are_not_published_and_the_others_are(short: tuple[Path, int, str]) -> None:
    book, code, _ = short
    names = set(_published(book))
    assert code == 1
    assert {"reports/weekly/2026-W35.html", "chargeback/2026-08/chargeback.csv", "reports/weekly/2026-W36.html"} <= names
    assert not any("2026-09" in name for name in names)
    assert (book / "reports/quality/index.html").is_file()


def test_the_run_says_which_period_which_figure_and_what_to_do(short: tuple[Path, int, str]) -> None:
    lines = short[2].splitlines()
    short_of = "90.90 % of tokens have a price, less than coverage_target 98.00 % of meterbook.yaml"
    where = lines.index(f"not published chargeback/2026-09: {short_of}")
    todo = (
        "no model: x of acme, 9.10 % of tokens: a rate card for it in rate_cards/ prices it; "
        "`meterbook prices seed --provider acme` writes those that are known"
    )
    assert lines[where + 1] == f"  {todo}"
    assert f"draft weekly/2026-W36: {short_of}. {todo[0].upper()}{todo[1:]}." in lines
    assert "priced 95.23 % of 4,200 tokens, 95.23 % of 42 requests, 100.00 % of $0.04 reported" in lines
    assert any(line.startswith("no price: no model: x of acme, 4.77 % of tokens") for line in lines)


def test_a_page_of_a_period_short_of_prices_says_at_its_top_which_expectation_failed(short: tuple[Path, int, str]) -> None:
    room = short[0] / "reports"
    for page in ("weekly/2026-W36", "savings/2026-09", "team/unowned/2026-W36"):
        html = (room / f"{page}.html").read_text("utf-8")
        top = html[html.index("DRAFT: ") : html.index("<h1>")]
        assert "90.90 % of tokens have a price, less than coverage_target 98.00 % of meterbook.yaml." in top
        assert "No model: x of acme, 9.10 % of tokens" in top
    assert "DRAFT" not in (room / "weekly/2026-W35.html").read_text("utf-8")
    index = (room / "index.html").read_text("utf-8")
    assert "DRAFT, open" in index
    assert 'href="weekly/2026-W36.html"' in index


def test_asking_for_a_draft_says_that_it_is_one(short: tuple[Path, int, str]) -> None:
    done = typed(short[0], "report", "weekly", "--period", "2026-W36")
    assert (done.code, done.out.strip()) == (0, str(short[0] / "reports/weekly/2026-W36.html"))
    assert done.err.startswith("draft weekly/2026-W36: 90.90 % of tokens have a price")


def test_asking_for_the_statements_alone_does_not_get_past_the_gate(short: tuple[Path, int, str]) -> None:
    done = typed(short[0], "chargeback", "2026-09")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("not published chargeback/2026-09: 90.90 % of tokens have a price")
    assert not (short[0] / "chargeback/2026-09").exists()


def test_a_publisher_publishes_what_passes_before_it_says_what_did_not(short: tuple[Path, int, str]) -> None:
    publisher = Publisher(Workspace(short[0]))
    months = [Publication("chargeback", "2026-09"), Publication("chargeback", "2026-08")]
    done: list[str] = []

    def publish() -> None:
        done.extend(item.period for item, _ in publisher.publish(months))

    with pytest.raises(HeldBackError) as error:
        publish()
    assert done == ["2026-08"]
    assert list(error.value.held) == ["chargeback/2026-09"]
    assert publisher.held_back(months).keys() == error.value.held.keys()
    assert publisher.short([Publication(WEEKLY, "2026-W36"), Publication(WEEKLY, "2026-W35")]).keys() == {"weekly/2026-W36"}


def test_what_is_held_back_is_said_again_by_every_run_until_a_card_opens_the_gate(
    short: tuple[Path, int, str], opened: tuple[Path, int, str]
) -> None:
    code, said = run(short[0])
    assert code == 1
    assert "not published chargeback/2026-09" in said
    assert "draft weekly/2026-W36" in said
    book, code, said = opened
    assert code == 0, said
    assert {"reports/weekly/2026-W36.html", "chargeback/2026-09/chargeback.csv"} <= set(_published(book))
    assert "DRAFT" not in (book / "reports/weekly/2026-W36.html").read_text("utf-8")


def test_finance_files_of_a_period_stay_as_they_are_and_its_page_is_a_draft_when_calls_without_a_price_come_in(
    opened: tuple[Path, int, str], tmp_path: Path
) -> None:
    book = shutil.copytree(opened[0], tmp_path / "book")
    before = _published(book)
    assert "reports/weekly/2026-W36.html" in before
    _unknown(book, "y")
    code, said = run(book)
    assert code == 1
    assert "not published chargeback/2026-09" in said
    after = _published(book)
    assert {name for name in before if after[name] != before[name]} == {"reports/weekly/2026-W36.html"}
    assert b"DRAFT" in after["reports/weekly/2026-W36.html"]


def test_the_evidence_is_the_same_bytes_wherever_the_book_lies_and_the_quality_page_shows_it(
    short: tuple[Path, int, str], tmp_path: Path
) -> None:
    book = shutil.copytree(short[0], tmp_path / "elsewhere")
    evidence = book / "lake" / "_state" / EVIDENCE
    before = evidence.read_bytes()
    evidence.unlink()
    assert not Publisher(Workspace(book)).gate.is_known
    list(Publisher(Workspace(book)).publish([QUALITY_PAGE]))
    assert evidence.read_bytes() == before
    html = (book / "reports/quality/index.html").read_text("utf-8")
    section = html.split('<section id="gate">')[1].split("</section>")[0]
    assert "fails 3 of " in section
    assert "2026-09, 2026-Q3, 2026-W36. Bound: coverage_target 98.00 % of meterbook.yaml." in section
    assert "1 critical expectation of the gate fails" in html
    evidence.write_text("{", "utf-8")
    assert not Publisher(Workspace(book)).gate.is_known


def test_publishers_of_a_run_ask_one_gate_until_the_lake_says_something_else(short: tuple[Path, int, str], tmp_path: Path) -> None:
    workspace = Workspace(shutil.copytree(short[0], tmp_path / "book"))
    first = Publisher(workspace).gate
    assert Publisher(workspace).gate is first
    days = workspace.lake.table("marts.day_profile")
    days.drop(list(days.partitions)[:1])
    assert Publisher(workspace).gate is not first


def test_a_target_of_nothing_publishes_everything(short: tuple[Path, int, str], tmp_path: Path) -> None:
    book = shutil.copytree(short[0], tmp_path / "book")
    settings = book / "meterbook.yaml"
    settings.write_text(settings.read_text("utf-8").replace("coverage_target: 0.98", "coverage_target: 0"), "utf-8")
    publisher = Publisher(Workspace(book))
    stale = publisher.stale()
    assert publisher.held_back(stale) == {}
    list(publisher.publish(item for item in stale if item.key in {"weekly/2026-W36", "chargeback/2026-09"}))
    assert {"reports/weekly/2026-W36.html", "chargeback/2026-09/chargeback.csv"} <= set(_published(book))


def test_a_source_that_knows_its_cost_better_is_not_held_against_its_period(book: Path) -> None:
    columns = "{request_id: id, started_at: at, model: model, reported_cost_usd: usd}"
    source = f"{{name: own, path: own.csv, format: mapped, mapping: {{kind: request, columns: {columns}}}}}"
    settings = book / "meterbook.yaml"
    settings.write_text(settings.read_text("utf-8").replace("sources: []", f"sources: [{source}]"), "utf-8")
    write(book / "inbox/own.csv", ["id,at,model,usd", f"1,{AUGUST}T10:00:00Z,something of our own,0.25"])
    workspace = built(limited(Workspace(book), "marts.priced_use", "marts.day_profile"))
    publisher = Publisher(workspace)
    assert {"weekly/2026-W35", "chargeback/2026-08"} <= {item.key for item in publisher.wanted()}
    assert publisher.held_back(publisher.wanted()) == {}
    with workspace.catalog.connect() as con:
        assert coverage_lines(Coverage(con)) == ["priced 100.00 % of 1 requests, 100.00 % of $0.25 reported"]


@pytest.mark.parametrize("target", ["1.01", "-0.1"])
def test_a_target_is_a_share(book: Path, target: str) -> None:
    settings = book / "meterbook.yaml"
    settings.write_text(settings.read_text("utf-8").replace("coverage_target: 0.98", f"coverage_target: {target}"), "utf-8")
    done = typed(book, "run")
    assert done.code == 2
    assert "meterbook.yaml:" in done.err
    assert "coverage_target" in done.err


def test_a_wrong_policy_stops_a_run_before_it_begins(book: Path) -> None:
    write(
        book / "policies.yaml", ["policies:", "- {provider: openai, errors: ['429'], verdict: free, source: told, checked_on: 2026-11-01}"]
    )
    done = typed(book, "run")
    assert done.code == 2
    assert done.err == (f"meterbook: {book}/policies.yaml:2: policies.0.verdict: Input should be 'billed', 'not billed' or 'unknown'\n")
