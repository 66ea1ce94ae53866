"""The pages of a book over HTTP, to read and nothing else: for one's own machine, without accounts, without anything to write to."""

import ipaddress
import os
import re
import shutil
import socket
import stat
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path, PurePosixPath
from socketserver import ThreadingTCPServer
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from meterbook.assets.book import Book, BookError
from meterbook.assets.shelf import is_handed_out, open_below, pages_of
from meterbook.reports.entry import entry

TYPES: Mapping[str, str] = {".html": "text/html; charset=utf-8", ".csv": "text/csv; charset=utf-8; header=present"}
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; font-src data:; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Robots-Tag": "noindex",
}
_HOST = re.compile(r"(?:\[(?P<six>[0-9a-f:.]+)\]|(?P<name>[a-z0-9._-]+))(?::\d{1,5})?", re.ASCII)


@dataclass(frozen=True)
class Offer:
    """What is served, and to whom.

    Args:
        book: whose pages.
        finance: whether statements and finance tables too.
        is_remote: whether other machines may ask.
        names: host names under which it is reached, such as that of a proxy before it.
    """

    book: Book
    finance: bool = False
    is_remote: bool = False
    names: Collection[str] = ()


def is_loopback(host: str) -> bool:
    """Whether an address is only this machine's own."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_expected(said: str | None, offer: Offer) -> bool:
    """Whether a Host header names this server.

    A page of an attacker can make its own name lead to this machine (DNS rebinding) and have a browser read what is here; the browser then
    sends that name. An address cannot be made to lead elsewhere.
    """
    found = _HOST.fullmatch((said or "").lower())
    if not found:
        return False
    host = found["six"] or found["name"].rstrip(".")
    if is_loopback(host):
        return True
    return host in {name.lower() for name in offer.names} or (offer.is_remote and _is_address(host))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class Server(ThreadingTCPServer):
    """Serves an offer until it is shut down; each request in a thread of its own.

    Args:
        offer: what, and to whom.
        host: address to listen on.
        port: of TCP; 0 takes a free one.

    Raises:
        BookError: the address is not this machine's own and others may not ask, or it cannot be listened on.
    """

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, offer: Offer, host: str, port: int) -> None:
        if not offer.is_remote and not is_loopback(host):
            raise BookError(
                f"{host} can be reached from other machines: whoever reaches it reads every page, without password or encryption; "
                "--allow-remote does that, a web server with a login before 127.0.0.1 or `meterbook site` is better"
            )
        self.offer = offer
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            super().__init__((host, port), Pages)
        except (OSError, OverflowError) as error:
            raise BookError(f"cannot listen on {host} port {port}: {error}; --port names another") from error

    @property
    def url(self) -> str:
        """Where it is reached."""
        host, port = self.server_address[:2]
        shown = f"[{host!s}]" if ":" in str(host) else str(host)
        return f"http://{shown}:{port}/"

    def handle_error(self, request: object, client_address: object) -> None:
        """A reader that went away is no error of ours, and anything else is answered before it comes here."""


class Pages(BaseHTTPRequestHandler):
    """Answers GET and HEAD with a page; every other request with a line of text."""

    server: Server
    server_version, sys_version = "meterbook", ""
    timeout = 10

    def do_GET(self) -> None:
        """Send a page."""
        self._answer()

    def do_HEAD(self) -> None:
        """Send what is said of a page."""
        self._answer()

    def _answer(self) -> None:
        hosts = self.headers.get_all("Host") or []
        if len(hosts) != 1 or not is_expected(hosts[0], self.server.offer):
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST, "this host name is not known here; --name makes it known")
            return
        path = self._path()
        if path == "":
            offer = self.server.offer
            pages = [page for page in pages_of(offer.book.folder) if is_handed_out(page, finance=offer.finance)]
            self._send(HTTPStatus.OK, TYPES[".html"], entry(offer.book.settings.name, pages))
        elif path is None or not is_handed_out(path, finance=self.server.offer.finance):
            self.send_error(HTTPStatus.NOT_FOUND, "there is no such page" + self._hint(path))
        else:
            self._send_file(path)

    def _path(self) -> str | None:
        """The path below the book that is asked for; None where it is none."""
        if not self.path.startswith("/"):
            return None
        try:
            return unquote(urlsplit(self.path).path[1:], errors="strict")
        except ValueError:
            return None

    def _hint(self, path: str | None) -> str:
        is_finance = path is not None and is_handed_out(path, finance=True)
        return "; statements and finance tables are served with --finance" if is_finance else ""

    def _send_file(self, path: str) -> None:
        try:
            file = open_below(self.server.offer.book.folder, path)
        except (OSError, ValueError):
            self.send_error(HTTPStatus.NOT_FOUND, "there is no such page")
            return
        with file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode):
                self.send_error(HTTPStatus.NOT_FOUND, "there is no such page")
                return
            self._begin(HTTPStatus.OK, TYPES[PurePosixPath(path).suffix], about.st_size)
            self._copy(file)

    def _copy(self, file: BinaryIO) -> None:
        if self.command != "HEAD":
            shutil.copyfileobj(file, self.wfile)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Answer with a line of text; nothing of the request is repeated in it."""
        known = {HTTPStatus.NOT_IMPLEMENTED: HTTPStatus.METHOD_NOT_ALLOWED}
        status = known.get(HTTPStatus(code), HTTPStatus(code))
        said = message if status in {HTTPStatus.NOT_FOUND, HTTPStatus.MISDIRECTED_REQUEST} else status.phrase
        self._send(status, "text/plain; charset=utf-8", f"{said}\n".encode())

    def _send(self, status: HTTPStatus, kind: str, content: bytes) -> None:
        self._begin(status, kind, len(content))
        if self.command != "HEAD":
            self.wfile.write(content)

    def _begin(self, status: HTTPStatus, kind: str, size: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(size))
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD")
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name of the base class
        """Keep no record of who read what."""


def serve(book: Path, host: str, port: int, *, finance: bool, is_remote: bool, names: Collection[str]) -> Server:
    """Listen, and give the server; `serve_forever` of it answers.

    Raises:
        BookError: the book is wrong, or cannot be served so.
    """
    told = {socket.gethostname(), *names} if is_remote else set(names)
    return Server(Offer(Book(book), finance, is_remote, told), host, port)
