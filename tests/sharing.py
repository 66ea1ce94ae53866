"""Files that all processes of a session share, made by the one that asks first."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


def shared(tmp_path_factory: pytest.TempPathFactory, name: str) -> Path:
    """A folder that all processes of the session share."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / name
    folder.mkdir(exist_ok=True)
    return folder


def made_once(folder: Path, name: str, make: Callable[[Path], object]) -> Path:
    """A file or folder of a shared folder: made under another name, so that what is there is whole; others wait for it."""
    path, begun = folder / name, folder / f"begun-{name}"
    with FileLock(folder / f"{name}.lock"):
        if not path.exists():
            make(begun)
            begun.rename(path)
    return path
