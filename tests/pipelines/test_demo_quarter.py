"""The sample company as `meterbook demo` leaves it: its quarter closed, a late file corrected in the open month."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from running import typed

from meterbook.assets.workspace import Workspace


@pytest.mark.nightly
def test_the_quarter_is_closed_and_what_came_late_is_corrected_to_the_pico_dollar(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    said = typed(folder, "demo", str(folder), "--days", "40")
    assert said.code == 0, said.err
    assert "closed 2026-09; now inbox/gateway/cluster-eu-late.jsonl.gz turns up" in said.out
    assert typed(folder, "audit").code == 0
    record = json.loads((folder / "closed/2026-09/close.json").read_text("utf-8"))
    with Workspace(folder).catalog.connect() as con:
        [(closed, now, due)] = con.execute("select closed_usd, now_usd, due_usd from marts.closed_month").fetchall()
        [(posted,)] = con.execute("select sum(cost_usd) from core.allocation where corrects_period = '2026-09'").fetchall()
        moved = con.execute(
            "select distinct cost_centre from marts.chargeback where team = 'sales' and period = '2026-10' order by 1"
        ).fetchall()
    assert Decimal(record["cost_usd"]) == closed
    assert now - closed == due == posted != 0
    assert [centre for (centre,) in moved] == ["CC-1400", "CC-1410", "CC-1420"]
