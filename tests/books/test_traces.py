"""The whole job on real traces; they lie beside the repository and are not part of it.

What a trace lacks (owner, price, calendar) is an assumption of its book here; totals are nobody's bill.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from running import run
from small import make_small

from meterbook.assets.workspace import Workspace

pytestmark = pytest.mark.early

HERE = Path(__file__).parent
TRACES = HERE.parents[2] / "shared" / "traces"
HELIOS_PENDING_GPU_SECONDS = 164_417_820
"""45,671.6 GPU hours: sixty times the sum of pending_gpu_num over all rows."""


@contextmanager
def _ran(name: str, trace: str, folder: Path) -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    if not (TRACES / trace).is_file():
        pytest.skip(f"the trace {trace} is not beside this repository")
    book = folder / name
    shutil.copytree(HERE / name, book)
    (book / "inbox").mkdir()
    shutil.copy(TRACES / trace, book / "inbox")
    code, said = run(book)
    assert code == 0, said
    with Workspace(book).catalog.connect() as con:
        yield con, book


@pytest.mark.nightly
def test_aider_arrives_whole_and_its_dearest_request_is_found(tmp_path: Path) -> None:
    with _ran("aider", "aider_events.jsonl.gz", tmp_path) as (con, book):
        tokens = "sum(input_tokens + coalesce(cache_read_tokens, 0)), sum(output_tokens)"
        query = f"select count(*), {tokens}, sum(reported_cost_usd) from core.request"
        [(requests, prompt, completion, reported)] = con.execute(query).fetchall()
        assert (requests, prompt, completion) == (5_522, 72_967_539, 2_955_782)
        assert abs(reported - Decimal("10182.700052")) < Decimal("0.000001")
        assert con.execute("select rows_in, filtered, quarantined from marts.input_file").fetchall() == [(35_402, 35_402 - 5_522, 0)]
        found = "select kind, cause from marts.anomaly where day = '2025-05-07' and dimension = 'total' and measure = 'cost'"
        [(kind, cause)] = con.execute(found).fetchall()
        assert kind == "spike"
        assert cause.startswith("one request of $9,990.01")
        [(unknown,)] = con.execute("select sum(requests) from marts.coverage where reason <> 'priced'").fetchall()
        assert 0 < unknown < 5_522
        free = "select count(*) from core.request_cost where unpriced_reason is not null and cost_usd = 0"
        assert con.execute(free).fetchall() == [(0,)]
        assert con.execute("select count(*) from marts.conservation where difference_usd <> 0").fetchall() == [(0,)]
        page = (book / "reports" / "weekly" / "2025-W19.html").read_text()
        assert "$9,990.01" in page


@pytest.mark.nightly
def test_servegen_is_priced_by_client_and_rows_without_tokens_stay_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_small(monkeypatch)
    with _ran("servegen", "servegen_usage_6h.parquet", tmp_path) as (con, _):
        [(rows, requests)] = con.execute("select count(*), sum(requests) from core.usage").fetchall()
        assert (rows, requests) == (9_434, 3_822_705_582)
        unknown = "select count(*), count(cost_usd) from core.usage_cost where unpriced_reason = 'no tokens'"
        assert con.execute(unknown).fetchall() == [(3_007, 0)]
        priced = con.execute("select sum(cost_usd) from core.usage_cost").fetchall()
        assert priced == con.execute("select sum(cost_usd) from marts.chargeback_tenant").fetchall()
        tenants = "select count(distinct tenant) from marts.chargeback_tenant"
        clients = "select count(distinct tenant) from core.usage join core.usage_cost as cost using (usage_id, day) where cost.cost_usd > 0"
        assert con.execute(tenants).fetchall() == con.execute(clients).fetchall()
        [(whole, posted)] = con.execute("select sum(cost_usd), sum(posted_usd) from marts.chargeback_tenant").fetchall()
        assert abs(whole - posted) <= Decimal("0.005")


@pytest.mark.nightly
def test_helios_keeps_every_gpu_hour_by_team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_small(monkeypatch, date(2020, 1, 1))
    with _ran("helios", "helios_vc_gpu_minute.parquet", tmp_path) as (con, _):
        query = "select sum(capacity_seconds), sum(free_idle_seconds), sum(unknown_seconds), sum(cost_usd) from core.gpu_hour"
        [(capacity, idle, unknown, cost)] = con.execute(query).fetchall()
        assert (capacity, unknown) == (636_864 * 3600, 0)
        assert round(Decimal(int(idle)) / 3600, 2) == Decimal("212091.38")
        assert cost == 636_864 * Decimal("1.37")
        by_team = dict(con.execute("select team, sum(cost_usd) from marts.cost group by team").fetchall())
        assert len(by_team) == 16
        assert sum(by_team.values()) == cost
        [(first, last)] = con.execute("select min(day), max(day) from core.gpu_hour").fetchall()
        assert (first, last) == (date(2020, 5, 1), date(2020, 5, 31))
        # A sample stands for its minute: what waited by day and pool is counted from the file itself, without any of our tables.
        trace = f"read_parquet('{TRACES / 'helios_vc_gpu_minute.parquet'}')"
        pending = "60 * sum(pending_gpu_num), 60 * sum(pending_gpujob_num)"
        counted = con.execute(f"select cast(time as date), vc, {pending} from {trace} group by all order by all").fetchall()
        waited = "select day, pool, sum(pending_gpu_seconds), sum(pending_job_seconds) from marts.queue_hour group by all order by all"
        assert con.execute(waited).fetchall() == counted
        assert sum(row[2] for row in counted) == HELIOS_PENDING_GPU_SECONDS
        # Counted from the trace alone: by hour the lesser of the GPUs that waited and those that were idle; and what could move.
        parts = ("waiting", "waited_while_free", "shift_low", "shift_high")
        found = con.execute(f"select {', '.join(f'sum({part}_gpu_seconds)' for part in parts)} from marts.queue_shift").fetchall()
        assert found == [(HELIOS_PENDING_GPU_SECONDS, 31_080_060, 22_423_920, 73_165_980)]
