"""GPU samples of `nvidia-smi --query-gpu`."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).resolve().parents[3] / "../shared/formats/examples/nvidia_smi_query_csv"
NAME = "nvidia_smi_query"
STATES = ("used_gpus", "warm_idle_gpus", "unknown_gpus")
HEADER = "timestamp, index, uuid, utilization.gpu [%], memory.used [MiB]\n"
ROW = "2026/10/05 08:00:00.000, 0, GPU-a, 5 %, 10 MiB\n"


def source(**options: Any) -> list[dict[str, Any]]:
    return [{"name": "n7", "path": "*", "format": NAME, "options": options}]


def test_a_figure_that_is_not_there_is_unknown_and_a_zero_is_idle(desk: Any, sample: Callable[[str], str]) -> None:
    assert desk.take({"a.csv": sample("sample.csv")}).rows_typed == 5
    staged = desk.staged(NAME)
    used, warm, free, unknown = (1, 0, 0), (0, 1, 0), (0, 0, 0), (0, 0, 1)
    assert staged["device_id"].to_list() == ["GPU-aa", "GPU-aa", "GPU-bb", "GPU-cc", "GPU-dd"]
    # The second sample of GPU-aa is in MIG mode: its 0 % is no figure of its own.
    assert staged.select(STATES).rows() == [used, unknown, warm, free, unknown]
    assert staged["utilization_percent"].to_list() == [37, None, 0, 0, None]


def test_the_interval_is_the_median_gap_and_memory_is_in_bytes(desk: Any, sample: Callable[[str], str]) -> None:
    desk.take({"a.csv": sample("sample.csv")})
    row = desk.staged(NAME).row(0, named=True)
    assert (row["interval_seconds"], row["memory_used_bytes"], row["gpus"]) == (15, 30000 * 1_048_576, 1)
    assert (row["sampled_at"], row["sampled_second"]) == (datetime(2026, 10, 5, 8, 0, 0, 120_000), 1_791_187_200)
    assert (row["gpu_model"], row["host"], row["source"]) == ("NVIDIA L40S", None, NAME)


def test_times_without_a_zone_are_said_to_be_taken_as_utc(desk: Any) -> None:
    [(_, flag), (_, other)] = desk.take({"a.csv": HEADER + ROW}).flagged
    assert "UTC was assumed" in flag
    assert "one sample of a GPU only" in other


def test_local_times_become_utc_also_in_the_hour_that_clocks_repeat(desk: Any) -> None:
    # Europe/Berlin goes back at 03:00 on 2026-10-25: 02:30 is first 00:30 UTC, then 01:30 UTC.
    times = ("01:45", "02:15", "02:45", "02:15", "02:45", "03:15")
    text = HEADER + "".join(ROW.replace("2026/10/05 08:00", f"2026/10/25 {time}") for time in times)
    done = desk.take({"a.csv": text}, source(time_zone="Europe/Berlin"))
    hours = [(at.hour, at.minute) for at in desk.staged(NAME)["sampled_at"]]
    assert hours == [(23, 45), (0, 15), (0, 45), (1, 15), (1, 45), (2, 15)]
    assert [flag for _, flag in done.flagged] == [
        "has times in the hour that Europe/Berlin has twice; they were told apart by the order of the samples"
    ]
    assert desk.staged(NAME)["interval_seconds"].unique().to_list() == [1800]


def test_the_first_sample_of_a_file_may_lie_in_the_second_of_two_repeated_hours(desk: Any) -> None:
    text = HEADER + ROW.replace("2026/10/05 08:00", "2026/10/25 02:15")
    desk.take({"a.csv": text}, source(time_zone="Europe/Berlin", starts_at="2026-10-25T01:15:00Z"))
    assert desk.staged(NAME)["sampled_at"].to_list() == [datetime(2026, 10, 25, 1, 15)]


def test_units_may_stand_in_the_header_only(desk: Any) -> None:
    desk.take({"a.csv": "timestamp, uuid, utilization.gpu [%], memory.used [GiB]\r\n2026/10/05 08:00:00.000, GPU-a, 5, 3\r\n"})
    assert desk.staged(NAME).select("utilization_percent", "memory_used_bytes").row(0) == (5, 3 * 1_073_741_824)


def test_a_file_without_a_header_needs_its_columns(desk: Any) -> None:
    bare = {"a.csv": "2026/10/05 08:00:00.000, GPU-a, 5, 2048\n"}
    [(_, why)] = desk.take(bare).refused
    assert why == "has no header: give its field names in order as `columns` in the options of its source"
    desk.take(bare, source(columns=["timestamp", "uuid", "utilization.gpu", "memory.used"]))
    assert desk.staged(NAME).select("device_id", "utilization_percent", "memory_used_bytes").rows() == [("GPU-a", 5, 2_147_483_648)]


def test_a_header_that_comes_again_is_heeded(desk: Any) -> None:
    text = HEADER + ROW + "timestamp, uuid, memory.used [MiB], utilization.gpu [%]\n2026/10/05 08:01:00.000, GPU-a, 3000 MiB, 0 %\n"
    assert desk.take({"a.csv": text}).rows_in == 2
    assert desk.staged(NAME).select(STATES).rows() == [(1, 0, 0), (0, 1, 0)]


def test_a_file_without_times_needs_its_start_and_interval(desk: Any) -> None:
    text = "uuid, utilization.gpu [%]\nGPU-a, 5 %\nGPU-b, 0 %\nGPU-a, 6 %\nGPU-b, 1 %\n"
    [(_, why)] = desk.take({"a.csv": text}).refused
    assert why == "has samples without times: give `starts_at` and `interval_seconds` in the options of its source"
    desk.take({"a.csv": text}, source(starts_at="2026-10-05T08:00:00+02:00", interval_seconds=30))
    first, second = datetime(2026, 10, 5, 6, 0), datetime(2026, 10, 5, 6, 0, 30)
    assert desk.staged(NAME).select("device_id", "sampled_at", "interval_seconds").rows() == [
        ("GPU-a", first, 30),
        ("GPU-a", second, 30),
        ("GPU-b", first, 30),
        ("GPU-b", second, 30),
    ]


def test_a_gpu_without_uuid_is_known_by_host_and_number(desk: Any) -> None:
    text = "timestamp, index, utilization.gpu [%]\n2026/10/05 08:00:00.000, 3, 5 %\n"
    flags = [flag for _, flag in desk.take({"a.csv": text}, source()).flagged]
    assert "knows GPUs by number, which a restart may change; it names no host either: give `host` in the options of its source" in flags
    assert desk.staged(NAME)["device_id"].to_list() == ["n7/gpu-3"]
    flags = [flag for _, flag in desk.take({}, source(host="node1", pool="training")).flagged]
    assert "knows GPUs by number, which a restart may change" in flags
    assert desk.staged(NAME).select("device_id", "host", "pool").rows() == [("node1/gpu-3", "node1", "training")]


def test_a_sample_given_twice_counts_once_and_the_busier_one_counts(desk: Any) -> None:
    desk.take({"a.csv": HEADER + ROW + ROW.replace("5 %", "[N/A]"), "b.csv": HEADER + ROW.replace("5 %", "9 %")})
    assert desk.staged(NAME).select("utilization_percent", "copies").rows() == [(9, 3)]


def test_an_interval_is_never_longer_than_an_hour(desk: Any) -> None:
    done = desk.take({"a.csv": HEADER + ROW + ROW.replace("08:00", "10:00")}, source(time_zone="UTC"))
    assert [flag for _, flag in done.flagged] == ["has samples 7,200 seconds apart; each stands for an hour at most, the rest is unknown"]
    assert desk.staged(NAME)["interval_seconds"].to_list() == [3600, 3600]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (("5 %", "101 %"), "utilization.gpu '101 %' is not 0 to 100"),
        (("5 %", "5.5 %"), "utilization.gpu '5.5 %' is not 0 to 100"),
        (("5 %", "-1 %"), "utilization.gpu '-1 %' is not 0 to 100"),
        (("10 MiB", "10 parsecs"), "memory.used '10 parsecs' is not an amount of memory"),
        (("10 MiB", "-10 MiB"), "memory.used '-10 MiB' is not an amount of memory"),
        (("10 MiB", "999999999999 GiB"), "memory.used '999999999999 GiB' is not an amount of memory"),
        (("0, GPU-a", "x, GPU-a"), "gpu 'x' is not the number of a GPU"),
        (("0, GPU-a", "[N/A], [N/A]"), "names neither uuid nor index"),
        (("2026/10/05", "2026-10-05"), "timestamp '2026-10-05 08:00:00.000' is not YYYY/MM/DD HH:MM:SS.mmm"),
        (("2026/10/05", "2026/02/30"), "day is out of range for month"),
        (("2026/10/05", "1969/10/05"), "day 1969-10-05 is outside 2015 to 2099"),
        (("2026/10/05 08:00", "2026/03/29 02:30"), "2026-03-29 02:30:00 did not exist in Europe/Berlin: clocks were put forward"),
        ((", 10 MiB", ""), "the row has another number of fields than the header"),
    ],
)
def test_a_wrong_row_is_set_aside(desk: Any, given: tuple[str, str], reason: str) -> None:
    done = desk.take({"a.csv": HEADER + ROW.replace("GPU-a", "GPU-b") + ROW.replace(*given)}, source(time_zone="Europe/Berlin"))
    assert (done.rows_typed, desk.reasons()) == (1, [reason])


@pytest.mark.parametrize("header", ["timestamp, index, uuid, memory.used [MiB]\n", "timestamp, utilization.gpu [%]\n"])
def test_a_query_without_the_fields_it_takes_is_refused(desk: Any, header: str) -> None:
    [(_, why)] = desk.take({"a.csv": header + ROW}, source(columns=header.strip().split(", "))).refused
    assert why == "needs the fields utilization.gpu and uuid (or at least index)"


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the recorded examples lie beside the repository only")
def test_the_examples_are_read(desk: Any) -> None:
    done = desk.take({path.name: path.read_bytes() for path in sorted(EXAMPLES.glob("*.csv"))})
    assert (done.rows_in, done.rows_typed) == (5, 5)
    staged = desk.staged(NAME)
    assert [device[-1] for device in staged["device_id"]] == ["1", "1", "2", "3"]
    # The first sample is in both files; the third GPU is in MIG mode.
    assert staged.select("utilization_percent", "memory_used_bytes", "copies").rows() == [
        (98, 70873 * 1_048_576, 2),
        (97, 70873 * 1_048_576, 1),
        (0, 0, 1),
        (None, 21081 * 1_048_576, 1),
    ]
    assert staged.select(STATES).rows() == [(1, 0, 0), (1, 0, 0), (0, 0, 0), (0, 0, 1)]
