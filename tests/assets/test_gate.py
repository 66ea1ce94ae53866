"""The gate: a period of which too little has a price is not published; what passed is, and what was published before stays."""

import io
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import pytest
from rich.console import Console

from meterbook.assets.gate import HeldBackError
from meterbook.assets.publishing import WEEKLY, Publication, Publisher
from meterbook.assets.workspace import Workspace
from meterbook.pipelines.runner import run_book
from meterbook.pipelines.scaffold import scaffold

METERBOOK = str(Path(sys.executable).parent / "meterbook")
AUGUST, SEPTEMBER = date(2026, 8, 26), date(2026, 9, 9)
CARD = """
provider: acme
models:
  x:
    rates:
    - {starts_on: 2020-01-01, input: 1, output: 2, source: told, checked_on: 2026-11-01}
"""


def _run(book: Path) -> tuple[int, str]:
    said = io.StringIO()
    code = run_book(book, Console(file=said, highlight=False, width=80))
    return code, said.getvalue()


def _call(name: str, day: date, tokens: int, **more: object) -> str:
    shape = {"request_id": name, "startTime": f"{day}T08:00:00Z", "model": "gpt-5", "custom_llm_provider": "openai", "spend": 0.001}
    return json.dumps({**shape, "prompt_tokens": tokens, "completion_tokens": 10, **more})


def _write(path: Path, lines: Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", "utf-8")


def _known(book: Path) -> None:
    _write(book / "inbox/gateway.jsonl", [_call(f"{day}-{n}", day, 90) for day in (AUGUST, SEPTEMBER) for n in range(20)])


def _unknown(book: Path) -> None:
    """Two calls of 22 in September, and 200 of its 2,200 tokens, of a model nobody has a card for."""
    _write(book / "inbox/more.jsonl", [_call(f"x{n}", SEPTEMBER, 90, model="x", custom_llm_provider="acme", spend=0) for n in range(2)])


def _published(book: Path) -> Mapping[str, bytes]:
    found = [path for folder in ("reports/weekly", "chargeback") for path in (book / folder).rglob("*") if path.is_file()]
    return {str(path.relative_to(book)): path.read_bytes() for path in found}


@pytest.fixture
def book(tmp_path: Path) -> Path:
    list(scaffold(tmp_path / "book"))
    return tmp_path / "book"


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, str]:
    """A book of which September lacks prices, as a run left it."""
    book = tmp_path_factory.mktemp("short") / "book"
    list(scaffold(book))
    _known(book)
    _unknown(book)
    return book, *_run(book)


def test_a_period_short_of_prices_is_not_published_and_the_others_are(short: tuple[Path, int, str]) -> None:
    book, code, _ = short
    names = set(_published(book))
    assert code == 1
    assert {"reports/weekly/2026-W35.html", "chargeback/2026-08/chargeback.csv"} <= names
    assert not any("2026-09" in name or "2026-W37" in name for name in names)
    assert (book / "reports/quality/index.html").is_file()


def test_the_run_says_which_period_which_figure_and_what_to_do(short: tuple[Path, int, str]) -> None:
    lines = short[2].splitlines()
    for period in ("chargeback/2026-09", "weekly/2026-W37"):
        where = lines.index(f"not published {period}: 90.90 % of tokens have a price, less than coverage_target 98.00 % of meterbook.yaml")
        assert lines[where + 1] == (
            "  no model: x of acme, 9.10 % of tokens: a rate card for it in rate_cards/ prices it; "
            "`meterbook prices seed --provider acme` writes those that are known"
        )
    assert "priced 95.23 % of 4,200 tokens, 95.23 % of 42 requests, 100.00 % of $0.04 reported" in lines
    assert any(line.startswith("no price: no model: x of acme, 4.77 % of tokens") for line in lines)


