"""A new book: every file with comments that say what goes where."""

from collections.abc import Iterator
from pathlib import Path

from meterbook.assets.book import BookError

FILES = {
    "meterbook.yaml": """\
# The book of a company. `meterbook check` tells what is wrong with it.
name: My company
currency: USD
time_zone: UTC            # finance time zone, such as Europe/Berlin: its days and months are those of pages and statements
mode: showback            # or chargeback: of every team without an entry below (docs/chargeback.md)
# team_modes:
#   support: {mode: chargeback, starts_on: 2026-10-01}
# readiness: {coverage: 0.95, unexplained: 0.01, open_disputes: 0, months: 2}   # what a team needs before it is charged
# starts_on: 2026-01-01   # first day of the book; the first day of data where left out
coverage_target: 0.98     # least share of tokens, requests and reported dollars with a price; pages of days with less are drafts
owner_target: 0.95        # least share of the cost of calls and GPU hours that should have a team (`meterbook owners coverage`)
# gate: {quarantined_ratio: {warning: 0.01, critical: 0.25}}   # other bounds of what is published (docs/publication-gate.md)

# memory_limit: 2GB       # what a run may take of the machine; else 1GB and 2 threads, less in a small container (docs/operations.md)
# threads: 4


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
#  training: {rate: gpu/h100-sxm, owner: research, commitment: reserved_1y}   # standard (on demand), spot, reserved_1y, reserved_3y
#  inference: {rate: gpu/l4, target_utilization: 0.7, spare: 1, unit: 8, lead_days: 30}   # how it is sized (docs/gpu-advice.md)

# What pages show of you (docs/extending-pages.md): a PNG or SVG of this folder, and a colour that can be read on white:
# brand: {name: My company, logo: logo.svg, accent: "#7a3e9d"}      # logo_dark and accent_dark: on dark ground

# Queues of GPU jobs: their pool, within how many seconds runs should start, what an hour of waiting costs (docs/gpu-queues.md):
queues: []
#  - {queue: "gpu-*", pool: training, target_seconds: 3600, target_percentile: 90, waiting_usd_per_hour: {research: 40, "*": 15}}

# Models that such a pool serves, and the model of an API to hold each against (docs/self-hosting.md); calls cost the pool's GPU hours:
self_hosted: []
#  - {model: "llama-3.3-70b*", pool: inference, api: openai/gpt-5-mini, ops_ratio: 0.15}
""",
    "owners.csv": "starts_on,ends_on,field,pattern,team,cost_centre,gl_account,feature,tenant,environment,priority\n",
    "allocation.yaml": """\
# Costs that teams share, in the order in which they are shared out, and the key of each (docs/allocation.md): cost, tokens, requests,
# gpu_hours, direct_cost, full_cost, even, fixed, `weights: NAME` of weights.csv, or `column:` with any number of a daily table.
pools: []
#  - {pool: platform staff, monthly_usd: 9000.00, key: {weights: headcount}, passes: {gateway: 0.25}}
#  - {pool: gateway, monthly_usd: 4200.00, key: requests, exempt: [platform]}
#  - {pool: guardrails, monthly_usd: 800.00, key: {column: marts.token_use.output_tokens}, scope: {provider: openai}}
#  - {pool: on-call, monthly_usd: 2000.00, key: fixed, shares: {support: 3, research: 1}}
#  - {pool: idle GPUs, lines: ["GPU free idle"], key: gpu_hours, scope: {gpu_pool: training}, cap_share: 0.5}
#  - {pool: openai taxes, lines: [Tax], basis: bill of openai, key: cost, scope: {provider: openai}}
#  - {pool: openai credits, lines: [Credit], basis: bill of openai, corrects: openai taxes}
""",
    "weights.csv": "weights,team,weight,starts_on,ends_on\n",
    "commitments.yaml": """\
# What is paid whatever is used (docs/commitments.md). Append an entry for each order; entries of one name add up. Dates are half open.
provisioned_throughput: []     # Azure PTU, Bedrock provisioned throughput, Vertex GSU: calls served at that tier cost nothing more
#  - name: gpt-5 in Sweden
#    provider: azure.ai.openai
#    models: ["gpt-5*"]                         # as logged; keys and projects may limit it further
#    units: 100
#    tokens_per_minute: 2500                    # weighted tokens of one unit
#    weights: {input: 1, output: 8, cache_read: 0}
#    price: {hourly: 1.00}                      # of a unit; or monthly, term (of all), and upfront on top; currency: EUR
#    starts_on: 2026-01-01
#    owner: platform                            # team that answers for what is not used
reserved_gpu: []
#  - {name: training 2026, pool: training, gpus: 16, price: {monthly: 1100}, starts_on: 2026-01-01, ends_on: 2027-01-01}
owned_gpu: []                  # bought: depreciation by the hour, and space, network and staff by the month (of all)
#  - {name: rack 1, pool: own, gpus: 8, bought_on: 2026-01-15, purchase_usd: 240000, life_months: 48, hosting_monthly_usd: 2200}
gpu_power: []                  # where power is paid apart; watts are for GPUs without an energy counter. Append an entry for a new price
#  - {pool: own, starts_on: 2026-01-15, usd_per_kwh: 0.14, pue: 1.3, watts: 650, idle_watts: 90}
minimum_spend: []              # of a calendar month, for what a provider's models cost
#  - {name: enterprise, provider: openai, monthly: 5000, starts_on: 2026-01-01}
""",
    "journal.yaml": """\
# Accounts of the journal of what teams are charged (docs/chargeback.md); without them there is no journal.
# clearing_account: '1450'
# accounts:                     # of lines whose owner has no gl_account; the first that matches holds
#   - {line: 'Shared: *', account: '6130'}
#   - {line: '*', account: '6110'}
# export: [netsuite, quickbooks]
""",
    "ratecard.yaml": """\
# Internal prices by class of models and GPU pool (docs/chargeback.md): `meterbook ratecard publish 2026-11` makes the card of a month.
classes: []
#  - {class: premium, models: ["claude-opus*", "o3*"]}     # as logged; the first class that matches holds
#  - {class: standard, models: ["*"]}
# margin_percent: 0             # on prices that are not stated: those are what use cost in the month a card is made from
# rates:
#  - {class: premium, meter: output, usd_per_million: 80}
#  - {gpu_pool: training, usd_per_hour: 2.90}
# difference_to: platform       # team that bears the difference to provider cost; nobody where left out
""",
    "disputes.csv": "id,period,team,amount_usd,opened_on,closed_on,note\n",
    "events.csv": """\
name,starts_on,ends_on,kind,team,tenant,feature,model,note
# Launches, holidays and migrations, told beside what stands out (docs/anomalies.md); kind is launch, holiday, migration or other.
# ends_on is the first day after; empty is the next day. A scope that is empty is any.
# New year,2027-01-01,,holiday,,,,,
""",
    "units.yaml": """\
# Units of business value: what counts them, whose cost they carry, what they should cost (docs/units.md).
units: []
#  - {unit: ticket_resolved, label: resolved ticket, feature: support-assistant, target_usd: 0.05}   # rows of outcome files of that name
#  - {unit: answer, label: answer, source: request, scope: {feature: "chat*", environment: prod}, success: not_escalated, improve: 0.2}
""",
    "budgets.yaml": """\
# Budgets and quotas by scope (team, tenant, feature, environment, model, model_class, any of them together; none is everything) and period
# (day, week, month, quarter); what of them is told when (docs/budgets.md).
budgets: []
#  - {budget: everything, period: month, amount_usd: 40000, levels: [50, 80, 100]}
#  - {budget: chat tokens, team: support, feature: chat, measure: tokens, amount: 500000000, forecast_levels: [80, 100],
#     at_limit: {do: fall back, model: gpt-5-mini, max_output_tokens: 800}}
#model_classes:                       # of several that fit a model the first holds
#  - {class: premium, models: ["claude-opus*", "o3*"]}
#rate_limits:
#  - {limit: chat, feature: chat, requests_per_minute: 600, tokens_per_minute: 2000000}
""",
    "notify.yaml": """\
# Who is told of what, and where (docs/notify.md). A channel's address is a secret: it stays in an environment variable, named here.
channels: {}
#channels:
#  finops-mail: {url_env: METERBOOK_FINOPS_MAIL}      # holds mailtos://..., of what runs meterbook
#  support-chat: {url_env: METERBOOK_SUPPORT_CHAT}
#routes:
#  support: [support-chat]            # team -> channels
#default: [finops-mail]               # of owners without a route
#base_url: https://meterbook.example.com/reports      # where the folder reports/ is served, for links
#send:
#  anomalies: {min_usd: 50}
#  budgets: [actual, forecast]
#  quotas: true
#  digest: {every: week, weekday: monday}
""",
    "contracts.yaml": """\
# What your contracts make of list prices, in this order: discounts and agreed prices, then margins and fees. Dates are half open.
layers: []
#  - {name: enterprise agreement, kind: discount, percent: 12, provider: openai, starts_on: 2026-07-01}
#  - {name: agreed price, kind: price, provider: anthropic, models: [claude-sonnet-4-5], prices: {input: 2.4, output: 12}}
#  - {name: reseller's fee, kind: margin, percent: 5, provider: aws.bedrock}
""",
    "policies.yaml": """\
# Which failed calls you are billed for. Yours are asked before the shipped ones; the first entry that matches holds. Dates are half open.
policies: []
#  - {provider: openai, errors: ['408', '*timeout*'], verdict: not billed, starts_on: 2026-07-01, source: contract, checked_on: 2026-07-01}
""",
    "fx_rates.csv": """\
date,currency,usd
# Where a bill is not in USD: dollars for one unit of its currency, from that day until the next entry of the currency.
# Append entries; a bill keeps the rate of its day. Amounts of a day without a rate are left out of every sum, and are named.
# 2026-01-01,EUR,1.1743
""",
    "sections/_tenants.sql": """\
-- A section of your own (docs/extending-pages.md): what it asks; _tenants.yaml says where and how it is shown.
-- Take the _ off both names to switch it on, then: meterbook check
select tenant, sum(cost_usd) as cost_usd
from marts.cost
where day >= getvariable('from_day') and day < getvariable('to_day')     -- the days of the page
group by tenant
order by cost_usd desc, tenant
limit 10
""",
    "sections/_tenants.yaml": """\
title: Tenants
question: Which tenants cost most?
pages: [weekly]
after: teams                  # section it follows; before the last one where left out
chart: {kind: bar, x: tenant, y: cost_usd}       # or line (series: COLUMN parts lines), or table
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
