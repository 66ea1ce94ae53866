"""docs/formats.md, generated: every input format, how a user gets such files, and what is made of them; also `meterbook formats`.

`python -m meterbook.pipelines.formats` writes it; a test compares it with the readers.
"""

import difflib
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path

from meterbook.assets.door import MAPPED
from meterbook.assets.ingest import formats
from meterbook.assets.ingest.format import About, Format
from meterbook.assets.sources import Options
from meterbook.assets.workspace import project

PATH = Path(__file__).parents[1] / "docs" / "formats.md"
KINDS: Mapping[str, str] = {
    "request": "Calls: gateway logs and traces",
    "usage": "Usage: tokens by time, model and key",
    "charge": "Bills: what providers and clouds charge",
    "gpu_sample": "GPU samples",
    "job": "Jobs of a cluster",
    "outcome": "Outcomes: units of value",
    "quality": "Ratings, scores and signals of quality",
    "trace": "Traces: whose the calls of an operation are",
}
"""The kinds of records a file can give, in the order of the document."""
OWN = "files-of-your-own"
HEAD = """# Input formats

Generated from the readers by `python -m meterbook.pipelines.formats`; do not edit. `meterbook formats` prints the same.

Drop files into the book's `inbox/`, in folders as you like. A file is recognised by its content, never by its name; gzip, zstd and zip are
unpacked. `meterbook check` says what each file is taken for, without reading it in. A record that is wrong is set aside with file, line,
reason and text (`raw.quarantine`); a file that cannot be read is refused with one line and stays where it is. Prompts
and answers are never kept, whatever a file holds.

Where a file does not say everything of itself, the book does, in `meterbook.yaml`:

```yaml
sources:
  - name: portkey              # `source` of its records, in every table
    path: gateway/portkey/*    # below inbox/
    format: portkey_logs       # not needed where the content says it
    options: {money_unit: usd}
```
"""
_FACTS = ("obtain", "taken", "key", "tokens", "money", "options", "limits")
_NAMES = ("How to get it", "What is taken", "The same record twice", "Tokens", "Money", "Options", "Limits")


def describe() -> str:
    """The whole document."""
    by_kind = {kind: found for kind in KINDS if (found := [one for one in _known() if kind_of(one) == kind]) or kind}
    parts = [HEAD, "\n".join(_contents(by_kind))]
    for kind, found in by_kind.items():
        parts.append(f"## {KINDS[kind]}\n")
        parts += ["\n".join(_chapter(one)) for one in found] or ["No format of its own; map the columns of a file.\n"]
    parts += ["\n".join(_own()), "\n".join(_options())]
    return "\n".join(parts).rstrip() + "\n"


def listed() -> list[tuple[str, str, str]]:
    """Every format in the order of the document: kind, name, and what it is."""
    order = list(KINDS)
    found = sorted(formats().values(), key=lambda one: (order.index(kind_of(one)), one.name.startswith(MAPPED), one.name))
    return [(kind_of(one) or "-", one.name, one.description) for one in found]


def shown(name: str) -> str:
    """One format in full, as plain text.

    Raises:
        ValueError: there is no such format; the message names the nearest.
    """
    known = formats()
    if name not in known:
        close = difflib.get_close_matches(name, known, 1)
        raise ValueError(f"there is no format {name!r}{f'; did you mean {close[0]}?' if close else ': `meterbook formats` lists them'}")
    one = known[name]
    facts = [f"{title}: {text}" for title, text in _facts(one)]
    return "\n".join([f"{one.name}: {one.description}", *facts, f"Gives: {_gives(one)}"])


def kind_of(one: Format) -> str:
    """The kind of record a format gives, as its staging model says."""
    return project().models[f"staging.{one.name}"].header.kind or ""


def _known() -> list[Format]:
    return [one for one in formats().values() if not one.name.startswith(f"{MAPPED}_")]


def _contents(by_kind: Mapping[str, Iterable[Format]]) -> Iterator[str]:
    yield "| records | formats |\n|---|---|"
    for kind, found in by_kind.items():
        links = ", ".join(f"[{one.name}](#{one.name})" for one in found)
        yield f"| [{KINDS[kind]}](#{_anchor(KINDS[kind])}) | {links or f'[a mapping](#{OWN})'} |"
    yield f"| [Files of your own](#{OWN}) | any CSV, JSON lines or Parquet, as any of these kinds |"
    yield ""


