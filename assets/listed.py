"""The index of a book's pages: what published.json says of each, and the cards that lie beside them; only what is there is linked."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path, PurePosixPath

from meterbook.assets.publications import INDEX, TEAM, WEEKLY, Publication, bounds_of
from meterbook.assets.published import Published, Said
from meterbook.reports.listing import NAMES, Listing, Page
from meterbook.reports.numbers import head
from meterbook.reports.periods import days_of, is_month, week
from meterbook.reports.publish import MANIFEST
from meterbook.reports.statements import stems

CHARGEBACK, RATE_CARD = "chargeback", "ratecard"
CLOSED, OPEN = "closed", "open"


def listing_of(folder: Path, company: str, data_through: date | None, published: Published, open_from: date = date.min) -> Listing:
    """Every page of a book that is there.

    Args:
        folder: the book.
        company: its name.
        data_through: the last day with data.
        published: what was published.
        open_from: the first day that is not closed: pages of days before it are, also those that were published while these were open.
    """
    found = [*_pages(folder, data_through or date.max, published, open_from), *_cards(folder, open_from)]
    return Listing(company, data_through, found)


def _pages(folder: Path, through: date, published: Published, open_from: date) -> Iterator[Page]:
    for key in published.entries():
        item = Publication(*key.split("/", 1))
        if item.kind in {INDEX, TEAM} or item.kind not in NAMES:
            continue
        last = min(through, bounds_of(item)[1] - timedelta(days=1)) if item.period != INDEX else through
        if item.kind == CHARGEBACK:
            # Of those that were published before their teams were kept the file's name says whose they are.
            plain = {path: Said(team=PurePosixPath(path).stem) for path in published.entries()[key]["files"] if path.endswith(".html")}
            there = {path: said for path, said in (published.pages(key) or plain).items() if (folder / path).is_file()}
            whole = there.pop(f"{CHARGEBACK}/{item.period}/{MANIFEST}", Said())
            yield Page(item.kind, _name(item, through), "", last, whole.verdict, whole.state, parts=_parts(there, last, item.kind))
            continue
        path = f"reports/{item.kind}/{item.period}.html"
        if (folder / path).is_file():
            said = published.pages(key).get(path, Said())
            parts: Sequence[Page] = ()
            if item.kind == WEEKLY:
                of_teams = published.pages(Publication(TEAM, item.period).key)
                parts = _parts({one: told for one, told in of_teams.items() if (folder / one).is_file()}, last, TEAM)
            state = CLOSED if item.period != INDEX and bounds_of(item)[1] <= open_from else said.state
            yield Page(item.kind, _name(item, through), _address(path), last, said.verdict, state, said.draft, parts=parts)


def _parts(pages: Mapping[str, Said], last: date, kind: str) -> tuple[Page, ...]:
    """Pages of a week's teams or of a month's, those that are none's any more last."""
    found = sorted(pages.items(), key=lambda pair: (pair[1].is_former, pair[1].team, pair[0]))
    return tuple(Page(kind, said.team, _address(path), last, said.verdict, said.state, said.draft, said.is_former) for path, said in found)


def _cards(folder: Path, open_from: date) -> Iterator[Page]:
    """Internal rate cards that are published: they are no publication of a run. Of a month that is open there may be another edition."""
    for path in sorted((folder / "reports" / RATE_CARD).glob("*.html")):
        if is_month(path.stem):
            first, end = days_of(path.stem)
            state = CLOSED if end <= open_from else OPEN
            yield Page(RATE_CARD, f"{first:%B %Y}", f"{RATE_CARD}/{path.name}", end - timedelta(days=1), state=state)


def _name(item: Publication, through: date) -> str:
    """A period for people: Week 43, 19 to 25 October; October 2026; Q4 2026."""
    if item.kind == WEEKLY:
        # The month above it names the year.
        return f"Week {item.period[-2:]}, {week(item.period, through).title.rsplit(' ', 1)[0]}"
    if is_month(item.period):
        return f"{days_of(item.period)[0]:%B %Y}"
    return " ".join(reversed(item.period.split("-"))) if "-" in item.period else "Every record, every check"


def _address(path: str) -> str:
    """From the index, which lies in `reports/`."""
    pure = PurePosixPath(path)
    return str(pure.relative_to("reports")) if pure.parts[0] == "reports" else f"../{path}"


def said_of_statements(period: str, contents: Mapping[str, bytes], paths: Sequence[str]) -> dict[str, Said]:
    """What the finance files of a month say: the set in a sentence, under its manifest, and whose each statement is."""
    manifest = json.loads(contents[MANIFEST])
    teams, state = list(manifest["modes"]), str(manifest["state"])
    posted = sum((Decimal(file["posted_usd"]) for file in manifest["files"] if file["file"] == "chargeback.csv"), Decimal(0))
    charged = sum(mode == "chargeback" for mode in manifest["modes"].values())
    verdict = f"{head(posted)} posted to {len(teams):,} teams, of which {charged:,} {'is' if charged == 1 else 'are'} charged."
    if len(teams) == 1:
        verdict = f"{head(posted)} posted to one team, which is {'charged' if charged else 'not charged'}."
    known = {f"{stem}.html": team for team, stem in stems(teams).items()}
    root = f"{CHARGEBACK}/{period}"
    found = {path: Said("", state, team=known[name]) for path in paths if (name := path.removeprefix(f"{root}/")) in known}
    return {f"{root}/{MANIFEST}": Said(verdict, state), **found}
