"""Request tags of a gateway decide who owns a call: from the file in the inbox to the owner, and to the rule that is proposed."""

import json
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from running import typed
from small import built, call, limited, price, write

from meterbook.assets.workspace import Workspace

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("all_small")]
BOOK = """\
name: Acme
sources:
  - name: gateway
    path: "*.jsonl"
    format: litellm_spendlogs
    options: {tags: [%s]}
"""
OWNERS = """\
field,pattern,team,priority
tags.unit,search,Search,
tags.beta,true,Labs,1
"""
DAY = date(2026, 10, 5)
MILLION = 1_000_000


def _tagged(name: str, millions: int, *tags: str, **said: str) -> str:
    metadata = {"user_api_key_alias": "shared", "spend_logs_metadata": said}
    return call(name, DAY, millions * MILLION, spend=millions, api_key="one-key-for-all", request_tags=tags, metadata=metadata)


CALLS = (
    _tagged("a", 1, "unit:search"),
    _tagged("b", 1, unit="search"),
    _tagged("c", 1, "beta", "region=eu"),
    _tagged("d", 5, "unit=sales", "run:1"),
    _tagged("e", 3, "unit=legal, external", "run:2", "region=eu"),
    _tagged("f", 2, "run:3"),
)


def made(folder: Path, names: str, owners: str = OWNERS, tables: Sequence[str] = ("marts.owner_coverage", "marts.cost")) -> Path:
    write(folder / "meterbook.yaml", [BOOK % names])
    write(folder / "owners.csv", [owners])
    price(folder, "openai", "gpt-5")
    write(folder / "inbox/log.jsonl", CALLS)
    built(limited(Workspace(folder), *tables))
    return folder


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("tagged"), "unit, beta")


@pytest.fixture(scope="module")
def untagged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same calls in a book that names no tags."""
    return made(tmp_path_factory.mktemp("untagged"), "")


def teams(folder: Path) -> dict[str, str | None]:
    with Workspace(folder).catalog.connect() as con:
        return dict(con.execute("select request_id, team from core.request").fetchall())


def test_rules_on_request_tags_and_metadata_own_the_calls(book: Path) -> None:
    assert teams(book) == {"a": "Search", "b": "Search", "c": "Labs", "d": None, "e": None, "f": None}


def test_a_book_that_names_no_tags_has_none_to_be_matched(untagged: Path) -> None:
    assert set(teams(untagged).values()) == {None}


def test_the_tag_that_tells_most_of_the_unowned_cost_apart_is_proposed(book: Path) -> None:
    said = typed(book, "owners", "coverage")
    assert (said.code, said.err) == (0, "")
    assert "80.0\xa0% of what nobody owns has the tag unit; or, by its values:" in said.out
    _, by_key, by_tag = said.out.split("field,pattern,team,priority\n")
    assert by_key.splitlines()[0] == "key_id,one-key-for-all,TEAM,"
    assert by_tag.splitlines() == ["tags.unit,sales,TEAM,", 'tags.unit,"legal, external",TEAM,']


def test_the_proposed_rules_own_the_calls_that_have_the_tag(book: Path, tmp_path: Path) -> None:
    found = json.loads(typed(book, "owners", "coverage", "--format", "json").out)["by_tag"]
    assert [(row["field"], row["value"], row["events"]) for row in found] == [
        ("tags.unit", "sales", 1),
        ("tags.unit", "legal, external", 1),
    ]
    assert [Decimal(row["cost_usd"]) for row in found] == [Decimal("5.0001"), Decimal("3.0001")]
    rules = OWNERS + "\n".join(row["rule"].replace("TEAM", "Rest") for row in found)
    owned = teams(made(tmp_path, "unit, beta", rules, ["core.request"]))
    assert owned == {"a": "Search", "b": "Search", "c": "Labs", "d": "Rest", "e": "Rest", "f": None}


def test_of_two_tags_that_cover_as_much_the_one_of_fewer_values_is_proposed(tmp_path: Path) -> None:
    folder = made(tmp_path, "run*, unit, region")
    found = json.loads(typed(folder, "owners", "coverage", "--top", "2", "--format", "json").out)["by_tag"]
    assert [(row["field"], row["value"]) for row in found] == [("tags.unit", "sales"), ("tags.unit", "legal, external")]


def test_without_tags_nothing_is_proposed_by_tag(untagged: Path) -> None:
    assert "has the tag" not in typed(untagged, "owners", "coverage").out
    assert json.loads(typed(untagged, "owners", "coverage", "--format", "json").out)["by_tag"] == []
