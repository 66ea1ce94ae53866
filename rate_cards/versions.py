"""prices.lock: which version of the cards prices which days, so that an edited card changes no day that has been priced.

A new version prices the days after the last one that was priced; earlier days keep theirs. What the version of an open day had no price
for at all is taken from the new version at once: nothing that was known changes by it. `meterbook rerate` gives days another version.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from meterbook.rate_cards.snapshots import DIGITS, VersionError
from meterbook.rate_cards.tables import ALWAYS

FILE = "prices.lock"
BEGINNING, END = ALWAYS
Version = Annotated[str, StringConstraints(pattern=rf"^[0-9a-f]{{{DIGITS}}}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Filling(_Strict):
    """A later version that prices what the versions before it do not know."""

    version: Version
    but: tuple[str, ...] = Field(default=(), description="provider/model whose cost was known already, as its source reported it")


class Span(_Strict):
    """The version of a day, and of those after it up to the next span."""

    from_day: date
    version: Version
    filled_by: tuple[Filling, ...] = ()
    corrected_by: Version | None = Field(default=None, description="of closed days: what correction lines have made of them")
    why: str = ""

    @property
    def versions(self) -> tuple[str, ...]:
        """All versions it prices with, the first that knows a price wins."""
        return (self.version, *(one.version for one in self.filled_by))

    def prices_as(self, other: "Span") -> bool:
        """Whether it goes on as another one."""
        return self.model_copy(update={"from_day": other.from_day, "why": other.why}) == other


class Lock(_Strict):
    """prices.lock: spans from the first day to the last, each up to the next."""

    prices: tuple[Span, ...] = Field(min_length=1)
    priced_until: date | None = Field(default=None, description="last day that has been priced")
    pending: Version | None = Field(default=None, description="a version no run has priced with yet")

    @model_validator(mode="after")
    def _covers_each_day_once(self) -> "Lock":
        days = [span.from_day for span in self.prices]
        if days != sorted(set(days)) or days[0] != BEGINNING:
            raise ValueError(f"the days of `prices` must begin with {BEGINNING} and rise")
        return self

    @property
    def versions(self) -> tuple[str, ...]:
        """Every version named."""
        named = [version for span in self.prices for version in (*span.versions, span.corrected_by) if version]
        return tuple(dict.fromkeys(named))

    def spans(self) -> Iterator[tuple[Span, date, date]]:
        """Each span with its half-open range of days."""
        ends = [*(span.from_day for span in self.prices[1:]), END]
        yield from ((span, span.from_day, end) for span, end in zip(self.prices, ends, strict=True))


@dataclass(frozen=True)
class Days:
    """A half-open range of days."""

    first: date
    end: date

    @property
    def last(self) -> date:
        """Its last day."""
        return self.end - timedelta(days=1)


Fill = Callable[[Span], Filling | None]
"""How a version fills what a span does not know; None where it adds nothing."""


def read_lock(path: Path) -> Lock | None:
    """The lock of a book; None where there is none: one version then prices all days.

    Raises:
        VersionError: it is not readable.
    """
    if not path.is_file():
        return None
    what_to_do = "restore it from git or a backup; without it, all days are priced with today's cards"
    try:
        return Lock.model_validate_json(path.read_text("utf-8"))
    except ValidationError as error:
        first = error.errors()[0]
        raise VersionError(f"{path}: {'.'.join(map(str, first['loc'])) or 'lock'}: {first['msg']}; {what_to_do}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise VersionError(f"{path}: cannot be read ({error}); {what_to_do}") from error


def text_of_lock(lock: Lock) -> str:
    """The lock as a file that merges and reads well."""
    return json.dumps(lock.model_dump(mode="json", exclude_defaults=True), indent=1) + "\n"


def adopted(lock: Lock | None, version: str, open_from: date, fill: Fill, why: str = "the cards changed") -> Lock:
    """The lock under which a run prices with the cards as they are now.

    Args:
        lock: as the last run left it.
        version: of the cards as they are now.
        open_from: the first day that is not closed.
        fill: how that version fills open days that were priced with others.
        why: what is written beside the version.
    """
    if lock and _goes_on(lock, version):
        return lock
    if lock is None or lock.priced_until is None:
        return Lock(prices=(Span(from_day=BEGINNING, version=version, why="the first prices"),), pending=version)
    priced = [_settled(span, lock, version) for span in lock.prices if span.from_day <= lock.priced_until]
    if not _goes_on(Lock(prices=tuple(priced)), version):
        after = max(lock.priced_until + timedelta(days=1), open_from)
        priced.append(Span(from_day=after, version=version, why=why))
    spans = list(_filled(Lock(prices=tuple(priced)), version, open_from, fill))
    is_new = version not in lock.versions or lock.pending == version
    return Lock(prices=_joined(spans), priced_until=lock.priced_until, pending=version if is_new else None)


def assigned(lock: Lock, version: str, days: Days, why: str) -> Lock:
    """The lock that prices a range of days with one version, and nothing else."""
    return _changed(lock, days, Span(from_day=days.first, version=version, why=why).model_dump(exclude={"from_day"}))


def corrected(lock: Lock, version: str, days: Days) -> Lock:
    """The lock that says of a range of closed days that correction lines have made of them what a version would have."""
    return _changed(lock, days, {"corrected_by": version})


def as_corrected(lock: Lock) -> Lock:
    """The lock as if corrected days had been priced so."""
    spans = [Span(from_day=span.from_day, version=span.corrected_by) if span.corrected_by else span for span in lock.prices]
    return lock.model_copy(update={"prices": tuple(spans)})


def priced(lock: Lock, until: date) -> Lock:
    """The lock after a run priced days up to and with one."""
    last = max(until, lock.priced_until or until)
    return lock.model_copy(update={"priced_until": last, "pending": None})


def _goes_on(lock: Lock, version: str) -> bool:
    """Whether days to come are priced with a version, and nothing else."""
    return lock.prices[-1].versions == (version,) and not lock.prices[-1].corrected_by


def _changed(lock: Lock, days: Days, change: Mapping[str, object]) -> Lock:
    """The lock with other values for a range of days; a span that has them already stays as it is."""
    spans: list[Span] = []
    for span, first, end in lock.spans():
        other = span.model_copy(update={**change, "from_day": max(first, days.first)})
        if first >= days.end or end <= days.first or other.prices_as(span):
            spans.append(span)
            continue
        if first < days.first:
            spans.append(span)
        spans.append(other)
        if end > days.end:
            spans.append(span.model_copy(update={"from_day": days.end}))
    return lock.model_copy(update={"prices": _joined(spans)})


def _settled(span: Span, lock: Lock, version: str) -> Span:
    """A span without what a version was to fill that no run has priced with."""
    if lock.pending in {None, version}:
        return span
    return span.model_copy(update={"filled_by": tuple(one for one in span.filled_by if one.version != lock.pending)})


def _filled(lock: Lock, version: str, open_from: date, fill: Fill) -> Iterator[Span]:
    for span, first, end in lock.spans():
        filling = fill(span) if end > open_from and version not in span.versions else None
        if filling is None:
            yield span
            continue
        if first < open_from:
            yield span
        yield span.model_copy(update={"from_day": max(first, open_from), "filled_by": (*span.filled_by, filling)})


def _joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Without spans that go on as the one before."""
    kept: list[Span] = []
    for span in spans:
        if not kept or not span.prices_as(kept[-1]):
            kept.append(span)
    return tuple(kept)
