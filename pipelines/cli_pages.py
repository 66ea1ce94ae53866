"""`meterbook site` and `meterbook serve`, and what `meterbook report` makes of a page for those who do not open it: a PDF, a mail."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from meterbook.assets.book import Book, BookError
from meterbook.pipelines.asked import book_of
from meterbook.pipelines.consoles import err, out
from meterbook.pipelines.locked import locked

if TYPE_CHECKING:
    from datetime import date

    from meterbook.assets.publications import Publication
    from meterbook.assets.publishing import Publisher

FAILED, PORT, TEAM = 1, 8337, "team"
app = typer.Typer(rich_markup_mode=None)


@app.command(epilog="Examples: meterbook --book ./book site ./public; meterbook site ./public --base-url https://costs.example.com")
def site(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Where to: a new or empty folder outside the book, or a site written before.")],
    base_url: Annotated[str, typer.Option(help="Where the folder will be served, for the addresses in its manifest.")] = "",
) -> None:
    """Write all pages and statements as a folder for any web server: no build, nothing loaded from elsewhere, replaced as a whole."""
    book = Book(book_of(context))
    from meterbook.assets.site import publish_site  # noqa: PLC0415 -- a wrong book is told before

    with locked(book.folder):
        written = publish_site(book, folder, base_url)
    for page, link in written.dead[:10]:
        err.print(f"{page} links to {link}, which is not there", style="red", soft_wrap=True, markup=False)
    out.print(f"{len(written.files)} files in {folder}; open {folder / 'index.html'}", soft_wrap=True, markup=False)
    if written.dead:
        raise typer.Exit(FAILED)


@app.command(epilog="Examples: meterbook --book ./book serve; meterbook serve --finance --port 8000")
def serve(  # noqa: PLR0917 -- typer's options are named
    context: typer.Context,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="TCP port; 0 takes a free one.")] = PORT,
    finance: Annotated[bool, typer.Option("--finance", help="Statements and finance tables too.")] = False,
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", help="Let other machines read: everybody who reaches it, without password or encryption.")
    ] = False,
    name: Annotated[
        list[str] | None, typer.Option(help="A host name under which it is reached, such as a proxy's; may be given again.")
    ] = None,
) -> None:
    """Show the pages in a browser on this machine, to read only, until Ctrl-C."""
    from meterbook.pipelines.serving import is_loopback  # noqa: PLC0415 -- for the time of --help
    from meterbook.pipelines.serving import serve as listen  # noqa: PLC0415

    with listen(book_of(context), host, port, finance=finance, is_remote=allow_remote, names=name or ()) as server:
        out.print(f"{server.url} (Ctrl-C ends it)", soft_wrap=True, markup=False)
        if not is_loopback(host):
            err.print("whoever reaches this address reads every page: there is no password and no encryption", style="red", soft_wrap=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            out.print("ended")


@dataclass(frozen=True)
class Outlets:
    """What else is made of a page that was just published.

    Args:
        pdf: where its PDF goes.
        email: where a mail goes that holds it.
        to: whom that mail is for.
        team: whose page is asked for, of those of teams.
        kind: of the page.

    Raises:
        BookError: a name has a wrong ending, an option is of no use, or there is no browser to print with.
    """

    pdf: Path | None = None
    email: Path | None = None
    to: str = ""
    team: str = ""
    kind: str = ""

    def __post_init__(self) -> None:
        """Tell what cannot be made before anything is."""
        for path, ending in ((self.pdf, ".pdf"), (self.email, ".eml")):
            if path is not None and path.suffix.lower() != ending:
                raise BookError(f"{path} does not end in {ending}")
        if self.to and not self.email:
            raise BookError("--to is of a mail: name its file with --email FILE.eml")
        if self.kind == TEAM and not self.team and (self.pdf or self.email):
            raise BookError("each team has a page: --team NAME says whose is printed or mailed")
        if self.team and self.kind != TEAM:
            raise BookError("--team is of pages of teams: `meterbook report team --team NAME`")
        if self.pdf:
            from meterbook.pipelines.printing import chromium_of  # noqa: PLC0415

            chromium_of()

    def hand_out(self, publisher: "Publisher", item: "Publication", page: Path) -> None:
        """Make them; print where they lie."""
        if self.pdf:
            from meterbook.pipelines.printing import chromium_of, print_pdf  # noqa: PLC0415

            print_pdf(page, self.pdf, chromium_of())
            out.print(str(self.pdf), soft_wrap=True, markup=False)
        if self.email:
            self._mail(publisher, item, page, self.email)
            out.print(str(self.email), soft_wrap=True, markup=False)

    def _mail(self, publisher: "Publisher", item: "Publication", page: Path, target: Path) -> None:
        from meterbook.reports.letter import eml, letter  # noqa: PLC0415
        from meterbook.sql.lake import write_if_changed  # noqa: PLC0415

        base = publisher.workspace.book.notify.base_url
        below = page.relative_to(publisher.workspace.folder / "reports")
        address = f"{base}/{below.as_posix()}" if base else ""
        with publisher.workspace.catalog.connect() as con:
            facts = publisher.facts_of_team(item, self.team, con) if self.team else publisher.facts_of(item)
            said = letter(item.kind, item.period, con, facts, address)
        if find_spec("resvg_py") is None:
            err.print("the mail has no picture: that takes the extra, pip install 'meterbook[email]'", soft_wrap=True, markup=False)
        day = _day_of(item, publisher.quality.data_through)
        try:
            content = eml(said, day, ("-".join(below.parts), page.read_bytes()), self.to)
        except ValueError as error:
            raise BookError(f"--to {self.to!r} is no list of addresses: {error}") from error
        write_if_changed(target, content)


def linked(publisher: "Publisher", item: "Publication") -> list["Publication"]:
    """What lists a page and is made with it, so that it is found."""
    return [one for one in publisher.wanted() if one.kind == "index" and one != item]


def asked_for(pages: Sequence[Path], outlets: Outlets | None) -> list[Path]:
    """Of the pages of a publication those that were asked for: one team's, or all.

    Raises:
        BookError: there is none of that team.
    """
    if outlets is None or not outlets.team:
        return list(pages)
    from meterbook.assets.team_pages import path_of  # noqa: PLC0415

    found = [page for page in pages if page.as_posix().endswith(f"/{path_of(outlets.team, page.stem)}")]
    if not found:
        raise BookError(f"{outlets.team!r} is no team with cost in that week; `meterbook owners` shows who owns what")
    return found


def _day_of(item: "Publication", through: "date | None") -> "date":
    """The last day a page is of: data that comes later does not change the mail of a page that it does not change."""
    from datetime import timedelta  # noqa: PLC0415

    from meterbook.assets.publications import bounds_of  # noqa: PLC0415

    if through is None:
        raise BookError("there is no day with data yet, so there is nothing to write of")
    return through if item.period == "index" else min(through, bounds_of(item)[1] - timedelta(days=1))
