"""No reader raises, hangs or loses a row without a reason, whatever it is given."""

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from examples import IS_NIGHT
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutations import MUTATIONS, mutated

from meterbook.assets.content import Content, FileRefused
from meterbook.assets.inbox import Inbox
from meterbook.assets.ingest import formats
from meterbook.assets.ingest.format import Format, sample_of
from meterbook.assets.sources import Options, Reading, Source

pytestmark = pytest.mark.long

SAMPLES = {path.parent.name: path for path in sorted(Path(__file__).parents[1].glob("*/sample.*"))}
OWN = sorted(name for name in formats() if not name.startswith("mapped_"))
READINGS = (
    Reading(),
    Reading(options=Options(time_zone="Europe/Berlin", starts_at=datetime(2026, 10, 1, tzinfo=UTC), interval_seconds=30)),
)
PATIENCE = 20
"""Seconds after which a reader hangs; a spoilt sample is read in milliseconds."""
LONG = 10_000_000 if IS_NIGHT else 3_000_000
"""Bytes of a line: DuckDB, left to itself, takes no more than two million."""
SPOILT = st.tuples(st.lists(st.sampled_from(sorted(MUTATIONS)), min_size=1, max_size=3), st.integers(0, 2**32))


def look(one: Format, path: Path, reading: Reading) -> None:
    """Recognise and read; a refusal is an answer too."""
    started, said = time.monotonic(), ""
    try:
        sample = sample_of(Content(path))
        for other in formats().values():
            other.recognises(sample)
        rows = one.read(Content(path), reading)
    except FileRefused as refusal:
        said = str(refusal)
    if said:
        assert "\n" not in said
        return
    assert time.monotonic() - started < PATIENCE
    assert rows.rows_in == rows.rows_typed + rows.quarantined + rows.filtered
    assert all(row.reason and "\n" not in row.reason for row in rows.rejected)


@pytest.mark.parametrize("name", OWN)
def test_spoilt_samples_are_refused_or_accounted_for(name: str, tmp_path: Path) -> None:
    path, whole = tmp_path / "spoilt", SAMPLES[name].read_bytes()

    @settings(max_examples=25, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(SPOILT, st.sampled_from(READINGS))
    def spoil(how: tuple[list[str], int], reading: Reading) -> None:
        path.write_bytes(mutated(whole, *how))
        look(formats()[name], path, reading)

    spoil()


@pytest.mark.nightly
@pytest.mark.parametrize("name", OWN)
def test_two_thousand_spoilt_samples_reach_the_lake_or_the_quarantine(name: str, tmp_path: Path) -> None:
    whole = SAMPLES[name].read_bytes()
    path = tmp_path / "spoilt"

    @settings(max_examples=2_000, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(SPOILT, st.sampled_from(READINGS))
    def spoil(how: tuple[list[str], int], reading: Reading) -> None:
        path.write_bytes(mutated(whole, *how))
        look(formats()[name], path, reading)

    spoil()


@pytest.mark.parametrize("name", OWN)
def test_what_is_typed_of_a_spoilt_sample_is_published(name: str, tmp_path: Path) -> None:
    whole = SAMPLES[name].read_bytes()
    (tmp_path / "inbox").mkdir()
    for seed, how in enumerate(("value", "unquoted", "bytes", "lines")):
        (tmp_path / "inbox" / f"{seed}").write_bytes(mutated(whole, [how], seed))
    source = Source.model_validate({"name": "s", "path": "*", "format": name})
    inbox = Inbox(tmp_path, [source])
    done = inbox.ingest()
    assert done.new_files + done.copies + len(done.refused) == 4 - len(done.skipped)
    assert done.rows_in == done.rows_typed + done.quarantined + done.filtered


@pytest.mark.parametrize("name", OWN)
def test_a_line_of_millions_of_bytes_is_a_line(name: str, tmp_path: Path) -> None:
    whole = SAMPLES[name].read_bytes()
    (tmp_path / "long").write_bytes(whole + b"\n" + b"x" * LONG + b"\n" + whole)
    look(formats()[name], tmp_path / "long", Reading())
    quoted = whole.replace(b'"', b'"' + b"y" * LONG, 1)
    (tmp_path / "long").write_bytes(quoted)
    look(formats()[name], tmp_path / "long", Reading())
