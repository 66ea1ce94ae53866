"""Units of value that a query of the book counts: `sql:` of units.yaml, held against the lake's tables and made into core.unit_quantity.

The query gives a row, or a sum of rows, per unit: `day` (of the book) and any of the columns of `GIVEN`. It reads core tables, of which it
is given the days that are computed: what it says of a day has to follow from that day.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path

import duckdb

from meterbook.assets.units import Unit, UnitSuccess
from meterbook.rate_cards.strict_yaml import line_of
from meterbook.sql.lake import quoted
from meterbook.sql.models import Columns, ModelError, Parser, Project
from meterbook.sql.schemas import empty_table
from meterbook.sql.scratch import scratch

MODEL = "core.unit_quantity"
"""The model whose text follows from the queries of a book."""
GIVEN: Mapping[str, tuple[str, str]] = {
    "day": ("date", ""),
    "quantity": ("bigint", "1"),
    "is_success": ("boolean", "true"),
    "is_escalated": ("boolean", "false"),
    "is_fallback": ("boolean", "false"),
    "is_completed": ("boolean", "true"),
    "feature": ("varchar", "'(none)'"),
    "tenant": ("varchar", "'(none)'"),
    "model": ("varchar", "'(unknown)'"),
    "experiment_arm": ("varchar", "'(none)'"),
    "quality_score": ("decimal(18,6)", "cast(null as decimal(18,6))"),
}
"""The columns a query may give: their types, and what holds where one is not given, or NULL."""


class UnitError(ValueError):
    """A query of units.yaml is wrong; the message names file, line, unit and what to do."""


def with_units(path: Path, units: Iterable[Unit], project: Project, columns: Mapping[str, Columns]) -> Project:
    """The project with the model that counts the units some queries give; as it is where there is none.

    Args:
        path: units.yaml.
        units: in the order of the file.
        project: the models.
        columns: of every table of the project.

    Raises:
        UnitError: a query that does not parse or bind, that reads what it cannot, or gives what is no column of a unit.
    """
    made: list[str] = []
    for place, unit in enumerate(units):
        if unit.sql is None:
            continue
        try:
            made.append(_text(unit, unit.sql, _given(unit.sql, project, columns)))
            project.with_sql(MODEL, made[-1])
        except (ModelError, duckdb.Error, ValueError) as error:
            raise UnitError(f"{path}:{line_of(path, ('units', place, 'sql'))}: unit {unit.unit!r}: {_one_line(error)}") from error
    return project.with_sql(MODEL, "\nunion all\n".join(made)) if made else project


def _given(sql: str, project: Project, columns: Mapping[str, Columns]) -> set[str]:
    """The columns of a query.

    Raises:
        ModelError: it is no query.
        ValueError: a table it cannot read, or a column that is none of a unit.
        duckdb.Error: it does not bind.
    """
    tables, _ = Parser().read(sql)
    for table in tables:
        model = project.models.get(table)
        if model is None or model.layer != "core" or model.clock != "day":
            near = difflib.get_close_matches(table, [name for name, one in project.models.items() if one.layer == "core"], 1)
            raise ValueError(f"`sql:` reads daily tables of core, not {table}{f'; did you mean {near[0]}?' if near else ''}")
    with scratch() as con:
        for table in tables:
            empty_table(con, table, columns[table])
        found = {row[0] for row in con.execute(f"describe select * from (\n{_bare(sql)}\n) as given").fetchall()}
    if wrong := sorted(found - set(GIVEN)):
        near = difflib.get_close_matches(wrong[0], GIVEN, 1)
        known = f"did you mean {near[0]}?" if near else f"a unit has {', '.join(GIVEN)}"
        raise ValueError(f"`sql:` gives {wrong[0]}; {known}")
    if "day" not in found:
        raise ValueError("`sql:` gives no `day`, which says when a unit was delivered")
    return found


def _text(unit: Unit, sql: str, given: set[str]) -> str:
    """A query, summed by day and owner, as core.unit_quantity has it."""
    typed = ",\n        ".join(_column(name, given) for name in GIVEN)
    feature = f"coalesce({quoted(unit.only_feature)}, counted.feature)" if unit.only_feature else "counted.feature"
    delivered = " and ".join(_rules(unit.success)) or "true"
    total = "cast(sum(case when {} then counted.quantity else 0 end) as bigint)".format
    return f"""\
select
    counted.day as day, {quoted(unit.unit)} as unit, {feature} as feature, counted.tenant as tenant, counted.model as model,
    counted.experiment_arm as experiment_arm, cast(sum(counted.quantity) as bigint) as units,
    {total(delivered)} as successes,
    {total("counted.is_escalated")} as escalations,
    {total("counted.is_fallback")} as fallbacks,
    {total("counted.is_completed")} as completed,
    count(counted.quality_score) as quality_count, cast(coalesce(sum(counted.quality_score), 0) as decimal(38,6)) as quality_sum
from (
    select
        {typed}
    from (
{_bare(sql)}
    ) as given
) as counted
where counted.day >= getvariable('from_day') and counted.day < getvariable('to_day')
group by counted.day, {feature}, counted.tenant, counted.model, counted.experiment_arm"""


def _bare(sql: str) -> str:
    return sql.strip().rstrip(";")


def _column(name: str, given: set[str]) -> str:
    dtype, default = GIVEN[name]
    if name not in given:
        return f"{default} as {name}"
    value = f"cast(given.{name} as {dtype})"
    return f"{value} as {name}" if name in {"day", "quality_score"} else f"coalesce({value}, {default}) as {name}"


def _rules(success: UnitSuccess) -> Iterator[str]:
    if success.is_success:
        yield "counted.is_success"
    if success.not_escalated:
        yield "not counted.is_escalated"
    if success.completed:
        yield "counted.is_completed"
    if success.min_quality is not None:
        least: Decimal = success.min_quality
        yield f"coalesce(counted.quality_score >= {least:f}, false)"


def _one_line(error: Exception) -> str:
    """What is wrong, without DuckDB's picture of the query."""
    return str(error).split("\n\n")[0].replace("\n", " ").strip()
