"""The house keeps its order: imports point one way, the wheel holds what the folders hold, documents say what is."""

import ast
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from meterbook.pipelines import formats, tables

ROOT = Path(__file__).parents[1]
ROOMS = ("assets", "pipelines", "sql", "rate_cards", "reports")
MAY_IMPORT = {
    "sql": {"sql"},
    "rate_cards": {"rate_cards", "sql"},
    "reports": {"reports", "sql"},
    "assets": {"assets", "sql", "rate_cards", "reports"},
    "pipelines": set(ROOMS),
}
CONTENT = {".py", ".sql", ".yaml", ".json", ".j2", ".js", ".ttf", ".woff2", ".txt"}


def _imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


@pytest.mark.parametrize("room", ROOMS)
def test_imports_point_one_way(room: str) -> None:
    for path in (ROOT / room).rglob("*.py"):
        for name in _imports(path):
            if name.startswith("meterbook."):
                assert name.split(".")[1] in MAY_IMPORT[room], f"{path} imports {name}"
            if room in {"sql", "rate_cards", "reports"}:
                assert name.split(".")[0] not in {"dagster", "great_expectations"}, f"{path} imports {name}"


def test_assets_are_declared_in_assets_only() -> None:
    for room in set(ROOMS) - {"assets"}:
        for path in (ROOT / room).rglob("*.py"):
            assert "@dg.asset" not in path.read_text("utf-8"), path


def test_the_wheel_holds_what_the_folders_hold(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        str(tmp_path),
        str(ROOT),
    ]
    if subprocess.run([sys.executable, "-m", "pip", "--version"], check=False, capture_output=True).returncode:
        command = [
            str(Path(sys.executable).parent / "uv"),
            "build",
            "--quiet",
            "--wheel",
            "--no-build-isolation",
            "--out-dir",
            str(tmp_path),
            str(ROOT),
        ]
    subprocess.run(command, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("meterbook/")}
    folders = {
        f"meterbook/{path.relative_to(ROOT).as_posix()}" for room in ROOMS for path in (ROOT / room).rglob("*") if path.suffix in CONTENT
    }
    assert packed == folders


def test_bare_room_names_are_not_importable() -> None:
    code = f"import importlib.util, sys; sys.exit(any(importlib.util.find_spec(name) for name in {ROOMS}))"
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd="/").returncode == 0


def test_the_table_reference_is_what_the_models_give() -> None:
    assert (ROOT / "docs" / "tables.md").read_text("utf-8") == tables.describe()


def test_the_format_reference_is_what_the_readers_say() -> None:
    assert (ROOT / "docs" / "formats.md").read_text("utf-8") == formats.describe()
