"""A version of the cards, kept: everything they compile to, as text, in a file that is named by its digest.

One line of JSON per rate and per model's names, sorted, without what is not known and without the days the version prices; so equal prices
have equal digests whatever the order of files, and a meter that meterbook learns later changes no digest of today.
"""

import gzip
import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

import polars as pl

from meterbook.rate_cards.card import CardError
from meterbook.rate_cards.compile import Cards
from meterbook.rate_cards.tables import ALIAS, ALLOWANCE, ALWAYS, RATE

FOLDER = Path("rate_cards") / ".versions"
"""Where a book keeps the versions that priced its days."""
TABLES: Mapping[str, Mapping[str, pl.DataType]] = {"rates": RATE, "aliases": ALIAS, "allowances": ALLOWANCE}
PRICED = ("priced_from", "priced_to")
DIGITS = 16


class VersionError(CardError):
    """prices.lock, or a version that it names, is missing or is not what was priced with; the message says what to do."""


@lru_cache(maxsize=4)
def text_of(cards: Cards) -> bytes:
    """A version as text."""
    lines = sorted([*_lines("rates", cards.rates), *_lines("allowances", cards.allowances), *_names(cards.aliases)])
    return "".join(f"{line}\n" for line in lines).encode()


def digest_of(text: bytes) -> str:
    """Name of a version."""
    return hashlib.sha256(text).hexdigest()[:DIGITS]


def path_of(book: Path, version: str) -> Path:
    """Where a book keeps a version."""
    return book / FOLDER / f"{version}.jsonl.gz"


def write_snapshot(book: Path, text: bytes) -> str:
    """Keep a version, unless it is kept already.

    Returns:
        Its name.
    """
    version = digest_of(text)
    path = path_of(book, version)
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.part")
        beside.write_bytes(gzip.compress(text, mtime=0))
        beside.replace(path)
    return version


def read_text(book: Path, version: str) -> bytes:
    """A version's text, as it was kept.

    Raises:
        VersionError: it is missing, or is not what its name says.
    """
    path = path_of(book, version)
    what_to_do = "restore it from git or a backup; without prices.lock, all days are priced with today's cards"
    if not path.is_file():
        raise VersionError(f"{path}: is missing, and prices.lock prices days with it; {what_to_do}")
    try:
        text = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, ValueError) as error:
        raise VersionError(f"{path}: cannot be read ({error}); {what_to_do}") from error
    if digest_of(text) != version:
        raise VersionError(f"{path}: was altered: its content is version {digest_of(text)}; {what_to_do}")
    return text


def cards_of(text: bytes) -> Cards:
    """The cards of a version's text, as if they priced every day.

    Raises:
        VersionError: it names what this meterbook does not know.
    """
    rows: dict[str, list[dict[str, object]]] = {"rates": [], "allowances": []}
    names: list[tuple[object, ...]] = []
    for line in text.splitlines():
        table, row = json.loads(line)
        if table == "names":
            names += ((who, name, row["of"], row["model"], rank) for who in row["providers"] for name, rank in row["names"])
            continue
        unknown = [column for column in row if column not in TABLES.get(table, {})]
        if unknown or table not in TABLES:
            what = f"{table}.{unknown[0]}" if unknown else table
            raise VersionError(f"a version of the cards holds {what}, which this meterbook does not know; upgrade meterbook")
        rows[table].append({column: _value(TABLES[table][column], value) for column, value in row.items()})
    frames = {table: pl.DataFrame(found, schema=TABLES[table]) for table, found in rows.items()}
    frames["aliases"] = pl.DataFrame(names, schema={name: ALIAS[name] for name in ALIAS if name not in PRICED}, orient="row")
    return Cards(**{table: _always(frame, table) for table, frame in frames.items()})


def _lines(table: str, frame: pl.DataFrame) -> Iterator[str]:
    for row in frame.drop(PRICED, strict=False).iter_rows(named=True):
        yield _json([table, {column: _plain(value) for column, value in row.items() if value is not None}])


def _names(aliases: pl.DataFrame) -> Iterator[str]:
    """The names of each model; names that several providers share stand once."""
    found: dict[tuple[str, str], dict[str, list[tuple[str, int]]]] = {}
    for who, name, provider, model, rank in aliases.drop(PRICED).sort(pl.all()).iter_rows():
        found.setdefault((provider, model), {}).setdefault(who, []).append((name, rank))
    for (provider, model), by_provider in found.items():
        shared: dict[tuple[tuple[str, int], ...], list[str]] = {}
        for who, names in by_provider.items():
            shared.setdefault(tuple(names), []).append(who)
        for listed, providers in shared.items():
            yield _json(["names", {"of": provider, "model": model, "providers": sorted(providers), "names": listed}])


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return value.isoformat() if isinstance(value, date) else value


def _value(dtype: pl.DataType, value: object) -> object:
    if isinstance(dtype, pl.Decimal):
        return Decimal(str(value))
    if isinstance(dtype, pl.Datetime):
        return datetime.fromisoformat(str(value))
    return date.fromisoformat(str(value)) if isinstance(dtype, pl.Date) else value


def _always(frame: pl.DataFrame, table: str) -> pl.DataFrame:
    days = {column: pl.lit(day) for column, day in zip(PRICED, ALWAYS, strict=True) if column in TABLES[table]}
    return frame.with_columns(**days)
