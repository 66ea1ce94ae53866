"""`brand:` of meterbook.yaml: what pages show of the company, held against what can be read and what is safe to embed."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints

from meterbook.assets.sources import Strict
from meterbook.rate_cards.strict_yaml import line_of
from meterbook.reports.brand import GROUNDS, TEXT, Brand, contrast, is_readable, readable
from meterbook.reports.logo import LogoError, data_uri

Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$", to_lower=True)]
FIELDS = {"light": "accent", "dark": "accent_dark"}


class BrandError(ValueError):
    """An entry of `brand:` is wrong; the message names file, line and what to do."""


class BrandSettings(Strict):
    """A company's name, logo and accent."""

    name: str = Field(default="", max_length=60, description="beside the logo")
    logo: str = Field(default="", description="PNG or SVG of the book's folder, at most 100 kB")
    logo_dark: str = Field(default="", description="the logo on dark ground; the same one where left out")
    accent: Colour | None = Field(default=None, description="colour of lines and marks on white, #rrggbb")
    accent_dark: Colour | None = Field(default=None, description="on dark ground; a lighter shade of accent where left out")


def brand_of(folder: Path, settings: BrandSettings | None) -> Brand | None:
    """What pages show of a book's company; None where it says nothing.

    Raises:
        BrandError: a logo that is missing or not safe, or an accent that cannot be read.
    """
    if settings is None:
        return None
    for ground, field in FIELDS.items():
        _refuse_pale(folder, field, getattr(settings, field), ground)
    accent = settings.accent or (readable(settings.accent_dark, "light") if settings.accent_dark else "")
    return Brand(
        name=settings.name,
        logo=_logo(folder, "logo", settings.logo),
        logo_dark=_logo(folder, "logo_dark", settings.logo_dark),
        accent=accent,
        accent_dark=settings.accent_dark or (readable(accent, "dark") if accent else ""),
    )


def _refuse_pale(folder: Path, field: str, colour: str | None, ground: str) -> None:
    if colour and not is_readable(colour, ground):
        found = f"{contrast(colour, GROUNDS[ground]):.1f} to 1 against the {ground} ground {GROUNDS[ground]}, less than {TEXT} to 1"
        raise _wrong(folder, field, f"{colour} has a contrast of {found}; {readable(colour, ground)} is near and holds")


def _logo(folder: Path, field: str, name: str) -> str:
    if not name:
        return ""
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise _wrong(folder, field, f"{name!r} lies outside the book")
    if not path.is_file():
        raise _wrong(folder, field, f"there is no file {name!r} in the book")
    try:
        return data_uri(path)
    except LogoError as error:
        raise BrandError(f"{path}:{error}") from error


def _wrong(folder: Path, field: str, why: str) -> BrandError:
    path = folder / "meterbook.yaml"
    return BrandError(f"{path}:{line_of(path, ('brand', field))}: brand.{field}: {why}")
