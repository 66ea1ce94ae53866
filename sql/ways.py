"""From which tables a query's rows can come: told from its text, so that a model without a single possible row is not made.

A way is a set of tables that all have to have rows; a query can have rows where one of its ways is open. Conditions are not looked at: what
is told to be empty is empty, and not the other way round.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from typing import Any

Node = Mapping[str, Any]
"""A part of what DuckDB's json_serialize_sql gives."""
Ways = frozenset[frozenset[str]]
ALWAYS: Ways = frozenset({frozenset()})
"""Of a query that has rows whatever its tables hold, such as a sum over all."""
_LEAVES = frozenset({"COLUMN_REF", "CONSTANT"})
"""Most of any expression, and no function in them."""


def ways_of(tree: Node, aggregates: frozenset[str]) -> Ways:
    """The ways of a query.

    Args:
        tree: one serialized statement or several, of which the first counts.
        aggregates: names of functions that make one row of many.
    """
    return _query(tree["statements"][0]["node"], {}, aggregates)


def _query(node: Node, known: Mapping[str, Ways], aggregates: frozenset[str]) -> Ways:
    named = dict(known)
    for one in node.get("cte_map", {}).get("map", ()):
        value = one["value"]
        named[one["key"]] = _query(value.get("query_node") or value["query"]["node"], named, aggregates)
    if node["type"] == "SET_OPERATION_NODE":
        sides = [_query(side, named, aggregates) for side in node.get("children") or (node["left"], node["right"])]
        return _least(way for side in sides for way in side) if node["setop_type"] == "UNION" else sides[0]
    if node["type"] != "SELECT_NODE":
        return ALWAYS
    is_one_row = not node.get("group_expressions") and any(name in aggregates for name in _functions(node["select_list"]))
    return ALWAYS if is_one_row else _source(node["from_table"], named, aggregates)


def _source(node: Node, known: Mapping[str, Ways], aggregates: frozenset[str]) -> Ways:
    if node["type"] == "BASE_TABLE":
        name = node["table_name"]
        return known.get(name, ALWAYS) if not node.get("schema_name") else frozenset({frozenset({f"{node['schema_name']}.{name}"})})
    if node["type"] == "SUBQUERY":
        return _query(node["subquery"]["node"], known, aggregates)
    if node["type"] != "JOIN":
        return ALWAYS
    left, right = (_source(node[side], known, aggregates) for side in ("left", "right"))
    if node["join_type"] == "INNER":
        return _least(one | other for one in left for other in right)
    return {"LEFT": left, "RIGHT": right}.get(node["join_type"], _least([*left, *right]))


def _least(ways: Iterable[frozenset[str]]) -> Ways:
    """Without those that ask for more than another does."""
    found = sorted(set(ways), key=len)
    return frozenset(reduce(lambda kept, way: kept if any(one <= way for one in kept) else [*kept, way], found, list[frozenset[str]]()))


def _functions(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        kind = node.get("class")
        if kind in _LEAVES:
            return
        if kind == "FUNCTION":
            yield node["function_name"]
        for value in node.values():
            yield from _functions(value)
    elif isinstance(node, list):
        for value in node:
            yield from _functions(value)


def base_tables(node: object) -> Iterator[str]:
    """Tables and names of CTEs in a query, as DuckDB's parser gives it in JSON; those with a schema as `schema.table`."""
    if isinstance(node, dict):
        if node.get("type") == "BASE_TABLE":
            yield f"{node['schema_name']}.{node['table_name']}" if node["schema_name"] else node["table_name"]
        for value in node.values():
            yield from base_tables(value)
    elif isinstance(node, list):
        for value in node:
            yield from base_tables(value)
