"""The sample company: who works there, what they build on which models, and the book that says so."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from meterbook.pipelines.demo_fleet import COMMITMENTS, SETTINGS, SOURCES

FIRST, LAST = date(2026, 8, 1), date(2026, 10, 31)
SEED = 20260801
TENANTS = ("acme", "birch", "cobalt", "dune", "ember", "fjord", "grove", "harbor", "iris", "juniper", "kelp", "lumen")


@dataclass(frozen=True)
class Price:
    """What one model costs: whole pico-dollars per token, so 1_250_000 is 1.25 USD per million tokens."""

    provider: str
    release: str
    """The dated name by which the provider's own exports call it."""
    input: int
    cache_read: int
    cache_write: int
    output: int

    @property
    def meters(self) -> tuple[int, int, int, int]:
        """Uncached input, cache read, cache write, output."""
        return self.input, self.cache_read, self.cache_write, self.output


PRICES = {
    "gpt-5": Price("openai", "gpt-5-2025-08-07", 1_250_000, 125_000, 0, 10_000_000),
    "gpt-5-mini": Price("openai", "gpt-5-mini-2025-08-07", 250_000, 25_000, 0, 2_000_000),
    "gpt-4.1": Price("openai", "gpt-4.1-2025-04-14", 2_000_000, 500_000, 0, 8_000_000),
    "claude-sonnet-4-5": Price("anthropic", "claude-sonnet-4-5-20250929", 3_000_000, 300_000, 3_750_000, 15_000_000),
    "claude-haiku-4-5": Price("anthropic", "claude-haiku-4-5-20251001", 1_000_000, 100_000, 1_250_000, 5_000_000),
    "claude-opus-4-1": Price("anthropic", "claude-opus-4-1-20250805", 15_000_000, 1_500_000, 18_750_000, 75_000_000),
    "gemini-2.5-pro": Price("google", "gemini-2.5-pro", 1_250_000, 125_000, 0, 10_000_000),
    "gemini-2.5-flash": Price("google", "gemini-2.5-flash", 300_000, 30_000, 0, 2_500_000),
}
REPRICED, REPRICED_ON, GATEWAY_KNEW_ON = "gpt-5", date(2026, 10, 12), date(2026, 10, 14)
"""The model whose price rose, the day it did, and the day from which the gateway's own price table had it."""
REPRICED_PRICE = Price("openai", "gpt-5-2025-08-07", 1_750_000, 175_000, 0, 14_000_000)
TIER_PRICES = {
    ("gpt-5", "batch"): Price("openai", "gpt-5-2025-08-07", 625_000, 62_500, 0, 5_000_000),
    ("gpt-5", "priority"): Price("openai", "gpt-5-2025-08-07", 3_500_000, 350_000, 0, 28_000_000),
}
"""What other tiers than standard cost, where the company uses or is billed them."""
EURO_USD = Decimal("1.08")
"""What the book says a euro is worth in October."""
SERVED_MODEL, SERVED_FEATURE = "llama-3.3-70b-instruct", "call-summaries"
"""The model that the company serves itself, and the feature that calls it."""
SERVED = {SERVED_MODEL: Price("hosted_vllm", SERVED_MODEL, 0, 0, 0, 0)}
HASH_KEY = "invented-for-the-sample-company"
"""Key of the hashes that tell repeated prompts apart; a book of one's own has a secret here."""
UNPRICED_MODEL, UNPRICED_FROM = "acme-tuned-llm", date(2026, 10, 5)


@dataclass(frozen=True)
class Feature:
    """One feature: whose it is, how much it is used, with which models and tokens."""

    name: str
    team: str
    cost_centre: str
    project: str
    daily: int
    weekend: float
    models: tuple[tuple[str, float], ...]
    input_tokens: int
    output_tokens: int
    cached: float
    unit: str
    label: str
    outcomes: float
    quality: float
    escalated: float
    target_usd: str


