"""journal.yaml of a book: the accounts of its journal, and the forms in which accounting systems take it.

A form is a map of columns: one of the package (`reports/journals/*.yaml`, by its name) or a file of the book's own (by its path).
"""

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationError, field_validator

from meterbook.assets.sources import Strict
from meterbook.rate_cards.strict_yaml import StrictYamlError, explain, load_yaml
from meterbook.reports import ledger
from meterbook.reports.codes import FinanceError, code, plain
from meterbook.reports.ledger import SOURCES, AccountRule, ColumnMap, JournalSettings

FILE = "journal.yaml"
SHIPPED = Path(ledger.__file__).parent / "journals"
_Shape = TypeVar("_Shape", bound=BaseModel)


class JournalError(ValueError):
    """journal.yaml, a map of columns, or a code that has to go into the journal is wrong; the message names the place and what to do."""


def _is_text(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError(f"{value} is no text: write a code in quotes, '{value}', so that it keeps its zeros")  # noqa: TRY004 -- pydantic reports only ValueError
    return value


Code = Annotated[str, BeforeValidator(_is_text), AfterValidator(code)]
"""A code of a ledger: no formula, no control character, no double quote, at most 100 characters."""
Plain = Annotated[str, AfterValidator(plain)]


class _Rule(Strict):
    line: str = Field(min_length=1, description="line of chargeback.csv, * for anything")
    account: Code
    team: str = Field(default="*", min_length=1, description="team, * for anything")


class _Journal(Strict):
    clearing_account: Code
    accounts: tuple[_Rule, ...] = ()
    entity: Code | None = None
    department_prefix: Plain = Field(default="", max_length=20)
    journal_prefix: str = Field(default="MB", pattern=r"^[A-Za-z0-9]{1,10}$")
    export: tuple[str, ...] = ()


class _Map(Strict):
    source: str = Field(min_length=1, description="where the format is described")
    checked_on: date
    date_format: str = "%Y-%m-%d"
    columns: Mapping[Plain, str] = Field(min_length=1)
    constants: Mapping[Plain, Plain] = {}

    @field_validator("columns")
    @classmethod
    def _known(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        for head, source in value.items():
            if source not in SOURCES:
                raise ValueError(f"{head}: the journal has no {source!r}; it has {', '.join(SOURCES)}")
        return value


def load_journal(folder: Path, codes: Iterable[tuple[str, str]] = ()) -> JournalSettings | None:
    """What a book says of its journal; None where it has no journal.yaml, or one that says nothing.

    Args:
        folder: the book.
        codes: that may come to stand in the journal, each with the place where the book gives it.

    Raises:
        JournalError: the file or one of its maps is wrong, or a code cannot go into a journal.
    """
    path = folder / FILE
    if not path.is_file() or _document(path) is None:
        return None
    for place, text in codes:
        try:
            code(text)
        except FinanceError as error:
            raise JournalError(f"{place}: {error}") from error
    found = _read(path, _Journal)
    names = [Path(name).stem for name in found.export]
    if len(set(names)) < len(names):
        raise JournalError(f"{path}: export: two maps have one name; each writes journal.<name>.csv")
    return JournalSettings(
        clearing_account=found.clearing_account,
        rules=[AccountRule(rule.line, rule.account, rule.team) for rule in found.accounts],
        entity=found.entity,
        department_prefix=found.department_prefix,
        id_prefix=found.journal_prefix,
        maps=[_map(folder, name) for name in found.export],
    )


def _map(folder: Path, name: str) -> ColumnMap:
    own = name.endswith((".yaml", ".yml"))
    path = folder / name if own else SHIPPED / f"{name}.yaml"
    if not path.is_file():
        shipped = ", ".join(sorted(one.stem for one in SHIPPED.glob("*.yaml")))
        raise JournalError(f"{folder / FILE}: export: there is no map {name!r}; shipped are {shipped}, a map of your own ends in .yaml")
    found = _read(path, _Map)
    return ColumnMap(path.stem, dict(found.columns), dict(found.constants), found.date_format)


def _document(path: Path) -> object:
    try:
        return load_yaml(path)
    except StrictYamlError as error:
        raise JournalError(str(error)) from error


def _read(path: Path, shape: type[_Shape]) -> _Shape:
    try:
        return shape.model_validate(_document(path))
    except ValidationError as error:
        raise JournalError(explain(path, error, [*_Journal.model_fields, *_Rule.model_fields, *_Map.model_fields])) from error
