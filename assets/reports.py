"""What is published, as assets: the weekly page by week, the statements by month."""

from collections.abc import Callable
from datetime import date

import dagster as dg

from meterbook.assets.models import asset_key
from meterbook.assets.partitions import Clocks
from meterbook.assets.publishing import WEEKLY, Publication, Publisher, week_of
from meterbook.assets.resources import BookResource, report
from meterbook.sql.models import Project


def report_assets(project: Project, clocks: Clocks) -> list[dg.AssetsDefinition]:
    """The weekly page and the chargeback statements."""
    marts = [name for name in project.models if name.startswith("marts.")]
    return [
        _asset(
            ["reports", WEEKLY],
            marts,
            clocks.week,
            lambda day: Publication(WEEKLY, week_of(day)),
            "One page a week for leaders: what, why, what to decide.",
        ),
        _asset(
            ["chargeback", "statement"],
            ["marts.chargeback", "marts.chargeback_tenant", "marts.statement"],
            clocks.month,
            lambda day: Publication("chargeback", f"{day:%Y-%m}"),
            "The month's chargeback CSVs and their manifest.",
        ),
    ]


def _asset(
    key: list[str], tables: list[str], clock: dg.PartitionsDefinition[str], item_of: Callable[[date], Publication], description: str
) -> dg.AssetsDefinition:
    @dg.asset(
        key=key,
        deps=[asset_key(name) for name in tables],
        partitions_def=clock,
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name="published",
        kinds={"html" if key[0] == "reports" else "csv"},
        description=description,
    )
    def publish(context: dg.AssetExecutionContext, book: BookResource) -> dg.MaterializeResult[None]:
        publisher = Publisher(book.workspace())
        items = {item_of(date.fromisoformat(partition)) for partition in context.partition_keys}
        written = []
        for item, files in publisher.publish(item for item in publisher.stale() if item in items):
            written += files
            report(item.key)
        return dg.MaterializeResult(metadata={"files": len(written), "paths": [str(path) for path in written]})

    return publish
