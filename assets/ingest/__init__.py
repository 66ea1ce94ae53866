"""Input formats: one module each, discovered by its FORMAT (or FORMATS) value, never registered."""

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module

from meterbook.assets.ingest.format import Format


@cache
def formats() -> Mapping[str, Format]:
    """Every format there is, by name."""
    found: list[Format] = []
    for module in pkgutil.iter_modules(__path__):
        loaded = import_module(f"{__name__}.{module.name}")
        found += [loaded.FORMAT] if hasattr(loaded, "FORMAT") else list(getattr(loaded, "FORMATS", ()))
    return {one.name: one for one in sorted(found, key=lambda one: one.name)}
