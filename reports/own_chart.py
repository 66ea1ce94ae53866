"""What is shown of the rows of a book's own query: bars, lines or a table, with a sentence that is computed from them."""

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from meterbook.reports.charts import ACCENT, HEIGHT, MUTED, Chart, Read, bars, figure, how, spread, text_at
from meterbook.reports.frame import Row
from meterbook.reports.numbers import change, percent, plural
from meterbook.reports.own_query import Answer, QueryError
from meterbook.reports.own_values import number_of, shown, unit_of, words
from meterbook.reports.quality import brief

BARS, LINES = 40, 6
"""The most that can be told apart."""
NAMED = 24
"""Characters of a name beside a bar or a line; the table has all of it."""
TOLD = 12
"""Values that the description of a figure names."""
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
_SUMS = frozenset({"dollars", "count"})
"""Units whose values add up."""


@dataclass(frozen=True)
class Show:
    """How a query is shown.

    Args:
        kind: bar, line or table.
        question: what the figure answers; its title.
        x: column of names or of the axis.
        y: column of numbers.
        series: column that parts lines, or names bars further.
        unit: of y; by the column's name where empty.
    """

    kind: Literal["bar", "line", "table"]
    question: str
    x: str = ""
    y: str = ""
    series: str = ""
    unit: str = ""

    @property
    def unit_of_y(self) -> str:
        """As given, or as the name of the column says."""
        return self.unit or unit_of(self.y)


def shown_of(show: Show, answer: Answer, name: str, read: Read, note: str) -> Mapping[str, Any]:
    """What the template shows of an answer.

    Args:
        show: how.
        answer: at least one row.
        name: of the figure; no other of the page has it.
        read: the query, with its rows.
        note: which tables and days these are of.

    Raises:
        QueryError: a column that is not there or holds no numbers, or more than can be told apart.
    """
    refuse_columns(show, answer)
    header = [words(column) for column in answer.columns]
    units = {column: show.unit_of_y if column == show.y else unit_of(column) for column in answer.columns}
    cells = [[shown(row[column], units[column]) for column in answer.columns] for row in answer.rows]
    drawn = [row for row in answer.rows if show.kind != "table" and number_of(row[show.y]) is not None]
    lacking = len(answer.rows) - len(drawn)
    if not drawn:
        table = _Table(header, cells, [_is_numeric(answer, column) for column in answer.columns])
        return {"chart": None, "table": table, "question": show.question, "how": how([read], note), "lead": "", "lacking": ""}
    chart = Chart(
        name=name,
        question=show.question,
        label=f"{show.question} {_told(show, drawn)}",
        figure=_figure(show, answer.rows, drawn),
        header=header,
        rows=cells,
        read=[read],
        note=note,
    )
    missing = f"{plural(lacking, 'value')} of {len(answer.rows):,} not known, and not drawn." if lacking else ""
    return {"chart": chart, "table": None, "lead": _lead(show, drawn), "lacking": missing}


@dataclass(frozen=True)
class _Table:
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: Sequence[bool]
    """Whether a column is of numbers, which stand to the right."""


def _is_numeric(answer: Answer, column: str) -> bool:
    return all(row[column] is None or number_of(row[column]) is not None for row in answer.rows)


def _figure(show: Show, rows: Sequence[Row], drawn: Sequence[Row]) -> Mapping[str, Any]:
    return _bars(show, drawn) if show.kind == "bar" else _lines(show, rows)


def refuse_columns(show: Show, answer: Answer) -> None:
    """Every column that the chart names is there, and what is drawn is a number.

    Raises:
        QueryError: it is not.
    """
    for key in ("x", "y", "series"):
        column = getattr(show, key)
        if column and column not in answer.columns:
            raise QueryError(f"1: gives no column {column!r}, which the chart names as its {key}; it gives {', '.join(answer.columns)}")
    if show.kind == "table":
        return
    wrong = next((row[show.y] for row in answer.rows if row[show.y] is not None and number_of(row[show.y]) is None), None)
    if wrong is not None:
        raise QueryError(f"1: gives {brief(str(wrong), NAMED)!r} in {show.y}, which is no number")


def _name(show: Show, row: Row) -> str:
    """What a bar or a line's point is called."""
    names = [shown(row[column]) for column in (show.x, show.series) if column]
    return ", ".join(names)


def _bars(show: Show, rows: Sequence[Row]) -> Mapping[str, Any]:
    if len(rows) > BARS:
        raise QueryError(f"1: gives {len(rows)} rows; a figure has at most {BARS} bars: say `limit {BARS}`, or show a table")
    labels = [(brief(_name(show, row), NAMED), shown(row[show.y], show.unit_of_y)) for row in rows]
    # A size is for the length of a bar only; the label beside it is exact.
    return bars(labels, [float(row[show.y]) for row in rows], [ACCENT] * len(rows))


