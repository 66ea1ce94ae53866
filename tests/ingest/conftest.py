"""A desk for one test: files are dropped, taken in, and looked at as raw and as staged rows."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from meterbook.assets import workspace
from meterbook.assets.inbox import Inbox, Ingested
from meterbook.assets.sources import Source
from meterbook.sql.catalog import Catalog
from meterbook.sql.lake import Lake


class Desk:
    """A book folder with an inbox."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.inbox = Inbox(folder, ())

    def take(self, files: Mapping[str, bytes | str], sources: Sequence[Mapping[str, Any]] = ()) -> Ingested:
        """Drop files and take in what lies there."""
        for name, content in files.items():
            path = self.folder / "inbox" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        self.inbox = Inbox(self.folder, [Source.model_validate(source) for source in sources])
        return self.inbox.ingest()

    def raw(self, name: str) -> pl.DataFrame:
        """Raw rows of a format, by file and line."""
        files = sorted(file.path for file in self.inbox.raw_files()[name] if file.days)
        return pl.concat([pl.read_parquet(path) for path in files]).sort("file_id", "line")

    def staged(self, name: str) -> pl.DataFrame:
        """Rows of a staging model over everything taken in."""
        catalog = Catalog(Lake(self.folder / "lake"), workspace.project(), self.inbox.raw_files(), columns=workspace.columns())
        model = workspace.project().models[f"staging.{name}"]
        with catalog.connect(model, catalog.partitions(model)) as con:
            return con.sql(model.sql).pl().sort(model.header.key)

    def reasons(self) -> list[str]:
        """Why records were set aside, in order."""
        return self.inbox.quarantine()["reason"].to_list()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def sample(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """Reads a file beside the test."""
    return lambda name: (request.path.parent / name).read_text("utf-8")
