"""The sample company, run once for all tests of the session, whichever process asks first."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from meterbook.assets.workspace import Workspace

METERBOOK = str(Path(sys.executable).parent / "meterbook")
Ask = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    shared = tmp_path_factory.getbasetemp()
    folder = (shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared) / "company" / "demo"
    said = folder / "said.txt"
    folder.parent.mkdir(exist_ok=True)
    with FileLock(folder.parent / "lock"):
        if not said.exists():
            done = subprocess.run([METERBOOK, "demo", str(folder)], check=False, capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr
            said.write_text(done.stdout)
    return folder


@pytest.fixture(scope="session")
def truth(demo: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((demo / "truth.json").read_text())
    return found


@pytest.fixture(scope="session")
def ask(demo: Path) -> Iterator[Ask]:
    with Workspace(demo).catalog.connect() as con:

        def asked(sql: str, *values: object) -> list[tuple[Any, ...]]:
            return con.execute(sql, list(values)).fetchall()

        yield asked
