"""A page as PDF, through a Chromium the user has: tagged, with an outline, its figures drawn anew for paper."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from meterbook.assets.book import BookError

VARIABLE = "METERBOOK_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge", "brave-browser")
PLACES = ("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome", "/Applications/Chromium.app/Contents/MacOS/Chromium")
PAPER = 696
"""CSS pixels between the margins of A4: figures are drawn for this width, since print does not draw them again."""
PATIENCE = 120
DRAWN_MS = 8000


class PrintError(BookError):
    """A page cannot be printed; the message is one line that says what to do."""


def chromium_of(environ: Mapping[str, str] | None = None) -> str:
    """The browser to print with: that of METERBOOK_CHROMIUM, else the first that is found.

    Raises:
        PrintError: there is none.
    """
    named = (os.environ if environ is None else environ).get(VARIABLE)
    if named:
        found = shutil.which(named)
        if not found:
            raise PrintError(f"{VARIABLE} is {named}, which is no program; give the path of Chromium, Chrome or Edge")
        return found
    found = next((path for name in (*NAMES, *PLACES) if (path := shutil.which(name))), None)
    if not found:
        raise PrintError(f"a PDF takes Chromium, Chrome or Edge: install one, or give its path in {VARIABLE}; the page itself needs none")
    return found


def print_pdf(page: Path, target: Path, chromium: str, patience: float = PATIENCE) -> None:
    """Print a page; the file is there whole or not at all. A PDF holds the time it was made: two are never the same bytes.

    Args:
        page: an HTML file that loads nothing.
        target: where the PDF goes; what is there is replaced.
        chromium: the program.
        patience: seconds.

    Raises:
        PrintError: the browser failed, or took too long.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    # Beside the target: only then is putting it there one step; some browsers also may not write elsewhere.
    with TemporaryDirectory(dir=target.parent, prefix="meterbook-pdf-", ignore_cleanup_errors=True) as room:
        made, said = Path(room, "page.pdf"), Path(room, "said.txt")
        _browse([chromium, *_options(Path(room, "profile"), made), page.resolve().as_uri()], said, patience)
        if not made.is_file() or not made.read_bytes().startswith(b"%PDF-"):
            raise PrintError(f"{chromium} made no PDF of {page}: {_last_line(said)}")
        made.replace(target)


def _options(profile: Path, made: Path) -> Iterator[str]:
    yield from (
        "--headless",
        "--disable-gpu",
        "--no-first-run",
        "--disable-extensions",
        "--disable-sync",
        "--disable-background-networking",
    )
    yield f"--user-data-dir={profile}"
    # A page loads nothing; neither may the browser on its behalf.
    yield "--host-resolver-rules=MAP * ~NOTFOUND"
    yield f"--window-size={PAPER},1000"
    yield f"--virtual-time-budget={DRAWN_MS}"
    yield from ("--no-pdf-header-footer", "--generate-pdf-document-outline", "--export-tagged-pdf", f"--print-to-pdf={made}")
    if sys.platform != "win32" and os.geteuid() == 0:
        # Chromium refuses to start as root with its sandbox, as in a container; the page is our own and runs no foreign script.
        yield "--no-sandbox"


def _browse(words: list[str], said: Path, patience: float) -> None:
    with said.open("wb") as out, subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True) as run:  # noqa: S603 -- the user's own browser
        try:
            code = run.wait(patience)
        except BaseException as error:
            with suppress(ProcessLookupError):
                os.killpg(run.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise PrintError(f"{words[0]} did not end within {patience:g} seconds; the page is as it was") from error
            raise
    if code:
        raise PrintError(f"{words[0]} ended with code {code}: {_last_line(said)}")


def _last_line(said: Path) -> str:
    lines = said.read_text("utf-8", "replace").strip().splitlines()
    return lines[-1][:200] if lines else "it said nothing"
