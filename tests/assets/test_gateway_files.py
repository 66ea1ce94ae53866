"""Each gateway's file: what it can express is in it as the gateway has it, what it cannot is said with the reason."""

import re
from typing import Any

import pytest
from gateway_reading import BLOCK, exported, rules_of


def test_litellm_has_teams_tags_and_the_whole_proxy() -> None:
    found, made = exported(
        "litellm",
        {"amount_usd": 37500, **BLOCK},
        {"team": "support", "amount_usd": "9000.50", "allowed_models": ["gpt-5", "gpt-5-mini"], **BLOCK},
        {"team": "support", "amount_usd": 500, "period": "day", "allowed_models": ["gpt-5"], **BLOCK},
        {"feature": "contract", "amount_usd": 100, "period": "week"},
        rates=({"team": "support", "requests_per_minute": 600}, {"team": "support", "model": "gpt-5", "tokens_per_minute": 9}),
        zone="Europe/Berlin",
    )
    assert found["litellm_settings"] == {"max_budget": 37500, "budget_duration": "30d", "timezone": "Europe/Berlin"}
    assert found["admin_api"] == [
        {"path": "/tag/new", "body": {"name": "feature:contract", "soft_budget": 100, "budget_duration": "7d"}},
        {
            "path": "/team/new",
            "body": {
                "team_id": "support",
                "team_alias": "support",
                "models": ["gpt-5"],
                "max_budget": 9000.5,
                "soft_budget": 8550.475,
                "budget_duration": "30d",
                "budget_limits": [{"budget_duration": "1d", "max_budget": 500}],
                "rpm_limit": 600,
                "model_tpm_limit": {"gpt-5": 9},
            },
        },
    ]
    assert not made.left_out


def test_litellm_lets_no_model_pass_where_budgets_of_a_team_allow_none_together() -> None:
    found, _ = exported(
        "litellm",
        {"team": "a", "amount_usd": 1, "allowed_models": ["x"]},
        {"team": "a", "amount_usd": 1, "period": "day", "allowed_models": ["y"]},
    )
    assert found["admin_api"][0]["body"]["models"] == ["no-default-models"]


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        ({"measure": "tokens", "amount": 1, "team": "a", **BLOCK}, "tokens of a month cannot be limited"),
        ({"amount_usd": 1, "team": "a", "period": "quarter", **BLOCK}, "not of a quarter"),
        ({"amount_usd": 1, "team": "a", "feature": "b", **BLOCK}, "not of a, b together"),
        ({"amount_usd": "1.5", "model": "gpt-5", **BLOCK}, "model_list: max_budget: 1.5, budget_duration: 30d"),
        ({"amount_usd": 1, "model_class": "small", **BLOCK}, "not of a class"),
        ({"amount_usd": 0, **BLOCK}, "takes 0 for the whole proxy as no budget"),
        ({"amount_usd": 1}, "can only refuse calls"),
        ({"amount_usd": 1, "feature": "a", "allowed_models": ["b"]}, "allowed_models are of a team"),
        ({"amount_usd": 1, "team": "a", "allowed_models": ["b*"]}, "each model by its name"),
    ],
)
def test_what_litellm_cannot_express_is_said_with_the_reason(budget: dict[str, Any], said: str) -> None:
    _, made = exported("litellm", budget)
    assert [line for line in made.left_out if line.startswith("budget b0: ") and said in line]


