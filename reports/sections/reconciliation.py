"""Whether bills agree with what was computed: the difference in named causes that sum to it exactly."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from meterbook.reports.causes import ACTIONS, BILLED, REPORTED, UNEXPLAINED, listed, ranked
from meterbook.reports.change_text import VISIBLE
from meterbook.reports.charts import ACCENT, MUTED, OVER, UNDER, Chart, Read, bars
from meterbook.reports.figures import ZERO, Figures, Row
from meterbook.reports.numbers import dollars, head, percent, ratio
from meterbook.reports.section import Section

NAMED = 2
"""Causes that the sentence names; the table has all of them."""
_QUESTION = "What makes up the difference between the bills and what was computed?"
_NOTE = "A row is the sum of a comparison and a cause, or of all days and providers."
Causes = Sequence[tuple[str, Decimal]]


def _build(frame: Figures) -> Mapping[str, Any] | None:
    cell = _cells(frame)
    if cell["billed_usd"] is None:
        return None
    found = _causes(frame)
    sums = {cause: row["amount_usd"] for (comparison, cause), row in found.items() if comparison == BILLED}
    causes, difference = ranked(sums), cell["billed_minus_computed_usd"]
    rows = [_row(cause, amount, found.get((BILLED, cause))) for cause, amount in causes if amount or cause == UNEXPLAINED]
    reported = {cause: row["amount_usd"] for (comparison, cause), row in found.items() if comparison == REPORTED}
    return {
        "sentence": sentence(cell["billed_usd"], cell["held_against_bill_usd"] or ZERO, causes, _residual(found)),
        "chart": _chart(causes, difference, [Read("marts.reconciliation_cause", found), Read("marts.reconciliation_cell", [cell])]),
        "rows": rows,
        "total": dollars(difference, plus=True),
        "reported": _reported(cell, ranked(reported)),
        "covered": _covered(cell),
    }


def sentence(billed: Decimal, computed: Decimal, causes: Causes, residual: Decimal) -> str:
    """What the section says first.

    Args:
        billed: what bills say.
        computed: what we computed for the days they cover.
        causes: of the difference, the largest first, with what is unexplained last.
        residual: what is unexplained, up and down summed without sign.
    """
    difference = billed - computed
    named = [(cause, amount) for cause, amount in causes if amount and cause != UNEXPLAINED]
    if not difference and not named and not residual:
        return f"We were billed {head(billed)}, exactly what we computed."
    size = f"{_short(abs(difference))} {'more' if difference > 0 else 'less'} than" if difference else "in all just"
    told = [_told(cause, amount) for cause, amount in named[:NAMED]]
    if len(named) == 1 and not residual:
        why = f"All of it is {_quoted(named[0][0])}."
    elif named:
        why = f"The largest {'cause is' if len(told) == 1 else 'causes are'} {listed(told)}."
    else:
        why = ""
    left = f"{_short(residual)} is unexplained." if residual else "" if len(named) == 1 else "Nothing is left unexplained."
    return " ".join(filter(None, (f"We were billed {head(billed)}, {size} the {head(computed)} we computed.", why, left)))


def _told(cause: str, amount: Decimal) -> str:
    return f"{_quoted(cause)} ({_short(amount, plus=True)})"


def _quoted(cause: str) -> str:
    """A cause as a sentence can hold it: one with a comma needs quotes."""
    return f"\N{LEFT DOUBLE QUOTATION MARK}{cause}\N{RIGHT DOUBLE QUOTATION MARK}" if "," in cause else cause


def _short(amount: Decimal, *, plus: bool = False) -> str:
    """Whole dollars; what is not nothing never reads as nothing."""
    text = dollars(amount, plus=plus)
    return text if not amount or any(digit in text for digit in "123456789") else "under $1"


def _cells(frame: Figures) -> Row:
    query = """
        select sum(billed_usd) as billed_usd, sum(reported_usd) as reported_usd, sum(computed_usd) as computed_usd,
            sum(held_against_bill_usd) as held_against_bill_usd, sum(held_against_report_usd) as held_against_report_usd,
            sum(billed_minus_computed_usd) as billed_minus_computed_usd
        from marts.reconciliation_cell where day >= ? and day < ?
    """
    return frame.rows(query, *frame.span)[0]


def _causes(frame: Figures) -> dict[tuple[str, str], Row]:
    """By comparison and cause: dollars, tokens, and the provider, key and day where most of it is."""
    query = """
        select comparison, cause, sum(amount_usd) as amount_usd, arg_max(provider, abs(amount_usd)) as provider,
            arg_max(key, abs(amount_usd)) as key, arg_max(model, abs(amount_usd)) as model, arg_max(day, abs(amount_usd)) as day,
            count(*) as places, sum(abs(amount_usd)) as size_usd
        from marts.reconciliation_cause where day >= ? and day < ? group by comparison, cause
    """
    return {(row["comparison"], row["cause"]): row for row in frame.rows(query, *frame.span)}


def _residual(found: Mapping[tuple[str, str], Row]) -> Decimal:
    row = found.get((BILLED, UNEXPLAINED))
    size: Decimal = row["size_usd"] if row else ZERO
    return size


def _row(cause: str, amount: Decimal, row: Row | None) -> Mapping[str, Any]:
    where = ""
    if row:
        named = ", ".join(name for name in (row["provider"], row["key"], row["model"]) if name != "(none)")
        where = f"{named}, {row['day'].day} {row['day']:%B}" + ("" if row["places"] == 1 else ", and others")
    return {"cause": cause, "amount": _short(amount, plus=True), "where": where, "action": ACTIONS[cause] if amount else ""}


def _chart(causes: Causes, difference: Decimal, read: Sequence[Read]) -> Chart:
    parts = [(cause, amount) for cause, amount in causes if abs(amount) >= VISIBLE]
    rows = [*((cause.capitalize() if cause != "FX" else cause, amount) for cause, amount in parts), ("Billed minus computed", difference)]
    texts = [(name, _short(amount, plus=True)) for name, amount in rows]
    label = "Billed minus computed: " + ", ".join(f"{name} {text}" for name, text in texts)
    return Chart(
        name="reconciliation",
        question=_QUESTION,
        label=label,
        figure=_drawn(rows, texts),
        header=("Cause", "Dollars"),
        rows=texts,
        read=read,
        note=_NOTE,
    )


def _drawn(rows: Causes, texts: Sequence[tuple[str, str]]) -> Mapping[str, Any]:
    colours = [MUTED if name == UNEXPLAINED.capitalize() else OVER if amount > 0 else UNDER for name, amount in rows[:-1]]
    return bars(texts, [float(amount) for _, amount in rows], [*colours, ACCENT])


def _reported(cell: Row, causes: Causes) -> str:
    """What gateways report, in a sentence; nothing where they report nothing."""
    if cell["reported_usd"] is None:
        return ""
    said = f"Gateways and providers report {head(cell['reported_usd'])}"
    named = [_told(cause, amount) for cause, amount in causes if amount]
    if not named:
        return f"{said}, to the last digit what we computed."
    return f"{said}, we computed {head(cell['held_against_report_usd'] or ZERO)}: {listed(named)}."


def _covered(cell: Row) -> str:
    """How much of the computed cost a bill covers, where that is not all."""
    share = ratio(cell["held_against_bill_usd"] or ZERO, cell["computed_usd"])
    return "" if share is None or share >= 1 else f"Bills cover {percent(share)} of the computed cost of these days."


SECTION = Section("reconciliation", _build, "No bill covers these days yet.", "Is what we are billed what we used?")
