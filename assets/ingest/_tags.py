"""Tags that owner rules may ask for: of what a log says of a call beside its figures, only what the book names (`tags:` of a source).

Metadata may hold messages and personal data, so nothing of it is kept that is not on the list: names in full, or with a star at their end
for all that begin so. Values are text, numbers and yes or no; objects, lists, and what is longer than a label are not taken.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from math import isfinite
from typing import Any

import msgspec

from meterbook.assets.ingest._rows import BROKEN
from meterbook.assets.sources import Reading

LONGEST = 200
"""Characters of a name and of a value; what is longer is no label, and may be a message."""
DEFERRABLE = "deferrable"
"""The name under which callers say that a call may wait a day for its answer."""
SAYS = {**dict.fromkeys(("true", "yes", "1"), True), **dict.fromkeys(("false", "no", "0"), False)}
_ENCODER = msgspec.json.Encoder(order="sorted")


def tags_of(reading: Reading, *given: Mapping[str, Any]) -> str | None:
    """What the book asks for as the text of a JSON object, keys sorted, all values text; None where nothing of it is there.

    Args:
        reading: has the names.
        given: by name, values or their JSON text; a later one counts before an earlier one.
    """
    if not reading.options.tags:
        return None
    wants = wanted(reading.options.tags)
    found = {name: text for one in given for name, value in one.items() if wants(name) and (text := label_of(value)) is not None}
    return _ENCODER.encode(found).decode() if found else None


def deferrable_of(reading: Reading, *given: Mapping[str, Any]) -> bool | None:
    """Whether a call may wait a day for its answer, as its caller says; None where nothing is said, or another word.

    Args:
        reading: has the book's own name for it, beside `deferrable`.
        given: by name, values or their JSON text; a later one counts before an earlier one.
    """
    names = [name for name in (reading.options.deferrable, DEFERRABLE) if name]
    told = (one[name] for name in names for one in reversed(given) if name in one)
    return next((said for value in told if (said := SAYS.get((label_of(value) or "").strip().lower())) is not None), None)


@cache
def wanted(names: Sequence[str]) -> Callable[[str], bool]:
    """Whether a name is on the list of a book; a hashable list, as the same one is asked for again and again."""
    exact = frozenset(name for name in names if not name.endswith("*"))
    prefixes = tuple(name.removesuffix("*") for name in names if name.endswith("*"))
    return lambda name: len(name) <= LONGEST and (name in exact or name.startswith(prefixes))


def label_of(value: object) -> str | None:
    """A value as text, numbers and yes or no as JSON writes them; None where it is empty, nested or too long to be a label."""
    if isinstance(value, msgspec.Raw):
        value = _of_json(bytes(value).strip())
    elif isinstance(value, int) or (isinstance(value, float) and isfinite(value)):
        value = _ENCODER.encode(value).decode()
    return value if isinstance(value, str) and value and len(value) <= LONGEST else None


def _of_json(text: bytes) -> str | None:
    """JSON text as a label: a number as it is written; None for null, objects and lists, and where it is broken."""
    if text[:1] in {b"{", b"[", b"n"}:
        return None
    try:
        return msgspec.json.decode(text, type=str) if text.startswith(b'"') else text.decode()
    except BROKEN:
        return None


def words(given: Iterable[Any] | str | None) -> dict[str, str]:
    """Tags that are a list of words, by name: `name:value` and `name=value` are what they say, any other word is `true`.

    Of several words of one name the last counts.
    """
    listed = () if given is None or isinstance(given, str) else given
    return dict(_pair(word) for word in listed if isinstance(word, str))


def _pair(word: str) -> tuple[str, str]:
    at = min((place for mark in ":=" if (place := word.find(mark)) >= 0), default=-1)
    return (word.strip(), "true") if at < 0 else (word[:at].strip(), word[at + 1 :].strip())