def _lines(show: Show, rows: Sequence[Row]) -> Mapping[str, Any]:
    """A line for each series, with a gap where a value is not known; each is named and its last value written at its end."""
    parted = _parted(show, rows)
    if len(parted) > LINES:
        raise QueryError(f"1: gives {len(parted)} lines; a figure has at most {LINES}: keep the largest, or show a table")
    lasts = {name: _known(show, part)[-1] for name, part in parted.items()}
    ends = [float(last[show.y]) for last in lasts.values()]
    lifts = spread(ends, max(0.0, *(float(row[show.y]) for row in _known(show, rows))))
    texts = [_end(show, name, last) for name, last in lasts.items()]
    labels = [
        text_at(_axis(last[show.x]), end, text, shift=lift)
        for last, end, text, lift in zip(lasts.values(), ends, texts, lifts, strict=True)
    ]
    prefix = "$" if show.unit_of_y in {"dollars", "price"} else ""
    ticks = {"tickprefix": prefix, "tickformat": ".0%" if show.unit_of_y == "percent" else "~s"}
    traces = [_line(show, part, place) for place, part in enumerate(parted.values())]
    return figure(traces, height=HEIGHT, right=20 + 7 * max(map(len, texts)), annotations=labels, xaxis=_span(show, rows), yaxis=ticks)


def _span(show: Show, rows: Sequence[Row]) -> Mapping[str, Any]:
    """The axis from its first to its last date or number: direct labels would else make room beyond."""
    places = [row[show.x] for row in rows if row[show.x] is not None]
    numbers = [number for place in places if (number := number_of(place)) is not None]
    if len(set(places)) > 1 and all(isinstance(place, date) for place in places):
        return {"range": [_axis(min(places)), _axis(max(places))], "nticks": 5, "tickformat": "%-d %b"}
    if len(set(numbers)) > 1 and len(numbers) == len(places):
        return {"range": [float(min(numbers)), float(max(numbers))]}
    return {}


def _line(show: Show, part: Sequence[Row], place: int) -> Mapping[str, Any]:
    colour = MUTED if place else ACCENT
    return {
        "type": "scatter",
        "mode": "lines" if len(part) > 1 else "markers",
        "x": [_axis(row[show.x]) for row in part],
        "y": [None if number_of(row[show.y]) is None else float(row[show.y]) for row in part],
        "line": {"color": colour, "dash": DASHES[place], "width": 2},
        "marker": {"color": colour},
        "hoverinfo": "skip",
    }


def _known(show: Show, rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if number_of(row[show.y]) is not None]


def _parted(show: Show, rows: Sequence[Row]) -> Mapping[str, Sequence[Row]]:
    """Rows by line, the line with the largest last value first; a line of which nothing is known is none."""
    parted: dict[str, list[Row]] = {}
    for row in rows:
        parted.setdefault(shown(row[show.series]) if show.series else "", []).append(row)
    lasts = {name: Decimal(str(known[-1][show.y])) for name, part in parted.items() if (known := _known(show, part))}
    return {name: parted[name] for name in sorted(lasts, key=lambda name: (-lasts[name], name))}


def _end(show: Show, name: str, row: Row) -> str:
    """What stands at the end of a line."""
    value = shown(row[show.y], show.unit_of_y)
    return f"{brief(name, NAMED - 8)} {value}" if name else value


def _axis(value: object) -> object:
    """A place on the x axis: dates and numbers as they are, anything else as a name that plotly takes for no markup."""
    if isinstance(value, date | datetime):
        return value.isoformat()
    number = number_of(value)
    return html.escape(brief(shown(value), NAMED)) if number is None else float(number)


def _told(show: Show, rows: Sequence[Row]) -> str:
    told = [f"{_name(show, row)}: {shown(row[show.y], show.unit_of_y)}" for row in rows[:TOLD]]
    more = len(rows) - len(told)
    return "; ".join(told) + (f"; and {more} more in the table of values." if more else ".")


def _lead(show: Show, rows: Sequence[Row]) -> str:
    return "".join(_of_bars(show, rows) if show.kind == "bar" else _of_lines(show, rows))


def _of_bars(show: Show, rows: Sequence[Row]) -> Iterator[str]:
    """Which is the largest, and how much of all it is where values add up."""
    numbers = [Decimal(str(row[show.y])) for row in rows]
    largest = max(range(len(rows)), key=lambda place: numbers[place])
    yield f"{_name(show, rows[largest])} has the most of {len(rows):,}: " if len(rows) > 1 else f"{_name(show, rows[largest])}: "
    yield shown(rows[largest][show.y], show.unit_of_y)
    total = sum(numbers)
    if len(rows) > 1 and show.unit_of_y in _SUMS and total > 0 and min(numbers) >= 0:
        yield f", {percent(numbers[largest] / total)} of the {shown(total, show.unit_of_y)} shown"
    yield "."


def _of_lines(show: Show, rows: Sequence[Row]) -> Iterator[str]:
    """Where the first line ends, and against what."""
    name, part = next(iter(_parted(show, rows).items()))
    first, last = part[0], part[-1]
    where = f"{'on' if isinstance(last[show.x], date) else 'at'} {shown(last[show.x])}"
    yield f"{f'{name}: ' if name else ''}{shown(last[show.y], show.unit_of_y)} {where}"
    before = number_of(first[show.y])
    if len(part) > 1 and before is not None and before > 0:
        moved = change(Decimal(str(last[show.y])), before)
        yield f", {percent(moved, plus=True)} against {shown(first[show.x])}"
    yield "."
