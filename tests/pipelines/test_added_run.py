"""What a book adds to pages, from files to pages: made anew where it changed, told where it is wrong, and never in the way of the rest."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from running import typed
from small import call, gateway_book, limited, make_small, write

from meterbook.assets.publications import JUDGED, OF_SAVINGS, SAVINGS
from meterbook.assets.publishing import Publisher
from meterbook.assets.workspace import Workspace
from meterbook.pipelines.words import unmade_lines

pytestmark = pytest.mark.long

TABLES = (*OF_SAVINGS, *JUDGED, "marts.conservation", "marts.day_profile", "marts.chargeback")
PAGE = "reports/savings/2026-09.html"
SQL = "select day, cost_usd from marts.conservation where day < getvariable('to_day') order by day"
YAML = """\
title: Days
question: What did each day cost?
pages: [savings]
chart: {kind: table, y: cost_usd, unit: price}
"""


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A book with a section of its own, published; each test leaves it as it found it."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        make_small(monkeypatch)
        folder = gateway_book(tmp_path_factory.mktemp("added") / "book")
        _add(folder, SQL, YAML)
        write(folder / "inbox/log.jsonl", [call(f"{day}", date(2026, 9, day), 100_000, spend=0.5) for day in (1, 2, 3)])
        workspace = limited(Workspace(folder), *TABLES)
        assert not workspace.ingest().refused
        for model in workspace.project.models.values():
            if workspace.engine.stale(model):
                workspace.build(model)
        _publish(folder)
        yield folder


def _add(book: Path, sql: str, yaml: str) -> None:
    (book / "sections/days.sql").write_text(sql)
    (book / "sections/days.yaml").write_text(yaml)


def _publisher(book: Path) -> Publisher:
    return Publisher(limited(Workspace(book), *TABLES))


def _publish(book: Path) -> str:
    publisher = _publisher(book)
    [_] = publisher.publish(item for item in publisher.stale() if item.kind == SAVINGS)
    return (book / PAGE).read_text()


def _fingerprints(book: Path) -> dict[str, str]:
    publisher = _publisher(book)
    return {item.kind: publisher._fingerprint(item) for item in publisher.wanted()}


def test_a_section_is_made_anew_where_it_changed_and_where_it_is_wrong_that_is_told(book: Path) -> None:
    shown = (book / PAGE).read_text().split('<section id="own-days">')[1].split("</section>")[0]
    assert re.findall(r"<th scope=\"row\"[^>]*>([^<]*)</th><td>\$", shown) == ["2026-09-01", "2026-09-02", "2026-09-03"]
    assert SAVINGS not in {item.kind for item in _publisher(book).stale()}
    before = _fingerprints(book)
    _add(book, SQL.replace("cost_usd from", "nope from"), YAML)
    after = _fingerprints(book)
    assert {kind for kind in before if before[kind] != after[kind]} == {SAVINGS}
    assert "Section days could not be made: sections/days.sql:1: Binder Error" in _publish(book)
    assert '<section id="savings_ledger">' in (book / PAGE).read_text()
    [line] = unmade_lines(_publisher(book).unmade())
    assert line.startswith("section days could not be made: sections/days.sql:1: ")
    assert line.endswith("(on savings/2026-09)")
    checked = typed(book, "check")
    assert (checked.code, "sections/days.sql:1: Binder Error" in checked.err) == (1, True)
    told = typed(book, "report", "savings")
    assert (told.code, "section days could not be made" in told.err) == (0, True)
    _add(book, SQL, YAML)
    assert "could not be made" not in _publish(book)
    assert not _publisher(book).unmade()
    assert typed(book, "check").code == 0


def test_a_brand_is_on_every_page_and_a_pale_one_is_an_error_of_the_book(book: Path) -> None:
    settings, before = (book / "meterbook.yaml").read_text(), _fingerprints(book)
    (book / "meterbook.yaml").write_text(f"{settings}\nbrand: {{name: Nimbus, accent: '#7a3e9d'}}\n")
    after = _fingerprints(book)
    assert {kind for kind in before if before[kind] == after[kind]} == {"chargeback"}
    assert "<span>Nimbus</span>" in _publish(book)
    (book / "meterbook.yaml").write_text(f"{settings}\nbrand: {{accent: '#ffee00'}}\n")
    told = typed(book, "check")
    assert (told.code, "brand.accent: #ffee00 has a contrast of" in told.err) == (2, True)
    (book / "meterbook.yaml").write_text(settings)
    _publish(book)
