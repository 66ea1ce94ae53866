"""Codes in finance files: which text may go into one, and which may go into a journal."""

import re

FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""Spreadsheets run text that begins so (OWASP, CSV injection), in full width too."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""Unicode's control characters: all there will ever be."""
LONGEST = 100
"""Characters of a code of a journal: what name fields of ledgers hold."""
NOBODY = ("unallocated", "unowned")
"""Not teams: cost that nobody answers for."""
NOTHING = "(none)"
"""What marts say where a line has no such code."""


class FinanceError(ValueError):
    """A finance file cannot be written as things are; the message says what and why. Nothing is written."""


def plain(text: str) -> str:
    """Text that may go into a finance file.

    Raises:
        FinanceError: it begins like a formula or holds a control character.
    """
    if text.startswith(FORMULA) or _CONTROL.search(text):
        raise FinanceError(f"{text!r} cannot go into a finance file: it begins like a formula or holds a control character")
    return text


def code(text: str) -> str:
    """A code that may go into a journal: an account, a cost centre, a team, a subsidiary.

    Raises:
        FinanceError: it is no plain text, is empty or over-long, begins or ends with a space, or holds a double quote.
    """
    plain(text)
    if not text or text != text.strip() or '"' in text:
        raise FinanceError(f"{text!r} is no code for a journal: it is empty, has a space at an end, or holds a double quote")
    if len(text) > LONGEST:
        raise FinanceError(f"{text[:20]!r}... is no code for a journal: it has {len(text)} characters, more than {LONGEST}")
    return text
