"""chargeback.xlsx: the month for people. Summary, lines by team, the rate card that was used, and a control sheet.

Every figure is a value, not a formula: what is shown is what was posted. Exact costs are text, since a spreadsheet keeps fifteen digits;
posted cents are numbers. The same content gives the same bytes: the file says the last day of its month as its date.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from meterbook.reports.charges import CHARGED, Charge, Month, banner, cost_of, posted_of
from meterbook.reports.codes import FinanceError, plain
from meterbook.reports.numbers import change as relative

OPTIONS = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
LARGEST = Decimal(10) ** 13
"""A number with cents that a spreadsheet still keeps to the cent."""
ACCENT, MUTED, RULE = "#1f5fbf", "#5a6673", "#dde2e8"
MONEY = "#,##0.00;[Red]-#,##0.00;0.00"
MIXED = "Teams in showback are shown for information, nothing is charged to them"
TOP = 5
"""Rows above a table's head: title, what it is, mode, and an empty one."""


@dataclass(frozen=True)
class Column:
    """A column: its head, its width in characters, and the style of its cells."""

    head: str
    width: int
    style: str = "text"


@dataclass(frozen=True)
class Sheet:
    """A sheet: what it is called and says, its columns, and its rows with the style of each (`line`, `sum` or `total`)."""

    name: str
    note: str
    columns: Sequence[Column]
    rows: Sequence[tuple[str, Sequence[object]]]


def workbook(month: Month, company: str, control: Sequence[tuple[str, object]]) -> bytes:
    """The workbook of a month.

    Args:
        month: its lines.
        company: whose it is.
        control: what the last sheet says, by name: totals, digests, checks.

    Raises:
        FinanceError: a name begins like a formula or holds a control character, or an amount has too many digits for a spreadsheet.
    """
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, OPTIONS) as book:
        title = f"{company}: chargeback {month.first:%B %Y}"
        book.set_properties({"title": plain(title), "created": datetime.combine(month.last, time()), "author": "meterbook"})
        write = _Writer(book, title, _mode(month))
        for sheet in (_summary(month), _lines(month), _rates(month), _control(control)):
            write.sheet(sheet)
    return content.getvalue()


def _mode(month: Month) -> str:
    said = banner([month.mode_of(team) for team in month.teams])
    if said is None:
        return "Chargeback: every team is charged"
    if not any(month.mode_of(team) == CHARGED for team in month.teams):
        return said
    shown = ", ".join(month.shown_teams)
    return f"{MIXED}: {shown}" if shown else "Chargeback: every team is charged; what nobody owns is charged to nobody"


def _summary(month: Month) -> Sheet:
    # A team without a line this month had one in the last: the total of that month is whole.
    teams = sorted({charge.team for charge in (*month.charges, *month.previous)})
    rows: list[tuple[str, Sequence[object]]] = [("line", _team(month, team)) for team in teams]
    rows.append(("total", ("Total", "", f"{cost_of(month.charges):f}", *_moved(month, month.charges, month.previous))))
    return Sheet(
        "Summary",
        "What each team cost, beside the month before. USD.",
        (
            Column("Team", 28),
            Column("Mode", 14),
            Column("Exact cost", 24, "exact"),
            Column("Posted", 16, "money"),
            Column(month.title_before, 18, "money"),
            Column("Change", 16, "money"),
            Column("Change %", 12, "percent"),
        ),
        rows,
    )


def _team(month: Month, team: str) -> Sequence[object]:
    now = month.of(team)
    return team, now[0].mode if now else "", f"{cost_of(now):f}", *_moved(month, now, month.previous_of(team))


def _moved(month: Month, now: Sequence[Charge], before: Sequence[Charge]) -> Sequence[object]:
    """What is posted, the month before and the change; the last two are empty where that month is not in the lake."""
    posted, last = posted_of(now), posted_of(before)
    return (posted, last, posted - last, relative(posted, last) if last > 0 else None) if month.previous else (posted, None, None, None)


def _lines(month: Month) -> Sheet:
    rows: list[tuple[str, Sequence[object]]] = []
    for team in month.teams:
        own = month.of(team)
        rows += [
            (
                "line",
                (team, one.mode, one.cost_centre, one.gl_account, one.line, one.basis, f"{one.cost_usd:f}", one.posted_usd),
            )
            for one in own
        ]
        rows.append(("sum", (f"{team}, total", own[0].mode, "", "", "", "", f"{cost_of(own):f}", posted_of(own))))
    rows.append(("total", ("Total", "", "", "", "", "", f"{cost_of(month.charges):f}", posted_of(month.charges))))
    return Sheet(
        "Lines",
        "Every line of chargeback.csv by team, with the key it was allocated by. USD.",
        (
            Column("Team", 26),
            Column("Mode", 12),
            Column("Cost centre", 14),
            Column("GL account", 14),
            Column("Line", 26),
            Column("Basis", 32),
            Column("Exact cost", 24, "exact"),
            Column("Posted", 16, "money"),
        ),
        rows,
    )


