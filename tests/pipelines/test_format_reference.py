"""docs/formats.md and `meterbook formats`: true of the readers, whichever there are."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from meterbook.assets.inbox import Inbox
from meterbook.assets.ingest import formats
from meterbook.assets.sources import Options, Source
from meterbook.pipelines.cli import list_formats
from meterbook.pipelines.formats import KINDS, describe, listed, meanings, shown
from meterbook.pipelines.tables import describe as tables
from meterbook.sql.models import read_kinds

METERBOOK = str(Path(sys.executable).parent / "meterbook")
OWN = sorted(name for name in formats() if not name.startswith("mapped_"))


def _anchors(document: str) -> list[str]:
    headings = re.findall(r"^#+ (.*)$", document, re.MULTILINE)
    return [re.sub(r"[^a-z0-9_ -]", "", heading.lower()).replace(" ", "-") for heading in headings]


def test_every_kind_of_record_has_its_chapter() -> None:
    assert KINDS.keys() == {*read_kinds()}


@pytest.mark.parametrize("name", OWN)
def test_a_format_is_in_the_contents_has_a_chapter_and_says_how_to_get_it(name: str) -> None:
    document = describe()
    assert f"[{name}](#{name})" in document.split("\n## ")[0]
    chapter = document.split(f"\n### {name}\n")[1].split("\n#")[0]
    assert f"- **How to get it**: {formats()[name].about.obtain[:1].upper()}"[:-1] in chapter
    assert f"[staging.{name}](tables.md#staging{name})" in chapter


def test_every_link_leads_to_one_heading() -> None:
    document = describe()
    anchors = _anchors(document)
    assert len(anchors) == len(set(anchors))
    assert set(re.findall(r"\]\(#([^)]*)\)", document)) <= set(anchors)
    assert set(re.findall(r"\]\(tables\.md#([^)]*)\)", document)) <= set(_anchors(tables()))


def test_every_option_is_explained_and_a_format_names_only_options_there_are() -> None:
    assert meanings().keys() == Options.model_fields.keys()
    for one in formats().values():
        named = re.findall(r"`(\w+)(?:: [^`]*)?`", one.about.options)
        assert set(named) <= Options.model_fields.keys() | {"mapping"}, one.name
        is_some = any(re.search(rf"\b{name}\b", one.about.options) for name in (*Options.model_fields, "mapping"))
        assert is_some == (one.about.options != "none"), one.name


def test_the_examples_of_the_document_are_valid_and_read_a_file(tmp_path: Path) -> None:
    sources = [
        Source.model_validate(one)
        for block in re.findall(r"```yaml\n(.*?)```", describe(), re.DOTALL)
        for one in yaml.safe_load(block)["sources"]
    ]
    assert [source.name for source in sources] == ["portkey", "warehouse"]
    assert sources[0].format in formats()
    (tmp_path / "inbox/warehouse").mkdir(parents=True)
    (tmp_path / "inbox/warehouse/use.csv").write_text("hour,model,prompt,completion\n2026-10-01T08:00:00Z,gpt-5,100,7\n")
    done = Inbox(tmp_path, sources).ingest()
    assert (done.rows_typed, done.quarantined, done.refused) == (1, 0, [])


def test_a_format_is_shown_in_full_and_an_unknown_one_comes_with_a_guess() -> None:
    text = shown("portkey_logs")
    about = formats()["portkey_logs"].about
    assert all(part in text for part in (about.obtain, about.taken, about.tokens, about.money, about.limits))
    assert "multiple of 50,000" in text
    with pytest.raises(ValueError, match="did you mean portkey_logs"):
        shown("portkey_log")


def test_the_command_lists_every_format_once_and_shows_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert sorted(name for _, name, _ in listed()) == sorted(formats())
    list_formats()
    lines = capsys.readouterr().out.splitlines()
    assert all(any(line.split("│")[1].strip() == name for line in lines[2:]) for name in OWN)
    list_formats("litellm_spendlogs")
    assert capsys.readouterr().out.startswith("litellm_spendlogs: LiteLLM spend logs")


def test_an_unknown_format_is_one_line() -> None:
    wrong = subprocess.run([METERBOOK, "formats", "litelm_spendlogs"], check=False, capture_output=True, text=True)
    said = "meterbook: there is no format 'litelm_spendlogs'; did you mean litellm_spendlogs?"
    assert (wrong.returncode, wrong.stderr.splitlines()) == (2, [said])
