"""Finance files of a month: statements as machine-readable CSV and a manifest with control totals.

CSV by RFC 4180: CRLF, UTF-8 without BOM, decimals in full with a point, ISO dates, no totals row, no guard characters; codes that a
spreadsheet would run are refused instead.
"""

import csv
import hashlib
import io
import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from pathlib import Path

import duckdb

from meterbook.sql.lake import write_if_changed

MONEY_DIGITS = 60
"""Sums of DECIMAL(38,12) stay exact: Python's own 28 digits would round them."""
FORMULA = ("=", "+", "-", "@")


@dataclass(frozen=True)
class Statement:
    """One CSV: its table, its columns, and the order of its lines."""

    name: str
    table: str
    columns: tuple[str, ...]
    order: tuple[str, ...]


STATEMENTS = (
    Statement(
        "chargeback.csv",
        "marts.chargeback",
        ("period", "team", "cost_centre", "line", "basis", "cost_usd", "posted_usd"),
        ("team", "line", "basis", "cost_centre"),
    ),
    Statement(
        "chargeback_tenant.csv", "marts.chargeback_tenant", ("period", "tenant", "line", "cost_usd", "posted_usd"), ("tenant", "line")
    ),
)


def write_chargeback(folder: Path, period: str, con: duckdb.DuckDBPyConnection) -> list[Path]:
    """Write the statements of a month and their manifest to `folder/<period>/`; what did not change is not written.

    Nothing is written before everything is made, and the manifest comes last: it never describes files that are not there.

    Args:
        folder: where the months lie.
        period: the month, YYYY-MM.
        con: a connection with the marts.

    Returns:
        The two statements and their manifest.

    Raises:
        ValueError: no month, or a code begins like a formula or holds a control character.
    """
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", period, re.ASCII):
        raise ValueError(f"{period!r} is not a month such as 2026-10")
    contents, described = {}, []
    for statement in STATEMENTS:
        rows = con.execute(
            f"select {', '.join(statement.columns)} from {statement.table} where period = ? order by {', '.join(statement.order)}", [period]
        ).fetchall()
        contents[statement.name] = _csv(statement.columns, rows).encode()
        described.append(_describe(statement, rows, contents[statement.name]))
    manifest = {"period": period, "state": "open", "version": 1, "supersedes": None, "currency": "USD", "files": described}
    contents["manifest.json"] = (json.dumps(manifest, indent=2) + "\n").encode()
    paths = {folder / period / name: content for name, content in contents.items()}
    for path, content in paths.items():
        write_if_changed(path, content)
    return list(paths)


def _csv(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    handle = io.StringIO(newline="")
    writer = csv.writer(handle)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(value) for value in row])
    return handle.getvalue()


def _cell(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    text = "" if value is None else str(value)
    if text.startswith(FORMULA) or any(unicodedata.category(char) == "Cc" for char in text):
        raise ValueError(f"{text!r} cannot go into a finance file: it begins like a formula or holds a control character")
    return text


def _describe(statement: Statement, rows: Sequence[Sequence[object]], content: bytes) -> dict[str, object]:
    places = statement.columns.index("cost_usd"), statement.columns.index("posted_usd")
    with localcontext(prec=MONEY_DIGITS):
        cost, posted = (sum((Decimal(str(row[place])) for row in rows), Decimal(0)) for place in places)
        residue = posted - cost
    return {
        "file": statement.name,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "rows": len(rows),
        "cost_usd": f"{cost:f}",
        "posted_usd": f"{posted:f}",
        "residue_usd": f"{residue:f}",
    }
