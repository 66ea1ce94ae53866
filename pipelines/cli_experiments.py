"""`meterbook experiments`: what arms of experiments cost per successful unit, and which of them can graduate."""

import csv
import json
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.table import Table

from meterbook.assets.book import BookError
from meterbook.pipelines.asked import book_of
from meterbook.pipelines.consoles import out

if TYPE_CHECKING:
    from meterbook.reports.experiments import Blocks, Experiment, Judged
    from meterbook.reports.intervals import Comparison, Interval

app = typer.Typer(rich_markup_mode=None)


@app.command(epilog="Examples: meterbook --book ./book experiments; meterbook experiments --feature search --from 2026-10-06 --format json")
def experiments(
    context: typer.Context,
    *,
    feature: Annotated[str | None, typer.Option(help="Only experiments on this feature.")] = None,
    first: Annotated[str | None, typer.Option("--from", help="First day, YYYY-MM-DD; the first with an arm where not given.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last day, YYYY-MM-DD; the last with an arm where not given.")] = None,
    margin: Annotated[float, typer.Option(min=0, max=1, help="By how much quality may fall, 0 to 1.")] = 0.01,
    level: Annotated[float, typer.Option(min=0.5, max=0.9999, help="Level of intervals and verdicts.")] = 0.95,
    blocks: Annotated[
        Literal["tenant-day", "day", "tenant"], typer.Option(help="What varies together; tenant where arms are given to tenants.")
    ] = "tenant-day",
    form: Annotated[Literal["table", "csv", "json"], typer.Option("--format", help="How to print; csv and json are exact.")] = "table",
) -> None:
    """Hold each arm of an experiment against its control: cost per successful unit with an interval, quality, and what to do."""
    found = _read(book_of(context), (_day(first, date.min), _day(last, date.max)), feature, blocks, (margin, level))
    if form == "table":
        _print(found)
    elif form == "json":
        sys.stdout.write(json.dumps({"experiments": [_told(one) for one in found]}, indent=1) + "\n")
    else:
        rows = [{**one, **arm} for one, arms in ((_head(one), map(_arm, one.judged)) for one in found) for arm in arms]
        writer = csv.DictWriter(sys.stdout, list(rows[0]) if rows else [], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _day(text: str | None, default: date) -> date:
    try:
        return default if text is None else date.fromisoformat(text)
    except ValueError as error:
        raise BookError(f"{text!r} is not a day such as 2026-10-06") from error


def _read(folder: Path, days: tuple[date, date], feature: str | None, blocks: "Blocks", limits: tuple[float, float]) -> "list[Experiment]":
    from meterbook.assets.workspace import Workspace  # noqa: PLC0415 -- the engine takes a while to load
    from meterbook.reports.experiments import experiments as asked  # noqa: PLC0415
    from meterbook.reports.frame import rows_of  # noqa: PLC0415

    first, last = days
    end = last if last == date.max else last + timedelta(days=1)
    with Workspace(folder).catalog.connect() as con:
        return asked(partial(rows_of, con), first, end, feature=feature, blocks=blocks, margin=limits[0], level=limits[1])


def _head(one: "Experiment") -> dict[str, Any]:
    return {"experiment": one.name, "feature": one.feature, "unit": one.unit, "from": str(one.first), "to": str(one.last)}


def _told(one: "Experiment") -> dict[str, Any]:
    return {**_head(one), "margin": one.margin, "level": one.level, "arms": [_arm(judged) for judged in one.judged]}


def _arm(one: "Judged") -> dict[str, Any]:
    total = one.arm.total
    return {
        "arm": one.arm.name,
        "requests": total["requests"],
        "unpriced_requests": total["unpriced_requests"],
        "units": total["units"],
        "successes": total["successes"],
        "cost_usd": f"{total['cost_usd']:f}",
        **_bounds("cost_per_success_usd", one.cost),
        **_bounds("difference_usd", one.difference),
        "quality_ratio": _number(one.arm.quality),
        **_compared("quality", one.quality),
        "success_ratio": _number(one.arm.success),
        **_compared("success", one.success),
        "advice": one.advice,
        "reason": one.reason,
    }


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _bounds(name: str, found: "Interval | None") -> dict[str, float | None]:
    return {f"{name}_{part}": getattr(found, part) if found else None for part in ("low", "point", "high")}


def _compared(name: str, found: "Comparison | None") -> dict[str, Any]:
    return {**_bounds(f"{name}_difference", found.difference if found else None), f"{name}_verdict": found.verdict if found else None}


def _print(found: "Sequence[Experiment]") -> None:
    if not found:
        out.print("No experiment with two arms ran in these days; docs/experiments.md says how calls name their arm.", soft_wrap=True)
    for one in found:
        out.print(f"{one.name} on {one.feature}: {one.first} to {one.last}, {one.unit}", markup=False, soft_wrap=True)
        table = Table("arm", "successes", "cost", "per success", "difference", "quality", "advice", show_edge=False)
        for judged in one.judged:
            table.add_row(*_cells(judged))
        out.print(table)


def _cells(one: "Judged") -> Sequence[str]:
    from meterbook.reports.numbers import MINUS, percent, price  # noqa: PLC0415 -- loads with the reports

    def between(found: "Interval | None", *, is_signed: bool = False) -> str:
        if found is None:
            return "unknown"
        point, low, high = (price(Decimal(value)) for value in (found.point, found.low, found.high))
        return f"{'' if not is_signed or point.startswith(MINUS) else '+'}{point} ({low} to {high})"

    quality = percent(one.arm.quality if one.arm.quality is not None else one.arm.success)
    verdict = f", {one.quality.verdict}" if one.quality else ""
    return (
        one.arm.name,
        f"{one.arm.total['successes']:,} of {one.arm.total['units']:,}",
        f"${one.arm.total['cost_usd']:,.2f}",
        between(one.cost),
        between(one.difference, is_signed=True) if one.advice else "",
        f"{quality}{verdict}",
        f"{one.advice}: {one.reason}" if one.advice else "control",
    )
