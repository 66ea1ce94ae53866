"""Files of a user's own, through a mapping."""

import json
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from meterbook.assets.book import Book

BOOKS = Path(__file__).resolve().parents[2] / "books"
TRACES = Path(__file__).resolve().parents[3] / "../shared/traces"
needs_traces = pytest.mark.skipif(not TRACES.is_dir(), reason="the recorded traces lie beside the repository only")


def mapped(columns: dict[str, Any], kind: str = "request", **more: Any) -> list[dict[str, Any]]:
    return [{"name": "own", "path": "*", "format": "mapped", "mapping": {"kind": kind, "columns": columns, **more}}]


def lines(*records: dict[str, Any] | str) -> str:
    return "".join(f"{record if isinstance(record, str) else json.dumps(record)}\n" for record in records)


def parquet(frame: pl.DataFrame) -> bytes:
    handle = BytesIO()
    frame.write_parquet(handle)
    return handle.getvalue()


REQUEST = {"started_at": "at", "model": "m", "input_tokens": "tokens.in", "reported_cost_usd": "cost"}


def test_dotted_paths_reach_into_json_and_a_name_with_a_dot_is_taken_as_it_stands(desk: Any) -> None:
    given = {"at": "2026-10-01T00:00:00Z", "m": "x", "tokens": {"in": 7}, "tokens.in": 8}
    desk.take({"a.jsonl": lines(given, {**given, "tokens.in": None}, {"at": "2026-10-01", "tokens": {"in": 9}})}, mapped(REQUEST))
    assert desk.raw("mapped_request")["input_tokens"].to_list() == [8, None, 9]


def test_csv_json_lines_a_json_array_and_parquet_give_the_same_rows(desk: Any) -> None:
    records = [{"at": "2026-10-01T00:00:00", "m": f"m{n}", "i": n, "cost": 0.1 * n} for n in range(3)]
    frame = pl.DataFrame(records)
    columns = {**REQUEST, "input_tokens": "i"}
    saved = {
        "a.jsonl": lines(*records),
        "a.json": json.dumps(records, indent=1),
        "a.csv": frame.write_csv(),
        "a.parquet": parquet(frame.with_columns(pl.col("at").str.to_datetime())),
    }
    found = []
    for name, content in saved.items():
        (desk.folder / "inbox").mkdir(exist_ok=True)
        for old in (desk.folder / "inbox").iterdir():
            old.unlink()
        (desk.folder / "lake/_state/raw.json").unlink(missing_ok=True)
        assert desk.take({name: content}, mapped(columns)).rows_typed == 3, name
        found.append(desk.raw("mapped_request").drop("file_id", "line").sort("model"))
    assert found[0]["input_tokens"].to_list() == [0, 1, 2]
    assert all(one.equals(found[0]) for one in found)


def test_rows_the_filter_leaves_out_are_counted(desk: Any) -> None:
    given = [{"at": "2026-10-01", "kind": kind, "m": "x"} for kind in ("a", "b", "c", None)]
    done = desk.take({"a.jsonl": lines(*given)}, mapped({"started_at": "at", "model": "m"}, where={"kind": ["a", "b"]}))
    assert (done.rows_in, done.rows_typed, done.filtered, done.quarantined) == (4, 2, 2, 0)


@pytest.mark.parametrize(
    ("time_format", "given"),
    [
        ("iso", "2026-10-01T02:00:00.5+02:00"),
        ("iso", "2026-10-01 00:00:00.5"),
        ("unix_s", 1_790_812_800.5),
        ("unix_s", "1790812800.5"),
        ("unix_ms", 1_790_812_800_500),
        ("%d.%m.%Y %H:%M:%S.%f", "01.10.2026 00:00:00.500000"),
        ("%d/%m/%Y %H:%M:%S.%f %z", "01/10/2026 02:00:00.500000 +0200"),
        ("offset_s", 86_400.5),
    ],
)
def test_an_instant_is_read_in_the_format_the_mapping_names(desk: Any, time_format: str, given: Any) -> None:
    more = {"time_format": time_format, "epoch": date(2026, 9, 30)} if time_format == "offset_s" else {"time_format": time_format}
    desk.take({"a.jsonl": lines({"at": given})}, mapped({"started_at": "at"}, **more))
    assert desk.raw("mapped_request")["started_at"].to_list() == [datetime(2026, 10, 1, 0, 0, 0, 500_000)]


