"""An instance for runs of the command line, which nobody asks about its past.

A run over a range of days stores two events per day and asset, 3 ms each: for a year of days more than the models themselves take. The
run's own result holds every event anyway, so those of materialisations are not stored a second time.
"""

import dagster as dg
from dagster._core.storage.event_log import InMemoryEventLogStorage

FORGOTTEN = {dg.DagsterEventType.ASSET_MATERIALIZATION, dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED}


class ForgetfulEventLog(InMemoryEventLogStorage):
    """An event log in memory that keeps no materialisations."""

    def store_event(self, event: dg.EventLogEntry) -> None:
        """Keep an event, unless it is one of a partition's materialisation."""
        if not (event.dagster_event and event.dagster_event.event_type in FORGOTTEN):
            super().store_event(event)  # type: ignore[no-untyped-call] # Dagster leaves it untyped


def forgetful_instance() -> dg.DagsterInstance:
    """An ephemeral instance with a forgetful event log."""
    instance = dg.DagsterInstance.ephemeral()
    log = ForgetfulEventLog()
    log.register_instance(instance)
    instance._event_storage = log  # noqa: SLF001 -- Dagster builds ephemeral instances itself and lets nothing be passed in
    return instance
