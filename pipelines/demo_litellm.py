"""The sample company's request attempts as its gateway, LiteLLM, logs them."""

import hashlib
from datetime import date, datetime, timedelta
from functools import cache

from meterbook.pipelines.demo_bodies import bodies_of
from meterbook.pipelines.demo_company import FEATURES, PRICES, SERVED, TENANTS, UNOWNED_KEY
from meterbook.pipelines.demo_plants import DEFERRABLE
from meterbook.pipelines.demo_requests import Requests, reported_pico, usd

GATEWAY_NAMES = {"google": "vertex_ai"}
"""LiteLLM's own name of a provider, where it is another."""


def lines_of(made: Requests, day: date) -> list[bytes]:
    """The attempts as LiteLLM writes them, one JSON line each."""
    midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 -- LiteLLM writes UTC without a zone
    return [_line(made, n, pico, midnight) for n, pico in enumerate(reported_pico(made, day))]


def _line(made: Requests, n: int, pico: int, midnight: datetime) -> bytes:
    feature, model = FEATURES[made.feature[n]], made.model[n]
    started = midnight + timedelta(milliseconds=int(made.millisecond[n]))
    start, end = (at.isoformat(timespec="milliseconds") for at in (started, started + timedelta(milliseconds=int(made.latency[n]))))
    environment = "staging" if made.staging[n] else "prod"
    alias = UNOWNED_KEY if made.unowned[n] else f"{feature.name}-{environment}"
    tags = "" if made.unowned[n] else f'"feature:{feature.name}"{_more_tags(made, n)}'
    prompt, output, read, written = int(made.prompt[n]), int(made.output[n]), int(made.read[n]), int(made.written[n])
    call = f"{int(made.operation[n]):016x}"
    request = f"{call}-{int(made.millisecond[n])}" + ("_cache_hit" if made.cache_hit[n] else "")
    return (
        f'{{"request_id":"{request}","litellm_call_id":"{call}","call_type":"acompletion","api_key":"{_key(alias)}",'
        f'"spend":{usd(pico)},"total_tokens":{prompt + output},"prompt_tokens":{prompt},"completion_tokens":{output},'
        f'"startTime":"{start}","endTime":"{end}","completionStartTime":null,"model":"{model}","model_group":"{made.wanted[n] or model}",'
        f'"custom_llm_provider":"{_gateway_name(model)}","user":"",'
        f'"metadata":{{"user_api_key_alias":"{alias}","user_api_key_project_id":"{feature.project}",{_error(made, n)}'
        f'"usage_object":{{{_tier(made, n)}"prompt_tokens_details":{{"cached_tokens":{read}}},'
        f'"completion_tokens_details":{{"reasoning_tokens":{int(made.reasoning[n])}}},'
        f'"cache_creation_input_tokens":{written}}}}},"cache_hit":"{bool(made.cache_hit[n])}","request_tags":[{tags}],'
        f'"end_user":"{TENANTS[made.tenant[n]]}","session_id":"{made.session[n] or call}","status":"{made.status[n]}"{bodies_of(made, n)}}}'
    ).encode()


def _more_tags(made: Requests, n: int) -> str:
    arm = f',"experiment_arm:{made.arm[n]}"' if made.arm[n] else ""
    return arm + (',"deferrable:true"' if FEATURES[made.feature[n]].name == DEFERRABLE else "")


def _error(made: Requests, n: int) -> str:
    if made.status[n] == "success":
        return ""
    name, code = ("Timeout", 408) if made.prompt[n] else ("RateLimitError", 429)
    return f'"error_information":{{"error_class":"{name}","error_code":"{code}"}},'


def _tier(made: Requests, n: int) -> str:
    return "" if made.tier[n] == "standard" else f'"service_tier":"{made.tier[n]}",'


@cache
def _gateway_name(model: str) -> str:
    price = PRICES.get(model, SERVED.get(model))
    return GATEWAY_NAMES.get(price.provider, price.provider) if price else "acme"


@cache
def _key(alias: str) -> str:
    return hashlib.sha256(alias.encode()).hexdigest()
