"""The lake of a book, opened to be asked: its tables as they lie there.

To open a whole book takes two seconds: every setting is read and judged, and every file of the inbox. For a question to what is made
already it is enough to know what the machine gives to DuckDB.
"""

from pathlib import Path

from pydantic import ValidationError

from meterbook.assets.limits import Limits, in_force
from meterbook.assets.shipped import columns, project
from meterbook.rate_cards.strict_yaml import StrictYamlError, load_yaml
from meterbook.sql.catalog import Catalog, Settings
from meterbook.sql.lake import Lake


class Look(Catalog):
    """The tables of a lake, but for the files of its inbox.

    Args:
        folder: the book.

    Raises:
        BookError: it is no book, or its meterbook.yaml is wrong where it says what the machine gives.
        LimitError: the environment says what cannot be.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(Lake(folder / "lake"), project(), {}, _settings(folder), columns())

    def is_active(self, name: str) -> bool:
        """Whether a table has rows: what is there has been made, whatever the inbox holds by now."""
        return bool(self.lake.table(name).tokens())

    def holds(self, name: str) -> bool:
        """Whether a table is one that can be asked here; a typed file of the inbox is known by the inbox alone."""
        return name in self.columns and (not name.startswith("raw.") or self.lake.table(name).record.is_file())


def _settings(folder: Path) -> Settings:
    try:
        said = load_yaml(folder / "meterbook.yaml")
        told = said if isinstance(said, dict) else {}
        return in_force(folder, Limits.model_validate({key: told[key] for key in Limits.model_fields if key in told}))
    except (OSError, StrictYamlError, ValidationError):
        from meterbook.assets.book import Book  # noqa: PLC0415 -- it says what is wrong, and takes a second to load

        return in_force(folder, Book(folder).settings)
