"""GPU processes of `nvidia-smi pmon`."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).resolve().parents[3] / "../shared/formats/examples/nvidia_smi_pmon"
NAME = "nvidia_smi_pmon"
STATES = ("used_gpus", "warm_idle_gpus", "unknown_gpus")
USED, WARM, FREE, UNKNOWN = (1, 0, 0), (0, 1, 0), (0, 0, 0), (0, 0, 1)
HEAD = "#Date Time gpu pid type sm mem fb command\n#YYYYMMDD HH:MM:SS Idx # C/G % % MB name\n"
ROW = " 20261005 08:00:00 0 71 C 5 1 10 python -m train\n"
HERON = "the heron waits beneath the third bridge"


def source(**options: Any) -> list[dict[str, Any]]:
    return [{"name": "n7", "path": "*", "format": NAME, "options": options}]


def states(desk: Any) -> list[tuple[int, ...]]:
    return list(desk.staged(NAME).select(STATES).rows())


def test_the_processes_of_a_gpu_are_one_sample_of_it(desk: Any, sample: Callable[[str], str]) -> None:
    done = desk.take({"a.txt": sample("sample.txt")}, source(host="node1", time_zone="UTC"))
    assert (done.rows_in, done.rows_typed) == (6, 6)
    staged = desk.staged(NAME)
    assert [device[-1] for device in staged["device_id"]] == ["0", "0", "1", "2", "2", "3"]
    # GPU 0 at first: two processes, 60 and 55 %, are 100 %; GPU 2 later: a window on a screen, which holds nothing.
    assert staged.select(STATES).rows() == [USED, WARM, WARM, FREE, FREE, UNKNOWN]
    assert staged["utilization_percent"].to_list() == [100, 0, 0, 0, 0, None]
    assert staged["memory_used_bytes"].to_list()[:2] == [40000 * 2**20, 30000 * 2**20]
    assert staged.select("host", "interval_seconds", "sampled_at").row(0) == ("node1", 10, datetime(2026, 10, 5, 8, 0, 1))


def test_no_process_anywhere_is_unknown_and_not_idle(desk: Any) -> None:
    row = " 20261005 08:00:00 0 - - - - - -\n"
    done = desk.take({"a.txt": HEAD + row})
    assert states(desk) == [UNKNOWN]
    assert any("shows no process on any GPU" in flag for _, flag in done.flagged)
    desk.take({"a.txt": HEAD + row + ROW.replace(" 0 ", " 1 ")})
    assert states(desk) == [FREE, USED]


def test_work_that_one_process_shows_is_work_whatever_another_does_not_show(desk: Any) -> None:
    desk.take({"a.txt": HEAD + ROW + ROW.replace("71 C 5", "72 C -")})
    assert states(desk) == [USED]
    desk.take({"a.txt": HEAD + ROW.replace("C 5", "C 0") + ROW.replace("71 C 5", "72 C -")})
    assert states(desk) == [UNKNOWN]


def test_what_a_process_that_is_set_aside_did_is_unknown(desk: Any) -> None:
    done = desk.take({"a.txt": HEAD + ROW.replace("C 5", "C 0") + ROW.replace("71 C 5", "72 C much")})
    assert (done.rows_in, done.rows_typed, desk.reasons()) == (2, 1, ["sm 'much' is not 0 to 100"])
    assert states(desk) == [UNKNOWN]


def test_a_command_may_hold_blanks_and_is_never_kept(desk: Any, sample: Callable[[str], str], tmp_path: Path) -> None:
    broken = HEAD + ROW.replace("5 1", "500 1").replace("train", HERON) + f" 20261005 08:00 1 x C 1 {HERON}\n"
    done = desk.take({"a.txt": sample("sample.txt"), "b.txt": broken})
    assert done.quarantined == 2
    assert done.rows_typed == 6
    kept = [path.read_bytes() for path in (tmp_path / "lake").rglob("*") if path.is_file()]
    assert kept
    assert not [one for one in kept if b"heron" in one]
    assert not any("heron" in text for text in desk.inbox.quarantine()["raw_text"])


def test_commas_of_csv_are_no_part_of_values(desk: Any) -> None:
    text = "#Date, Time, gpu, pid, type, sm, mem, command\n20261005, 08:00:00, 0, 71, C, 5, 1, python, -m, x\n"
    assert desk.take({"a.csv": text}).rows_typed == 1
    assert states(desk) == [USED]


def test_older_tables_have_fewer_columns(desk: Any) -> None:
    text = "# gpu pid type sm mem enc dec command\n# Idx # C/G % % % % name\n 0 71 C 0 0 0 0 python\n"
    desk.take({"a.txt": text}, source(starts_at="2026-10-05T08:00:00Z", interval_seconds=10))
    assert states(desk) == [WARM]


def test_without_times_a_tick_ends_where_a_number_falls_or_a_process_comes_again(desk: Any) -> None:
    rows = ("0 71 C 5 1 a", "0 72 C 5 1 b", "1 73 C 5 1 c", "0 71 C 0 1 a", "0 71 C 5 1 a", "1 73 C 5 1 c")
    text = "# gpu pid type sm mem command\n" + "".join(f" {row}\n" for row in rows)
    desk.take({"a.txt": text}, source(starts_at="2026-10-05T08:00:00Z", interval_seconds=10))
    found = [(device[-1], at.second) for device, at in desk.staged(NAME).select("device_id", "sampled_at").rows()]
    assert found == [("0", 0), ("0", 10), ("0", 20), ("1", 0), ("1", 20)]
    assert states(desk) == [USED, WARM, USED, USED, USED]


def test_a_file_that_comes_again_with_more_rows_counts_each_once(desk: Any) -> None:
    later = ROW.replace("08:00:00", "08:00:10")
    desk.take({"a.txt": HEAD + ROW, "b.txt": HEAD + ROW + later}, source())
    assert desk.staged(NAME).select("utilization_percent", "copies").rows() == [(5, 2), (5, 1)]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (("C 5", "C 101"), "sm '101' is not 0 to 100"),
        (("C 5", "C -1"), "sm '-1' is not 0 to 100"),
        ((" 71 ", " x "), "pid 'x' is not the number of a process"),
        ((" 0 ", " x "), "gpu 'x' is not the number of a GPU"),
        ((" 10 ", " 10kg "), "fb '10kg' is not an amount of memory"),
        (("20261005", "21001005"), "day 2100-10-05 is outside 2015 to 2099"),
        ((" 5 1 10 python -m train", ""), "the row has another number of columns than the header"),
    ],
)
def test_a_wrong_row_is_set_aside(desk: Any, given: tuple[str, str], reason: str) -> None:
    done = desk.take({"a.txt": HEAD + ROW.replace(" 0 ", " 1 ") + ROW.replace(*given)}, source())
    assert (done.rows_typed, desk.reasons()) == (1, [reason])


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the recorded examples lie beside the repository only")
def test_the_examples_are_read(desk: Any) -> None:
    text = (EXAMPLES / "pmon.txt").read_text("utf-8")
    done = desk.take({"a.txt": text}, source(starts_at="2026-10-05T12:00:00Z", interval_seconds=10))
    assert (done.rows_in, done.rows_typed) == (2, 2)
    assert states(desk) == [USED, FREE]