def _rates(month: Month) -> Sheet:
    found: dict[tuple[object, ...], None] = {}
    for rate in month.rates:
        per, unit = priced_per(rate["meter"])
        names = (rate["provider"], rate["model"], rate["served_tier"], rate["region"], rate["meter"], unit)
        prices = (str_of(rate[f"{layer}_usd"], per) for layer in ("list", "effective"))
        found[(*names, *prices, f"{rate['starts_at']:%Y-%m-%d}", f"{rate['card']} {rate['card_version']}")] = None
    return Sheet(
        "Rate card",
        "Prices in force in the month that priced something: as on the card, and after the company's contracts. USD.",
        (
            Column("Provider", 16),
            Column("Model", 30),
            Column("Tier", 12),
            Column("Region", 12),
            Column("Meter", 20),
            Column("Per", 16),
            Column("List", 14, "exact"),
            Column("Effective", 14, "exact"),
            Column("From", 12),
            Column("Card and version", 28),
        ),
        [("line", row) for row in sorted(found, key=str)],
    )


def _control(control: Sequence[tuple[str, object]]) -> Sheet:
    rows = [("line", (name, str(value))) for name, value in control]
    return Sheet(
        "Control", "What this file holds, to compare with the others of its set.", (Column("What", 34), Column("Figure", 72)), rows
    )


def priced_per(meter: str) -> tuple[int, str]:
    """How many units of a meter a price is said for, and in words: tokens and characters are priced by the million."""
    token = meter.startswith(("input", "output", "cache", "audio", "image_", "video", "reasoning"))
    if token:
        return 10**6, "million tokens"
    return (10**6, "million characters") if meter == "character" else (1, meter.replace("_", " "))


def str_of(usd: Decimal, per: int) -> str:
    """A price of so many units, exact and without idle zeros."""
    text = f"{usd * per:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


class _Writer:
    def __init__(self, book: "xlsxwriter.Workbook", title: str, mode: str) -> None:
        self.book, self.title, self.mode = book, title, mode
        font = {"font_name": "Calibri", "font_size": 11}
        self._head = self._format(bold=True, font_color=MUTED, bottom=1, bottom_color=MUTED, text_wrap=True, valign="bottom")
        self._head_right = self._format(
            bold=True, font_color=MUTED, bottom=1, bottom_color=MUTED, text_wrap=True, valign="bottom", align="right"
        )
        self._title = self._format(bold=True, font_size=16)
        self._note = self._format(font_color=MUTED)
        self._banner = self._format(bold=True, font_color=ACCENT)
        book.formats[0].set_font_name(font["font_name"])
        self._styles: dict[tuple[str, str], Format] = {}

    def sheet(self, sheet: Sheet) -> None:
        made = self.book.add_worksheet(sheet.name)
        self._set_up(made, sheet)
        for place, (text, style) in enumerate(((self.title, self._title), (sheet.note, self._note), (self.mode, self._banner))):
            made.write_string(place, 0, plain(text), style)
        for place, column in enumerate(sheet.columns):
            made.write_string(TOP - 1, place, column.head, self._head if column.style == "text" else self._head_right)
        for row, (kind, values) in enumerate(sheet.rows, TOP):
            if kind == "line" and sheet.name == "Lines":
                made.set_row(row, None, None, {"level": 1})
            for place, (column, value) in enumerate(zip(sheet.columns, values, strict=True)):
                self._cell(made, row, place, value, self._style(column.style, kind))

    def _set_up(self, made: Worksheet, sheet: Sheet) -> None:
        for place, column in enumerate(sheet.columns):
            made.set_column(place, place, column.width)
        made.freeze_panes(TOP, 1)
        made.hide_gridlines(2)
        made.repeat_rows(0, TOP - 1)
        made.set_landscape()
        made.set_paper(9)
        made.set_margins(left=0.5, right=0.5, top=0.8, bottom=0.7)
        made.fit_to_pages(1, 0)
        made.set_header(f"&L&9{_printed(self.title)}&R&9{_printed(self.mode.split(':', maxsplit=1)[0])}")
        made.set_footer(f"&L&9{sheet.name}&R&9Page &P of &N")
        made.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})

    def _cell(self, made: Worksheet, row: int, place: int, value: object, style: Format) -> None:
        if value is None:
            made.write_blank(row, place, None, style)
        elif isinstance(value, Decimal):
            if abs(value) >= LARGEST:
                raise FinanceError(f"{value} USD have too many digits for a spreadsheet")
            made.write_number(row, place, float(value), style)
        else:
            # What is exact may begin with a minus: it is a number of ours, not a name from a log.
            text = str(value)
            made.write_string(row, place, text if _is_number(text) else plain(text), style)

    def _style(self, style: str, kind: str) -> Format:
        if (style, kind) not in self._styles:
            made: dict[str, Any] = {
                "text": {},
                "exact": {"align": "right", "font_color": MUTED},
                "money": {"num_format": MONEY},
                "percent": {"num_format": "+0.0%;[Red]-0.0%;0.0%"},
            }[style]
            if kind == "sum":
                made = made | {"bold": True, "top": 1, "top_color": RULE, "bottom": 1, "bottom_color": RULE}
            elif kind == "total":
                made = made | {"bold": True, "top": 1, "bottom": 6}
            self._styles[style, kind] = self._format(**made)
        return self._styles[style, kind]

    def _format(self, **made: object) -> Format:
        return self.book.add_format(made)


def _printed(text: str) -> str:
    """Text for a header of at most 255 characters, in which `&` begins a code."""
    return text[:100].replace("&", "&&")


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).removeprefix("-").isdecimal()
