"""Kong AI Gateway: decK's declarative file with `ai-rate-limiting-advanced` (policies) and `rate-limiting-advanced` (requests of a team).

Fields as in the plugin schemas of Kong Gateway 3.14 (developer.konghq.com, app/_schemas/gateway/plugins/3.14). Windows are seconds; a fixed
window is counted from 1 January 1970 in UTC. The plugins refuse or do nothing; they cannot tell only.
"""

from collections import defaultdict
from decimal import Decimal
from typing import Any

from meterbook.assets.budgets import Budget, RateLimit, Scope
from meterbook.assets.gateways import OWNERS, UTC, Asked, Exported, commented, fields_of, heading, named, plain, soft_reason

MINUTE = 60
WINDOWS = {"day": 86_400, "week": 604_800, "month": 2_592_000, "quarter": 7_776_000}
_LENGTHS = {
    "day": f"a day of {UTC}",
    "week": "7 days that begin on Thursdays",
    "month": "30 days, not a month of the calendar",
    "quarter": "90 days, not a quarter of the calendar",
}
HEADER = "x-{}"
_USE = (
    "For `deck gateway apply`; Kong Gateway 3.14 or later with an AI Proxy plugin. Consumers belong into consumer groups named as teams.",
    "Counters are each node's own until `strategy: redis` and `redis` are added to the plugins.",
)


def render(asked: Asked, made: Exported) -> None:
    """Write dollars and tokens as policies, requests as limits of consumer groups."""
    policies: list[dict[str, Any]] = []
    groups: dict[str, list[tuple[int, Decimal]]] = defaultdict(list)
    for budget in asked.budgets:
        if budget.allowed_models:
            made.without(budget, "allowed_models are the targets of an AI Proxy there, which this file does not hold")
        if budget.measure == "gpu_hours":
            made.without(budget, "GPU hours pass no gateway")
        elif not asked.is_hard(budget):
            made.without(budget, soft_reason(budget))
        else:
            counted = {"dollars": "cost", "tokens": "total_tokens", "requests": ""}[budget.measure]
            if _limit(asked, made, budget, (asked.limit(budget), WINDOWS[budget.period], counted), (policies, groups)):
                _note_window(asked, made, budget)
    for rate in asked.rate_limits:
        for value, counted in ((rate.requests_per_minute, ""), (rate.tokens_per_minute, "total_tokens")):
            if value is not None:
                _limit(asked, made, rate, (Decimal(value), MINUTE, counted), (policies, groups))
    _note_policies(made, policies)
    plugins = [{"name": "ai-rate-limiting-advanced", "config": {"policies": policies}}] if policies else []
    made.text = commented(heading("Kong AI Gateway (decK)", asked, made, _USE), _file(plugins, groups))


_Found = tuple[list[dict[str, Any]], dict[str, list[tuple[int, Decimal]]]]


def _limit(asked: Asked, made: Exported, of: Budget | RateLimit, said: tuple[Decimal, int, str], found: _Found) -> bool:
    """One limit as a policy, or of requests as one of a consumer group; whether it can be said."""
    value, window, counted = said
    fields = fields_of(of)
    if reason := _unsaid(asked, of, said):
        made.without(of, reason)
        return False
    made.count += 1
    if not counted:
        found[1][fields["team"]].append((window, plain(value)))
        return True
    limit = {"limit": plain(value), "window_size": window, "tokens_count_strategy": counted}
    found[0].append({"match": _match(asked, of), "limits": [limit], "window_type": "fixed"})
    if asked.is_after_another(of):
        made.note(f"{named(of)}: a model that an earlier class names too counts here as well")
    return True


def _unsaid(asked: Asked, of: Scope, said: tuple[Decimal, int, str]) -> str:
    """Why a limit cannot be said; empty where it can."""
    value, _, counted = said
    if not value:
        return "a limit of 0 is none there; take the models out of the AI Proxy instead"
    if not counted:
        return "" if fields_of(of).keys() == {"team"} else f"requests are limited for a team (a consumer group) there, not for {of.scope}"
    has_stars = any("*" in pattern for pattern in asked.patterns(of))
    return "models are matched by their whole names there, without `*`" if has_stars else ""


def _match(asked: Asked, of: Scope) -> list[dict[str, Any]]:
    """Conditions that have to hold together; without values any call matches, and all share one counter."""
    found: list[dict[str, Any]] = []
    for name, value in fields_of(of, OWNERS).items():
        if name == "team":
            found.append({"type": "consumer_group", "key": "name", "values": [value]})
        else:
            found.append({"type": "header", "key": HEADER.format(name), "values": [value]})
    if models := asked.patterns(of):
        found.append({"type": "model", "values": list(models)})
    return found or [{"type": "provider"}]


def _note_window(asked: Asked, made: Exported, budget: Budget) -> None:
    if budget.period != "day" or asked.zone != UTC:
        made.note(f"{named(budget)}: its {budget.period} is {_LENGTHS[budget.period]}")


def _note_policies(made: Exported, policies: list[dict[str, Any]]) -> None:
    counted = {limit["tokens_count_strategy"] for policy in policies for limit in policy["limits"]}
    if "cost" in counted:
        made.note(
            "`cost` is dollars only where input_cost and output_cost of the AI Proxy are dollars per million tokens; it knows no caching"
        )
    if any(one["type"] == "header" for policy in policies for one in policy["match"]):
        made.note("the gateway has to set x-tenant, x-feature and x-environment itself from who calls; a caller could write any")
    if len(policies) > 1:
        made.note("Kong does not document whether all policies that match a call count, or the first: try it where scopes overlap")


def _file(plugins: list[dict[str, Any]], groups: dict[str, list[tuple[int, Decimal]]]) -> dict[str, Any]:
    made: dict[str, Any] = {"_format_version": "3.0", "_info": {"select_tags": ["meterbook"]}}
    if plugins:
        made["plugins"] = plugins
    if groups:
        made["consumer_groups"] = [{"name": team, "plugins": [_requests(limits)]} for team, limits in sorted(groups.items())]
    return made


def _requests(limits: list[tuple[int, Decimal]]) -> dict[str, Any]:
    """Requests of a consumer group, shortest window first; of several of one window the least."""
    least = {window: min(value for other, value in limits if other == window) for window, _ in limits}
    windows = sorted(least)
    config = {
        "identifier": "consumer-group",
        "limit": [least[window] for window in windows],
        "window_size": windows,
        "window_type": "fixed",
    }
    return {"name": "rate-limiting-advanced", "config": config}
