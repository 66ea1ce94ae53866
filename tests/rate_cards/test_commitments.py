"""commitments.yaml is read strictly: what is wrong is one line that names file, line and what to do."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from meterbook.rate_cards.amortise import Span
from meterbook.rate_cards.commitments import Commitments, load_commitments
from meterbook.rate_cards.entries import CommitmentError
from meterbook.rate_cards.fx import FxRate

PTU = """\
provisioned_throughput:
  - name: gpt-5 in Sweden
    provider: azure.ai.openai
    models: ["gpt-5*"]
    units: 100
    tokens_per_minute: 2500
    weights: {input: 1, output: 8, cache_read: 0}
    price: {hourly: 1.00}
    starts_on: 2026-10-01
"""
GPUS = """\
reserved_gpu:
  - name: training 2026
    pool: training
    gpus: 16
    price: {monthly: 1000, upfront: 48}
    starts_on: 2026-10-01
    ends_on: 2026-12-01
"""
MINIMUM = """\
minimum_spend:
  - {name: enterprise, provider: openai, monthly: 5000, starts_on: 2026-10-01}
"""
EURO = (FxRate("EUR", date(2026, 10, 1), Decimal("1.1")), FxRate("EUR", date(2026, 11, 1), Decimal("1.2")))


def _load(folder: Path, text: str, fx: tuple[FxRate, ...] = ()) -> Commitments:
    (folder / "commitments.yaml").write_text(text, "utf-8")
    return load_commitments(folder / "commitments.yaml", fx)


def test_a_book_without_the_file_or_with_an_empty_one_has_no_commitments(tmp_path: Path) -> None:
    assert load_commitments(tmp_path / "commitments.yaml") == Commitments()
    assert _load(tmp_path, "# nothing yet\n") == Commitments()


def test_provisioned_throughput_has_a_capacity_an_hour_and_an_hourly_price_of_all_units(tmp_path: Path) -> None:
    [(ptu, spans)] = _load(tmp_path, PTU).provisioned
    assert ptu.capacity == 100 * 2500 * 60
    assert ptu.all_weights == {"input": 1, "output": 8, "cache_read": 0, "cache_write_5m": 1, "cache_write_1h": 1}
    assert ptu.covers == "provisioned"
    assert spans == (Span(date(2026, 10, 1), date(9999, 12, 31), Decimal("100.00")),)


def test_a_monthly_price_is_spread_over_each_month_and_what_is_paid_upfront_over_the_term(tmp_path: Path) -> None:
    [(gpus, spans)] = _load(tmp_path, GPUS).reserved
    october, november, term = spans
    assert gpus.capacity == 16 * 3600
    assert (october.starts_on, october.ends_on) == (date(2026, 10, 1), date(2026, 11, 1))
    assert october.hour_usd * 744 + october.extra_hours * Decimal("1E-12") == 16000
    assert november.hour_usd * 720 + november.extra_hours * Decimal("1E-12") == 16000
    assert (term.starts_on, term.ends_on) == (date(2026, 10, 1), date(2026, 12, 1))
    assert term.hour_usd * 61 * 24 + term.extra_hours * Decimal("1E-12") == 48


def test_prices_in_another_currency_are_converted_by_the_term_the_month_and_the_day(tmp_path: Path) -> None:
    [(_, spans)] = _load(tmp_path, GPUS.replace("upfront: 48", "upfront: 48, currency: EUR"), EURO).reserved
    totals = [round(span.hour_usd * (span.ends_on - span.starts_on).days * 24) for span in spans]
    assert totals == [17600, 19200, 53]
    [(_, hours)] = _load(tmp_path, PTU.replace("hourly: 1.00", "hourly: 1.00, currency: EUR"), EURO).provisioned
    assert [span.hour_usd for span in hours] == [110, 120]


def test_a_minimum_spend_in_another_currency_has_the_rate_of_each_months_first_day(tmp_path: Path) -> None:
    [(_, dollars)] = _load(tmp_path, MINIMUM).minimums
    assert dollars == ((date(2026, 10, 1), date(9999, 12, 31), Decimal(5000)),)
    text = MINIMUM.replace("}", ", ends_on: 2026-12-01, currency: EUR}")
    [(_, euros)] = _load(tmp_path, text, EURO).minimums
    assert [(first, usd) for first, _, usd in euros] == [(date(2026, 10, 1), 5500), (date(2026, 11, 1), 6000)]


def test_orders_of_one_name_may_differ_in_units_price_and_dates_only(tmp_path: Path) -> None:
    second = PTU.partition("\n")[2].replace("units: 100", "units: 50").replace("2026-10-01", "2026-11-01")
    assert [one.units for one, _ in _load(tmp_path, PTU + second).provisioned] == [100, 50]
    with pytest.raises(CommitmentError, match=r":10: gpt-5 in Sweden: is given with another models before; give it another name"):
        _load(tmp_path, PTU + second.replace("gpt-5*", "o3"))
    with pytest.raises(CommitmentError, match=r":11: gpt-5 in Sweden: is given with another"):
        _load(tmp_path, PTU + GPUS.replace("training 2026", "gpt-5 in Sweden"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (PTU + "    ownr: red\n", "commitments.yaml:10: provisioned_throughput.0.ownr: unknown key; did you mean owner?"),
        (PTU.replace("units: 100", "units: 0"), ":5: provisioned_throughput.0.units: "),
        (PTU.replace("input: 1, ", ""), ":2: provisioned_throughput.0: weights: say what a token of input counts for"),
        (PTU.replace("cache_read", "search"), "weights: no meter search"),
        (PTU.replace("units: 100", "units: 100000000"), "more than 10^12 weighted tokens an hour; tokens_per_minute is of one unit"),
        (PTU.replace("hourly: 1.00", "upfront: 7"), ":2: provisioned_throughput.0: a price for the whole term needs ends_on"),
        (PTU.replace("hourly: 1.00", "hourly: 1, term: 7"), ":8: provisioned_throughput.0.price: hourly and term: keep one"),
        (PTU.replace("hourly: 1.00", ""), ":8: provisioned_throughput.0.price: say what it costs: hourly, monthly, term or upfront"),
        (PTU.replace("hourly: 1.00", "hourly: -1"), ":8: provisioned_throughput.0.price.hourly: "),
        (PTU.replace("hourly: 1.00", "hourly: 1, currency: EUR"), ":2: gpt-5 in Sweden: no rate of EUR on 2026-10-01; add one to fx_rates"),
        (PTU + "    ends_on: 2026-10-01\n", "ends_on 2026-10-01 (exclusive) must lie after starts_on 2026-10-01"),
        (PTU + "    ends_on: 2100-01-02\n", "there are no days from 2100-01-01 on; leave ends_on out where there is no end"),
        (PTU.replace("gpt-5 in", "=gpt-5 in"), ":2: provisioned_throughput.0.name: "),
        (GPUS.replace("2026-12-01", "2026-12-02"), "no whole number of months after 2026-10-01; 2026-12-01 or 2027-01-01 is"),
        (GPUS.replace("    pool: training\n", ""), "say which GPUs it is for: `pool` or `gpu_model`"),
        (GPUS.replace("gpus: 16", "gpus: 16\n    gpu_model: H100*"), "say which GPUs it is for: `pool` or `gpu_model`"),
        (MINIMUM.replace("10-01", "10-02"), ":2: minimum_spend.0: starts_on 2026-10-02 is not the first of a month"),
        (MINIMUM + MINIMUM, ":3: key 'minimum_spend' is given twice"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(CommitmentError) as error:
        _load(tmp_path, text)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
