"""A set of files changes as one: whatever fails, and wherever, the set before it stays whole."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from meterbook.reports.publish import MANIFEST, publish_set


def _set(**texts: str) -> dict[str, bytes]:
    files = {name.replace("__", "/") + ".csv": text.encode() for name, text in texts.items()}
    return {**files, MANIFEST: json.dumps({"files": [{"file": name} for name in files]}).encode()}


def _lies(folder: Path) -> Mapping[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


OLD, NEW = _set(a="1", teams__x="2"), _set(a="3", teams__y="4")


@pytest.mark.parametrize("failing", ["write", "write the manifest", "move the old", "move the new"])
def test_a_failure_leaves_the_set_before_it_whole(failing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "2026-10"
    publish_set(folder, OLD)
    rename, write = Path.rename, Path.write_bytes

    def broken_rename(path: Path, target: Path) -> Path:
        if (failing, path.name) in {("move the old", "2026-10"), ("move the new", ".2026-10.part")}:
            raise OSError("no space left")
        return rename(path, target)

    def broken_write(path: Path, content: bytes) -> int:
        if failing == "write" or (failing == "write the manifest" and path.name == MANIFEST):
            raise OSError("no space left")
        return write(path, content)

    monkeypatch.setattr(Path, "rename", broken_rename)
    monkeypatch.setattr(Path, "write_bytes", broken_write)
    with pytest.raises(OSError, match="no space left"):
        publish_set(folder, NEW)
    assert _lies(tmp_path) == {f"2026-10/{name}": content for name, content in OLD.items()}
    monkeypatch.undo()
    publish_set(folder, NEW)
    assert _lies(tmp_path) == {f"2026-10/{name}": content for name, content in NEW.items()}


def test_a_crash_between_the_two_renames_is_made_good_by_the_next_run(tmp_path: Path) -> None:
    folder = tmp_path / "2026-10"
    publish_set(folder, OLD)
    folder.rename(tmp_path / ".2026-10.before")
    publish_set(folder, OLD)
    assert _lies(tmp_path) == {f"2026-10/{name}": content for name, content in OLD.items()}


def test_a_crash_after_both_renames_leaves_the_new_set_and_the_next_run_clears_the_old(tmp_path: Path) -> None:
    folder = tmp_path / "2026-10"
    publish_set(folder, OLD)
    shutil.copytree(folder, tmp_path / ".2026-10.before")
    publish_set(folder, NEW)
    assert [path.name for path in tmp_path.iterdir()] == ["2026-10"]
    assert _lies(folder) == NEW


def test_files_of_the_old_set_go_with_it_and_files_of_somebody_s_own_stay(tmp_path: Path) -> None:
    publish_set(tmp_path / "m", OLD)
    (tmp_path / "m" / "teams" / "signed.pdf").write_bytes(b"yes")
    publish_set(tmp_path / "m", NEW)
    assert _lies(tmp_path / "m") == {**NEW, "teams/signed.pdf": b"yes"}


@pytest.mark.parametrize("manifest", [b"", b"{}", b"[1]", b"\xff", b'{"files": [1]}'])
def test_a_manifest_that_cannot_be_read_names_no_file_to_remove(manifest: bytes, tmp_path: Path) -> None:
    publish_set(tmp_path / "m", OLD)
    (tmp_path / "m" / MANIFEST).write_bytes(manifest)
    publish_set(tmp_path / "m", NEW)
    assert _lies(tmp_path / "m") == {**OLD, **NEW}


def test_a_file_that_somebody_removed_is_made_again(tmp_path: Path) -> None:
    publish_set(tmp_path / "m", OLD)
    (tmp_path / "m" / "a.csv").unlink()
    publish_set(tmp_path / "m", OLD)
    assert _lies(tmp_path / "m") == OLD
