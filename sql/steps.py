"""What a model's SQL cannot say: a function over its rows, day by day (`then:` in its header).

Splits that follow one another, with caps, need a loop; everything before and after them stays SQL. On a distributed engine such a step is a
map over the rows of each day.
"""

import hashlib
import inspect
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from meterbook.sql.allocate import allocate

if TYPE_CHECKING:
    from meterbook.sql.models import Model

STEPS: Mapping[str, Callable[[pa.Table], pa.Table]] = {"allocate": allocate}


def make_table(con: duckdb.DuckDBPyConnection, model: "Model", name: str, *, empty: bool = False) -> None:
    """Create a table with what a model gives on a connection that has what it reads, or only with its columns."""
    if model.header.then is None:
        con.execute(
            f"create table {name} as select * from ({model.sql}) as made limit 0" if empty else f"create table {name} as {model.sql}"
        )
        return
    made = STEPS[model.header.then](con.sql(model.sql).to_arrow_table())
    con.register("given", made)
    con.execute(f"create table {name} as select * from given")
    con.unregister("given")


def step_version(name: str) -> str:
    """Changes when the code of a step changes."""
    module = sys.modules[STEPS[name].__module__]
    return hashlib.sha256(inspect.getsource(module).encode()).hexdigest()[:16]