def _anchor(heading: str) -> str:
    return re.sub(r"[^a-z0-9_ -]", "", heading.lower()).replace(" ", "-")


def _chapter(one: Format) -> Iterator[str]:
    yield f"### {one.name}\n"
    yield f"{_sentence(one.description)}\n"
    for title, text in _facts(one):
        yield f"- **{title}**: {text}"
    yield f"- **Gives**: {_gives(one, link=True)}"
    yield ""


def _facts(one: Format) -> Iterator[tuple[str, str]]:
    """What is said of a format; what About says of a format that says nothing is left out."""
    usual = {field.name: field.default for field in fields(About)}
    for name, title in zip(_FACTS, _NAMES, strict=True):
        text = getattr(one.about, name)
        if text != usual[name]:
            yield title, _coded(text) if name == "options" else _sentence(text)


def _coded(text: str) -> str:
    """Names of options as code, where they do not stand so already."""
    names = "|".join(Options.model_fields)
    return _ended(re.sub(rf"`[^`]*`|\b(?:{names})\b", lambda found: found[0] if found[0].startswith("`") else f"`{found[0]}`", text))


def _gives(one: Format, *, link: bool = False) -> str:
    table = f"staging.{one.name}"
    what = f"{kind} records" if (kind := kind_of(one)) else "what other formats look up"
    said = [f"{what}, [{table}](tables.md#{table.replace('.', '')})." if link else f"{what}, {table}."]
    if one.delivery:
        said.append("Of several exports of one billing period only the latest counts.")
    if one.cap:
        said.append(f"A file whose rows are a multiple of {one.cap:,} is flagged: its source cuts exports there.")
    return " ".join(said)


def _sentence(text: str) -> str:
    """With a capital, unless it begins with the name of a field."""
    is_word = re.match(r"[a-z]+(?![\w.(/])", text)
    return _ended(f"{text[:1].upper()}{text[1:]}" if is_word else text)


def _ended(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


def _own() -> Iterator[str]:
    mapped = [formats()[f"{MAPPED}_{kind}"] for kind in KINDS if f"{MAPPED}_{kind}" in formats()]
    yield "## Files of your own\n"
    yield "Any CSV, JSON lines or Parquet file, once the book says which of its columns is what: `format: mapped` with a `mapping:`.\n"
    yield "```yaml\nsources:\n  - name: warehouse\n    path: warehouse/*.csv\n    format: mapped\n    mapping:"
    yield "      kind: usage\n      columns: {starts_at: hour, model: model, input_tokens: prompt, output_tokens: completion}"
    yield "      constants: {provider: openai}\n      tokens: inclusive\n```\n"
    for title, text in _facts(mapped[0]):
        if title != "The same record twice":
            yield f"- **{title}**: {text}"
    yield "\n| kind | the same record twice | columns |\n|---|---|---|"
    for one in mapped:
        table = f"staging.{one.name}"
        yield f"| {kind_of(one)} | {_sentence(one.about.key)} | [{table}](tables.md#{table.replace('.', '')}) |"
    yield ""


def _options() -> Iterator[str]:
    yield "## Options\n"
    yield "Under `options:` of a source; a format heeds those it names.\n"
    yield "| option | what it says | heeded by |\n|---|---|---|"
    for name, meaning in meanings().items():
        heeding = [one.name for one in _known() if re.search(rf"\b{name}\b", one.about.options)]
        yield f"| `{name}` | {_sentence(meaning)} | {', '.join(f'[{one}](#{one})' for one in heeding)} |"


def meanings() -> dict[str, str]:
    """What each option says, as its class documents it."""
    listing = inspect.getdoc(Options) or ""
    found = re.findall(r"^    (\w+): (.*(?:\n     +.*)*)", listing.partition("Args:")[2], re.MULTILINE)
    return {name: " ".join(meaning.split()) for name, meaning in found}


if __name__ == "__main__":
    PATH.write_text(describe(), "utf-8")
