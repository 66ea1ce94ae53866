"""What a section of a page is: a function of the page's figures, and a template of the same name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from meterbook.reports.charts import Chart

Figures = TypeVar("Figures")


@dataclass(frozen=True)
class Section(Generic[Figures]):
    """One section.

    Args:
        name: of the module and of its template.
        build: gives what the template shows; None where there is nothing to show.
        empty: the quiet line then shown instead.
        title: heading, where it has one; the question of a figure that a section begins with is its heading, and it needs no other.
        template: of another section that shows the same shape.
    """

    name: str
    build: Callable[[Figures], Mapping[str, Any] | None]
    empty: str = ""
    title: str = ""
    template: str = ""


def charts_in(built: Mapping[str, Any]) -> list[Chart]:
    """The figures of a section that the page's script draws: those it gives by a name of their own, and those in a list."""
    values = [one for value in built.values() for one in (value if isinstance(value, list | tuple) else [value])]
    return [one for one in values if isinstance(one, Chart)]
