"""What was planted in the sample company, counted while it is written: what a pipeline over it must find."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from meterbook.pipelines import demo_alarms as alarms
from meterbook.pipelines import demo_bills as bills
from meterbook.pipelines import demo_causes as causes
from meterbook.pipelines import demo_company as company
from meterbook.pipelines import demo_gaps as gaps
from meterbook.pipelines import demo_gateway as gateway
from meterbook.pipelines import demo_google as google
from meterbook.pipelines import demo_gpus as gpus
from meterbook.pipelines import demo_notebooks as notebooks
from meterbook.pipelines import demo_requests as planted
from meterbook.pipelines import demo_slurm as slurm
from meterbook.pipelines.demo_requests import Requests, cost_pico, reported_pico, usd

_NAMES = [feature.name for feature in company.FEATURES]
_PARTS: dict[str, Callable[[Requests, int, date], bool]] = {
    "spike": lambda made, n, _: made.session[n] == planted.SPIKE_SESSION,
    "retry_storm": lambda made, n, day: (
        day == planted.STORM_DAY and made.feature[n] == planted.STORM_FEATURE and made.status[n] == "failure" and not made.unowned[n]
    ),
    "tool_call_loop": lambda made, n, _: made.session[n] == planted.LOOP_SESSION,
    "unowned_keys": lambda made, n, _: bool(made.unowned[n]),
    "unpriced_model": lambda made, n, _: made.model[n] == company.UNPRICED_MODEL,
    "repriced": lambda made, n, day: made.model[n] == company.REPRICED and day >= company.REPRICED_ON and made.tier[n] == "standard",
    "ramp": lambda made, n, _: _NAMES[made.feature[n]] == planted.RAMP_FEATURE and not made.unowned[n],
    "cache_hits": lambda made, n, _: bool(made.cache_hit[n]),
    "failed": lambda made, n, _: made.status[n] == "failure",
}
Sum = Counter[str]


class Tally:
    """Adds up what is written."""

    def __init__(self) -> None:
        self.total: Sum = Counter()
        self.days: dict[str, Sum] = defaultdict(Counter)
        self.providers: dict[str, Sum] = defaultdict(Counter)
        self.parts: dict[str, Sum] = defaultdict(Counter)
        self.extra: Sum = Counter()
        """What each change of October's came to, in pico-dollars, by feature."""
        self.arms: dict[str, Sum] = defaultdict(Counter)
        """Units and successes, by experiment and arm."""
        self.ramp: dict[str, Sum] = defaultdict(Counter)
        self.units: dict[str, Sum] = defaultdict(Counter)
        self.pools: dict[str, Sum] = defaultdict(Counter)
        self.served: Sum = Counter()
        self.slices: Sum = Counter()
        """Seconds of sevenths of a notebook GPU, by team and state."""
        self.jobs: Sum = Counter()
        self.gaps: list[gaps.Gap] = []

    def requests(self, made: Requests, day: date) -> None:
        """Add a day's attempts."""
        costs = cost_pico(made, day)
        self._tokens(made, costs)
        self.days[str(day)].update(_sum(costs, range(len(made))))
        for name, holds in _PARTS.items():
            rows = [n for n in range(len(made)) if holds(made, n, day)]
            self.parts[name].update(_sum(costs, rows))
            if name == "ramp":
                self.ramp[str(day)].update(_sum(costs, rows))
                self.total["ramp_pico"] += causes.ramp_pico(self.ramp[str(day)]["cost_pico"], day) if day >= planted.RAMP_FROM else 0
        for name, rows in causes.rows_of(made, day).items():
            self.parts[name].update(_sum(costs, rows))
        for provider in {price.provider for price in company.PRICES.values()}:
            models = {model for model, price in company.PRICES.items() if price.provider == provider}
            self.providers[provider].update(_sum(costs, [n for n, model in enumerate(made.model) if model in models]))
        self.parts["lag"].update(_sum(costs, gaps.lagging(made, day)))
        self.gaps += gaps.gaps_of_calls(made, day)
        self._served(made)
        self._reprice(made, costs, day)

    def _tokens(self, made: Requests, costs: list[int | None]) -> None:
        self.total.update(
            requests=len(made),
            unpriced_requests=costs.count(None),
            cost_pico=sum(pico or 0 for pico in costs),
            prompt_tokens=int(made.prompt.sum()),
            cache_read_tokens=int(made.read.sum()),
            cache_write_tokens=int(made.written.sum()),
            output_tokens=int(made.output.sum()),
            reasoning_tokens=int(made.reasoning.sum()),
        )

    def _served(self, made: Requests) -> None:
        rows = [n for n, model in enumerate(made.model) if model == company.SERVED_MODEL and made.prompt[n]]
        self.served.update(
            requests=len(rows),
            prompt_tokens=int(made.prompt[rows].sum()),
            cache_read_tokens=int(made.read[rows].sum()),
            output_tokens=int(made.output[rows].sum()),
        )

    def _reprice(self, made: Requests, costs: list[int | None], day: date) -> None:
        if day < company.REPRICED_ON:
            return
        before = cost_pico(made, company.REPRICED_ON - timedelta(days=1))
        self.parts["repriced"]["extra_pico"] += sum(pico or 0 for pico in costs) - sum(pico or 0 for pico in before)
        if day < company.GATEWAY_KNEW_ON:
            self.parts["underreported"]["cost_pico"] += sum(pico or 0 for pico in costs) - sum(reported_pico(made, day))

    def outcomes(self, rows: Iterable[tuple[object, ...]]) -> None:
        """Add outcome rows."""
        for row in rows:
            self.total["outcomes"] += 1
            self.units[str(row[2])].update(units=1, successes=int(row[4] == "true"), escalations=int(row[5] == "true"))
            if row[-1]:
                self.arms[str(row[-1])].update(units=1, successes=int(row[4] == "true"))

    def gpus(self, found: dict[str, Sum]) -> None:
        """Add a day's samples."""
        for pool, counts in found.items():
            self.pools[pool].update(counts)
            self.total["gpu_samples"] += counts["samples"]


