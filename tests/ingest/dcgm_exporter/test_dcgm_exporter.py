"""GPU metrics of dcgm-exporter: Prometheus text."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

EXAMPLES = Path(__file__).resolve().parents[3] / "../shared/formats/examples"
NAME = "dcgm_exporter"
STATES = ("used_gpus", "warm_idle_gpus", "unknown_gpus")
USED, WARM, FREE, UNKNOWN = (1, 0, 0), (0, 1, 0), (0, 0, 0), (0, 0, 1)
UTIL, RATIO, MEMORY, ENERGY = "GPU_UTIL", "GPU_UTIL_RATIO", "FB_USED", "TOTAL_ENERGY_CONSUMPTION"
AT = 1_791_187_200_000


def source(**options: Any) -> list[dict[str, Any]]:
    return [{"name": "dc", "path": "*", "format": NAME, "options": options}]


def value(metric: str, given: object, at: int | None = AT, **labels: str) -> str:
    name = metric if metric.startswith("DCGM") else f"DCGM_FI_DEV_{metric}"
    text = ",".join(f'{label}="{one}"' for label, one in {"gpu": "0", "UUID": "GPU-a", **labels}.items())
    return f"{name}{{{text}}} {given}" + (f" {at}\n" if at else "\n")


def engine(given: object, **labels: str) -> str:
    return value("DCGM_FI_PROF_GR_ENGINE_ACTIVE", given, **labels)


def row(desk: Any, text: str, **options: Any) -> dict[str, Any]:
    desk.take({"a.prom": text}, source(**options))
    [found] = desk.staged(NAME).iter_rows(named=True)
    return dict(found)


def state(found: dict[str, Any]) -> tuple[int, ...]:
    return tuple(found[name] for name in STATES)


def test_a_gpu_is_used_warm_free_or_unknown(desk: Any, sample: Callable[[str], str]) -> None:
    done = desk.take({"a.prom": sample("sample.prom")})
    # Power is the one metric that is not read.
    assert (done.rows_in, done.rows_typed, done.filtered) == (34, 32, 2)
    every = desk.staged(NAME)
    assert every["copies"].sum() == done.rows_typed
    staged = every.filter(pl.col("slice_id").is_null())
    assert [device[-2:] for device in staged["device_id"]] == [name * 2 for name in "aabbccddeeff"]
    # Of the last one, which is cut into slices, its own figure says nothing.
    assert staged.select(STATES).rows()[:-2:2] == [USED, USED, FREE, WARM, UNKNOWN]
    assert staged["utilization_percent"].to_list()[::2] == [90, 35, 0, 0, None, 0]
    assert staged["interval_seconds"].unique().to_list() == [30]
    first = staged.row(0, named=True)
    assert (first["memory_used_bytes"], first["energy_mj"]) == (40960 * 2**20, 184_467_440_737)
    assert (first["host"], first["gpu_model"], first["gpus"]) == ("gpu-node-4", "NVIDIA L40S", 1)
    assert (first["sampled_at"], first["sampled_second"]) == (datetime(2026, 10, 5, 8, 0, 0, 120_000), 1_791_187_200)


def test_who_holds_a_gpu_are_its_pods_and_never_the_exporter(desk: Any, sample: Callable[[str], str]) -> None:
    desk.take({"a.prom": sample("sample.prom")})
    held = desk.staged(NAME).filter(pl.col("sampled_second") == 1_791_187_200).sort("device_id", "slice_id", nulls_last=False)
    assert held.select("team", "job_id").rows() == [
        ("vision", "vision/fit-0"),
        ("chat", "chat/srv-a, chat/srv-b"),
        (None, None),
        (None, None),
        (None, None),
        (None, None),
        ("research", "research/notebook-3"),
        ("research", "research/notebook-5"),
    ]


def test_a_gpu_that_two_pods_share_is_one_gpu_and_of_two_teams_nobodys(desk: Any) -> None:
    found = row(desk, value(UTIL, 40, namespace="red", pod="a") + value(UTIL, 40, namespace="blue", pod="b"))
    assert state(found) == USED
    assert (found["gpus"], found["utilization_percent"], found["copies"]) == (1, 40, 2)
    assert (found["team"], found["job_id"]) == (None, "blue/b, red/a")


@pytest.mark.parametrize(
    ("labels", "team", "job"),
    [
        ({"namespace": "red", "pod": "p"}, "red", "red/p"),
        ({"pod_namespace": "red", "pod_name": "p", "container_name": "c"}, "red", "red/p"),
        ({"namespace": "gpu-operator", "pod": "x", "exported_namespace": "red", "exported_pod": "p"}, "red", "red/p"),
        ({"namespace": "gpu-operator", "pod": "nvidia-dcgm-exporter-1", "container": "exporter"}, None, None),
        ({"namespace": "gpu-operator", "pod": "", "container": ""}, None, None),
        ({"hpc_job": "4711"}, None, "4711"),
        ({"hpc_job": "4711", "namespace": "red", "pod": "p"}, "red", "4711"),
        ({"namespace": "red", "pod": "p", "note": 'a "quoted\\" {brace}, \\\\'}, "red", "red/p"),
    ],
)
def test_labels_old_and_new_tell_who_holds_it(desk: Any, labels: dict[str, str], team: str | None, job: str | None) -> None:
    quoted = {name: one.replace('a "quoted\\"', 'a \\"quoted\\"') for name, one in labels.items()}
    found = row(desk, value(UTIL, 5, **quoted))
    assert (found["team"], found["job_id"]) == (team, job)


@pytest.mark.parametrize(
    ("slices", "expected"),
    [
        (("0.5", "0.1"), USED),
        (("0.0", "0.000001"), USED),
        (("0.0", "0.0"), FREE),
        (("0.0", "NaN"), UNKNOWN),
        (("NaN", "0.2"), USED),
    ],
)
def test_slices_of_a_gpu_whose_size_nobody_knows_are_one_gpu_together(
    desk: Any, slices: tuple[str, str], expected: tuple[int, ...]
) -> None:
    # The 0 of the GPU itself is no figure: NVML has none for a GPU that is cut.
    parts = "".join(engine(one, GPU_I_ID=f"{n}") for n, one in enumerate(slices, 1))
    found = row(desk, value(UTIL, 0) + parts)
    assert state(found) == expected
    assert (found["gpus"], found["utilization_percent"], found["copies"]) == (1, None, 3)


@pytest.mark.parametrize(
    ("profile", "model", "size"),
    [
        ("3g.40gb", "NVIDIA H100 80GB HBM3", (3, 7)),
        ("1g.10gb+me", "NVIDIA A100-SXM4-80GB", (1, 7)),
        ("2c.4g.40gb", "NVIDIA H200", (4, 7)),
        ("2g.12gb", "NVIDIA A30", (2, 4)),
    ],
)
def test_the_profile_of_a_slice_says_how_much_of_its_gpu_it_is(desk: Any, profile: str, model: str, size: tuple[int, int]) -> None:
    one = {"GPU_I_ID": "3", "GPU_I_PROFILE": profile, "modelName": model}
    found = row(desk, engine("0.0", **one) + value(MEMORY, 20_000, **one))
    assert (found["device_id"], found["slice_id"], found["slices"], found["device_slices"]) == ("GPU-a", "3", *size)
    assert (state(found), found["utilization_percent"], found["memory_used_bytes"]) == (WARM, None, 20_000 * 2**20)


def test_a_gpu_that_a_pod_has_and_does_not_use_is_warm_idle(desk: Any) -> None:
    assert state(row(desk, value(UTIL, 0, namespace="red", pod="p"))) == WARM
    assert state(row(desk, value(UTIL, 0))) == FREE


def test_memory_of_slices_adds_up_and_is_not_added_to_that_of_the_gpu(desk: Any) -> None:
    parts = [engine(0, GPU_I_ID="1"), value(MEMORY, 800, GPU_I_ID="1"), value(MEMORY, 600, GPU_I_ID="2"), engine(0, GPU_I_ID="2")]
    found = row(desk, "".join(parts))
    assert (state(found), found["memory_used_bytes"]) == (WARM, 1400 * 2**20)
    found = row(desk, "".join([*parts, value(MEMORY, 1500)]))
    assert (state(found), found["memory_used_bytes"]) == (WARM, 1500 * 2**20)


@pytest.mark.parametrize("blank", ["9223372036854775794", "9.223372036854776e+18", "140737488355328.0", "2147483632", "NaN", "+Inf"])
def test_a_blank_value_is_unknown_and_never_a_figure(desk: Any, blank: str) -> None:
    found = row(desk, value(UTIL, blank) + value(MEMORY, blank))
    assert (state(found), found["utilization_percent"], found["memory_used_bytes"]) == (UNKNOWN, None, None)


def test_what_is_odd_about_a_file_is_said(desk: Any) -> None:
    ticks = [value(UTIL, 9223372036854775794), value(UTIL, 5, AT + 60_000), value(UTIL, 5, AT + 30_000)]
    done = desk.take({"a.prom": "".join(ticks) + value(RATIO, 98, AT, gpu="1", UUID="GPU-b")})
    assert [flag for _, flag in done.flagged] == [
        "has 1 of DCGM's blank values, which mean that there is no figure: unknown, never one",
        "has 1 series that are called ratios and go above 1: they are taken as percent",
        "has 1 samples that are earlier than the one before: a clock was set back; a second counts once",
    ]


def test_energy_may_pass_what_32_bits_hold(desk: Any) -> None:
    assert row(desk, value(UTIL, 1) + value(ENERGY, 2_147_483_640))["energy_mj"] == 2_147_483_640
    assert row(desk, value(UTIL, 1) + value(ENERGY, "140737488355328"))["energy_mj"] is None
    assert row(desk, value(UTIL, 1) + value(ENERGY, "140800000000000"))["energy_mj"] == 140_800_000_000_000


@pytest.mark.parametrize(
    ("values", "percent"),
    [((0.5, 0.25), [50, 25]), ((0, 98), [0, 98]), ((1, 1), [100, 100]), ((1, 2), [1, 2]), ((0, 0), [0, 0])],
)
def test_the_scale_of_a_ratio_is_seen_in_its_series(desk: Any, values: tuple[float, float], percent: list[int]) -> None:
    desk.take({"a.prom": "".join(value(RATIO, one, AT + 30_000 * n) for n, one in enumerate(values))})
    assert desk.staged(NAME)["utilization_percent"].to_list() == percent


def test_one_series_in_percent_says_nothing_of_another(desk: Any) -> None:
    desk.take({"a.prom": value(RATIO, 0.5) + value(RATIO, 98, gpu="1", UUID="GPU-b")})
    assert desk.staged(NAME)["utilization_percent"].to_list() == [50, 98]


def test_the_newer_name_of_the_engine_is_the_same_metric(desk: Any) -> None:
    found = row(desk, value("DCGM_FI_PROF_GR_ENGINE_UTIL_RATIO", 0.123456))
    assert (state(found), found["utilization_percent"]) == (USED, 12)
    assert state(row(desk, value("DCGM_FI_PROF_GR_ENGINE_UTIL_RATIO", 0.001))) == USED


def test_a_scrape_without_times_needs_its_start_and_interval(desk: Any) -> None:
    scrape = "# HELP DCGM_FI_DEV_GPU_UTIL x\n# TYPE DCGM_FI_DEV_GPU_UTIL gauge\n" + value(UTIL, 5, None)
    # The pod changed between the scrapes: only the heading that comes again tells them apart.
    text = scrape + value(MEMORY, 9, None) + scrape.replace("} 5", ',pod="p",namespace="n"} 0') + value(MEMORY, 9, None)
    [(_, why)] = desk.take({"a.prom": text}, source()).refused
    assert why == "has samples without times: give `starts_at` and `interval_seconds` in the options of its source"
    desk.take({"a.prom": text}, source(starts_at="2026-10-05T10:00:00+02:00", interval_seconds=30, host="h", pool="p"))
    staged = desk.staged(NAME)
    assert staged.select("sampled_at", *STATES, "team", "copies").rows() == [
        (datetime(2026, 10, 5, 8, 0), *USED, None, 2),
        (datetime(2026, 10, 5, 8, 0, 30), *WARM, "n", 2),
    ]
    assert staged.select("host", "pool").row(0) == ("h", "p")


def test_times_of_openmetrics_are_seconds(desk: Any) -> None:
    text = value(UTIL, 5, None).strip() + " 1791187200.5\n# EOF\n"
    assert row(desk, text)["sampled_at"] == datetime(2026, 10, 5, 8, 0, 0, 500_000)


def test_a_gpu_without_uuid_is_known_by_host_and_number(desk: Any) -> None:
    assert row(desk, value(UTIL, 5, UUID="", Hostname="n4", gpu="3"))["device_id"] == "n4/gpu-3"
    assert row(desk, value(UTIL, 5, UUID="", gpu="3"), host="n5")["device_id"] == "n5/gpu-3"
    assert row(desk, value(UTIL, 5, UUID="", gpu="3"))["device_id"] == "dc/gpu-3"


def test_the_same_scrape_twice_counts_once(desk: Any) -> None:
    text = value(UTIL, 5) + value(MEMORY, 5)
    desk.take({"a.prom": text, "b.prom": text + value(UTIL, 7, AT + 30_000)}, source(interval_seconds=30))
    assert desk.staged(NAME).select("utilization_percent", "copies").rows() == [(5, 4), (7, 1)]


def test_samples_of_two_paces_in_one_hour_stand_for_slots_of_one(desk: Any) -> None:
    quick = "".join(value(UTIL, 5, AT + 15_000 * n) for n in range(8))
    slow = "".join(value(MEMORY, 5, AT + 60_000 * n + 3_000) for n in range(2))
    desk.take({"a.prom": quick, "b.prom": slow})
    staged = desk.staged(NAME)
    assert (staged["interval_seconds"].unique().to_list(), staged.height, staged["copies"].sum()) == ([15], 8, 10)
    assert staged["memory_used_bytes"].drop_nulls().len() == 2


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (value(UTIL, 101), "DCGM_FI_DEV_GPU_UTIL 101 is not 0 to 100"),
        (value(RATIO, 101), "DCGM_FI_DEV_GPU_UTIL_RATIO 101 is not 0 to 100"),
        (value(UTIL, -1), "DCGM_FI_DEV_GPU_UTIL is negative (-1)"),
        (engine(1.5), "DCGM_FI_PROF_GR_ENGINE_ACTIVE 1.5 is not 0 to 1"),
        (value(MEMORY, 2_000_000_000), "DCGM_FI_DEV_FB_USED 2000000000 is not an amount of memory in MiB"),
        (value(ENERGY, 2e15), "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION 2000000000000000.0 is not an amount of energy in mJ"),
        (value(UTIL, "busy"), "DCGM_FI_DEV_GPU_UTIL 'busy' is not a number"),
        (value(UTIL, 5, 1), "day 1970-01-01 is outside 2015 to 2099"),
        (value(UTIL, 5, 10**30), "'1000000000000000000000000000000' is not a time"),
        (value(UTIL, 5, 10**14), "day 5138-11-16 is outside 2015 to 2099"),
        (value(UTIL, 5, UUID="", gpu=""), "names no GPU: it has neither a label UUID nor gpu"),
        (value(UTIL, 5, gpu="x"), "gpu 'x' is not the number of a GPU"),
        ("DCGM_FI_DEV_GPU_UTIL{gpu=0} 5 1791187200000\n", "not a line of Prometheus text: its labels are broken"),
        ('DCGM_FI_DEV_GPU_UTIL{gpu="0"\n', "not a line of Prometheus text"),
    ],
)
def test_a_wrong_line_is_set_aside(desk: Any, text: str, reason: str) -> None:
    done = desk.take({"a.prom": value(UTIL, 5, UUID="GPU-b") + text}, source())
    assert (done.rows_in, done.rows_typed, desk.reasons()) == (2, 1, [reason])
    [kept] = desk.inbox.quarantine()["raw_text"]
    assert kept.startswith("DCGM_FI_")


def test_a_file_without_any_metric_that_is_read_is_refused(desk: Any) -> None:
    [(_, why)] = desk.take({"a.prom": value("POWER_USAGE", 5)}).refused
    assert why.startswith("holds none of the metrics that are read: DCGM_FI_DEV_GPU_UTIL, ")


def test_metrics_of_kueue_are_refused_with_what_to_take_instead(desk: Any) -> None:
    text = '# TYPE kueue_pending_workloads gauge\nkueue_pending_workloads{cluster_queue="q",status="active"} 5\n'
    [(_, why)] = desk.take({"a.prom": text}).refused
    assert why == "is metrics of Kueue, which tell no job's times: export `kubectl get workloads -A -o json` instead"


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the recorded examples lie beside the repository only")
def test_the_examples_are_read(desk: Any) -> None:
    text = (EXAMPLES / "dcgm_exporter" / "metrics.prom").read_bytes()
    done = desk.take({"a.prom": text}, source(starts_at="2026-10-05T13:00:00Z", interval_seconds=30))
    assert (done.rows_in, done.rows_typed, done.filtered) == (11, 7, 4)
    staged = desk.staged(NAME)
    assert staged.select(STATES).rows() == [USED, USED, USED]
    assert staged.select("utilization_percent", "job_id").rows() == [
        (98, "train/llm-ft-0"),
        (40, "serve/llm-a, serve/llm-b"),
        (None, "dev/jupyter-0"),
    ]
    [(_, why)] = desk.take({"a.prom": (EXAMPLES / "kueue_metrics" / "metrics.prom").read_bytes()}).refused
    assert "kubectl get workloads" in why
