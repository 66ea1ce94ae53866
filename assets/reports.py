"""What is published, as assets: pages by week, statements and two pages by month, one by quarter, the quality page."""

from collections.abc import Callable, Sequence
from datetime import date

import dagster as dg

from meterbook.assets.gate import HeldBackError
from meterbook.assets.models import asset_key
from meterbook.assets.partitions import Clocks
from meterbook.assets.publications import (
    INDEX,
    INDEX_PAGE,
    MONTH_REVIEW,
    QUALITY,
    QUALITY_PAGE,
    QUARTERLY,
    SAVINGS,
    TEAM,
    WEEKLY,
    Publication,
    week_of,
)
from meterbook.assets.publishing import Publisher
from meterbook.assets.resources import BookResource, report
from meterbook.reports.periods import quarter_of
from meterbook.sql.models import Project

QUALITY_KEY, SAVINGS_KEY, MONTH_KEY = (dg.AssetKey(["reports", kind]) for kind in (QUALITY, SAVINGS, MONTH_REVIEW))
STATEMENT_KEY, WEEKLY_KEY = dg.AssetKey(["chargeback", "statement"]), dg.AssetKey(["reports", WEEKLY])
TEAM_KEY, INDEX_KEY, QUARTER_KEY = (dg.AssetKey(["reports", kind]) for kind in (TEAM, INDEX, QUARTERLY))


def report_assets(project: Project, clocks: Clocks) -> list[dg.AssetsDefinition]:
    """The weekly page, the chargeback statements, the pages of a month and of a quarter, and the quality page."""
    computed = [name for name, model in project.regular.items() if model.layer != "staging"]
    marts = [name for name in computed if name.startswith("marts.")]
    return [
        _asset(
            WEEKLY_KEY,
            marts,
            clocks.week,
            lambda day: Publication(WEEKLY, week_of(day)),
            "One page a week for leaders: what, why, what to decide.",
            after=[TEAM_KEY],
        ),
        _asset(
            TEAM_KEY,
            marts,
            clocks.week,
            lambda day: Publication(TEAM, week_of(day)),
            "One page a week for each team: what it used, why it moved, what is left of its quotas.",
            after=[STATEMENT_KEY],
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
            marts,
            clocks.month,
            lambda day: Publication(SAVINGS, f"{day:%Y-%m}"),
            "One page a month: what each lever could spare, and what was realised.",
        ),
        _asset(
            MONTH_KEY,
            marts,
            clocks.month,
            lambda day: Publication(MONTH_REVIEW, f"{day:%Y-%m}"),
            "One page a month for leaders: budget against actual, what moved it, what to change.",
        ),
        _asset(
            QUARTER_KEY,
            marts,
            clocks.quarter,
            lambda day: Publication(QUARTERLY, quarter_of(day)),
            "One page a quarter for leaders: unit costs against targets and prices, vendors, commitments, forecasts, what to decide.",
            after=[MONTH_KEY],
        ),
        _asset(
            QUALITY_KEY,
            [*computed, "raw.file_flag", "raw.quarantine"],
            None,
            lambda _day: QUALITY_PAGE,
            "What became of every record, and what the checks found.",
        ),
        _asset(
            INDEX_KEY,
            [],
            None,
            lambda _day: INDEX_PAGE,
            "Every page by date and kind, with its verdict.",
            after=[WEEKLY_KEY, TEAM_KEY, STATEMENT_KEY, SAVINGS_KEY, MONTH_KEY, QUARTER_KEY, QUALITY_KEY],
        ),
    ]


def _asset(
    key: dg.AssetKey,
    tables: list[str],
    clock: dg.PartitionsDefinition[str] | None,
    item_of: Callable[[date], Publication],
    description: str,
    *,
    after: Sequence[dg.AssetKey] = (),
) -> dg.AssetsDefinition:
    @dg.asset(
        key=key,
        deps=[*(asset_key(name) for name in tables), *after],
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
            for item, files in publisher.publish(publisher.stale(items)):
                written += files
                report(item.key)
        except HeldBackError as held:
            raise dg.Failure(description=f"not published: {held}", allow_retries=False) from held
        unmade = [why for why, keys in publisher.unmade().items() if {one.key for one in items} & set(keys)]
        for why in unmade:
            context.log.warning(why)
        return dg.MaterializeResult(metadata={"files": len(written), "paths": [str(path) for path in written], "unmade": unmade})

    return publish
