"""Snippets of DuckDB SQL for records: texts, instants, amounts, and the rules that go with them.

They say what the functions of `format.py` say of polars frames, in the same words.
"""

from meterbook.assets.ingest.format import FIRST_YEAR, LAST_YEAR

_UTC = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d([.]\d{1,6})?Z?"
_ISO = r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.]\d+)?)? ?(Z|[+-](0\d|1[0-5])(:?[0-5]\d)?)?)?"
_TIE = "0.0000000000005"


def text(name: str) -> str:
    """A text; NULL where it is empty."""
    return f"nullif({name}, '')"


def instant(name: str) -> str:
    """Text as a naive UTC instant, NULL where it is none; ISO 8601 as in `format.instant`. The session has to be in UTC."""
    # A cast to TIMESTAMP would drop an offset in silence, and takes words such as epoch: it gets only what can be neither.
    zoned = f"regexp_replace({name}, ' ?([+-]\\d\\d)(\\d\\d)$', '\\1:\\2')"
    other = (
        f"case when regexp_full_match({name}, '{_UTC}') then try_cast({name} as timestamp) "
        f"when regexp_full_match({name}, '{_ISO}') then make_timestamp(epoch_us(try_cast({zoned} as timestamptz))) end"
    )
    # PostgreSQL's form of milliseconds; where a text is of another, trying it would take longer than all that follows.
    return f"coalesce(case when {name} like '____-__-__T__:__:__.___' then try_strptime({name}, '%Y-%m-%dT%H:%M:%S.%g') end, {other})"


def amount(name: str) -> str:
    """Text as an amount of 12 places, rounded half to even; NULL from a million on, and where it is no number."""
    wide = f"try_cast({name} as decimal(38,30))"
    near = f"round({wide}, 12)"
    is_odd = f"cast({near} * 1000000000000 as hugeint) % 2 <> 0"
    even = f"case when abs({near} - {wide}) = {_TIE} and {is_odd} then {near} - sign({wide}) * 0.000000000001 else {near} end"
    rounded = f"case when abs({wide}) < 1000000 then try_cast({even} as decimal(18,12)) end"
    # Fourteen characters without an exponent have no digit to round.
    is_short = f"length({name}) <= 14 and not contains({name}, 'e') and not contains({name}, 'E')"
    return f"case when {is_short} then try_cast({name} as decimal(18,12)) else {rounded} end"


def first(*names: str) -> str:
    """The first count that is there, else 0."""
    return f"coalesce({', '.join(names)}, 0)"


def missing(name: str) -> tuple[str, str]:
    """A rule for a text that has to be there."""
    return f"{name} is null or {name} = ''", f"'{name} is missing'"


def not_an_instant(name: str, given: str, shown: str) -> list[tuple[str, str]]:
    """Rules for an instant: it has to be there, to be one, and to lie in the calendar; `given` is the text it was read from."""
    return [
        (f"{given} is null", f"'{shown} is missing'"),
        (f"{name} is null", f"'{shown} ''' || {given} || ''' is not an instant'"),
        (
            f"year({name}) not between {FIRST_YEAR} and {LAST_YEAR}",
            f"'day ' || cast({name} as date) || ' is outside {FIRST_YEAR} to {LAST_YEAR}'",
        ),
    ]


def negative(*names: str) -> list[tuple[str, str]]:
    """Rules for figures that are never below zero."""
    return [(f"{name} < 0", f"'{name} is negative (' || {name} || ')'") for name in names]
