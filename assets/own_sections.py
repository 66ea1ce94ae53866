"""Sections that a book adds to pages: `sections/NAME.py` with its template, or `sections/NAME.sql` with `NAME.yaml`.

A wrong one is no error of the book: it is told by `meterbook check`, by each run, and in its place on the page.
"""

import difflib
import hashlib
import re
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from meterbook.assets.sources import Strict
from meterbook.rate_cards.strict_yaml import StrictYamlError, explain, line_of, load_yaml
from meterbook.reports.additions import FOLDER, TEMPLATES, OwnSection, OwnSectionError, query_build, reason
from meterbook.reports.kinds import FIXED, KINDS
from meterbook.reports.own_chart import Show
from meterbook.reports.own_query import tables_read
from meterbook.reports.own_values import UNITS
from meterbook.reports.page import templates
from meterbook.reports.section import Section
from meterbook.sql.models import Columns
from meterbook.sql.schemas import empty_table
from meterbook.sql.scratch import scratch

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
LAYERS = ("marts.", "core.", "book.")
"""What a query may read."""
PAGES: tuple[str, ...] = ("weekly",)
"""Where a section stands that names no pages, or is too wrong to say."""
OF_TEAM = re.compile(r"getvariable\s*\(\s*'team'\s*\)", re.IGNORECASE)


class ChartFile(Strict):
    """`chart:` of a section's YAML."""

    kind: Literal["bar", "line", "table"] = "table"
    x: str = ""
    y: str = ""
    series: str = ""
    unit: str = Field(default="", max_length=20)

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.kind != "table" and not (self.x and self.y):
            raise ValueError(f"a {self.kind} chart needs x and y: columns that the query gives")
        near = difflib.get_close_matches(self.unit, UNITS, 1, 0.8)
        if near and self.unit not in UNITS:
            raise ValueError(f"unit {self.unit!r}: did you mean {near[0]}?")
        return self


def _question(text: str) -> str:
    if not text.endswith("?"):
        raise ValueError("is the question that the figure answers, and ends with a question mark")
    return text


class SectionFile(Strict):
    """`sections/NAME.yaml`."""

    title: str = Field(min_length=1, max_length=80)
    question: Annotated[str, Field(max_length=160), AfterValidator(_question)]
    pages: tuple[str, ...] = Field(default=PAGES, min_length=1)
    after: str = ""
    empty: str = Field(default="There is nothing to show of these days.", max_length=200)
    chart: ChartFile = ChartFile()


@dataclass(frozen=True)
class _Place:
    """Where sections are looked for, and what a query may read."""

    book: Path
    tables: Collection[str]

    @property
    def folder(self) -> Path:
        return self.book / FOLDER


def load_sections(book: Path, tables: Collection[str]) -> list[OwnSection]:
    """The sections of a book by name; of one that is wrong, why.

    Args:
        book: its folder.
        tables: every table of the lake.
    """
    place = _Place(book, [name for name in tables if name.startswith(LAYERS)])
    if not place.folder.is_dir():
        return []
    files = sorted(path for path in place.folder.iterdir() if path.suffix in {".py", ".sql", ".yaml"} and path.name[0] not in "_.")
    found = [_loaded(place, name, [path for path in files if path.stem == name]) for name in sorted({path.stem for path in files})]
    names = {one.name for one in found}
    return [_placed(place, one, names) for one in found]


def problems(book: Path, shapes: Mapping[str, Columns]) -> Iterator[str]:
    """What is wrong with a book's sections, as far as can be told without data.

    Args:
        book: its folder.
        shapes: columns of every table of the lake.
    """
    day = date(2026, 1, 1)
    figures = {"from_day": day, "to_day": day + timedelta(days=7), "last_day": day + timedelta(days=6), "period": "", "team": ""}
    for one in load_sections(book, shapes):
        if one.wrong:
            yield one.wrong
        elif one.folder is None:
            try:
                with scratch() as con:
                    for table in one.reads:
                        empty_table(con, table, shapes[table])
                    one.build(SimpleNamespace(), con, figures)
            except ValueError as error:
                yield reason(one, error)


def _loaded(place: _Place, name: str, files: Sequence[Path]) -> OwnSection:
    main = next((path for path in files if path.suffix != ".yaml"), files[0])
    bare = OwnSection(name, f"{FOLDER}/{main.name}", PAGES, lambda *_: None, title=name)
    try:
        bare = replace(bare, token=hashlib.sha256(b"\0".join(path.read_bytes() for path in _parts(place, name, files))).hexdigest())
        if not NAME.fullmatch(name):
            raise ValueError(f"1: the name {name!r} is not of small letters, digits and _, at most 40")  # noqa: TRY301 -- one way out
        made = _of_module if main.suffix == ".py" else _of_query
        return made(place, replace(bare, folder=place.folder if main.suffix == ".py" else None), {path.suffix for path in files})
    except (StrictYamlError, OwnSectionError) as error:
        return replace(bare, wrong=str(error).removeprefix(f"{place.book}/"))
    except (Exception, SystemExit) as error:  # noqa: BLE001 -- a module may do anything; the page is made all the same
        return replace(bare, wrong=reason(replace(bare, folder=place.folder), error))


