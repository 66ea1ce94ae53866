"""Score the wanted days of every series, of many kinds: the step between rows and the arrays of `detector`.

Each dimension and measure is a kind of its own, laid out as a dense grid of days. Cost is 0 on days without use until `ASLEEP_DAYS` have
passed without any: after that a series begins anew. A ratio is unknown on such days. Days are taken in blocks and kinds one by one, so
memory beside the rows themselves does not grow with days or with measures.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from meterbook.sql.detector import COST, KINDS, RATIO, REACH, SHARE, Judged, Rules, Scores, judge, score

ASLEEP_DAYS = 28
LOOKBACK_DAYS = REACH + ASLEEP_DAYS
"""Days before a wanted day that have to be given, so that it comes out the same however days are cut into runs."""
BLOCK_DAYS = 32
_DIGITS = 9
"""Kept after the point: the last digits of a float depend on where a sum began."""
_NAMES = ("dimension", "scope", "measure")
_FIGURES = ("value", "spend", "expected", "baseline", "z", "drift", "highest")
SHAPE = pa.schema(
    [
        ("day", pa.date32()),
        *((name, pa.string()) for name in _NAMES),
        *((name, pa.float64()) for name in _FIGURES),
        ("history", pa.int64()),
        ("kind", pa.string()),
        ("excess", pa.float64()),
        ("severity", pa.float64()),
    ]
)
_RISING, _RISING_SHARE = replace(RATIO, direction="up"), replace(SHARE, direction="up")
_RULES = {
    # The one of which less is bad news; of the others more is. The way back to the usual is then no alarm.
    "cache read share": replace(SHARE, direction="down"),
    **dict.fromkeys(("swapped share", "truncated share", "idle share"), _RISING_SHARE),
    # No share of the day's spend, but it may be 0 as one.
    "weekend share": replace(_RISING, offset=SHARE.offset),
}
Floats = NDArray[np.float64]
Places = NDArray[np.int64]


def watch(given: pa.Table) -> pa.Table:
    """One row per wanted day and series.

    Args:
        given: day, dimension, scope, measure, is_ratio, value, spend (dollars), card_log (ln of cost over the cost of the same use at the
            prices of the day before) and is_wanted, in any order. Days that are not wanted are history: `LOOKBACK_DAYS` of them.

    Returns:
        The figures of `detector.Scores` and `detector.Judged`, NULL where too little is known; `kind` is NULL where nothing stands out.
    """
    rows = _Rows.of(given)
    found = [part for kind in rows.kinds() for part in _scored(rows, kind)] if rows.wanted.any() else []
    return pa.concat_tables(found or [SHAPE.empty_table()])


@dataclass(frozen=True)
class _Rows:
    """Columns of what is given. `ids` are places in `names`, which are in order."""

    ids: Mapping[str, Places]
    names: Mapping[str, pa.Array]
    day: Places
    is_ratio: NDArray[np.bool_]
    value: Floats
    spend: Floats
    card_log: Floats
    wanted: NDArray[np.bool_]

    @classmethod
    def of(cls, given: pa.Table) -> "_Rows":
        coded = {name: _coded(given.column(name)) for name in _NAMES}
        days = pc.cast(pc.cast(given.column("day"), pa.date32()), pa.int32()).to_numpy()
        flags = {name: pc.fill_null(given.column(name), fill_value=False).to_numpy() for name in ("is_ratio", "is_wanted")}
        figures = {name: pc.cast(given.column(name), pa.float64()).to_numpy() for name in ("value", "spend", "card_log")}
        ids, names = ({name: pair[place] for name, pair in coded.items()} for place in (0, 1))
        return cls(ids, names, days, flags["is_ratio"], **figures, wanted=flags["is_wanted"])

    def kinds(self) -> Iterator[Places]:
        """Places of the rows of each dimension and measure."""
        code = self.ids["dimension"] * len(self.names["measure"]) + self.ids["measure"]
        order = np.argsort(code, kind="stable")
        yield from np.split(order, np.flatnonzero(np.diff(code[order])) + 1)

    def name(self, column: str, block: Places) -> str:
        """The name that all rows of a block have."""
        return str(self.names[column][int(self.ids[column][block[0]])].as_py())

    @cached_property
    def keys(self) -> Mapping[int, int]:
        """How many keys are watched on each wanted day: series of dollars."""
        days, counts = np.unique(self.day[self.wanted & ~self.is_ratio], return_counts=True)
        return dict(zip(days.tolist(), counts.tolist(), strict=True))


def _coded(column: pa.ChunkedArray) -> tuple[Places, pa.Array]:
    """Places of the values in the order of their names, and the names."""
    coded = pc.dictionary_encode(column).combine_chunks()
    order = pc.sort_indices(coded.dictionary)
    place = np.empty(len(order), dtype=np.int32)
    place[order.to_numpy()] = np.arange(len(order), dtype=np.int32)
    return place[coded.indices.to_numpy()], coded.dictionary.take(order)


def _scored(rows: _Rows, kind: Places) -> Iterator[pa.Table]:
    """Blocks of wanted days of one dimension and measure."""
    wanted = rows.day[kind][rows.wanted[kind]]
    if not len(wanted):
        return
    for first in range(int(wanted.min()), int(wanted.max()) + 1, BLOCK_DAYS):
        last = min(first + BLOCK_DAYS - 1, int(wanted.max()))
        day = rows.day[kind]
        block = kind[(day >= first - LOOKBACK_DAYS) & (day <= last)]
        if (rows.wanted[block] & (rows.day[block] >= first)).any():
            yield _block(rows, block, first, last)


def _block(rows: _Rows, block: Places, first: int, last: int) -> pa.Table:
    """Lay out one block of days of one kind, score it, and give its wanted rows."""
    scopes, row = np.unique(rows.ids["scope"][block], return_inverse=True)
    column, wanted = rows.day[block] - (first - LOOKBACK_DAYS), last - first + 1
    shape = (len(scopes), LOOKBACK_DAYS + wanted)
    is_ratio = bool(rows.is_ratio[block[0]])
    rules = rules_of(rows.name("measure", block), is_ratio=is_ratio)
    value, spend, cards = (_grid(shape, row, column, figure[block]) for figure in (rows.value, rows.spend, rows.card_log))
    spend = spend[:, -wanted:]
    scores = score(value if is_ratio else filled(value), wanted, rules, np.nan_to_num(cards))
    keys = np.array([rows.keys.get(day, 1) for day in range(first, last + 1)])
    judged = judge(scores, rules, spend if is_ratio else None, keys)
    asked = np.zeros((len(scopes), wanted), dtype=bool)
    is_asked = rows.wanted[block] & (rows.day[block] >= first)
    asked[row[is_asked], column[is_asked] - LOOKBACK_DAYS] = True
    at, day = np.nonzero(asked)
    made = _told(scores, judged, spend, asked, is_ratio=is_ratio)
    made["day"] = pa.array((day + first).astype(np.int32)).cast(pa.date32())
    made["scope"] = rows.names["scope"].take(pa.array(scopes[at]))
    made |= {name: pa.repeat(rows.name(name, block), len(at)) for name in ("dimension", "measure")}
    return pa.table({field.name: made[field.name].cast(field.type) for field in SHAPE}, schema=SHAPE)


def rules_of(measure: str, *, is_ratio: bool) -> Rules:
    """Rules by which a measure is judged."""
    return _RULES.get(measure, _RISING) if is_ratio else COST


def filled(value: Floats) -> Floats:
    """Dollars with 0 on days without use, and NaN where none was used in `ASLEEP_DAYS`."""
    used = np.cumsum(np.nan_to_num(value) != 0, axis=1)
    before = np.pad(used, ((0, 0), (ASLEEP_DAYS, 0)))[:, : used.shape[1]]
    return np.where(used > before, np.nan_to_num(value), np.nan)


def _grid(shape: tuple[int, int], row: Places, column: Places, figure: Floats) -> Floats:
    laid = np.full(shape, np.nan)
    laid[row, column] = figure
    return laid


def _told(scores: Scores, judged: Judged, spend: Floats, asked: NDArray[np.bool_], *, is_ratio: bool) -> dict[str, pa.Array]:
    """Columns of figures, of the rows that are asked for."""
    # A series asleep spends nothing; what a ratio would have been is not known.
    value = scores.value if is_ratio else np.nan_to_num(scores.value)
    figures = {name: getattr(scores, name) for name in ("expected", "baseline", "z", "drift", "highest")}
    figures |= {"value": value, "spend": spend, "excess": judged.excess, "severity": judged.severity}
    kind = judged.kind[asked]
    return {
        **{name: _rounded(figure[asked]) for name, figure in figures.items()},
        "history": pa.array(scores.history[asked]),
        "kind": pa.array(KINDS).take(pa.array(kind, mask=kind == 0)),
    }


def _rounded(figure: Floats) -> pa.Array:
    return pa.array(np.round(figure, _DIGITS), mask=~np.isfinite(figure))
