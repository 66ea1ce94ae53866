"""What a source would change of a card: which open price ends when, what begins then, and by how much each meter moves.

Only days from today on are looked at, so that no number of the past moves. A source that is silent about a meter changes nothing of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from meterbook.rate_cards.card import BEGINNING, METERS, LongContext, ModelCard, Rate, instant
from meterbook.rate_cards.compile import Entry, rates_of
from meterbook.rate_cards.offers import Offer
from meterbook.rate_cards.pieces import ALWAYS_ON

Day = date | datetime
Place = tuple[str, tuple[str, tuple[int, ...]]]
"""A tier and a part of the week."""
Profile = list[tuple[int, dict[str, Decimal]]]
"""Prices by the input tokens above which they hold, the lowest first; every band in full."""


@dataclass(frozen=True)
class Move:
    """One meter, before and after."""

    tier: str
    meter: str
    """With the band or hours it is about, such as `input above 200000`."""
    starts_on: Day
    before: Decimal | None
    after: Decimal

    @property
    def percent(self) -> Decimal | None:
        """Change in per cent of the price before; None where there was none or it was free."""
        return None if not self.before else (self.after - self.before) / self.before * 100

    def exceeds(self, threshold: Decimal) -> bool:
        """Whether the price moves by more per cent than that; from free to any price does."""
        return self.before == 0 if self.percent is None else abs(self.percent) > threshold

    def __str__(self) -> str:
        """As a warning says it."""
        moved = ("new" if self.before is None else "was free") if self.percent is None else f"{self.percent:+.0f} %"
        return f"{self.tier} {self.meter} {_text(self.before)} -> {_text(self.after)} ({moved})"


@dataclass
class Change:
    """What is to be written of one model."""

    ends: dict[int, Day] = field(default_factory=dict)
    """By index of the rate in the card."""
    rates: list[dict[str, Any]] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    """What the source says that cannot be appended."""
    notes: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Whether there is anything to write or to say no to."""
        return bool(self.ends or self.rates or self.conflicts)


def changes(model: ModelCard, offer: Offer, today: date, *, is_dated: bool = True) -> Change:
    """What a source's offer would change of a model of a card from today on.

    Args:
        model: as the card has it.
        offer: as the source has it.
        today: the first day that may change; also written beside new prices by the source.
        is_dated: whether the source speaks of days to come; else only today's price is held against the card.
    """
    change = Change()
    tiers = {rate.tier for rate in model.rates}
    for tier in dict.fromkeys(rate.tier for rate in offer.full.rates):
        if tier not in tiers:
            change.rates += [as_raw(rate) for rate in offer.full.rates if rate.tier == tier]
            continue
        said = _by_place(rate for rate in offer.stated.rates if rate.tier == tier)
        held = _by_place(rate for rate in model.rates if rate.tier == tier)
        whole_day = (tier, ALWAYS_ON)
        for place, rates in said.items():
            if place == whole_day or (place in held and held[place][-1].span[1] > instant(today)):
                later = [day for rate in (*held.get(place, ()), *rates) for day in (rate.starts_on, rate.ends_on) if day]
                _compare(change, model, (held.get(place, []), rates), [today, *(later if is_dated else ())])
            else:
                _begin(change, held.get(whole_day, []), rates, today)
        for place in held.keys() - said.keys():
            _stop(change, model, held[place], said, today)
    return change


def resolved(entry: Entry, entries: Mapping[tuple[str, str], Entry]) -> ModelCard:
    """A model with the rates it has from another one.

    Raises:
        CardError: no card prices the other one.
    """
    return entry.model.model_copy(update={"rates": rates_of(entry, entries), "same_as": None}) if entry.model.same_as else entry.model


def _by_place(rates: Iterable[Rate]) -> dict[Place, list[Rate]]:
    found: dict[Place, list[Rate]] = {}
    for rate in sorted(rates, key=lambda one: one.span):
        found.setdefault((rate.tier, rate.window), []).append(rate)
    return found


