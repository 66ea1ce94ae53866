"""Keys of shared pools that are a column of a table, such as `key: {column: marts.token_use.output_tokens}`.

They are held against the tables there are, and made into the text of `core.column_weight`.
Which tables and columns there are follows from the models, so a key is checked where a book is opened for work, not where it is read.
"""

import difflib
import re
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from meterbook.assets.pools import Column, Pool, PoolError
from meterbook.rate_cards.patterns import like
from meterbook.rate_cards.strict_yaml import line_of
from meterbook.sql.lake import quoted
from meterbook.sql.models import Columns, Project

MODEL = "core.column_weight"
"""The model whose text follows from the keys of a book."""
_LAYERS = ("core", "marts")
"""Their names are a contract (docs/tables.md); what is staged is not yet rid of what must not count."""
_WHOLE, _DECIMAL = re.compile("U?(TINY|SMALL|BIG)INT|U?INTEGER"), re.compile(r"DECIMAL\(.+\)")
_NOBODY = ("unallocated", "unassigned", "unowned")
"""Teams that nobody is: they do not pay."""


class KeyCheck:
    """Which columns pools can be shared by.

    Args:
        project: the models.
        columns: of every table of the project.
    """

    def __init__(self, project: Project, columns: Mapping[str, Columns]) -> None:
        self._project, self._columns = project, columns

    def refuse(self, column: Column) -> None:
        """Say why a pool cannot be shared by a column.

        Raises:
            ValueError: what is wrong and what to name instead.
        """
        self._refuse_table(column)
        known, numbers = self._columns[column.table], self._numbers(column.table)
        if column.name not in known:
            raise ValueError(f"{column.table} has no column {column.name!r}{_guess(column.name, numbers)}")
        if column.name not in numbers:
            what = f"{column.name} of {column.table} is {known[column.name]}"
            raise ValueError(f"{what}, no whole number and no DECIMAL{_guess('', numbers)}")
        for field, _ in column.scope:
            if field not in known:
                raise ValueError(f"`scope: {field}` is no column of {column.table}, so its {column.name} cannot be measured within it")

    def _refuse_table(self, column: Column) -> None:
        model = self._project.models.get(column.table)
        if model is None or model.layer not in _LAYERS:
            raise ValueError(f"no table {column.table!r} of core or marts{_guess(column.table, self._tables())}")
        if model.header.on_demand:
            raise ValueError(f"{model.name} is made only where an export asks for it{_guess('', self._tables(column.name))}")
        if model.clock != "day":
            raise ValueError(f"{model.name} is not cut by day, and a key is measured each day{_guess('', self._tables(column.name))}")
        if "team" not in self._columns[model.name]:
            raise ValueError(f"{model.name} has no column team, which would say who pays{_guess('', self._tables(column.name))}")
        if model.name in self._shared:
            path = self._way_to(model.name)
            circle = " -> ".join((*path, MODEL))
            raise ValueError(f"{model.name} is made of what pools cost teams, a circle: {circle}; name a table before it")

    def _tables(self, with_column: str | None = None) -> list[str]:
        """Tables a key may name; those with a column that is a number where one is asked for."""
        return [
            name
            for name, model in sorted(self._project.models.items())
            if model.layer in _LAYERS
            and model.clock == "day"
            and not model.header.on_demand
            and "team" in self._columns[name]
            and (with_column is None or with_column in self._numbers(name))
            and name not in self._shared
        ]

    def _numbers(self, table: str) -> list[str]:
        return [name for name, dtype in self._columns[table].items() if _WHOLE.fullmatch(dtype) or _DECIMAL.fullmatch(dtype)]

    @cached_property
    def _shared(self) -> set[str]:
        """The tables that are made out of what columns weigh."""
        found = {MODEL}
        for name, model in self._project.models.items():
            if found.intersection(self._project.upstream(model)):
                found.add(name)
        return found

    def _way_to(self, table: str) -> tuple[str, ...]:
        """The shortest way on which one of these tables is made out of what columns weigh."""
        todo, seen = deque[tuple[str, ...]]([(table,)]), {table}
        while (path := todo.popleft())[0] != MODEL:
            before = self._shared.intersection(self._project.upstream(self._project.models[path[0]])) - seen
            todo.extend((one, *path) for one in sorted(before))
            seen |= before
        return path


def with_columns(path: Path, pools: Iterable[Pool], project: Project, columns: Mapping[str, Columns]) -> Project:
    """The project with the model that measures the columns some pools are shared by; as it is where none is.

    Args:
        path: allocation.yaml.
        pools: in the order of the file.
        project: the models.
        columns: of every table of the project.

    Raises:
        PoolError: a table or a column that a pool cannot be shared by; the message names file, line, pool and what to do.
    """
    check, found = KeyCheck(project, columns), dict[str, Column]()
    for place, pool in enumerate(pools):
        if not pool.column:
            continue
        try:
            check.refuse(pool.column)
        except ValueError as error:
            loc = ("pools", place, "key")
            raise PoolError(f"{path}:{line_of(path, loc)}: {'.'.join(map(str, loc))}: pool {pool.pool!r}: {error}") from error
        found[pool.column.measure] = pool.column
    if not found:
        return project
    # By name, not by place: pools that change places measure the same.
    return project.with_sql(MODEL, "\nunion all\n".join(_sum_of(found[name], columns[found[name].table]) for name in sorted(found)))


def _sum_of(column: Column, known: Columns) -> str:
    """The sum of a column by day of the book and team, exact; rows without a value weigh nothing."""
    day = "t.book_day" if "book_day" in known else "t.day"
    # A sum of whole numbers is HUGEINT, which no table may hold; of DECIMAL it is DECIMAL(38, its places).
    value = f"cast(t.{column.name} as decimal(38,0))" if _WHOLE.fullmatch(known[column.name]) else f"t.{column.name}"
    within = "".join(f"\n    and t.{field} like {quoted(like(pattern))} escape '!'" for field, pattern in column.scope)
    return f"""\
select {day} as day, {quoted(column.measure)} as measure, t.team as team,
    cast(sum({value}) as decimal(38,12)) as weight
from {column.table} as t
where {day} >= getvariable('from_day') and {day} < getvariable('to_day') and t.{column.name} is not null
    and t.team not in ({", ".join(map(quoted, _NOBODY))}){within}
group by {day}, t.team"""


def _guess(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, 1) if name else []
    if near:
        return f"; did you mean {near[0]}?"
    return f"; there are {', '.join(known)}" if known else ""
