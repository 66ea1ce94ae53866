"""The sample company's savings ledger: one idea that is live, one that is committed to, and one that is only an idea."""

from datetime import date, timedelta
from pathlib import Path

from meterbook.assets.savings import FILE
from meterbook.pipelines import demo_plants as plants

IDEA_ON, COMMITTED_ON = plants.TRIED_FROM - timedelta(days=22), plants.TRIED_FROM - timedelta(days=8)
BATCH_IDEA_ON, BATCH_COMMITTED_ON = date(2026, 10, 12), date(2026, 10, 26)
PREFIX_IDEA_ON = date(2026, 10, 20)


def write_savings(folder: Path) -> None:
    """Write the book's savings.yaml."""
    (folder / FILE).write_text(_TEXT, "utf-8")


_TEXT = f"""\
# What is being done about cost: who answers for it, how far it is, and what must not get worse.
savings:
  - name: invoices on a small model
    lever: routing
    owner: documents
    scope: {{feature: {plants.TRIED}}}
    status: live
    idea_on: {IDEA_ON}
    committed_on: {COMMITTED_ON}
    live_since: {plants.TRIED_FROM}
    was: {{model: {plants.REPLACED}}}
    to: {{model: '{plants.CANDIDATE}*'}}
    quality: {{signal: rating, margin: 0.01}}
    note: two fifths of the calls to {plants.REPLACED}, as an experiment
  - name: lead summaries over night
    lever: batch
    owner: sales
    scope: {{feature: {plants.DEFERRABLE}}}
    status: committed
    idea_on: {BATCH_IDEA_ON}
    committed_on: {BATCH_COMMITTED_ON}
    note: they are read in the morning
  - name: instructions of e-mail drafts from the provider's cache
    lever: prompt cache
    owner: sales
    scope: {{feature: {plants.INSTRUCTED}}}
    status: idea
    idea_on: {PREFIX_IDEA_ON}
"""