def _compare(change: Change, model: ModelCard, both: tuple[Sequence[Rate], Sequence[Rate]], days: Sequence[Day]) -> None:
    """End the price that holds where the source first disagrees, and append what the source says from then on.

    Args:
        change: what is found.
        model: of the card.
        both: the card's rates of one place and the source's.
        days: today, and the days on which either may change; those before are not looked at.
    """
    held, said = both
    for day in sorted({day for day in days if instant(day) >= instant(days[0])}, key=instant):
        before, after = _at(held, day), _at(said, day)
        if after is None:
            continue
        if before is None:
            change.notes.append(f"{after.tier}: the card has no price from {day}, the source has; left as it is")
            return
        if profile(_merged(before, after)) == profile(before):
            continue
        if before is not held[-1] or before.span[0] >= instant(day):
            told = ", ".join(str(move) for move in moves(before, _merged(before, after), day)[:2])
            why = "its price there begins that very day" if before is held[-1] else "it has other prices for later"
            change.conflicts.append(f"the source differs from the card from {day} on ({told}), and {why}; change it by hand")
            return
        change.ends[model.rates.index(before)] = day
        _append(change, before, [rate for rate in said if rate.span[1] > instant(day)], day)
        return


def _append(change: Change, before: Rate, said: Iterable[Rate], day: Day) -> None:
    last = before
    for rate in said:
        new = _merged(last, rate)
        start = max(day, rate.starts_on, key=instant)
        if instant(rate.starts_on) < instant(day) and rate.starts_on != BEGINNING:
            new = new.model_copy(update={"note": f"in the source since {rate.starts_on}"})
        change.moves += moves(last, new, start)
        change.rates.append(as_raw(new.model_copy(update={"starts_on": start, "ends_on": rate.ends_on})))
        last = new


def _begin(change: Change, held: Sequence[Rate], said: Iterable[Rate], today: date) -> None:
    """Hours of the day that the card does not know yet; they take over from the price of the whole day."""
    for rate in said:
        if rate.span[1] <= instant(today):
            continue
        start = max(today, rate.starts_on, key=instant)
        whole_day = _at(held, start)
        window = {"hours_utc": rate.hours_utc, "weekdays": rate.weekdays, "starts_on": start, "ends_on": rate.ends_on}
        new = (_merged(whole_day, rate) if whole_day else rate).model_copy(update=window)
        change.moves += moves(whole_day, new, start) if whole_day else []
        change.rates.append(as_raw(new))


def _stop(change: Change, model: ModelCard, held: Sequence[Rate], said: Mapping[Place, Sequence[Rate]], today: date) -> None:
    """Hours that the source no longer prices apart, while it still prices the whole day."""
    whole_day = _at(said.get((held[0].tier, ALWAYS_ON), ()), today)
    last = held[-1]
    if whole_day is None or last.span[1] <= instant(today):
        return
    if last.span[0] >= instant(today):
        change.conflicts.append(f"the price{label(last)} from {last.starts_on} stands in the card but not in the source")
        return
    change.ends[model.rates.index(last)] = today
    change.moves += moves(last, _merged(last, whole_day), today)


def _at(rates: Iterable[Rate], day: Day) -> Rate | None:
    return next((rate for rate in rates if rate.span[0] <= instant(day) < rate.span[1]), None)


def _merged(held: Rate, said: Rate) -> Rate:
    """What holds once the source is followed: its prices, and those of the card where it is silent."""
    own = {meter: _said(meter, held, said) for meter in METERS}
    bands = tuple(_merged_band(held, said, band) for band in said.bands)
    update = {"above_input_tokens": bands[0] if len(bands) == 1 else bands or None, "source": said.source, "checked_on": said.checked_on}
    return held.model_copy(update={**own, **update, "note": None})


