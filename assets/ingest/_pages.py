"""Pages of provider usage and cost APIs: buckets of time with results, in every shape in which people save them.

A file is a page, a list of pages, JSON lines of pages, or only the array of buckets. Results of one bucket are different rows,
whatever they were grouped by; the same bucket in another page or file is the same rows again. So a row is known by its bucket,
by every dimension it names (`group_id`) and by its place among equal ones of the bucket.

The same bucket exported with another grouping or width is the same usage cut another way. So every row bears a `signature`: the
width of its bucket and the dimensions that have a value anywhere in its set of pages (buckets of a file that follow each other).
Staging keeps one signature where several describe the same time.
"""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec
import polars as pl

from meterbook.assets.content import Content, FileRefused
from meterbook.assets.ingest._currency import USD
from meterbook.assets.ingest._page_sets import SIGNED, Sets
from meterbook.assets.ingest._page_values import Numbered, Row, schema_of, utc
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.ingest.format import Places, Rule, first_line, keep_sound


def _fraction(given: str) -> Decimal | str:
    """An exact number; text where its exponent is beyond all numbers, so that only its own record is set aside."""
    try:
        return Decimal(given)
    except InvalidOperation:
        return given


_DECODER = msgspec.json.Decoder(float_hook=_fraction)
_DAY = timedelta(days=1)
_WIDTHS = ((timedelta(hours=1), _DAY), (timedelta(minutes=1), timedelta(hours=1)), (timedelta(0), timedelta(minutes=1)))
_BROKEN = (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError, OSError)
BUCKET = {"starts_at": "TIMESTAMP", "ends_at": "TIMESTAMP", "bucket_at": "TIMESTAMP", "group_id": "VARCHAR", **SIGNED}
"""Columns every row of a bucket has. `bucket_at` is the start of the whole minute, hour or day a bucket lies in: an export that
was cut within a bucket is the same bucket."""


@dataclass(frozen=True)
class Page:
    """What an API gave at once: its elements, and whether it said that more follow."""

    elements: Sequence[Any]
    has_more: bool = False


@dataclass(frozen=True)
class Pages:
    """How the results of a paged API are read.

    Args:
        columns: columns of a row with their DuckDB types, without those of the bucket.
        starts: key of a bucket's start; unix seconds or RFC 3339.
        ends: key of its end.
        row: one result as a row; raises ValueError with the reason where it is none, FileRefused where the file is useless.
        figures: keys of a result that are no dimensions: its quantities, and what says how they are counted.
        rules: what a sound row must not be.
        kind: what a result counts; results of different kinds are exported apart.
        bucket: an element of a page as a bucket; where elements are no buckets but single rows, as a bucket of that row.
        cap: results at which the API cuts a bucket without a remainder.
        pages: the pages of a file; what they leave out of it is counted in the rows.
    """

    columns: Mapping[str, str]
    starts: str
    ends: str
    row: Callable[[Row], Row]
    figures: frozenset[str]
    rules: Sequence[Rule]
    kind: Callable[[Row], str] = lambda _result: ""
    bucket: Callable[[Row], Row] = lambda element: element
    cap: int | None = None
    pages: Callable[[Content, Rows], Sequence[Page]] = lambda content, _rows: pages_of(content.whole())

    def read(self, content: Content, _reading: object = None) -> Rows:
        """Read one file.

        Raises:
            FileRefused: cut short, of another shape, or without buckets.
        """
        rows = Rows()
        taking = _Taking(self, rows)
        for page in self.pages(content, rows):
            taking.page(page)
        return taking.rows()


@dataclass
class _Taken:
    """One result as a row, with what tells it apart; `size` is what its figures add up to, below zero for a credit."""

    row: Row
    names: Mapping[str, str | bool]
    where: tuple[str, int]
    size: int | Decimal

    def group(self, places: Places) -> str:
        """A name that stays when its figures grow. A credit, or another currency, is another line than the charge of the same name."""
        currency = self.row.get("currency", USD)
        names = self.names if currency == USD else {**self.names, "currency": currency}
        told = names if self.size >= 0 else [names, "credit"]
        return places.name(hashlib.md5(msgspec.json.encode(told), usedforsecurity=False).hexdigest())


@dataclass
class _Seen:
    """What a page reached: the starts of its buckets, where it would go on, and the kinds it holds."""

    has_more: bool
    starts: set[datetime] = field(default_factory=set)
    goes_on_at: datetime | None = None
    of_items: bool = False
    kinds: set[str] = field(default_factory=set)

    def is_followed_by(self, other: "_Seen") -> bool:
        """Whether another page, that begins where this one ends, can belong to the same export."""
        return other is not self and (not self.kinds or not other.kinds or bool(self.kinds & other.kinds))


