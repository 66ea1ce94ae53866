"""A small book that several rooms test with: a few requests on days of two months, priced by a card of its own."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from small import freeze, make_small
from xdist.scheduler import LoadFileScheduling

from meterbook.assets.rerating import needed
from meterbook.assets.workspace import Workspace

BOOK = """\
name: Acme
sources:
  - name: log
    path: "20*.jsonl"
    format: mapped
    mapping:
      kind: request
      columns: {started_at: at, model: model, input_tokens: input, output_tokens: output, team: team, reported_cost_usd: said}
      constants: {provider: acme}
"""
CARD = """\
provider: acme
models:
  small:
    rates:
      - {starts_on: 2026-01-01, input: 1, output: 4, source: x, checked_on: 2026-01-01}
  large:
    rates:
      - {starts_on: 2026-01-01, input: 10, output: 40, source: x, checked_on: 2026-01-01}
"""
DAYS = ("2026-09-29", "2026-09-30", "2026-10-01", "2026-10-02")


class SmallBook:
    """A book in a folder, and the few things tests do to it."""

    card = CARD
    """What its models cost at first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if folder.is_dir():
            return
        (folder / "inbox").mkdir(parents=True)
        (folder / "rate_cards").mkdir()
        (folder / "meterbook.yaml").write_text(BOOK, "utf-8")
        self.price(CARD)

    def price(self, card: str, name: str = "acme") -> None:
        """Write a card."""
        (self.folder / "rate_cards" / f"{name}.yaml").write_text(card, "utf-8")

    def log(self, *days: str, model: str = "small", **more: object) -> None:
        """Let a request of 1,000,003 input and 101 output tokens happen at noon of each day."""
        for day in days:
            self.take(
                f"{day}.jsonl", {"at": f"{day}T12:00:00Z", "model": model, "input": 1_000_003, "output": 101, "team": "search", **more}
            )

    def take(self, name: str, record: dict[str, object]) -> None:
        """Append a record to a file of the inbox."""
        with (self.folder / "inbox" / name).open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(record) + "\n")

    def close(self, month: str, more: str = "") -> None:
        """Close the months up to one, as if nothing had cost anything in them."""
        (self.folder / "meterbook.yaml").write_text(f"{BOOK}{more}", "utf-8")
        freeze(self.folder, month)

    def run(self) -> Workspace:
        """Take in the inbox and compute what days cost, as a run does."""
        workspace = Workspace(self.folder)
        assert not workspace.ingest().refused
        for name in needed(workspace.project):
            workspace.build(workspace.project.models[name])
        return workspace

    def costs(self) -> dict[str, str]:
        """Cost of each day as published, exact."""
        with Workspace(self.folder).catalog.connect() as con:
            rows = con.execute("select day, coalesce(sum(cost_usd), 0) from core.model_spend group by 1 order by 1").fetchall()
        return {str(day): f"{cost:f}" for day, cost in rows}

    def bytes(self, schema: str = "core") -> dict[str, bytes]:
        """What lies in the lake of a schema."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes() for path in sorted((self.folder / "lake" / schema).rglob("*.parquet"))
        }


@pytest.fixture
def small_book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallBook:
    """A book with one request a day from 2026-09-29 to 2026-10-02, and no cards but its own."""
    make_small(monkeypatch)
    book = SmallBook(tmp_path / "book")
    book.log(*DAYS)
    return book


@pytest.fixture(scope="session")
def _priced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("priced") / "book"
    with pytest.MonkeyPatch.context() as monkeypatch:
        make_small(monkeypatch)
        book = SmallBook(folder)
        book.log(*DAYS)
        book.run()
    return folder


@pytest.fixture
def priced_book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _priced: Path) -> SmallBook:
    """The same book after a run."""
    make_small(monkeypatch)
    shutil.copytree(_priced, tmp_path / "book")
    return SmallBook(tmp_path / "book")


@pytest.fixture(scope="module")
def all_small() -> Iterator[None]:
    """Every book of a module is small, those of its other fixtures too."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        make_small(monkeypatch)
        yield


COMPANY = ("test_demo_run.py", "test_reconciled_demo.py")
"""Files that need the sample company after its run, which takes a minute: one process has them all, or others would wait for it."""


class _ByFile(LoadFileScheduling):
    """Files go to processes whole."""

    def _split_scope(self, nodeid: str) -> str:
        scope = super()._split_scope(nodeid)
        return "company" if scope.endswith(COMPANY) else scope


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    return _ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long begins first, so that no process is left with it at the end."""
    items.sort(key=lambda item: 0 if item.path.name in COMPANY else 1 if item.get_closest_marker("early") else 2)
