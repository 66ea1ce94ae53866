"""What files of an inbox say of each other, whatever the order they came in."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbook.assets.inbox import Inbox, Ingested
from meterbook.assets.ledger import Entry, Listed
from meterbook.assets.verdicts import Verdicts, verdicts


def file(name: str, **more: Any) -> Entry:
    return Entry(**{"file": name, "bytes": 1, "mtime_ns": 0, "sha256": name, "recipe": "", "format": "bill", **more})


def judge(*files: Entry) -> Verdicts:
    return verdicts(files, {})


def month(*days: int) -> dict[str, dict[str, int]]:
    return {"aws 1 2026-10": {f"2026-10-{day:02}": 1 for day in days}}


def test_a_file_short_of_its_manifest_is_refused_with_both_counts() -> None:
    manifest = file("run/manifest.json", format="manifest", manifest=[Listed("exports/run/part_0.csv", 4)])
    found = judge(manifest, file("run/part_0.csv", rows_in=3))
    assert found.refused == {"run/part_0.csv": "holds 3 rows where its manifest run/manifest.json names 4; export it again"}
    assert judge(manifest, file("run/part_0.csv", rows_in=4)).refused == {}


def test_a_file_its_manifest_names_and_nobody_brought_is_flagged() -> None:
    found = judge(file("m.json", format="manifest", manifest=[Listed("a/part-2.csv", 4)]), file("part-1.csv", rows_in=4))
    assert found.flags == [("m.json", "names a/part-2.csv, which is not in the inbox")]


def test_a_name_that_several_files_have_elsewhere_means_none_of_them() -> None:
    manifest = file("run/m.json", format="manifest", manifest=[Listed("exports/20261001/part_0_0001.csv", 4)])
    found = judge(manifest, file("actual/part_0_0001.csv", rows_in=2), file("focus/part_0_0001.csv", rows_in=3))
    assert (found.refused, found.flags) == ({}, [("run/m.json", "names exports/20261001/part_0_0001.csv, which is not in the inbox")])


def test_files_of_one_name_are_told_apart_by_their_folders() -> None:
    listed = [Listed("p/observations/2026-10-05.jsonl", 4), Listed("p/traces/2026-10-05.jsonl", 1)]
    manifest = file("m.json", format="manifest", manifest=listed)
    found = judge(manifest, file("p__observations__2026-10-05.jsonl", rows_in=4))
    assert (found.refused, found.flags) == ({}, [("m.json", "names p/traces/2026-10-05.jsonl, which is not in the inbox")])
    both = judge(manifest, file("observations/2026-10-05.jsonl", rows_in=3), file("traces/2026-10-05.jsonl", rows_in=1))
    assert list(both.refused) == ["observations/2026-10-05.jsonl"]


def test_a_manifest_means_the_file_beside_it_before_one_of_the_same_name_elsewhere() -> None:
    manifest = file("new/m.json", format="manifest", manifest=[Listed("part.csv", 4)])
    assert judge(manifest, file("old/part.csv", rows_in=3), file("new/part.csv", rows_in=4)).refused == {}
    assert list(judge(manifest, file("old/part.csv", rows_in=4), file("new/part.csv", rows_in=3)).refused) == ["new/part.csv"]


def test_a_page_that_says_has_more_is_flagged_until_a_later_page_is_there() -> None:
    first = file("1.json", days={"2026-10-01": 1}, continues_on="2026-10-08")
    assert judge(first).flags == [("1.json", "has more pages, and none of them is in the inbox")]
    assert judge(first, file("2.json", days={"2026-10-07": 1})).flags != []
    assert judge(first, file("2.json", days={"2026-10-08": 1})).flags == []
    assert judge(first, file("2.json", days={"2026-10-08": 1}, format="other")).flags != []


def test_of_two_exports_of_a_month_the_one_that_reaches_further_counts() -> None:
    found = judge(file("early.csv", units=month(1, 2)), file("late.csv", units=month(1, 2, 3)))
    assert found.superseded == {"early.csv": {"aws 1 2026-10": "late.csv"}}


def test_of_two_exports_that_reach_as_far_the_later_run_counts() -> None:
    found = judge(file("oct/202611010200/a.csv", units=month(31)), file("oct/202611050200/a.csv", units=month(31)))
    assert list(found.superseded) == ["oct/202611010200/a.csv"]


def test_parts_of_one_run_all_count() -> None:
    parts = [file(f"data/acme-0000{n}.csv.gz", units=month(n)) for n in (1, 2, 3)]
    assert judge(*parts).superseded == {}
    shards = [file(f"part_{n}_0001.csv", units=month(n)) for n in (1, 2, 3)]
    assert judge(*shards).superseded == {}


def test_of_two_formats_of_one_bill_one_counts() -> None:
    found = judge(file("a.csv", units=month(1), format="cur"), file("a.csv2", units=month(1), format="focus", rank=1))
    assert list(found.superseded) == ["a.csv"]


def test_exports_that_the_book_says_add_up_all_count() -> None:
    assert judge(file("a.csv", units=month(1), adds=True), file("b.csv", units=month(1), adds=True)).superseded == {}


def test_a_refused_export_replaces_nothing() -> None:
    manifest = file("m.json", format="manifest", manifest=[Listed("late.csv", 9)])
    found = judge(manifest, file("early.csv", units=month(1)), file("late.csv", units=month(1, 2), rows_in=2))
    assert found.superseded == {}


EXPORTS = {"a.csv": (1,), "b.csv": (1, 2), "c.csv": (2,), "d.csv": (1, 2)}


@given(st.permutations([file(name, units=month(*days)) for name, days in EXPORTS.items()]))
def test_the_order_of_files_changes_no_verdict(files: list[Entry]) -> None:
    assert judge(*files).superseded == {name: {"aws 1 2026-10": "d.csv"} for name in ("a.csv", "b.csv", "c.csv")}


def take(book: Path, **files: str) -> tuple[Inbox, Ingested]:
    (book / "inbox").mkdir(exist_ok=True)
    for name, text in files.items():
        (book / "inbox" / name.replace("_DOT_", ".")).write_text(text, "utf-8")
    inbox = Inbox(book, ())
    return inbox, inbox.ingest()


OUTCOMES = "occurred_at,unit,quality_score\n2026-10-01,ticket,0.5\n2026-10-01,ticket,0.25\n"


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ({"rows": 2, "sums": {"quality_score": "0.75"}}, []),
        ({"rows": 3}, [("a.csv", "holds 2 rows where its manifest m.json names 3; export it again")]),
        (
            {"sums": {"quality_score": "0.8"}},
            [("a.csv", "has quality_score of 0.750000 where its manifest m.json says 0.8; export it again")],
        ),
    ],
)
def test_control_totals_of_a_manifest_are_held_against_the_file(tmp_path: Path, said: Any, refused: Any) -> None:
    manifest = json.dumps({"meterbook_manifest": 1, "files": [{"name": "a.csv", **said}]})
    inbox, done = take(tmp_path, a_DOT_csv=OUTCOMES, m_DOT_json=manifest)
    assert done.refused == refused
    assert len(inbox.raw_files()["outcomes"]) == 1 - len(refused)
    assert (done.rows_in, done.new_files) == (2 - 2 * len(refused), 2 - len(refused))


def test_a_cut_file_is_taken_once_it_is_whole(tmp_path: Path) -> None:
    manifest = json.dumps({"meterbook_manifest": 1, "files": [{"name": "a.csv", "rows": 3, "sums": {"quality_score": "0.8"}}]})
    _, cut = take(tmp_path, a_DOT_csv=OUTCOMES, m_DOT_json=manifest)
    _, whole = take(tmp_path, a_DOT_csv=OUTCOMES + "2026-10-01,ticket,0.05\n")
    assert (len(cut.refused), whole.refused, whole.rows_in) == (1, [], 3)


@pytest.mark.parametrize(
    "manifest",
    [
        {"exportConfig": {}, "blobCount": 1, "dataRowCount": 3, "blobs": [{"blobName": "x/y/a.csv"}]},
        {"exportConfig": {}, "blobs": [{"blobName": "x/a.csv", "dataRowCount": 3}]},
        {"exportSource": "EVENTS", "files": [{"key": "p/a.csv", "rowCount": 3}]},
    ],
    ids=["azure run", "azure blob", "langfuse"],
)
def test_manifests_of_exports_are_honoured(tmp_path: Path, manifest: Any) -> None:
    _, done = take(tmp_path, a_DOT_csv=OUTCOMES, m_DOT_json=json.dumps(manifest, indent=2))
    assert done.refused == [("a.csv", "holds 2 rows where its manifest m.json names 3; export it again")]


def test_a_manifest_that_cannot_be_read_is_refused_in_one_line(tmp_path: Path) -> None:
    _, done = take(tmp_path, m_DOT_json='{"meterbook_manifest": 1, "files": [{"rows": 3}]}')
    assert done.refused == [("m.json", "is a manifest that cannot be read: KeyError 'name'")]


def test_rows_dated_after_the_file_was_written_are_flagged(tmp_path: Path) -> None:
    _, done = take(tmp_path, a_DOT_csv=OUTCOMES + "2098-01-01,ticket,1\n")
    assert done.flagged == [("a.csv", "holds 1 rows dated after the file was written (2098-01-01 and later)")]


def test_an_export_of_exactly_as_many_rows_as_its_source_gives_is_flagged(tmp_path: Path) -> None:
    log = '{"request_id": "r%d", "startTime": "2026-10-01", "spend": 1, "custom_llm_provider": "openai", "status": "failure"}\n'
    _, done = take(tmp_path, a_DOT_jsonl="".join(log % n for n in range(10_000)))
    assert done.flagged == [("a.jsonl", "holds exactly 10,000 rows, where its source cuts exports at 10,000: more may be missing")]
