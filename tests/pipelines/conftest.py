"""The sample company, written and run once for all tests of the session, whichever process asks first."""

import gzip
import json
import os
import shutil
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from company import run_company, write_company
from filelock import FileLock
from sharing import made_once, shared

from meterbook.assets.workspace import Workspace
from meterbook.pipelines.demo import write_demo
from meterbook.pipelines.demo_gateway import MALFORMED

Ask = Callable[..., list[tuple[Any, ...]]]
OCTOBER = 25
"""The last days of the sample: from 7 to 31 October, where all of the trouble is but one credit."""
_EXACT = msgspec.json.Decoder(float_hook=Decimal)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = shared(tmp_path_factory, "company") / "demo"
    said = folder / "said.txt"
    with FileLock(folder.parent / "lock"):
        if not said.exists():
            write_company(folder)
            said.write_text(run_company(folder), "utf-8")
    return folder


@pytest.fixture(scope="session")
def slim() -> Callable[[Path], Path]:
    """Leaves GPUs, their jobs and one provider out of a sample book, except by night: what a run promises does not hang on them."""

    def left(book: Path) -> Path:
        if not os.environ.get("METERBOOK_NIGHTLY"):
            for part in ("gpu", "slurm", "google"):
                shutil.rmtree(book / "inbox" / part)
        return book

    return left


@pytest.fixture(scope="session")
def october(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The last days of the sample, written but not run."""
    return made_once(shared(tmp_path_factory, "october"), "book", lambda folder: write_demo(folder, count=OCTOBER))


@pytest.fixture(scope="session")
def october_truth(october: Path) -> dict[str, Any]:
    return dict(json.loads((october / "truth.json").read_text("utf-8")))


@pytest.fixture(scope="session")
def october_lines(october: Path) -> dict[str, list[bytes]]:
    """The sound lines of each day's gateway file."""
    bad = {*MALFORMED.values()}
    return {
        path.name[:10]: [line for line in gzip.decompress(path.read_bytes()).splitlines() if line not in bad]
        for path in sorted((october / "inbox" / "gateway").glob("*.gz"))
    }


@pytest.fixture(scope="session")
def logged(october_lines: dict[str, list[bytes]]) -> list[dict[str, Any]]:
    """Every sound gateway row of these days once, with the day of the file it lies in."""
    return [{**_EXACT.decode(line), "file": day} for day, lines in october_lines.items() for line in dict.fromkeys(lines)]


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
