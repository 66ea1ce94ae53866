"""What a line of a cloud bill bought: a model's tokens, a GPU instance, or something else; from the words vendors give it.

Bills name things in free text that differs by vendor and year: `USE1-NovaLite-cache-read-input-token-count-batch`,
`USE1-MP:USE1_CacheReadInputTokenCount-Units`, `gpt 4o mini 0718 cached Inp glbl Tokens`, `Gemini 2.5 Flash GA Thinking Text Output`. So
they are read word by word, never by one substring. What is not understood keeps its money and has no meter, and no tokens.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from meterbook.assets.ingest.format import LARGEST

CLOUDS = {"aws": "aws.bedrock", "azure": "azure.ai.openai", "gcp": "google"}
"""Clouds, with the provider that sells their models, in the spelling of gen_ai.provider.name."""
_CLOUD_WORDS = {"aws": "aws", "amazon": "aws", "microsoft": "azure", "azure": "azure", "google": "gcp", "oracle": "oracle"}
_SELLERS = re.compile(r"openai|anthropic|mistral|cohere|deepseek|openrouter|groq|x\.?ai|perplexity|together|fireworks|litellm")
_MODEL_SERVICES = re.compile(r"bedrock|azure openai|openai|foundry models|gemini api|generative language|anthropic|claude", re.IGNORECASE)
_MODEL_WORDS = re.compile(r"\btokens?\b|token_?count|gemini|claude|\bgpt\b|gpt-|llama|mistral|embedding", re.IGNORECASE)
_GPU_AWS = re.compile(r"(?<![a-z0-9])(?:p[2-9]|g[2-9]|gr\d|trn\d|inf\d|dl\d)[a-z0-9-]*\.\d*(?:xlarge|metal)", re.IGNORECASE)
_GPU_AZURE = re.compile(r"(?<![A-Za-z0-9])N[CDGV](?:\d|\s?[a-z]*\s[AHBLTV]\d|[a-z]*\s?v\d)")
_GPU_GCP = re.compile(r"\bGPU\b|\b[AG][234](?:Plus)? (?:Ultra |Mega |High |Edge )?Instance (?:Core|Ram)\b", re.IGNORECASE)
_GPU = {"aws": _GPU_AWS, "azure": _GPU_AZURE, "gcp": _GPU_GCP}
_MODEL_IN = {
    "aws": re.compile(r"[A-Z]{2,4}\d{1,2}-(?!MP:)([^\s:]+?)(?:-mantle)?-(?:input|output|cache)-", re.IGNORECASE),
    "azure": re.compile(r"(.+?)[ -]+(?:batch|cached|cchd|cd|ch|pp|inp|inpt|input|outp|outpt|opt|output)\b", re.IGNORECASE),
    "gcp": re.compile(r".*?\b((?:gemini|claude) (?:\d[\d.]* )?[a-z]+(?:[ -]lite)?(?: \d[\d.]*)?)(?= |$)", re.IGNORECASE),
}
_EDITION = " (Amazon Bedrock Edition)"
_UNIT = re.compile(r"(?:([\d,.]+)\s*)?(k|m|thousand|million)?\s*tokens?", re.IGNORECASE)
_FACTORS = {"": 1, "k": 1_000, "thousand": 1_000, "m": 1_000_000, "million": 1_000_000}
_CACHE = {"cache", "cached", "caching", "cchd", "cd", "ch"}
_WRITE = {"write", "wr", "writes", "creation"}
_INPUT = {"input", "inp", "inpt", "prompt"}
_OUTPUT = {"output", "outp", "outpt", "opt", "response", "completion"}
_OTHER_MEDIA = {"audio", "aud", "image", "img", "video", "character", "characters", "search", "session", "training", "hosting", "guardrail"}
_TIERS = {"batch": "batch", "flex": "flex", "priority": "priority", "pp": "priority"}
_METERS = {"cached_input": "cache_read", "cached_input_tokens": "cache_read", "cache_write": "cache_write_5m"}
METERS = frozenset({"input", "cache_read", "cache_write_5m", "cache_write_1h", "output"})


@dataclass(frozen=True)
class Bought:
    """What a line bought.

    Args:
        scope: model, gpu or other.
        meter: which tokens, or None.
        tier: batch, flex or priority; None is standard.
    """

    scope: str
    meter: str | None = None
    tier: str | None = None


def provider_of(*names: str | None) -> str:
    """Who sells, in one word: aws, azure, gcp, oracle, or the first name that there is, in small letters."""
    for name in names:
        words = re.findall(r"[a-z]+", (name or "").lower())
        for word in words:
            if word in _CLOUD_WORDS:
                return _CLOUD_WORDS[word]
        if name:
            found = _SELLERS.search(name.lower())
            return re.sub(r"^x\.?ai$", "x_ai", found.group()) if found else name.strip().lower()
    return "(none)"


@lru_cache(maxsize=65_536)
def bought(provider: str, service: str, *texts: str | None, is_model: bool = False, has_gpus: bool = False) -> Bought:
    """Judge a line by its words.

    Args:
        provider: as provider_of gives it.
        service: name of the service.
        texts: meter, usage type, description, most telling first.
        is_model: the bill itself says that it is a model.
        has_gpus: the bill itself says that the machine has GPUs.
    """
    given = [text for text in texts if text]
    if has_gpus or any(_GPU[provider].search(text) for text in given if provider in _GPU):
        return Bought("gpu")
    if not is_model and not _is_model(provider, service, given):
        return Bought("other")
    meters = [meter_of(text) for text in given]
    tiers = [_TIERS[word] for text in given for word in _words(text) if word in _TIERS]
    return Bought("model", next((meter for meter in meters if meter), None), next(iter(tiers), None))


def _is_model(provider: str, service: str, texts: list[str]) -> bool:
    if _MODEL_SERVICES.search(service) or (provider not in {*CLOUDS, "oracle"} and _SELLERS.fullmatch(provider)):
        return True
    # Platforms of many things (Vertex AI, Cognitive Services) and marketplaces: by what the line itself says.
    is_platform = re.search(r"vertex ai|cognitive services|foundry|marketplace|machine learning", service, re.IGNORECASE)
    return bool(is_platform and any(_MODEL_WORDS.search(text) for text in texts)) or any(_tokens_sold(text) for text in texts)


def _tokens_sold(text: str) -> bool:
    words = _words(text)
    return bool({"token", "tokens"} & words and (_INPUT | _OUTPUT) & words)


@lru_cache(maxsize=65_536)
def _words(text: str) -> frozenset[str]:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", " ", text)
    return frozenset(re.findall(r"[a-z]+|\d+[a-z]*", spaced.lower()))


@lru_cache(maxsize=65_536)
def meter_of(text: str) -> str | None:
    """Which tokens a meter's name means; None where it means none, or something priced apart such as audio."""
    known = text.lower().replace("-", "_")
    if known in METERS or known in _METERS:
        return _METERS.get(known, known)
    words = _words(text)
    if words & _OTHER_MEDIA:
        return None
    if words & _CACHE:
        if words & {"storage", "hour", "hours"} and not words & {"1h"}:
            return "cache_storage"
        if words & _WRITE:
            return "cache_write_1h" if words & {"1h", "1hr", "1hour"} else "cache_write_5m"
        return "cache_read"
    return "output" if words & _OUTPUT else "input" if words & _INPUT else None


