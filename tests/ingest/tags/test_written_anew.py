"""Spend logs of which tags are asked for go to DuckDB as what they mean, not as they lie there."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from meterbook.assets.content import Content
from meterbook.assets.ingest import _duck, _lines, formats, litellm_spendlogs
from meterbook.assets.ingest._typed_rows import Rows
from meterbook.assets.sources import Options, Reading

READING = Reading(options=Options(tags=("unit*",)), prompt_key=b"a key of the book")
SHORTEST: Mapping[str, Any] = {"request_id": "r", "startTime": "2026-11-05", "status": "failure"}
MEDIA = {"usage_object": {"prompt_tokens_details": {"audio_tokens": 1}}, "spend_logs_metadata": {"unit": "u"}}
SPECIAL = {"request_id": "r", "startTime": "2026-11-05", "prompt_tokens": 1, "completion_tokens": 1, "messages": "x", "metadata": MEDIA}


@pytest.mark.parametrize("log", [SHORTEST, SPECIAL], ids=["shortest", "with all that only settling knows"])
def test_a_record_does_not_grow_beyond_what_the_pipes_are_counted_for(log: Mapping[str, Any], tmp_path: Path) -> None:
    text = json.dumps(log, separators=(",", ":")).encode()
    (tmp_path / "a").write_bytes(text)
    rows = Rows()
    [anew] = litellm_spendlogs._READER._anew(Content(tmp_path / "a"), rows, READING)
    assert rows.quarantined == 0
    assert len(text) < len(anew) <= _lines._GROWTH * len(text)


def test_records_that_go_through_many_pipes_all_arrive_with_their_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_duck, "PIPE", 2**12)
    monkeypatch.setattr("meterbook.assets.content.CHUNK", 2**12)
    log = {**SHORTEST, "metadata": {"spend_logs_metadata": {"unit": "search"}}}
    (tmp_path / "a").write_text("".join(json.dumps({**log, "request_id": f"r{n}"}) + "\n" for n in range(500)), "utf-8")
    rows = formats()["litellm_spendlogs"].read(Content(tmp_path / "a"), Reading(options=READING.options, folder=tmp_path))
    found = pl.read_parquet(rows.typed or "").select("line", "request_id", "tags").rows()
    assert found == [(n + 1, f"r{n}", '{"unit":"search"}') for n in range(500)]
