"""A new book: every file with comments that say what goes where."""

from collections.abc import Iterator
from pathlib import Path

from meterbook.assets.book import BookError

FILES = {
    "meterbook.yaml": """\
# The book of a company. `meterbook check` tells what is wrong with it.
name: My company
currency: USD
time_zone: UTC
mode: showback            # or chargeback
# starts_on: 2026-01-01   # first day of the book; the first day of data where left out
coverage_target: 0.98     # share of requests that should have a price

# Files in inbox/ are recognised by content. Name a source to call it by its own name, to fix its format, or to map its columns:
sources: []
#  - {name: gateway, path: "gateway/*", format: litellm_spendlogs}
#  - name: own-log
#    path: "own/*.jsonl"
#    format: mapped
#    mapping:
#      kind: request                     # request, usage, charge, gpu_sample, outcome
#      where: {event: message_send}      # rows to keep; the others are counted as filtered
#      columns: {started_at: time, model: props.model, input_tokens: props.prompt, output_tokens: props.completion}
#      constants: {provider: openai, team: engineering}
#      time_format: unix_s               # iso, unix_s, unix_ms, offset_s (with epoch), or a strptime pattern
#      tokens: inclusive                 # does input_tokens contain cached tokens?
#      money_unit: usd                   # usd, cents, nanousd

# Which rate prices a pool of GPUs, and who answers for its idle time:
gpu_pools: {}
#  training: {rate: gpu/h100-sxm, owner: research}
""",
    "owners.csv": "starts_on,ends_on,field,pattern,team,cost_centre,feature,tenant,environment,priority\n",
    "allocation.yaml": """\
# Costs that teams share, and the key by which they are split over the teams with an owner: cost, tokens, requests, even, fixed.
pools: []
#  - {pool: gateway, monthly_usd: 4200.00, key: cost}
#  - {pool: on-call, monthly_usd: 2000.00, key: fixed, shares: {support: 3, research: 1}}
""",
    "units.yaml": """\
# Units of business value, as outcome files name them, and the feature that carries their cost.
units: []
#  - {unit: ticket_resolved, label: resolved ticket, feature: support-assistant, target_usd: 0.05}
""",
    "budgets.yaml": """\
# Budgets by scope (team, tenant, feature, environment, model; none is everything) and period (day, week, month, quarter).
budgets: []
#  - {budget: everything, period: month, amount_usd: 40000, levels: [50, 80, 100]}
""",
    "rate_cards/README.md": """\
Your own and negotiated prices: one YAML per provider. A model given here replaces the shipped one wholly.
`meterbook prices seed --provider NAME --folder rate_cards` writes a card to start from.
""",
    "inbox/README.md": "Drop files here: usage and cost exports, gateway logs, GPU samples, outcomes. Plain, gzip or zstd.\n",
}


def scaffold(folder: Path) -> Iterator[Path]:
    """Write a book's files, none over another.

    Raises:
        BookError: there is a book already.
    """
    if (folder / "meterbook.yaml").exists():
        raise BookError(f"{folder} is a book already")
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        yield path
