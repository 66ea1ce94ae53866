"""An instance for runs of the command line, which nobody asks about its past.

Storing an event costs 3 ms, and a run over a range of days has two for each day and asset: for a year of days more than the models
themselves take. The run's own result holds every event anyway, so none is stored a second time, and nothing is searched for among none.
"""

from collections.abc import Sequence

import dagster as dg
from dagster._core.instance import InstanceType
from dagster._core.launcher.sync_in_memory_run_launcher import SyncInMemoryRunLauncher
from dagster._core.run_coordinator import DefaultRunCoordinator
from dagster._core.storage.event_log import InMemoryEventLogStorage
from dagster._core.storage.event_log.base import AssetRecord
from dagster._core.storage.noop_compute_log_manager import NoOpComputeLogManager
from dagster._core.storage.root import TemporaryLocalArtifactStorage
from dagster._core.storage.runs import InMemoryRunStorage


class ForgetfulEventLog(InMemoryEventLogStorage):
    """An event log that keeps nothing."""

    def store_event(self, event: dg.EventLogEntry) -> None:
        """Let an event go."""

    def get_asset_records(self, asset_keys: Sequence[dg.AssetKey] | None = None) -> Sequence[AssetRecord]:  # noqa: ARG002 -- Dagster's name
        """What is known of assets: nothing."""
        return []

    @property
    def asset_records_have_last_observation(self) -> bool:
        """So that observations are not looked for one asset after the other."""
        return True

    @property
    def supports_partition_subset_in_asset_materialization_planned_events(self) -> bool:
        """So that what is planned is one event per asset, not one per day."""
        return True


def forgetful_instance() -> dg.DagsterInstance:
    """An instance as `DagsterInstance.ephemeral()` makes it, which lets no storage be passed in, with a forgetful event log."""
    return dg.DagsterInstance(
        instance_type=InstanceType.EPHEMERAL,
        local_artifact_storage=TemporaryLocalArtifactStorage(),  # type: ignore[no-untyped-call] # Dagster leaves it untyped
        run_storage=InMemoryRunStorage(),
        event_storage=ForgetfulEventLog(),
        compute_log_manager=NoOpComputeLogManager(),
        run_coordinator=DefaultRunCoordinator(),
        run_launcher=SyncInMemoryRunLauncher(),
    )
