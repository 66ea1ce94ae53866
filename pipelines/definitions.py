"""Everything Dagster knows of a book, in one place.

`dagster dev -w workspace.yaml` and the command line load the same definitions; the book is the folder named by the environment variable
METERBOOK, or `demo`.
"""

import os
import warnings
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import dagster as dg

from meterbook.assets.book import Book, BookError
from meterbook.assets.models import model_assets
from meterbook.assets.notify import tells
from meterbook.assets.partitions import clocks_of
from meterbook.assets.raw import raw_assets
from meterbook.assets.reports import report_assets
from meterbook.assets.resources import BookResource
from meterbook.assets.workspace import project, project_of
from meterbook.pipelines.jobs import jobs_of
from meterbook.pipelines.quiet import quiet
from meterbook.pipelines.schedules import schedules_of
from meterbook.pipelines.sensors import sensors_of
from meterbook.pipelines.telling_job import notify_job, telling_sensor
from meterbook.sql.models import Project

BOOK = "METERBOOK"


def build_definitions(book: BookResource, only: Collection[str] | None = None) -> dg.Definitions:
    """The asset graph of a book with its jobs, schedules and sensors.

    Args:
        book: the book the assets work on.
        only: names of the models of one run that nobody watches: other models, and checks as something to look at, cost it milliseconds
            each. All models with their checks where not given.
    """
    folder = Path(book.folder)
    models, clocks = _models(folder), clocks_of(folder)
    if only is not None:
        models = replace(models, models={name: model for name, model in models.models.items() if name in only})
    jobs = jobs_of()
    with warnings.catch_warnings():
        # Single-run backfills are marked beta; they are what keeps a range of days one run.
        warnings.simplefilter("ignore", dg.BetaWarning)
        assets = [raw_assets(), *model_assets(models, clocks, is_watched=only is None), *report_assets(models, clocks)]
    return dg.Definitions(
        assets=assets,
        resources={"book": book},
        jobs=[*jobs.all, *([notify_job] if tells(folder) else [])],
        schedules=schedules_of(jobs),
        sensors=[*sensors_of(folder, jobs), *([telling_sensor(jobs)] if tells(folder) else [])],
        executor=dg.in_process_executor,
        loggers={"console": dg.colored_console_logger, "quiet": quiet},
    )


def _models(folder: Path) -> Project:
    """The models of a book; those that ship where the folder is no book yet or a wrong one, so that the graph can be looked at."""
    try:
        return project_of(Book(folder))
    except BookError:
        return project()


@dg.definitions
def definitions() -> dg.Definitions:
    """The definitions of the book of this process."""
    return build_definitions(BookResource(folder=str(Path(os.environ.get(BOOK, "demo")).resolve())))
