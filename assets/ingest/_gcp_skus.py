"""What a row of a Google Cloud bill bought, from the words of its SKU."""

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from meterbook.assets.ingest._sku import CLOUDS, METERS, bought, tokens
from meterbook.assets.ingest.format import LARGEST

_GPU = re.compile(r"\bGPUs?\b")
_COMMITMENT = re.compile(r"^\s*Commitment\b", re.IGNORECASE)
_MACHINE = re.compile(r"\b[AG]\dX?\b.*\b(?:Core|Cpu|Ram)\b")
"""Cores and memory of the machine families that have GPUs; they are billed beside the GPUs."""
_MEDIA_MODEL = re.compile(r"\b(?:imagen|veo|lyria|chirp|gemma)\b", re.IGNORECASE)
_GEMINI = re.compile(
    r"\bgemini\s+(?P<version>\d+(?:\.\d+)?)\s+(?P<family>flash[ -]lite|flash|pro|ultra|nano)(?P<kind>\s+(?:image|live|tts)\b)?",
    re.IGNORECASE,
)
_CLAUDE = re.compile(r"\bclaude\s+(?:\d\S*\s+)?(?:opus|sonnet|haiku)(?:\s+\d\S*)?", re.IGNORECASE)
_LICENCE = re.compile(r"licen[cs]", re.IGNORECASE)
_SECONDS_OF_AN_HOUR = 3600
_FIRST_BY_TOKENS = 2
"""Gemini before 2.0 was sold by characters on Vertex AI."""


def line(row: Mapping[str, Any]) -> dict[str, Any]:
    """What a row bought: scope, provider, model, meter, served_tier, quantity with its unit, tokens.

    Args:
        row: texts `service_name` and `line_item`, `amount` as a decimal in `usage_unit`.
    """
    what = _words(row["service_name"] or "", row["line_item"] or "")
    amount, unit = row["amount"], row["usage_unit"]
    if amount is None or abs(amount) > LARGEST:
        return {**what, "quantity": None, "quantity_unit": None, "tokens": None}
    if what["meter"] == "gpu_hours" and unit == "seconds":
        return {**what, "quantity": _rounded(amount / _SECONDS_OF_AN_HOUR), "quantity_unit": "hours", "tokens": None}
    counted = tokens(amount, 1) if what["meter"] in METERS and _counts_tokens(row["line_item"] or "") else None
    return {
        **what,
        "meter": None if what["meter"] == "gpu_hours" else what["meter"],
        "quantity": _rounded(amount),
        "quantity_unit": "tokens" if counted is not None else unit,
        "tokens": counted,
    }


def _rounded(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("1E-6"))


@lru_cache(maxsize=65_536)
def _words(service: str, sku: str) -> dict[str, str | None]:
    # `Generate content output token count gemini 2.5 flash short input text` is output: the second direction is the price tier.
    has_gpus = _MACHINE.search(sku) is not None
    what = bought("gcp", service, sku, is_model=_MEDIA_MODEL.search(sku) is not None, has_gpus=has_gpus)
    is_gpu = what.scope == "gpu" and _GPU.search(sku) and not _COMMITMENT.search(sku) and not _LICENCE.search(sku)
    name = what.meter or sku.strip() or None
    return {
        "scope": what.scope,
        "provider": CLOUDS["gcp"] if what.scope == "model" else "gcp",
        "model": _model(sku) if what.scope == "model" else None,
        "meter": name if what.scope == "model" else "gpu_hours" if is_gpu else None,
        "served_tier": what.tier,
    }


def _model(sku: str) -> str | None:
    if found := _GEMINI.search(sku):
        return re.sub(r"\s+", "-", f"gemini-{found['version']}-{found['family']}{found['kind'] or ''}".lower())
    if found := _CLAUDE.search(sku):
        return re.sub(r"[\s.]+", "-", found.group().lower())
    return None


def _counts_tokens(sku: str) -> bool:
    """Whether amounts of a SKU are tokens: those of Gemini since 2.0, and those that say so."""
    found = _GEMINI.search(sku)
    if found:
        return int(found["version"].split(".")[0]) >= _FIRST_BY_TOKENS
    return re.search(r"\btokens?\b", sku, re.IGNORECASE) is not None
