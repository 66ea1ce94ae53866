"""A scenario for `meterbook whatif`: what would be done otherwise, as one YAML file. Nothing of it is written into the book.

Every change is a range from low to high of what it saves, in the order low, point, high of what is uncertain about it.
"""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, ValidationError, model_validator

from meterbook.assets.book import BookError
from meterbook.assets.lever_routes import Share
from meterbook.assets.sources import Name, Strict
from meterbook.rate_cards.strict_yaml import StrictYamlError, explain, load_yaml


def _three(value: object) -> object:
    return (value, value, value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else value


def _rising(value: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
    if list(value) != sorted(value):
        raise ValueError(f"{', '.join(map(str, value))} must not fall: least, likely, most")
    return value


def _on_or_off(value: object) -> object:
    # YAML 1.1 reads on and off as booleans.
    return {True: "on", False: "off"}.get(value, value) if isinstance(value, bool) else value


Shares = Annotated[tuple[Share, Share, Share], BeforeValidator(_three)]
_Positive = Annotated[Decimal, Field(gt=0, lt=10_000_000, decimal_places=6)]
Rates = Annotated[tuple[_Positive, _Positive, _Positive], BeforeValidator(_three)]
Turn = Annotated[Literal["on", "off"], BeforeValidator(_on_or_off)]


class _Change(Strict):
    @model_validator(mode="after")
    def _ranges_rise(self) -> "_Change":
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, tuple):
                _rising(value)
        return self


class RouteChange(_Change):
    """A share of a feature's calls is first asked of another model; what that does not answer well enough, of the old one too.

    Args:
        feature: whose calls.
        from: model as logged; `*` is anything.
        to: model as a rate card names it; to_provider: as there, else the provider of the calls.
        share: of the calls that go to the other model first.
        accept: share of its answers that are good enough; least, likely, most.
        guard_usd: dollars a call for what decides that.
    """

    feature: Name
    from_model: Annotated[str, Field(alias="from", min_length=1)]
    to_model: Annotated[str, Field(alias="to", min_length=1)]
    to_provider: Name | None = None
    share: Share = Decimal(1)
    accept: Shares
    guard_usd: Decimal = Field(default=Decimal(0), ge=0, lt=1000, decimal_places=12)


class CapChange(_Change):
    """Output is capped. `retry` is the share of the answers cut off that are asked again: least, likely, most."""

    feature: Name
    model: Annotated[str, Field(min_length=1)] = "*"
    tokens: int = Field(ge=1, le=10_000_000)
    retry: Shares = (Decimal(0), Decimal("0.5"), Decimal(1))


class ResponseCacheChange(_Change):
    """A cache of whole answers in front of a feature, within a tenant."""

    feature: Name
    ttl_seconds: int = Field(default=3600, ge=1, le=86_400)
    opted_in: bool = False
    shared: bool = False


class _Switched(_Change):
    """A way of being served: `off` is as if nothing went by it, of one feature or of all."""

    feature: Name | None = None
    turn: Turn = "on"
    share: Shares | None = None

    @model_validator(mode="after")
    def _on_needs_a_feature(self) -> "_Switched":
        if self.turn == "on" and self.feature is None:
            raise ValueError("say `feature:`, or `off`")
        if self.turn == "off" and self.share is not None:
            raise ValueError("`share` is of what is turned on")
        return self


class PromptCacheChange(_Switched):
    """The provider's cache of prompts. `share` of what its cache could have served of the feature's prefixes that came again."""


class BatchChange(_Switched):
    """Batch. `share` of the feature's standard calls with a batch price; without it, of those that could wait (core.batch_share)."""


class OwnGpuChange(_Change):
    """A model's calls go to GPUs of one's own, as far as these can take them hour by hour; the rest stays where it is.

    Args:
        model: as logged; `*` is anything. feature: only of this one.
        gpus: how many; they are paid every hour.
        usd_per_gpu_hour: what an hour of one costs, all included; or `rate`, `gpu/NAME` of a rate card.
        tokens_per_second: input and output tokens that a GPU serves while it works, at the latency that is needed.
        utilization: share of the time it can work.
    """

    model: Annotated[str, Field(min_length=1)]
    feature: Name | None = None
    gpus: int = Field(ge=1, le=1_000_000)
    usd_per_gpu_hour: Annotated[Decimal, Field(ge=0, lt=100_000, decimal_places=6)] | None = None
    rate: Annotated[str, Field(pattern=r"^[^/]+/.+$")] | None = None
    tokens_per_second: Rates
    utilization: Shares

    @model_validator(mode="after")
    def _has_one_price(self) -> "OwnGpuChange":
        if (self.usd_per_gpu_hour is None) == (self.rate is None):
            raise ValueError("say `usd_per_gpu_hour`, or `rate` of a rate card")
        return self


class PriceChange(_Change):
    """A rate card in place of what the book has for its models. `card` is a file, beside the scenario."""

    card: Annotated[str, Field(min_length=1)]


def _switched(value: object) -> object:
    return {"turn": value} if isinstance(value, bool | str) else value


class Change(Strict):
    """One change: exactly one of these."""

    route: RouteChange | None = None
    cap_output: CapChange | None = None
    response_cache: ResponseCacheChange | None = None
    prompt_cache: Annotated[PromptCacheChange, BeforeValidator(_switched)] | None = None
    batch: Annotated[BatchChange, BeforeValidator(_switched)] | None = None
    own_gpus: OwnGpuChange | None = None
    price: PriceChange | None = None

    @model_validator(mode="after")
    def _is_one(self) -> "Change":
        if len(self.model_fields_set) != 1 or self.only is None:
            raise ValueError(f"a change is one of {', '.join(type(self).model_fields)}")
        return self

    @property
    def only(self) -> _Change | None:
        """What it changes."""
        return next((value for name in type(self).model_fields if (value := getattr(self, name)) is not None), None)


class Scenario(Strict):
    """A scenario: changes that are made together, in the published order of the levers whatever order they stand in."""

    changes: tuple[Change, ...] = ()

    def of(self, kind: type[Any]) -> Iterator[Any]:
        """The changes of a kind, in the order of the file."""
        return (change.only for change in self.changes if type(change.only) is kind)

    @model_validator(mode="after")
    def _once(self) -> "Scenario":
        seen: set[tuple[object, ...]] = set()
        for change in self.changes:
            only = change.only
            key = (type(only).__name__, *(getattr(only, name, None) for name in ("feature", "from_model", "model", "card")))
            if key in seen:
                raise ValueError(f"two changes of {next(iter(change.model_fields_set))} are about the same: make them one")
            seen.add(key)
        if len(list(self.of(OwnGpuChange))) > 1 or len(list(self.of(PriceChange))) > 1:
            raise ValueError("a scenario has one `own_gpus` and one `price` at most")
        return self


_SHAPES: tuple[type[BaseModel], ...] = (
    *(Scenario, Change, RouteChange, CapChange, ResponseCacheChange, PromptCacheChange, BatchChange, OwnGpuChange, PriceChange),
)
_KNOWN = sorted({field.alias or name for shape in _SHAPES for name, field in shape.model_fields.items()})


def read_scenario(path: Path) -> Scenario:
    """Read a scenario.

    Raises:
        BookError: there is no such file, or it is wrong; one line that names file, line and place.
    """
    if not path.is_file():
        raise BookError(f"{path}: there is no such file; docs/whatif.md shows one")
    try:
        return Scenario.model_validate(load_yaml(path) or {})
    except StrictYamlError as error:
        raise BookError(str(error)) from error
    except ValidationError as error:
        raise BookError(explain(path, error, _KNOWN)) from error
