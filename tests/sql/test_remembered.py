"""What is kept between processes: found once, right or not there at all, and no harm where it is lost."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from meterbook.assets.inbox import raw_columns
from meterbook.sql import schemas
from meterbook.sql.models import LAYERS, ROOT, Header, Model, Project, read_project
from meterbook.sql.remembered import KEPT, remembered
from meterbook.sql.schemas import MACROS, columns_of, shipped_columns
from meterbook.sql.shipped import shipped

pytestmark = pytest.mark.long

MODEL = Model(
    "marts.part", "Parts.", Header(grain="one row", key=("day",)), "select day, units * 2 as units from book.part", ("book.part",)
)
PROJECT = Project({MODEL.name: MODEL}, {"call": {"day": "DATE"}}, {"book.part": {"day": "DATE", "units": "INTEGER"}})


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own for what is kept."""
    monkeypatch.setenv("METERBOOK_CACHE", str(tmp_path / "kept"))
    return tmp_path / "kept"


def _asked(project: Project) -> bool:
    """Whether columns were found anew, and not taken from what is kept."""
    with patch.object(schemas, "columns_of", wraps=columns_of) as found:
        assert shipped_columns(project) == columns_of(project)
        return bool(found.call_count)


def test_columns_are_found_once_and_in_the_order_of_the_model() -> None:
    assert _asked(PROJECT)
    assert not _asked(PROJECT)
    assert list(shipped_columns(PROJECT)["marts.part"].items()) == [("day", "DATE"), ("units", "INTEGER")]


@pytest.mark.parametrize(
    "changed",
    [
        replace(PROJECT, models={MODEL.name: replace(MODEL, sql=MODEL.sql.replace("* 2", "* cast(2 as bigint)"))}),
        replace(PROJECT, models={MODEL.name: replace(MODEL, header=MODEL.header.model_copy(update={"key": ("units",)}))}),
        replace(PROJECT, models={"marts.other": replace(MODEL, name="marts.other")}),
        replace(PROJECT, inputs={"book.part": {"day": "DATE", "units": "BIGINT"}}),
        replace(PROJECT, inputs={"book.part": {"units": "INTEGER", "day": "DATE"}}),
        replace(PROJECT, kinds={"call": {"day": "VARCHAR"}}),
    ],
    ids=["text", "header", "name", "type", "order", "kind"],
)
def test_whatever_changes_is_found_anew(changed: Project) -> None:
    assert _asked(PROJECT)
    assert _asked(changed)
    assert not _asked(PROJECT)


def test_another_macro_finds_all_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _asked(PROJECT)
    monkeypatch.setattr(schemas, "MACROS", (*MACROS, "create macro more(a) as a + 1"))
    assert _asked(PROJECT)


def test_a_model_that_is_wrong_is_refused_each_time() -> None:
    wrong = replace(PROJECT, models={MODEL.name: replace(MODEL, sql="select colour from book.part")})
    for _ in range(2):
        with pytest.raises(schemas.ModelError, match="colour"):
            shipped_columns(wrong)


@pytest.mark.parametrize("broken", ["", "{}", "cut\n{", '0\n{"marts.part": {"day": "DATE"}}'])
def test_an_entry_that_is_broken_is_found_anew(kept: Path, broken: str) -> None:
    assert _asked(PROJECT)
    [path] = kept.iterdir()
    path.write_text(broken, "utf-8")
    assert _asked(PROJECT)
    assert not _asked(PROJECT)


def test_without_a_folder_to_write_to_nothing_is_kept_and_all_is_found(kept: Path) -> None:
    kept.write_text("a file, no folder", "utf-8")
    assert _asked(PROJECT)
    assert _asked(PROJECT)


def test_entries_of_older_versions_go(kept: Path) -> None:
    for number in range(KEPT + 3):
        assert remembered("of-one-kind", number, lambda number=number: number) == number
    assert remembered("of-another", 0, lambda: 0) == 0
    assert len(list(kept.glob("of-one-kind-*"))) == KEPT
    assert len(list(kept.iterdir())) == KEPT + 1
    assert remembered("of-one-kind", KEPT + 2, _never) == KEPT + 2


def _never() -> Any:
    raise AssertionError("asked again")


def test_lineage_as_kept_is_that_which_the_parser_tells() -> None:
    raw: dict[str, dict[str, str]] = {path.stem: {"day": "DATE"} for path in (ROOT / "staging").glob("*.sql")}
    raw |= {name: {"day": "DATE"} for name in ("closed_line", "input_file", "file_flag", "quarantine")}
    first = read_project(raw)
    with patch("meterbook.sql.models._parsing", None):
        again = read_project(raw)
    assert list(first.models.items()) == list(again.models.items())
    assert {name.split(".")[0] for name in again.models} == set(LAYERS)


def test_nothing_of_it_is_code(kept: Path) -> None:
    assert _asked(PROJECT)
    [path] = kept.iterdir()
    digest, text = path.read_text("utf-8").split("\n")
    assert (len(digest), "marts.part" in json.loads(text)) == (64, True)


def test_the_models_as_kept_are_those_that_are_read_and_read_again_where_a_reader_changed(tmp_path: Path) -> None:
    readers, asked = tmp_path / "readers", []
    (readers / "ingest").mkdir(parents=True)
    (readers / "ingest" / "one.py").write_text("A = 1\n", "utf-8")

    def raw() -> dict[str, dict[str, str]]:
        asked.append(1)
        return raw_columns()

    found = read_project(raw_columns())
    made = {name: list(shape.items()) for name, shape in columns_of(found).items()}
    for texts, times in (("A = 1\n", 1), ("A = 1\n", 1), ("A = 2\n", 2), ("A = 1\n", 2)):
        (readers / "ingest" / "one.py").write_text(texts, "utf-8")
        kept, columns = shipped(readers, raw)
        assert len(asked) == times
        assert list(kept.models.items()) == list(found.models.items())
        assert [model.digest for model in kept.models.values()] == [model.digest for model in found.models.values()]
        assert (kept.kinds, kept.inputs) == (found.kinds, found.inputs)
        assert {name: list(shape.items()) for name, shape in columns.items()} == made
    (readers / "ingest" / "one.py").rename(readers / "ingest" / "two.py")
    shipped(readers, raw)
    assert len(asked) == 3
