"""A small book and the few things tests do to it."""

import json
from pathlib import Path

from small import PAGES, freeze

from meterbook.assets.publications import MONTH_REVIEW, QUARTERLY, SAVINGS
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
PUBLISHED = ("marts.closed_month", "marts.cost", "marts.unit_margin")
"""Tables that runs of `published_book` make, beside `TOLD` of tests/small.py."""
ALL_BUT_TEAMS = (*PAGES, SAVINGS, MONTH_REVIEW, QUARTERLY)
"""Kinds of what they publish."""


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
        with Workspace(self.folder).catalog.reading(["core.model_spend"]) as con:
            rows = con.execute("select day, coalesce(sum(cost_usd), 0) from core.model_spend group by 1 order by 1").fetchall()
        return {str(day): f"{cost:f}" for day, cost in rows}

    def bytes(self, schema: str = "core") -> dict[str, bytes]:
        """What lies in the lake of a schema."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes() for path in sorted((self.folder / "lake" / schema).rglob("*.parquet"))
        }
