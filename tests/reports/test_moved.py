from datetime import date
from decimal import Decimal
from itertools import pairwise

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbook.reports.charts import LINE_HEIGHT, spread
from meterbook.reports.frame import Frame
from meterbook.reports.page import PageFacts
from meterbook.reports.periods import week
from meterbook.reports.sections.moved import bridge, effects, movers

Con = duckdb.DuckDBPyConnection


def _frame(con: Con, facts: PageFacts, name: str = "2026-W43", through: date | None = None) -> Frame:
    return Frame(con, week(name, through or facts.data_through), facts)


@pytest.mark.parametrize(
    ("name", "through"), [("2026-W31", None), ("2026-W36", None), ("2026-W43", None), ("2026-W43", date(2026, 10, 20))]
)
def test_the_parts_of_a_bridge_add_up_to_the_change_exactly(name: str, through: date | None, lake: Con, facts: PageFacts) -> None:
    frame = _frame(lake, facts, name, through)
    assert sum(value for _, value in bridge(frame)) == frame.now - frame.before


def test_volume_and_rate_of_each_feature_are_its_change_exactly(lake: Con, facts: PageFacts) -> None:
    frame = _frame(lake, facts)
    query = """
        select feature, sum(case when day >= '2026-10-19' then cost_usd else -cost_usd end) from marts.cost
        where line = 'Model usage' and day >= '2026-10-12' group by feature
    """
    assert {effect.feature: effect.total for effect in effects(frame)} == dict(lake.execute(query).fetchall())


def test_twice_the_requests_at_the_same_price_is_all_volume(lake: Con, facts: PageFacts) -> None:
    lake.execute("delete from marts.cost where feature = 'drafts'; delete from marts.spend where feature = 'drafts'")
    for day, requests, cost in ((date(2026, 10, 13), 100, 10), (date(2026, 10, 20), 200, 20)):
        lake.execute("insert into marts.cost values (?, 'Model usage', 'sales', 'bolt', 'drafts', ?)", [day, cost])
        lake.execute("insert into marts.spend (day, feature, requests) values (?, 'drafts', ?)", [day, requests])
    (effect,) = [effect for effect in effects(_frame(lake, facts)) if effect.feature == "drafts"]
    assert (effect.volume, effect.rate) == (Decimal(10), Decimal(0))


def test_a_dearer_request_is_all_rate_and_a_new_feature_all_volume(lake: Con, facts: PageFacts) -> None:
    lake.execute("delete from marts.cost where line = 'Model usage'; delete from marts.spend")
    rows = (("same", date(2026, 10, 13), 100, 10), ("same", date(2026, 10, 20), 100, 15), ("new", date(2026, 10, 20), 7, 3))
    for feature, day, requests, cost in rows:
        lake.execute("insert into marts.cost values (?, 'Model usage', 'sales', 'bolt', ?, ?)", [day, feature, cost])
        lake.execute("insert into marts.spend (day, feature, requests) values (?, ?, ?)", [day, feature, requests])
    found = {effect.feature: (effect.volume, effect.rate) for effect in effects(_frame(lake, facts))}
    assert found == {"same": (Decimal(0), Decimal(5)), "new": (Decimal(3), Decimal(0))}


def test_the_largest_mover_comes_first(lake: Con, facts: PageFacts) -> None:
    lake.execute("insert into marts.cost values ('2026-10-20', 'Model usage', 'sales', 'bolt', 'drafts', 9000)")
    name, value = movers(_frame(lake, facts))[0]
    assert name == "drafts"
    assert value > 8000


@given(st.lists(st.floats(min_value=0, max_value=1000), min_size=1, max_size=3))
def test_labels_at_the_end_of_lines_never_touch_and_keep_their_order(values: list[float]) -> None:
    pixels_per_unit = 252 / 1000
    places = [value * pixels_per_unit + lift for value, lift in zip(values, spread(values, 1000), strict=True)]
    ordered = sorted(places)
    assert all(high - low >= LINE_HEIGHT - 1e-6 for low, high in pairwise(ordered))
    for one, value in zip(places, values, strict=True):
        assert all(one < other for other, bigger in zip(places, values, strict=True) if bigger > value)
