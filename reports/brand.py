"""A company's name, logo and accent colour on its pages.

An accent has to be readable: as text on the ground of pages, light and dark, by the contrast of WCAG 2.2 (1.4.3, AA: 4.5 to 1); in figures,
which are drawn in one colour for both grounds, by that of 1.4.11 (3 to 1).
"""

import colorsys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

from meterbook.reports.charts import ACCENT

GROUNDS = {"light": "#ffffff", "dark": "#11161c"}
"""What pages stand on, as style.css.j2 has it."""
TEXT, GRAPHIC = 4.5, 3.0
"""Least contrast of text and of what is drawn."""
STEPS = 400
_LINEAR = 0.04045
"""Up to this share sRGB is linear (IEC 61966-2-1)."""
_COLOURS = frozenset({"color", "fillcolor"})


@dataclass(frozen=True)
class Brand:
    """What pages show of a company; what is empty is not shown.

    Args:
        name: beside the logo, and what the logo is called for those who cannot see it.
        logo: a data URI.
        logo_dark: of the logo on dark ground; the same one where empty.
        accent: colour of text and lines on light ground, `#rrggbb`; the house's where empty.
        accent_dark: on dark ground.
    """

    name: str = ""
    logo: str = ""
    logo_dark: str = ""
    accent: str = ""
    accent_dark: str = ""

    @cached_property
    def drawn(self) -> str:
        """The colour of figures: as near to the accent as can be seen on both grounds; the house's where there is no accent."""
        return near(self.accent, _is_seen) if self.accent else ACCENT

    def recoloured(self, figure: Mapping[str, Any]) -> Mapping[str, Any]:
        """A plotly figure in the brand's colour instead of the house's."""
        painted: Mapping[str, Any] = _painted(figure, self.drawn) if self.accent else figure
        return painted


def contrast(one: str, other: str) -> float:
    """Contrast of two colours `#rrggbb` by WCAG 2.2: 1 to 21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def is_readable(colour: str, ground: str) -> bool:
    """Whether text of a colour can be read on `light` or `dark` ground."""
    return contrast(colour, GROUNDS[ground]) >= TEXT


def readable(colour: str, ground: str) -> str:
    """The colour of the same hue nearest in lightness that can be read as text on `light` or `dark` ground."""
    return near(colour, lambda one: is_readable(one, ground))


def near(colour: str, holds: Callable[[str], bool]) -> str:
    """The colour of the same hue nearest in lightness for which something holds.

    Raises:
        ValueError: it holds for none.
    """
    if holds(colour):
        return colour
    hue, lightness, saturation = colorsys.rgb_to_hls(*_parts(colour))
    moves = chain.from_iterable((lightness - step / STEPS, lightness + step / STEPS) for step in range(1, STEPS + 1))
    shades = (_hex(colorsys.hls_to_rgb(hue, move, saturation)) for move in moves if 0 <= move <= 1)
    found = next((shade for shade in shades if holds(shade)), None)
    if found is None:
        raise ValueError(f"no shade of {colour} holds")
    return found


def _is_seen(colour: str) -> bool:
    return all(contrast(colour, ground) >= GRAPHIC for ground in GROUNDS.values())


def _parts(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return red, green, blue


def _hex(parts: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in parts)


def _luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    linear = [part / 12.92 if part <= _LINEAR else ((part + 0.055) / 1.055) ** 2.4 for part in _parts(colour)]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _painted(node: Any, colour: str, key: str = "") -> Any:  # noqa: ANN401 -- a part of a figure is any JSON
    """A part of a figure; only what says a colour is changed, never a name that reads like one."""
    if isinstance(node, Mapping):
        return {name: _painted(value, colour, name) for name, value in node.items()}
    if isinstance(node, list | tuple):
        return [_painted(value, colour, key) for value in node]
    if isinstance(node, str) and key in _COLOURS:
        return node.replace(ACCENT, colour).replace(_channels(ACCENT), _channels(colour))
    return node


def _channels(colour: str) -> str:
    """The begin of a colour with an opacity: `rgba(59,125,216,`."""
    return f"rgba({','.join(str(round(part * 255)) for part in _parts(colour))},"
