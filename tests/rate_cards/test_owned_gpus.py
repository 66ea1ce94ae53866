"""GPUs of one's own in commitments.yaml: what a life costs, by the hour; and what power costs."""

import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterbook.rate_cards.amortise import Span, later
from meterbook.rate_cards.commitments import Commitments, load_commitments
from meterbook.rate_cards.entries import OPEN, CommitmentError
from meterbook.rate_cards.owned_gpus import OwnedGpu
from meterbook.rate_cards.schema import COMMITMENTS_PATH, commitments_schema
from meterbook.rate_cards.strict_yaml import load_yaml

PICO = Decimal("1E-12")
RACK = """\
owned_gpu:
  - name: rack one
    pool: research
    gpus: 8
    bought_on: 2026-01-31
    purchase_usd: 240000
    life_months: 48
    residual_usd: 24000
    hosting_monthly_usd: 2200
    owner: research
"""
POWER = """\
gpu_power:
  - {pool: research, starts_on: 2026-07-01, usd_per_kwh: 0.2, pue: 1.25}
  - {pool: research, starts_on: 2026-01-01, usd_per_kwh: 0.15, pue: 1.3, watts: 650, idle_watts: 90}
  - {pool: edge, starts_on: 2026-03-01, usd_per_kwh: 0.3}
"""


RESERVED = """\
reserved_gpu:
  - {name: cloud, pool: "res*", gpus: 2, price: {hourly: 1}, starts_on: 2026-06-01}
"""


def _load(folder: Path, text: str) -> Commitments:
    (folder / "commitments.yaml").write_text(text, "utf-8")
    return load_commitments(folder / "commitments.yaml")


def _sum(span: Span) -> Decimal:
    return span.hour_usd * (span.ends_on - span.starts_on).days * 24 + span.extra_hours * PICO


def test_a_purchase_loses_its_value_over_its_life_and_hosting_goes_on(tmp_path: Path) -> None:
    [(rack, [life, *hosting])] = _load(tmp_path, RACK).owned
    assert rack.capacity == 8 * 3600
    assert (life.starts_on, life.ends_on) == (date(2026, 1, 31), date(2030, 1, 31))
    assert _sum(life) == 240000 - 24000
    assert [(span.starts_on, span.ends_on) for span in hosting[:2]] == [
        (date(2026, 1, 31), date(2026, 2, 28)),
        (date(2026, 2, 28), date(2026, 3, 31)),
    ]
    assert {_sum(span) for span in hosting} == {Decimal(2200)}
    assert hosting[-1].ends_on > date(2099, 12, 1)


def test_what_is_written_off_and_costs_no_hosting_costs_a_known_nothing(tmp_path: Path) -> None:
    [(_, spans)] = _load(tmp_path, RACK.replace("    hosting_monthly_usd: 2200\n", "")).owned
    assert spans[1:] == (Span(date(2026, 1, 31), OPEN, Decimal(0)),)


def test_hosting_ends_with_the_machines(tmp_path: Path) -> None:
    [(_, spans)] = _load(tmp_path, f"{RACK}    ends_on: 2030-02-28\n").owned
    assert spans[-1].ends_on == date(2030, 2, 28)


@given(st.decimals(0, 10**8, places=6), st.decimals(0, 1, places=4), st.dates(date(2020, 1, 1), date(2035, 12, 31)), st.integers(1, 120))
def test_the_hours_of_a_life_sum_to_purchase_less_residual_whatever_they_are_divided_by(
    purchase: Decimal, share: Decimal, bought_on: date, months: int
) -> None:
    residual = (purchase * share).quantize(Decimal("0.000001"))
    rack = OwnedGpu(
        name="rack", pool="p", gpus=3, bought_on=bought_on, purchase_usd=purchase, life_months=months, residual_usd=min(residual, purchase)
    )
    life, after = rack.spans()
    count = (life.ends_on - life.starts_on) // timedelta(hours=1)
    hours = [life.hour_usd + (PICO if hour < life.extra_hours else 0) for hour in range(count)]
    assert sum(hours, Decimal(0)) == rack.purchase_usd - rack.residual_usd
    assert max(hours) - min(hours) <= PICO
    assert life.ends_on == later(bought_on, months)
    assert _sum(after) == 0


