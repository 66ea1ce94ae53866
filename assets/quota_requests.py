"""quota_requests/ of a book: one file for each request of another amount, with the reasons given, what was used, and the decision.

The file is written when it is asked for and once more when it is decided; it is kept in git with the book. What was decided, by whom and
why is also a line of audit.jsonl, which names the sha256 of the file as it was decided upon.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field, ValidationError

from meterbook.assets.budgets import Measure, Period
from meterbook.assets.sources import Name, Strict
from meterbook.rate_cards.strict_yaml import StrictYamlError, explain, load_yaml

FOLDER = "quota_requests"
HEAD = "# A request of another amount; `meterbook quota approve` or `reject` writes the decision into it.\n"
Exact = Annotated[Decimal, Field(allow_inf_nan=False)]
Text = Annotated[str, Field(min_length=1, max_length=2000)]


class QuotaError(ValueError):
    """A request, or what is to be done with it, is wrong; the message is one line that says what to do."""


class DayUsed(Strict):
    """What was used on a day, in the measure of the budget."""

    day: date
    used: Exact


class Landing(Strict):
    """Where the period of the last day is expected to land: P10, P50 and P90."""

    low: Exact
    point: Exact
    high: Exact


class Driver(Strict):
    """What used most: the values that the scope leaves open."""

    by: str
    used: Exact


class Evidence(Strict):
    """The scope's last days, as the lake had them.

    Args:
        first_day: of the days below.
        last_day: the last day with data; None where there are none.
        used: on all of them.
        used_per_day: on each of them.
        period_used: in the period of the last day, to that day.
        period_share_percent: of the amount in force; None where that is 0.
        landing: None where it is not known.
        drivers: the largest first.
    """

    first_day: date | None = None
    last_day: date | None = None
    used: Exact = Decimal(0)
    used_per_day: tuple[DayUsed, ...] = ()
    period_used: Exact = Decimal(0)
    period_share_percent: Exact | None = None
    landing: Landing | None = None
    drivers: tuple[Driver, ...] = ()


class Decision(Strict):
    """What was decided: the days on which the new amount holds, and the digest of the line of audit.jsonl."""

    outcome: Literal["approved", "rejected"]
    decided_on: date
    why: Text
    starts_on: date | None = None
    ends_on: date | None = None
    audit: str


class QuotaRequest(Strict):
    """A file of quota_requests/.

    Args:
        request: its name, that of the file.
        asked_on: day of the book.
        who: who asks.
        budget: of budgets.yaml.
        measure: of the budget.
        period: of the budget.
        amount: in force when it was asked.
        wanted: amount of one period that is asked for, in the same measure.
        until: first day on which the old amount is to hold again; None is for good.
        why: the justification.
        evidence: what the lake had.
        decision: None while it is open.
    """

    request: Name
    asked_on: date
    who: Name
    budget: Name
    measure: Measure
    period: Period
    amount: Annotated[Decimal, Field(ge=0, allow_inf_nan=False)]
    wanted: Annotated[Decimal, Field(ge=0, max_digits=24, decimal_places=6, allow_inf_nan=False)]
    until: date | None = None
    why: Text
    evidence: Evidence = Evidence()
    decision: Decision | None = None


class _Dumper(yaml.SafeDumper):
    """Plain YAML in which decimals stay exact and nothing is an alias."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 -- as PyYAML has it
        return True


def _number(dumper: yaml.SafeDumper, value: Decimal) -> yaml.ScalarNode:
    text = f"{value:f}"
    return dumper.represent_scalar(f"tag:yaml.org,2002:{'float' if '.' in text else 'int'}", text)


_Dumper.add_representer(Decimal, _number)


def dump(value: object) -> str:
    """Plain YAML, keys in the order given."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def add_request(folder: Path, request: QuotaRequest) -> QuotaRequest:
    """Write a request under the next free name of its day and budget.

    Args:
        folder: of the book.
        request: its name is given here.

    Returns:
        The request with its name.
    """
    place = folder / FOLDER
    place.mkdir(exist_ok=True)
    stem = f"{request.asked_on}-{re.sub(r'[^A-Za-z0-9_-]+', '-', request.budget)}"
    number = 1
    while True:
        named = request.model_copy(update={"request": f"{stem}-{number}"})
        try:
            # Exclusively: of two who ask at once neither writes over the other.
            with (place / f"{named.request}.yaml").open("x", encoding="utf-8") as handle:
                handle.write(_text(named))
        except FileExistsError:
            number += 1
        else:
            return named


def rewrite(folder: Path, request: QuotaRequest) -> None:
    """Write a decided request in place of the open one."""
    replace(folder / FOLDER / f"{request.request}.yaml", _text(request))


def replace(path: Path, text: str) -> None:
    """Write a file beside its place and move it there: a reader sees the old one or the new one."""
    beside = path.with_name(f".{path.name}.new")
    with beside.open("w", encoding="utf-8", newline="") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    beside.replace(path)


def load_requests(folder: Path) -> Iterator[QuotaRequest]:
    """Every request of a book, in the order of their names.

    Raises:
        QuotaError: a file is wrong.
    """
    for path in sorted((folder / FOLDER).glob("*.yaml")):
        yield _load(path)


def load_request(folder: Path, name: str) -> QuotaRequest:
    """The request of a name or of a path.

    Raises:
        QuotaError: there is none, or it is wrong.
    """
    path = folder / FOLDER / f"{Path(name).name.removesuffix('.yaml')}.yaml"
    elsewhere = "/" in name and Path(name).resolve() != path.resolve()
    if elsewhere or not path.is_file():
        raise QuotaError(f"{folder / FOLDER} has no request {name!r}; `meterbook quota list` names them")
    return _load(path)


def digest_of(folder: Path, request: QuotaRequest) -> str:
    """The sha256 of a request's file."""
    return hashlib.sha256((folder / FOLDER / f"{request.request}.yaml").read_bytes()).hexdigest()


def _load(path: Path) -> QuotaRequest:
    try:
        found = QuotaRequest.model_validate(load_yaml(path) or {})
    except StrictYamlError as error:
        raise QuotaError(str(error)) from error
    except ValidationError as error:
        raise QuotaError(explain(path, error, list(QuotaRequest.model_fields))) from error
    if found.request != path.stem:
        raise QuotaError(f"{path}:1: is named {found.request!r} inside; a request has the name of its file")
    return found


def _text(request: QuotaRequest) -> str:
    return HEAD + dump(request.model_dump(exclude_none=True))