def _said(meter: str, held: Rate | LongContext, said: Rate | LongContext) -> Decimal | None:
    price: Decimal | None = getattr(said, meter)
    before: Decimal | None = getattr(held, meter)
    if price is None and meter == "cache_read" and before is not None and before == held.input:
        # A cached token without a price of its own stays the price of input.
        price = said.input
    return before if price is None else price


def _merged_band(held: Rate, said: Rate, band: LongContext) -> LongContext:
    same = next((one for one in held.bands if one.above == band.above), None)
    if same is None:
        follows = said.cache_read is None and held.cache_read is not None and held.cache_read == held.input
        return band.model_copy(update={"cache_read": band.input}) if follows and band.cache_read is None else band
    return band.model_copy(update={**{meter: _said(meter, same, band) for meter in METERS}, "counts": same.counts})


def profile(rate: Rate) -> Profile:
    """A rate's prices per band, those below carried on; bands that change nothing are left out."""
    found: Profile = [(-1, {meter: price for meter in METERS if (price := getattr(rate, meter)) is not None})]
    for band in rate.bands:
        prices = {**found[-1][1], **{meter: price for meter in METERS if (price := getattr(band, meter)) is not None}}
        if prices != found[-1][1]:
            found.append((band.above, prices))
    return found


def moves(before: Rate, after: Rate, day: Day) -> list[Move]:
    """How each meter moves, with the bands of either; what falls away has no move."""
    old, new = profile(before), profile(after)
    bands = {band.above: f" {'above' if band.operator == '>' else 'from'} {band.threshold}" for band in (*before.bands, *after.bands)}
    found: list[Move] = []
    for above in sorted({above for above, _ in (*old, *new)}):
        was, now = _in_band(old, above), _in_band(new, above)
        for meter, price in now.items():
            named = meter + label(after)
            if was.get(meter) != price and not (above >= 0 and _same_step(found, named, was.get(meter), price)):
                found.append(Move(after.tier, named + bands.get(above, ""), day, was.get(meter), price))
    return found


def _in_band(found: Profile, above: int) -> dict[str, Decimal]:
    return [prices for start, prices in found if start <= above][-1]


def _same_step(found: Iterable[Move], meter: str, before: Decimal | None, after: Decimal) -> bool:
    """Whether a meter without a price of its own in a band just moves along with the one below."""
    return any(move.meter == meter and (move.before, move.after) == (before, after) for move in found)


def label(rate: Rate) -> str:
    """The hours and weekdays a rate is limited to, in words."""
    hours, days = rate.window
    return (f" {hours}" if hours else "") + (f" on days {''.join(map(str, days))}" if days else "")


def as_raw(rate: Rate) -> dict[str, Any]:
    """A rate as it is written, keys in order, nothing that is understood of itself."""
    head = {"tier": rate.tier} if rate.tier != "standard" else {}
    dates = {"starts_on": rate.starts_on, **({"ends_on": rate.ends_on} if rate.ends_on else {})}
    window = {**({"hours_utc": rate.hours_utc} if rate.hours_utc else {}), **({"weekdays": list(rate.weekdays)} if rate.weekdays else {})}
    bands = [_band_raw(band) for band in rate.bands]
    above = {"above_input_tokens": bands[0] if len(bands) == 1 else bands} if bands else {}
    tail = {"source": rate.source, "checked_on": rate.checked_on, **({"note": rate.note} if rate.note else {})}
    return {**head, **dates, **window, **_prices(rate), **above, **tail}


def _band_raw(band: LongContext) -> dict[str, Any]:
    operator = {"operator": band.operator} if band.operator != ">" else {}
    counts = {"counts": band.counts} if band.counts != "whole input" else {}
    return {"threshold": band.threshold, **operator, **counts, **_prices(band)}


def _prices(rate: Rate | LongContext) -> dict[str, Decimal]:
    return {meter: price for meter in METERS if (price := getattr(rate, meter)) is not None}


def _text(price: Decimal | None) -> str:
    return "none" if price is None else f"{price.normalize():f}"