FEATURES = (
    Feature(
        name="support-assistant", team="support", cost_centre="CC-1100", project="proj_support", daily=900, weekend=0.6,
        models=(("gpt-5", 0.5), ("claude-haiku-4-5", 0.5)),
        input_tokens=26_000, output_tokens=900, cached=0.55,
        unit="ticket_resolved", label="resolved ticket", outcomes=0.45, quality=0.91, escalated=0.12, target_usd="0.09",
    ),
    Feature(
        name="ticket-triage", team="support", cost_centre="CC-1100", project="proj_support", daily=620, weekend=0.6,
        models=(("gemini-2.5-flash", 1.0),),
        input_tokens=6000, output_tokens=160, cached=0.3,
        unit="ticket_routed", label="routed ticket", outcomes=0.97, quality=0.95, escalated=0.03, target_usd="0.003",
    ),
    Feature(
        name="invoice-extraction", team="documents", cost_centre="CC-1200", project="proj_documents", daily=520, weekend=0.25,
        models=(("gpt-4.1", 0.55), ("gemini-2.5-pro", 0.45)),
        input_tokens=26_000, output_tokens=1800, cached=0.2,
        unit="document_processed", label="processed document", outcomes=0.93, quality=0.97, escalated=0.04, target_usd="0.09",
    ),
    Feature(
        name="contract-review", team="documents", cost_centre="CC-1210", project="proj_documents", daily=330, weekend=0.15,
        models=(("gpt-5", 1.0),),
        input_tokens=120_000, output_tokens=9000, cached=0.25,
        unit="contract_reviewed", label="reviewed contract", outcomes=0.8, quality=0.93, escalated=0.08, target_usd="0.40",
    ),
    Feature(
        name="coding-agent", team="engineering", cost_centre="CC-1300", project="wrkspc_coding", daily=560, weekend=0.2,
        models=(("claude-sonnet-4-5", 0.85), ("claude-opus-4-1", 0.15)),
        input_tokens=105_000, output_tokens=3000, cached=0.8,
        unit="coding_session", label="coding session", outcomes=0.12, quality=0.82, escalated=0.2, target_usd="4.20",
    ),
    Feature(
        name="lead-summaries", team="sales", cost_centre="CC-1400", project="proj_sales", daily=260, weekend=0.1,
        models=(("gpt-5-mini", 1.0),),
        input_tokens=20_000, output_tokens=900, cached=0.1,
        unit="lead_summarised", label="summarised lead", outcomes=0.95, quality=0.9, escalated=0.02, target_usd="0.015",
    ),
    Feature(
        name="email-drafts", team="sales", cost_centre="CC-1410", project="wrkspc_sales", daily=300, weekend=0.2,
        models=(("claude-sonnet-4-5", 1.0),),
        input_tokens=24_000, output_tokens=2000, cached=0.2,
        unit="email_sent", label="sent e-mail", outcomes=0.6, quality=0.88, escalated=0.05, target_usd="0.36",
    ),
    Feature(
        name="literature-search", team="research", cost_centre="CC-1500", project="proj_research", daily=150, weekend=0.4,
        models=(("gemini-2.5-pro", 0.6), ("gpt-5", 0.4)),
        input_tokens=90_000, output_tokens=6000, cached=0.15,
        unit="report_written", label="written report", outcomes=0.3, quality=0.9, escalated=0.1, target_usd="1.00",
    ),
    Feature(
        name=SERVED_FEATURE, team="support", cost_centre="CC-1120", project="proj_calls", daily=190, weekend=0.3,
        models=((SERVED_MODEL, 1.0),),
        input_tokens=110_000, output_tokens=1200, cached=0.05,
        unit="call_summarised", label="summarised call", outcomes=0.95, quality=0.9, escalated=0.03, target_usd="1.50",
    ),
)  # fmt: skip
POOLS = {"training": ("gpu/h100-sxm", "research", "NVIDIA H100 80GB HBM3"), "inference": ("gpu/l40s", "support", "NVIDIA L40S")}
HEADCOUNT = {"support": 24, "documents": 9, "engineering": 31, "sales": 17, "research": 8}
UNOWNED_KEY = "legacy-script"
REORG, REORG_ON, REORG_CENTRE = "lead-summaries", date(2026, 10, 16), "CC-1420"
"""The feature that moved to another cost centre in the middle of a month, and the day it did."""


def days(count: int | None = None) -> list[date]:
    """The days of the sample, or its last `count` of them."""
    every = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]
    return every if count is None else every[-count:]


