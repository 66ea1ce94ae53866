"""One call costs the same whichever tool logged it."""

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from shapes import KNOWN, SHAPES, Buckets
from writers import PRICE, bytes_of

from meterbook.assets.content import Content
from meterbook.assets.ingest import formats
from meterbook.assets.ingest.format import sample_of
from meterbook.assets.workspace import Workspace, project

REQUESTS = [name for name in formats() if project().models[f"staging.{name}"].header.kind == "request"]
CASES = {f"{name} {variant}": (name, shape) for name in REQUESTS for variant, shape in SHAPES.get(name, {}).items()}
USD = {"input": 3, "cache_read": "0.3", "cache_write_5m": "3.75", "cache_write_1h": 6, "output": 15}
"""Per million tokens of claude-sonnet-4-5."""
CARD = f"""provider: {{provider}}
models:
  "{{model}}":
    aliases: ['*claude-sonnet-4-5*', '*claude-4.5-sonnet*', '*claude-sonnet-4.5*']
    rates:
    - {{{{starts_on: 2026-01-01, {", ".join(f"{meter}: {usd}" for meter, usd in USD.items())}, source: test, checked_on: 2026-11-01}}}}
"""


def cost(buckets: Buckets) -> Decimal:
    """USD of buckets by the card."""
    return sum((Decimal(usd) * count for usd, count in zip(USD.values(), buckets, strict=True)), Decimal(0)).scaleb(-6)


def source(case: str) -> dict[str, Any]:
    name, shape = CASES[case]
    kind = {"format": "mapped", "mapping": shape.mapping} if shape.mapping else {"format": name, "options": dict(shape.options)}
    return {"name": case, "path": f"{list(CASES).index(case):02}/*", **kind}


def needed(workspace: Workspace) -> list[Any]:
    """The models that core.request_cost is made of, in order."""
    models, wanted = workspace.project.models, {"core.request_cost"}
    for name in reversed(models):
        if name in wanted:
            wanted |= {table for table in workspace.catalog.upstream(models[name]) if table in models}
    return [model for name, model in models.items() if name in wanted and workspace.catalog.is_active(name)]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Mapping[str, Any]]:
    """What becomes of each shape in a book whose inbox holds them all: one row of core.request with its cost."""
    folder = tmp_path_factory.mktemp("same")
    (folder / "rate_cards").mkdir()
    for provider, model in (("anthropic", "claude-sonnet-4-5"), ("aws.bedrock", "anthropic.claude-sonnet-4-5-20250929-v1:0")):
        (folder / "rate_cards" / f"{provider}.yaml").write_text(CARD.format(provider=provider, model=model), "utf-8")
    (folder / "meterbook.yaml").write_text(json.dumps({"name": "One call", "sources": [source(case) for case in CASES]}), "utf-8")
    for number, (_, shape) in enumerate(CASES.values()):
        path = folder / "inbox" / f"{number:02}" / "calls"
        path.parent.mkdir(parents=True)
        path.write_bytes(bytes_of(shape.write(f"call-{number:02}")))
    workspace = Workspace(folder)
    done = workspace.ingest()
    assert (done.refused, workspace.inbox.quarantine()["reason"].to_list()) == ([], [])
    for model in needed(workspace):
        workspace.engine.build(model)
    with workspace.catalog.connect() as con:
        query = "select request.*, cost.cost_usd, cost.unpriced_reason from core.request as request join core.request_cost as cost"
        rows = list(con.sql(f"{query} using (request_id, day)").pl().iter_rows(named=True))
    assert sorted(row["source"] for row in rows) == sorted(CASES)
    return {row["source"]: row for row in rows}


def buckets(row: Mapping[str, Any]) -> Buckets:
    cached = (row[name] or 0 for name in ("cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens"))
    return (row["input_tokens"], *cached, row["output_tokens"])  # type: ignore[return-value] # five of them


@pytest.mark.parametrize("name", REQUESTS)
def test_every_format_of_requests_has_the_call(name: str) -> None:
    assert SHAPES.get(name), f"write the call of shapes.py in the shape of {name}"


@pytest.mark.parametrize("case", CASES)
def test_the_call_has_the_same_buckets_in_every_format(found: Mapping[str, Mapping[str, Any]], case: str) -> None:
    assert buckets(found[case]) == CASES[case][1].gives


@pytest.mark.parametrize("case", CASES)
def test_the_call_costs_the_same_to_the_picodollar(found: Mapping[str, Mapping[str, Any]], case: str) -> None:
    shape, row = CASES[case][1], found[case]
    if shape.reported:
        assert row["cost_usd"] == PRICE
    else:
        assert (row["cost_usd"], row["unpriced_reason"]) == (cost(shape.gives), None)
    assert (shape.gives == KNOWN) == (not shape.why), "a shape that does not give all says why"


@pytest.mark.parametrize("case", CASES)
def test_reasoning_is_for_information_and_never_added(found: Mapping[str, Mapping[str, Any]], case: str) -> None:
    assert found[case]["reasoning_tokens"] in {None, 300}


def test_the_price_of_the_call_is_what_the_card_gives() -> None:
    assert cost(KNOWN) == PRICE


@pytest.mark.parametrize("case", [case for case, (name, _) in CASES.items() if not name.startswith("mapped_")])
def test_a_shape_is_recognised_as_its_format_and_as_no_other(case: str, tmp_path: Path) -> None:
    name, shape = CASES[case]
    (tmp_path / "calls").write_bytes(bytes_of(shape.write("call-1")))
    sample = sample_of(Content(tmp_path / "calls"))
    assert [other for other, one in formats().items() if one.recognises(sample)] == [name]


def test_shapes_are_of_formats_there_are() -> None:
    assert not set(SHAPES) - set(REQUESTS)
