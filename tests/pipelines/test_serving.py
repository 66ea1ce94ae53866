"""Pages over HTTP: what may be read is, and nothing else, however it is asked for."""

import http.client
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from running import typed

from meterbook.assets.book import Book, BookError
from meterbook.pipelines.serving import HEADERS, Offer, Server, is_expected, is_loopback, serve

PAGE = b"<!doctype html><title>week</title>"
SETTINGS = "name: Acme\nprompt_hash_key: 0123456789abcdef0123456789abcdef\n"


@pytest.fixture
def book(tmp_path: Path) -> Path:
    folder = tmp_path / "book"
    files = {
        "meterbook.yaml": SETTINGS.encode(),
        "reports/weekly/2026-W43.html": PAGE,
        "reports/weekly/.draft.html": b"hidden",
        "reports/notes.txt": b"not a page",
        "reports/settings.yaml": b"not a page",
        "chargeback/2026-10/statements/sales.html": b"statement",
        "chargeback/2026-10/chargeback.csv": b"team,usd\r\n",
        "chargeback/2026-10/manifest.json": b"{}",
        "lake/marts.cost/2026-10-01.parquet": b"lake",
        "lake/secret.html": b"lake",
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (tmp_path / "outside.html").write_bytes(b"outside")
    return folder


@contextmanager
def served(book: Path, *, finance: bool = False, is_remote: bool = False) -> Iterator[int]:
    with serve(book, "127.0.0.1", 0, finance=finance, is_remote=is_remote, names=["costs.example.com"]) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def port(book: Path) -> Iterator[int]:
    with served(book) as found:
        yield found


def asked(port: int, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """An answer; the path goes out as it is, and so does a Host where one is given."""
    con = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    con.putrequest(method, path, skip_host="Host" in headers)
    for name, value in headers.items():
        con.putheader(name, value)
    con.endheaders()
    answer = con.getresponse()
    found = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    con.close()
    return found


def said(port: int, request: bytes) -> bytes:
    """What is answered to bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as con:
        con.sendall(request)
        return b"".join(iter(lambda: con.recv(65536), b""))


def test_a_page_is_served_as_it_is_with_its_type_and_length(port: int) -> None:
    status, headers, body = asked(port, "/reports/weekly/2026-W43.html")
    assert (status, body) == (200, PAGE)
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["content-length"] == str(len(PAGE))


@pytest.mark.parametrize("path", ["/", "/reports/weekly/2026-W43.html", "/nothing", "/meterbook.yaml"])
def test_every_answer_has_the_headers_that_keep_it_in(path: str, port: int) -> None:
    headers = asked(port, path)[1]
    assert {name: headers[name.lower()] for name in HEADERS} == HEADERS
    assert headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["server"].strip() == "meterbook"
    assert "access-control-allow-origin" not in headers


def test_the_first_page_lists_what_may_be_read_and_every_link_of_it_is_there(port: int) -> None:
    status, _, body = asked(port, "/")
    assert status == 200
    links = [part.split('"')[0] for part in body.decode().split('href="')[1:]]
    assert links == ["reports/weekly/2026-W43.html"]
    assert [asked(port, f"/{link}")[0] for link in links] == [200]


def test_the_first_page_leads_to_the_index_where_there_is_one(port: int, book: Path) -> None:
    (book / "reports/index.html").write_bytes(PAGE)
    assert b'http-equiv="refresh" content="0; url=reports/index.html"' in asked(port, "/")[2]


@pytest.mark.parametrize(
    "path",
    [
        "/meterbook.yaml", "/lake/secret.html", "/lake/marts.cost/2026-10-01.parquet", "/../outside.html", "/reports/../meterbook.yaml",
        "/reports/../../outside.html", "/reports/%2e%2e/%2e%2e/outside.html", "/reports/..%2f..%2foutside.html", "/%2e%2e/outside.html",
        "/reports/%252e%252e/outside.html", "/reports/..%5c..%5coutside.html", "/reports/./weekly/2026-W43.html", "//outside.html",
        "/reports//weekly/2026-W43.html", "/reports/weekly/2026-W43.html/", "/reports/weekly/2026-W43.html%00", "/reports/%00.html",
        "/reports", "/reports/", "/reports/weekly", "/reports/weekly/.draft.html", "/reports/notes.txt", "/reports/settings.yaml",
        "/reports/weekly/2026-W44.html", "/reports/%ff%fe.html", "/reports/" + "a" * 300 + ".html",
        "/etc/passwd", "/REPORTS/weekly/2026-W43.html",
        "/chargeback/2026-10/statements/sales.html", "/chargeback/2026-10/chargeback.csv", "/reports/c:/x.html", "/reports/linked.html",
        "/reports/room/outside.html", "/reports/pipe.html", "/reports/folder.html", "reports/weekly/2026-W43.html", "*",
        "http://127.0.0.1/reports/weekly/2026-W43.html",
    ],
)  # fmt: skip
def test_nothing_else_is_read_however_it_is_asked_for(path: str, port: int, book: Path) -> None:
    (book / "reports/linked.html").symlink_to(book / "meterbook.yaml")
    (book / "reports/room").symlink_to(book.parent)
    os.mkfifo(book / "reports/pipe.html")
    (book / "reports/folder.html").mkdir()
    status, _, body = asked(port, path)
    assert status == 404
    assert body.startswith(b"there is no such page")
    assert b"passwd" not in body


def test_a_room_that_is_a_link_is_neither_listed_nor_read(book: Path, port: int) -> None:
    (book / "reports").rename(book.parent / "elsewhere")
    (book / "reports").symlink_to(book.parent / "elsewhere")
    assert b"href" not in asked(port, "/")[2]
    assert asked(port, "/reports/weekly/2026-W43.html")[0] == 404


def test_finance_files_are_served_only_where_asked_for(book: Path, port: int) -> None:
    statement, table = "/chargeback/2026-10/statements/sales.html", "/chargeback/2026-10/chargeback.csv"
    assert b"--finance" in asked(port, statement)[2]
    with served(book, finance=True) as other:
        assert asked(other, statement)[2] == b"statement"
        status, headers, _ = asked(other, table)
        assert (status, headers["content-type"]) == (200, "text/csv; charset=utf-8; header=present")
        assert asked(other, "/chargeback/2026-10/manifest.json")[0] == 404
        assert b"statements/sales.html" in asked(other, "/")[2]


def test_head_says_what_get_says_without_the_page(port: int) -> None:
    for path in ("/", "/reports/weekly/2026-W43.html", "/nothing"):
        got, head = asked(port, path), asked(port, path, "HEAD")
        assert head[0] == got[0]
        assert head[2] == b""
        assert head[1]["content-length"] == got[1]["content-length"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND"])
def test_it_can_only_be_read(method: str, port: int) -> None:
    status, headers, body = asked(port, "/reports/weekly/2026-W43.html", method)
    assert (status, headers["allow"], body) == (405, "GET, HEAD", b"Method Not Allowed\n")


@pytest.mark.parametrize(
    "host", ["evil.example.com", "127.0.0.1.evil.example.com", "192.168.1.9", "costs.example.com.evil.com", "", "a b", "@127.0.0.1"]
)
def test_a_name_that_was_made_to_lead_here_reads_nothing(host: str, port: int) -> None:
    status, _, body = asked(port, "/reports/weekly/2026-W43.html", Host=host)
    assert status == 421
    assert PAGE not in body


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8337", "127.0.0.1", "127.0.0.1:1", "[::1]:8337", "127.8.8.8"])
def test_names_of_this_machine_are_known(host: str, port: int) -> None:
    assert asked(port, "/", Host=host)[0] == 200


def test_the_name_of_a_proxy_before_it_is_known_once_given(port: int) -> None:
    assert asked(port, "/", Host="Costs.Example.com:443")[0] == 200


def test_no_host_and_two_hosts_read_nothing(port: int) -> None:
    path = b"GET /reports/weekly/2026-W43.html HTTP/1.1\r\n"
    assert PAGE not in said(port, path + b"\r\n")
    assert PAGE not in said(port, path + b"Host: localhost\r\nHost: localhost\r\n\r\n")
    assert PAGE not in said(port, b"GET /reports/weekly/2026-W43.html\r\n\r\n")
    assert PAGE in said(port, path + b"Host: localhost\r\n\r\n")


@pytest.mark.parametrize(
    "request_line", [b"\x00\xff\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET /" + b"a" * 70000 + b" HTTP/1.1\r\n\r\n"]
)
def test_nonsense_is_answered_and_the_next_request_too(request_line: bytes, port: int) -> None:
    assert b"Traceback" not in said(port, request_line)
    assert asked(port, "/reports/weekly/2026-W43.html")[2] == PAGE


def test_others_may_ask_by_address_and_by_names_that_were_given(book: Path) -> None:
    with served(book, is_remote=True) as port:
        assert asked(port, "/", Host="192.168.1.9:8337")[0] == 200
        assert asked(port, "/", Host="costs.example.com")[0] == 200
        assert asked(port, "/", Host="evil.example.com")[0] == 421


def test_a_host_is_expected_only_in_the_shape_of_one(book: Path) -> None:

    offer = Offer(Book(book), is_remote=True, names={"Costs.example.com"})
    assert is_expected("costs.example.com.", offer)
    assert not any(
        is_expected(said, offer) for said in (None, "localhost:99999999", "localhost/x", "localhost\n", "[::1", "user@localhost")
    )


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "some.host"])  # noqa: S104 -- it is refused
def test_other_machines_are_let_in_only_knowingly(host: str, book: Path) -> None:
    assert not is_loopback(host)
    told = typed(book, "serve", "--host", host)
    assert told.code == 2
    assert "without password or encryption" in " ".join(told.err.split())
    assert "--allow-remote" in told.err


def test_a_port_that_is_taken_is_told(book: Path, port: int) -> None:
    with pytest.raises(BookError, match=r"cannot listen on 127\.0\.0\.1 port"):
        serve(book, "127.0.0.1", port, finance=False, is_remote=False, names=())


def test_the_address_is_one_a_browser_opens(book: Path) -> None:

    with Server(Offer(Book(book)), "127.0.0.1", 0) as server:
        assert server.url == f"http://127.0.0.1:{server.server_address[1]}/"
