"""What is published, as assets: the weekly page by week, the statements and the savings page by month, the quality page."""

from collections.abc import Callable
from datetime import date

import dagster as dg

from meterbook.assets.gate import HeldBackError
from meterbook.assets.models import asset_key
from meterbook.assets.partitions import Clocks
from meterbook.assets.publications import QUALITY, QUALITY_PAGE, SAVINGS, WEEKLY, Publication, week_of
from meterbook.assets.publishing import Publisher
from meterbook.assets.resources import BookResource, report
from meterbook.sql.models import Project

QUALITY_KEY, SAVINGS_KEY = (dg.AssetKey(["reports", kind]) for kind in (QUALITY, SAVINGS))
STATEMENT_KEY, WEEKLY_KEY = dg.AssetKey(["chargeback", "statement"]), dg.AssetKey(["reports", WEEKLY])


def report_assets(project: Project, clocks: Clocks) -> list[dg.AssetsDefinition]:
    """The weekly page, the chargeback statements, the savings page and the quality page."""
    computed = [name for name, model in project.regular.items() if model.layer != "staging"]
    return [
        _asset(
            WEEKLY_KEY,
            [name for name in computed if name.startswith("marts.")],
            clocks.week,
            lambda day: Publication(WEEKLY, week_of(day)),
            "One page a week for leaders: what, why, what to decide.",
        ),
        _asset(
            STATEMENT_KEY,
            ["marts.chargeback", "marts.chargeback_tenant", "marts.rate_used", "marts.statement"],
            clocks.month,
            lambda day: Publication("chargeback", f"{day:%Y-%m}"),
            "The month's finance files: lines, workbook, statements, journal, and their manifest.",
        ),
        _asset(
            SAVINGS_KEY,
            [name for name in computed if name.startswith("marts.")],
            clocks.month,
            lambda day: Publication(SAVINGS, f"{day:%Y-%m}"),
            "One page a month: what each lever could spare, and what was realised.",
        ),
        _asset(
            QUALITY_KEY,
            [*computed, "raw.file_flag", "raw.quarantine"],
            None,
            lambda _day: QUALITY_PAGE,
            "What became of every record, and what the checks found.",
        ),
    ]


def _asset(
    key: dg.AssetKey,
    tables: list[str],
    clock: dg.PartitionsDefinition[str] | None,
    item_of: Callable[[date], Publication],
    description: str,
) -> dg.AssetsDefinition:
    @dg.asset(
        key=key,
        deps=[asset_key(name) for name in tables],
        partitions_def=clock,
        backfill_policy=dg.BackfillPolicy.single_run() if clock else None,
        group_name="published",
        kinds={"html" if key.path[0] == "reports" else "csv"},
        description=description,
    )
    def publish(context: dg.AssetExecutionContext, book: BookResource) -> dg.MaterializeResult[None]:
        publisher = Publisher(book.workspace())
        days = [date.fromisoformat(partition) for partition in context.partition_keys] if clock else [date.min]
        items = {item_of(day) for day in days}
        written = []
        try:
            for item, files in publisher.publish(item for item in publisher.stale() if item in items):
                written += files
                report(item.key)
        except HeldBackError as held:
            raise dg.Failure(description=f"not published: {held}", allow_retries=False) from held
        return dg.MaterializeResult(metadata={"files": len(written), "paths": [str(path) for path in written]})

    return publish
