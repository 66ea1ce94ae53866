"""docs/telemetry.md, its generated part: the minimum fields, and which format can carry which.

`python -m meterbook.pipelines.telemetry_contract` writes it; a test compares it with the models. What stands before the mark is written by
hand.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from meterbook.assets.workspace import columns, project
from meterbook.reports.telemetry import can_carry
from meterbook.reports.telemetry_fields import FIELDS, Field

PATH = Path(__file__).parents[1] / "docs" / "telemetry.md"
MARK = "<!-- Generated from here on by `python -m meterbook.pipelines.telemetry_contract`; do not edit. -->\n"
_STAGING = "staging."


@cache
def carries() -> Mapping[str, Sequence[Field]]:
    """The fields each format of calls can carry."""
    found = project()
    kinds = {name.removeprefix(_STAGING): model.header.kind or "" for name, model in found.models.items() if name.startswith(_STAGING)}
    return can_carry(columns(), kinds)


def generated() -> str:
    """What follows the mark."""
    return "\n".join((*_fields(), "", *_formats())) + "\n"


def describe() -> str:
    """The whole document."""
    return PATH.read_text("utf-8").partition(MARK)[0] + MARK + "\n" + generated()


def _fields() -> Iterator[str]:
    yield "## The fields\n"
    yield "| field | OpenTelemetry | why | without it |\n|---|---|---|---|"
    for one in FIELDS:
        named = ", ".join(f"`{word}`" if word.startswith("gen_ai") else word for word in one.gen_ai.split(", "))
        yield f"| {one.name} | {named} | {one.why} | {one.without[:1].upper()}{one.without[1:]}. |"
    yield "\n## What closes a gap\n"
    yield "| field | in general | with |\n|---|---|---|"
    for one in FIELDS:
        settings = "; ".join(f"{form}: {setting}" for form, setting in one.settings.items())
        yield f"| {one.name} | {one.remedy} | {settings} |"


def _formats() -> Iterator[str]:
    told = carries()
    fields = [one for one in FIELDS if one.carriers]
    yield "## What each format can carry\n"
    yield "By the columns of its staging model; whether a log carries it is up to the gateway's settings. Teams, tenants and features may"
    yield "come from owner rules too, and quality comes in files of its own.\n"
    yield f"| format | {' | '.join(one.name for one in fields)} |"
    yield f"|---|{'---|' * len(fields)}"
    for form, found in told.items():
        yield f"| {form} | {' | '.join('yes' if one in found else '' for one in fields)} |"


if __name__ == "__main__":
    PATH.write_text(describe(), "utf-8")
