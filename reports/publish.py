"""A set of files that changes as one: a reader, a failure or a crash sees the old set or the new one, never a part of each."""

import shutil
from collections.abc import Mapping
from contextlib import suppress
from json import JSONDecodeError, loads
from pathlib import Path

MANIFEST = "manifest.json"
BESIDE, ASIDE = ".part", ".before"


def publish_set(folder: Path, contents: Mapping[str, bytes]) -> list[Path]:
    """Make a folder hold these files and no others of its set.

    The new set is written whole beside the old one, and the two folders change places. Files of the set before that are no longer made go
    with it; files that no manifest names are somebody's own and stay. A set that did not change is not written, and of one that did,
    files that did not change keep their time.

    Args:
        folder: where the set lies.
        contents: bytes by path below it, the manifest among them.

    Returns:
        Their paths, in the order given.
    """
    beside, aside = (folder.with_name(f".{folder.name}{suffix}") for suffix in (BESIDE, ASIDE))
    _restore(folder, aside)
    if not _holds(folder, contents):
        shutil.rmtree(beside, ignore_errors=True)
        try:
            for name, content in contents.items():
                _write(beside / name, content, folder / name)
            for name in _strangers(folder, contents):
                (beside / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(folder / name, beside / name)
            _exchange(folder, beside, aside)
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)
            raise
    return [folder / name for name in contents]


def _restore(folder: Path, aside: Path) -> None:
    """A crash between the two renames left the old set aside; the one that came second is whole."""
    if aside.is_dir():
        if folder.is_dir():
            shutil.rmtree(aside)
        else:
            aside.rename(folder)


def _exchange(folder: Path, beside: Path, aside: Path) -> None:
    if not folder.is_dir():
        beside.rename(folder)
        return
    folder.rename(aside)
    try:
        beside.rename(folder)
    except BaseException:
        aside.rename(folder)
        raise
    shutil.rmtree(aside)


def _write(path: Path, content: bytes, before: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if before.is_file() and before.read_bytes() == content:
        shutil.copy2(before, path)
    else:
        path.write_bytes(content)


def _holds(folder: Path, contents: Mapping[str, bytes]) -> bool:
    if _named(folder) - contents.keys():
        return False
    return all((folder / name).is_file() and (folder / name).read_bytes() == content for name, content in contents.items())


def _named(folder: Path) -> set[str]:
    """Files of the set that lies there, those of them that are there still."""
    with suppress(OSError, JSONDecodeError, KeyError, TypeError, UnicodeDecodeError):
        named = {str(file["file"]) for file in loads((folder / MANIFEST).read_text("utf-8"))["files"]}
        return {name for name in named if (folder / name).is_file()}
    return set()


def _strangers(folder: Path, contents: Mapping[str, bytes]) -> list[str]:
    if not folder.is_dir():
        return []
    ours = {*contents, *_named(folder), MANIFEST}
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in found if name not in ours)
