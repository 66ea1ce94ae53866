"""The door: what becomes of the files in an inbox."""

import gzip
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import zstandard

from meterbook.assets.inbox import Inbox, Ingested
from meterbook.assets.sources import Source
from meterbook.sql.models import read_inputs


def log(name: str = "r1", **more: Any) -> dict[str, Any]:
    shape = {"request_id": name, "spend": 0.5, "prompt_tokens": 10, "completion_tokens": 1, "custom_llm_provider": "openai"}
    return {**shape, "startTime": "2026-10-01T00:00:00Z", "model": "m", **more}


def lines(*logs: dict[str, Any] | str) -> bytes:
    return "".join(f"{one if isinstance(one, str) else json.dumps(one)}\n" for one in logs).encode()


def take(book: Path, files: Mapping[str, bytes | str], *sources: Mapping[str, Any]) -> tuple[Inbox, Ingested]:
    for name, content in files.items():
        path = book / "inbox" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    inbox = Inbox(book, [Source.model_validate(source) for source in sources])
    return inbox, inbox.ingest()


def rows(inbox: Inbox, name: str = "litellm_spendlogs") -> list[str]:
    found = [pl.read_parquet(file.path) for file in inbox.raw_files()[name] if file.days]
    return sorted(one for frame in found for one in frame["request_id"])


def lake(book: Path) -> dict[str, bytes]:
    return {str(path.relative_to(book)): path.read_bytes() for path in sorted((book / "lake/raw").rglob("*")) if path.is_file()}


def test_a_file_seen_twice_changes_nothing(tmp_path: Path) -> None:
    _, first = take(tmp_path, {"a.jsonl": lines(log())})
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "lake").rglob("*") if path.is_file()}
    inbox, second = take(tmp_path, {})
    assert (first.new_files, first.known_files) == (1, 0)
    assert (second.new_files, second.known_files, second.rows_in) == (0, 1, 1)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "lake").rglob("*") if path.is_file()} == before
    assert rows(inbox) == ["r1"]


def test_a_touched_file_is_still_the_same_file(tmp_path: Path) -> None:
    take(tmp_path, {"a.jsonl": lines(log())})
    os.utime(tmp_path / "inbox/a.jsonl", (1, 1))
    _, again = take(tmp_path, {})
    assert (again.new_files, again.known_files) == (0, 1)


def test_equal_bytes_under_two_names_are_one_file(tmp_path: Path) -> None:
    inbox, done = take(tmp_path, {"b/x.jsonl": lines(log()), "a/x.jsonl": lines(log())})
    assert (done.new_files, done.copies, done.rows_in) == (1, 1, 1)
    assert inbox.input_files()["file"].to_list() == ["a/x.jsonl"]
    assert take(tmp_path, {})[1].copies == 1


def test_a_copy_under_another_source_leaves_the_source_of_the_first_path(tmp_path: Path) -> None:
    sources = [{"name": name, "path": f"{name}/*", "format": "litellm_spendlogs"} for name in ("a", "b")]
    inbox, _ = take(tmp_path, {"b/x.jsonl": lines(log())}, *sources)
    [file] = inbox.raw_files()["litellm_spendlogs"]
    assert pl.read_parquet(file.path)["source"].to_list() == ["b"]
    inbox, _ = take(tmp_path, {"a/x.jsonl": lines(log())}, *sources)
    [file] = inbox.raw_files()["litellm_spendlogs"]
    assert pl.read_parquet(file.path)["source"].to_list() == ["a"]
    inbox, done = take(tmp_path, {"a/x.jsonl": lines(log("r2"))}, *sources)
    found = pl.concat([pl.read_parquet(file.path) for file in inbox.raw_files()["litellm_spendlogs"]])
    assert sorted(found.select("source", "request_id").rows()) == [("a", "r2"), ("b", "r1")]
    assert done.copies == 0


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.ZstdCompressor().compress], ids=["gzip", "zstd"])
def test_a_packed_file_is_known_by_its_bytes_and_not_by_its_name(tmp_path: Path, pack: Any) -> None:
    inbox, done = take(tmp_path, {"a.txt": pack(lines(log(), log("r2")))})
    assert (done.rows_in, rows(inbox)) == (2, ["r1", "r2"])


