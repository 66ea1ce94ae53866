"""A call with audio has the same buckets whichever tool logged it."""

from typing import Any

import pytest
from spoken import BUCKETS, REASONING, SHAPES, Shape

from meterbook.assets.workspace import project

UNTOLD = {
    "bedrock_invocation_logs": "the log has one count of input",
    "cloudflare_logs": "tokens_in is one number",
    "cloudflare_logpush": "a count in clear is one number",
    "openrouter_activity_csv": "the CSV has no media",
    "openrouter_generation": "media are counted by the piece, not by the token",
    "openrouter_activity": "sums of all media",
    "anthropic_usage": "Anthropic's models take no audio",
    "anthropic_analytics_usage": "Anthropic's models take no audio",
}
"""Formats that cannot tell audio from text, and why."""
FORMATS = [
    name.removeprefix("staging.") for name, model in project().models.items() if getattr(model.header, "kind", None) in {"request", "usage"}
]


def staged(desk: Any, name: str, shape: Shape) -> dict[str, Any]:
    kind = {"format": "mapped", "mapping": shape.mapping} if shape.mapping else {"format": name, "options": dict(shape.options)}
    desk.take({"calls/call": shape.text}, [{"name": "here", "path": "calls/*", **kind}])
    assert desk.reasons() == []
    [row] = desk.staged(name).iter_rows(named=True)
    return dict(row)


@pytest.mark.parametrize("case", SHAPES)
def test_a_spoken_call_has_the_same_buckets_in_every_encoding(desk: Any, case: str) -> None:
    shape = SHAPES[case]
    row = staged(desk, case.partition(",")[0], shape)
    assert tuple(row.get(name) or 0 for name in BUCKETS) == shape.gives
    assert row.get("reasoning_tokens") in {None, REASONING}


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_has_the_spoken_call_or_says_why_it_cannot(name: str) -> None:
    has_it = any(case.partition(",")[0] == name for case in SHAPES)
    assert has_it != (name in UNTOLD), f"write the call of spoken.py in the shape of {name}, or say why that cannot be"
