"""Budgets, rate limits and allowed models as a gateway's own configuration: what every gateway's module shares.

What a gateway cannot express is said in the file and on the terminal, never dropped in silence. The same budgets give the same bytes.
No file holds a secret: keys, hosts and identifiers of accounts are the operator's to add.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from meterbook.assets.budgets import FILE, Budget, BudgetsFile, RateLimit, Scope
from meterbook.assets.quota_requests import dump

OWNERS = ("team", "tenant", "feature", "environment")
"""Values of a scope that name who calls; the others name what is called."""
MODELS = ("model", "model_class")
UTC = "UTC"


@dataclass
class Exported:
    """A file for a gateway.

    Args:
        text: its content.
        count: limits and lists of models that are in it.
        left_out: what the gateway cannot express, a line each.
        to_know: what it expresses otherwise than the book means it, a line each.
    """

    text: str = ""
    count: int = 0
    left_out: list[str] = field(default_factory=list)
    to_know: list[str] = field(default_factory=list)

    def without(self, of: Scope, why: str) -> None:
        """Note what is not in the file."""
        self.left_out.append(f"{named(of)}: {why}")

    def note(self, line: str) -> None:
        """Note a difference, once."""
        if line not in self.to_know:
            self.to_know.append(line)


@dataclass(frozen=True)
class Asked:
    """What is to be exported.

    Args:
        file: budgets.yaml.
        day: on which the amounts are in force.
        zone: the book's time zone.
        enforce: limits too for budgets that only tell, or fall back.
    """

    file: BudgetsFile
    day: date
    zone: str = UTC
    enforce: bool = False

    @property
    def budgets(self) -> Iterator[Budget]:
        """Those in force, in the order of the file."""
        return (one for one in self.file.budgets if holds(one, self.day))

    @property
    def rate_limits(self) -> Iterator[RateLimit]:
        """Those in force, in the order of the file."""
        return (one for one in self.file.rate_limits if holds(one, self.day))

    def is_hard(self, budget: Budget) -> bool:
        """Whether the gateway is to refuse calls when the budget is used up."""
        return self.enforce or budget.at_limit.do == "block"

    def limit(self, budget: Budget) -> Decimal:
        """The amount in force."""
        return budget.limit_on(self.day)

    def patterns(self, of: Scope) -> Sequence[str]:
        """The models of a scope, `*` for anything; none where it is of all."""
        if of.model is not None:
            return (of.model,)
        return next((one.models for one in self.file.model_classes if one.model_class == of.model_class), ())

    def is_after_another(self, of: Scope) -> bool:
        """Whether a class stands after others, which take what fits both."""
        return of.model_class is not None and of.model_class != self.file.model_classes[0].model_class


def named(of: Scope) -> str:
    """A budget or rate limit as notes name it."""
    return f"budget {of.budget}" if isinstance(of, Budget) else f"rate limit {of.limit}" if isinstance(of, RateLimit) else of.scope


def fields_of(of: Scope, among: Sequence[str] = (*OWNERS, *MODELS)) -> dict[str, str]:
    """The values a scope gives, by field."""
    return {name: value for name in among if (value := getattr(of, name)) is not None}


def soft_reason(budget: Budget) -> str:
    """Why a budget that does not block is no limit of a gateway that can only refuse."""
    what = budget.at_limit.sentence(budget.told)
    if budget.at_limit.do == "tell":
        return f"{what}; --enforce makes it a limit that refuses calls"
    return f"at its limit {what}, which cannot be said for a scope; --enforce makes it a limit that refuses calls"


def soft_note(budget: Budget, how: str) -> str:
    """What a gateway does for a budget that does not block, and that what is agreed beyond that is left to the caller."""
    what = budget.at_limit.sentence(budget.told)
    if budget.at_limit.do == "fall back":
        return f"{named(budget)}: {how}; what is agreed beyond that is the caller's to do: {what}"
    return f"{named(budget)}: {how}; {what}"


def alert_at(budget: Budget, limit: Decimal) -> Decimal | None:
    """The amount at the highest level below the whole; None where there is no such level."""
    levels = [level for level in budget.levels if level < 100]  # noqa: PLR2004 -- percent
    return plain(limit * max(levels) / 100) if levels and limit else None


def plain(value: Decimal) -> Decimal:
    """Without the zeros of its scale."""
    whole = value.to_integral_value()
    return whole if value == whole else value.normalize()


def heading(title: str, asked: Asked, made: Exported, use: Sequence[str]) -> list[str]:
    """What a file says of itself, without comment signs."""
    lines = [f"{title}, from {FILE} as of {asked.day}.", "Written by `meterbook quota export`: edit the budgets, not this file.", *use]
    if made.left_out:
        lines += ["", "Not in this file, because the gateway cannot express it:", *(f"- {line}" for line in made.left_out)]
    if made.to_know:
        lines += ["", "To know:", *(f"- {line}" for line in made.to_know)]
    return lines


def commented(lines: Sequence[str], *documents: object) -> str:
    """YAML documents below comments."""
    head = "".join(f"# {line}".rstrip() + "\n" for line in lines)
    return head + "---\n".join(dump(document) for document in documents)


def holds(one: Scope, day: date) -> bool:
    """Whether a budget or rate limit is in force on a day."""
    return one.starts_on <= day < one.ends_on
