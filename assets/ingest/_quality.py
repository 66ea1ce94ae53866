"""Judgements: the columns of their raw tables, and what a value may be."""

from decimal import Decimal

from meterbook.assets.ingest.format import exact

COLUMNS = {
    "quality_id": "VARCHAR",
    "occurred_at": "TIMESTAMP",
    "updated_at": "TIMESTAMP",
    "signal": "VARCHAR",
    "value": "DECIMAL(18,6)",
    "label": "VARCHAR",
    "request_id": "VARCHAR",
    "operation_id": "VARCHAR",
    "session_id": "VARCHAR",
}
LONGEST = 200
"""Characters of a label: what is longer is no word but a text of somebody, and is not kept."""
_YES = frozenset({"true", "yes", "y", "up", "1", "1.0"})
_NO = frozenset({"false", "no", "n", "down", "0", "0.0"})


def label(text: str | None, name: str) -> str | None:
    """A judgement in a word.

    Raises:
        ValueError: too long to be one; the text is not part of the message.
    """
    if text and len(text) > LONGEST:
        raise ValueError(f"{name} has {len(text):,} characters: a label has at most {LONGEST}")
    return text or None


def number(value: Decimal, name: str) -> Decimal:
    """A judgement as a number, to six places.

    Raises:
        ValueError: not finite, or too large.
    """
    return exact(value, 6, 18, name) or Decimal(0)


def yes_or_no(text: str, name: str) -> Decimal:
    """1 or 0 from yes or no, true or false, up or down, 1 or 0.

    Raises:
        ValueError: neither.
    """
    word = text.strip().lower()
    if word not in _YES | _NO:
        raise ValueError(f"{name} is neither yes nor no")
    return Decimal(word in _YES)
