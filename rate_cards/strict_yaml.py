"""YAML read strictly: decimals stay exact, dates stay dates, a key given twice is an error, and every place has a line number.

PyYAML's safe loader keeps the last of two equal keys in silence and reads 0.1 as a binary float; neither will do for money.
"""

import difflib
import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from pydantic import ValidationError

if TYPE_CHECKING:
    from yaml import SafeLoader as _Base
else:
    # The same loader in C where PyYAML was built with it, eight times faster.
    _Base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Loc = Sequence[int | str]
"""A place in a document, as pydantic reports it: keys and indices from the top."""


class StrictYamlError(ValueError):
    """A file cannot be read; the message begins with file and line."""


class _Loader(_Base):
    """The safe loader, with decimals and without duplicate keys."""


def _decimal(loader: _Loader, node: yaml.ScalarNode) -> object:
    text = str(loader.construct_scalar(node)).replace("_", "")
    return Decimal(text) if re.fullmatch(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?", text) else loader.construct_yaml_float(node)


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[object, object]:
    seen: set[object] = set()
    for key, _ in node.value:
        name = loader.construct_object(key, deep=True)
        if name in seen:
            raise yaml.constructor.ConstructorError(None, None, f"key {name!r} is given twice", key.start_mark)
        seen.add(name)
    loader.flatten_mapping(node)
    return {loader.construct_object(key, deep=True): loader.construct_object(value, deep=True) for key, value in node.value}


_Loader.add_constructor("tag:yaml.org,2002:float", _decimal)
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
# YAML 1.1 reads 1e-6 as a string.
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"^[-+]?\d+(\.\d*)?[eE][-+]?\d+$"), list("-+0123456789"))


def load_yaml(path: Path) -> object:
    """Read one document.

    Returns:
        Dicts, lists, str, int, bool, None, `Decimal` for every fractional number and `date`/`datetime`.

    Raises:
        StrictYamlError: not UTF-8, not YAML, or a key given twice.
    """
    try:
        with path.open(encoding="utf-8") as handle:
            return yaml.load(handle, _Loader)  # noqa: S506 -- derived from SafeLoader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise StrictYamlError(f"{path}:{line}: {error.problem}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise StrictYamlError(f"{path}:1: not readable as YAML: {str(error).splitlines()[0]}") from error


def line_of(path: Path, loc: Loc) -> int:
    """Line of a place in a document; of its nearest parent that is there."""
    with path.open(encoding="utf-8") as handle:
        node = yaml.compose(handle, yaml.SafeLoader)
    line = 1
    for step in loc:
        found = _child(node, step)
        if found is None:
            break
        line, node = found
    return line


def lines_of_items(path: Path, key: str) -> list[int]:
    """Lines on which the items of a top-level list begin; none where it is not there."""
    with path.open(encoding="utf-8") as handle:
        found = _child(yaml.compose(handle, _Base), key)
    return [item.start_mark.line + 1 for item in found[1].value] if found and isinstance(found[1], yaml.SequenceNode) else []


def _child(node: yaml.Node | None, step: int | str) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark.line + 1, node.value[step]
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return key.start_mark.line + 1, value
    return None


def explain(path: Path, error: ValidationError, known: Sequence[str] = ()) -> str:
    """One line for a validation error: file, line, key, what is wrong, and the nearest known key.

    Args:
        path: the file that was validated.
        error: what pydantic found.
        known: keys to guess from where one is unknown.
    """
    first, *others = error.errors()
    place = ".".join(str(step) for step in first["loc"]) or path.name
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        guess = difflib.get_close_matches(str(first["loc"][-1]), known, 1)
        message = "unknown key" + (f"; did you mean {guess[0]}?" if guess else "")
    more = f" (and {len(others)} more)" if others else ""
    return f"{path}:{line_of(path, first['loc'])}: {place}: {message}{more}"