def price_on(model: str, day: date, tier: str = "standard") -> Price | None:
    """What a model costs on a day in a tier; nothing for the one it serves itself, None for the one nobody has a price of."""
    if tier != "standard":
        return TIER_PRICES[model, tier]
    return REPRICED_PRICE if model == REPRICED and day >= REPRICED_ON else PRICES.get(model, SERVED.get(model))


def write_book(folder: Path, first: date) -> None:
    """Write every file of the book but the inbox."""
    (folder / "rate_cards").mkdir(parents=True, exist_ok=True)
    (folder / "inbox").mkdir(exist_ok=True)
    for name, text in _files(first).items():
        (folder / name).write_text(text, "utf-8")


def _files(first: date) -> dict[str, str]:
    pools = "".join(f"  {name}: {{rate: {rate}, owner: {owner}}}\n" for name, (rate, owner, _) in POOLS.items())
    return {
        "meterbook.yaml": (
            "# The sample company's book. Everything in it is invented.\n"
            f"name: Northwind Assist\ncurrency: USD\ntime_zone: UTC\nmode: chargeback\nstarts_on: {first}\nends_on: {LAST}\n"
            f"team_modes:\n  sales: {{mode: showback, starts_on: {FIRST}}}\n"
            f"  research:\n    - {{mode: showback, starts_on: {FIRST}}}\n    - {{mode: chargeback, starts_on: {LAST.replace(day=1)}}}\n"
            f"coverage_target: 0.98\nprompt_hash_key: {HASH_KEY}\n"
            f"sources:\n  - {{name: gateway, path: 'gateway/*', format: litellm_spendlogs}}\n"
            f"{SOURCES}gpu_pools:\n{pools}{SETTINGS}"
        ),
        "owners.csv": _owners(),
        "allocation.yaml": (
            "# What teams share, in the order in which it is shared out, and by what key it is split over the teams with an owner.\n"
            "pools:\n"
            "  - {pool: platform staff, monthly_usd: 1800.00, key: {weights: headcount}, passes: {gateway platform: 0.25}}\n"
            "  - {pool: gateway platform, monthly_usd: 4200.00, key: cost}\n"
            "  - {pool: observability, monthly_usd: 1300.00, key: requests, cap_share: 0.4}\n"
            "  - {pool: on-call, monthly_usd: 2000.00, key: fixed,\n"
            "     shares: {support: 3, documents: 2, engineering: 2, sales: 1, research: 1}}\n"
            "  - {pool: openai taxes, lines: [Tax], basis: bill of openai, key: cost, scope: {provider: openai}}\n"
            "  - {pool: openai credits, lines: [Credit], basis: bill of openai, corrects: openai taxes}\n"
        ),
        "weights.csv": _weights(),
        "commitments.yaml": COMMITMENTS,
        "journal.yaml": (
            "# Where the ledger has what teams are charged, and in which forms the journal is exported.\n"
            "clearing_account: '1450'\n"
            "accounts:\n"
            "  - {line: 'GPU *', account: '6120'}\n"
            "  - {line: 'Shared: *', account: '6130'}\n"
            "  - {line: '*', account: '6110'}\n"
            "entity: Northwind US\n"
            "export: [netsuite, quickbooks]\n"
        ),
        "ratecard.yaml": (
            "# How `meterbook ratecard publish 2026-10` makes an internal card of what September cost.\n"
            "classes:\n"
            "  - {class: premium, models: ['claude-opus*']}\n"
            "  - {class: standard, models: ['gpt-5', 'gpt-4.1', 'claude-sonnet*', 'gemini-2.5-pro']}\n"
            "  - {class: small, models: ['*']}\n"
            "rates:\n"
            "  - {gpu_pool: training, usd_per_hour: 1.45}\n"
        ),
        "disputes.csv": (
            "id,period,team,amount_usd,opened_on,closed_on,note\n"
            "D-1,2026-09,sales,120.00,2026-10-06,2026-10-14,settled: the e-mails of a trade fair were its own\n"
            "D-2,2026-10,sales,85.50,2026-11-04,,two days of retries were caused by the gateway\n"
        ),
        "budgets.yaml": (
            "budgets:\n"
            "  - {budget: everything, period: month, amount_usd: 37500, levels: [50, 80, 90, 100]}\n"
            "  - {budget: support, period: month, amount_usd: 9000, team: support}\n"
            "  - {budget: documents, period: month, amount_usd: 7500, team: documents}\n"
            "  - {budget: contract-review, period: month, amount_usd: 1900, feature: contract-review}\n"
            "  - {budget: engineering, period: month, amount_usd: 6000, team: engineering}\n"
            "  - {budget: sales, period: month, amount_usd: 2700, team: sales}\n"
            "  - {budget: research, period: month, amount_usd: 11500, team: research}\n"
            "  - {budget: staging, period: week, amount_usd: 150, environment: staging}\n"
            "  - {budget: premium-models, period: month, amount_usd: 2500, model_class: premium, team: engineering,\n"
            "     at_limit: {do: fall back, model: claude-sonnet-4-5}}\n"
            "  - {budget: contract-review-tokens, period: month, measure: tokens, amount: 1500000000, team: documents,\n"
            "     feature: contract-review, forecast_levels: [80, 100],\n"
            "     at_limit: {do: fall back, model: gpt-5-mini, max_output_tokens: 800, max_input_tokens: 60000}}\n"
            "  - {budget: sales-calls, period: day, measure: requests, amount: 1050, team: sales, environment: prod, levels: [80, 100]}\n"
            "  - {budget: training-hours, period: month, measure: gpu_hours, amount: 3300, team: research}\n"
            "model_classes:\n"
            "  - {class: premium, models: ['claude-opus*']}\n"
            "  - {class: standard, models: ['gpt-5', 'gpt-4.1', 'claude-sonnet*', 'gemini-2.5-pro']}\n"
            "  - {class: small, models: ['*']}\n"
            "rate_limits:\n"
            "  - {limit: support-assistant, feature: support-assistant, requests_per_minute: 15, tokens_per_minute: 600000}\n"
        ),
        "fx_rates.csv": f"# What a unit of a currency is worth in dollars, from a day on.\ndate,currency,usd\n2026-10-01,EUR,{EURO_USD}\n",
        "rate_cards/negotiated.yaml": _card(),
    }


