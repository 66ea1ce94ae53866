"""Of what stands out on a day, which scope explains which wider one, which combination it comes from, why: the step of marts.anomaly.

A scope is rolled into the highest one whose excess it explains to 70 % alone, or with which it only moves along. It has to lie in that
scope: 70 % of what its leaves cost more than on the same weekdays before lie there. Where several scopes that stand out more than a wider
one explain it together, or one does beside which another stands out, each has its own cause, and the wider one is told with the largest.
The combination is found by a scan of these leaves (`root_cause`), and told where it stands out 1.4 times as much as on days before.

Statistics are floats; dollars published are decimals. A day's result depends on that day and the 35 days before it only.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from math import log1p
from statistics import median

import polars as pl
import pyarrow as pa

from meterbook.sql.alarm_leaves import LEAF, Floats, Leaves, Node, Row, a_day, excess_of
from meterbook.sql.alarm_words import HALF, money, sentence
from meterbook.sql.root_cause import CLEAR, best_score, causes

EXPLAINS = 0.7
"""Share of a scope's excess from which on it is explained."""
SHARED = 0.2
"""Share of a scope's dollars in another one from which on the same ratio in both is the same trouble."""
ALONG = 1.5
"""A part that changed at most so many times as much as the whole, in relation to what was expected, moves along with it."""
MINOR = 0.15
"""A part with at most this share of the dollars of the whole does too: it is too little to tell."""
CALLS = 10
"""A session of fewer calls is no loop."""
QUIET_DAYS = 7
"""Days before one of which each tells how much stands out on any day."""
CULPRITS = 10
"""Roots of a day, the largest first, of which the combination is looked for."""
MONEY = pa.decimal128(38, 12)
SHAPE = pa.schema([
    ("day", pa.date32()), *((name, pa.string()) for name in ("kind", "dimension", "scope", "measure", "owner", *LEAF)),
    *((f"{name}_usd", MONEY) for name in ("actual", "expected", "excess")),
    *((name, pa.float64()) for name in ("actual", "expected", "score", "severity")),
    *((name, pa.string()) for name in ("parent", "cause", "culprit", "suspect")),
])  # fmt: skip


def roll_up(given: pa.Table) -> pa.Table:
    """Rows that stand out, each with the scope it is rolled into, its cause, culprit and suspect.

    Args:
        given: rows told apart by `part`. `alarm`: kind, dimension, scope, measure, owner, those columns of `LEAF` that the dimension has,
            value, usual, score, severity, excess, cost_usd, and the dearest request and longest session inside. `price`: the same, with
            change_usd. `leaf`: day, the columns of `LEAF`, cost_usd.

    Returns:
        The columns of `SHAPE`; expected_usd is actual_usd less excess_usd.
    """
    frame = pl.DataFrame(pl.from_arrow(given))
    leaves = Leaves(frame.filter(pl.col("part") == "leaf"))
    alarms = frame.filter(pl.col("part") == "alarm").sort("day", "dimension", "scope", "measure")
    rows = [_priced(row) for row in frame.filter(pl.col("part") == "price").iter_rows(named=True)]
    for (day,), group in alarms.group_by("day", maintain_order=True):
        rows += _of_day(a_day(day), group.to_dicts(), leaves)
    return pa.Table.from_pylist(rows, schema=SHAPE)


def _of_day(day: date, rows: Iterable[Row], leaves: Leaves) -> Iterator[Row]:
    scopes: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        scopes.setdefault((row["dimension"], row["scope"]), []).append(row)
    nodes = sorted((Node(alarms, leaves) for alarms in scopes.values()), key=lambda node: (node.depth, node.name))
    parents = parents_of(nodes, leaves.actual(day), leaves.expected(day))
    roots = sorted((node for node in nodes if node.name not in parents), key=lambda node: (-abs(node.excess), node.name))
    culprits = {node.name: _culprit(node, leaves) for node in roots[:CULPRITS]}
    for root in roots:
        _sharpen(root, [node for node in nodes if parents.get(node.name) == root.name])
    for node in nodes:
        for row in node.rows:
            told = culprits.get(node.name, (None, None))
            yield _row(row, parents.get(node.name), told)


def _sharpen(root: Node, parts: Iterable[Node]) -> None:
    """Call a drift that one part's spike explains by that name: the level has not changed, this day is high."""
    main, spikes = root.main, (node.main for node in parts if node.excess * root.excess > 0 and _has_most(node, root))
    if main["kind"] == "drift" and main["measure"] == "cost" and any((one["kind"], one["measure"]) == ("spike", "cost") for one in spikes):
        main["kind"] = "spike"


