"""How the book wants GPU pools sized, and from samples to the week's advice."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from small import built, limited, write

from meterbook.assets.book import Book, BookError
from meterbook.assets.book_tables import tables_of
from meterbook.assets.workspace import Workspace
from meterbook.reports.frame import Frame, PageFacts
from meterbook.reports.gpu_evidence import reservations
from meterbook.reports.gpu_levers import advice
from meterbook.reports.gpu_need import Needs, size
from meterbook.reports.periods import week
from meterbook.sql.models import read_inputs

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("all_small")]
ASKED = ("marts.commitment", *(f"marts.gpu_{name}" for name in ("pool_hour", "fleet", "memory", "offer", "idle", "use")))
BOOK = """\
name: Acme
time_zone: Europe/Berlin
sources:
  - name: samples
    path: "samples.csv"
    format: mapped
    mapping:
      kind: gpu_sample
      columns: {sampled_at: at, device_id: node, gpus: gpus, used_gpus: used, team: team}
      constants: {interval_seconds: 300, pool: training}
gpu_pools:
  training: {rate: gpu/own, owner: red, target_utilization: 0.5, spare: 2, unit: 4, lead_days: 10}
"""
CARD = """\
provider: gpu
models:
  own:
    rates:
      - {starts_on: 2020-01-01, gpu_hour: 2, source: x, checked_on: 2026-01-01}
      - {tier: reserved_1y, starts_on: 2020-01-01, gpu_hour: 1, source: x, checked_on: 2026-01-01}
"""
COMMITMENTS = """\
reserved_gpu:
  - {name: ours, pool: training, gpus: 6, price: {hourly: 1}, starts_on: 2026-01-01}
"""


def _book(folder: Path, text: str = BOOK, commitments: str = COMMITMENTS) -> Path:
    write(folder / "meterbook.yaml", [text])
    write(folder / "rate_cards/gpu.yaml", [CARD])
    write(folder / "commitments.yaml", [commitments])
    # From six to eighteen o'clock in Berlin, which is two hours ahead, four GPUs of sixteen work.
    rows = [
        f"2026-10-{day:02}T{hour:02}:{minute:02}:00Z,n1,16,{4 if 4 <= hour < 16 else 0},blue"
        for day in range(5, 13)
        for hour in range(24)
        for minute in range(0, 60, 5)
    ]
    write(folder / "inbox/samples.csv", ["at,node,gpus,used,team", *rows])
    return folder


def test_samples_become_the_need_of_the_week_in_the_books_clock(tmp_path: Path) -> None:
    workspace = built(limited(Workspace(_book(tmp_path / "book")), *ASKED))
    facts = PageFacts("Acme", "showback", [], 0, 0, date(2026, 10, 12), "", is_closed=False, owner_target=Decimal(1))
    with workspace.catalog.connect() as con:
        frame = Frame(con, week("2026-W42", date(2026, 10, 12)), facts)
        [pool] = frame.gpu_pools
        held = reservations(frame)
        found = advice([pool], held)
    assert (pool.name, pool.owner, pool.gpus, pool.committed, pool.open_usd) == ("training", "red", 16, 6, 2)
    assert {hour.hour_of_week % 24 for hour in pool.hours if hour.used} == set(range(6, 18))
    sized = size(pool)
    assert sized is not None
    # 4 / .5 + 2; as held 4 + 2, but no less; a little over 2 / .5 + 2 in the mean. Six are committed: ten may go, in fours.
    assert sized.needs == Needs(10, 10, 7)
    assert (sized.low, sized.point, sized.high) == (4, 4, 8)
    [release] = [one for one in found if one.lever == "size"]
    assert release.usd == (4 * 2 * 8760, 4 * 2 * 8760, 8 * 2 * 8760)
    assert (held[0].gpus, held[0].least_unused, held[0].unused_cost_usd) == (6, 0, 0)
    assert [(offer.tier, offer.usd) for offer in pool.offers] == [("reserved_1y", 1), ("standard", 2)]


def test_gpus_reserved_without_a_device_are_known_by_day(tmp_path: Path) -> None:
    workspace = built(limited(Workspace(_book(tmp_path / "book", commitments=COMMITMENTS.replace("gpus: 6", "gpus: 20"))), *ASKED))
    with workspace.catalog.connect() as con:
        query = "select least_unused, unused_cost_usd, cost_usd from marts.commitment where day = '2026-10-06'"
        assert con.execute(query).fetchall() == [(4 * 3600, 4 * 24, 20 * 24)]


def test_the_table_of_pools_says_how_they_are_sized(tmp_path: Path) -> None:
    table = tables_of(Book(_book(tmp_path / "book")))["book.gpu_pool"]
    assert set(table.columns) == set(read_inputs()["book.gpu_pool"])
    assert table.select("target_utilization", "spare_gpus", "unit_gpus", "lead_days").rows() == [(Decimal("0.5"), 2, 4, 10)]
    silent = tables_of(Book(_book(tmp_path / "silent", BOOK.split(", target_utilization")[0] + "}")))["book.gpu_pool"]
    assert silent.select("target_utilization", "spare_gpus", "unit_gpus", "lead_days").rows() == [(Decimal("0.7"), 1, 1, 30)]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("target_utilization: 0.5", "target_utilization: 0", "gpu_pools.training.target_utilization"),
        ("target_utilization: 0.5", "target_utilization: 70", "gpu_pools.training.target_utilization"),
        ("spare: 2", "spare: -1", "gpu_pools.training.spare"),
        ("unit: 4", "unit: 0", "gpu_pools.training.unit"),
        ("lead_days: 10", "lead_days: soon", "gpu_pools.training.lead_days"),
    ],
)
def test_a_wrong_size_is_an_error_of_the_book_with_its_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(BookError) as error:
        Book(_book(tmp_path / "book", BOOK.replace(old, new)))
    assert f"meterbook.yaml:12: {message}" in str(error.value)
