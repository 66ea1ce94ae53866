"""The sample company, written and run: whole by night, by day a month less and without the pages that no test looks at."""

import subprocess
import sys
from pathlib import Path

import pytest
from examples import IS_NIGHT
from running import run

from meterbook.assets.publications import QUALITY_PAGE, Publication
from meterbook.assets.publishing import Publisher
from meterbook.pipelines.demo import write_demo

METERBOOK = str(Path(sys.executable).parent / "meterbook")
SHORT = 54
"""Days by day: what is planted lies in the last two months, and needs one before it."""
PAGES = (*(Publication("chargeback", month) for month in ("2026-09", "2026-10")), Publication("weekly", "2026-W43"), QUALITY_PAGE)


def write_company(folder: Path) -> None:
    """Write its book."""
    write_demo(folder, count=None if IS_NIGHT else SHORT)


def run_company(folder: Path) -> str:
    """A run of its book, and what it said.

    By night in a process of its own, as a user has it; by day in this one, without the pages beyond `PAGES`.
    """
    if IS_NIGHT:
        done = subprocess.run([METERBOOK, "--book", str(folder), "run"], check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(Publisher, "wanted", lambda _publisher: list(PAGES))
        code, said = run(folder)
    assert code == 0, said
    return said
