"""Records that DuckDB types and msgspec looks at: the same rows as if each record had been read by itself."""

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from examples import examples
from fuzz.mutations import MUTATIONS, mutated
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from meterbook.assets.content import Content, FileRefused
from meterbook.assets.ingest import _lines, litellm_spendlogs
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.sources import Reading

READER = litellm_spendlogs._READER
SAMPLE = (Path(__file__).parents[1] / "litellm_spendlogs" / "sample.jsonl").read_bytes()
LOG: dict[str, Any] = {
    "request_id": "r1",
    "spend": 0.001,
    "prompt_tokens": 10,
    "completion_tokens": 2,
    "startTime": "2026-10-01T00:00:00.000",
    "model": "gpt-5-mini",
    "custom_llm_provider": "openai",
}
KEY = b"a key of the book"
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "messages": st.sampled_from([{}, [], None, "", "{}", [{"role": "user", "content": "a"}], "odd"]),
        "proxy_server_request": st.sampled_from([{}, None, "{}", {"temperature": 1}, {"max_tokens": 5, "messages": [{"role": "user"}]}, 7]),
        "response": st.sampled_from([{}, {"choices": [{"finish_reason": "stop"}]}, "odd", None]),
        "request_tags": st.sampled_from([[], ["deferrable"], ["feature:chat", "deferrable: no "]]),
        "prompt_tokens": st.sampled_from([10, 9.7, -1]),
        "call_type": st.sampled_from(["acompletion", "aimage_generation"]),
        "spend": st.sampled_from([0.001, 0.12345678901250000000000001]),
        "meterbook": st.sampled_from([None, {"prompt_hash": "not ours"}]),
    },
)
SPOILT = st.tuples(st.lists(st.sampled_from(sorted(MUTATIONS)), min_size=1, max_size=3), st.integers(0, 2**32))


def typed(rows: Rows) -> pl.DataFrame:
    return pl.read_parquet(rows.typed) if rows.typed else pl.DataFrame()


def read(path: Path, text: bytes | str) -> Rows:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return READER.read(Content(path), Reading())


def line(**log: Any) -> str:
    return json.dumps({**LOG, **log}) + "\n"


def anew(path: Path, folder: Path, reading: Reading) -> Rows:
    rows, content = Rows(), Content(path)
    return READER._copied(READER._anew(content, rows, reading), content, rows, reading, folder / "a.parquet", is_numbered=True)


