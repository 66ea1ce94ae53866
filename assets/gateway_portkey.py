"""Portkey: bodies of its API for usage limit and rate limit policies, and a config whose guardrail knows the allowed models.

Fields as in Portkey's OpenAPI 2.0.0 (`POST /policies/usage-limits`, `POST /policies/rate-limits`), its Terraform provider
(periodic_reset_days) and docs/integrations/guardrails/model-rules, read in November 2026. Policies refuse calls; they cannot tell only.
JSON has no comments: what one would say is in `about`, `not_expressed` and `to_know`.
"""

import json
from decimal import Decimal
from typing import Any

from meterbook.assets.budgets import Budget, RateLimit, Scope
from meterbook.assets.gateways import MODELS, UTC, Asked, Exported, alert_at, fields_of, heading, named, plain, soft_reason

RESETS: dict[str, dict[str, Any]] = {
    "day": {"periodic_reset_days": 1},
    "week": {"periodic_reset": "weekly"},
    "month": {"periodic_reset": "monthly"},
    "quarter": {"periodic_reset_days": 91},
}
_TYPES = {"dollars": "cost", "tokens": "tokens"}
_USE = (
    "Send each body of `usage_limits` to POST /policies/usage-limits, each of `rate_limits` to POST /policies/rate-limits;",
    "`config` is one for POST /configs, or its hooks those of yours.",
)
_METADATA = "calls have to carry team, tenant, feature and environment as metadata, set by the operator: a caller could write any"
_WORKSPACE = "a limit of everything is counted for each workspace"


def render(asked: Asked, made: Exported) -> None:
    """Write a policy for each budget of dollars or tokens and each rate, and the lists of allowed models."""
    usage: list[dict[str, Any]] = []
    rates: list[dict[str, Any]] = []
    models: dict[str, dict[str, list[str]]] = {}
    for budget in asked.budgets:
        _models(made, budget, models)
        if reason := _unsaid(asked, budget):
            made.without(budget, reason)
        elif budget.measure == "requests":
            rates.append(_rated(made, budget, budget.budget, ("requests", "rpd", asked.limit(budget))))
        else:
            usage.append(_used(asked, made, budget))
    for rate in asked.rate_limits:
        rates += _rates(made, rate)
    made.count += len(usage) + len(rates)
    found = {"usage_limits": usage, "rate_limits": rates, "config": _config(models)}
    about = [line for line in heading("Portkey", asked, Exported(), _USE) if line]
    told = {"about": about, "not_expressed": made.left_out, "to_know": made.to_know}
    made.text = (
        json.dumps(told | {key: value for key, value in found.items() if value}, indent=2, ensure_ascii=False, default=_number) + "\n"
    )


def _unsaid(asked: Asked, budget: Budget) -> str:
    """Why a budget cannot be said; empty where it can."""
    if budget.measure == "gpu_hours":
        return "GPU hours pass no gateway"
    if not asked.is_hard(budget):
        return soft_reason(budget)
    if budget.measure == "requests" and budget.period != "day":
        return f"requests are limited by minute, hour and day there, not by {budget.period}"
    return _of_models(budget)


def _of_models(of: Scope) -> str:
    if fields_of(of, MODELS):
        return "models are named there with the slug of their provider (@provider/model), which the book does not know"
    return ""


def _used(asked: Asked, made: Exported, budget: Budget) -> dict[str, Any]:
    limit = plain(asked.limit(budget))
    body = {"name": budget.budget, **_scoped(made, budget), "type": _TYPES[budget.measure], "credit_limit": limit}
    if (told := alert_at(budget, limit)) is not None:
        body["alert_threshold"] = told
    if budget.period == "quarter":
        made.note(f"{named(budget)}: a quarter is 91 days from when the policy is made, not one of the calendar")
    elif budget.period == "day":
        made.note(f"{named(budget)}: a day is counted from when the policy is made")
    elif asked.zone != UTC:
        made.note(f"weeks and months begin at midnight {UTC} there, in the book at midnight of {asked.zone}")
    return body | RESETS[budget.period]


def _rates(made: Exported, rate: RateLimit) -> list[dict[str, Any]]:
    if reason := _of_models(rate):
        made.without(rate, reason)
        return []
    wanted = (("requests", rate.requests_per_minute), ("tokens", rate.tokens_per_minute))
    return [_rated(made, rate, f"{rate.limit} ({kind})", (kind, "rpm", Decimal(value))) for kind, value in wanted if value is not None]


def _rated(made: Exported, of: Scope, name: str, limit: tuple[str, str, Decimal]) -> dict[str, Any]:
    kind, unit, value = limit
    return {"name": name, **_scoped(made, of), "type": kind, "unit": unit, "value": plain(value)}


def _scoped(made: Exported, of: Scope) -> dict[str, Any]:
    """Conditions that have to hold together, and what counts together."""
    fields = fields_of(of)
    if not fields:
        made.note(_WORKSPACE)
        return {"conditions": [{"key": "api_key", "value": "*"}], "group_by": [{"key": "workspace_id"}]}
    made.note(_METADATA)
    conditions = [{"key": f"metadata.{name}", "value": value} for name, value in fields.items()]
    return {"conditions": conditions, "group_by": [{"key": f"metadata.{name}"} for name in fields]}


def _models(made: Exported, budget: Budget, models: dict[str, dict[str, list[str]]]) -> None:
    """Allowed models of one value of metadata; of several budgets of it what all of them allow."""
    if not budget.allowed_models:
        return
    fields = fields_of(budget)
    if len(fields) != 1 or fields.keys() & set(MODELS) or any("*" in model for model in budget.allowed_models):
        made.without(budget, "allowed_models are of one team, tenant, feature or environment there, each model by its name")
        return
    [(name, value)] = fields.items()
    known = models.setdefault(name, {}).get(value)
    models[name][value] = [model for model in budget.allowed_models if known is None or model in known]
    if not models[name][value]:
        made.note(f"{named(budget)}: no model is allowed by all budgets of {value}")
    made.note(_METADATA)
    made.count += 1


def _config(models: dict[str, dict[str, list[str]]]) -> dict[str, Any]:
    if not models:
        return {}
    check = {"id": "default.modelRules", "parameters": {"rules": {"defaults": ["*"], "metadata": models}, "not": False}}
    return {"before_request_hooks": [{"id": "meterbook-models", "type": "guardrail", "deny": True, "checks": [check]}]}


def _number(value: Decimal) -> int | float:
    """The API takes JSON's numbers; amounts of at most 15 digits are exact in them."""
    return int(value) if value == value.to_integral_value() else float(value)
