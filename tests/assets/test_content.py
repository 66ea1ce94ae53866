"""Packed files: unpacked whatever their names, and bounded."""

import gzip
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import zstandard

from meterbook.assets import content
from meterbook.assets.content import PACKED, Content, FileRefused, members
from meterbook.assets.inbox import Inbox, Ingested

OUTCOMES = "occurred_at,unit\n2026-10-01,ticket\n"


def zipped(files: Mapping[str, str | bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return packed.getvalue()


def take(book: Path, files: Mapping[str, bytes]) -> tuple[Inbox, Ingested]:
    for name, text in files.items():
        (book / "inbox").mkdir(exist_ok=True)
        (book / "inbox" / name).write_bytes(text)
    inbox = Inbox(book, ())
    return inbox, inbox.ingest()


def test_each_file_of_a_zip_is_a_file_of_the_inbox(tmp_path: Path) -> None:
    more = {"b/part-2.csv": OUTCOMES + "2026-10-02,ticket\n", "__MACOSX/part-2.csv": "x", ".DS_Store": "x"}
    inbox, done = take(tmp_path, {"all.zip": zipped({"part-1.csv": OUTCOMES, **more})})
    assert (done.new_files, done.rows_in, done.refused) == (2, 3, [])
    assert inbox.input_files()["file"].to_list() == ["all.zip/b/part-2.csv", "all.zip/part-1.csv"]
    assert take(tmp_path, {})[1].known_files == 2


def test_a_zip_changed_in_place_replaces_what_it_held(tmp_path: Path) -> None:
    take(tmp_path, {"all.zip": zipped({"a.csv": OUTCOMES})})
    inbox, done = take(tmp_path, {"all.zip": zipped({"a.csv": OUTCOMES + "2026-10-02,ticket\n"})})
    assert (done.new_files, done.rows_in, inbox.input_files().height) == (1, 2, 1)


def test_a_name_inside_a_zip_that_looks_like_a_path_writes_nowhere_else(tmp_path: Path) -> None:
    _, done = take(tmp_path, {"all.zip": zipped({"../../../escape.csv": OUTCOMES, "/etc/escape.csv": OUTCOMES})})
    assert done.new_files + len(done.refused) + done.copies == 2
    assert not list(tmp_path.parent.rglob("*escape*"))


@pytest.mark.parametrize(
    ("packed", "why"),
    [
        (zipped({"a.csv": OUTCOMES})[:-30], "is a zip file that is cut short or damaged"),
        (zipped({}), "is not text"),
        (zipped({"a.zip": zipped({"a.csv": OUTCOMES})}), "is not text"),
        (zipped({"a.csv": OUTCOMES}).replace(b"a.csv", b"b.csv", 1), "is a zip file that is cut short or damaged"),
    ],
    ids=["cut", "empty", "zip in a zip", "names that differ"],
)
def test_a_zip_that_cannot_be_read_is_refused_in_one_line(tmp_path: Path, packed: bytes, why: str) -> None:
    _, done = take(tmp_path, {"all.zip": packed})
    [(_, reason)] = done.refused
    assert reason.startswith(why)


def test_a_zip_of_too_many_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "MEMBERS", 2)
    (tmp_path / "a.zip").write_bytes(zipped({f"{n}.csv": OUTCOMES for n in range(3)}))
    with pytest.raises(FileRefused, match="is a zip file of 3 files; at most 2 are read"):
        members(tmp_path / "a.zip")


@pytest.mark.parametrize(
    "pack",
    [lambda text: gzip.compress(text, 9), zstandard.ZstdCompressor(19).compress, lambda text: zipped({"a.jsonl": text})],
    ids=["gzip", "zstd", "zip"],
)
def test_what_unpacks_without_end_is_refused_before_it_fills_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pack: Any) -> None:
    monkeypatch.setattr(content, "SLACK", 2**20)
    _, done = take(tmp_path, {"bomb": pack(OUTCOMES.encode() + b"\n" * 2**26)})
    assert [reason for _, reason in done.refused] == ["unpacks to more than 200 times its size; if it is sound, unpack it yourself"]


def test_a_zstd_frame_may_end_where_a_piece_of_the_file_does(tmp_path: Path) -> None:
    # A skippable frame (RFC 8878, 3.1.2) fills the first piece; the data begins with the second.
    packed = zstandard.ZstdCompressor().compress(b"a" * 40)
    begin = packed + b"\x50\x2a\x4d\x18" + (PACKED - len(packed) - 8).to_bytes(4, "little") + bytes(PACKED - len(packed) - 8)
    assert len(begin) == PACKED
    (tmp_path / "a").write_bytes(begin + packed)
    assert b"".join(Content(tmp_path / "a").chunks()) == b"a" * 80


def test_zstd_frames_of_many_small_blocks_are_read_whole(tmp_path: Path) -> None:
    text = b"".join(b'{"n": %d}\n' % n for n in range(200_000))
    (tmp_path / "a").write_bytes(zstandard.ZstdCompressor().compress(text))
    assert b"".join(Content(tmp_path / "a").chunks()) == text
