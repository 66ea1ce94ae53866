"""Who owns what: `owners.csv` and `owners.yaml` of a book, read strictly; the rules of both count.

A rule says what a row must match, from when to when it holds, and whose the row then is. A line of owners.csv has one condition (`field`,
`pattern`); a rule of owners.yaml has one or several, all of which must match. `*` in a pattern is any text. Rules are ended (`ends_on`,
half open), never deleted: what they owned stays owned. docs/owners.md says which rule wins.
"""

import csv
import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, TypeAdapter, ValidationError, field_validator, model_validator

from meterbook.assets.dated import Dated
from meterbook.assets.sources import Name, Strict
from meterbook.rate_cards.strict_yaml import StrictYamlError, explain, lines_of_items, load_yaml

FIELDS = (
    "key_id", "key_alias", "user_id", "project_id", "account_id", "tags", "job_id", "host", "pool", "feature", "tenant", "environment",
    "team", "model", "provider", "source",
)  # fmt: skip
"""What a rule may match, the most exact first; `tags` stands for every `tags.<name>`."""
COLUMNS = (
    "starts_on", "ends_on", "field", "pattern", "team", "cost_centre", "gl_account", "feature", "tenant", "environment", "priority",
)  # fmt: skip
"""Columns of owners.csv, in any order; what a file has no column of is empty."""
GIVES = ("team", "cost_centre", "gl_account", "feature", "tenant", "environment")
CSV, YAML = "owners.csv", "owners.yaml"
_ONE, _DIGITS = Decimal(1), 9
_TAG = re.compile(r"tags\.[^\"\\*\x00-\x1f]+")
_NAME: TypeAdapter[str] = TypeAdapter(Name)


class OwnerError(ValueError):
    """owners.csv or owners.yaml is wrong; the message is one line that names file, line and what to do."""


@dataclass(frozen=True)
class Holder:
    """A team, or several with the share of each.

    Args:
        shares: of one, by team, in the order of their names; exact, and together 1.
    """

    shares: tuple[tuple[str, Decimal], ...]

    @property
    def name(self) -> str:
        """The team; of several `sales 40 % + support 60 %`."""
        if len(self.shares) == 1:
            return self.shares[0][0]
        return " + ".join(f"{team} {(share * 100).normalize():f} %" for team, share in self.shares)


def _holder(value: object) -> object:
    """A holder from a team's name, `support=0.6;sales=0.4`, or a mapping of teams to shares."""
    if isinstance(value, Mapping):
        return _shared(list(value.items()))
    if isinstance(value, str) and ("=" in value or ";" in value) and not value.startswith("="):
        return _shared([(team, share) for team, _, share in (part.partition("=") for part in value.split(";"))])
    return Holder(((_name(value), _ONE),)) if isinstance(value, str) else value


def _shared(pairs: Sequence[tuple[Any, Any]]) -> Holder:
    shares = [(_name(team), _share(str(team), share)) for team, share in pairs]
    if len({team for team, _ in shares}) < len(shares):
        raise ValueError("names a team twice")
    if (total := sum((share for _, share in shares), Decimal(0))) != 1:
        raise ValueError(f"the shares sum to {total}, not to 1")
    return Holder(tuple(sorted(shares)))


def _name(value: object) -> str:
    try:
        return _NAME.validate_python(value)
    except ValidationError as error:
        raise ValueError(f"{str(value)[:80]!r} is no name: it is empty, begins with = + - @, or holds control characters") from error


def _share(team: str, value: object) -> Decimal:
    try:
        share = Decimal(str(value).strip())
    except InvalidOperation as error:
        raise ValueError(f"share {str(value)[:80]!r} of {team} is no number; several teams are written support=0.6;sales=0.4") from error
    if not share.is_finite() or not 0 < share <= 1 or share != share.quantize(_ONE.scaleb(-_DIGITS)):
        raise ValueError(f"share {value} of {team} must be above 0, at most 1, with at most {_DIGITS} decimals")
    return share.normalize()