@pytest.mark.parametrize(("unit", "given"), [("usd", "0.000000123456"), ("cents", 0.0000123456), ("nanousd", 123.456)])
def test_money_in_any_unit_is_exact(desk: Any, unit: str, given: Any) -> None:
    desk.take(
        {"a.jsonl": lines({"at": "2026-10-01", "cost": given})}, mapped({"started_at": "at", "reported_cost_usd": "cost"}, money_unit=unit)
    )
    assert desk.raw("mapped_request")["reported_cost_usd"].to_list() == [Decimal("0.000000123456")]


BILL = {"starts_at": "at", "billed_cost": "cost", "currency": "in", "list_cost": "list", "tokens": "n", "meter": "what", "scope": "for"}


@pytest.mark.parametrize(("unit", "given"), [("usd", "12345678901234.5"), ("cents", 1_234_567_890_123_450)])
def test_a_charge_keeps_its_currency_and_everything_that_is_mapped(desk: Any, unit: str, given: Any) -> None:
    record = {"at": "2026-10-01", "cost": given, "in": "jpy", "list": 200, "n": 7, "what": "input", "for": "gpu"}
    desk.take({"a.jsonl": lines(record)}, mapped(BILL, "charge", money_unit=unit))
    names = ("currency", "billed_cost", "list_cost", "tokens", "meter", "scope")
    list_cost = 200 if unit == "usd" else 2
    assert desk.staged("mapped_charge").select(names).rows() == [("JPY", Decimal("12345678901234.5"), list_cost, 7, "input", "gpu")]


def test_a_charge_without_a_currency_is_in_dollars_and_one_of_no_currency_is_set_aside(desk: Any) -> None:
    given = [{"at": "2026-10-01", "cost": 1, "in": currency} for currency in (None, "EUR", "credits")]
    done = desk.take({"a.jsonl": lines(*given)}, mapped({"starts_at": "at", "billed_cost": "cost", "currency": "in"}, "charge"))
    assert (done.rows_typed, desk.reasons()) == (2, ["currency credits is no ISO 4217 code"])
    assert sorted(desk.staged("mapped_charge")["currency"].to_list(), key=str) == ["EUR", None]


def test_a_product_is_exact_and_a_count_is_rounded_half_up(desk: Any) -> None:
    columns = {"starts_at": "at", "input_tokens": {"multiply": ["n", "mean"]}}
    given = [{"at": "2026-10-01", "n": n, "mean": mean} for n, mean in ((3, 0.5), (5, 0.5), (2, 0.2), (7, None))]
    desk.take({"a.jsonl": lines(*given)}, mapped(columns, "usage"))
    assert desk.raw("mapped_usage")["input_tokens"].to_list() == [2, 3, 0, None]


def test_a_product_of_money_never_passes_through_a_float(desk: Any) -> None:
    columns = {"started_at": "at", "reported_cost_usd": {"multiply": ["tokens", "price"]}}
    desk.take({"a.csv": "at,tokens,price\n2026-10-01,123456789,0.000000000123\n"}, mapped(columns))
    assert desk.raw("mapped_request")["reported_cost_usd"].to_list() == [Decimal("0.015185185047")]


def test_inclusive_tokens_are_made_exclusive_and_exclusive_ones_stay(desk: Any) -> None:
    columns = {"started_at": "at", "input_tokens": "i", "cache_read_tokens": "r", "cache_write_1h_tokens": "w"}
    given = lines({"at": "2026-10-01", "i": 10, "r": 4, "w": 1})
    desk.take({"a.jsonl": given}, mapped(columns))
    assert desk.raw("mapped_request")["input_tokens"].to_list() == [5]
    desk.take({"a.jsonl": given}, mapped(columns, tokens="exclusive"))
    assert desk.raw("mapped_request")["input_tokens"].to_list() == [10]


