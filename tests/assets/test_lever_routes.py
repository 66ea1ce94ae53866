"""Routes of levers.yaml: read strictly, and the table SQL sees of them."""

from pathlib import Path

import polars as pl
import pytest
from small import make_small

from meterbook.assets.book import Book, BookError
from meterbook.assets.book_tables import tables_of
from meterbook.assets.lever_routes import RouteError, check_routes, route_tables

RATES = pl.DataFrame({"model": ["gpt-5-mini", "n", "b"]})


def _book(folder: Path, routes: str) -> Book:
    (folder / "meterbook.yaml").write_text("name: Acme\n", "utf-8")
    (folder / "levers.yaml").write_text(f"routes:\n{routes}", "utf-8")
    return Book(folder)


def test_a_share_is_all_three_scenarios_and_a_list_is_low_point_and_high(tmp_path: Path) -> None:
    shares = "[0.5, 0.7, 0.9]"
    first = "  - {feature: f, from: gpt-5*, to: gpt-5-mini, accept: 0.8, guard_usd: 0.0001}\n"
    book = _book(tmp_path, f"{first}  - {{feature: g, from: m, to: n, accept: {shares}}}\n")
    one, other = route_tables(book.levers.routes)["book.route"].to_dicts()
    assert (one["from_model"], one["to_model"], one["guard_pico"]) == ("gpt-5%", "gpt-5-mini", 100_000_000)
    assert [one[f"{name}_accept_ppm"] for name in ("low", "point", "high")] == [800_000] * 3
    assert [other[f"{name}_accept_ppm"] for name in ("low", "point", "high")] == [500_000, 700_000, 900_000]


def test_a_route_without_a_share_is_measured(tmp_path: Path) -> None:
    book = _book(tmp_path, "  - {feature: f, from: a, to: b, max_latency_ms: 900, starts_on: 2026-10-01}\n")
    [row] = route_tables(book.levers.routes)["book.route"].to_dicts()
    assert [row[f"{name}_accept_ppm"] for name in ("low", "point", "high")] == [None] * 3
    assert row["max_latency_ms"] == 900


@pytest.mark.parametrize(
    ("routes", "said"),
    [
        ("  - {feature: f, from: a, to: b, accept: 80}\n", "accept"),
        ("  - {feature: f, from: a, to: b, accept: [0.9, 0.8, 0.7]}\n", "low, point and high"),
        ("  - {feature: f, from: a, to: b, guard_usd: -1}\n", "guard_usd"),
        ("  - {feature: f, from: a, to: b, until: 2026-10-01}\n", "until"),
        ("  - {feature: f, from: a, to: b}\n  - {feature: f, from: a, to: c}\n", "hold on the same days"),
    ],
)
def test_what_is_wrong_is_one_line_that_names_the_file(tmp_path: Path, routes: str, said: str) -> None:
    with pytest.raises(BookError, match=rf"levers\.yaml.*{said}") as raised:
        _book(tmp_path, routes)
    assert "\n" not in str(raised.value)


def test_routes_that_follow_one_another_may_be_of_the_same_model(tmp_path: Path) -> None:
    book = _book(
        tmp_path, "  - {feature: f, from: a, to: b, ends_on: 2026-10-01}\n  - {feature: f, from: a, to: c, starts_on: 2026-10-01}\n"
    )
    assert len(book.levers.routes) == 2


def test_a_route_to_a_model_without_a_price_is_told_with_the_one_that_was_meant(tmp_path: Path) -> None:
    book = _book(tmp_path, "  - {feature: f, from: a, to: gpt-5-mnii}\n")
    with pytest.raises(RouteError, match=r"'gpt-5-mnii', which no rate card has; did you mean 'gpt-5-mini'\?"):
        check_routes(book.levers.routes, RATES)


def test_a_book_whose_route_leads_nowhere_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_small(monkeypatch)
    with pytest.raises(BookError, match=r"levers\.yaml: the route of feature 'f' leads to 'b', which no rate card has"):
        tables_of(_book(tmp_path, "  - {feature: f, from: a, to: b}\n"))