class Owner(Dated):
    """What a rule matches, and whose that is; what it does not give stays as it was logged."""

    match: Mapping[str, str]
    team: Annotated[Holder, BeforeValidator(_holder)] | None = None
    cost_centre: Name | None = None
    gl_account: Name | None = None
    feature: Name | None = None
    tenant: Name | None = None
    environment: Name | None = None
    priority: int = 0

    @field_validator("match", mode="before")
    @classmethod
    def _known_fields(cls, value: object) -> object:
        if not isinstance(value, Mapping) or not value:
            raise ValueError("says nothing; give at least one field and its pattern, such as {project_id: proj_support}")
        for field, pattern in value.items():
            if (field not in FIELDS or field == "tags") and not _TAG.fullmatch(str(field)):
                guess = ["tags.<name>"] if str(field).startswith("tag") else difflib.get_close_matches(str(field), FIELDS, 1)
                raise ValueError(f"unknown field {field!r}; {f'did you mean {guess[0]}?' if guess else 'known are ' + ', '.join(FIELDS)}")
            if not isinstance(pattern, str) or not pattern:
                raise ValueError(f"the pattern of {field} must be text; put numbers and dates in quotes")
        return value

    @field_validator(*GIVES, mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        if isinstance(value, int | float | Decimal):
            raise ValueError(f"{value} must be text; put it in quotes")  # noqa: TRY004 -- pydantic reports only ValueError
        return None if value == "" else value

    @field_validator("priority", mode="before")
    @classmethod
    def _empty_is_zero(cls, value: object) -> object:
        return 0 if value in ("", None) else value

    @model_validator(mode="after")
    def _account_has_a_team(self) -> "Owner":
        if self.gl_account and not self.centre_teams:
            raise ValueError("gl_account belongs to a team (several teams need a cost_centre, too): give the rule one")
        return self

    @property
    def team_name(self) -> str | None:
        """The team the rule gives, in one name."""
        return self.team.name if self.team else None

    @property
    def centre_teams(self) -> tuple[str, ...]:
        """Teams whose account the rule can name: the one it gives, else the one it matches; several only with a cost centre."""
        if self.team is None:
            named = self.match.get("team", "*")
            return () if "*" in named else (named,)
        teams = tuple(team for team, _ in self.team.shares)
        return teams if len(teams) == 1 else (*teams, self.team.name) if self.cost_centre else ()

    @property
    def given(self) -> tuple[object, ...]:
        """Everything the rule gives, to be compared."""
        return tuple(getattr(self, name) for name in GIVES)

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Its fields, every tag as `tags`, the most exact first."""
        return tuple(sorted((field.partition(".")[0] for field in self.match), key=FIELDS.index))

    @property
    def rank(self) -> int:
        """How exact its fields are: rules of equal priority and as many conditions are asked from the highest down."""
        return sum(1 << (len(FIELDS) - FIELDS.index(field)) for field in set(self.classes))


@dataclass(frozen=True)
class Rule:
    """A rule and where it stands.

    Args:
        rule_id: file and line; unique, and sorted as the rules stand.
        place: the file's path and line, for messages.
        owner: what it says.
    """

    rule_id: str
    place: str
    owner: Owner

    @property
    def words(self) -> str:
        """What it matches: `key_alias=bot-* and model=gpt-5`."""
        return " and ".join(f"{field}={pattern}" for field, pattern in self.owner.match.items())


class _File(Strict):
    owners: tuple[Owner, ...] = ()


def load_owners(folder: Path) -> tuple[Rule, ...]:
    """The rules of a book, as they stand.

    Raises:
        OwnerError: a file cannot be read, or a rule is wrong in itself.
    """
    return (*_of_csv(folder / CSV), *_of_yaml(folder / YAML))


def _of_csv(path: Path) -> Iterator[Rule]:
    if not path.is_file():
        return
    with path.open(newline="", encoding="utf-8-sig") as handle:
        reader = csv.DictReader(handle, strict=True)
        try:
            _check_header(path, list(reader.fieldnames or ()))
            for row in reader:
                yield _line(path, reader.line_num, row)
        except (csv.Error, UnicodeDecodeError) as error:
            raise OwnerError(f"{path}:{reader.line_num + 1}: not readable as CSV: {error}") from error


def _check_header(path: Path, names: Sequence[str]) -> None:
    for at, column in enumerate(names):
        if column not in COLUMNS:
            guess = difflib.get_close_matches(column, COLUMNS, 1)
            raise OwnerError(f"{path}:1: unknown column {column!r}{f'; did you mean {guess[0]}?' if guess else ''}")
        if column in names[:at]:
            raise OwnerError(f"{path}:1: column {column!r} is given twice")


def _line(path: Path, line: int, row: dict[str, Any]) -> Rule:
    if None in row or None in row.values():
        raise OwnerError(f"{path}:{line}: the line has another number of cells than the header")
    given = {name: value for name, value in row.items() if name not in {"field", "pattern"}}
    try:
        owner = Owner.model_validate({**given, "match": {row.get("field", ""): row.get("pattern", "")}})
    except ValidationError as error:
        first = error.errors()[0]
        place = {"match": "field"}.get(str(first["loc"][0]), str(first["loc"][0])) if first["loc"] else "line"
        raise OwnerError(f"{path}:{line}: {place}: {first['msg'].removeprefix('Value error, ')}") from error
    return Rule(f"{path.name}:{line:06d}", f"{path}:{line}", owner)


def _of_yaml(path: Path) -> Iterator[Rule]:
    if not path.is_file():
        return
    try:
        found = _File.model_validate(load_yaml(path) or {})
    except StrictYamlError as error:
        raise OwnerError(str(error)) from error
    except ValidationError as error:
        raise OwnerError(explain(path, error, ("owners", *Owner.model_fields))) from error
    for at, (line, owner) in enumerate(zip(lines_of_items(path, "owners"), found.owners, strict=True)):
        yield Rule(f"{path.name}:{line:06d}.{at:06d}", f"{path}:{line}", owner)
