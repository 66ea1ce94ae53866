"""Finance files of a month: statements as machine-readable CSV and a manifest with control totals.

CSV by RFC 4180: CRLF, UTF-8 without BOM, decimals in full with a point, ISO dates, no totals row, no guard characters; codes that a
spreadsheet would run are refused instead.
"""

import csv
import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


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

    Args:
        folder: where the months lie.
        period: the month, YYYY-MM.
        con: a connection with the marts.

    Raises:
        ValueError: a code begins like a formula or holds a control character.
    """
    written, described = [], []
    for statement in STATEMENTS:
        columns = ", ".join(statement.columns)
        rows = con.execute(
            f"select {columns} from {statement.table} where period = ? order by {', '.join(statement.order)}", [period]
        ).fetchall()
        content = _csv(statement.columns, rows).encode()
        written.append(_put(folder / period / statement.name, content))
        described.append(_describe(statement, rows, content))
    manifest = {"period": period, "state": "open", "version": 1, "supersedes": None, "currency": "USD", "files": described}
    return [*written, _put(folder / period / "manifest.json", (json.dumps(manifest, indent=2) + "\n").encode())]


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
    if text.startswith(FORMULA) or any(ord(char) < ord(" ") for char in text):
        raise ValueError(f"{text!r} cannot go into a finance file: it begins like a formula or holds a control character")
    return text


def _describe(statement: Statement, rows: Sequence[Sequence[object]], content: bytes) -> dict[str, object]:
    cost = sum((Decimal(str(row[-2])) for row in rows), Decimal(0))
    posted = sum((Decimal(str(row[-1])) for row in rows), Decimal(0))
    return {
        "file": statement.name,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "rows": len(rows),
        "cost_usd": f"{cost:f}",
        "posted_usd": f"{posted:f}",
        "residue_usd": f"{posted - cost:f}",
    }


def _put(path: Path, content: bytes) -> Path:
    if not path.is_file() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.part")
        beside.write_bytes(content)
        beside.replace(path)
    return path