def _parts(place: _Place, name: str, files: Sequence[Path]) -> list[Path]:
    """Every file that a section may be made of, in order: of a module also all templates, which may include each other."""
    return [*files, *(sorted(place.folder.glob("*.j2")) if (place.folder / f"{name}.py").is_file() else ())]


def _placed(place: _Place, one: OwnSection, names: set[str]) -> OwnSection:
    """A section, wrong where a page it names is none or none of its pages has what it follows."""
    if one.wrong:
        return one
    allowed = [kind for kind in KINDS if kind not in FIXED]
    if unknown := [page for page in one.pages if page not in allowed]:
        why = f"there is no page {unknown[0]!r} to add to; there are {', '.join(allowed)}"
        return replace(one, pages=PAGES, wrong=f"{_line_of(place, one, 'pages')}: pages: {why}")
    known = {name for page in one.pages for name in KINDS[page].sections} | names - {one.name}
    if one.after and one.after not in known:
        near = difflib.get_close_matches(one.after, known, 1)
        guess = f"; did you mean {near[0]}?" if near else ""
        return replace(one, after="", wrong=f"{_line_of(place, one, 'after')}: after: its pages have no section {one.after!r}{guess}")
    return one


def _line_of(place: _Place, one: OwnSection, key: str) -> str:
    """File and line where a section says something: its YAML, or a constant of its module."""
    if one.folder is None:
        path = place.folder / f"{one.name}.yaml"
        return f"{FOLDER}/{path.name}:{line_of(path, (key,))}"
    lines = (place.folder / f"{one.name}.py").read_text("utf-8").splitlines()
    return f"{one.file}:{next((number for number, line in enumerate(lines, 1) if line.startswith(key.upper())), 1)}"


def _of_query(place: _Place, bare: OwnSection, suffixes: Collection[str]) -> OwnSection:
    sql_path, path = (place.folder / f"{bare.name}{suffix}" for suffix in (".sql", ".yaml"))
    for suffix in (".sql", ".yaml"):
        if suffix not in suffixes:
            raise OwnSectionError(f"{bare.file}:1: there is no {FOLDER}/{bare.name}{suffix} beside it")
    try:
        said = SectionFile.model_validate(load_yaml(path) or {})
    except ValidationError as error:
        keys = [*SectionFile.model_fields, *ChartFile.model_fields]
        raise OwnSectionError(explain(path, error, keys).removeprefix(f"{place.book}/")) from error
    whole = replace(bare, pages=said.pages, title=said.title, empty=said.empty, after=said.after)
    try:
        sql = sql_path.read_text("utf-8").strip().rstrip(";")
        reads = tables_read(sql, place.tables)
        if "team" in said.pages and not OF_TEAM.search(sql):
            raise ValueError("1: stands on pages of teams and does not ask for getvariable('team'): each would show all teams")  # noqa: TRY301
    except (ValueError, OSError) as error:
        return replace(whole, wrong=reason(whole, error))
    show = Show(said.chart.kind, said.question, said.chart.x, said.chart.y, said.chart.series, said.chart.unit)
    return replace(whole, reads=reads, build=query_build(sql, show, bare.name, reads))


def _of_module(place: _Place, bare: OwnSection, suffixes: Collection[str]) -> OwnSection:
    if ".sql" in suffixes:
        raise OwnSectionError(f"{bare.file}:1: there is {FOLDER}/{bare.name}.sql too; a section is one of them")
    module = _module(place.folder / f"{bare.name}.py", bare.token)
    section = getattr(module, "SECTION", None)
    if not isinstance(section, Section):
        raise OwnSectionError(f"{bare.file}:1: has no SECTION = Section({bare.name!r}, ...)")
    template = f"{section.template or bare.name}.html.j2"
    whole = replace(
        bare,
        pages=tuple(getattr(module, "PAGES", PAGES)),
        after=str(getattr(module, "AFTER", "")),
        reads=tuple(getattr(module, "READS", ())),
        title=section.title,
        empty=section.empty,
        template=template,
        build=lambda figures, _con, _values: section.build(figures),
    )
    if not any((folder / template).is_file() for folder in (place.folder, TEMPLATES)):
        return replace(whole, wrong=f"{bare.file}:1: there is no template {FOLDER}/{template} beside it")
    try:
        templates(place.folder).get_template(template)
    except Exception as error:  # noqa: BLE001 -- a template that does not parse
        return replace(whole, wrong=reason(whole, error))
    return whole


def _module(path: Path, token: str) -> ModuleType:
    """The module of a file, run once for each text it has; no bytecode is written into the book."""
    name = f"meterbook_own_{path.stem}_{token[:16]}"
    if name not in sys.modules:
        module = ModuleType(name)
        module.__file__ = str(path)
        # Dataclasses look for their module while it is run.
        sys.modules[name] = module
        try:
            exec(compile(path.read_text("utf-8"), str(path), "exec"), module.__dict__)  # noqa: S102 -- the book's own code
        except BaseException:
            del sys.modules[name]
            raise
    return sys.modules[name]
