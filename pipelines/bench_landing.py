"""`meterbook bench landing`: how far month-end landings are off on daily series, beside the run-rate, and how many lie in the 80 % band.

Strictly causal: what is said on a day is made of that day and days before. The run-rate is what was used so far, times the days of the
month over those gone. Months count that lie in the data as a whole, on days with four weeks behind them.
"""

import gzip
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import polars as pl
from rich.console import Console
from rich.table import Table

from meterbook.reports.numbers import NONE
from meterbook.sql.landing import CONFORMAL, land

FILE = "report.parquet"
DAYS = (3, 10)
"""Days of the month at whose end it is asked where it lands."""
SENT = "message_send"
"""The event of the trace that is a request."""
MOST_ERROR, LEAST_COVERED, MOST_COVERED = 0.06, 0.75, 0.87
"""What is to hold on the synthetic keys: of errors at day 10, and of bands."""
Figures = dict[str, Any]


def measure(data: Path, trace: Path | None = None) -> Figures:
    """Figures by what was measured and day of the month.

    Args:
        data: a folder with report.parquet: key, day, cost_usd.
        trace: an event log, JSON lines with `event` and `time` in unix seconds, whose requests a day are one more series.

    Raises:
        OSError: a file is not there.
    """
    keys = pl.read_parquet(data / FILE).rename({"key": "series", "cost_usd": "amount"})
    found = {"report": figures(keys)}
    return found | ({"trace": figures(_counted(trace))} if trace else {})


def figures(daily: pl.DataFrame) -> Figures:
    """Median errors and coverage by day of the month.

    Args:
        daily: series, day and amount, a row for each day from the first on.
    """
    first, last = (date.fromisoformat(str(value)) for value in daily.select(pl.col("day").min().alias("first"), pl.col("day").max()).row(0))
    months = [start for start in _months(first, last) if start >= first + timedelta(days=28 - min(DAYS))]
    asked = {start + timedelta(days=day - 1): day for start in months for day in DAYS}
    landed = land(_given(daily, list(asked)).to_arrow()).to_pylist()
    sums = {
        (row["series"], row["month"]): row["amount"]
        for row in daily.group_by("series", pl.col("day").dt.truncate("1mo").alias("month")).agg(pl.col("amount").sum()).to_dicts()
    }
    rows = [
        {**row, "actual": sums[row["series"], row["period_start"]], "asked": asked[row["day"]]}
        for row in landed
        if row["method"] == CONFORMAL and sums[row["series"], row["period_start"]] > 0
    ]
    return {f"day_{day}": _figures([row for row in rows if row["asked"] == day]) for day in DAYS}


def _figures(rows: Sequence[Mapping[str, Any]]) -> Figures:
    if not rows:
        return {"landings": 0, "error": None, "run_rate_error": None, "coverage": None}
    errors = [abs(row["point"] / row["actual"] - 1) for row in rows]
    rates = [abs(row["used"] / row["asked"] * (row["period_end"] - row["period_start"]).days / row["actual"] - 1) for row in rows]
    inside = sum(row["low"] <= row["actual"] <= row["high"] for row in rows)
    return {
        "landings": len(rows),
        "error": round(median(errors), 4),
        "run_rate_error": round(median(rates), 4),
        "coverage": round(inside / len(rows), 4),
    }


def _months(first: date, last: date) -> Iterable[date]:
    """First days of the months that lie in a span as a whole."""
    start = first.replace(day=1)
    while (end := (start + timedelta(days=31)).replace(day=1)) <= last + timedelta(days=1):
        if start >= first:
            yield start
        start = end


def _given(daily: pl.DataFrame, asked: Sequence[date]) -> pl.DataFrame:
    """In the columns of the step `land`."""
    day = pl.col("day")
    start = day.dt.truncate("1mo")
    nothing = pl.lit(None, pl.Float64).alias("target")
    known = [pl.lit(1.0).alias("factor"), pl.lit(0.0).alias("added"), pl.lit(value=False).alias("is_coming"), nothing]
    spans = [start.alias("period_start"), start.dt.offset_by("1mo").alias("period_end"), day.is_in(asked).alias("is_wanted")]
    return daily.with_columns(*known, *spans)


def _counted(trace: Path) -> pl.DataFrame:
    """Requests of an event log by day, as one series, days without any too."""
    packed = trace.read_bytes()
    lines = (gzip.decompress(packed) if trace.suffix == ".gz" else packed).splitlines()
    events = (json.loads(line) for line in lines)
    counts = Counter(datetime.fromtimestamp(event["time"], UTC).date() for event in events if event["event"] == SENT)
    days = pl.date_range(min(counts), max(counts), eager=True)
    return pl.DataFrame({"series": trace.name, "day": days, "amount": [float(counts[day]) for day in days]})


def show(found: Figures, console: Console) -> None:
    """A table of what was measured, and the bars."""
    table = Table("series", "day of month", "landings", "median error", "run-rate", "in the 80 % band", show_edge=False)
    for name, days in found.items():
        for day, row in days.items():
            shares = (NONE if row[key] is None else f"{row[key]:.1%}" for key in ("error", "run_rate_error", "coverage"))
            table.add_row(name, day.removeprefix("day_"), f"{row['landings']:,}", *shares)
    console.print(table)
    bars = f"error at day 10 at most {MOST_ERROR:.0%}, {LEAST_COVERED:.0%} to {MOST_COVERED:.0%} in the band"
    console.print(f"to hold on report: {bars}", soft_wrap=True)


def as_json(found: Figures) -> str:
    """All figures."""
    return json.dumps(found, indent=1) + "\n"