def _sum(costs: list[int | None], rows: Iterable[int]) -> dict[str, int]:
    found = [costs[n] for n in rows]
    return {"requests": len(found), "cost_pico": sum(pico or 0 for pico in found)}


def _figures(found: Sum) -> dict[str, Any]:
    return {"requests": found["requests"], "cost_usd": usd(found["cost_pico"])}


def truth_of(tally: Tally, wanted: list[date], usage: gaps.Usage, files: gateway.Files, late_rows: int) -> dict[str, Any]:
    """All of it, as JSON has it; money is text, exact to the pico-dollar."""
    total, found = dict(tally.total), _gaps(tally, wanted)
    cost, ramp = usd(total.pop("cost_pico")), total.pop("ramp_pico", 0)
    return {
        "first_day": str(wanted[0]),
        "last_day": str(wanted[-1]),
        "totals": {
            **total,
            "cost_usd": cost,
            "cache_hits": tally.parts["cache_hits"]["requests"],
            "failed_requests": tally.parts["failed"]["requests"],
            "malformed_lines": sum(one["quarantined"] for one in files.values()),
        },
        "plants": _request_plants(tally)
        | _file_plants(files, late_rows)
        | _bill_plants(tally, wanted)
        | _gpu_plants(wanted)
        | causes.plants_of(tally.parts, tally.extra, tally.arms),
        "causes": causes.causes_of(tally.parts, tally.extra, ramp),
        "alarms": alarms.alarms_of(tally.parts, tally.extra, ramp, wanted),
        "days": {day: _figures(found) for day, found in tally.days.items()},
        "providers": {name: _figures(found) for name, found in sorted(tally.providers.items())},
        "bills": _bills(found, usage),
        "reconciliation": [gap.told for gap in found],
        "units": {unit: dict(found) for unit, found in sorted(tally.units.items())},
        "gpu_samples": {pool: dict(found) for pool, found in tally.pools.items()},
        "gpu_slices": {
            "pool": notebooks.POOL,
            "gpus": notebooks.GPUS,
            "days": sum(1 for day in wanted if day >= notebooks.SINCE),
            "seventh_seconds": dict(sorted(tally.slices.items())),
        },
        "jobs": {"queue": slurm.QUEUE, "target_seconds": slurm.TARGET_SECONDS, **tally.jobs},
        "self_hosted": {"model": company.SERVED_MODEL, "feature": company.SERVED_FEATURE, **tally.served},
        "files": files,
    }


def _request_plants(tally: Tally) -> dict[str, Any]:
    of = {name: _figures(found) for name, found in tally.parts.items()}
    storm = _NAMES[planted.STORM_FEATURE]
    return {
        "spike": {"day": str(planted.SPIKE_DAY), "feature": "contract-review", "tenant": planted.SPIKE_TENANT, **of["spike"]},
        "retry_storm": {"day": str(planted.STORM_DAY), "feature": storm, "counted": "failed attempts", **of["retry_storm"]},
        "tool_call_loop": {
            "day": str(planted.LOOP_DAY),
            "feature": "coding-agent",
            "tenant": planted.LOOP_TENANT,
            "session": planted.LOOP_SESSION,
            **of["tool_call_loop"],
        },
        "price_change": {
            "day": str(company.REPRICED_ON),
            "model": company.REPRICED,
            "factor": str(Decimal(company.REPRICED_PRICE.output) / company.PRICES[company.REPRICED].output),
            **of["repriced"],
            "extra_cost_usd": usd(tally.parts["repriced"]["extra_pico"]),
        },
        "stale_gateway_price": {
            "from": str(company.REPRICED_ON),
            "to": str(company.GATEWAY_KNEW_ON),
            "underreported_usd": usd(tally.parts["underreported"]["cost_pico"]),
        },
        "slow_ramp": {
            "from": str(planted.RAMP_FROM),
            "feature": planted.RAMP_FEATURE,
            "factor": str(planted.RAMP_FACTOR),
            "days": {day: _figures(found) for day, found in tally.ramp.items() if day >= str(planted.RAMP_FROM)},
        },
        "unowned_keys": {"key_alias": company.UNOWNED_KEY, **of["unowned_keys"]},
        "unpriced_model": {
            "model": company.UNPRICED_MODEL,
            "from": str(company.UNPRICED_FROM),
            **of["unpriced_model"],
            "unpriced_requests": tally.total["unpriced_requests"],
        },
    }


