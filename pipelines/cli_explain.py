"""`meterbook explain`: why cost changed between two periods, in dollars that add up."""

import csv
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.table import Table

from meterbook.assets.book import Book, BookError
from meterbook.pipelines.asked import book_of
from meterbook.pipelines.consoles import out
from meterbook.reports.numbers import plural

if TYPE_CHECKING:
    from meterbook.assets.explained import Explanation

app = typer.Typer(rich_markup_mode=None)
_OWNERS, _MODELS = ("team", "tenant", "feature"), ("provider", "model")
_SHOWN, _LACKING = 40, 5


@app.command(
    epilog="Examples: meterbook explain --from 2026-09 --to 2026-10; meterbook explain --from 2026-W42 --to 2026-W43 --by feature; "
    "meterbook explain --from 2026-09-01..2026-09-10 --to 2026-10-01..2026-10-31 --per-day --where team=support --format json"
)
def explain(
    context: typer.Context,
    *,
    before: Annotated[str, typer.Option("--from", help="Month, ISO week, quarter, day, or range FIRST..LAST: what is compared with.")],
    after: Annotated[str, typer.Option("--to", help="The same: what is explained.")],
    by: Annotated[list[str] | None, typer.Option(help="Tell effects apart by team, tenant, feature, provider, model; repeatable.")] = None,
    where: Annotated[list[str] | None, typer.Option(help="Only what has this team, tenant or feature: team=support.")] = None,
    per_day: Annotated[bool, typer.Option("--per-day", help="Compare averages of a day.")] = False,
    form: Annotated[Literal["table", "json", "csv"], typer.Option("--format", help="How to print; json and csv are exact.")] = "table",
) -> None:
    """Say why cost changed: effects that sum to the change, sentences behind the largest, what stands out, and what has no price."""
    folder = book_of(context)
    Book(folder)
    if unknown := [name for name in by or () if name not in (*_OWNERS, *_MODELS)]:
        raise BookError(f"--by {unknown[0]!r} is none of {', '.join((*_OWNERS, *_MODELS))}")
    from meterbook.assets.explained import explain as answer  # noqa: PLC0415 -- the engine takes a while to load; a wrong book is told first
    from meterbook.assets.explaining import READ, Asked, span_of  # noqa: PLC0415
    from meterbook.assets.workspace import Workspace  # noqa: PLC0415

    asked = Asked(span_of(before), span_of(after), tuple(dict.fromkeys(by or ())), _conditions(where or []), per_day=per_day)
    with Workspace(folder).catalog.reading(READ) as con:
        found = answer(con, asked)
    {"table": _print, "json": _write_json, "csv": _write_csv}[form](found)


def _conditions(texts: list[str]) -> Mapping[str, str]:
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or name not in _OWNERS:
            raise BookError(f"--where {text!r} is not {', '.join(f'{one}=NAME' for one in _OWNERS[:-1])} or {_OWNERS[-1]}=NAME")
        found[name] = value
    return found


def _write_json(found: "Explanation") -> None:
    import msgspec  # noqa: PLC0415 -- only this form needs it

    # Dollars are numbers with all their digits.
    encoded = msgspec.json.Encoder(decimal_format="number").encode(as_json(found))
    sys.stdout.write(msgspec.json.format(encoded, indent=1).decode() + "\n")


def as_json(found: "Explanation") -> dict[str, Any]:
    """An answer as JSON has it, dollars as exact decimals."""
    asked = found.asked
    return {
        "from": asked.before.name,
        "to": asked.after.name,
        "from_days": found.days[0],
        "to_days": found.days[1],
        "is_per_day": asked.per_day,
        "from_usd": found.before_usd,
        "to_usd": found.after_usd,
        "change_usd": found.change_usd,
        "effects": [dict(row) for row in found.effects],
        "sentences": found.sentences,
        "causes": [
            {
                "where": dict(one.where),
                "expected_usd": one.expected_usd,
                "actual_usd": one.actual_usd,
                "usd": one.usd,
                "day": str(one.day) if one.day else None,
                "text": one.text,
            }
            for one in found.causes
        ],
        "unpriced": [
            {
                "provider": one.provider,
                "model": one.model,
                "unit": one.unit,
                "before": one.before,
                "after": one.after,
                "since": str(one.since) if one.since else None,
                "text": one.text,
            }
            for one in found.unpriced
        ],
    }


def _write_csv(found: "Explanation") -> None:
    columns = [*found.asked.by, "effect", "usd"]
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([f"{row[name]:f}" if name == "usd" else row[name] for name in columns] for row in found.effects)


def _print(found: "Explanation") -> None:
    asked = found.asked
    per = " a day" if asked.per_day else ""
    table = Table(*asked.by, "effect", f"dollars{per}", show_edge=False)
    table.columns[-1].justify = "right"
    effects = [row for row in found.effects if round(row["usd"], 2)]
    rows = [[*(str(row[name]) for name in asked.by), str(row["effect"]), f"{row['usd']:+,.2f}"] for row in effects]
    rest = sum(row["usd"] for row in effects[_SHOWN:])
    if len(rows) > _SHOWN:
        rows = [*rows[:_SHOWN], [*("" for _ in asked.by), f"{len(rows) - _SHOWN} smaller ones", f"{rest:+,.2f}"]]
    blank = ["" for _ in asked.by[1:]]
    spans = zip((asked.before, asked.after), found.days, (found.before_usd, found.after_usd), strict=True)
    first, last = ([f"{span.name} ({days} days)", *blank, *[""][: len(asked.by)], f"{usd:,.2f}"] for span, days, usd in spans)
    for cells in (first, *rows, last):
        table.add_row(*cells)
    out.print(table)
    for text in (*found.sentences, *(f"Stands out: {one.text}" for one in found.causes)):
        out.print(text, soft_wrap=True, markup=False)
    for one in found.unpriced[:_LACKING]:
        out.print(f"Without a price: {one.text}", soft_wrap=True, markup=False)
    if (more := len(found.unpriced) - _LACKING) > 0:
        out.print(f"And {plural(more, 'more thing')} without a price: --format json has them all.", soft_wrap=True, markup=False)
    if found.days[0] != found.days[1] and not asked.per_day:
        out.print("The periods have other numbers of days with cost; --per-day compares averages.", soft_wrap=True, markup=False)
