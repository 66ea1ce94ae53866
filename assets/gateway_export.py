"""The gateways that budgets, rate limits and allowed models can be written for."""

from collections.abc import Callable, Mapping
from typing import Literal

from meterbook.assets import gateway_envoy, gateway_kong, gateway_litellm, gateway_portkey
from meterbook.assets.budgets import Budget
from meterbook.assets.gateways import Asked, Exported, holds, named, plain

Gateway = Literal["litellm", "kong", "envoy", "portkey"]
RENDERS: Mapping[Gateway, Callable[[Asked, Exported], None]] = {
    "litellm": gateway_litellm.render,
    "kong": gateway_kong.render,
    "envoy": gateway_envoy.render,
    "portkey": gateway_portkey.render,
}


def export(gateway: Gateway, asked: Asked) -> Exported:
    """The file of a gateway, and what is not in it."""
    made = Exported()
    for one in (*asked.file.budgets, *asked.file.rate_limits):
        if not holds(one, asked.day):
            made.without(one, f"does not hold on {asked.day}")
    for budget in asked.budgets:
        _note_end(made, asked, budget)
    RENDERS[gateway](asked, made)
    return made


def _note_end(made: Exported, asked: Asked, budget: Budget) -> None:
    """A gateway knows no dates: until when the amount holds."""
    for first, _, amount in budget.amounts:
        if first > asked.day:
            made.note(
                f"{named(budget)}: {plain(asked.limit(budget)):f} holds until {first}, then {plain(amount):f}; export again on that day"
            )
            return
