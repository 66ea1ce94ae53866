"""How the outcome of a scenario is shown: as tables for people, and exactly."""

from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.table import Column, Table

from meterbook.assets.whatif_outcome import AHEAD, NOTHING, Outcome
from meterbook.reports.numbers import NONE, dollars, price
from meterbook.reports.saving_ledger import Range

_SMALL = 10


def show(outcome: Outcome, out: Console) -> None:
    """Print what is saved by feature and by change, then what that rests on."""
    out.print(_by_feature(outcome))
    if outcome.savings:
        out.print()
        out.print(_by_change(outcome))
    out.print("\nWhat this rests on:")
    for line in outcome.assumptions:
        out.print(f"- {line}", markup=False, soft_wrap=not out.is_terminal)


def _by_feature(outcome: Outcome) -> Table:
    table = Table(
        "feature",
        *(Column(name, justify="right") for name in ("cost", "saves least", "likely", "most", "would have cost")),
        title=f"{outcome.first} to {outcome.last}",
        title_justify="left",
        show_edge=False,
    )
    names = sorted(outcome.before, key=lambda name: (-outcome.before[name], name))
    touched = [name for name in names if outcome.saving(name) != NOTHING]
    for name in touched:
        table.add_row(name, *_cells(outcome.before[name], outcome.saving(name), outcome.after(name)))
    others = sum((outcome.before[name] for name in names if name not in touched), Decimal(0))
    if others:
        table.add_row("(no change)", _usd(others), NONE, NONE, NONE, _usd(others))
    table.add_row("all", *_cells(_whole(outcome), outcome.saving(), outcome.after()), style="bold")
    return table


def _by_change(outcome: Outcome) -> Table:
    table = Table(
        "change",
        "feature",
        *(Column(name, justify="right") for name in ("saves least", "likely", "most", f"in {AHEAD} days to come")),
        show_edge=False,
    )
    for (feature, change), usd in sorted(outcome.savings.items(), key=lambda item: (-item[1].point, item[0])):
        table.add_row(change, feature, *map(_usd, _three(usd)), _between(outcome.ahead(feature, change)))
    table.add_row("all", "", *map(_usd, _three(outcome.saving())), _between(outcome.ahead()), style="bold")
    return table


def _cells(cost: Decimal, saved: Range, after: Range) -> tuple[str, ...]:
    return (_usd(cost), *map(_usd, _three(saved)), _between(after))


def _between(found: Range | None) -> str:
    if found is None:
        return NONE
    low, high = _usd(found.low), _usd(found.high)
    return low if low == high else f"{low} to {high}"


def _usd(value: Decimal) -> str:
    """Whole dollars, and cents of what is less than ten."""
    return price(value) if 0 < abs(value) < _SMALL else dollars(value)


def fields(outcome: Outcome) -> dict[str, Any]:
    """What is saved, exact: amounts of the days to the pico-dollar, those of the days to come in cents; None where it is too few days."""
    features = [
        {"feature": name} | _row(cost, outcome.saving(name), outcome.after(name), outcome.ahead(name))
        for name, cost in outcome.before.items()
    ]
    return {
        "from": str(outcome.first),
        "to": str(outcome.last),
        "requests": outcome.requests,
        "unknown_requests": outcome.unknown_requests,
        "total": _row(_whole(outcome), outcome.saving(), outcome.after(), outcome.ahead()),
        "features": features,
        "changes": [
            {"feature": feature, "change": change, "saving_usd": _range(usd), "saving_30_days_usd": _range(outcome.ahead(feature, change))}
            for (feature, change), usd in sorted(outcome.savings.items())
        ],
        "assumptions": outcome.assumptions,
    }


def _whole(outcome: Outcome) -> Decimal:
    return sum(outcome.before.values(), Decimal(0))


def _row(cost: Decimal, saved: Range, after: Range, ahead: Range | None) -> dict[str, Any]:
    return {"cost_usd": f"{cost:f}", "saving_usd": _range(saved), "after_usd": _range(after), "saving_30_days_usd": _range(ahead)}


def _range(found: Range | None) -> dict[str, str] | None:
    return None if found is None else dict(zip(("low", "point", "high"), (f"{value:f}" for value in _three(found)), strict=True))


def _three(found: Range) -> tuple[Decimal, Decimal, Decimal]:
    return found.low, found.point, found.high
