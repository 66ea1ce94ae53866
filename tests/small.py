"""Books small enough to be computed in a test, and what they are made of."""

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from meterbook.assets.audit import append_audit
from meterbook.assets.publications import INDEX, JUDGED, QUALITY, WEEKLY
from meterbook.assets.publishing import Publisher
from meterbook.assets.workspace import Workspace, project
from meterbook.pipelines.scaffold import scaffold
from meterbook.sql.catalog import Catalog
from meterbook.sql.models import read_inputs

_TEXTS = dict.fromkeys(("line", "basis", "team", "cost_centre", "gl_account", "tenant", "feature"), pl.String)

CARD = """\
provider: {provider}
models:
  {model}:
    rates:
    - {{starts_on: 2020-01-01, input: 1, output: 10, source: told, checked_on: 2026-11-01}}
"""


def make_small(monkeypatch: pytest.MonkeyPatch, first_day: date = date(2026, 1, 1)) -> None:
    """No shipped cards, and a calendar of few years: all of both cost each run a second."""
    monkeypatch.setattr("meterbook.rate_cards.composed.SHIPPED", Path("nothing shipped"))
    monkeypatch.setattr("meterbook.assets.book_tables.FIRST_DAY", first_day)
    monkeypatch.setattr("meterbook.assets.book_tables.LAST_DAY", datetime.now(UTC).date() + timedelta(days=99))


TOLD = (
    *(
        "marts.chargeback",
        "marts.chargeback_tenant",
        "marts.conservation",
        "marts.day_profile",
        "marts.rate_used",
        "marts.spend",
        "marts.statement",
    ),
    *(name for name in JUDGED if name != "marts.alarm_quality"),
)
"""What a run, its statements and the gate cannot do without; pages of it are short ones."""
PAGES = ("chargeback", WEEKLY, QUALITY, INDEX)
"""Kinds of what such a run publishes: the statements, and a page of each way in which pages are made."""
_is_active, _wanted = Catalog.is_active, Publisher.wanted


def make_few(monkeypatch: pytest.MonkeyPatch, *names: str, pages: Collection[str] = PAGES) -> None:
    """Whole runs make `TOLD`, other tables that are named, and what these are made of, as if no other model had rows; and few pages.

    Half of the tables, and half of the pages: a third of the time.
    """
    wanted = {*TOLD, *names}
    for name, model in reversed(project().models.items()):
        if name in wanted:
            wanted.update(project().upstream(model))
    monkeypatch.setattr(Catalog, "is_active", lambda catalog, name: name in wanted and _is_active(catalog, name))
    monkeypatch.setattr(Publisher, "wanted", lambda publisher: [item for item in _wanted(publisher) if item.kind in pages])


def gateway_book(folder: Path) -> Path:
    """A new book with a card for gpt-5, the model of `call`."""
    list(scaffold(folder))
    price(folder, "openai", "gpt-5")
    return folder


def price(book: Path, provider: str, model: str) -> None:
    """A card: a dollar for a million tokens in, ten for a million out."""
    write(book / f"rate_cards/{provider}.yaml", [CARD.format(provider=provider, model=model)])


def freeze(book: Path, month: str) -> None:
    """What a closed month leaves in a book, without lines or files."""
    folder = book / "closed" / month
    folder.mkdir(parents=True)
    lines = pl.DataFrame(schema={"day": pl.Date, "corrects_period": pl.String, "cost_usd": pl.Decimal(38, 12)} | _TEXTS)
    lines.select(*read_inputs()["raw.closed_line"]).write_parquet(folder / "lines.parquet")
    digest = hashlib.sha256((folder / "lines.parquet").read_bytes()).hexdigest()
    nothing: dict[str, str] = {}
    record = {"period": month, "version": 1, "supersedes": None, "meterbook": "0", "prices": [], "cost_usd": "0", "posted_usd": "0"}
    record |= {"days": nothing, "lines": digest, "inputs": nothing, "book": nothing, "files": nothing}
    (folder / "close.json").write_text(json.dumps(record), "utf-8")
    append_audit(
        book / "audit.jsonl", "close", "month closed", {"record": hashlib.sha256((folder / "close.json").read_bytes()).hexdigest()}
    )


def call(name: str, day: date, tokens: object, **more: object) -> str:
    """A line of LiteLLM's spend logs."""
    shape = {"request_id": name, "startTime": f"{day}T08:00:00Z", "model": "gpt-5", "custom_llm_provider": "openai", "spend": 0.001}
    return json.dumps({**shape, "prompt_tokens": tokens, "completion_tokens": 10, **more})


def write(path: Path, lines: Sequence[str]) -> None:
    """Write a file, and its folder where there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", "utf-8")


def limited(workspace: Workspace, *names: str) -> Workspace:
    """A workspace that knows some tables and what they are made of, and no other model; asked before anything is taken in."""
    whole, wanted = workspace.project, set(names)
    for name, model in reversed(list(whole.models.items())):
        if name in wanted:
            wanted.update(whole.upstream(model))
    workspace.project = replace(whole, models={name: model for name, model in whole.models.items() if name in wanted})
    return workspace


def built(workspace: Workspace) -> Workspace:
    """Take in the inbox and compute every table that is known."""
    assert not workspace.ingest().refused
    for model in workspace.project.models.values():
        workspace.build(model)
    return workspace
