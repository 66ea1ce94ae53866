"""Read the models: headers, lineage and order.

One `.sql` file is one model and one table: `sql/core/request_cost.sql` is `core.request_cost`. The header says only what SQL cannot;
inputs are parsed from the SQL, never declared.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Literal

import duckdb
import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from meterbook.sql.digests import digest_of
from meterbook.sql.remembered import remembered
from meterbook.sql.steps import MAPS, STEPS, step_version
from meterbook.sql.ways import ALWAYS, Ways, base_tables, ways_of

ROOT = Path(__file__).parent
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The loader in C, where PyYAML was built with it: ten times as fast over a hundred headers."""
LAYERS = ("staging", "core", "marts")
Columns = Mapping[str, str]
"""Column name -> DuckDB type, in order."""
_Lineage = tuple[Iterable[str], Iterable[Iterable[str]]]
"""Inputs and ways of a text, as JSON keeps them."""

_HEADER = re.compile(r"\A/\*(?P<header>.*?)\*/(?P<sql>.*)\Z", re.DOTALL)


class ModelError(ValueError):
    """A model file is wrong; the message names the file and what to do."""


class Header(BaseModel):
    """What a model's comment may say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    grain: str
    key: tuple[str, ...]
    daily: bool = False
    monthly: bool = False
    lookback_days: int = 0
    book_days: bool = False
    """Cut by days of the book's time zone, out of tables cut by UTC days: reads a day around each where the zone is not UTC."""
    kind: str | None = None
    conserves: str | None = None
    keeps_order: bool = False
    """Its rows come in the order of its key where what it reads lies so: not sorted again, unless they are found in another order."""
    on_demand: bool = False
    """Made where an export asks for it, not by each run."""
    then: str | None = None
    """A step of sql/steps.py that the rows go through, day by day."""
    must: tuple[str, ...] = ()
    should: tuple[str, ...] = ()

    @field_validator("key", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    @field_validator("then")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        if value is not None and value not in STEPS:
            raise ValueError(f"no step {value!r} in sql/steps.py")
        return value


@dataclass(frozen=True)
class Model:
    """One table: its SQL, its header and the tables it reads."""

    name: str
    description: str
    header: Header
    sql: str
    inputs: tuple[str, ...]
    ways: Ways = ALWAYS
    """Sets of inputs: where none of these sets has rows in each of its tables, the model has none."""

    @property
    def layer(self) -> str:
        """Schema of the table: staging, core or marts."""
        return self.name.split(".")[0]

    @property
    def clock(self) -> Literal["day", "month", "all"]:
        """How the table is cut into files."""
        return "day" if self.header.daily else "month" if self.header.monthly else "all"

    @property
    def partition_column(self) -> str | None:
        """The column whose value names the file a row lies in."""
        return {"day": "day", "month": "period", "all": None}[self.clock]

    @cached_property
    def digest(self) -> str:
        """Changes when the SQL or the header changes: the model's code version."""
        step = step_version(self.header.then) if self.header.then else ""
        return digest_of(f"{self.header.model_dump_json(exclude_none=True)}\n{self.sql}{step}")


class Parser:
    """DuckDB's own parser, in one DuckDB of the process (a new one for each model costs seconds).

    Args:
        known: what it would say of some texts, by the text's digest.
    """

    def __init__(self, known: Mapping[str, _Lineage] | None = None) -> None:
        self._known = known or {}

    def read(self, sql: str) -> tuple[tuple[str, ...], Ways]:
        """Base tables of a query as `schema.table`, sorted (CTE names are not tables), and from which of them its rows can come.

        Raises:
            ModelError: where DuckDB cannot parse the query.
        """
        if known := self._known.get(_digest(sql)):
            inputs, ways = known
            return tuple(inputs), frozenset(map(frozenset, ways))
        with _parsing().cursor() as con:
            [(text,)] = con.execute("select json_serialize_sql(?)", [sql]).fetchall()
        tree = json.loads(text)
        if tree["error"]:
            raise ModelError(tree["error_message"])
        return tuple(sorted({name for name in base_tables(tree) if "." in name})), ways_of(tree, _aggregates())


@cache
def _parsing() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


@cache
def _aggregates() -> frozenset[str]:
    with _parsing().cursor() as con:
        names = con.execute("select distinct function_name from duckdb_functions() where function_type = 'aggregate'").fetchall()
    return frozenset(name for (name,) in names)


def _digest(sql: str) -> str:
    return hashlib.sha256(sql.encode()).hexdigest()


def _shipped_lineage(paths: Iterable[Path]) -> Mapping[str, _Lineage]:
    """What the parser says of the texts of some files; told once on a machine, not by each process."""
    matches = (_HEADER.match(path.read_text("utf-8")) for path in paths)
    texts = [match["sql"] for match in matches if match]
    found: Mapping[str, _Lineage] = remembered("lineage", list(map(_digest, texts)), lambda: _lineage(texts))
    return found


def _lineage(texts: Iterable[str]) -> Mapping[str, _Lineage]:
    """Of each text by its digest; of one that does not parse nothing, for its reader says what is wrong."""
    parser = Parser()
    found: dict[str, _Lineage] = {}
    for sql in texts:
        with suppress(ModelError):
            inputs, ways = parser.read(sql)
            found[_digest(sql)] = (inputs, sorted(map(sorted, ways)))
    return found


def read_model(path: Path, parser: Parser) -> Model:
    """Read one model file; its table is named by the last two parts of the path.

    Raises:
        ModelError: header missing or wrong, SQL not parsable, or tables without a schema.
    """
    match = _HEADER.match(path.read_text("utf-8"))
    if not match:
        raise ModelError(f"{path}: a model begins with a /* header */")
    description, _, rest = match["header"].strip().partition("\n\n")
    try:
        header = Header.model_validate(yaml.load(rest, _Loader) or {})  # noqa: S506 -- a safe loader
        inputs, ways = parser.read(match["sql"])
    except (ValidationError, yaml.YAMLError, ModelError) as error:
        raise ModelError(f"{path}: {error}") from error
    return Model(
        f"{path.parent.name}.{path.stem}",
        " ".join(description.split()),
        header,
        match["sql"].strip(),
        inputs,
        ways if header.then is None or header.then in MAPS else ALWAYS,
    )


@cache
def read_kinds(root: Path = ROOT) -> dict[str, dict[str, tuple[str, str]]]:
    """The common shapes: kind -> column -> (type, what it is)."""
    return _shapes(root / "kinds.yaml")


@cache
def read_inputs(root: Path = ROOT) -> dict[str, dict[str, tuple[str, str]]]:
    """The tables the book and the inbox give: table -> column -> (type, what it is)."""
    return _shapes(root / "inputs.yaml")


def _shapes(path: Path) -> dict[str, dict[str, tuple[str, str]]]:
    loaded = yaml.load(path.read_text("utf-8"), _Loader)  # noqa: S506 -- a safe loader
    return {table: {column: (kind, what) for column, (kind, what) in columns.items()} for table, columns in loaded.items()}


@dataclass(frozen=True)
class Project:
    """All models with the shapes they build on, in an order in which they can be built."""

    models: Mapping[str, Model]
    kinds: Mapping[str, Columns]
    inputs: Mapping[str, Columns]

    @property
    def regular(self) -> dict[str, Model]:
        """Models that each run keeps up to date: all but those that only an export asks for."""
        return {name: model for name, model in self.models.items() if not model.header.on_demand}

    def of_kind(self, kind: str) -> tuple[str, ...]:
        """Names of the staging models that give rows of a kind."""
        return tuple(model.name for model in self.models.values() if model.header.kind == kind)

    def upstream(self, model: Model) -> tuple[str, ...]:
        """Tables a model reads, a kind's view replaced by the staging models behind it."""
        names: list[str] = []
        for name in model.inputs:
            names.extend(self.of_kind(name.split(".")[1]) if self.is_kind_view(name) else (name,))
        return tuple(names)

    @property
    def book_day_reach(self) -> int:
        """How many models in a row read the days around their own: a stale day makes days stale that lie as far from it."""
        reach: dict[str, int] = {}
        for name, model in self.models.items():
            reach[name] = max((reach.get(one, 0) for one in self.upstream(model)), default=0) + int(model.header.book_days)
        return max(reach.values(), default=0)

    def with_sql(self, name: str, sql: str) -> "Project":
        """The same models, one of them with a text made for a book: header and columns stay, lineage, digest and order follow the text.

        Raises:
            ModelError: text that does not parse, a table that nothing makes, or a circle.
        """
        inputs, ways = Parser().read(sql)
        model = replace(self.models[name], sql=sql, inputs=inputs, ways=ways)
        changed = replace(self, models={**self.models, name: model})
        return replace(changed, models={one: changed.models[one] for one in _order(changed)})

    def is_kind_view(self, name: str) -> bool:
        """Whether a table name is the view of a kind, such as staging.request."""
        schema, table = name.split(".")
        return schema == "staging" and table in self.kinds


def read_project(raw: Mapping[str, Columns], root: Path = ROOT) -> Project:
    """Read every model below `root` and order them.

    Args:
        raw: columns of the raw tables, by format name; they come from the readers.
        root: the folder that holds staging/, core/, marts/, kinds.yaml and inputs.yaml.

    Raises:
        ModelError: a broken model, an unknown table or a circle.
    """
    paths = [path for layer in LAYERS for path in sorted((root / layer).glob("*.sql"))]
    parser = Parser(_shipped_lineage(paths) if root == ROOT else None)
    models = {m.name: m for m in (read_model(path, parser) for path in paths)}
    inputs = {table: {c: t for c, (t, _) in columns.items()} for table, columns in read_inputs(root).items()}
    inputs |= {f"raw.{name}": dict(columns) for name, columns in raw.items()}
    kinds = {kind: {c: t for c, (t, _) in columns.items()} for kind, columns in read_kinds(root).items()}
    project = Project(models, kinds, inputs)
    return Project({name: models[name] for name in _order(project)}, kinds, inputs)


def _order(project: Project) -> Iterable[str]:
    for model in project.models.values():
        unknown = [n for n in project.upstream(model) if n not in project.models and n not in project.inputs]
        if unknown:
            raise ModelError(f"{model.name} reads {', '.join(unknown)}, which nothing makes")
    graph = {m.name: [n for n in project.upstream(m) if n in project.models] for m in project.models.values()}
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise ModelError(f"models in a circle: {' -> '.join(error.args[1])}") from error