METERS = ("audio_input_tokens", "image_input_tokens", "video_input_tokens", "audio_output_tokens", "image_output_tokens", "searches")


@pytest.mark.parametrize(
    ("kind", "tokens"), [("request", "inclusive"), ("request", "exclusive"), ("usage", "inclusive"), ("usage", "exclusive")]
)
def test_every_meter_may_be_mapped_and_stands_in_no_other(desk: Any, kind: str, tokens: str) -> None:
    shared = ("input_tokens", "output_tokens", "cache_write_12h_tokens", "quantity", "quantity_unit", "region", *METERS)
    columns = {name: name for name in shared} | {"started_at" if kind == "request" else "starts_at": "at"}
    parts = dict(zip(METERS, (200, 100, 50, 30, 20, 2), strict=True)) | {"cache_write_12h_tokens": 10}
    whole = {"input_tokens": 1000, "output_tokens": 100} if tokens == "inclusive" else {"input_tokens": 640, "output_tokens": 50}
    given = {"at": "2026-10-01", **whole, **parts, "quantity": "9.5", "quantity_unit": "seconds", "region": " EU "}
    desk.take({"a.jsonl": lines(given)}, mapped(columns, kind, tokens=tokens))
    [row] = desk.staged(f"mapped_{kind}").iter_rows(named=True)
    assert {name: row[name] for name in parts} == parts
    assert (row["input_tokens"], row["output_tokens"]) == (640, 50)
    assert (row["quantity"], row["quantity_unit"], row["region"]) == (Decimal("9.5"), "seconds", "eu")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"in": 10, "heard": 11}, "cached, audio, image and video tokens (11) exceed input tokens (10)"),
        ({"out": 10, "said": 11}, "audio and image tokens (11) exceed output tokens (10)"),
        ({"n": -1, "of": "pages"}, "quantity is negative (-1.000000)"),
        ({"n": 1}, "quantity without a quantity_unit"),
    ],
)
def test_meters_that_cannot_be_are_set_aside(desk: Any, given: dict[str, Any], reason: str) -> None:
    columns = {"input_tokens": "in", "audio_input_tokens": "heard", "output_tokens": "out", "audio_output_tokens": "said"}
    columns |= {"started_at": "at", "quantity": "n", "quantity_unit": "of"}
    desk.take({"a.jsonl": lines({"at": "2026-10-01", **given})}, mapped(columns))
    assert desk.reasons() == [reason]


def test_equal_rows_of_one_file_all_count_and_an_overlapping_file_adds_only_what_is_new(desk: Any) -> None:
    row = {"at": "2026-10-01", "m": "x"}
    desk.take({"a.jsonl": lines(row, row), "b.jsonl": lines(row, row, row)}, mapped({"started_at": "at", "model": "m"}))
    assert sorted(desk.staged("mapped_request")["copies"].to_list()) == [1, 2, 2]


def test_a_row_without_the_id_that_the_mapping_names_gets_one(desk: Any) -> None:
    given = [{"at": "2026-10-01", "id": one} for one in ("r-1", None, "")]
    desk.take({"a.jsonl": lines(*given)}, mapped({"started_at": "at", "request_id": "id"}))
    found = desk.raw("mapped_request")["request_id"].to_list()
    assert (found[0], len(set(found)), None in found) == ("r-1", 3, False)


def test_constants_fill_what_the_file_lacks(desk: Any) -> None:
    constants = {"provider": None, "team": "it's ours", "interval_seconds": 30, "gpus": 4}
    columns = {"sampled_at": "at", "device_id": "d", "used_gpus": "u"}
    done = desk.take({"a.jsonl": lines({"at": "2026-10-01", "d": "g", "u": 1})}, mapped(columns, "gpu_sample", constants=constants))
    assert done.refused == [("a.jsonl", "is mapped to 'provider', no column of kind gpu_sample")]
    del constants["provider"]
    desk.take({}, mapped(columns, "gpu_sample", constants=constants))
    assert desk.staged("mapped_gpu_sample").select("team", "interval_seconds", "gpus", "used_gpus").rows() == [("it's ours", 30, 4, 1)]