def test_purchases_of_one_name_add_up_and_may_differ_in_price_and_life(tmp_path: Path) -> None:
    second = RACK.partition("\n")[2].replace("48", "36").replace("240000", "50000").replace("2026-01-31", "2026-06-01")
    assert [one.purchase_usd for one, _ in _load(tmp_path, RACK + second).owned] == [240000, 50000]


def test_a_pool_may_be_owned_once_it_is_no_longer_reserved(tmp_path: Path) -> None:
    ended = RESERVED.replace("2026-06-01", "2025-06-01, ends_on: 2026-01-31")
    assert len(_load(tmp_path, RACK + ended).owned) == 1
    assert len(_load(tmp_path, RACK + RESERVED.replace("res*", "res[e]*")).owned) == 1


def test_a_price_of_power_holds_until_the_next_one_of_its_pool(tmp_path: Path) -> None:
    found = _load(tmp_path, POWER).power
    assert [(one.power.pool, one.starts_on, one.ends_on, one.power.kwh_usd) for one in found] == [
        ("edge", date(2026, 3, 1), OPEN, Decimal("0.3")),
        ("research", date(2026, 1, 1), date(2026, 7, 1), Decimal("0.195")),
        ("research", date(2026, 7, 1), OPEN, Decimal("0.25")),
    ]


def test_the_schema_of_commitments_is_in_step_and_knows_owned_gpus_and_power(tmp_path: Path) -> None:
    assert COMMITMENTS_PATH.read_text("utf-8") == commitments_schema()
    validator = jsonschema.Draft202012Validator(json.loads(commitments_schema()))
    (tmp_path / "commitments.yaml").write_text(RACK + POWER, "utf-8")
    given = json.loads(json.dumps(load_yaml(tmp_path / "commitments.yaml"), default=str))
    assert validator.is_valid(given)
    assert not validator.is_valid({**given, "owned_gpu": [{**given["owned_gpu"][0], "gpu": 1}]})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (RACK.replace("residual_usd", "residual"), "commitments.yaml:8: owned_gpu.0.residual: unknown key; did you mean residual_usd?"),
        (RACK.replace("24000\n", "240001\n", 1).replace("2240001", "240000"), "residual_usd 240001 is more than purchase_usd 240000"),
        (RACK.replace("pool: research", 'pool: "*"'), ":3: owned_gpu.0.pool: "),
        (RACK.replace("life_months: 48", "life_months: 0"), ":7: owned_gpu.0.life_months: "),
        (RACK.replace("gpus: 8", "gpus: 0"), ":4: owned_gpu.0.gpus: "),
        (f"{RACK}    ends_on: 2029-01-31\n", ":2: owned_gpu.0: ends_on 2029-01-31: the purchase costs until 2030-01-31"),
        (f"{RACK}    ends_on: 2030-03-01\n", "is no whole number of months after 2026-01-31; 2030-02-28 or 2030-03-31 is"),
        (RACK.replace("2026-01-31", "2099-01-31"), "there are no days from 2100-01-01 on"),
        (
            RACK + RACK.partition("\n")[2].replace("rack one", "rack two"),
            ":11: rack two: pool research has rack one already; append it under",
        ),
        (RACK + RACK.partition("\n")[2].replace("research", "edge"), ":11: rack one: is given with another owner before; give it another"),
        (RACK + RESERVED, ":3: rack one: pool research is reserved by cloud; give its own GPUs a pool of their own"),
        (POWER.replace("pue: 1.25", "pue: 0.9"), ":2: gpu_power.0.pue: "),
        (POWER.replace(", idle_watts: 90", ""), ":3: gpu_power.1: say both watts and idle_watts, or neither"),
        (POWER.replace("idle_watts: 90", "idle_watts: 900"), ":3: gpu_power.1: idle_watts 900 is more than watts 650"),
        (POWER.replace("2026-07-01", "2026-01-01"), ":3: gpu_power.1: research has a price of power from 2026-01-01 already; keep one"),
        (POWER.replace("usd_per_kwh: 0.3", "usd_per_kwh: -1"), ":4: gpu_power.2.usd_per_kwh: "),
    ],
)
def test_what_is_wrong_with_owned_gpus_is_said_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(CommitmentError) as error:
        _load(tmp_path, text)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