def test_kong_counts_dollars_and_tokens_by_policies_and_requests_by_groups() -> None:
    found, made = exported(
        "kong",
        {"team": "support", "amount_usd": 9000, **BLOCK},
        {"tenant": "harbor", "model_class": "small", "measure": "tokens", "amount": 5, "period": "day", **BLOCK},
        {"measure": "tokens", "amount": 7, "period": "week", **BLOCK},
        {"team": "support", "measure": "requests", "amount": 70, "period": "day", **BLOCK},
        rates=({"team": "support", "requests_per_minute": 6}, {"team": "support", "requests_per_minute": 5}),
    )
    assert [(one["match"], one["limits"]) for one in found["plugins"][0]["config"]["policies"]] == [
        (
            [{"type": "consumer_group", "key": "name", "values": ["support"]}],
            [{"limit": 9000, "window_size": 2592000, "tokens_count_strategy": "cost"}],
        ),
        (
            [{"type": "header", "key": "x-tenant", "values": ["harbor"]}, {"type": "model", "values": ["gpt-5-mini"]}],
            [{"limit": 5, "window_size": 86400, "tokens_count_strategy": "total_tokens"}],
        ),
        ([{"type": "provider"}], [{"limit": 7, "window_size": 604800, "tokens_count_strategy": "total_tokens"}]),
    ]
    [group] = found["consumer_groups"]
    assert (group["name"], group["plugins"][0]["config"]["limit"], group["plugins"][0]["config"]["window_size"]) == (
        "support", [5, 70], [60, 86400],
    )  # fmt: skip
    assert "budget b2: its week is 7 days that begin on Thursdays" in made.to_know
    assert not made.left_out


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        ({"amount_usd": 1, "team": "a"}, "--enforce makes it a limit"),
        ({"measure": "gpu_hours", "amount": 1, "team": "a"}, "GPU hours pass no gateway"),
        ({"amount_usd": 1, "model_class": "large", **BLOCK}, "without `*`"),
        ({"measure": "requests", "amount": 1, "tenant": "a", **BLOCK}, "requests are limited for a team"),
        ({"amount_usd": 0, "team": "a", **BLOCK}, "a limit of 0 is none there"),
        ({"amount_usd": 1, "team": "a", "allowed_models": ["b"], **BLOCK}, "targets of an AI Proxy"),
    ],
)
def test_what_kong_cannot_express_is_said_with_the_reason(budget: dict[str, Any], said: str) -> None:
    _, made = exported("kong", budget)
    assert [line for line in made.left_out if said in line]
    assert not [line for line in made.to_know if "b0" in line and "allowed_models" not in budget]


def test_envoy_counts_tokens_after_the_answer_and_lets_a_budget_that_only_tells_be_a_shadow() -> None:
    found, made = exported(
        "envoy",
        {"team": "sales", "measure": "tokens", "amount": 9, "period": "day"},
        {"tenant": "harbor", "measure": "requests", "amount": 8, **BLOCK},
        {"team": "sales", "measure": "tokens", "amount": 7, "model_class": "large", "at_limit": {"do": "fall back", "model": "gpt-5-mini"}},
        rates=({"requests_per_minute": 6},),
    )
    spent = {
        "request": {"from": "Number", "number": 0},
        "response": {"from": "Metadata", "metadata": {"namespace": "io.envoy.ai_gateway", "key": "llm_total_token"}},
    }
    sales = {"name": "x-team", "value": "sales"}
    large = {"name": "x-ai-eg-model", "type": "RegularExpression", "value": r"(?i)^(gpt\-5.*|claude\.opus)$"}
    day, month, minute = ({"requests": number, "unit": unit} for number, unit in ((9, "Day"), (8, "Month"), (6, "Minute")))
    shadow = {"cost": spent, "shared": True, "shadowMode": True}
    assert rules_of(found) == [
        {"clientSelectors": [{"headers": [sales]}], "limit": day, **shadow},
        {"clientSelectors": [{"headers": [{"name": "x-tenant", "value": "harbor"}]}], "limit": month, "shared": True},
        {"clientSelectors": [{"headers": [sales, large]}], "limit": {"requests": 7, "unit": "Month"}, **shadow},
        {"limit": minute, "shared": True},
    ]
    assert found[0]["spec"] == {"globalLLMRequestCosts": [{"metadataKey": "llm_total_token", "type": "TotalToken"}]}
    assert "budget b2: counted in shadow mode; what is agreed beyond that is the caller's to do: calls go to gpt-5-mini" in made.to_know


