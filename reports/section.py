"""What a section of a page is: a function of the week's figures, and a template of the same name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from meterbook.reports.charts import Chart
from meterbook.reports.frame import Frame


@dataclass(frozen=True)
class Section:
    """One section.

    Args:
        name: of the module and of its template.
        build: gives what the template shows; None where there is nothing to show.
        empty: the quiet line then shown instead.
        title: heading, where it has one.
    """

    name: str
    build: Callable[[Frame], Mapping[str, Any] | None]
    empty: str = ""
    title: str = ""


def charts_in(built: Mapping[str, Any]) -> list[Chart]:
    """The figures a section shows."""
    return [value for value in built.values() if isinstance(value, Chart)]
