"""Envoy AI Gateway: `BackendTrafficPolicy` with global rate limit rules, and a `GatewayConfig` that counts tokens.

Fields as in envoyproxy/gateway api/v1alpha1/ratelimit_types.go and envoyproxy/ai-gateway api/v1beta1 (gateway_config.go,
shared_types.go), read in November 2026. Units are minute, day, month; there is no week and no quarter. Limits count tokens or requests,
not dollars. A rule in shadow mode counts and refuses nothing.
"""

import re
from collections.abc import Sequence
from typing import Any

from meterbook.assets.budgets import Budget, RateLimit, Scope
from meterbook.assets.gateways import OWNERS, UTC, Asked, Exported, commented, fields_of, heading, named, soft_note

NAME = "meterbook-quotas"
UNITS = {"day": "Day", "month": "Month"}
LARGEST, RULES = 2**32 - 1, 128
"""Of a limit (32 bits in Envoy's rate limit service), and of a policy."""
NAMESPACE, TOKENS, MODEL = "io.envoy.ai_gateway", "llm_total_token", "x-ai-eg-model"
_USE = (
    "For `kubectl apply`, into the namespace of the Gateway; put its name into targetRefs, and the annotation",
    f"aigateway.envoyproxy.io/gateway-config: {NAME} on it. Needs Envoy Gateway's global rate limit service (Redis).",
)
_HEADERS = "the gateway has to set x-team, x-tenant, x-feature and x-environment itself from who calls; a caller could write any"
_MONTHS = "a month may be counted as 30 days: older versions of Envoy's rate limit service have no months of the calendar"


def render(asked: Asked, made: Exported) -> None:
    """Write a rule for each budget of tokens or requests, each rate, and each list of allowed models."""
    rules: list[dict[str, Any]] = []
    for budget in asked.budgets:
        rules += _allowed(made, budget)
        rules += _of_budget(asked, made, budget)
    for rate in asked.rate_limits:
        rules += _of_rate(asked, made, rate)
    if len(rules) > RULES:
        made.left_out.append(f"{len(rules) - RULES} of {len(rules)} rules: a policy holds {RULES}")
        del rules[RULES:]
    made.count = len(rules)
    if any(header["name"] != MODEL for rule in rules for one in rule.get("clientSelectors", ()) for header in one["headers"]):
        made.note(_HEADERS)
    made.text = commented(heading("Envoy AI Gateway", asked, made, _USE), *_documents(rules))


def _of_budget(asked: Asked, made: Exported, budget: Budget) -> list[dict[str, Any]]:
    limit = int(asked.limit(budget))
    if reason := _unsaid(budget, limit):
        made.without(budget, reason)
        return []
    if budget.period == "month":
        made.note(_MONTHS)
    if asked.zone != UTC:
        made.note(f"days and months are those of {UTC} there, in the book those of {asked.zone}")
    is_soft = not asked.is_hard(budget)
    if is_soft:
        made.note(soft_note(budget, "counted in shadow mode"))
    return [_rule(_selectors(asked, made, budget), limit, UNITS[budget.period], is_tokens=budget.measure == "tokens", is_soft=is_soft)]


def _unsaid(budget: Budget, limit: int) -> str:
    """Why a budget cannot be said; empty where it can."""
    if budget.measure not in {"tokens", "requests"}:
        return f"limits there count tokens and requests, not {budget.measure.replace('_', ' ')}"
    if budget.period not in UNITS:
        return f"limits there are of a day or a month, not of a {budget.period}"
    return f"limits there are at most {LARGEST:,}" if limit > LARGEST else ""


def _of_rate(asked: Asked, made: Exported, rate: RateLimit) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for value, is_tokens in ((rate.requests_per_minute, False), (rate.tokens_per_minute, True)):
        if value is not None and value > LARGEST:
            made.without(rate, f"limits there are at most {LARGEST:,}")
        elif value is not None:
            found.append(_rule(_selectors(asked, made, rate), value, "Minute", is_tokens=is_tokens))
    return found


def _allowed(made: Exported, budget: Budget) -> list[dict[str, Any]]:
    """No request at all of the scope for models that are not on its list."""
    if not budget.allowed_models:
        return []
    owners = fields_of(budget, OWNERS)
    if owners != fields_of(budget):
        made.without(budget, "allowed_models are of who calls, not of a model")
        return []
    others = {"name": MODEL, "type": "RegularExpression", "value": _pattern(budget.allowed_models), "invert": True}
    return [_rule([{"headers": [*_owners(owners), others]}], 0, "Hour")]


def _selectors(asked: Asked, made: Exported, of: Scope) -> list[dict[str, Any]]:
    """Headers that have to hold together; none is every call."""
    headers = _owners(fields_of(of, OWNERS))
    if models := asked.patterns(of):
        is_one = len(models) == 1 and "*" not in models[0]
        value = {"value": models[0]} if is_one else {"type": "RegularExpression", "value": _pattern(models)}
        headers.append({"name": MODEL, **value})
        if asked.is_after_another(of):
            made.note(f"{named(of)}: a model that an earlier class fits too counts here as well")
    return [{"headers": headers}] if headers else []


def _owners(fields: dict[str, str]) -> list[dict[str, Any]]:
    return [{"name": f"x-{name}", "value": value} for name, value in fields.items()]


def _pattern(models: Sequence[str]) -> str:
    """Models as one regular expression of RE2, which has to fit the whole name."""
    return f"(?i)^({'|'.join(re.escape(model).replace(re.escape('*'), '.*') for model in models)})$"


def _rule(selectors: list[dict[str, Any]], limit: int, unit: str, *, is_tokens: bool = False, is_soft: bool = False) -> dict[str, Any]:
    rule: dict[str, Any] = {"clientSelectors": selectors} if selectors else {}
    rule["limit"] = {"requests": limit, "unit": unit}
    if is_tokens:
        # Nothing is taken when a call begins, only looked whether something is left; its tokens are known when it ends.
        spent = {"from": "Metadata", "metadata": {"namespace": NAMESPACE, "key": TOKENS}}
        rule["cost"] = {"request": {"from": "Number", "number": 0}, "response": spent}
    # Else each route of the Gateway would count for itself.
    rule["shared"] = True
    return rule | ({"shadowMode": True} if is_soft else {})


def _documents(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    costs = {"globalLLMRequestCosts": [{"metadataKey": TOKENS, "type": "TotalToken"}]}
    target = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "ai-gateway"}
    counted = {"apiVersion": "aigateway.envoyproxy.io/v1beta1", "kind": "GatewayConfig", "metadata": {"name": NAME}, "spec": costs}
    spec = {"targetRefs": [target], "rateLimit": {"global": {"rules": rules}}}
    policy = {"apiVersion": "gateway.envoyproxy.io/v1alpha1", "kind": "BackendTrafficPolicy", "metadata": {"name": NAME}, "spec": spec}
    return [counted, policy] if any("cost" in rule for rule in rules) else [policy]
