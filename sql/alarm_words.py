"""What an alarm says of itself, in plain words with figures: by measure, for people who have not seen the series."""

from collections.abc import Callable, Mapping

Said = Callable[[float, float], str]
"""A sentence of what is and of what was expected."""
HALF = 0.5
"""From this share of an excess on, one request or session is named as its cause."""
_SMALL = 100


def money(value: float) -> str:
    """Dollars: whole ones from a hundred on, else as many decimals as say something."""
    places = 0 if abs(value) >= _SMALL or not value else 2 if abs(value) >= 1 else 4
    return f"{'-' if value < 0 else ''}${abs(value):,.{places}f}"


def _share(value: float) -> str:
    return f"{100 * value:.0f} %" if abs(value) >= 0.1 or not value else f"{100 * value:.1f} %"  # noqa: PLR2004 -- a tenth


def _count(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= _SMALL else f"{value:.2f}"


def _amount(start: str, show: Callable[[float], str], end: str) -> Said:
    return lambda now, usual: f"{start}{show(now)}{end}, usually {show(usual)}"


WHY: Mapping[str, Said] = {
    "attempts per operation": _amount("retries: ", _count, " attempts per operation"),
    "requests per session": _amount("a loop of calls: ", _count, " requests per session"),
    "busiest hour": _amount("tokens came in a rush: the busiest hour had ", _count, " times those of the mean hour"),
    "cache read share": _amount("prompt cache: ", _share, " of the input read from it"),
    "swapped share": _amount("another model than was asked for answered ", _share, " of the requests"),
    "truncated share": _amount("", _share, " of the answers were cut off at their limit"),
    "tokens per request": _amount("", _count, " tokens per request"),
    "cost per request": _amount("", money, " per request"),
    "cost per unit": _amount("", money, " per unit"),
    "idle share": _amount("", _share, " of the GPU time idle"),
    "weekend share": _amount("a day of the weekend cost ", _share, " of a weekday"),
}
"""Ratios by what they say of a cause, the one that says most first."""


def sentence(kind: str, measure: str, now: float | None, usual: float | None) -> str:
    """Why a row stands out.

    Args:
        kind: as in marts.anomaly.
        measure: what was watched.
        now: its value; None is not known.
        usual: what was expected, of a drift the level it left.
    """
    now, usual = now or 0.0, max(usual or 0.0, 0.0)
    if kind == "price change":
        return f"the price is another one since this day: the same use costs {money(now)} instead of {money(usual)}{_change(now, usual)}"
    if measure in WHY:
        return WHY[measure](now, usual)
    if measure != "cost":
        return f"{measure} is {_count(now)}, usually {_count(usual)}"
    if kind == "drop":
        return f"cost fell to {money(now)}, usually {money(usual)}"
    if kind == "drift":
        return f"cost has left its level of the weeks before: {money(now)} a day instead of {money(usual)}{_change(now, usual)}"
    times = f"{now / usual:,.1f} times what is usual" if usual >= 1 else "where there was hardly any"
    return f"cost is {times}: {money(now)}, usually {money(usual)}"


def _change(now: float, usual: float) -> str:
    return f" ({100 * (now / usual - 1):+.0f} %)" if usual > 0 else ""
