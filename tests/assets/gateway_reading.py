"""A gateway's file written from a few budgets, read as the gateway would, and held against what it takes."""

import json
from datetime import date
from typing import Any

import gateway_facts as facts
import yaml
from jsonschema import Draft202012Validator

from meterbook.assets.budgets import BudgetsFile
from meterbook.assets.gateway_export import Gateway, export
from meterbook.assets.gateways import Asked, Exported

DAY = date(2026, 11, 28)
BLOCK = {"at_limit": {"do": "block"}}
CLASSES = [{"class": "small", "models": ["gpt-5-mini"]}, {"class": "large", "models": ["gpt-5*", "claude.opus"]}]


def file_of(*budgets: dict[str, Any], rates: tuple[dict[str, Any], ...] = ()) -> BudgetsFile:
    named = [{"budget": f"b{number}", **one} for number, one in enumerate(budgets)]
    limits = [{"limit": f"r{number}", **one} for number, one in enumerate(rates)]
    return BudgetsFile.model_validate({"model_classes": CLASSES, "budgets": named, "rate_limits": limits})


def exported(gateway: Gateway, *budgets: dict[str, Any], enforce: bool = False, zone: str = "UTC", **more: Any) -> tuple[Any, Exported]:
    """What was written, read as the gateway would, and checked against what it takes."""
    made = export(gateway, Asked(file_of(*budgets, **more), DAY, zone, enforce=enforce))
    return checked(gateway, made), made


def checked(gateway: Gateway, made: Exported) -> Any:
    if gateway == "portkey":
        found = json.loads(made.text)
        Draft202012Validator(facts.PORTKEY).validate(found)
    elif gateway == "envoy":
        found = list(yaml.safe_load_all(made.text))
        for one in found:
            Draft202012Validator(facts.ENVOY[one["kind"]]).validate(one)
    else:
        found = yaml.safe_load(made.text)
        Draft202012Validator(facts.LITELLM if gateway == "litellm" else facts.KONG).validate(found)
    return found


def rules_of(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list(found[-1]["spec"]["rateLimit"]["global"]["rules"])
