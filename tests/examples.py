"""How many examples a property is tried with: few in `make test`, ten times as many in `make nightly`."""

import os
from typing import Any

from hypothesis import settings

TIMES = 10 if os.environ.get("METERBOOK_NIGHTLY") else 1


def examples(count: int, **more: Any) -> settings:
    """Settings for so many examples in the quick tests; what an example takes is no failure."""
    return settings(max_examples=count * TIMES, deadline=None, **more)
