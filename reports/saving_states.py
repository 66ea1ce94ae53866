"""The states of an idea to save, in their order, each with its date in savings.yaml."""

from collections.abc import Mapping

STATES: Mapping[str, str] = {
    "idea": "idea_on",
    "committed": "committed_on",
    "live": "live_since",
    "verified": "verified_on",
    "promoted": "promoted_on",
    "retired": "retired_on",
}
