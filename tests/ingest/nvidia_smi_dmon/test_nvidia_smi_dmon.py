"""GPU samples of `nvidia-smi dmon`."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).resolve().parents[3] / "../shared/formats/examples/nvidia_smi_dmon"
NAME = "nvidia_smi_dmon"
STATES = ("used_gpus", "warm_idle_gpus", "unknown_gpus")
USED, WARM, FREE, UNKNOWN = (1, 0, 0), (0, 1, 0), (0, 0, 0), (0, 0, 1)
HEAD = "#Date Time gpu pwr sm mem fb\n#YYYYMMDD HH:MM:SS Idx W % % MB\n"
ROW = " 20261005 08:00:00 0 400 5 1 10\n"


def source(**options: Any) -> list[dict[str, Any]]:
    return [{"name": "n7", "path": "*", "format": NAME, "options": options}]


def times(desk: Any) -> list[datetime]:
    return sorted(desk.staged(NAME)["sampled_at"])


def test_a_dash_is_unknown_and_a_zero_is_idle(desk: Any, sample: Callable[[str], str]) -> None:
    assert desk.take({"a.txt": sample("sample.txt")}, source(host="node1", time_zone="UTC")).rows_typed == 5
    staged = desk.staged(NAME)
    assert [device[-1] for device in staged["device_id"]] == ["0", "0", "1", "2", "3"]
    assert staged.select(STATES).rows() == [USED, USED, WARM, FREE, UNKNOWN]
    assert staged["utilization_percent"].to_list() == [91, 88, 0, 0, None]
    assert staged.select("device_id", "host", "gpus", "interval_seconds").row(0) == ("node1/gpu-0", "node1", 1, 30)


def test_mb_of_nvidia_are_mib(desk: Any, sample: Callable[[str], str]) -> None:
    desk.take({"a.txt": sample("sample.txt")})
    assert desk.staged(NAME)["memory_used_bytes"].to_list()[0] == 61440 * 2**20


def test_a_header_that_comes_again_may_have_other_columns(desk: Any) -> None:
    # A driver update in the middle of a file: jpg and ofa appear, fb moves.
    newer = "#Date Time gpu pwr fb sm mem jpg ofa\n#YYYYMMDD HH:MM:SS Idx W MB % % % %\n"
    done = desk.take({"a.txt": HEAD + ROW + newer + " 20261005 08:01:00 0 70 3000 0 0 - -\n"})
    assert (done.rows_in, done.rows_typed) == (2, 2)
    assert desk.staged(NAME).select(STATES).rows() == [USED, WARM]


def test_without_memory_an_unused_gpu_is_free(desk: Any) -> None:
    desk.take({"a.txt": "# gpu sm\n# Idx %\n 0 0\n"}, source(starts_at="2026-10-05T08:00:00Z", interval_seconds=60))
    assert desk.staged(NAME).select(*STATES, "memory_used_bytes").row(0) == (0, 0, 0, None)


def test_a_table_asked_for_as_csv_is_the_same_table(desk: Any) -> None:
    rows = "20261005, 08:00:00, 0, 400, 5, 1, 2048\n20261005, 08:00:00, 1, -, -, -, -\n"
    desk.take({"a.csv": "#Date, Time, gpu, pwr, sm, mem, fb\n#YYYYMMDD, HH:MM:SS, Idx, W, %, %, MB\n" + rows})
    staged = desk.staged(NAME)
    assert staged.select(STATES).rows() == [USED, UNKNOWN]
    assert staged["memory_used_bytes"].to_list() == [2**31, None]
    desk.take({"a.csv": "#Date,Time,gpu,pwr,sm,mem,fb\n" + rows.replace(" ", "")})
    assert desk.staged(NAME)["memory_used_bytes"].to_list() == [2**31, None]


def test_a_table_without_a_header_needs_its_columns(desk: Any) -> None:
    [(_, why)] = desk.take({"a.txt": ROW}, source()).refused
    assert why == "has no header, a line that begins with #: give its `columns` in order in the options of its source"
    columns = ["Date", "Time", "gpu", "pwr", "sm", "mem", "fb"]
    desk.take({"a.txt": ROW}, source(columns=columns))
    assert desk.staged(NAME).select(STATES).rows() == [USED]
    desk.take({"a.txt": ROW.strip().replace(" ", ",")}, source(columns=columns, delimiter=","))
    assert desk.staged(NAME).select("utilization_percent", "memory_used_bytes").rows() == [(5, 10 * 2**20)]


def test_times_without_a_zone_are_said_to_be_taken_as_utc(desk: Any) -> None:
    flags = [flag for _, flag in desk.take({"a.txt": HEAD + ROW}).flagged]
    assert "UTC was assumed" in flags[0]
    assert "names no host" in flags[1]
    assert "one sample of a GPU only" in flags[2]


def test_a_time_without_a_date_begins_at_the_start_and_passes_midnight(desk: Any) -> None:
    text = "#Time gpu sm\n#HH:MM:SS Idx %\n 23:59:00 0 5\n 23:59:00 1 5\n 00:01:00 0 5\n 00:01:00 1 5\n"
    [(_, why)] = desk.take({"a.txt": text}, source()).refused
    assert why == "has times without dates: give `starts_at` in the options of its source"
    desk.take({"a.txt": text}, source(time_zone="Europe/Berlin", starts_at="2026-10-05T23:58:30+02:00"))
    before, after = datetime(2026, 10, 5, 21, 59), datetime(2026, 10, 5, 22, 1)
    assert times(desk) == [before, before, after, after]
    assert set(desk.staged(NAME)["interval_seconds"]) == {120}


@pytest.mark.parametrize("dated", [True, False])
def test_the_hour_that_clocks_repeat_is_told_apart_by_order(desk: Any, dated: bool) -> None:
    head = "#Date Time gpu sm\n" if dated else "#Time gpu sm\n"
    date = "20261025 " if dated else ""
    text = head + "".join(f" {date}{time}:00 0 5\n" for time in ("01:45", "02:15", "02:45", "02:15", "02:45", "03:15"))
    done = desk.take({"a.txt": text}, source(time_zone="Europe/Berlin", starts_at="2026-10-24T23:00:00Z"))
    assert [(at.hour, at.minute) for at in times(desk)] == [(23, 45), (0, 15), (0, 45), (1, 15), (1, 45), (2, 15)]
    assert any("twice" in flag for _, flag in done.flagged)


@pytest.mark.parametrize(("head", "date"), [("# gpu sm\n# Idx %\n", ""), ("#Date gpu sm\n#YYYYMMDD Idx %\n", "20261005 ")])
def test_ticks_without_times_are_counted_from_the_start(desk: Any, head: str, date: str) -> None:
    text = head + "".join(f" {date}{row}\n" for row in ("0 5", "1 5", "0 5", "1 5", "0 bad", "0 7"))
    [(_, why)] = desk.take({"a.txt": text}, source(starts_at="2026-10-05T08:00:00Z")).refused
    assert why == "has samples without times: give `starts_at` and `interval_seconds` in the options of its source"
    desk.take({"a.txt": text}, source(starts_at="2026-10-05T08:00:00Z", interval_seconds=30))
    # The row that is set aside was a tick all the same.
    assert [at.minute * 60 + at.second for at in times(desk)] == [0, 0, 30, 30, 90]


def test_a_sample_given_twice_counts_once_and_the_busier_one_counts(desk: Any) -> None:
    desk.take({"a.txt": HEAD + ROW + ROW.replace(" 5 ", " - "), "b.txt": HEAD + ROW.replace(" 5 ", " 9 ")}, source())
    assert desk.staged(NAME).select("utilization_percent", "copies").rows() == [(9, 3)]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ((" 5 ", " 101 "), "sm '101' is not 0 to 100"),
        ((" 5 ", " -5 "), "sm '-5' is not 0 to 100"),
        ((" 5 ", " 5.5 "), "sm '5.5' is not 0 to 100"),
        ((" 10\n", " many\n"), "fb 'many' is not an amount of memory"),
        ((" 0 ", " x "), "gpu 'x' is not the number of a GPU"),
        ((" 0 ", " - "), "names no gpu"),
        ((" 10\n", "\n"), "the row has another number of columns than the header"),
        (("20261005", "2026-10-05"), "date '2026-10-05' is not YYYYMMDD"),
        (("08:00:00", "08:00"), "time '08:00' is not HH:MM:SS"),
        (("08:00:00", "24:00:00"), "time '24:00:00' is not HH:MM:SS"),
        (("20261005", "20260230"), "day is out of range for month"),
        (("20261005", "19991231"), "day 1999-12-31 is outside 2015 to 2099"),
        (("20261005 08:00:00", "20260329 02:30:00"), "2026-03-29 02:30:00 did not exist in Europe/Berlin: clocks were put forward"),
    ],
)
def test_a_wrong_row_is_set_aside(desk: Any, given: tuple[str, str], reason: str) -> None:
    done = desk.take({"a.txt": HEAD + ROW.replace(" 0 ", " 1 ", 1) + ROW.replace(*given)}, source(time_zone="Europe/Berlin"))
    assert (done.rows_in, done.rows_typed, desk.reasons()) == (2, 1, [reason])


def test_a_table_without_utilisation_is_refused(desk: Any) -> None:
    [(_, why)] = desk.take({"a.txt": "# gpu pwr\n# Idx W\n 0 60\n"}).refused
    assert why == "has no column sm"


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the recorded examples lie beside the repository only")
def test_the_examples_are_read(desk: Any) -> None:
    files = {path.name: path.read_bytes() for path in sorted(EXAMPLES.glob("*.txt"))}
    done = desk.take(files, source(starts_at="2026-10-05T12:00:00Z", interval_seconds=10, time_zone="UTC"))
    assert (done.rows_in, done.rows_typed) == (5, 5)
    staged = desk.staged(NAME)
    assert staged.select(STATES).rows() == [USED, USED, USED, FREE, UNKNOWN]
    assert times(desk)[-1] == datetime(2026, 10, 5, 13, 2, 11)
