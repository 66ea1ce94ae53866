"""The sample company: 92 days of a whole book, the same bytes every time, with known trouble in it.

What was planted, and what the pipeline must therefore find, stands in `truth.json` beside the book.
"""

import json
from collections import defaultdict
from collections.abc import Callable
from datetime import date
from pathlib import Path

from meterbook.pipelines import demo_gpus as gpus
from meterbook.pipelines import demo_notebooks as notebooks
from meterbook.pipelines.demo_alarms import write_alarms
from meterbook.pipelines.demo_bills import add_up, write_bills
from meterbook.pipelines.demo_company import POOLS, days, write_book
from meterbook.pipelines.demo_gaps import Usage, add_shadow, echoed, settle
from meterbook.pipelines.demo_gateway import FORGOTTEN_DAY, Gateway, write_forgotten
from meterbook.pipelines.demo_google import gaps_of, write_google
from meterbook.pipelines.demo_levers import write_levers
from meterbook.pipelines.demo_litellm import lines_of
from meterbook.pipelines.demo_outcomes import outcomes_of, write_outcomes
from meterbook.pipelines.demo_plants import planted, requests_of
from meterbook.pipelines.demo_savings import write_savings
from meterbook.pipelines.demo_slurm import write_slurm
from meterbook.pipelines.demo_truth import Tally, truth_of
from meterbook.pipelines.demo_units import write_units


def write_demo(folder: Path, count: int | None = None, progress: Callable[[date], None] | None = None) -> None:
    """Write the sample company's book.

    Args:
        folder: where; created where missing, files of the same name replaced.
        count: only so many of the last days, for tests; all 92 where not given.
        progress: told about each day that is written.
    """
    wanted = days(count)
    write_book(folder, wanted[0])
    write_savings(folder)
    write_levers(folder)
    write_units(folder, wanted[0])
    write_alarms(folder)
    tally, gateway = Tally(), Gateway(folder)
    usage: Usage = {}
    outcomes: dict[str, list[tuple[object, ...]]] = defaultdict(list)
    for day in wanted:
        made, extra = planted(day)
        tally.requests(made, day)
        tally.extra.update(extra)
        add_up(usage, made, day)
        outcomes[f"{day:%Y-%m}"] += outcomes_of(made, day)
        lines = lines_of(made, day)
        gateway.write(day, lines + [lines[n] for n in echoed(made, day)])
        _gpus(folder, day, tally, gateway)
        if progress:
            progress(day)
    add_shadow(usage, wanted)
    tally.gaps += [*settle(usage), *gaps_of(usage)]
    for month, rows in outcomes.items():
        tally.outcomes(rows)
        gateway.files[write_outcomes(folder, month, rows)] = {"rows_in": len(rows), "quarantined": 0}
    files = gateway.files | write_bills(folder, usage) | write_google(folder, usage)
    (folder / "truth.json").write_text(json.dumps(truth_of(tally, wanted, usage, files, gateway.late_rows), indent=1) + "\n", "utf-8")


def deliver_late(folder: Path) -> Path:
    """Put a file into the inbox that belongs to a month which is closed by then."""
    day = FORGOTTEN_DAY
    return write_forgotten(folder, lines_of(requests_of(day), day))


def _gpus(folder: Path, day: date, tally: Tally, gateway: Gateway) -> None:
    found = gpus.write_day(folder, day)
    tally.gpus(found)
    gateway.files |= {gpus.name_of(pool, day): {"rows_in": found[pool]["samples"], "quarantined": 0} for pool in POOLS}
    if day >= notebooks.SINCE:
        name, values, seconds = notebooks.write_day(folder, day)
        tally.slices.update(seconds)
        gateway.files[name] = {"rows_in": values, "quarantined": 0}
    name, counted = write_slurm(folder, day)
    tally.jobs.update(counted)
    gateway.files[name] = {"rows_in": counted["runs"], "quarantined": 0}
