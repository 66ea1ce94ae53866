"""Which models are in which class."""

from collections.abc import Mapping
from typing import Any

from meterbook.reports.ratecard import ModelClass, RateCard
from meterbook.reports.section import Section


def _build(card: RateCard) -> Mapping[str, Any] | None:
    return {"classes": [(one.name, _models(one)) for one in card.classes]} if card.classes else None


def _models(one: ModelClass) -> str:
    """What the class is by, and the models that were used of it: names say best what a class is for."""
    asked = ", ".join(one.models)
    return f"{asked} \N{MIDDLE DOT} used: {', '.join(one.seen)}" if one.seen else f"{asked} \N{MIDDLE DOT} none was used"


SECTION = Section("ratecard_models", _build, "The card has no class of models.", "Classes: the first that matches a model is its class")
