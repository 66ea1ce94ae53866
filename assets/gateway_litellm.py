"""LiteLLM proxy: `litellm_settings` of config.yaml, and the bodies of its admin API for teams and tags.

Fields as in litellm 1.108.7 (`NewTeamRequest`, `BudgetLimitEntry`, `TagNewRequest`) and docs.litellm.ai/docs/proxy/{users,team_budgets,
tag_budgets,budget_reset_and_tz} of October 2026: `1d` resets at midnight, `7d` on Monday, `30d` on the first of the month, in
`litellm_settings.timezone`; months can only be single. Budgets are dollars; tokens and requests have limits per minute only.
"""

from collections import defaultdict
from typing import Any

from meterbook.assets.budgets import Budget, RateLimit, Scope
from meterbook.assets.gateways import MODELS, Asked, Exported, alert_at, commented, fields_of, heading, plain, soft_note

DURATIONS = {"day": "1d", "week": "7d", "month": "30d"}
NO_MODELS = "no-default-models"
"""An empty list would allow all."""
_USE = (
    "`litellm_settings` belongs into config.yaml (or name this file in its `include`); send each body of `admin_api` to its path, or to",
    "/team/update or /tag/update where the team or tag is there. Budgets need the proxy's database.",
)
_TAGS = "tags such as feature:NAME are counted where calls carry them (`metadata.tags`, or the tags of a key)"
_AGAIN = "the whole proxy has a budget already, and can have one only"
_ONE = "a call that is under way is not stopped: what it costs goes beyond the budget"


def render(asked: Asked, made: Exported) -> None:
    """Write budgets of everything, of teams and of tags; rate limits and models of teams."""
    settings: dict[str, Any] = {}
    bodies: dict[tuple[str, str], dict[str, Any]] = defaultdict(dict)
    # What refuses calls comes first to the fields there is one of.
    by_force = sorted(asked.budgets, key=lambda one: not asked.is_hard(one))
    for budget in by_force:
        _models(made, budget, bodies)
        if reason := _unsaid(asked, budget) or (_AGAIN if settings and not fields_of(budget) else ""):
            made.without(budget, reason)
        elif not fields_of(budget):
            settings |= {"max_budget": plain(asked.limit(budget)), "budget_duration": DURATIONS[budget.period]}
            made.count += 1
        else:
            _spend(asked, made, budget, bodies)
    for rate in asked.rate_limits:
        _rate(made, rate, bodies)
    if any("max_budget" in body or "budget_limits" in body for body in bodies.values()) or settings:
        made.note(_ONE)
    if any(path == "/tag/new" for path, _ in bodies):
        made.note(_TAGS)
    calls = [{"path": path, "body": _named(path, name) | bodies[path, name]} for path, name in sorted(bodies)]
    settings["timezone"] = asked.zone
    made.text = commented(heading("LiteLLM proxy", asked, made, _USE), {"litellm_settings": settings, "admin_api": calls})


def _place(of: Scope) -> tuple[str, str]:
    """Path and name of what a scope of one value is at LiteLLM."""
    [(name, value)] = fields_of(of).items()
    return ("/team/new", value) if name == "team" else ("/tag/new", f"{name}:{value}")


def _unsaid(asked: Asked, budget: Budget) -> str:
    """Why a budget cannot be said; empty where it can."""
    found = fields_of(budget)
    if budget.measure != "dollars":
        return f"budgets are of dollars there; {budget.measure.replace('_', ' ')} of a {budget.period} cannot be limited"
    if budget.period not in DURATIONS:
        return "budgets are of a day, a week or a month there, not of a quarter"
    if any(name in MODELS for name in found):
        return _of_model(asked, budget)
    if len(found) > 1:
        return f"a budget there is of one team or one tag, not of {budget.scope} together"
    return "" if found else _of_proxy(asked, budget)


def _of_proxy(asked: Asked, budget: Budget) -> str:
    if not asked.is_hard(budget):
        return "the budget of the whole proxy can only refuse calls; --enforce says so"
    return "" if asked.limit(budget) else "LiteLLM takes 0 for the whole proxy as no budget"


def _of_model(asked: Asked, budget: Budget) -> str:
    if fields_of(budget).keys() == {"model"}:
        amounts = f"max_budget: {plain(asked.limit(budget)):f}, budget_duration: {DURATIONS[budget.period]}"
        return f"set it where {budget.model} is deployed, in litellm_params of model_list: {amounts}"
    return "a budget of models there is of each deployment, not of a class or of a team's use of it"


def _spend(asked: Asked, made: Exported, budget: Budget, bodies: dict[tuple[str, str], dict[str, Any]]) -> None:
    """A budget of a team or tag: one of its own fields, further ones of a team in `budget_limits`."""
    place = _place(budget)
    limit, duration = plain(asked.limit(budget)), DURATIONS[budget.period]
    body = bodies[place]
    if "budget_duration" not in body:
        told = alert_at(budget, limit) if asked.is_hard(budget) else limit
        body |= {"max_budget": limit} if asked.is_hard(budget) else {}
        body |= {"soft_budget": told} if told is not None else {}
        body["budget_duration"] = duration
    elif asked.is_hard(budget) and place[0] == "/team/new":
        body.setdefault("budget_limits", []).append({"budget_duration": duration, "max_budget": limit})
    else:
        made.without(budget, f"{budget.scope} has a budget there already, and cannot have another of this kind")
        return
    made.count += 1
    if not asked.is_hard(budget):
        made.note(soft_note(budget, "an alert (`soft_budget`)"))


def _models(made: Exported, budget: Budget, bodies: dict[tuple[str, str], dict[str, Any]]) -> None:
    """Allowed models: of teams, each by its name; of several budgets of a team what all of them allow."""
    if not budget.allowed_models:
        return
    if fields_of(budget).keys() != {"team"} or any("*" in model for model in budget.allowed_models):
        made.without(budget, "allowed_models are of a team there, each model by its name")
        return
    body = bodies["/team/new", str(budget.team)]
    known = body.get("models")
    allowed = [model for model in budget.allowed_models if known is None or model in known]
    body["models"] = allowed or [NO_MODELS]
    made.count += 1


def _rate(made: Exported, rate: RateLimit, bodies: dict[tuple[str, str], dict[str, Any]]) -> None:
    """A rate limit of a team, of a team's use of a model, or of a tag; of several of one the least."""
    found = fields_of(rate)
    limits = {"rpm_limit": rate.requests_per_minute, "tpm_limit": rate.tokens_per_minute}
    if found.keys() == {"team", "model"}:
        body = bodies["/team/new", found["team"]]
        for name, value in limits.items():
            if value is not None:
                of_models = body.setdefault(f"model_{name}", {})
                of_models[found["model"]] = min(value, of_models.get(found["model"], value))
    elif len(found) == 1 and not found.keys() & set(MODELS):
        body = bodies[_place(rate)]
        body |= {name: min(value, body.get(name, value)) for name, value in limits.items() if value is not None}
    elif found.keys() == {"model"}:
        said = ", ".join(f"{name.removesuffix('_limit')}: {value}" for name, value in limits.items() if value is not None)
        made.without(rate, f"set it where {rate.model} is deployed, in litellm_params of model_list: {said}")
        return
    else:
        made.without(rate, f"rates there are of one team, one tag or a team's use of one model, not of {rate.scope}")
        return
    made.count += 1


def _named(path: str, name: str) -> dict[str, Any]:
    return {"team_id": name, "team_alias": name} if path == "/team/new" else {"name": name}
