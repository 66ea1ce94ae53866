"""Whether a failed call is billed: dated entries by provider and error, shipped and of one's own, as a table that SQL joins.

The first entry that matches holds: those of the book's policies.yaml are asked before the shipped ones, and in a file the upper ones
before the lower. Entries are appended: what a provider changed is ended, and the new entry begins.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from meterbook.rate_cards.card import BEGINNING, OPEN
from meterbook.rate_cards.patterns import like
from meterbook.rate_cards.providers import KNOWN
from meterbook.rate_cards.strict_yaml import explain, line_of, load_yaml

SHIPPED = Path(__file__).parent / "policies"
Verdict = Literal["billed", "not billed", "unknown"]
Pattern = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f]*$")]
"""An error as logs name it (429, RateLimitError, ...): `*` stands for anything, letter case does not matter, empty is no name."""


class PolicyError(ValueError):
    """A file of policies is wrong; the message is one line that names file, line and what to do."""


class Policy(BaseModel):
    """What a provider does about calls that failed in some ways."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: str = Field(min_length=1, description="gen_ai.provider.name; `*` stands for anything")
    errors: tuple[Pattern, ...] = Field(min_length=1, description="error classes as logs name them")
    counted_tokens: bool | None = Field(default=None, description="only where the log counts tokens, or only where it does not")
    verdict: Verdict
    after_dispatch: bool = Field(
        default=False, description="the provider was at work on it: tokens that its log does not know are estimated"
    )
    fee: Decimal = Field(default=Decimal(0), ge=0, decimal_places=12, description="USD that a failed call costs beside its tokens")
    starts_on: date = BEGINNING
    ends_on: date | None = None
    source: str = Field(min_length=1, description="where the provider says so, or why it is taken to be so")
    checked_on: date

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> "Policy":
        if self.ends_on and self.ends_on <= self.starts_on:
            raise ValueError(f"ends_on {self.ends_on} (exclusive) must lie after starts_on {self.starts_on}")
        if self.verdict == "not billed" and (self.fee or self.after_dispatch):
            raise ValueError("what is not billed has neither `fee` nor `after_dispatch`")
        return self

    @property
    def providers(self) -> tuple[str, ...]:
        """The provider by every name that logs have for it."""
        known = KNOWN.get(self.provider.lower())
        return (self.provider, *(known.other_names if known else ()))

    @property
    def until(self) -> date:
        """First day it no longer holds."""
        return self.ends_on or OPEN.date()

    def repeats(self, other: "Policy") -> set[str]:
        """Errors of which both speak, in the same words and on some same day."""
        if (self.provider.lower(), self.counted_tokens) != (other.provider.lower(), other.counted_tokens):
            return set()
        together = self.starts_on < other.until and other.starts_on < self.until
        return {error.lower() for error in self.errors} & {error.lower() for error in other.errors} if together else set()


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    policies: tuple[Policy, ...] = ()


def load_policies(own: Path, shipped: Path = SHIPPED) -> pl.DataFrame:
    """The book's policies and the shipped ones, in the columns of `rate_cards.policy` in sql/inputs.yaml.

    Args:
        own: the book's policies.yaml, asked first; where there is none, it has none.
        shipped: folder of the files asked after it, by name.

    Raises:
        PolicyError: a file is wrong.
        StrictYamlError: a file is not readable.
    """
    paths = ([own] if own.is_file() else []) + sorted(shipped.glob("*.yaml"))
    entries = (
        (policy, provider, error, path.name)
        for path in paths
        for policy in read_policies(path)
        for error in policy.errors
        for provider in policy.providers
    )
    return pl.DataFrame([_row(rank, *entry) for rank, entry in enumerate(entries, 1)], schema=POLICY)


def read_policies(path: Path) -> tuple[Policy, ...]:
    """The entries of one file, in order.

    Raises:
        PolicyError: it is wrong, or two entries say the same of one day.
        StrictYamlError: it is not readable.
    """
    try:
        found = _File.model_validate(load_yaml(path) or {}).policies
    except ValidationError as error:
        raise PolicyError(explain(path, error, sorted({*_File.model_fields, *Policy.model_fields}))) from error
    for number, policy in enumerate(found):
        for upper, other in enumerate(found[:number]):
            if twice := sorted(policy.repeats(other)):
                here, there = (line_of(path, ("policies", place)) for place in (number, upper))
                what = f"{twice[0]!r} of {policy.provider}"
                raise PolicyError(f"{path}:{here}: {what} is also in line {there}, for the same days; end one where the other starts")
    return found


def _row(rank: int, policy: Policy, provider: str, error: str, file: str) -> dict[str, object]:
    tokens = {None: "", True: " with tokens", False: " without tokens"}[policy.counted_tokens]
    return {
        "provider": like(provider.lower()),
        "error_class": like(error.lower()),
        "has_tokens": policy.counted_tokens,
        "starts_on": policy.starts_on,
        "ends_on": policy.until,
        "verdict": policy.verdict,
        "is_dispatched": policy.after_dispatch,
        "fee_usd": policy.fee,
        "rank": rank,
        "rule": f"{error or 'no error class'} of {policy.provider}{tokens} from {policy.starts_on}",
        "file": file,
        "source": policy.source,
        "checked_on": policy.checked_on,
    }


POLICY: Mapping[str, pl.DataType] = {
    **dict.fromkeys(("provider", "error_class"), pl.String()),
    "has_tokens": pl.Boolean(),
    **dict.fromkeys(("starts_on", "ends_on"), pl.Date()),
    "verdict": pl.String(),
    "is_dispatched": pl.Boolean(),
    "fee_usd": pl.Decimal(18, 12),
    "rank": pl.Int32(),
    **dict.fromkeys(("rule", "file", "source"), pl.String()),
    "checked_on": pl.Date(),
}
