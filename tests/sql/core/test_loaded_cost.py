"""Whose requests the cost of a feature is spread over, from what requests cost on: feature_share and loaded_cost, one after the other."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

Rows = list[dict[str, object]]
Chain = Callable[..., dict[str, Rows]]
DAY, NEXT = date(2026, 10, 2), date(2026, 10, 3)
MODELS = ("core.feature_share", "core.loaded_cost")


def _spend(of: tuple[str, str, str], requests: int, cost: int, team: str | None = None) -> dict[str, object]:
    tenant, feature, model = of
    said = {"tenant": tenant, "feature": feature, "model": model, "requests": requests, "cost_usd": cost, "team": team}
    return {"day": DAY, "book_day": DAY, "environment": "prod", "experiment_arm": "a", **said}


def _cost(team: str, tenant: str, feature: str, **usd: int) -> dict[str, object]:
    said = {f"{kind}_cost_usd": usd.get(kind, 0) for kind in ("api", "gpu", "shared")}
    return {"day": DAY, "team": team, "tenant": tenant, "feature": feature, **said, "cost_usd": sum(usd.values())}


def _loaded(chain: Chain, spend: Rows, cost: Rows) -> dict[tuple[object, ...], list[Decimal]]:
    made = chain({"core.feature_spend": spend, "core.feature_cost": cost}, MODELS, DAY, NEXT)["core.loaded_cost"]
    kinds = ("api_cost_usd", "gpu_cost_usd", "shared_cost_usd")
    keys = ("team", "tenant", "feature", "model")
    return {tuple(row[key] for key in keys): [Decimal(str(row[kind])) for kind in kinds] for row in made}


def test_models_that_cost_nothing_are_weighed_by_their_requests_and_what_has_none_is_of_no_model(chain: Chain) -> None:
    spend = [_spend(("acme", "voice", "own"), 3, 0), _spend(("bolt", "voice", "own"), 1, 0), _spend(("(none)", "(none)", "gpt"), 1, 1)]
    cost = [
        _cost("support", "(none)", "voice", gpu=4),
        _cost("research", "(none)", "training", gpu=8),
        _cost("unallocated", "(none)", "(none)", api=1, shared=5),
    ]
    assert _loaded(chain, spend, cost) == {
        ("support", "acme", "voice", "own"): [0, 3, 0],
        ("support", "bolt", "voice", "own"): [0, 1, 0],
        ("research", "(none)", "training", "(none)"): [0, 8, 0],
        ("unallocated", "(none)", "(none)", "gpt"): [1, 0, 0],
        ("unallocated", "(none)", "(none)", "(none)"): [0, 0, 5],
    }


def test_a_feature_of_many_teams_gives_no_more_rows_than_its_requests_have(chain: Chain) -> None:
    teams = [f"team-{number}" for number in range(20)]
    spend = [_spend((f"of-{team}", "chat", "gpt"), 1, 1, team) for team in teams]
    cost = [line for team in teams for line in (_cost(team, f"of-{team}", "chat", api=1), _cost(team, "(none)", "chat", shared=2))]
    assert _loaded(chain, spend, cost) == {(team, f"of-{team}", "chat", "gpt"): [1, 0, 2] for team in teams}


def test_cost_of_a_team_without_requests_is_spread_over_those_of_all_teams(chain: Chain) -> None:
    spend = [_spend(("acme", "chat", "gpt"), 1, 1, "support"), _spend(("bolt", "chat", "claude"), 1, 3, "research")]
    cost = [
        _cost("platform", "(none)", "chat", gpu=8),
        _cost("platform", "bolt", "chat", gpu=1),
        _cost("support", "(none)", "chat", shared=1),
    ]
    assert _loaded(chain, spend, cost) == {
        ("platform", "acme", "chat", "gpt"): [0, 2, 0],
        ("platform", "bolt", "chat", "claude"): [0, 7, 0],
        ("support", "acme", "chat", "gpt"): [0, 0, 1],
    }
