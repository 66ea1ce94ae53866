"""Where commands print."""

import os
import pty
import subprocess
import sys

ASKED = [sys.executable, "-c", "import sys; from meterbook.pipelines.consoles import out; sys.stdout.write(f'{out.width}\\n')"]
NARROW = {**os.environ, "COLUMNS": "90", "TERM": "xterm"}


def test_tables_for_another_program_are_wide() -> None:
    assert subprocess.run(ASKED, check=True, capture_output=True, text=True, env=NARROW).stdout == "160\n"


def test_tables_on_a_screen_are_as_wide_as_it_is() -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb") as screen:
        subprocess.run(ASKED, check=True, stdout=theirs, env=NARROW)
        os.close(theirs)
        assert screen.readline() == b"90\r\n"
