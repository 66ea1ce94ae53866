"""GPU metrics kept by Prometheus: answers of its query API."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).resolve().parents[3] / "../shared/formats/examples/prometheus_query_range"
NAME = "prometheus_query_range"
STATES = ("used_gpus", "warm_idle_gpus", "unknown_gpus")
USED, WARM, FREE, UNKNOWN = (1, 0, 0), (0, 1, 0), (0, 0, 0), (0, 0, 1)
UTIL, MEMORY, ENGINE = "DCGM_FI_DEV_GPU_UTIL", "DCGM_FI_DEV_FB_USED", "DCGM_FI_PROF_GR_ENGINE_ACTIVE"
AT = 1_791_187_200


def series(metric: str, *values: Any, step: float = 60, **labels: str) -> dict[str, Any]:
    points = [[AT + step * n, value] for n, value in enumerate(values)]
    return {"metric": {"__name__": metric, "gpu": "0", "UUID": "GPU-a", **labels}, "values": points}


def answer(*found: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": "matrix", "result": list(found)}, **more}


def states(desk: Any) -> list[tuple[int, ...]]:
    return list(desk.staged(NAME).select(STATES).rows())


def test_a_value_that_is_none_or_missing_is_unknown_and_a_zero_is_idle(desk: Any, sample: Callable[[str], str]) -> None:
    done = desk.take({"a.json": sample("sample.json")})
    assert (done.rows_in, done.rows_typed, done.filtered) == (13, 11, 2)
    staged = desk.staged(NAME)
    assert staged["device_id"].to_list() == ["GPU-aa"] * 3 + ["GPU-bb"] * 4
    assert staged.select(STATES).rows() == [USED, USED, USED, WARM, UNKNOWN, WARM, FREE]
    assert staged["utilization_percent"].to_list() == [91, 88, 90, 0, None, 0, 0]
    assert staged["interval_seconds"].unique().to_list() == [60]
    assert staged["copies"].sum() == done.rows_typed
    assert staged.select("team", "job_id", "host", "gpu_model").row(0) == ("vision", "vision/fit-0", "gpu-node-4", "NVIDIA L40S")
    assert staged.select("team", "job_id").row(3) == (None, None)


def test_metrics_in_files_of_their_own_make_one_sample(desk: Any) -> None:
    files = {
        "util.json": json.dumps(answer(series(UTIL, "0", "0", "7"))),
        "memory.json": json.dumps(answer(series(MEMORY, "3000", "3", "3"))),
    }
    assert desk.take({"util.json": files["util.json"]}).rows_typed == 3
    assert states(desk) == [FREE, FREE, USED]
    assert desk.take(files).rows_typed == 6
    assert states(desk) == [WARM, FREE, USED]
    assert desk.staged(NAME)["copies"].to_list() == [2, 2, 2]


def test_one_after_the_other_asked_for_is_one_sample_too(desk: Any) -> None:
    # Instant queries have the instant at which each was asked.
    util = {"metric": {"__name__": UTIL, "gpu": "0", "UUID": "GPU-a"}, "value": [AT + 60.25, "0"]}
    memory = {"metric": {"__name__": MEMORY, "gpu": "0", "UUID": "GPU-a"}, "value": [AT + 61.781, "3000"]}
    lines = [{"status": "success", "data": {"resultType": "vector", "result": [one]}} for one in (util, memory)]
    done = desk.take({"a.jsonl": "".join(json.dumps(line) + "\n" for line in lines)})
    assert any("one sample of a GPU only" in flag for _, flag in done.flagged)
    staged = desk.staged(NAME)
    assert staged.select(*STATES, "interval_seconds", "copies").rows() == [(*WARM, 60, 2)]
    assert staged["sampled_at"].to_list() == [datetime(2026, 10, 5, 8, 1, 1, 781_000)]


@pytest.mark.parametrize(
    "shape",
    [
        lambda one, two: json.dumps(answer(one, two)),
        lambda one, two: json.dumps(answer(one, two), indent=2),
        lambda one, two: json.dumps([answer(one), answer(two)]),
        lambda one, two: json.dumps(answer(one)) + "\n" + json.dumps(answer(two)),
        lambda one, two: json.dumps([one, two]),
        lambda one, two: json.dumps(one) + "\n" + json.dumps(two) + "\n",
        lambda one, two: json.dumps(answer(one, two, isPartial=False, infos=["x"], warnings=[])),
    ],
)
def test_every_shape_people_save_gives_the_same(desk: Any, shape: Callable[[Any, Any], str]) -> None:
    done = desk.take({"a.json": shape(series(UTIL, "0", "5"), series(MEMORY, "3000", "3000"))})
    assert (done.rows_in, done.rows_typed, done.flagged) == (4, 4, [])
    assert states(desk) == [WARM, USED]


def test_a_query_again_with_a_longer_range_counts_each_sample_once(desk: Any) -> None:
    later = json.dumps(answer(series(UTIL, "5", "6", "7")))
    desk.take({"a.json": json.dumps(answer(series(UTIL, "5", "6"))), "b.json": later})
    assert desk.staged(NAME).select("utilization_percent", "copies").rows() == [(5, 2), (6, 2), (7, 1)]


def test_late_files_touch_only_their_days(desk: Any) -> None:
    desk.take({"a.json": json.dumps(answer(series(UTIL, "5", "6", step=86_400)))})
    before = {file.path: file.days for file in desk.inbox.raw_files()[NAME]}
    desk.take({"b.json": json.dumps(answer(series(MEMORY, "5")))})
    [late] = [file.days for file in desk.inbox.raw_files()[NAME] if file.path not in before]
    assert set(late) == {"2026-10-05"}


def test_slices_are_one_gpu_and_its_own_zero_is_no_figure(desk: Any) -> None:
    found = [series(UTIL, "0", "0"), series(ENGINE, "0.0", "0.0", GPU_I_ID="1"), series(ENGINE, "0.0", "0.4", GPU_I_ID="2")]
    desk.take({"a.json": json.dumps(answer(*found))})
    assert desk.staged(NAME).select(*STATES, "gpus", "utilization_percent").rows() == [(*FREE, 1, None), (*USED, 1, None)]


def test_a_step_longer_than_an_hour_leaves_the_rest_unknown(desk: Any) -> None:
    done = desk.take({"a.json": json.dumps(answer(series(UTIL, "5", "6", step=7200)))})
    assert [flag for _, flag in done.flagged] == ["has samples 7,200 seconds apart; each stands for an hour at most, the rest is unknown"]
    assert desk.staged(NAME)["interval_seconds"].to_list() == [3600, 3600]


def test_an_answer_that_was_cut_short_is_flagged(desk: Any) -> None:
    warnings = ["results truncated due to limit", "another\nwarning"]
    done = desk.take({"a.json": json.dumps(answer(series(UTIL, "5", "6"), warnings=warnings, isPartial=True))})
    assert [flag for _, flag in done.flagged] == [
        "holds an answer that was cut short: results truncated due to limit",
        "holds an answer with a warning: another warning",
        "holds an answer that says it is partial",
    ]


def test_an_error_instead_of_an_answer_is_refused(desk: Any) -> None:
    error = {"status": "error", "errorType": "timeout", "error": "query timed out\nin expression evaluation"}
    [(_, why)] = desk.take({"a.json": json.dumps(error)}).refused
    assert why == "holds an error of Prometheus instead of an answer: timeout (query timed out in expression evaluation)"
    [(_, why)] = desk.take({"a.json": json.dumps([answer(series(UTIL, "5")), error])}).refused
    assert why.startswith("holds an error of Prometheus")


@pytest.mark.parametrize("found", [[], [series("DCGM_FI_DEV_POWER_USAGE", "70")], [series("kueue_pending_workloads", "3")]])
def test_an_answer_without_any_metric_that_is_read_is_refused(desk: Any, found: list[dict[str, Any]]) -> None:
    [(_, why)] = desk.take({"a.json": json.dumps(answer(*found))}).refused
    assert why.startswith("holds none of the metrics that are read: DCGM_FI_DEV_GPU_UTIL, ")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (series(UTIL, "101"), f"{UTIL} 101 is not 0 to 100"),
        (series(UTIL, "-1"), f"{UTIL} is negative (-1)"),
        (series(UTIL, "x"), f"{UTIL} 'x' is not a number"),
        (series(UTIL, "5", UUID="", gpu=""), "names no GPU: it has neither a label UUID nor gpu"),
        (series(UTIL, 5), "not a pair of time and text: Expected `str`, got `int` - at `$[1]`"),
        ({"metric": {"gpu": "0"}, "values": [[AT, "5"]]}, "the series has no __name__; an expression drops it: query the metric itself"),
        ({"metric": {"__name__": UTIL, "gpu": "0"}}, "the series holds no values"),
        ({"metric": {"__name__": UTIL, "gpu": "0"}, "histogram": [AT, {}]}, "the series holds histograms; no metric that is read does"),
        ({"metric": {"__name__": UTIL, "gpu": "0"}, "values": [[1e300, "5"]]}, "day 2286-11-20 is outside 2015 to 2099"),
        ({"metric": {"__name__": UTIL, "gpu": "0"}, "values": [[1, "5"]]}, "day 1970-01-01 is outside 2015 to 2099"),
        ({"metric": {"__name__": UTIL, "gpu": 7}, "values": []}, "Expected `str`, got `int` - at `$.metric[...]`"),
    ],
)
def test_a_wrong_value_is_set_aside(desk: Any, given: dict[str, Any], reason: str) -> None:
    done = desk.take({"a.json": json.dumps(answer(series(UTIL, "5", UUID="GPU-b"), given))})
    assert (done.rows_in, done.rows_typed, desk.reasons()) == (2, 1, [reason])


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the recorded examples lie beside the repository only")
def test_the_examples_are_read(desk: Any) -> None:
    done = desk.take({path.name: path.read_bytes() for path in sorted(EXAMPLES.glob("*.json"))})
    assert (done.rows_in, done.rows_typed) == (7, 7)
    assert states(desk) == [USED, USED, USED, USED, WARM, UNKNOWN, WARM]
    assert desk.staged(NAME).select("team", "job_id").row(4) == ("train", "train/llm-ft-1")
