"""What a book adds to pages, as publications need it: read once, with a hash for each kind of page and what it reads of the lake."""

from collections.abc import Sequence
from functools import cached_property

from meterbook.assets.branding import brand_of
from meterbook.assets.own_sections import load_sections
from meterbook.assets.workspace import Workspace, columns
from meterbook.reports.additions import Additions
from meterbook.sql.lake import Token


class Added:
    """The additions of a book.

    Args:
        workspace: the opened book.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    @cached_property
    def pages(self) -> Additions:
        """As pages take them."""
        folder = self._workspace.folder
        return Additions(load_sections(folder, columns()), brand_of(folder, self._workspace.book.settings.brand))

    def content(self, kind: str, to_day: str) -> list[object]:
        """Changes with what is added to a kind of page, and with what that reads of the days before one; empty where it adds nothing."""
        pages = self.pages
        if not pages.brand and not pages.on(kind):
            return []
        reads = sorted({name for one in pages.on(kind) for name in one.reads})
        return [pages.token(kind), [(name, self._tokens(name, to_day)) for name in reads]]

    def _tokens(self, name: str, to_day: str) -> Sequence[Token]:
        """Of a table cut by day or month only what lies before: later days make no page anew that is there."""
        tokens = self._workspace.lake.table(name).tokens()
        model = self._workspace.project.models.get(name)
        return tokens if model is None or model.clock == "all" else [token for token in tokens if token[0] < to_day]