def model_of(provider: str, service: str, *texts: str | None) -> str | None:
    """The model a line of tokens names; None where it names none.

    Names in prose become the ids they stand for: `Gemini 2.5 Flash GA Text Input` is gemini-2.5-flash, `Claude Sonnet 4.5 (Amazon
    Bedrock Edition)` claude-sonnet-4-5. `USE1-NovaLite-input-tokens` nova-lite. Names that are ids stay as they are.
    """
    named = (_model_in(provider, text) for text in texts if text)
    found = next((name for name in named if name), None)
    if found is None and service.endswith(_EDITION):
        found = service.removesuffix(_EDITION)
    return model_id(found) if found else None


def model_id(name: str) -> str:
    """A model's name in prose as an id."""
    if " " not in name.strip():
        return name.strip()
    joined = "-".join(name.lower().split())
    return re.sub(r"(\d)\.(\d)", r"\1-\2", joined) if joined.startswith("claude") else joined


def _model_in(provider: str, text: str) -> str | None:
    if provider not in _MODEL_IN:
        name, comma, meter = text.partition(", ")
        return name if comma and meter_of(meter) else None
    found = _MODEL_IN[provider].match(text.strip())
    if not found or not meter_of(text):
        return None
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", found[1]) if provider == "aws" else found[1]


def tokens_per_unit(unit: str | None) -> int | None:
    """How many tokens a unit stands for: `Tokens`, `1K tokens`, `1000000 Tokens`, `1M Tokens`; None where it is not one of tokens."""
    found = _UNIT.fullmatch((unit or "").strip())
    if not found:
        return None
    number = (found[1] or "1").replace(",", "")
    if not re.fullmatch(r"\d{1,9}(\.0*)?", number):
        return None
    return int(Decimal(number)) * _FACTORS[(found[2] or "").lower()]


def tokens(quantity: Decimal | None, per_unit: int | None) -> int | None:
    """Tokens of a quantity; None where it is unknown or no whole number of tokens.

    Amounts are doubles in many bills, so the last digits are noise: a thousandth of a token is forgiven.
    """
    if quantity is None or per_unit is None or abs(quantity) * per_unit > LARGEST:
        return None
    found = quantity * per_unit
    whole = found.to_integral_value()
    return int(whole) if abs(found - whole) <= Decimal("0.001") else None