def parents_of(nodes: Sequence[Node], actual: Floats, expected: Floats) -> dict[str, str]:
    """The root that each scope is rolled into, by name; roots have none.

    Args:
        nodes: of one day, the widest first.
        actual: what the leaves cost.
        expected: what they should have.
    """
    parents: dict[str, str] = {}
    split: list[tuple[Node, list[Node]]] = []
    for wide in nodes:
        inside = [one for one in nodes if one.depth > wide.depth and one.excess * wide.excess > 0 and _lies_in(one, wide, actual, expected)]
        most = [one for one in inside if _explains(one, wide, actual, expected)]
        along = [one for one in inside if one.growth <= ALONG * wide.growth or abs(one.excess) <= MINOR * abs(wide.excess)]
        apart = [one for one in inside if one not in along]
        largest = max(most, key=lambda one: (-one.depth, abs(one.excess), one.name)) if most else _several(apart, wide)
        if largest and not wide.is_swapped and (not most or any(_is_apart(one, largest, actual, expected) for one in apart)):
            parents.setdefault(wide.name, largest.name)
            split.append((wide, [one for one in along if _shares(one, largest, actual)]))
            continue
        along = [one for one in inside if one in along or _is_left_quiet(one, wide)]
        for one in _parts(wide, nodes, most, along, (actual, expected)):
            parents.setdefault(one.name, wide.name)
    # What moved along with a whole that several explain, and lies partly in the largest of them, has no cause of its own.
    for wide, along in split:
        for one in along:
            if one.name not in parents and _root(wide.name, parents) != one.name:
                parents[one.name] = wide.name
    return {name: _root(name, parents) for name in parents}


def _parts(wide: Node, nodes: Sequence[Node], most: Sequence[Node], along: Sequence[Node], costs: tuple[Floats, Floats]) -> Iterator[Node]:
    """What is rolled into a scope: what explains it, what moves along with it for the same reason, and what has the same ratio."""
    yield from most
    # What moves along does so for the same reason, unless that is known to be elsewhere.
    beside = (one for one in along if not most or any(_lies_in(one, other, *costs) for other in most))
    depths = {one.depth for one in most}
    yield from (one for one in beside if one.depth not in depths)
    deeper = [one for one in nodes if one.depth > wide.depth]
    yield from (one for one in deeper if one.excess * wide.excess > 0 and _has_its_ratio(one, wide, costs[0]))
    yield from (one for one in deeper if wide.is_swapped and one.where["model"] and _lies_in(one, wide, *costs))


def _is_left_quiet(node: Node, wide: Node) -> bool:
    """Whether a part would not stand out once the growth of the whole is taken out of it: what is left of its score is under threshold."""
    return float(node.main["severity"] or 0) * (log1p(node.growth) - log1p(wide.growth)) < log1p(node.growth)


def _explains(node: Node, wide: Node, actual: Floats, expected: Floats) -> bool:
    """Whether a scope has most of the dollars of a wider one; those of ratios are no dollars of cost, so that leaves tell."""
    if (node.main["measure"] == "cost") == (wide.main["measure"] == "cost") or node.mask is None or wide.mask is None:
        return _has_most(node, wide)
    change = (actual - expected) * (1 if wide.excess > 0 else -1)
    return bool(change[node.mask & wide.mask].sum() >= EXPLAINS * change[wide.mask].sum() > 0)


def _has_most(node: Node, wide: Node) -> bool:
    return abs(node.excess) >= EXPLAINS * abs(wide.excess)


def _has_its_ratio(node: Node, wide: Node, actual: Floats) -> bool:
    """Whether the same ratio stands out in two scopes that share use: then it is the same trouble, whatever else moved their dollars."""
    ratios = [{row["measure"] for row in one.rows} - {"cost"} for one in (node, wide)]
    return bool(ratios[0] & ratios[1]) and _shares(node, wide, actual)


def _shares(node: Node, wide: Node, actual: Floats) -> bool:
    """Whether a good part of a scope's dollars are of another one, too."""
    if node.mask is None or wide.mask is None:
        return False
    return bool(actual[node.mask & wide.mask].sum() >= SHARED * actual[node.mask].sum() > 0)


def _is_apart(node: Node, most: Node, actual: Floats, expected: Floats) -> bool:
    """Whether a part has nothing to do with one that explains most of the whole: then the whole's dollars are of both."""
    if node.mask is None or most.mask is None:
        return False
    return not _lies_in(node, most, actual, expected) and not _lies_in(most, node, actual, expected)