@pytest.mark.parametrize(
    ("given", "states"),
    [
        ({"util": 40}, (2, 0, 0)),
        ({"util": 0, "mem": 2 * 2**30}, (0, 2, 0)),
        ({"util": 0, "mem": 2**30}, (0, 0, 0)),
        ({"util": None, "mem": 0}, (0, 0, 2)),
    ],
)
def test_utilisation_tells_where_no_used_gpus_are_counted(desk: Any, given: dict[str, Any], states: tuple[int, int, int]) -> None:
    columns = {"sampled_at": "at", "device_id": "d", "utilization_percent": "util", "memory_used_bytes": "mem", "gpus": "n"}
    desk.take({"a.jsonl": lines({"at": "2026-10-01", "d": "g", "n": 2, **given})}, mapped(columns, "gpu_sample"))
    assert desk.staged("mapped_gpu_sample").select("used_gpus", "warm_idle_gpus", "unknown_gpus").rows() == [states]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"tokens": {"in": 9.7}}, "input_tokens: 9.7 is not a whole number"),
        ({"tokens": {"in": -1}}, "input_tokens is negative (-1)"),
        ({"tokens": {"in": 10**16}}, "input_tokens is too large (10000000000000000)"),
        ({"tokens": {"in": 10**30}}, f"input_tokens: {10**30} is not a whole number"),
        ({"cost": "free"}, "reported_cost_usd: free is not a number"),
        ({"cost": 1e9}, "reported_cost_usd: 1000000000.0 is not a number"),
        ({"at": None}, "started_at is missing"),
        ({"at": "infinity"}, "started_at: infinity is not an instant"),
        ({"at": "1970-01-01"}, "day 1970-01-01 is outside 2015 to 2099"),
    ],
)
def test_a_wrong_record_is_set_aside(desk: Any, given: dict[str, Any], reason: str) -> None:
    good = {"at": "2026-10-01", "m": "x", "tokens": {"in": 1}, "cost": 1}
    done = desk.take({"a.jsonl": lines(good, {**good, **given})}, mapped(REQUEST))
    assert (done.rows_typed, desk.inbox.quarantine().select("line", "reason").rows()) == (1, [(2, reason)])


@pytest.mark.parametrize("time_format", ["unix_s", "unix_ms", "offset_s"])
def test_an_instant_beyond_any_calendar_spoils_no_other_row(desk: Any, time_format: str) -> None:
    source = mapped({"started_at": "at"}, time_format=time_format, epoch=date(2026, 10, 1))
    done = desk.take({"a.jsonl": lines({"at": 10**14}, {"at": -(10**13)}, {"at": 10**25}, {"at": 1_500_000_000})}, source)
    assert done.rows_in == 4
    assert done.quarantined == (4 if time_format == "unix_ms" else 3)


def test_cached_tokens_above_the_input_are_set_aside(desk: Any) -> None:
    columns = {"started_at": "at", "input_tokens": "i", "cache_read_tokens": "r"}
    desk.take({"a.jsonl": lines({"at": "2026-10-01", "i": 3, "r": 5})}, mapped(columns))
    assert desk.reasons() == ["cached tokens (5) exceed input tokens (3)"]


def test_more_gpus_at_work_than_there_are_is_set_aside(desk: Any) -> None:
    columns = {"sampled_at": "at", "device_id": "d", "gpus": "n", "used_gpus": "u"}
    given = [{"at": "2026-10-01", "d": "g", "n": 2, "u": 3}, {"at": "2026-10-01", "n": 2, "u": 1}]
    desk.take({"a.jsonl": lines(*given)}, mapped(columns, "gpu_sample"))
    assert desk.reasons() == ["used, warm-idle and unknown GPUs (3) are more than gpus (2)", "device_id is missing"]


