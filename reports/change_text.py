"""What became of an amount, in words that hold in odd periods too: nothing before, credits, cents, and rises beyond any percentage."""

from collections.abc import Sequence
from decimal import Decimal

from meterbook.reports.numbers import change, dollars, head, percent

HELD = Decimal("0.02")
"""A change of not more than this share is none."""
VISIBLE = Decimal("0.5")
"""Not more than this is shown as no dollar."""
TENFOLD = Decimal(10)


def relative(now: Decimal, before: Decimal) -> Decimal | None:
    """The relative change, where a percentage says something.

    Returns:
        None where it says nothing: of nothing or a credit, to a credit, or where the amount became ten times what it was or more.
    """
    return change(now, before) if before > 0 and 0 <= now < before * TENFOLD else None


def delta(now: Decimal, before: Decimal) -> str:
    """A change as a figure beside another: in percent, in dollars where a percentage says nothing."""
    moved = relative(now, before)
    return dollars(now - before, plus=True) if moved is None else percent(moved, plus=True)


def amount(value: Decimal) -> str:
    """An amount within a sentence: a credit is called one, and what is not nothing never reads as nothing."""
    size = abs(value)
    text = "under $1" if 0 < size <= VISIBLE else head(size)
    return f"a credit of {text}" if value < 0 else text


def verdict(subject: str, now: Decimal, before: Decimal, when: str, noun: str = "week") -> str:
    """What became of a cost, as the first clause of a verdict.

    Args:
        subject: as the clause begins: AI cost.
        now: what it is, in USD.
        before: what it was, in USD.
        when: it was so: last week, in September.
        noun: what the period is called.
    """
    if not now:
        was = f", against {amount(before)} {when}" if before else ""
        return f"no cost was recorded in this {noun}{was}"
    if not before or now < 0 or before < 0:
        return f"{subject} was {amount(now)}, against {amount(before) if before else 'nothing'} {when}"
    moved = relative(now, before)
    if moved is None:
        return f"{subject} rose from {amount(before)} to {amount(now)}"
    if is_level(now, before, HELD):
        return f"{subject} held at {amount(now)}"
    return f"{subject} {'rose' if moved > 0 else 'fell'} {percent(abs(moved))} to {amount(now)}"


def is_level(now: Decimal, before: Decimal, held: Decimal = Decimal(0)) -> bool:
    """Whether nothing moved to speak of: no dollar, or no more than a share of what it was."""
    return abs(now - before) <= max(VISIBLE, abs(before) * held)


def difference(now: Decimal, before: Decimal, rival: str, causes: Sequence[str], held: Decimal | None = None) -> str:
    """How much more or less, and what made it so, as a sentence.

    Args:
        now: what it is, in USD.
        before: what it was, in USD.
        rival: what it is compared with: last week, September.
        causes: what moved and by how much, the largest first.
        held: share of what it was within which it is level; None where the verdict has said the percentage, and what is level.
    """
    gap, why = now - before, ", ".join(causes)
    if is_level(now, before, held or Decimal(0)):
        left = f" ({dollars(gap, plus=True)})" if abs(gap) > VISIBLE else ""
        return f"Level with {rival}{left}" + (f"; what moved cancels out: {why}." if len(causes) > 1 else ".")
    moved = None if held is None else relative(now, before)
    share = "" if moved is None else f", {percent(abs(moved))},"
    return f"{dollars(abs(gap))}{share} {'more' if gap > 0 else 'less'} than {rival}{f', mainly {why}' if causes else ''}."


def capital(text: str) -> str:
    """A clause as a sentence begins."""
    return f"{text[:1].upper()}{text[1:]}"
