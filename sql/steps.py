"""What a model's SQL cannot say: a function over its rows, day by day (`then:` in its header).

Splits that follow one another, with caps, need a loop, and so does what a cache holds; everything before and after them stays SQL. On a
distributed engine such a step is a map over the rows of each day.
"""

import hashlib
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from meterbook.sql.models import Model

STEPS: Mapping[str, str] = {
    "allocate": "allocate", "episodes": "episodes", "explain_change": "lmdi", "gather": "gather", "land": "landing", "replay": "replay",
    "roll_up": "roll_up", "watch": "watch",
}  # fmt: skip
"""Name of a step -> the module of this room that has a function of that name; loaded where a step is taken, for Arrow is slow to load."""

_USES: Mapping[str, Sequence[str]] = {
    "episodes": ("alarm_leaves", "alarm_words", "detector", "roll_up", "rolling", "root_cause"),
    "explain_change": ("unpriced",),
    "land": ("landing_errors", "landing_grid"),
    "roll_up": ("alarm_leaves", "alarm_words", "root_cause"),
    "watch": ("detector", "rolling"),
}
"""Step -> other modules of this room that hold its method."""

MAPS = frozenset({"episodes", "gather", "replay", "roll_up"})
"""Steps that make rows of rows alone: a model of theirs that can be given none is not made."""


def make_table(con: duckdb.DuckDBPyConnection, model: "Model", name: str, *, empty: bool = False) -> None:
    """Create a table with what a model gives on a connection that has what it reads, or only with its columns."""
    step = model.header.then
    if step is None:
        query = f"select * from ({model.sql}) as made limit 0" if empty else model.sql
        con.execute(f"create table {name} as {query}")
        return
    take = getattr(import_module(f"meterbook.sql.{STEPS[step]}"), step)
    con.register("given", take(con.sql(model.sql).to_arrow_table()))
    con.execute(f"create table {name} as select * from given")
    con.unregister("given")


def step_version(name: str) -> str:
    """Changes when the code of a step changes."""
    modules = (STEPS[name], *_USES.get(name, ()))
    return hashlib.sha256(b"".join(Path(__file__).with_name(f"{module}.py").read_bytes() for module in modules)).hexdigest()[:16]
