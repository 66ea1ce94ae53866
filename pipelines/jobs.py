"""The jobs: take in what arrived, compute days, publish weeks, months and quarters."""

from dataclasses import dataclass

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


@dataclass(frozen=True)
class Jobs:
    """Every job of a book."""

    inbox: UnresolvedAssetJobDefinition
    models: UnresolvedAssetJobDefinition
    weekly: UnresolvedAssetJobDefinition
    chargeback: UnresolvedAssetJobDefinition
    quarterly: UnresolvedAssetJobDefinition

    @property
    def all(self) -> list[UnresolvedAssetJobDefinition]:
        """As a list."""
        return [self.inbox, self.models, self.weekly, self.chargeback, self.quarterly]


def jobs_of() -> Jobs:
    """The jobs; the assets they hold bring their partitions."""
    return Jobs(
        inbox=dg.define_asset_job("inbox", dg.AssetSelection.groups("raw"), description="Take in what lies in the inbox."),
        models=dg.define_asset_job(
            "models",
            dg.AssetSelection.groups("staging", "core", "marts") | dg.AssetSelection.assets("reports/quality"),
            description="Compute what is missing or stale of some days, and say what the checks found.",
        ),
        weekly=dg.define_asset_job(
            "weekly",
            dg.AssetSelection.assets("reports/weekly", "reports/team", "reports/index"),
            description="Publish the pages of weeks and of their teams, and the index.",
        ),
        chargeback=dg.define_asset_job(
            "chargeback",
            dg.AssetSelection.assets("chargeback/statement", "reports/savings", "reports/monthly"),
            description="Publish a month's statements and its two pages.",
        ),
        quarterly=dg.define_asset_job(
            "quarterly",
            dg.AssetSelection.assets("reports/quarterly"),
            description="Publish the page of a quarter.",
        ),
    )


def range_tags(first: str, last: str) -> dict[str, str]:
    """Tags of one run over a range of partitions, both ends included."""
    return {RANGE_START: first, RANGE_END: last}