def _several(parts: Sequence[Node], wide: Node) -> Node | None:
    """Of parts that stand out more than the whole and explain it together, the largest; None where they do not."""
    for depth in sorted({one.depth for one in parts}):
        found = [one for one in parts if one.depth == depth]
        if abs(sum(one.excess for one in found)) >= EXPLAINS * abs(wide.excess):
            return max(found, key=lambda one: (abs(one.excess), one.name))
    return None


def _root(name: str, parents: Mapping[str, str]) -> str:
    while name in parents:
        name = parents[name]
    return name


def _lies_in(node: Node, wide: Node, actual: Floats, expected: Floats) -> bool:
    """Whether what a scope cost more lies in another one; of a unit without leaves, whether it is a part of the whole by its size."""
    if node.mask is None or wide.mask is None:
        return node.main["dimension"] == "unit" and wide.depth == 0 and abs(node.excess) <= abs(wide.excess) / EXPLAINS
    change = (actual - expected) * (1 if node.excess > 0 else -1)
    weight = change if change[node.mask].sum() > 0 else actual + expected
    whole = weight[node.mask].sum()
    return bool(whole > 0 and weight[node.mask & wide.mask].sum() >= EXPLAINS * whole)


def _culprit(node: Node, leaves: Leaves) -> tuple[str | None, str | None]:
    """The combination a root comes from, and the team that has most of it."""
    free = [name for name in LEAF if node.where[name] is None]
    if node.mask is None or not free or not leaves.is_known(node.day):
        return None, None
    now = leaves.table(node.day, node.mask)
    days = [day for back in range(1, QUIET_DAYS + 1) if leaves.is_known(day := node.day - timedelta(days=back))]
    quiet = [best_score(leaves.table(day, node.mask), free) for day in days]
    found = causes(now, free, CLEAR * median(quiet) if quiet else 0.0, 2)
    best = next((cause for cause in found if (cause.actual - cause.expected) * node.excess > 0), None)
    if best is None:
        return None, None
    where = {**node.where, **best.where}
    change = leaves.actual(node.day) - leaves.expected(node.day)
    inside = leaves.mask(where)
    teams = {
        str(team): abs(float(change[inside & leaves.mask({"team": team})].sum())) for team in leaves.names.filter(inside)["team"].unique()
    }
    team = max(sorted(teams), key=lambda name: teams[name])
    is_clear = teams[team] >= EXPLAINS * sum(teams.values())
    return ", ".join(f"{name} {where[name]}" for name in LEAF if where[name]), team if is_clear else None


def _priced(row: Row) -> Row:
    before = row["cost_usd"] - row["change_usd"]
    cause = sentence(row["kind"], row["measure"], float(row["cost_usd"]), float(before))
    money_of = {"actual_usd": row["cost_usd"], "expected_usd": before, "excess_usd": row["change_usd"]}
    return {**_copied(row), **money_of, "actual": float(row["cost_usd"]), "expected": float(before), "severity": 1.0, "cause": cause}


def _row(row: Row, parent: str | None, told: tuple[str | None, str | None]) -> Row:
    culprit, team = told
    excess, actual = Decimal(f"{excess_of(row):.12f}"), row["cost_usd"] or Decimal(0)
    request, session = _suspects(row)
    suspect = request or session
    said = [sentence(row["kind"], row["measure"], row["value"], row["usual"]), *([suspect] if suspect else [])]
    return {
        **_copied(row),
        "owner": team if row["owner"] in {"(several)", "(none)"} and team else row["owner"],
        "actual_usd": actual,
        "expected_usd": actual - excess,
        "excess_usd": excess,
        "actual": row["value"],
        "expected": row["usual"],
        "score": row["score"],
        "severity": row["severity"],
        "parent": parent,
        "cause": "; ".join(reversed(said) if request else said),
        "culprit": culprit,
        "suspect": suspect,
    }


def _copied(row: Row) -> Row:
    return {name: row[name] for name in ("day", "kind", "dimension", "scope", "measure", "owner", *LEAF)}


def _suspects(row: Row) -> tuple[str | None, str | None]:
    """The one request, or else the one session, that is half of an excess or more."""
    least = HALF * excess_of(row)
    request = session = None
    if least > 0 and row["request_usd"] is not None and float(row["request_usd"]) >= least:
        request = f"one request of {_cents(row['request_usd'])} ({row['request_id']})"
    if (
        least > 0
        and row["session_usd"] is not None
        and (float(row["session_usd"]) >= least or (row["measure"] == "requests per session" and row["session_calls"] >= CALLS))
    ):
        session = f"{row['session_kind']} {row['session_id']}: {row['session_calls']:,} calls for {money(float(row['session_usd']))}"
    return request, session


def _cents(usd: Decimal) -> str:
    return f"${usd:,.2f}"
