"""The chain of audit.jsonl: what breaks it, and that it says where."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from meterbook.assets.audit import AuditError, append_audit, read_audit


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "audit.jsonl"
    for number in range(3):
        append_audit(path, "rerate", f"reason {number}", {"from": "2026-10-01", "who": "ü"})
    return path


def test_records_are_read_in_the_order_in_which_they_were_written(path: Path) -> None:
    found = list(read_audit(path))
    assert [record.why for record in found] == ["reason 0", "reason 1", "reason 2"]
    assert found[0].details == {"from": "2026-10-01", "who": "ü"}
    assert len({record.digest for record in found}) == 3


def test_no_file_is_no_record(tmp_path: Path) -> None:
    assert list(read_audit(tmp_path / "audit.jsonl")) == []


@pytest.mark.parametrize(
    ("harm", "line", "said"),
    [
        (lambda lines: [lines[0], lines[1].replace("reason 1", "reason 7"), lines[2]], 2, "was changed after it was written"),
        (lambda lines: [lines[0], lines[2]], 2, "does not follow the line before it"),
        (lambda lines: [lines[1], lines[0], lines[2]], 1, "does not follow the line before it"),
        (lambda lines: [lines[0], lines[0], *lines[1:]], 2, "does not follow the line before it"),
        (lambda lines: [*lines[:2], "nonsense"], 3, "is no JSON"),
        (lambda lines: [*lines[:2], json.dumps({"at": 1})], 3, "has not the fields"),
        (lambda lines: [*lines[:2], lines[2].replace('"who":"', '"whose":"x","who":"')], 3, "has not the fields"),
    ],
)
def test_a_line_that_was_changed_dropped_moved_or_put_in_is_named(
    path: Path, harm: Callable[[list[str]], list[str]], line: int, said: str
) -> None:
    path.write_text("".join(f"{one}\n" for one in harm(path.read_text("utf-8").splitlines())), "utf-8")
    with pytest.raises(AuditError, match=rf"audit.jsonl:{line}: {said}"):
        list(read_audit(path))


def test_a_record_with_a_digest_of_its_own_making_breaks_the_line_after_it(path: Path, tmp_path: Path) -> None:
    forged = tmp_path / "forged.jsonl"
    append_audit(forged, "rerate", "another reason", {})
    lines = path.read_text("utf-8").splitlines()
    path.write_text("\n".join([forged.read_text("utf-8").strip(), *lines[1:]]) + "\n", "utf-8")
    with pytest.raises(AuditError, match=r"audit.jsonl:2: does not follow"):
        list(read_audit(path))


def test_nothing_is_added_to_a_chain_that_is_broken_or_ends_in_the_middle_of_a_line(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    with pytest.raises(AuditError, match=r"audit.jsonl:3: ends in the middle of a line; restore"):
        append_audit(path, "rerate", "why", {})
    assert path.read_bytes() == whole[:-5]
    path.write_bytes(whole.replace(b"reason 0", b"reason 9"))
    with pytest.raises(AuditError, match=r"audit.jsonl:1"):
        append_audit(path, "rerate", "why", {})
