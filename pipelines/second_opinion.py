"""What another forecast says of a book's cards, and of days that no card tells of."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from meterbook.assets.second_opinion import EVERY_DAYS, MOST_DAYS, RULES, Forecaster, second_scores
from meterbook.pipelines.anomalies import CardBook
from meterbook.reports.anomaly_cards import PRICE, Row, days, what
from meterbook.reports.numbers import dollars, plural
from meterbook.sql.detector import KINDS, Judged, Scores, judge
from meterbook.sql.episodes import GAP
from meterbook.sql.rolling import windows
from meterbook.sql.watch import filled

TOP = 500
"""Series that are asked about: those that cost most over the days."""
AGREES, DIFFERS = "AutoETS agrees", "AutoETS does not agree"
MOST_SHOWN = 10
_CENTS = 2
_FIGURES = ("value", "card_log", "baseline", "drift", "highest")
_QUERY = """
    with costly as (
        select dimension, scope, sum(value) as cost from marts.series_score
        where measure = 'cost' and day >= $1 and day < $2 group by all order by cost desc, dimension, scope limit $4
    )
    select score.day, score.dimension, score.scope, score.value, score.baseline, score.drift, score.highest, score.kind,
        case when coalesce(series.change_usd, 0) = 0 or series.cost_usd <= 0 then 0 when series.cost_usd <= series.change_usd then 30
            else ln(cast(series.cost_usd as double) / cast(series.cost_usd - series.change_usd as double)) end as card_log
    from marts.series_score as score
    inner join costly on costly.dimension = score.dimension and costly.scope = score.scope
    left join marts.series as series on series.day = score.day and series.dimension = score.dimension and series.scope = score.scope
    where score.measure = 'cost' and score.day >= $3 and score.day < $2