def _owners() -> str:
    lines = ["starts_on,ends_on,field,pattern,team,cost_centre,feature,tenant,environment,priority"]
    for one in FEATURES:
        held = [("2026-01-01", "", one.cost_centre)]
        if one.name == REORG:
            held = [("2026-01-01", str(REORG_ON), one.cost_centre), (str(REORG_ON), "", REORG_CENTRE)]
        for starts, ends, centre in held:
            for environment in ("prod", "staging"):
                owner = f"{one.team},{centre},{one.name},,{environment}"
                lines.append(f"{starts},{ends},key_alias,{one.name}-{environment},{owner},10")
    return "\n".join(lines) + "\n"


def _weights() -> str:
    lines = ["weights,team,weight,starts_on,ends_on"]
    lines += [f"headcount,{team},{count},," for team, count in HEADCOUNT.items()]
    return "\n".join(lines) + "\n"


def _card() -> str:
    source = "source: demo:invented-for-the-sample-company, checked_on: 2026-10-01"
    old, new = PRICES[REPRICED], REPRICED_PRICE
    tiers = "".join(
        f"      - {{tier: {tier}, starts_on: 2026-01-01, {_meters(price)}, {source}}}\n"
        for (model, tier), price in TIER_PRICES.items()
        if model == REPRICED
    )
    return (
        "# What the company agreed with its provider; it replaces the shipped prices of this model.\n"
        f"provider: openai\nmodels:\n  {REPRICED}:\n    aliases: ['{REPRICED}-20*']\n    rates:\n"
        f"      - {{starts_on: 2026-01-01, ends_on: {REPRICED_ON}, {_meters(old)}, {source}}}\n"
        f"      - {{starts_on: {REPRICED_ON}, {_meters(new)}, {source}}}\n{tiers}"
    )


def _meters(price: Price) -> str:
    return ", ".join(f"{name}: {_per_million(getattr(price, name))}" for name in ("input", "cache_read", "output"))


def _per_million(pico: int) -> str:
    return f"{(Decimal(pico) / 10**6).normalize():f}"
