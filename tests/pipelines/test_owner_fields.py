"""docs/owners.md says which sources carry which field: held against the models."""

import re
from pathlib import Path

from meterbook.assets.ingest import formats
from meterbook.assets.owners import FIELDS
from meterbook.assets.workspace import columns

DOC = (Path(__file__).parents[2] / "docs" / "owners.md").read_text("utf-8")
NAMED = {
    "bedrock_invocation_logs": "Bedrock",
    "helicone": "Helicone",
    "litellm_spendlogs": "LiteLLM",
    "litellm_standard_logging": "LiteLLM",
    "mapped_request": "mapped files",
    "mapped_usage": "mapped files",
    "otlp_spans": "OTLP",
    "portkey_logs": "Portkey",
}


def test_every_field_is_documented_in_the_order_in_which_it_is_more_exact() -> None:
    rows = [line.split("|")[1] for line in DOC.splitlines() if line.startswith("| `")]
    assert [name.removesuffix(".<name>") for row in rows for name in re.findall(r"`([^`]+)`", row)] == list(FIELDS)


def test_the_sources_of_accounts_and_tags_are_those_the_page_names() -> None:
    carrying = {
        field: {name.removeprefix("staging.") for name, shape in columns().items() if name.startswith("staging.") and field in shape}
        for field in ("account_id", "tags")
    }
    assert carrying["account_id"] - {"request", "usage"} == set(NAMED)
    kinds = {"request", "charge"}
    charges = {name for name in carrying["tags"] - kinds if "charge_id" in columns()[f"staging.{name}"]}
    heeding = {name for name, one in formats().items() if re.search(r"\btags\b", one.about.options)}
    # A trace is no call: what it says of its calls they have.
    assert carrying["tags"] - kinds - charges == (heeding | {"mapped_request"}) - {"langfuse_traces"}
    [row] = [line for line in DOC.splitlines() if line.startswith("| `account_id`")]
    assert all(name in row for name in NAMED.values())
