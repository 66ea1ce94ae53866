"""The inbox as assets: one per format, and what is known of files and of the rows set aside."""

from collections.abc import Iterator

import dagster as dg

from meterbook.assets.inbox import raw_columns
from meterbook.assets.resources import BookResource, report

FILES = ("input_file", "file_flag", "quarantine")


def raw_assets() -> dg.AssetsDefinition:
    """One asset per raw table; they are taken in together, because a file's format is known only by looking at it."""
    names = (*raw_columns(), *FILES)
    keys = {name: dg.AssetKey(["raw", name]) for name in names}

    @dg.multi_asset(
        name="take_in",
        specs=[dg.AssetSpec(key, group_name="raw", kinds={"parquet"}, skippable=True) for key in keys.values()],
        check_specs=[dg.AssetCheckSpec("nothing_refused", asset=keys["input_file"], blocking=False)],
    )
    def take_in(book: BookResource) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        workspace = book.workspace()
        ingested = workspace.ingest(lambda file, _done, _total: report(f"read {file}"))
        for name, files in workspace.inbox.raw_files().items():
            rows = sum(rows for file in files for rows in file.days.values())
            if files:
                yield dg.MaterializeResult(asset_key=keys[name], metadata={"files": len(files), "rows": rows})
        figures = {"rows_in": ingested.rows_in, "quarantined": ingested.quarantined, "new_files": ingested.new_files}
        for name in FILES:
            yield dg.MaterializeResult(asset_key=keys[name], metadata=figures)
        yield dg.AssetCheckResult(
            asset_key=keys["input_file"],
            check_name="nothing_refused",
            passed=not ingested.refused,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"refused": [f"{file}: {reason}" for file, reason in ingested.refused]},
        )

    return take_in
