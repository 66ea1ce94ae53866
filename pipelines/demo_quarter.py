"""The sample company's quarter: run, closed month by month, and then a file that nobody had thought of."""

import shutil
from pathlib import Path

from rich.console import Console

from meterbook.assets.closing import close
from meterbook.assets.workspace import Workspace
from meterbook.pipelines.demo import deliver_late
from meterbook.pipelines.demo_company import days
from meterbook.pipelines.demo_levers import SCENARIO
from meterbook.pipelines.runner import DONE, run_book


def run_quarter(folder: Path, count: int, console: Console, *, debug: bool = False) -> int:
    """Run the sample company twice: its past months are closed in between, and what comes late is a correction.

    Args:
        folder: its book, written.
        count: how many of its last days were written.
        console: for bars and summaries.
        debug: let errors of steps through.

    Returns:
        The exit code of the last run.
    """
    shutil.rmtree(folder / "closed", ignore_errors=True)
    code = run_book(folder, console, debug=debug)
    if code != DONE:
        return code
    months = sorted({f"{day:%Y-%m}" for day in days(count)})[:-1]
    with console.status("closing its quarter"):
        for month in months:
            close(Workspace(folder), month, "the sample company's quarter")
            # The next month closes on what this one leaves open.
            run_book(folder, Console(quiet=True), debug=debug)
    late = deliver_late(folder).relative_to(folder)
    console.print(f"closed {' and '.join(months)}; now {late} turns up, with calls of September:", soft_wrap=True, markup=False)
    code = run_book(folder, console, debug=debug)
    console.print(f"ask it: meterbook --book {folder} whatif {folder / SCENARIO}", soft_wrap=True, markup=False)
    return code
