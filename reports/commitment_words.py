"""What a page says of commitments in sentences: what they cost and spared, what ends next, and what to do with each."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal

from meterbook.reports.commitments import OWNED, Commitment, Commitments, ending
from meterbook.reports.figures import ZERO
from meterbook.reports.numbers import dollars, head, percent, plural

SPARE, WHOLE = Decimal("0.05"), Decimal("0.8")
"""A part that no hour used is worth a smaller order from here on; coverage below which more could be committed."""


def cost(when: str, held: Commitments) -> Iterator[str]:
    """What commitments cost in a period, what of it was unused, and what they spared against list; then what minimums fell short.

    Args:
        when: the period, for people: Q4 2026 so far.
        held: those of its days.
    """
    used = [one for one in held.all if one.use.days]
    whole, unused = (sum((one.use.sum(name) for one in used), ZERO) for name in ("cost_usd", "unused_cost_usd"))
    if used:
        part = f" ({percent(unused / whole)})" if unused else ""
        idle = f"{head(unused)}{part} was not used" if unused else "all was used"
        yield f"{plural(len(used), 'commitment')} cost {head(whole)} in {when}, of which {idle}."
        yield from _against_list(used)
    if len(held.minimums) == 1:
        least = held.minimums[0]
        yield f"The minimum spend {least.name} {f'fell {head(least.short_usd)} short' if least.short_usd else 'was reached'}."
    elif held.minimums:
        short = sum((one.short_usd for one in held.minimums), ZERO)
        yield f"{len(held.minimums):,} minimum spends {f'fell {head(short)} short together' if short else 'were reached'}."


def _against_list(used: Sequence[Commitment]) -> Iterator[str]:
    known = [(one.use.list_usd, one.use.sum("cost_usd")) for one in used if one.use.savings_rate is not None]
    it = "it" if len(used) == 1 else "they"
    at_list, paid = sum((usd or ZERO for usd, _ in known), ZERO), sum((usd for _, usd in known), ZERO)
    if not known:
        yield f"What {it} spared is unknown: {it} served nothing, or what has no price at list."
    elif len(known) == len(used):
        yield f"What {it} served costs {head(at_list)} at list: {it} cost {head(abs(at_list - paid))} {_side(at_list - paid)}."
    else:
        which = "one of them" if len(known) == 1 else f"{len(known):,} of them"
        yield f"What {which} served costs {head(at_list)} at list, {head(abs(at_list - paid))} {_against(at_list - paid)} than was paid."
        yield "The others served nothing, or what has no price at list: what they spared is unknown."


def _side(spared: Decimal) -> str:
    return "less" if spared >= 0 else "more"


def _against(spared: Decimal) -> str:
    return "more" if spared >= 0 else "less"


def next_end(held: Commitments, after: date, until: date) -> Iterator[str]:
    """What ends next, and what today's use costs then.

    Args:
        held: the commitments.
        after: the first day that is not shown.
        until: the last end that is of interest.
    """
    found = ending(held.all, until)
    if not found and held.all:
        yield f"No commitment ends by {last(until)}."
    if found:
        one, then = found[0], ""
        if one.ends[0].is_written_off:
            then = ": the purchase is written off then, and costs nothing more"
        elif one.list_after_usd is not None and one.freed_usd is not None:
            then = f"; a month of today's use costs {head(one.list_after_usd)} at list then, in place of {head(one.freed_usd)}"
        yield f"{one.name} ends next, on {last(one.ends[0].on)}, {left(one.ends[0].on, after)}{then}."
    for least in held.minimums:
        if after <= least.ends_on <= until:
            yield f"The minimum spend {least.name} ends on {last(least.ends_on)}, {left(least.ends_on, after)}."


def advice(one: Commitment) -> str:
    """What to do with a commitment when it ends, from how it was used."""
    if one.ended:
        return f"ended on {last(one.ended)}"
    if not one.use.days:
        return f"begins on {day(one.starts_on)}"
    if not one.use.sum("used"):
        return "fill or sell: nothing used it" if one.kind == OWNED else "let it lapse: nothing used it"
    return _advice_of_own(one) if one.kind == OWNED else _advice_of_order(one)


def _advice_of_order(one: Commitment) -> str:
    rate, covered = one.use.savings_rate, one.use.covered
    if rate is not None and rate < 0:
        return f"let it lapse, or fill it: list is {dollars(-one.recent.spared_monthly_usd * 12)} a year cheaper"
    if (spare := one.use.never_used or ZERO) >= SPARE:
        return f"renew smaller: {_idle(one, spare)}"
    if rate is None:
        return "no price at list to hold it against"
    if covered is not None and covered < WHOLE:
        return f"renew, and see whether more pays: it covers {percent(covered)}"
    return "renew as it is"


def _advice_of_own(one: Commitment) -> str:
    if (spare := one.use.never_used or ZERO) >= SPARE:
        return f"fill or sell: {_idle(one, spare)}"
    if one.use.savings_rate is not None and one.use.savings_rate < 0:
        return "fill: the hours used would cost less at list"
    return "keep"


def _idle(one: Commitment, spare: Decimal) -> str:
    return f"{percent(spare)} was idle in every hour, {dollars(one.recent.monthly('cost_usd') * 12 * spare)} a year"


def left(on: date, after: date) -> str:
    """How long something lasts: 34 days from here."""
    days = (on - after).days
    return f"{plural(days, 'day')} from the last with data" if days else "the last day with data"


def day(one: date) -> str:
    """A day for people: 31 December 2026."""
    return f"{one.day} {one:%B %Y}"


def last(on: date) -> str:
    """The last day before one, for people."""
    return day(on - timedelta(days=1))
