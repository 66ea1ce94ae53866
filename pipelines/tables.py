"""docs/tables.md, generated: every table users may query, with columns, types and checks.

`python -m meterbook.pipelines.tables` writes it; a test compares it with the models.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from meterbook.assets.workspace import project
from meterbook.sql.models import Model, read_inputs
from meterbook.sql.schemas import columns_of

PATH = Path(__file__).parents[1] / "docs" / "tables.md"
HEAD = """# Tables

Generated from the models by `python -m meterbook.pipelines.tables`; do not edit.

Ask them with `meterbook query`, or open `lake/<schema>/<table>/` with anything that reads Parquet. Names and columns of `core` and `marts`
are a contract: a change of one is announced in CHANGELOG.md.
"""


def describe() -> str:
    """The whole document."""
    found = project()
    columns = columns_of(found)
    inputs = read_inputs()
    parts = [HEAD]
    for layer in ("core", "marts", "staging"):
        parts.append(f"## {layer}\n")
        parts += [
            "\n".join(_model(model, columns[model.name]))
            for model in sorted(found.models.values(), key=lambda one: one.name)
            if model.layer == layer
        ]
    parts.append("## From the book and the inbox\n")
    parts += ["\n".join(_input(name, shape)) for name, shape in inputs.items()]
    return "\n".join(parts).rstrip() + "\n"


def _model(model: Model, columns: Mapping[str, str]) -> Iterator[str]:
    yield f"### {model.name}\n"
    yield f"{model.description}\n"
    yield f"Grain: {model.header.grain}. Key: {', '.join(model.header.key)}. Reads {', '.join(model.inputs) or 'what the book names'}.\n"
    yield "| column | type |\n|---|---|"
    for column, dtype in columns.items():
        yield f"| {column} | {dtype} |"
    rules = [f"must `{rule}`" for rule in model.header.must] + [f"should `{rule}`" for rule in model.header.should]
    yield f"\nChecks: {'; '.join(rules)}.\n" if rules else ""


def _input(name: str, shape: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    yield f"### {name}\n"
    yield "| column | type | what it is |\n|---|---|---|"
    for column, (dtype, what) in shape.items():
        yield f"| {column} | {dtype} | {what} |"
    yield ""


if __name__ == "__main__":
    PATH.write_text(describe(), "utf-8")
