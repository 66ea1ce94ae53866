"""A folder for any web server: all pages as they are, every link of it there, nothing of the lake or the settings."""

import hashlib
import json
import re
from pathlib import Path

import pytest
from running import typed

from meterbook.assets.book import Book, BookError
from meterbook.assets.site import dead_links, publish_site
from meterbook.reports.publish import MANIFEST

LINKED = (
    b'<!doctype html><title>x</title><a href="../../chargeback/2026-10/statements/a%20b.html#top">a</a><a href="https://example.com">b</a>'
)
FILES = {
    "reports/weekly/2026-W43.html": LINKED,
    "reports/quality/index.html": b'<!doctype html><a href="../weekly/2026-W43.html">week</a>',
    "chargeback/2026-10/statements/a b.html": b"<!doctype html>statement",
    "chargeback/2026-10/chargeback.csv": b"team,usd",
    "reports/.part/half.html": b"half",
    "reports/weekly/week.pdf": b"%PDF-",
    "lake/secret.html": b"lake",
    "inbox/secret.html": b"inbox",
    "meterbook.yaml": b"name: Acme & <Sons>\nprompt_hash_key: 0123456789abcdef0123456789abcdef\n",
}


@pytest.fixture
def book(tmp_path: Path) -> Book:
    for name, content in FILES.items():
        path = tmp_path / "book" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return Book(tmp_path / "book")


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


PAGES = {name for name in FILES if name.endswith(".html") and not name.startswith(("lake", "inbox", "reports/."))}


def test_a_site_holds_pages_and_statements_and_nothing_else(book: Book, tmp_path: Path) -> None:
    publish_site(book, tmp_path / "site")
    assert names(tmp_path / "site") == {*PAGES, "index.html", "robots.txt", MANIFEST}
    assert {(tmp_path / "site" / name).read_bytes() == FILES[name] for name in PAGES} == {True}
    everything = b"".join(path.read_bytes() for path in (tmp_path / "site").rglob("*") if path.is_file())
    assert b"0123456789abcdef" not in everything


def test_every_link_of_a_site_leads_to_a_file_of_it(book: Book, tmp_path: Path) -> None:
    assert publish_site(book, tmp_path / "site").dead == []
    first = (tmp_path / "site/index.html").read_text("utf-8")
    links = set(re.findall(r'<a href="([^"]+)"', first))
    assert links == {name.replace(" ", "%20") for name in PAGES}
    assert "Acme &amp; &lt;Sons&gt;" in first


def test_the_first_page_leads_to_the_index(book: Book, tmp_path: Path) -> None:
    (book.folder / "reports/index.html").write_bytes(b"<!doctype html>index")
    publish_site(book, tmp_path / "site")
    assert '<a href="reports/index.html">' in (tmp_path / "site/index.html").read_text("utf-8")


def test_the_manifest_has_the_hash_of_each_file_and_its_address(book: Book, tmp_path: Path) -> None:
    site = tmp_path / "site"
    publish_site(book, site, "https://costs.example.com/ai/")
    manifest = json.loads((site / MANIFEST).read_text("utf-8"))
    assert {file["file"] for file in manifest["files"]} == names(site) - {MANIFEST}
    for file in manifest["files"]:
        content = (site / file["file"]).read_bytes()
        assert (file["bytes"], file["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
        assert file["url"] == f"https://costs.example.com/ai/{file['file'].replace(' ', '%20')}"


def test_a_site_is_replaced_as_a_whole_and_what_others_put_there_stays(book: Book, tmp_path: Path) -> None:
    site = tmp_path / "site"
    publish_site(book, site)
    (site / "CNAME").write_text("costs.example.com")
    (book.folder / "reports/quality/index.html").unlink()
    (book.folder / "reports/weekly/2026-W44.html").write_bytes(b"<!doctype html>next")
    publish_site(book, site)
    assert names(site) == {*PAGES, "reports/weekly/2026-W44.html", "index.html", "robots.txt", MANIFEST, "CNAME"} - {
        "reports/quality/index.html"
    }
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_the_same_pages_are_the_same_site_and_not_written_again(book: Book, tmp_path: Path) -> None:
    site = tmp_path / "site"
    publish_site(book, site)
    before = site.stat().st_ino
    publish_site(book, site)
    assert site.stat().st_ino == before
    publish_site(book, tmp_path / "other")
    assert {(site / name).read_bytes() == (tmp_path / "other" / name).read_bytes() for name in names(site)} == {True}


@pytest.mark.parametrize(
    "link", ["../secret.html", "gone.html", "../../chargeback/2026-10/chargeback.csv", "/reports/weekly/2026-W43.html", "../../../x.html"]
)
def test_a_link_that_leads_nowhere_is_told(link: str, book: Book, tmp_path: Path) -> None:
    (book.folder / "reports/weekly/2026-W44.html").write_text(f"<a class=x href='{link}'>there</a>", "utf-8")
    told = typed(book.folder, "site", str(tmp_path / "site"))
    assert told.code == 1
    assert f"reports/weekly/2026-W44.html links to {link}, which is not there" in told.err


def test_scripts_and_addresses_elsewhere_are_no_links() -> None:
    page = b'<script>var x = "<a href=gone.html>"</script><a href="#top">t</a><a href="mailto:a@b">m</a><a href="//cdn/x">c</a>'
    assert dead_links("reports/weekly/x.html", page, ()) == []


def test_links_in_a_book_lead_nothing_out(book: Book, tmp_path: Path) -> None:
    (book.folder / "reports/settings.html").symlink_to(book.folder / "meterbook.yaml")
    (book.folder / "reports/lake").symlink_to(book.folder / "lake")
    publish_site(book, tmp_path / "site")
    assert PAGES | {"index.html", "robots.txt", MANIFEST} == names(tmp_path / "site")


def test_a_folder_that_is_no_site_is_left_alone(book: Book, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "letter.txt").write_text("mine")
    (own / MANIFEST).write_text('{"files": []}')
    with pytest.raises(BookError, match="is no site of meterbook"):
        publish_site(book, own)
    assert names(own) == {"letter.txt", MANIFEST}


@pytest.mark.parametrize("place", [".", "..", "reports", "public", "meterbook.yaml"])
def test_a_site_never_lies_in_the_book_or_around_it(place: str, book: Book) -> None:
    before = names(book.folder)
    with pytest.raises(BookError, match="holds the book or lies in it"):
        publish_site(book, book.folder / place)
    assert names(book.folder) == before


@pytest.mark.parametrize(
    "address", ["costs.example.com", "ftp://example.com", "https://me:pass@example.com", "https://x/?q=1", 'https://x/"']
)
def test_an_address_has_no_password_and_is_one(address: str, book: Book, tmp_path: Path) -> None:
    with pytest.raises(BookError, match="--base-url is not an address") as told:
        publish_site(book, tmp_path / "site", address)
    assert "pass@" not in str(told.value)


def test_a_book_without_pages_has_no_site(tmp_path: Path) -> None:
    (tmp_path / "meterbook.yaml").write_text("name: Acme\n")
    with pytest.raises(BookError, match="has no pages yet"):
        publish_site(Book(tmp_path), tmp_path.with_name("site"))
