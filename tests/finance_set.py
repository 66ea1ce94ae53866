"""The finance files of a month in a folder, as a run publishes them."""

from pathlib import Path

import duckdb

from meterbook.reports.charges import Edition
from meterbook.reports.finance import set_of
from meterbook.reports.frame import PageFacts
from meterbook.reports.ledger import JournalSettings
from meterbook.reports.publish import publish_set


def write_chargeback(
    folder: Path,
    period: str,
    con: duckdb.DuckDBPyConnection,
    facts: PageFacts,
    *,
    settings: JournalSettings | None = None,
    edition: Edition | None = None,
) -> list[Path]:
    """Every file of the set below `folder/<period>/`, the manifest last."""
    return publish_set(folder / period, set_of(period, con, facts, settings=settings, edition=edition))