@pytest.mark.parametrize("parts", [gzip.compress, zstandard.ZstdCompressor().compress], ids=["gzip", "zstd"])
def test_packed_pieces_joined_to_one_file_are_read_to_the_end(tmp_path: Path, parts: Any) -> None:
    assert take(tmp_path, {"a.jsonl": parts(lines(log())) + parts(lines(log("r2")))})[1].rows_in == 2


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("cut.gz", gzip.compress(lines(*(log(f"r{n}") for n in range(99))))[:-20], "is a gzip file that is cut short or damaged"),
        ("cut.zst", zstandard.ZstdCompressor().compress(lines(log()))[:-4], "is a zstd file that is cut short"),
        ("image.png", b"\x89PNG\r\n\x1a\n\x00\x00\x00", "is not text; expected JSON, JSON lines, CSV or Parquet"),
        ("broken.parquet", b"PAR1" + b"garbage" * 9, "is a Parquet file that cannot be read"),
        ("empty.gz", gzip.compress(b"", mtime=0), "holds nothing"),
        ("other.csv", "colour,size\nred,1\n", "is of no known format; name it in `sources:` of meterbook.yaml, or map its columns"),
        ("nearly.csv", "request_id,startTime,prompt_tokens\nr,2026-10-01,1\n", "is of no known format (nearest: litellm_spendlogs)"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_one_line_and_left_alone(tmp_path: Path, name: str, content: Any, why: str) -> None:
    inbox, done = take(tmp_path, {name: content, "good.jsonl": lines(log())})
    [(file, reason)] = done.refused
    assert file == name
    assert reason.startswith(why)
    assert "\n" not in reason
    assert (tmp_path / "inbox" / name).is_file()
    assert inbox.input_files()["file"].to_list() == ["good.jsonl"]
    assert take(tmp_path, {})[1].refused == done.refused


def test_of_a_gzip_cut_short_behind_many_good_rows_nothing_is_kept(tmp_path: Path) -> None:
    packed = gzip.compress(lines(*(log(f"r{n}", pad=os.urandom(200).hex()) for n in range(60_000))), 1)
    inbox, done = take(tmp_path, {"cut.gz": packed[:-1000]})
    assert (done.rows_in, len(done.refused), lake(tmp_path)) == (0, 1, {})
    assert inbox.input_files().is_empty()


def test_an_unknown_format_name_in_the_book_comes_with_a_guess(tmp_path: Path) -> None:
    _, done = take(tmp_path, {"a.jsonl": lines(log())}, {"name": "s", "path": "*", "format": "litelm_spendlogs"})
    assert done.refused == [("a.jsonl", "has unknown format 'litelm_spendlogs' in `sources:`; did you mean litellm_spendlogs?")]


def test_empty_hidden_and_half_written_files_are_skipped_with_a_word(tmp_path: Path) -> None:
    _, done = take(tmp_path, {"a.jsonl": b"", ".b.jsonl": lines(log()), ".git/c.jsonl": lines(log()), "d.jsonl.part": lines(log())})
    assert done.skipped == [
        (".b.jsonl", "hidden"),
        (".git/c.jsonl", "hidden"),
        ("a.jsonl", "empty"),
        ("d.jsonl.part", "still being written"),
    ]
    assert (done.new_files, done.rows_in, done.refused) == (0, 0, [])


def test_a_book_without_an_inbox_has_nothing_to_take(tmp_path: Path) -> None:
    inbox, done = take(tmp_path, {})
    assert (done, inbox.raw_files()["outcomes"], inbox.quarantine().height) == (Ingested(), [], 0)


def test_a_broken_line_is_set_aside_with_its_number_and_text_and_the_rest_stays(tmp_path: Path) -> None:
    inbox, done = take(tmp_path, {"a.jsonl": lines(log(), '{"request_id": ', "", log("r2"))})
    assert (done.rows_in, done.rows_typed, done.quarantined, rows(inbox)) == (3, 2, 1, ["r1", "r2"])
    [row] = inbox.quarantine().rows(named=True)
    assert (row["file"], row["line"], row["raw_text"]) == ("a.jsonl", 2, "{(the rest is dropped: it may hold messages)")
    assert row["reason"] == "not JSON: Input data was truncated"


def test_a_very_long_broken_line_is_cut(tmp_path: Path) -> None:
    inbox, _ = take(tmp_path, {"a.jsonl": lines('{"occurred_at": "2026-10-01", "unit": "ticket"}', "x" * 100_000)})
    assert inbox.quarantine()["raw_text"].str.len_chars().to_list() == [4096]


def test_tables_of_files_and_of_what_was_set_aside_have_the_columns_sql_expects(tmp_path: Path) -> None:
    inbox, _ = take(tmp_path, {"a.jsonl": lines(log(), "x", log("r2", startTime="2026-10-03T00:00:00Z"))})
    types = {"VARCHAR": pl.String, "BIGINT": pl.Int64, "DATE": pl.Date}
    for name, frame in {"raw.input_file": inbox.input_files(), "raw.quarantine": inbox.quarantine()}.items():
        assert dict(frame.schema) == {column: types[dtype] for column, (dtype, _) in read_inputs()[name].items()}
    [file] = inbox.input_files().rows(named=True)
    assert (file["rows_in"], file["rows_typed"], file["quarantined"], file["filtered"]) == (3, 2, 1, 0)
    assert (str(file["first_day"]), str(file["last_day"])) == ("2026-10-01", "2026-10-03")


def test_rows_lie_sorted_by_day_and_line_whatever_the_order_in_the_file(tmp_path: Path) -> None:
    days = ("2026-10-03", "2026-10-01", "2026-10-02", "2026-10-01")
    inbox, _ = take(tmp_path, {"a.jsonl": lines(*(log(f"r{n}", startTime=f"{day}T00:00:00Z") for n, day in enumerate(days)))})
    [file] = inbox.raw_files()["litellm_spendlogs"]
    assert pl.read_parquet(file.path)["request_id"].to_list() == ["r1", "r3", "r2", "r0"]
    assert file.days == {"2026-10-01": 2, "2026-10-02": 1, "2026-10-03": 1}


def test_the_order_in_which_files_arrive_changes_no_byte(tmp_path: Path) -> None:
    files = {f"f{n}.jsonl": lines(*(log(f"r{n}-{m}") for m in range(50)), "broken") for n in range(5)}
    take(tmp_path / "all", files)
    for name in sorted(files, reverse=True):
        take(tmp_path / "single", {name: files[name]})
    assert lake(tmp_path / "all") == lake(tmp_path / "single")
    assert len(lake(tmp_path / "all")) == 10


def test_the_same_file_of_many_rows_gives_the_same_bytes(tmp_path: Path) -> None:
    starts = [f"2026-10-{1 + n * 7 % 28:02d}T00:00:00Z" for n in range(150_000)]
    content = "".join(f'{{"occurred_at":"{start}","unit":"t","quantity":{n}}}\n' for n, start in enumerate(starts))
    for book in ("one", "two"):
        assert take(tmp_path / book, {"a.jsonl": content})[1].rows_typed == 150_000
    assert lake(tmp_path / "one") == lake(tmp_path / "two")


def test_a_removed_file_keeps_its_rows(tmp_path: Path) -> None:
    take(tmp_path, {"a.jsonl": lines(log())})
    (tmp_path / "inbox/a.jsonl").unlink()
    inbox, done = take(tmp_path, {"b.jsonl": lines(log("r2"))})
    assert (rows(inbox), done.rows_in) == (["r1", "r2"], 2)


def test_a_changed_file_supersedes_its_older_content(tmp_path: Path) -> None:
    take(tmp_path, {"a.jsonl": lines(log(), "broken")})
    inbox, done = take(tmp_path, {"a.jsonl": lines(log("r2"))})
    assert (rows(inbox), done.rows_in, inbox.quarantine().height) == (["r2"], 1, 0)
    assert len(lake(tmp_path)) == 1


def test_another_mapping_reads_the_same_file_anew(tmp_path: Path) -> None:
    source = {"name": "own", "path": "*", "format": "mapped", "mapping": {"kind": "outcome", "columns": {"occurred_at": "at", "unit": "u"}}}
    inbox, _ = take(tmp_path, {"a.csv": "at,u,v\n2026-10-01,t,x\n"}, source)
    [before] = inbox.raw_files()["mapped_outcome"]
    source["mapping"] = {"kind": "outcome", "columns": {"occurred_at": "at", "unit": "v"}}
    inbox, done = take(tmp_path, {}, source)
    [after] = inbox.raw_files()["mapped_outcome"]
    assert (done.new_files, pl.read_parquet(after.path)["unit"].to_list()) == (1, ["x"])
    assert before.recipe != after.recipe


def test_a_refused_file_is_tried_again_once_the_book_names_it(tmp_path: Path) -> None:
    assert take(tmp_path, {"a.csv": "at,u\n2026-10-01,t\n"})[1].refused
    source = {"name": "own", "path": "*", "format": "mapped", "mapping": {"kind": "outcome", "columns": {"occurred_at": "at", "unit": "u"}}}
    _, done = take(tmp_path, {}, source)
    assert (done.refused, done.rows_typed) == ([], 1)


def test_a_lost_parquet_file_is_made_again(tmp_path: Path) -> None:
    take(tmp_path, {"a.jsonl": lines(log(), "broken")})
    before = lake(tmp_path)
    for name in before:
        (tmp_path / name).unlink()
        assert take(tmp_path, {})[1].new_files == 1
        assert lake(tmp_path) == before


def test_a_lost_ledger_loses_no_row_that_only_the_lake_has(tmp_path: Path) -> None:
    take(tmp_path, {"a.jsonl": lines(log())})
    (tmp_path / "inbox/a.jsonl").unlink()
    before = lake(tmp_path)
    (tmp_path / "lake/_state/raw.json").unlink()
    take(tmp_path, {"b.jsonl": lines(log("r2"))})
    assert before.items() <= lake(tmp_path).items()


def test_progress_names_each_file_that_is_read(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "inbox").mkdir(exist_ok=True)
        (tmp_path / f"inbox/{name}.jsonl").write_bytes(lines(log(name)))
    told: list[tuple[str, int, int]] = []
    Inbox(tmp_path, []).ingest(lambda *args: told.append(args))
    assert told == [("a.jsonl", 1, 2), ("b.jsonl", 2, 2)]


def test_a_csv_with_a_byte_order_mark_quotes_and_carriage_returns_is_read(tmp_path: Path) -> None:
    content = (
        b'\xef\xbb\xbf"occurred_at",unit,quantity,team\r\n2026-10-01,t,2,"a, ""b""\r\nand c"\r\n2026-10-01,t,9.7,x\r\n2026-10-01,t,3,\r\n'
    )
    inbox, done = take(tmp_path, {"a.csv": content})
    [file] = inbox.raw_files()["outcomes"]
    assert pl.read_parquet(file.path).select("line", "quantity", "team").rows() == [(3, 2, 'a, "b"\r\nand c'), (5, 3, None)]
    assert (done.rows_in, inbox.quarantine()["line"].to_list()) == (3, [4])


def test_the_name_of_a_source_reaches_its_rows_as_it_is_written(tmp_path: Path) -> None:
    inbox, _ = take(tmp_path, {"x/a.jsonl": lines(log())}, {"name": "Bob's gateway", "path": "x/*", "format": "litellm_spendlogs"})
    [file] = inbox.raw_files()["litellm_spendlogs"]
    assert pl.read_parquet(file.path)["source"].to_list() == ["Bob's gateway"]


def test_recognising_takes_nothing_in(tmp_path: Path) -> None:
    for name, content in {"a.jsonl": lines(log()), "b.csv": b"colour\nred\n"}.items():
        (tmp_path / "inbox").mkdir(exist_ok=True)
        (tmp_path / "inbox" / name).write_bytes(content)
    found = dict(Inbox(tmp_path, []).recognise())
    assert (found["a.jsonl"], found["b.csv"].split(";")[0]) == ("litellm_spendlogs", "is of no known format")
    assert not (tmp_path / "lake").exists()
