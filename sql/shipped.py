"""The models that ship and the columns of every table, as one: what a process found, the next one takes, as long as no source has changed.

To read two hundred headers and to load the reader of every format takes a second, which each command would wait for.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from meterbook.sql.models import LAYERS, ROOT, Columns, Header, Model, Project, read_project
from meterbook.sql.remembered import remembered
from meterbook.sql.schemas import shipped_columns


def shipped(readers: Path, raw: Callable[[], Mapping[str, Columns]]) -> tuple[Project, Mapping[str, Columns]]:
    """The models, and the columns of every table.

    Args:
        readers: folder of the code that the columns of raw tables follow from.
        raw: these columns, by format name; asked only where no process has asked before.

    Raises:
        ModelError: a broken model, an unknown table or a circle.
    """
    texts = [*ROOT.glob("*.yaml"), *(path for layer in LAYERS for path in (ROOT / layer).glob("*.sql"))]
    sources = [_digest(ROOT, texts), _digest(readers, readers.rglob("*.py"))]
    return _heard(remembered("project", sources, lambda: _said(read_project(raw()))))


def _digest(root: Path, paths: Iterable[Path]) -> str:
    """Changes with any of some files, and with their names."""
    found = hashlib.sha256()
    for path in sorted(paths):
        content = path.read_bytes()
        found.update(f"{path.relative_to(root)}\n{len(content)}\n".encode())
        found.update(content)
    return found.hexdigest()


def _said(project: Project) -> dict[str, Any]:
    """A project with its columns as a JSON value."""
    models = [
        (one.name, one.description, one.header.model_dump(mode="json"), one.sql, one.inputs, sorted(map(sorted, one.ways)))
        for one in project.models.values()
    ]
    shapes = {"kinds": project.kinds, "inputs": project.inputs, "columns": shipped_columns(project)}
    return {"models": models, **{name: {table: dict(columns) for table, columns in of.items()} for name, of in shapes.items()}}


def _heard(said: dict[str, Any]) -> tuple[Project, Mapping[str, Columns]]:
    models = {
        name: Model(name, description, Header.model_validate(header), sql, tuple(inputs), frozenset(map(frozenset, ways)))
        for name, description, header, sql, inputs, ways in said["models"]
    }
    return Project(models, said["kinds"], said["inputs"]), said["columns"]
