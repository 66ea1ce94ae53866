"""Files of the GPU collector: whole or hidden, bounded, and worth reading after a crash."""

import errno
import fcntl
import os
from pathlib import Path

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from sampling import START as HOUR
from sampling import unpacked

from meterbook.assets.inbox import Inbox
from meterbook.pipelines import collector_files
from meterbook.pipelines.collector_files import Files

FIRST, SECOND = "nvml-n1-20261001T000000Z.jsonl.zst", "nvml-n1-20261001T010000Z.jsonl.zst"


class Shelf:
    """A folder and what was said about it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.said = folder, list[str]()

    def files(self, host: str = "n1", *, interval: int = 10, max_bytes: int = 2**30) -> Files:
        return Files(self.folder, host, interval, rotate=3600, max_bytes=max_bytes, say=self.said.append)

    @property
    def finished(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir() if not path.name.startswith("."))

    @property
    def hidden(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir() if path.name.startswith("."))


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "inbox")


def line(number: int) -> bytes:
    return b'{"n":%d}\n' % number


def crash(files: Files) -> None:
    """Leave a file as a killed process does: what was handed to the system is there, the lock is not."""
    assert files._part
    files._part.close()


def test_a_file_that_is_whole_holds_every_row(shelf: Shelf) -> None:
    files = shelf.files()
    for n in range(10):
        files.add(HOUR + 10 * n, line(n))
    files.finish()
    assert shelf.finished == [FIRST]
    assert shelf.hidden == []
    assert unpacked(shelf.folder / FIRST) == b"".join(map(line, range(10)))
    assert files.rows == 10


def test_a_file_that_grows_is_hidden_from_an_inbox(shelf: Shelf) -> None:
    files = shelf.files()
    for n in range(3):
        files.add(HOUR + 10 * n, line(n))
    assert (shelf.finished, shelf.hidden) == ([], [f".{FIRST}.part"])
    assert Inbox(shelf.folder.parent, ()).scan() == []
    files.finish()
    assert [item.name for item in Inbox(shelf.folder.parent, ()).scan()] == [FIRST]


def test_a_file_ends_with_its_hour(shelf: Shelf) -> None:
    files = shelf.files()
    for tick in (HOUR + 3590, HOUR + 3600, HOUR + 3610):
        files.add(tick, line(tick))
    assert shelf.finished == ["nvml-n1-20261001T005950Z.jsonl.zst"]
    files.finish()
    assert shelf.finished[1:] == [SECOND]


def test_a_file_ends_with_its_hour_though_no_gpu_is_left(shelf: Shelf) -> None:
    files = shelf.files()
    files.add(HOUR, line(1))
    files.add(HOUR + 3600, b"")
    assert shelf.finished == [FIRST]


def test_without_rows_there_is_no_file(shelf: Shelf) -> None:
    files = shelf.files()
    for n in range(1000):
        files.add(HOUR + 10 * n, b"")
    files.finish()
    assert list(shelf.folder.iterdir()) == []


@pytest.mark.parametrize(("interval", "ticks"), [(1, 30), (10, 3), (30, 1), (3600, 1)])
def test_rows_are_handed_to_the_system_every_thirty_seconds(shelf: Shelf, interval: int, ticks: int) -> None:
    files = shelf.files(interval=interval)
    for n in range(ticks - 1):
        files.add(HOUR + interval * n, line(n))
    assert shelf.hidden == []
    files.add(HOUR + interval * (ticks - 1), line(ticks))
    [part] = shelf.hidden
    assert (shelf.folder / part).stat().st_size


def test_what_a_dead_run_left_is_finished_at_the_next_start(shelf: Shelf) -> None:
    files = shelf.files()
    for n in range(7):
        files.add(HOUR + 10 * n, line(n))
    crash(files)
    shelf.files()
    assert (shelf.finished, shelf.hidden) == ([FIRST], [])
    # The seventh row waited to be handed over.
    assert unpacked(shelf.folder / FIRST) == b"".join(map(line, range(6)))
    assert shelf.said == [f".{FIRST}.part of a run that did not end was finished"]


@pytest.mark.parametrize("cut", [1, 5, 12, 20, 27])
def test_of_a_file_that_was_cut_the_whole_lines_are_kept(shelf: Shelf, cut: int) -> None:
    files = shelf.files(interval=30)
    for n in range(4):
        files.add(HOUR + 30 * n, line(n))
    crash(files)
    part = shelf.folder / f".{FIRST}.part"
    os.truncate(part, part.stat().st_size - cut)
    shelf.files()
    kept = unpacked(shelf.folder / FIRST)
    assert b"".join(map(line, range(4))).startswith(kept)
    assert kept.endswith(b"\n")
    assert kept.count(b"\n") >= 2


def test_a_file_that_was_cut_before_its_first_line_is_removed(shelf: Shelf) -> None:
    files = shelf.files(interval=30)
    files.add(HOUR, line(1))
    crash(files)
    os.truncate(shelf.folder / f".{FIRST}.part", 4)
    shelf.files()
    assert list(shelf.folder.iterdir()) == []


def test_a_run_that_died_after_it_published_publishes_nothing_twice(shelf: Shelf) -> None:
    files = shelf.files(interval=30)
    files.add(HOUR, line(1))
    part = (shelf.folder / f".{FIRST}.part").read_bytes()
    files.finish()
    (shelf.folder / f".{FIRST}.part").write_bytes(part)
    shelf.files()
    assert (shelf.finished, shelf.hidden) == ([FIRST], [])


def test_the_file_of_a_run_that_lives_is_left_alone(shelf: Shelf) -> None:
    live = shelf.files(interval=30)
    live.add(HOUR, line(1))
    other = shelf.files(interval=30)
    other.add(HOUR, line(2))
    assert len(shelf.hidden) == 2
    other.finish()
    live.finish()
    assert shelf.finished == ["nvml-n1-20261001T000000Z-2.jsonl.zst", FIRST]


def test_files_of_another_host_are_left_alone(shelf: Shelf) -> None:
    other = shelf.files("n1-20", interval=30)
    other.add(HOUR, line(1))
    crash(other)
    files = shelf.files()
    assert files._held() == []
    assert shelf.hidden == [".nvml-n1-20-20261001T000000Z.jsonl.zst.part"]


def test_a_host_may_have_any_name(shelf: Shelf) -> None:
    files = shelf.files("../a b/\N{LATIN SMALL LETTER E WITH ACUTE}*", interval=30)
    files.add(HOUR, line(1))
    files.finish()
    assert shelf.finished == ["nvml-.._a_b___-20261001T000000Z.jsonl.zst"]


def noise(number: int) -> bytes:
    return os.urandom(30_000).hex().encode() + b"%d\n" % number


def test_the_oldest_files_make_room_for_the_newest_and_it_is_said(shelf: Shelf) -> None:
    files, bound = shelf.files(interval=3600, max_bytes=2**20), 2**20
    for n in range(60):
        files.add(HOUR + 3600 * n, noise(n))
        assert sum(path.stat().st_size for path in shelf.folder.iterdir()) <= bound
    files.finish()
    assert 20 < len(shelf.finished) < 60
    assert shelf.finished[-1] == "nvml-n1-20261003T110000Z.jsonl.zst", "what is kept is the newest"
    assert shelf.said[0] == f"removed {FIRST}, the oldest, to stay within 1,048,576 bytes (--max-bytes)"


def test_a_file_ends_early_where_it_would_fill_the_bound(shelf: Shelf) -> None:
    files = shelf.files(interval=30, max_bytes=2**20)
    for n in range(60):
        files.add(HOUR + 30 * n, noise(n))
        assert sum(path.stat().st_size for path in shelf.folder.iterdir()) <= 2**20
    files.finish()
    assert len(shelf.finished) > 4


def test_files_that_an_inbox_took_away_free_their_room(shelf: Shelf) -> None:
    files = shelf.files(interval=30, max_bytes=2**20)
    for tick in (HOUR, HOUR + 3600):
        files.add(tick, line(tick))
    files._finished += 2**20  # of files that were there when this one was begun
    files.add(HOUR + 3630, line(3))
    assert (shelf.finished, shelf.said) == ([FIRST], [])


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """While its item is true, a write puts down three bytes and then fails."""
    full, write = [False], os.write
    half: list[int] = []

    def failing(file: int, data: bytes) -> int:
        if not full[0]:
            return write(file, data)
        if not half:
            half.append(1)
            return write(file, bytes(data[:3]))
        half.clear()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(collector_files.os, "write", failing)
    return full


def test_a_full_disk_costs_samples_and_nothing_else(shelf: Shelf, full_disk: list[bool]) -> None:
    files = shelf.files(interval=30)
    for n in range(6):
        full_disk[0] = n in {2, 3}
        files.add(HOUR + 30 * n, line(n))
    files.finish()
    assert unpacked(shelf.folder / FIRST) == b"".join(map(line, (0, 1, 4, 5)))
    assert shelf.said == [
        f"{shelf.folder} cannot be written (No space left on device); samples are dropped until it can",
        f"{shelf.folder} is written again; 2 rows were dropped",
    ]
    assert files.rows == 4


def test_a_file_that_cannot_be_finished_is_finished_later(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    files = shelf.files(interval=30)
    files.add(HOUR, line(1))
    with monkeypatch.context() as patched:
        patched.setattr(collector_files, "_repack", lambda *_: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left on device")))
        files.add(HOUR + 3600, b"")
        assert shelf.finished == []
    files.add(HOUR + 3630, line(2))
    files.finish()
    assert shelf.finished == [FIRST, SECOND]
    assert unpacked(shelf.folder / FIRST) == line(1)


def test_a_folder_that_vanishes_costs_samples_and_nothing_else(shelf: Shelf) -> None:
    files = shelf.files(interval=30)
    shelf.folder.rmdir()
    files.add(HOUR, line(1))
    shelf.folder.mkdir()
    files.add(HOUR + 30, line(2))
    files.finish()
    assert unpacked(shelf.folder / FIRST) == line(2)


def test_the_lock_of_a_file_ends_with_it(shelf: Shelf) -> None:
    files = shelf.files(interval=30)
    files.add(HOUR, line(1))
    with (shelf.folder / f".{FIRST}.part").open("rb") as part, pytest.raises(BlockingIOError):
        fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
    files.finish()


@examples(25)
@given(cut=st.integers(0, 4000), counts=st.lists(st.integers(1, 40), min_size=1, max_size=12))
def test_wherever_a_crash_cuts_what_is_kept_is_a_beginning_in_whole_lines(
    tmp_path_factory: pytest.TempPathFactory, cut: int, counts: list[int]
) -> None:
    shelf = Shelf(tmp_path_factory.mktemp("cut"))
    files, given = shelf.files(interval=30), b""
    for n, count in enumerate(counts):
        lines = b"".join(line(n * 1000 + k) for k in range(count))
        files.add(HOUR + 30 * n, lines)
        given += lines
    crash(files)
    part = shelf.folder / f".{FIRST}.part"
    os.truncate(part, min(cut, part.stat().st_size))
    shelf.files()
    kept = unpacked(shelf.folder / FIRST) if shelf.finished else b""
    assert given.startswith(kept)
    assert not kept or kept.endswith(b"\n")
    assert shelf.hidden == []
