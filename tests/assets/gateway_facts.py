"""What gateways take, as JSON schemas of the parts that are written: facts read from their own sources, each with its place and date.

Unknown fields are an error here even where the gateway would let them pass: a field that is not named below was not read anywhere.
"""

from typing import Any

_TEXTS = {"type": "array", "items": {"type": "string"}}
_WHOLE = {"type": "integer", "minimum": 0}
_MONEY = {"type": "number", "minimum": 0}


def _object(required: str = "", **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required.split(), "additionalProperties": False}


def _list(items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": items, **more}


# litellm 1.108.7 (PyPI, November 2026): proxy/_types.py NewTeamRequest, models/team.py TeamBase and BudgetLimitEntry,
# types/tag_management.py TagNewRequest; litellm_core_utils/duration_parser.py resets 1d, 7d and 30d with the calendar.
_DURATION = {"enum": ["1d", "7d", "30d"]}
_BUDGET = {"max_budget": _MONEY, "soft_budget": _MONEY, "budget_duration": _DURATION, "rpm_limit": _WHOLE, "tpm_limit": _WHOLE}
_BY_MODEL = {"type": "object", "additionalProperties": _WHOLE}
_TEAM = _object(
    "team_id team_alias",
    team_id={"type": "string"},
    team_alias={"type": "string"},
    models={**_TEXTS, "minItems": 1},
    budget_limits=_list(_object("budget_duration max_budget", budget_duration=_DURATION, max_budget=_MONEY)),
    model_rpm_limit=_BY_MODEL,
    model_tpm_limit=_BY_MODEL,
    **_BUDGET,
)
_TAG = _object("name", name={"type": "string"}, **_BUDGET)
LITELLM = _object(
    "litellm_settings admin_api",
    litellm_settings=_object(
        "timezone", max_budget={**_MONEY, "exclusiveMinimum": 0}, budget_duration=_DURATION, timezone={"type": "string"}
    ),
    admin_api=_list(
        {
            "oneOf": [
                _object("path body", path={"const": "/team/new"}, body=_TEAM),
                _object("path body", path={"const": "/tag/new"}, body=_TAG),
            ]
        }
    ),
)

# Kong Gateway 3.14: github.com/Kong/developer.konghq.com a1cfc4e and a71ef1d, app/_schemas/gateway/plugins/3.14/AiRateLimitingAdvanced.json
# and RateLimitingAdvanced.json; decK's file: _format_version, _info.select_tags, plugins, consumer_groups.
_MATCH = _object(
    "type",
    type={"enum": ["consumer", "consumer_group", "header", "ip", "model", "path", "provider"]},
    key={"type": "string"},
    values=_TEXTS,
    partition_by={"type": "boolean"},
)
_LIMIT = _object(
    "limit window_size",
    limit={"type": "number", "exclusiveMinimum": 0},
    window_size={"type": "integer"},
    tokens_count_strategy={"enum": ["completion_tokens", "cost", "prompt_tokens", "total_tokens"]},
)
_WINDOW = {"enum": ["fixed", "sliding"]}
_POLICY = _object("match limits", match=_list(_MATCH), limits=_list(_LIMIT, minItems=1), window_type=_WINDOW)
_NUMBERS = _list({"type": "number"}, minItems=1)
_REQUESTS = _object("limit window_size", identifier={"const": "consumer-group"}, limit=_NUMBERS, window_size=_NUMBERS, window_type=_WINDOW)
KONG = _object(
    "_format_version _info",
    _format_version={"const": "3.0"},
    _info=_object("select_tags", select_tags=_TEXTS),
    plugins=_list(_object("name config", name={"const": "ai-rate-limiting-advanced"}, config=_object("policies", policies=_list(_POLICY)))),
    consumer_groups=_list(
        _object(
            "name plugins",
            name={"type": "string"},
            plugins=_list(_object("name config", name={"const": "rate-limiting-advanced"}, config=_REQUESTS)),
        )
    ),
)

# github.com/envoyproxy/gateway 00387a9 api/v1alpha1/ratelimit_types.go; github.com/envoyproxy/ai-gateway 06c0483
# api/v1beta1/gateway_config.go and shared_types.go, read in November 2026; limits are 32 bits wide in github.com/envoyproxy/ratelimit.
_HEADER = _object(
    "name",
    name={"type": "string", "minLength": 1, "maxLength": 256},
    type={"enum": ["Exact", "RegularExpression", "Distinct"]},
    value={"type": "string", "maxLength": 1024},
    invert={"type": "boolean"},
)
_COST = _object(
    "from",
    **{"from": {"enum": ["Number", "Metadata"]}},
    number=_WHOLE,
    metadata=_object("namespace key", namespace={"const": "io.envoy.ai_gateway"}, key={"type": "string"}),
)
_RULE = _object(
    "limit",
    clientSelectors=_list(_object("headers", headers=_list(_HEADER, maxItems=16, minItems=1)), maxItems=8),
    limit=_object(
        "requests unit", requests={**_WHOLE, "maximum": 2**32 - 1}, unit={"enum": ["Second", "Minute", "Hour", "Day", "Month", "Year"]}
    ),
    cost=_object(request=_COST, response=_COST),
    shared={"type": "boolean"},
    shadowMode={"type": "boolean"},
)
_NAMED = _object("name", name={"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"})
_TARGET = _object("group kind name", group={"const": "gateway.networking.k8s.io"}, kind={"const": "Gateway"}, name={"type": "string"})
_COSTS = _object(
    "metadataKey type",
    metadataKey={"type": "string"},
    type={"enum": ["OutputToken", "InputToken", "CachedInputToken", "CacheCreationInputToken", "TotalToken", "ReasoningToken", "CEL"]},
)
ENVOY = {
    "BackendTrafficPolicy": _object(
        "apiVersion kind metadata spec",
        apiVersion={"const": "gateway.envoyproxy.io/v1alpha1"},
        kind={"const": "BackendTrafficPolicy"},
        metadata=_NAMED,
        spec=_object(
            "targetRefs rateLimit",
            targetRefs=_list(_TARGET, minItems=1),
            rateLimit=_object("global", **{"global": _object("rules", rules=_list(_RULE, maxItems=128))}),
        ),
    ),
    "GatewayConfig": _object(
        "apiVersion kind metadata spec",
        apiVersion={"const": "aigateway.envoyproxy.io/v1beta1"},
        kind={"const": "GatewayConfig"},
        metadata=_NAMED,
        spec=_object("globalLLMRequestCosts", globalLLMRequestCosts=_list(_COSTS)),
    ),
}

# Portkey's OpenAPI 2.0.0 (portkey.ai/docs/api-reference/admin-api/control-plane/policies, read in November 2026); periodic_reset_days as in
# github.com/Portkey-AI/terraform-provider-portkey 20d526d docs/resources/usage_limits_policy.md; the guardrail as in
# github.com/Portkey-AI/docs-core 1889115 integrations/guardrails/model-rules.mdx.
_KEY = {"type": "string", "pattern": r"^(api_key|workspace_id|metadata\..+)$"}
_SCOPED = {
    "name": {"type": "string", "maxLength": 255},
    "conditions": _list(_object("key value", key=_KEY, value={"type": "string"}), minItems=1),
    "group_by": _list(_object("key", key=_KEY), minItems=1),
}
_RULES = _object(
    "defaults metadata",
    defaults=_TEXTS,
    metadata={"type": "object", "additionalProperties": {"type": "object", "additionalProperties": _TEXTS}},
)
_CHECK = _object(
    "id parameters", id={"const": "default.modelRules"}, parameters=_object("rules", rules=_RULES, **{"not": {"type": "boolean"}})
)
PORTKEY = _object(
    "about not_expressed to_know",
    about=_TEXTS,
    not_expressed=_TEXTS,
    to_know=_TEXTS,
    usage_limits=_list(
        _object(
            "conditions group_by type credit_limit",
            **_SCOPED,
            type={"enum": ["cost", "tokens"]},
            credit_limit=_MONEY,
            alert_threshold=_MONEY,
            periodic_reset={"enum": ["monthly", "weekly"]},
            periodic_reset_days={"type": "integer", "minimum": 1, "maximum": 365},
        )
    ),
    rate_limits=_list(
        _object(
            "conditions group_by type unit value",
            **_SCOPED,
            type={"enum": ["requests", "tokens"]},
            unit={"enum": ["rpm", "rph", "rpd"]},
            value={"type": "number"},
        )
    ),
    config=_object(
        "before_request_hooks",
        before_request_hooks=_list(
            _object("id type deny checks", id={"type": "string"}, type={"const": "guardrail"}, deny={"const": True}, checks=_list(_CHECK))
        ),
    ),
)
