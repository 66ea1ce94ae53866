"""Routes to smaller models that a book considers (`routes` of levers.yaml), and the table SQL sees of them."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from difflib import get_close_matches
from itertools import combinations
from typing import Annotated, Literal

import polars as pl
from pydantic import AfterValidator, Field, model_validator

from meterbook.assets.dated import Dated
from meterbook.assets.sources import Name
from meterbook.rate_cards.patterns import like

_PPM = 1_000_000
_PICO = 10**12
Share = Annotated[Decimal, Field(ge=0, le=1, decimal_places=6)]


class Route(Dated):
    """Sends the calls of a feature from one model to another, and those it does not answer well enough back to the first.

    Args:
        feature: whose calls.
        from: model as logged; `*` is anything.
        to: model as a rate card names it; its price is that of the served tier of the calls.
        to_provider: as the rate card names it; else the provider of the calls.
        accept: share of the answers that need no second call: measured where the feature uses both models, a share, or low, point, high.
        guard_usd: dollars per call for what decides whether an answer is good enough.
        max_latency_ms: the 95th percentile that the other model has to keep; not offered where it is above or unknown.
    """

    feature: Name
    from_model: Annotated[str, Field(alias="from", min_length=1)]
    to_model: Annotated[str, Field(alias="to", min_length=1)]
    to_provider: Annotated[str, Field(min_length=1)] | None = None
    accept: Literal["measured"] | Share | tuple[Share, Share, Share] = "measured"
    guard_usd: Decimal = Field(default=Decimal(0), ge=0, lt=1000, decimal_places=12)
    max_latency_ms: int | None = Field(default=None, gt=0)

    @property
    def shares(self) -> tuple[Decimal, Decimal, Decimal] | None:
        """Accepted answers, low, point and high, where they are stated."""
        if self.accept == "measured":
            return None
        return self.accept if isinstance(self.accept, tuple) else (self.accept, self.accept, self.accept)

    @model_validator(mode="after")
    def _in_order(self) -> "Route":
        if self.shares is not None and list(self.shares) != sorted(self.shares):
            raise ValueError("`accept` is low, point and high, in this order")
        return self


def _once(routes: tuple[Route, ...]) -> tuple[Route, ...]:
    for one, other in combinations(routes, 2):
        is_same = (one.feature, one.from_model) == (other.feature, other.from_model)
        if is_same and one.starts_on < other.ends_on and other.starts_on < one.ends_on:
            raise ValueError(
                f"two routes of feature {one.feature!r} from {one.from_model!r} hold on the same days: give them starts_on and ends_on"
            )
    return routes


Routes = Annotated[tuple[Route, ...], AfterValidator(_once)]
_ROUTE = {
    "place": pl.Int32(),
    **dict.fromkeys(("feature", "from_model", "to_provider", "to_model"), pl.String()),
    **dict.fromkeys(("low_accept_ppm", "point_accept_ppm", "high_accept_ppm"), pl.Int32()),
    "guard_pico": pl.Int64(),
    "max_latency_ms": pl.Int64(),
    **dict.fromkeys(("starts_on", "ends_on"), pl.Date()),
}


class RouteError(ValueError):
    """A route leads to a model that no rate card has; the message names both."""


def check_routes(routes: Sequence[Route], rates: pl.DataFrame) -> None:
    """Nothing, where every route leads to a model of a rate card.

    Args:
        routes: of levers.yaml.
        rates: rate_cards.rate.

    Raises:
        RouteError: a route to a model without a price.
    """
    known = sorted(set(rates["model"])) if routes else []
    for route in routes:
        if route.to_model not in known:
            near = get_close_matches(route.to_model, known, 1)
            hint = f"; did you mean {near[0]!r}?" if near else "; `meterbook prices diff` shows what there is"
            raise RouteError(f"the route of feature {route.feature!r} leads to {route.to_model!r}, which no rate card has{hint}")


def route_tables(routes: Sequence[Route]) -> dict[str, pl.DataFrame]:
    """book.route, in the order of the book; money in pico-dollars, shares in millionths."""
    return {"book.route": pl.DataFrame([_row(place, route) for place, route in enumerate(routes, 1)], schema=_ROUTE)}


def _row(place: int, route: Route) -> dict[str, object]:
    return {
        "place": place,
        "feature": route.feature,
        "from_model": like(route.from_model.lower()),
        "to_provider": route.to_provider,
        "to_model": route.to_model,
        **dict(_shares(route)),
        "guard_pico": int(route.guard_usd * _PICO),
        "max_latency_ms": route.max_latency_ms,
        "starts_on": route.starts_on,
        "ends_on": route.ends_on,
    }


def _shares(route: Route) -> Iterator[tuple[str, int | None]]:
    for name, share in zip(("low", "point", "high"), route.shares or (None, None, None), strict=True):
        yield f"{name}_accept_ppm", None if share is None else int(share * _PPM)