def test_of_a_record_set_aside_only_what_the_mapping_names_is_kept(desk: Any) -> None:
    desk.take({"a.jsonl": lines({"at": "never", "prompt": "SECRET"}, {"at": "2026-10-01"})}, mapped({"started_at": "at"}))
    assert desk.inbox.quarantine()["raw_text"].to_list() == ['{"started_at":"never"}']


@pytest.mark.parametrize(
    ("files", "source", "why"),
    [
        ({"a.csv": "at,tokens\n2026-10-01,1\n"}, mapped({"started_at": "when"}), "has no column when; it has at, tokens"),
        ({"a.jsonl": lines({"x": 1})}, mapped({"started_at": "at"}), "has none of the columns its mapping names: at"),
        ({"a.json": '[{"at": 1,'}, mapped({"started_at": "at"}), "is not JSON: Input data was truncated"),
        (
            {"a.csv": "at\n2026-10-01\n"},
            mapped({"start_at": "at"}),
            "is mapped to 'start_at', no column of kind request; did you mean started_at?",
        ),
        (
            {"a.csv": "at\n1\n"},
            mapped({"started_at": "at"}, time_format="offset_s"),
            "has `time_format: offset_s` without the `epoch:` it counts from",
        ),
        (
            {"a.csv": 'at\n"2026-10-01\n2026-10-02\n'},
            mapped({"started_at": "at"}),
            "is not CSV: unexpected end of data in the row that begins in line 2",
        ),
        (
            {"a.csv": b"at\n2026-10-01\n" + b"\xff\n"},
            mapped({"started_at": "at"}),
            "is not UTF-8 text (invalid start byte: byte 0xff)",
        ),
    ],
)
def test_a_file_its_mapping_does_not_fit_is_refused_in_one_line(desk: Any, files: dict[str, Any], source: Any, why: str) -> None:
    done = desk.take(files, source)
    assert [reason for _, reason in done.refused] == [why]
    assert (done.rows_in, desk.inbox.input_files().height) == (0, 0)


def test_a_constant_of_the_wrong_type_is_refused_and_not_thrown(desk: Any) -> None:
    done = desk.take({"a.csv": "at\n2026-10-01\n"}, mapped({"started_at": "at"}, constants={"input_tokens": "many"}))
    assert "does not fit its mapping" in done.refused[0][1]
    assert "many" in done.refused[0][1]


def _trace(desk: Any, book: str, trace: str) -> Any:
    done = desk.take({trace: (TRACES / trace).read_bytes()}, [s.model_dump() for s in Book(BOOKS / book).settings.sources])
    assert done.rows_in == done.rows_typed + done.filtered
    return done


@needs_traces
def test_the_aider_trace_keeps_every_token_and_every_picodollar(desk: Any) -> None:
    assert _trace(desk, "aider", "aider_events.jsonl.gz").filtered == 29_880
    found = desk.staged("mapped_request")
    assert (found.height, found["input_tokens"].sum(), found["output_tokens"].sum()) == (5_522, 72_967_539, 2_955_782)
    assert found["reported_cost_usd"].sum() == Decimal("10182.700052086000")
    assert found["copies"].max() == 1


@needs_traces
def test_the_servegen_trace_leaves_unknown_tokens_unknown(desk: Any) -> None:
    _trace(desk, "servegen", "servegen_usage_6h.parquet")
    found = desk.staged("mapped_usage")
    assert (found.height, found["requests"].sum(), found["input_tokens"].null_count()) == (9_434, 3_822_705_582, 3_007)


@pytest.mark.nightly
@needs_traces
def test_the_helios_trace_has_all_its_gpu_minutes(desk: Any) -> None:
    _trace(desk, "helios", "helios_vc_gpu_minute.parquet")
    found = desk.raw("mapped_gpu_sample")
    assert (found.height, found["gpus"].sum() // 60, found["used_gpus"].sum()) == (714_240, 636_864, 25_486_357)
