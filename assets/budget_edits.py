"""budgets.yaml edited as text: comments and layout stay, and what comes out is read back before it counts."""

import difflib
import tempfile
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from meterbook.assets.budgets import FILE, Budget, BudgetsFile, Raise
from meterbook.assets.dated import FIRST_DAY, OPEN
from meterbook.rate_cards.strict_yaml import StrictYamlError, load_yaml


class EditError(ValueError):
    """budgets.yaml is written in a way that cannot be edited; the message says what to add by hand."""


def with_raise(text: str, name: str, added: Raise) -> str:
    """The text of budgets.yaml with another amount for a while in one budget's entry.

    Raises:
        EditError: the entry is not where it is looked for, or what comes out does not say what it should.
    """
    entry = _flow(added)
    by_hand = f"{FILE}: the entry of {name!r} cannot be edited; add to its `raises` by hand: {entry}"
    try:
        before = _read(text)
        wanted = tuple(_raised(one, added) if one.budget == name else one for one in before.budgets)
        edited = _inserted(text, _entry(text, name), entry)
        after = _read(edited)
    except (StrictYamlError, ValidationError, yaml.YAMLError, LookupError) as error:
        raise EditError(by_hand) from error
    if after != before.model_copy(update={"budgets": wanted}) or after == before:
        raise EditError(by_hand)
    return edited


def patch(before: str, after: str) -> str:
    """The difference of two texts of budgets.yaml as `patch -p0` and `git apply` take it; empty where there is none."""
    lines = difflib.unified_diff(before.splitlines(keepends=True), after.splitlines(keepends=True), FILE, FILE)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _raised(one: Budget, added: Raise) -> Budget:
    return one.model_copy(update={"raises": (*one.raises, added)})


def _read(text: str) -> BudgetsFile:
    """As the book would read it."""
    with tempfile.TemporaryDirectory(prefix="meterbook-budgets-") as folder:
        path = Path(folder) / FILE
        path.write_text(text, "utf-8", newline="")
        return BudgetsFile.model_validate(load_yaml(path) or {})


def _entry(text: str, name: str) -> yaml.MappingNode:
    """The entry of a budget in the document."""
    budgets = _value(yaml.compose(text, yaml.SafeLoader), "budgets")
    for node in budgets.value if isinstance(budgets, yaml.SequenceNode) else ():
        told = _value(node, "budget")
        if isinstance(node, yaml.MappingNode) and told is not None and told.value == name:
            return node
    raise LookupError(name)


def _value(node: yaml.Node | None, key: str) -> Any:  # noqa: ANN401 -- PyYAML's nodes have untyped values
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    return next((value for found, value in pairs if found.value == key), None)


def _inserted(text: str, node: yaml.MappingNode, entry: str) -> str:
    raises = _value(node, "raises")
    if raises is None:
        place = _end(node.value[-1][1])
        if node.flow_style:
            return f"{text[:place]}, raises: [{entry}]{text[place:]}"
        return _below(text, place, f"{' ' * node.value[0][0].start_mark.column}raises: [{entry}]")
    if raises.flow_style:
        place = _end(raises.value[-1]) if raises.value else raises.end_mark.index - 1
        return f"{text[:place]}{', ' if raises.value else ''}{entry}{text[place:]}"
    return _below(text, _end(raises.value[-1]), f"{' ' * raises.start_mark.column}- {entry}")


def _end(node: yaml.Node) -> int:
    """Where what is written of a node ends; a block's own mark lies behind the comments that follow it."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return node.end_mark.index


def _below(text: str, place: int, line: str) -> str:
    """A line put below the line of a place, whose comment stays with it."""
    end = text.find("\n", place)
    newline = "\r\n" if "\r\n" in text else "\n"
    return f"{text}{newline}{line}" if end < 0 else f"{text[:end]}\n{line}{newline.removesuffix(chr(10))}{text[end:]}"


def _flow(added: Raise) -> str:
    """One entry of `raises`, on one line."""
    dates = (("starts_on", added.starts_on, FIRST_DAY), ("ends_on", added.ends_on, OPEN))
    parts = [f"amount: {added.amount:f}", *(f"{key}: {day}" for key, day, none in dates if day != none)]
    if added.request is not None:
        # In quotes: a name may hold a colon or a comma, or read as a date.
        parts.append("request: " + yaml.dump(added.request, default_style='"', width=10**6, allow_unicode=True).strip())
    return f"{{{', '.join(parts)}}}"
