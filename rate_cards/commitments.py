"""What a company has promised to pay, whatever it uses: `commitments.yaml` of the book, read strictly.

Provisioned throughput (Azure OpenAI PTU, Amazon Bedrock provisioned throughput, Vertex AI GSU) and reserved GPUs are paid by the unit and
hour, month or term, and serve calls and GPU hours that then cost nothing more. A minimum spend is paid up to where usage falls short of it.
GPUs of one's own (`owned_gpus`) are amortised as reserved ones are.
Entries are appended, one for each order: entries of one name are one commitment, and add up on the days they share.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import Field, ValidationError, model_validator

from meterbook.rate_cards.amortise import NoRateError, Span, hourly, in_usd, months, spread, whole_months
from meterbook.rate_cards.card import TOKEN_METERS, Code, Currency
from meterbook.rate_cards.entries import OPEN, CommitmentError, Dated, Money, Named, Strict
from meterbook.rate_cards.fx import FxRate
from meterbook.rate_cards.owned_gpus import GpuPower, OwnedGpu, PowerSpan, power_spans, refuse_shared_pools
from meterbook.rate_cards.strict_yaml import StrictYamlError, explain, line_of, load_yaml

MOST_AN_HOUR = 10**12
"""Capacity of an hour, in weighted tokens or GPU seconds, up to which a share of its cost is exact."""

Weight = Annotated[Decimal, Field(ge=0, lt=10**6, decimal_places=6)]
WEIGHED = frozenset(TOKEN_METERS) - {"reasoning"}
"""Meters of tokens; reasoning is inside of output."""


class Price(Strict):
    """What a commitment costs; `upfront` comes on top of one of the others, or stands alone."""

    hourly: Annotated[Decimal, Field(ge=0, lt=10**6, decimal_places=12)] | None = Field(default=None, description="of one unit and hour")
    monthly: Money | None = Field(default=None, description="of one unit and month, counted from starts_on")
    term: Money | None = Field(default=None, description="of all units for the whole term")
    upfront: Money | None = Field(default=None, description="of all units, paid at once for the whole term")
    currency: Currency = "USD"

    @model_validator(mode="after")
    def _says_one(self) -> "Price":
        given = [name for name in ("hourly", "monthly", "term") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)}: keep one, `upfront` may come on top")
        if not given and self.upfront is None:
            raise ValueError("say what it costs: hourly, monthly, term or upfront")
        return self


class _Priced(Dated):
    price: Price

    @model_validator(mode="after")
    def _term_fits_price(self) -> "_Priced":
        if self.ends_on == OPEN:
            if self.price.term is not None or self.price.upfront is not None:
                raise ValueError("a price for the whole term needs ends_on")
        elif self.price.monthly is not None:
            near = whole_months(self.starts_on, self.ends_on)
            if self.ends_on not in near:
                raise ValueError(f"ends_on {self.ends_on} is no whole number of months after {self.starts_on}; {near[0]} or {near[1]} is")
        return self

    def spans(self, count: int, fx: Sequence[FxRate]) -> Iterator[Span]:
        """What its hours cost.

        Args:
            count: units the price is for one of.
            fx: dated rates of exchange: a term is converted on its first day, a month on its own, an hour on its day.

        Raises:
            NoRateError: there is no rate of exchange on one of these days.
        """
        price, dates = self.price, (self.starts_on, self.ends_on)
        if price.hourly is not None:
            yield from hourly(count * price.hourly, price.currency, *dates, fx)
        if price.monthly is not None:
            for first, last in months(*dates):
                yield spread(in_usd(count * price.monthly, price.currency, first, fx), first, last)
        for whole in (price.term, price.upfront):
            if whole is not None:
                yield spread(in_usd(whole, price.currency, self.starts_on, fx), *dates)


class ProvisionedThroughput(_Priced):
    """Capacity bought by the unit, in which calls are not priced by the token."""

    provider: Code = Field(description="as the logs name it")
    models: tuple[Code, ...] = Field(min_length=1, description="as the logs name them; `*` stands for anything")
    keys: tuple[Code, ...] = Field(default=(), description="key_id of the calls it serves; all where not said")
    projects: tuple[Code, ...] = Field(default=(), description="project_id of the calls it serves; all where not said")
    covers: Literal["provisioned", "all"] = Field(
        default="provisioned", description="calls served at that tier, or all that match where the logs do not tell the tier"
    )
    units: int = Field(gt=0)
    tokens_per_minute: Decimal = Field(gt=0, decimal_places=6, description="weighted tokens one unit can take in a minute")
    weights: Mapping[str, Weight] = Field(
        description="what a token of each meter counts for; cache_read and cache_write as input where not said"
    )

    @property
    def capacity(self) -> Decimal:
        """Weighted tokens it can take in an hour."""
        return self.units * self.tokens_per_minute * 60

    @property
    def all_weights(self) -> dict[str, Decimal]:
        """Weight of every meter it covers."""
        cached = ("cache_read", "cache_write_5m", "cache_write_1h")
        return {**dict.fromkeys(cached, self.weights["input"]), **self.weights}

    @model_validator(mode="after")
    def _weighs_input_and_output(self) -> "ProvisionedThroughput":
        if unknown := sorted(set(self.weights) - WEIGHED):
            raise ValueError(f"weights: no meter {', '.join(unknown)}; there are {', '.join(m for m in TOKEN_METERS if m in WEIGHED)}")
        if missing := [meter for meter in ("input", "output") if meter not in self.weights]:
            raise ValueError(f"weights: say what a token of {' and of '.join(missing)} counts for")
        if self.capacity >= MOST_AN_HOUR:
            raise ValueError("more than 10^12 weighted tokens an hour; tokens_per_minute is of one unit")
        return self


class ReservedGpu(_Priced):
    """GPUs reserved for a term: their hours cost the same, used or not."""

    pool: Code | None = Field(default=None, description="GPU pool as sampled; `*` stands for anything")
    gpu_model: Code | None = Field(default=None, description="as the samples or the card name it; `*` stands for anything")
    gpus: int = Field(gt=0, lt=10**6)

    @property
    def capacity(self) -> Decimal:
        """GPU seconds of an hour."""
        return Decimal(self.gpus * 3600)

    @model_validator(mode="after")
    def _says_which(self) -> "ReservedGpu":
        if (self.pool is None) == (self.gpu_model is None):
            raise ValueError("say which GPUs it is for: `pool` or `gpu_model`")
        return self


class MinimumSpend(Dated):
    """What a provider is paid at least for a calendar month."""

    provider: Code = Field(description="as the logs name it")
    monthly: Money = Field(description="of a calendar month (UTC)")
    currency: Currency = "USD"

    @model_validator(mode="after")
    def _holds_for_whole_months(self) -> "MinimumSpend":
        for name, day in (("starts_on", self.starts_on), ("ends_on", self.ends_on)):
            if day.day != 1 and day != OPEN:
                raise ValueError(f"{name} {day} is not the first of a month; a minimum holds for whole months")
        return self

    def amounts(self, fx: Sequence[FxRate]) -> Iterator[tuple[date, date, Decimal]]:
        """First day, day after the last, and USD of a month; months of a currency at the rate of their first day.

        Raises:
            NoRateError: there is no rate of exchange on one of these days.
        """
        spans = [(self.starts_on, self.ends_on)] if self.currency == "USD" else months(self.starts_on, self.ends_on)
        for first, last in spans:
            yield first, last, in_usd(self.monthly, self.currency, first, fx)


class CommitmentsFile(Strict):
    """commitments.yaml."""

    provisioned_throughput: tuple[ProvisionedThroughput, ...] = ()
    reserved_gpu: tuple[ReservedGpu, ...] = ()
    owned_gpu: tuple[OwnedGpu, ...] = ()
    gpu_power: tuple[GpuPower, ...] = ()
    minimum_spend: tuple[MinimumSpend, ...] = ()


_SHAPES = (CommitmentsFile, ProvisionedThroughput, ReservedGpu, OwnedGpu, GpuPower, MinimumSpend, Price)
KEYS = sorted({key for shape in _SHAPES for key in shape.model_fields})
"""Every key the file may have, for the nearest one to a misspelt one."""


@dataclass(frozen=True)
class Commitments:
    """A book's commitments, with the cost of their hours in USD."""

    provisioned: tuple[tuple[ProvisionedThroughput, tuple[Span, ...]], ...] = ()
    reserved: tuple[tuple[ReservedGpu, tuple[Span, ...]], ...] = ()
    owned: tuple[tuple[OwnedGpu, tuple[Span, ...]], ...] = ()
    power: tuple[PowerSpan, ...] = ()
    minimums: tuple[tuple[MinimumSpend, tuple[tuple[date, date, Decimal], ...]], ...] = ()


