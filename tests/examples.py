"""How many examples a property is tried with: few and always the same in `make test`, ten times as many by chance in `make nightly`."""

import os
from typing import Any

from hypothesis import settings

IS_NIGHT = bool(os.environ.get("METERBOOK_NIGHTLY"))
TIMES = 10 if IS_NIGHT else 1


def examples(count: int, **more: Any) -> settings:
    """Settings for so many examples in the quick tests; what an example takes is no failure."""
    return settings(**{"max_examples": count * TIMES, "deadline": None, "derandomize": not IS_NIGHT, **more})
