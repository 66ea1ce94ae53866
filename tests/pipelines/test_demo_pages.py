"""Every page of the sample company in a real browser: all sections with all they can hold."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browsing import NARROWEST, SCHEMES, WIDTHS, looked_at

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.nightly]


def _last_of_each(book: Path) -> list[Path]:
    """The last page of every kind, and one statement: folders are of a kind, names of a period."""
    found = [*sorted((book / "reports").rglob("*.html")), *sorted((book / "chargeback").rglob("statements/*.html"))[-1:]]
    return list({path.relative_to(book).parts[:2]: path for path in found}.values())


def test_pages_of_the_sample_company_fit_are_whole_and_accessible(demo: Path, browser: "Browser") -> None:
    pages = _last_of_each(demo)
    assert len(pages) >= 4
    for path in pages:
        with looked_at(browser, path) as look:
            look.open_all()
            for width in WIDTHS:
                for scheme in SCHEMES:
                    look.turn(width, scheme)
                    assert (path.name, look.troubles(width), look.violations(), look.small_targets()) == (path.name, [], [], [])
            look.turn(NARROWEST)
            assert (path.name, look.wider(NARROWEST)) == (path.name, [])