class _Taking:
    """Reads the pages of one file, one after the other."""

    def __init__(self, pages: Pages, rows: Rows) -> None:
        self._pages, self._rows = pages, rows
        self._typed: list[_Taken] = []
        self._raw: dict[int, bytes] = {}
        self._sets = Sets()
        self._seen: list[_Seen] = []
        self._groups: Counter[str] = Counter()

    def page(self, page: Page) -> None:
        self._seen.append(_Seen(page.has_more))
        for element in page.elements:
            if not isinstance(element, dict):
                raise FileRefused(f"is neither a page nor a bucket: {type(element).__name__}")
            bucket = self._pages.bucket(element)
            if not {self._pages.starts, self._pages.ends, "results"} <= bucket.keys():
                names = msgspec.json.encode(list(element)[:5]).decode()
                raise FileRefused(f"is neither a page nor a bucket: {names[:80]}")
            self._take(bucket, is_item="results" not in element)

    def _take(self, bucket: Row, *, is_item: bool) -> None:
        results = bucket["results"] if isinstance(bucket["results"], list) else [bucket["results"]]
        self._sets.next(is_item=is_item)
        self._reach(bucket, is_item=is_item)
        period = str(bucket[self._pages.starts]) if is_item else f"bucket {len(self._groups)}"
        taken = []
        for result in results if bucket["results"] is not None else ():
            self._groups[period] += 1
            self._rows.rows_in += 1
            line = result.line if isinstance(result, Numbered) else self._rows.rows_in
            try:
                taken.append(self._taken(bucket, result, line))
            except FileRefused:
                raise
            except _BROKEN as error:
                self._rows.reject(line, f"not a result: {first_line(error)}", _raw_text(result))
        # Rows that look alike are told apart by their size, so that no other order in another export doubles one of them.
        places = Places()
        for one in sorted(taken, key=lambda one: one.size, reverse=True):
            one.row["group_id"] = one.group(places)
        self._typed += taken

    def _taken(self, bucket: Row, result: Any, line: int) -> _Taken:  # noqa: ANN401 -- any JSON value
        period, row, names, kind = self._period(bucket), self._pages.row(result), self._dimensions(result), self._pages.kind(result)
        self._seen[-1].kinds.add(kind)
        self._raw[line] = _raw_text(result)
        size = sum(value for value in row.values() if isinstance(value, int | Decimal) and not isinstance(value, bool))
        where = self._sets.add(kind, period["starts_at"], names)
        return _Taken({**period, **row, "line": line}, names, where, size)

    def _period(self, bucket: Row) -> Row:
        starts, ends = utc(bucket[self._pages.starts]), utc(bucket[self._pages.ends])
        if ends <= starts:
            raise ValueError(f"the bucket ends at {ends}, not after its start {starts}")
        if ends - starts > _DAY:
            raise ValueError(f"the bucket is longer than a day ({starts} to {ends}); export days")
        width = next(whole for least, whole in _WIDTHS if ends - starts > least)
        begins = starts - (starts - datetime.min) % width  # noqa: DTZ901 -- naive UTC
        return {"starts_at": starts, "ends_at": ends, "bucket_at": begins, "bucket_seconds": width // timedelta(seconds=1)}

    def _dimensions(self, result: Row) -> dict[str, str | bool]:
        return {name: value for name, value in sorted(result.items()) if name not in self._pages.figures and isinstance(value, str | bool)}

    def _reach(self, bucket: Row, *, is_item: bool) -> None:
        try:
            starts, ends = utc(bucket[self._pages.starts]), utc(bucket[self._pages.ends])
        except _BROKEN:
            return
        seen = self._seen[-1]
        seen.starts.add(starts)
        # Single rows come ranked, so what follows lies anywhere; the last one's time is as good a place as any.
        seen.goes_on_at, seen.of_items = starts if is_item else ends, is_item

    def rows(self) -> Rows:
        if self._typed:
            given = [{**one.row, **self._sets.signature(one.where, one.row["bucket_seconds"])} for one in self._typed]
            frame = pl.DataFrame(given, schema=schema_of({**BUCKET, **self._pages.columns, "line": "BIGINT"}), orient="row")
            self._rows.add(keep_sound(frame, self._pages.rules, self._rows, self._raw.__getitem__))
        if capped := sum(groups == self._pages.cap for groups in self._groups.values()):
            self._rows.flags.append(
                f"holds {capped} buckets of exactly {self._pages.cap} groups, where the API cuts them without a remainder"
            )
        self._rows.continues_at = min((at for at in self._open() if at), default=None)
        return self._rows

    def _open(self) -> Iterator[datetime | None]:
        at: dict[datetime, list[_Seen]] = defaultdict(list)
        for page in self._seen:
            for starts in page.starts:
                at[starts].append(page)
        for page in self._seen:
            followed = page.goes_on_at is not None and any(page.is_followed_by(other) for other in at[page.goes_on_at])
            if page.has_more and not followed and not (page.of_items and page is not self._seen[-1]):
                yield page.goes_on_at


def pages_of(text: bytes) -> list[Page]:
    """The pages of a file; what is saved without a page around it is a page of its own.

    Raises:
        FileRefused: cut short, or not JSON.
    """
    pages, bare = [], []
    pending = list(reversed(_documents(text)))
    while pending:
        document = pending.pop()
        if isinstance(document, list):
            pending += reversed(document)
        elif isinstance(document, dict) and isinstance(document.get("data"), list):
            pages.append(Page(document["data"], document.get("has_more") is True))
        else:
            bare.append(document)
    return [*pages, Page(bare)] if bare else pages


def _raw_text(result: object) -> bytes:
    try:
        return msgspec.json.encode(result, enc_hook=str)
    except (RecursionError, ValueError):
        return b""


def holds_no_result(text: str) -> bool:
    """Whether a page has buckets, all of them without usage."""
    found = re.findall(r'"results"\s*:\s*\[\s*(\S)', text)
    return bool(found) and set(found) == {"]"}


def _documents(text: bytes) -> Sequence[Any]:
    try:
        return [_DECODER.decode(text)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as whole:
        try:
            return [_DECODER.decode(line) for line in text.splitlines() if line.strip()]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise FileRefused(f"is not JSON: {first_line(whole)}") from whole