def test_envoy_lets_no_request_pass_for_a_model_that_is_not_allowed() -> None:
    found, made = exported("envoy", {"team": "sales", "amount_usd": 1, "allowed_models": ["gpt-5", "o*"]})
    [rule] = rules_of(found)
    [_, model] = rule["clientSelectors"][0]["headers"]
    refused = [name for name in ("gpt-5", "gpt-5-mini", "o3", "claude") if bool(re.match(model["value"], name)) != model["invert"]]
    assert (refused, rule["limit"]["requests"]) == (["gpt-5-mini", "claude"], 0)
    assert made.left_out == ["budget b0: limits there count tokens and requests, not dollars"]


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        ({"measure": "tokens", "amount": 1, "period": "week"}, "not of a week"),
        ({"measure": "tokens", "amount": 2**32, "period": "day"}, "at most 4,294,967,295"),
        ({"measure": "gpu_hours", "amount": 1}, "not gpu hours"),
        ({"measure": "tokens", "amount": 1, "model": "a", "allowed_models": ["b"]}, "of who calls, not of a model"),
    ],
)
def test_what_envoy_cannot_express_is_said_with_the_reason(budget: dict[str, Any], said: str) -> None:
    _, made = exported("envoy", budget)
    assert [line for line in made.left_out if said in line]


def test_a_policy_of_envoy_holds_no_more_rules_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("meterbook.assets.gateway_envoy.RULES", 2)
    found, made = exported("envoy", *({"team": team, "measure": "tokens", "amount": 1, "period": "day"} for team in "abcd"))
    assert (len(rules_of(found)), made.left_out) == (2, ["2 of 4 rules: a policy holds 2"])


def test_portkey_has_policies_by_metadata_and_a_guardrail_for_models() -> None:
    found, made = exported(
        "portkey",
        {"team": "support", "feature": "chat", "amount_usd": 100, "levels": [50, 80, 100], **BLOCK},
        {"measure": "tokens", "amount": 5, "period": "day", "levels": [100], **BLOCK},
        {"tenant": "harbor", "measure": "requests", "amount": 7, "period": "day", **BLOCK},
        {"team": "sales", "amount_usd": 1, "allowed_models": ["a", "b"]},
        rates=({"team": "sales", "requests_per_minute": 3, "tokens_per_minute": 4},),
    )
    team, feature, tenant, sales = (
        {"key": f"metadata.{name}", "value": value}
        for name, value in (("team", "support"), ("feature", "chat"), ("tenant", "harbor"), ("team", "sales"))
    )
    assert found["usage_limits"] == [
        {
            "name": "b0", "conditions": [team, feature], "group_by": [{"key": "metadata.team"}, {"key": "metadata.feature"}],
            "type": "cost", "credit_limit": 100, "alert_threshold": 80, "periodic_reset": "monthly",
        },
        {
            "name": "b1", "conditions": [{"key": "api_key", "value": "*"}], "group_by": [{"key": "workspace_id"}],
            "type": "tokens", "credit_limit": 5, "periodic_reset_days": 1,
        },
    ]  # fmt: skip
    assert [(one["name"], one["conditions"], one["type"], one["unit"], one["value"]) for one in found["rate_limits"]] == [
        ("b2", [tenant], "requests", "rpd", 7),
        ("r0 (requests)", [sales], "requests", "rpm", 3),
        ("r0 (tokens)", [sales], "tokens", "rpm", 4),
    ]
    [hook] = found["config"]["before_request_hooks"]
    assert hook["checks"][0]["parameters"]["rules"] == {"defaults": ["*"], "metadata": {"team": {"sales": ["a", "b"]}}}
    assert made.left_out == [
        "budget b3: sales is told, nothing is stopped; --enforce makes it a limit that refuses calls",
    ]


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        ({"measure": "requests", "amount": 1, **BLOCK}, "not by month"),
        ({"amount_usd": 1, "model": "a", **BLOCK}, "slug of their provider"),
        ({"measure": "gpu_hours", "amount": 1}, "GPU hours pass no gateway"),
        ({"amount_usd": 1, "team": "a", "feature": "b", "allowed_models": ["c"], **BLOCK}, "of one team, tenant, feature or environment"),
    ],
)
def test_what_portkey_cannot_express_is_said_with_the_reason(budget: dict[str, Any], said: str) -> None:
    _, made = exported("portkey", budget)
    assert [line for line in made.left_out if said in line]
