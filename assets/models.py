"""Every model of sql/ as an asset, with its must and should rules as asset checks."""

import re
from collections.abc import Iterable, Iterator
from datetime import date, timedelta

import dagster as dg

from meterbook.assets.partitions import Clocks
from meterbook.assets.resources import BookResource, report
from meterbook.sql.checks import CheckError
from meterbook.sql.engine import Built
from meterbook.sql.models import Model, Project

KEY_RULE = "key_is_unique"


def model_assets(project: Project, clocks: Clocks, *, is_watched: bool = True) -> list[dg.AssetsDefinition]:
    """One asset per model, in one graph with what the models read.

    Args:
        project: the models.
        clocks: the partitions of the book.
        is_watched: whether somebody looks at the checks one by one. A broken rule stops a run either way; each result is five events.
    """
    return [_asset(project, model, clocks, list(_check_specs(model)) if is_watched else []) for model in project.models.values()]


def asset_key(table: str) -> dg.AssetKey:
    """`core.request` is asset core/request."""
    return dg.AssetKey(table.split("."))


def check_name(rule: str) -> str:
    """A rule as a name Dagster accepts; rules too long to read are cut."""
    return re.sub(r"[^A-Za-z0-9]+", "_", rule).strip("_")[:100]


def _asset(project: Project, model: Model, clocks: Clocks, checks: list[dg.AssetCheckSpec]) -> dg.AssetsDefinition:
    key = asset_key(model.name)

    @dg.asset(
        key=key,
        deps=[_dependency(project, model, name) for name in project.upstream(model)],
        partitions_def=clocks.day,
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name="exports" if model.header.on_demand else model.layer,
        kinds={"sql", "parquet"},
        code_version=model.digest,
        description=f"{model.description}\n\nGrain: {model.header.grain}. Key: {', '.join(model.header.key)}.",
        check_specs=checks,
    )
    def build(context: dg.AssetExecutionContext, book: BookResource) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        try:
            # Of the book as it is now: what its pools are shared by may have changed since Dagster loaded the graph.
            now = book.workspace().project.models[model.name]
            built = book.workspace().build(now, window_of(context), lambda done: report(model.name, done))
        except CheckError as error:
            if checks:
                yield dg.AssetCheckResult(asset_key=key, check_name=_failed(model, error), passed=False, description=str(error))
            raise dg.Failure(str(error), allow_retries=False) from error
        report(model.name, 0)
        yield dg.MaterializeResult(asset_key=key, metadata={"rows": built.rows, "partitions": len(built.partitions)})
        if checks:
            yield from _results(model, built)

    return build


def window_of(context: dg.AssetExecutionContext) -> tuple[date, date]:
    """The half-open range of days of a run."""
    first, last = context.partition_key_range
    return date.fromisoformat(first), date.fromisoformat(last) + timedelta(days=1)


def _dependency(project: Project, model: Model, name: str) -> dg.AssetDep:
    if name not in project.models:
        return dg.AssetDep(asset_key(name))
    around = int(model.header.book_days)
    back = dg.TimeWindowPartitionMapping(
        start_offset=-model.header.lookback_days - around, end_offset=around, allow_nonexistent_upstream_partitions=True
    )
    return dg.AssetDep(asset_key(name), partition_mapping=back)


def _check_specs(model: Model) -> Iterator[dg.AssetCheckSpec]:
    key = asset_key(model.name)
    yield dg.AssetCheckSpec(KEY_RULE, asset=key, blocking=True, description=f"{', '.join(model.header.key)} is unique and never null")
    if model.header.conserves:
        yield dg.AssetCheckSpec(
            "rows_are_conserved", asset=key, blocking=True, description=f"every row of {model.header.conserves} is kept or a copy"
        )
    for rule in model.header.must:
        yield dg.AssetCheckSpec(check_name(rule), asset=key, blocking=True, description=f"must: {rule}")
    for rule in model.header.should:
        yield dg.AssetCheckSpec(check_name(rule), asset=key, blocking=False, description=f"should: {rule}")


def _results(model: Model, built: Built) -> Iterable[dg.AssetCheckResult]:
    key = asset_key(model.name)
    blocking = [KEY_RULE, *(["rows_are_conserved"] if model.header.conserves else []), *map(check_name, model.header.must)]
    for name in blocking:
        yield dg.AssetCheckResult(asset_key=key, check_name=name, passed=True)
    for rule in model.header.should:
        rows = built.warnings.get(rule, 0)
        yield dg.AssetCheckResult(
            asset_key=key, check_name=check_name(rule), passed=rows == 0, severity=dg.AssetCheckSeverity.WARN, metadata={"rows": rows}
        )


def _failed(model: Model, error: CheckError) -> str:
    if error.check in model.header.must:
        return check_name(error.check)
    return "rows_are_conserved" if error.check.startswith("rows of ") else KEY_RULE