"""
_KEYS = "select day, count(*) as keys from marts.series_score where measure = 'cost' and day >= ? and day < ? group by day"
Floats = NDArray[np.float64]
Span = tuple[date, date]


@dataclass(frozen=True)
class Opinion:
    """What another forecast says.

    Args:
        cards: `AGREES` or `DIFFERS` by card_id; those of ratios and prices, of series not asked about, and of young ones have no opinion.
        only: first_day, last_day, dimension, scope, kind and excess_usd of what it alone finds, those that matter most first.
        series: how many it was asked about.
    """

    cards: Mapping[str, str]
    only: Sequence[Row]
    series: int


def ask(book: CardBook, cards: Sequence[Row], span: Span, forecaster: Forecaster, top: int = TOP) -> Opinion:
    """Ask a forecaster about cards, and about all days of the costliest series.

    Args:
        book: after a run.
        cards: of the span.
        span: half-open range of days.
        forecaster: the other method.
        top: series by their cost in the span.
    """
    grid = _Grid.read(book, span, top)
    wanted = (span[1] - span[0]).days
    told = second_scores(grid.scores(wanted), grid.values, grid.figures["card_log"], grid.learns, forecaster)
    judged = judge(told, RULES, keys=grid.keys[-wanted:])
    has_opinion = ~np.isnan(told.z)
    said = {card["card_id"]: _of_card(card, grid, judged, has_opinion, span) for card in cards}
    known = {name: word for name, word in said.items() if word}
    only = sorted(_only(grid, judged, span), key=lambda row: -row["severity"] * abs(float(row["excess_usd"])) ** 0.5)
    return Opinion(known, only, len(grid.names))


def show(opinion: Opinion, console: Console) -> None:
    """Print what it alone finds, and how many cards it agrees with."""
    said = list(opinion.cards.values())
    told = f"of {plural(len(said), 'card')} on cost it agrees with {said.count(AGREES)}" if said else "no card is about one that it knows"
    more = "" if opinion.only else "; it alone finds nothing"
    console.print(f"AutoETS, asked about {plural(opinion.series, 'cost')}: {told}{more}", soft_wrap=True)
    for row in opinion.only[:MOST_SHOWN]:
        when = days(row["first_day"], row["last_day"])
        scope = what(row["dimension"], row["scope"])
        console.print(f"  it alone: {dollars(row['excess_usd'], plus=True)} {scope}, {when}: {row['kind']}", markup=False, soft_wrap=True)
    if len(opinion.only) > MOST_SHOWN:
        console.print(f"  and {len(opinion.only) - MOST_SHOWN} more; --json has them")


@dataclass(frozen=True)
class _Grid:
    """Costs of series by day, those read for learning first; NaN where not known."""

    names: Mapping[tuple[str, str], int]
    figures: Mapping[str, Floats]
    told: NDArray[np.bool_]
    """Days on which the detector said something."""
    keys: NDArray[np.int64]

    @classmethod
    def read(cls, book: CardBook, span: Span, top: int) -> "_Grid":
        first, end = span
        # Counted from a day of the calendar, so that a day's opinion is the same whatever span is asked for.
        from_day = first - timedelta(days=first.toordinal() % EVERY_DAYS + MOST_DAYS)
        rows = book.rows(_QUERY, first, end, from_day, top)
        pairs = sorted({(row["dimension"], row["scope"]) for row in rows})
        names = {pair: place for place, pair in enumerate(pairs)}
        shape = (len(names), (end - from_day).days)
        figures, told, keys = {name: np.full(shape, np.nan) for name in _FIGURES}, np.zeros(shape, dtype=bool), np.ones(shape[1], np.int64)
        for row in rows:
            at = names[row["dimension"], row["scope"]], (row["day"] - from_day).days
            told[at] = row["kind"] is not None
            for name in _FIGURES:
                figures[name][at] = np.nan if row[name] is None else row[name]
        for row in book.rows(_KEYS, from_day, end):
            keys[(row["day"] - from_day).days] = row["keys"]
        figures["card_log"] = np.nan_to_num(figures["card_log"])
        return cls(names, figures, told, keys)

    @property
    def values(self) -> Floats:
        return filled(self.figures["value"])

    @property
    def learns(self) -> Sequence[int]:
        return range(MOST_DAYS, self.told.shape[1], EVERY_DAYS)

    def scores(self, wanted: int) -> Scores:
        """What the detector published of the last days; what another method says in its place is not known yet."""
        value, baseline, drift, highest = (self.figures[name][:, -wanted:] for name in ("value", "baseline", "drift", "highest"))
        unknown = np.full_like(value, np.nan)
        return Scores(value, unknown, baseline, highest, unknown, unknown, drift, np.zeros(value.shape, np.int64))


def _of_card(card: Row, grid: _Grid, judged: Judged, has_opinion: NDArray[np.bool_], span: Span) -> str | None:
    row = grid.names.get((card["dimension"], card["scope"]))
    if row is None or card["measure"] != "cost" or card["kind"] == PRICE:
        return None
    at = slice(max(0, (card["first_day"] - span[0]).days), (card["last_day"] - span[0]).days + 1)
    is_alike = judged.excess[row, at] * float(card["excess_usd"]) > 0
    if ((judged.kind[row, at] > 0) & is_alike).any():
        return AGREES
    return DIFFERS if has_opinion[row, at].any() else None


def _only(grid: _Grid, judged: Judged, span: Span) -> Iterator[Row]:
    """Days that follow one another on which the detector says nothing of the series, nor shortly before or after."""
    around = windows(np.pad(grid.told, ((0, 0), (GAP.days, GAP.days))), 2 * GAP.days + 1, judged.kind.shape[1])
    alone = np.asarray((judged.kind > 0) & ~around.any(axis=-1))
    for (dimension, scope), row in grid.names.items():
        places = np.flatnonzero(alone[row])
        for part in np.split(places, np.flatnonzero(np.diff(places) > GAP.days) + 1) if len(places) else []:
            worst = part[np.argmax(judged.severity[row, part])]
            yield {
                "first_day": span[0] + timedelta(days=int(part[0])),
                "last_day": span[0] + timedelta(days=int(part[-1])),
                "dimension": dimension,
                "scope": scope,
                "kind": KINDS[judged.kind[row, worst]],
                "excess_usd": round(Decimal(float(judged.excess[row, part].sum())), _CENTS),
                "severity": float(judged.severity[row, worst]),
            }