def test_asking_for_the_page_alone_does_not_get_past_the_gate(short: tuple[Path, int, str]) -> None:
    asked = [METERBOOK, "--book", str(short[0]), "report", "weekly", "--period", "2026-W37"]
    done = subprocess.run(asked, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("not published weekly/2026-W37: 90.90 % of tokens have a price")
    assert not (short[0] / "reports/weekly/2026-W37.html").exists()


def test_a_publisher_publishes_what_passes_before_it_says_what_did_not(short: tuple[Path, int, str]) -> None:
    publisher = Publisher(Workspace(short[0]))
    weeks = [Publication(WEEKLY, "2026-W37"), Publication(WEEKLY, "2026-W35")]
    done = []
    with pytest.raises(HeldBackError) as error:
        done += [item for item, _ in publisher.publish(weeks)]
    assert list(error.value.held) == ["weekly/2026-W37"]
    assert publisher.held_back(weeks).keys() == error.value.held.keys()


def test_what_is_held_back_is_said_again_by_every_run_until_a_card_opens_the_gate(short: tuple[Path, int, str], tmp_path: Path) -> None:
    book = shutil.copytree(short[0], tmp_path / "book")
    code, said = _run(book)
    assert code == 1
    assert "not published weekly/2026-W37" in said
    _write(book / "rate_cards/acme.yaml", [CARD])
    code, said = _run(book)
    assert code == 0, said
    assert {"reports/weekly/2026-W37.html", "chargeback/2026-09/chargeback.csv"} <= set(_published(book))


def test_what_was_published_of_a_period_stays_as_it_is_when_calls_without_a_price_come_in(book: Path) -> None:
    _known(book)
    assert _run(book)[0] == 0
    before = _published(book)
    _unknown(book)
    code, said = _run(book)
    assert code == 1
    assert "not published weekly/2026-W37" in said
    assert _published(book) == before


def test_a_target_of_nothing_publishes_everything(short: tuple[Path, int, str], tmp_path: Path) -> None:
    book = shutil.copytree(short[0], tmp_path / "book")
    settings = book / "meterbook.yaml"
    settings.write_text(settings.read_text("utf-8").replace("coverage_target: 0.98", "coverage_target: 0"), "utf-8")
    code, said = _run(book)
    assert code == 0, said
    assert "reports/weekly/2026-W37.html" in _published(book)


def test_a_source_that_knows_its_cost_better_is_not_held_against_its_period(book: Path) -> None:
    columns = "{request_id: id, started_at: at, model: model, reported_cost_usd: usd}"
    source = f"{{name: own, path: own.csv, format: mapped, mapping: {{kind: request, columns: {columns}}}}}"
    settings = book / "meterbook.yaml"
    settings.write_text(settings.read_text("utf-8").replace("sources: []", f"sources: [{source}]"), "utf-8")
    _write(book / "inbox/own.csv", ["id,at,model,usd", f"1,{AUGUST}T10:00:00Z,something of our own,0.25"])
    code, said = _run(book)
    assert code == 0, said
    assert "priced 100.00 % of 1 requests" in said


@pytest.mark.parametrize("target", ["1.01", "-0.1"])
def test_a_target_is_a_share(book: Path, target: str) -> None:
    settings = book / "meterbook.yaml"
    settings.write_text(settings.read_text("utf-8").replace("coverage_target: 0.98", f"coverage_target: {target}"), "utf-8")
    done = subprocess.run([METERBOOK, "--book", str(book), "run"], check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert "meterbook.yaml:" in done.stderr
    assert "coverage_target" in done.stderr


def test_a_wrong_policy_stops_a_run_before_it_begins(book: Path) -> None:
    _write(
        book / "policies.yaml", ["policies:", "- {provider: openai, errors: ['429'], verdict: free, source: told, checked_on: 2026-11-01}"]
    )
    done = subprocess.run([METERBOOK, "--book", str(book), "run"], check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == (f"meterbook: {book}/policies.yaml:2: policies.0.verdict: Input should be 'billed', 'not billed' or 'unknown'\n")