def load_commitments(path: Path, fx: Sequence[FxRate] = ()) -> Commitments:
    """Read commitments.yaml; where there is no such file, there are no commitments.

    Args:
        path: the file.
        fx: dated rates of exchange, for prices that are not in USD.

    Raises:
        CommitmentError: it is wrong; the message names file, line and what to do.
    """
    if not path.is_file():
        return Commitments()
    try:
        file = CommitmentsFile.model_validate(load_yaml(path) or {})
    except StrictYamlError as error:
        raise CommitmentError(str(error)) from error
    except ValidationError as error:
        raise CommitmentError(explain(path, error, KEYS)) from error
    _refuse_unlike(path, file)
    refuse_shared_pools(path, file.owned_gpu)
    _refuse_reserved(path, file)
    return Commitments(
        _with(path, "provisioned_throughput", file.provisioned_throughput, lambda one: one.spans(one.units, fx)),
        _with(path, "reserved_gpu", file.reserved_gpu, lambda one: one.spans(one.gpus, fx)),
        _with(path, "owned_gpu", file.owned_gpu, lambda one: one.spans()),
        power_spans(path, file.gpu_power),
        _with(path, "minimum_spend", file.minimum_spend, lambda one: one.amounts(fx)),
    )


_Entry = TypeVar("_Entry", bound=Named)
_Part = TypeVar("_Part")