def _file_plants(files: gateway.Files, late_rows: int) -> dict[str, Any]:
    name = f"gateway/{gateway.TWICE}.jsonl.gz"
    bad = {name: one["quarantined"] for name, one in files.items() if one["quarantined"]}
    return {
        "late_data": {"day": str(gateway.LATE_DAY), "arrived_in": f"gateway/{gateway.LATE_IN}.jsonl.gz", "rows": late_rows},
        "file_twice": {
            "file": name,
            "copy": f"gateway/{gateway.TWICE}_copy.jsonl.gz",
            "rows": files.get(name, {}).get("rows_in", 0),
        },
        "malformed_lines": bad,
        "malformed_kinds": dict.fromkeys(gateway.MALFORMED, len(bad)),
    }


def _bill_plants(tally: Tally, wanted: list[date]) -> dict[str, Any]:
    shadow = [day for day in wanted if day in gaps.SHADOW_DAYS]
    price = company.PRICES[gaps.SHADOW_MODEL]
    return {
        "shadow_project": {
            "project": gaps.SHADOW_PROJECT,
            "days": [str(day) for day in shadow],
            "requests": gaps.SHADOW_REQUESTS * len(shadow),
            "cost_usd": usd(len(shadow) * (gaps.SHADOW_INPUT * price.input + gaps.SHADOW_OUTPUT * price.output)),
        },
        "provider_counts_late": {
            "day": str(gaps.LAG_DAY),
            "counted_on": str(gaps.LAG_DAY + timedelta(days=1)),
            "provider": gaps.LAG_PROVIDER,
            **_figures(tally.parts["lag"]),
        },
        "credit": {"day": str(bills.CREDIT_DAY), "provider": "openai", "amount_usd": str(bills.CREDIT_USD)},
        "tax": {"day": str(bills.TAX_DAY), "provider": "openai", "amount_usd": str(bills.TAX_USD)},
    }


def _gpu_plants(wanted: list[date]) -> dict[str, Any]:
    silent = gpus.GAP_HOURS[1] - gpus.GAP_HOURS[0] if gpus.GAP_DAY in wanted else 0
    return {
        "idle_pool": {"pool": gpus.IDLE_POOL, "from": str(gpus.IDLE_FROM), "to": str(gpus.IDLE_TO)},
        "silent_host": {"pool": gpus.GAP_POOL, "day": str(gpus.GAP_DAY), "gpu_hours": gpus.GAP_GPUS * silent},
    }


def _gaps(tally: Tally, wanted: list[date]) -> list[gaps.Gap]:
    extras = [(day, amount) for day, amount in ((bills.CREDIT_DAY, bills.CREDIT_USD), (bills.TAX_DAY, bills.TAX_USD)) if day in wanted]
    beside = [gaps.Gap(gaps.BILLED, "credits and taxes", day, "openai", "(none)", "(none)", amount) for day, amount in extras]
    return sorted([*tally.gaps, *beside], key=lambda gap: (gap.comparison, gap.cause, gap.day, gap.key, gap.model))


def _bills(found: list[gaps.Gap], usage: gaps.Usage) -> dict[str, Any]:
    """What each provider billed in all, and by how much that is not what its requests cost on the days it billed."""
    billed = {
        provider: sum((bills.billed_usd(day, provider, sums.get(provider, {})) for day, sums in usage.items()), Decimal(0))
        for provider in bills.BILLED
    }
    billed["google"] = sum((google.billed_on(day, sums.get("google", {})) for day, sums in usage.items()), Decimal(0))
    gap: dict[str, Decimal] = defaultdict(Decimal)
    for one in found:
        gap[one.provider] += one.usd if one.comparison == gaps.BILLED else 0
    return {provider: {"billed_usd": f"{amount:f}", "difference_usd": f"{gap[provider]:f}"} for provider, amount in sorted(billed.items())}
