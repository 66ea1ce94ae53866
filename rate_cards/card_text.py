"""A card as text, to which entries are added: everything that stood there stays byte for byte, comments, order and style included.

Places are taken from the marks of PyYAML's nodes; nothing is parsed and written anew. Whoever adds validates what came out before it
is published.
"""

import os
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from meterbook.rate_cards.card import CardError
from meterbook.rate_cards.compile import Entry, read_card
from meterbook.rate_cards.strict_yaml import StrictYamlError

SCHEMA_LINE = "# yaml-language-server: $schema=schema.json"
"""The first line of every card: editors find the schema beside it."""


class CardText:
    """One card while entries are added.

    Args:
        text: the whole file, a valid card.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._newline = "\r\n" if "\r\n" in text else "\n"
        self._inserts: list[tuple[int, str]] = []
        root = yaml.compose(text, yaml.SafeLoader)
        self._models = _value(root, "models")

    def result(self) -> str:
        """The text with all entries, and with the line that names its schema."""
        text = self._text
        # From the end, so that places stay what they are; of two at one place the later goes in first and so comes after.
        for place, _, added in sorted(((place, turn, added) for turn, (place, added) in enumerate(self._inserts)), reverse=True):
            text = text[:place] + added.replace("\n", self._newline) + text[place:]
        return text if text.startswith("# yaml-language-server:") else f"{SCHEMA_LINE}{self._newline}{text}"

    def end(self, model: str, index: int, day: date | datetime) -> None:
        """End the open rate of a model on a day."""
        rate = _value(_value(self._models, model), "rates").value[index]
        key, start = next(pair for pair in rate.value if pair[0].value == "starts_on")
        if any(one.value == "ends_on" for one, _ in rate.value):
            raise CardError(f"{model}: the rate from {start.value} says `ends_on` already; give the new price by hand")
        if rate.flow_style:
            self._inserts.append((start.end_mark.index, f", ends_on: {day}"))
        else:
            self._inserts.append((self._line_end(start.end_mark.index), f"\n{' ' * key.start_mark.column}ends_on: {day}"))

    def append(self, model: str, rates: Iterable[Mapping[str, Any]]) -> None:
        """Add rates after the last one of a model."""
        found = _value(_value(self._models, model), "rates")
        lines = [one_line(rate) for rate in rates]
        if found.flow_style:
            self._inserts.append((found.value[-1].end_mark.index, "".join(f", {line}" for line in lines)))
        else:
            indent = " " * found.start_mark.column
            self._after(found, "".join(f"\n{indent}- {line}" for line in lines))

    def add(self, name: str, model: Mapping[str, Any]) -> None:
        """Add a model after the last one."""
        if self._models.flow_style or not self._models.value:
            raise CardError("`models` stands on one line; give each model a line of its own, so that one can be added")
        self._after(self._models, "\n" + model_text(name, model, " " * self._models.value[0][0].start_mark.column).rstrip("\n"))

    def _after(self, node: yaml.Node, added: str) -> None:
        self._inserts.append((self._line_end(_last(node)), added))

    def _line_end(self, index: int) -> int:
        """End of a line, before its line break, behind a comment."""
        end = self._text.find("\n", index)
        end = len(self._text) if end < 0 else end
        return end - 1 if end > index and self._text[end - 1] == "\r" else end


def _value(node: yaml.Node | None, key: str) -> Any:  # noqa: ANN401 -- nodes of PyYAML hold anything
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    found = next((value for name, value in pairs if name.value == key), None)
    if found is None:
        raise CardError(f"{key} is not where it should be")
    return found


def _last(node: yaml.Node) -> int:
    """Where the content of a node ends; the end of a block is otherwise where the next thing begins."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _last(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)


def model_text(name: str, model: Mapping[str, Any], indent: str = "  ") -> str:
    """A model as it stands on a card: its name, then a line for each list, a line for each rate."""
    lines = [f"{indent}{scalar(name)}:"]
    for key, value in model.items():
        if key in {"rates", "uplifts", "allowances"}:
            lines += [f"{indent}  {key}:", *(f"{indent}  - {one_line(one)}" for one in value)]
        elif value:
            lines.append(f"{indent}  {key}: {scalar(value) if isinstance(value, str) else one_line(value)}")
    return "\n".join(lines) + "\n"


def scalar(text: str) -> str:
    """A text as YAML writes it, quoted where it must be."""
    return one_line([text])[1:-1]


def one_line(value: object) -> str:
    """A value in flow style on one line; decimals without exponent."""
    text = yaml.dump(value, Dumper=_Dumper, sort_keys=False, default_flow_style=True, width=10**9, allow_unicode=True).strip()
    # An instant is one without a tag too.
    return re.sub(r"!!timestamp '([^']+)'", r"\1", text)


class _Dumper(yaml.SafeDumper):
    """Decimals without exponent, no anchors."""

    def ignore_aliases(self, _data: object) -> bool:
        return True


def _number(dumper: _Dumper, value: Decimal) -> yaml.ScalarNode:
    text = f"{value.normalize():f}" if value else "0"
    return dumper.represent_scalar("tag:yaml.org,2002:float" if "." in text else "tag:yaml.org,2002:int", text)


_Dumper.add_representer(Decimal, _number)


def publish(path: Path, text: str, check: Callable[[Sequence[Entry]], None]) -> None:
    """Write a card beside its place, read it back, and put it there if it is valid.

    Args:
        path: of the card.
        text: all of it.
        check: raises a CardError where the models are not what they should be.

    Raises:
        CardError: it is not valid; the file that stood there stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=".tmp", dir=path.parent)
    beside = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        check(_read_back(beside, path))
        beside.chmod(path.stat().st_mode if path.exists() else 0o644)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _read_back(beside: Path, path: Path) -> list[Entry]:
    try:
        return read_card(beside)
    except (CardError, StrictYamlError) as error:
        raise CardError(f"it would be wrong afterwards ({str(error).replace(str(beside), path.name)}); change it by hand") from error