@pytest.mark.parametrize("reading", [Reading(), Reading(prompt_key=KEY)], ids=["without a key", "with a key"])
def test_what_duckdb_makes_of_lines_is_what_comes_of_each_record_by_itself(reading: Reading, tmp_path: Path) -> None:
    path = tmp_path / "spoilt.jsonl"

    @examples(20, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(SPOILT)
    def same(how: tuple[list[str], int]) -> None:
        path.write_bytes(b'{"request_id":"first","startTime":"2026-10-01"}\n' + mutated(SAMPLE, *how))
        try:
            found = READER.read(Content(path), reading)
        except FileRefused:
            return
        other = anew(path, tmp_path, reading)
        assert (found.rows_in, found.rows_typed, found.quarantined) == (other.rows_in, other.rows_typed, other.quarantined)
        assert {(row.line, row.raw_text) for row in found.rejected} == {(row.line, row.raw_text) for row in other.rejected}
        assert typed(found).equals(typed(other))

    same()


@pytest.mark.parametrize("reading", [Reading(), Reading(prompt_key=KEY)], ids=["without a key", "with a key"])
def test_lines_with_bodies_say_what_each_record_says_by_itself(reading: Reading, tmp_path: Path) -> None:
    path = tmp_path / "bodies.jsonl"

    @examples(10, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(BODIES, min_size=1, max_size=6))
    def same(logs: list[dict[str, Any]]) -> None:
        path.write_text("".join(line(request_id=f"r{n}", **log) for n, log in enumerate(logs)), "utf-8")
        found, other = READER.read(Content(path), reading), anew(path, tmp_path, reading)
        assert typed(found).equals(typed(other))
        assert [(row.line, row.reason) for row in found.rejected] == [(row.line, row.reason) for row in other.rejected]

    same()


@pytest.mark.parametrize("bodies", [{}, {"messages": {}, "proxy_server_request": {}, "response": None}, {"messages": "{}"}])
@pytest.mark.parametrize("reading", [Reading(), Reading(prompt_key=KEY)], ids=["without a key", "with a key"])
def test_lines_without_bodies_go_to_duckdb_as_they_lie_with_a_key_and_without(
    bodies: dict[str, Any], reading: Reading, tmp_path: Path
) -> None:
    text = "".join(line(request_id=f"r{n}", **bodies) for n in range(200)).encode()
    content = _written(tmp_path / "a.jsonl", text.decode())
    assert b"".join(READER._as_they_lie(content, Rows(), reading)) == text


def test_a_line_with_bodies_goes_as_it_lies_with_what_they_tell_in_front(tmp_path: Path) -> None:
    plain, asked = line(), line(request_id="r2", proxy_server_request={"max_tokens": 5})
    [chunk] = READER._as_they_lie(_written(tmp_path / "a.jsonl", plain + asked), Rows(), Reading(prompt_key=KEY))
    own = b'{"meterbook":{"max_output_tokens":5,"is_streaming":false,"has_tools":false},'
    assert chunk == plain.encode() + own + asked.encode()[1:]


def test_a_line_keeps_its_number_whatever_lies_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("meterbook.assets.content.CHUNK", 2_000)
    odd = {3: "", 40: "   ", 77: "{cut sh", 120: line(prompt_tokens=9.7).strip(), 199: line(prompt_tokens=-1).strip()}
    lines = [odd.get(n, line(request_id=f"r{n}", cache_hit=n % 7 == 0).strip()) for n in range(1, 301)]
    rows = read(tmp_path / "a.jsonl", "\n".join(lines))
    assert [row.line for row in sorted(rows.rejected, key=lambda row: row.line)] == [77, 120, 199]
    assert (rows.rows_in, rows.rows_typed) == (298, 295)
    assert typed(rows).select("request_id", "line").rows() == [(f"r{n}", n) for n in range(1, 301) if n not in odd]


@pytest.mark.parametrize(
    ("spend", "expected"),
    [
        ("0.0000000000005", "0"),
        ("0.0000000000015", "0.000000000002"),
        ("-0.0", "0"),
        ("2.5e-12", "0.000000000002"),
        ("1.0650000000000002e-05", "0.000010650000"),
        ("0.12345678901250000000000001", "0.123456789013"),
        ("0.1234567890125", "0.123456789012"),
        ("999999.999999999999", "999999.999999999999"),
        ('"0.5"', "0.5"),
    ],
)
def test_an_amount_is_rounded_once_from_its_text_and_never_through_a_float(tmp_path: Path, spend: str, expected: str) -> None:
    rows = read(tmp_path / "a.jsonl", line(spend="SPEND").replace('"SPEND"', spend))
    assert typed(rows)["spend_usd"].to_list() == [Decimal(expected)]


@pytest.mark.parametrize("model", [5, True, {"messages": []}, ["x"]])
def test_what_is_no_text_is_no_model_beside_whatever_lines(tmp_path: Path, model: Any) -> None:
    for others in ("", "{broken\n", line(cache_hit=True)):
        rows = read(tmp_path / "a.jsonl", line() + line(model=model) + others)
        assert rows.rejected[0].reason.startswith("not a record: Expected `str | null`")
        assert typed(rows)["line"].to_list()[0] == 1


def test_a_key_that_a_record_has_twice_counts_where_it_stands_last(tmp_path: Path) -> None:
    rows = read(tmp_path / "a.jsonl", line() + line(request_id="r2").replace('"model": "', '"model": "no", "model": "'))
    assert typed(rows).select("request_id", "model").rows() == [("r1", "gpt-5-mini"), ("r2", "gpt-5-mini")]


def test_a_file_cannot_number_its_own_lines(tmp_path: Path) -> None:
    rows = read(tmp_path / "a.jsonl", line(meterbook_line=99, meterbook_skip=True, meterbook_prompt_hash="x"))
    assert typed(rows).select("line", "prompt_hash").rows() == [(1, None)]


def test_rows_out_of_the_order_of_days_are_read_in_the_order_of_lines(tmp_path: Path) -> None:
    rows = read(tmp_path / "a.jsonl", line(startTime="2026-10-02T00:00:00") + line(startTime="2026-10-01T00:00:00+02:00"))
    assert [str(day) for day in typed(rows)["day"]] == ["2026-10-02", "2026-09-30"]


def test_a_file_that_is_cut_short_is_refused_and_leaves_nothing_behind(tmp_path: Path) -> None:
    whole = gzip.compress("".join(line(request_id=f"r{n}") for n in range(20_000)).encode())
    (tmp_path / "work").mkdir()
    (tmp_path / "cut.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FileRefused, match="cut short"):
        READER.read(Content(tmp_path / "cut.gz"), Reading(folder=tmp_path / "work"))
    assert not list((tmp_path / "work").iterdir())


def test_rows_take_their_file_with_them(tmp_path: Path) -> None:
    rows = READER.read(_written(tmp_path / "a.jsonl", line()), Reading(folder=tmp_path))
    folder = rows.typed.parent if rows.typed else tmp_path
    assert folder.is_dir()
    del rows
    assert not folder.exists()


def _written(path: Path, text: str) -> Content:
    path.write_text(text, "utf-8")
    return Content(path)


def test_amounts_of_many_digits_are_looked_at_by_themselves() -> None:
    assert not _lines._outgrow_a_float([None, Decimal("0.1"), Decimal("1.0650000000000001e-05")])
    assert _lines._outgrow_a_float([Decimal("0.12345678901250000000000001")])
    assert _lines._outgrow_a_float([Decimal("1.0650000000000002e-05")])
