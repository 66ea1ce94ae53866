"""Commands begin at once: each is found without loading the others, and says what it said before."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from running import typed
from typer.main import get_command

from meterbook.pipelines import cli, commands
from meterbook.pipelines.commands import MODULES, Elsewhere
from meterbook.pipelines.scaffold import scaffold

METERBOOK = str(Path(sys.executable).parent / "meterbook")
FOLDER = Path(cli.__file__).parent
ENGINES = {"dagster", "duckdb", "great_expectations", "jinja2", "numpy", "pandas", "plotly", "polars", "pyarrow", "pydantic", "yaml"}
"""What takes long to load; `meterbook --help` needs none of it."""
UNASKED = {
    *("dagster", "great_expectations", "jinja2", "numpy", "pandas", "plotly", "polars", "pyarrow"),
    *("genai_prices", "xlsxwriter", "statsforecast", "sqlalchemy"),
}
"""What no question to the lake needs."""


def _commands() -> Mapping[str, Any]:
    found: Mapping[str, Any] = get_command(cli.app).commands  # type: ignore[attr-defined]
    return found


def _loaded(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    return set(done.stderr.split())


def _paths(group: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, one in getattr(group, "commands", {}).items():
        yield (*above, name)
        yield from _paths(one.command if isinstance(one, Elsewhere) else one, (*above, name))


PATHS = list(_paths(get_command(cli.app)))


@pytest.mark.parametrize("name", MODULES)
def test_a_list_of_commands_says_of_each_what_its_own_help_begins_with(name: str) -> None:
    listed = _commands()[name]
    assert listed.get_short_help_str(70) == listed.command.get_short_help_str(70) != ""
    assert listed.help == listed.command.help


def test_every_command_of_every_module_is_listed() -> None:
    assert {*MODULES.values()} == {path.stem for path in FOLDER.glob("cli_*.py")}
    for module in {*MODULES.values()}:
        names = [name for name, place in MODULES.items() if place == module]
        own = {*Elsewhere(names[0], module).group.commands}
        assert {*names} == own or (len(names) == 1 and names[0] not in own), module


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_every_command_says_how_it_is_used(path: tuple[str, ...], tmp_path: Path) -> None:
    said = typed(tmp_path, *path, "--help")
    assert said.code == 0
    assert said.out.startswith(f"Usage: {Path(METERBOOK).name} {' '.join(path)} "), said.out
    assert len(path) == 1 or "Example" in said.out


def test_help_loads_no_engine() -> None:
    code = "sys.argv = ['meterbook', '--help']\nfrom meterbook.pipelines.cli import main\ntry: main()\nexcept SystemExit: pass"
    loaded = _loaded(code)
    assert "meterbook" in loaded
    assert not loaded & ENGINES


def test_a_question_to_the_lake_loads_what_reads_it_and_nothing_else(tmp_path: Path) -> None:
    list(scaffold(tmp_path / "book"))
    sql = "select count(*) from marts.spend join staging.request using (day) where getvariable('from_day') is null"
    words = ["meterbook", "--book", str(tmp_path / "book"), "query", sql]
    code = f"sys.argv = {words}\nfrom meterbook.pipelines.cli import main\ntry: main()\nexcept SystemExit: pass"
    # The first to ask after a change has to read the models.
    _, loaded = _loaded(code), _loaded(code)
    assert "duckdb" in loaded
    assert not loaded & UNASKED


def test_what_a_run_looks_at_first_loads_no_dagster() -> None:
    loaded = _loaded("import meterbook.pipelines.runner")
    assert "polars" in loaded
    assert not loaded & {"dagster", "great_expectations", "sqlalchemy"}


def test_a_command_loads_its_own_module_and_no_other() -> None:
    code = "from meterbook.pipelines import cli\nfrom typer.main import get_command\nget_command(cli.app).commands['whatif'].command"
    script = f"import sys\n{code}\nprint(*(name for name in sys.modules if '.pipelines.cli_' in name))"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["meterbook.pipelines.cli_whatif"]


@pytest.mark.parametrize(
    ("words", "offered"),
    [("meterbook ex", ["explain", "experiments", "export"]), ("meterbook owners c", ["coverage"]), ("meterbook explain --f", ["--from"])],
)
def test_a_shell_completes_commands_of_every_module(words: str, offered: list[str]) -> None:
    asks = {"_METERBOOK_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    done = subprocess.run([METERBOOK], check=True, capture_output=True, text=True, env={**os.environ, **asks})
    assert done.stdout.split()[: len(offered)] == offered


def test_a_misspelt_command_is_answered_with_the_one_it_is_near(tmp_path: Path) -> None:
    assert " ".join(typed(tmp_path, "exlain").err.split()) == "meterbook: No such command 'exlain'. Did you mean 'explain'?"


def test_the_help_of_a_group_is_that_of_its_app_and_of_a_command_that_of_its_function(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    part = '@app.command("a-part")\ndef part():\n    """One part."""\n'
    text = f'app = typer.Typer(help="All of it.")\n\n{part}\n@app.command()\ndef by_day(): ...\n'
    (tmp_path / "cli_parts.py").write_text(text, "utf-8")
    monkeypatch.setattr(commands, "__file__", str(tmp_path / "commands.py"))
    assert [commands.summary("cli_parts", name) for name in ("parts", "a-part", "by-day")] == ["All of it.", "One part.", ""]


@pytest.mark.nightly
def test_help_and_a_question_take_little_more_than_what_they_are_made_of_takes_to_load(tmp_path: Path) -> None:
    def seconds(*argv: str) -> float:
        took = []
        for _ in range(7):
            before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
            subprocess.run([sys.executable, *argv], check=True, capture_output=True)
            took.append(resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before)
        return min(took)

    list(scaffold(tmp_path / "book"))
    asked = (METERBOOK, "--book", str(tmp_path / "book"), "query", "select count(*) from marts.cost")
    assert seconds(METERBOOK, "--help") < 2.5 * seconds("-c", "import typer, rich.console")
    assert seconds(*asked) < 3 * seconds("-c", "import typer, rich.table, duckdb, pydantic, msgspec, yaml")