def _with(
    path: Path, section: str, entries: Sequence[_Entry], parts: Callable[[_Entry], Iterator[_Part]]
) -> tuple[tuple[_Entry, tuple[_Part, ...]], ...]:
    found = []
    for place, entry in enumerate(entries):
        try:
            found.append((entry, tuple(parts(entry))))
        except NoRateError as error:
            where = f"{path}:{line_of(path, (section, place, 'name'))}"
            raise CommitmentError(f"{where}: {entry.name}: {error}") from error
    return tuple(found)


def _refuse_reserved(path: Path, file: CommitmentsFile) -> None:
    """A device is of one commitment: a pool is reserved or owned, on any day."""
    for place, one in enumerate(file.owned_gpu):
        for other in file.reserved_gpu:
            shares_days = one.starts_on < other.ends_on and other.starts_on < one.ends_on
            if shares_days and other.pool is not None and fnmatchcase(one.pool, other.pool.replace("[", "[[]").replace("?", "[?]")):
                where = f"{path}:{line_of(path, ('owned_gpu', place, 'pool'))}"
                raise CommitmentError(
                    f"{where}: {one.name}: pool {one.pool} is reserved by {other.name}; give its own GPUs a pool of their own"
                )


_OWN = {"starts_on", "ends_on", "price", "units", "gpus", "tokens_per_minute", "monthly", "currency"} | {
    "bought_on",
    "purchase_usd",
    "life_months",
    "residual_usd",
    "hosting_monthly_usd",
}
"""What entries of one commitment may differ in."""


def _refuse_unlike(path: Path, file: CommitmentsFile) -> None:
    seen: dict[str, tuple[str, dict[str, object]]] = {}
    for section in (name for name in CommitmentsFile.model_fields if name != "gpu_power"):
        for place, entry in enumerate(getattr(file, section)):
            shared = (section, entry.model_dump(exclude=_OWN))
            if seen.setdefault(entry.name, shared) != shared:
                where = f"{path}:{line_of(path, (section, place, 'name'))}"
                unlike = [key for key, value in shared[1].items() if seen[entry.name][1].get(key) != value] or ["section"]
                raise CommitmentError(f"{where}: {entry.name}: is given with another {unlike[0]} before; give it another name")
