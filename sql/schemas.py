"""The columns of every table, found by asking DuckDB what each model gives over empty inputs; and what the models may not give."""

from collections.abc import Mapping

import duckdb

from meterbook.sql.models import Columns, Model, ModelError, Project
from meterbook.sql.remembered import remembered
from meterbook.sql.steps import make_table

MACROS = (
    # Exact whole-number division, truncating; `//` on DECIMAL goes through DOUBLE and loses digits.
    "create macro div_trunc(a, b) as cast(cast(a as hugeint) // cast(b as hugeint) as decimal(38,0))",
    # Dollars to whole pico-dollars and back: exact up to 10^12 USD, and an error above.
    "create macro to_pico(usd) as cast(cast(usd as decimal(24,12)) * cast(1000000000000 as decimal(13,0)) as decimal(38,0))",
    "create macro to_usd(pico) as cast(cast(pico as decimal(25,0)) * cast('0.000000000001' as decimal(12,12)) as decimal(38,12))",
    # The same for one row, as BIGINT and DECIMAL(18,12): below a million dollars, and three times as fast over millions of rows.
    "create macro row_pico(usd) as cast(to_pico(usd) as bigint)",
    "create macro row_usd(pico) as cast(cast(pico as decimal(18,0)) * cast('0.000000000001' as decimal(12,12)) as decimal(18,12))",
    # Half of the smallest unit, a cent at most, in which all of some amounts are whole: what each may be off because it was rounded.
    """create macro half_unit(pico) as case when max(abs(pico % 10000000000)) = 0 then 5000000000
        when max(abs(pico % 1000000000)) = 0 then 500000000 when max(abs(pico % 100000000)) = 0 then 50000000
        when max(abs(pico % 10000000)) = 0 then 5000000 when max(abs(pico % 1000000)) = 0 then 500000
        when max(abs(pico % 100000)) = 0 then 50000 when max(abs(pico % 10000)) = 0 then 5000 when max(abs(pico % 1000)) = 0 then 500
        when max(abs(pico % 100)) = 0 then 50 when max(abs(pico % 10)) = 0 then 5 else 0 end""",
    # The name of a key that a bill and the logs share (core.use_key says which it is).
    """create macro known_key(known_by, project_id, key_id) as coalesce(nullif(case known_by when 'project' then project_id
        when 'key' then key_id when 'none' then '' else coalesce(nullif(project_id, ''), key_id) end, ''), '(none)')""",
    # What is counted in a unit, as cards call it.
    """create macro meter_of(unit) as case unit when 'images' then 'image' when 'characters' then 'character' when 'seconds' then 'second'
        when 'pages' then 'page' when 'calls' then 'call' when 'searches' then 'search' when 'sessions' then 'session'
        when 'token_hours' then 'storage_token_hour' else coalesce(unit, 'unknown') end""",
    # A model's name without the date of its snapshot, NULL where it has none; and a name in which `*` is anything, as a LIKE pattern with
    # escape character `!`.
    """create macro undated(name) as case when name like '%-20__-__-__' then left(name, length(name) - 11)
        when name like '%-20______' or name like '%@20______' then left(name, length(name) - 9) end""",
    "create macro like_of(name) as replace(replace(replace(replace(name, '!', '!!'), '%', '!%'), '_', '!_'), '*', '%')",
    # Whole unix seconds of an instant; parts of a second are dropped.
    "create macro unix_second(instant) as epoch_us(instant) // 1000000",
    # The value of a tag in a JSON object of tags; NULL where it has none, or is no JSON.
    """create macro tag_of(tags, name) as case when json_valid(tags) then json_extract_string(tags, concat('$."', name, '"')) end""",
    # Whole microseconds of an instant.
    "create macro unix_micro(instant) as epoch_us(instant)",
    # The number of a cell of core.price_cell: how many of its cuts lie below a call.
    "create macro one_above(value, cut) as case when value > cut then 1 else 0 end",
    "create macro one_since(instant, cut) as case when unix_micro(instant) >= cut then 1 else 0 end",
    """create macro cell_of(whole, whole_1, whole_2, whole_3, whole_4, whole_5, whole_6, whole_7, uncached, uncached_1, uncached_2,
        uncached_3, instant, time_1, time_2, time_3, time_4, time_5) as one_above(whole, whole_1) + one_above(whole, whole_2)
        + one_above(whole, whole_3) + one_above(whole, whole_4) + one_above(whole, whole_5) + one_above(whole, whole_6)
        + one_above(whole, whole_7)
        + 8 * (one_above(uncached, uncached_1) + one_above(uncached, uncached_2) + one_above(uncached, uncached_3))
        + 32 * (one_since(instant, time_1) + one_since(instant, time_2) + one_since(instant, time_3) + one_since(instant, time_4)
        + one_since(instant, time_5))""",
    # The slot of an hour in which a second lies; which sixty slots it is of, and its bit in the number that holds these (core.gpu_slot).
    "create macro slot_of(second, length) as (second % 3600) // length",
    "create macro part_of(second, length) as ((second % 3600) // length) // 60",
    "create macro slot_bit(second, length) as cast(1 as bigint) << (((second % 3600) // length) % 60)",
    # Two JSON objects of tags as one; what both name is as the first has it. NULL where there is neither.
    """create macro merged_tags(first, second) as case when first is null then second when second is null then first
        else cast(json_merge_patch(second, first) as varchar) end""",
    # Seconds of such slots; the last one of an hour may be a short one.
    """create macro slot_seconds(slots, part, length) as cast(bit_count(slots) as bigint) * length - case
        when part = (3599 // length) // 60 and (slots >> cast((3599 // length) % 60 as bigint)) & 1 = 1
        then (3599 // length + 1) * length - 3600 else 0 end""",
    # No units cost nothing whatever the price; units without a price are unknown, never free.
    "create macro cost_of(units, pico) as case when units = 0 then 0 else units * pico end",
    # The same of units that are not counted where there are none.
    "create macro cost_if_any(units, pico) as case when units <> 0 then units * pico else 0 end",
    # A share of a share, both in whole millionths, truncated.
    "create macro ppm_of(share, ppm) as cast((cast(share as bigint) * ppm) // 1000000 as bigint)",
    # So many millionths of an amount of pico-dollars, in millionths of them: exact, to be summed and divided once.
    "create macro micro_pico(pico, ppm) as cast(pico as decimal(30,0)) * cast(ppm as decimal(7,0))",
    # What tokens cost that many calls used, and their fees; NULL where one of the prices is.
    "create macro meter_cost(units, pico) as cast(units as decimal(20,0)) * cast(pico as decimal(13,0))",
    """create macro calls_cost(plain, reads, writes_5m, writes_1h, outs, reasoned, calls, plain_pico, read_pico, write_5m_pico,
        write_1h_pico, output_pico, reasoning_extra_pico, request_pico) as meter_cost(plain, plain_pico) + meter_cost(reads, read_pico)
        + meter_cost(writes_5m, write_5m_pico) + meter_cost(writes_1h, write_1h_pico) + meter_cost(outs, output_pico)
        + meter_cost(reasoned, reasoning_extra_pico) + meter_cost(calls, request_pico)""",
    # What an amount at one price changes by at another; 0 where either is unknown, or the old one was nothing.
    """create macro moved_pico(pico, new, old) as case when pico = 0 or new is null or coalesce(old, 0) = 0 then 0
        else div_trunc(cast(pico as decimal(24,0)) * cast(new - old as decimal(13,0)), old) end""",
    # What is given low, point and high, as scenario 1, 2 or 3 has it.
    "create macro of_scenario(place, low, point, high) as case place when 1 then low when 2 then point else high end",
    # An amount in another currency in dollars, rounded once, half away from zero, at the picodollar. Units and fractions are multiplied
    # apart, so that both products fit: exact for amounts below 10^19.
    """create macro converted(amount, rate) as cast(
        cast(amount - amount % 1 as decimal(19,0)) * cast(rate as decimal(18,12))
        + cast(cast(amount % 1 as decimal(12,12)) * cast(rate as decimal(18,12)) as decimal(38,12)) as decimal(38,12))""",
)
_INEXACT = ("HUGEINT", "UHUGEINT", "DOUBLE", "FLOAT")
_EXACT_UNITS = ("_usd", "_tokens", "_seconds", "_bytes", "requests", "units")


def define_macros(con: duckdb.DuckDBPyConnection) -> None:
    """Give a connection the few functions models may use beside SQL's own."""
    for macro in MACROS:
        con.execute(macro)


def empty_table(con: duckdb.DuckDBPyConnection, name: str, columns: Columns) -> None:
    """Create a table without rows; its schema is created where missing."""
    con.execute(f"create schema if not exists {name.split('.')[0]}; {empty_table_sql(name, columns)}")


def empty_table_sql(name: str, columns: Columns) -> str:
    """The statement that creates a table without rows in a schema that is there."""
    return f"create table {name} ({', '.join(f'{column} {dtype}' for column, dtype in columns.items())})"


def shipped_columns(project: Project) -> Mapping[str, Columns]:
    """`columns_of`, asked once on a machine for equal models over equal inputs, not by each process."""
    models = [(name, model.header.kind, model.digest) for name, model in project.models.items()]
    given = [[(name, list(shape.items())) for name, shape in shapes.items()] for shapes in (project.inputs, project.kinds)]
    found: Mapping[str, Columns] = remembered("columns", [MACROS, given, models], lambda: columns_of(project))
    return found


def columns_of(project: Project) -> dict[str, Columns]:
    """Columns of every table: the given ones, the kinds' views, and what each model's SQL yields.

    Raises:
        ModelError: SQL that does not bind, a staging column its kind does not know, or an inexact type where money or counts are.
    """
    columns: dict[str, Columns] = {**project.inputs, **{f"staging.{kind}": shape for kind, shape in project.kinds.items()}}
    with duckdb.connect() as con:
        define_macros(con)
        con.execute("set variable from_day = date '2000-01-01'; set variable to_day = date '2000-01-02'")
        for name, shape in columns.items():
            empty_table(con, name, shape)
        for model in project.models.values():
            columns[model.name] = _columns(con, model)
            _refuse_inexact(model, columns[model.name])
            _refuse_unknown(model, columns[model.name], project)
    return columns


def _columns(con: duckdb.DuckDBPyConnection, model: Model) -> Columns:
    con.execute(f"create schema if not exists {model.layer}")
    try:
        make_table(con, model, model.name, empty=True)
    except duckdb.Error as error:
        raise ModelError(f"{model.name}: {error}") from error
    return {row[0]: row[1] for row in con.execute(f"describe {model.name}").fetchall()}


def _refuse_inexact(model: Model, columns: Columns) -> None:
    for column, dtype in columns.items():
        is_money = model.layer != "marts" or column.endswith(_EXACT_UNITS)
        if dtype == "HUGEINT" or (dtype in _INEXACT and is_money):
            raise ModelError(f"{model.name}.{column} is {dtype}; cast it to BIGINT or DECIMAL")


def _refuse_unknown(model: Model, columns: Columns, project: Project) -> None:
    if model.header.kind is None:
        return
    if model.header.kind not in project.kinds:
        raise ModelError(f"{model.name}: no kind {model.header.kind!r} in sql/kinds.yaml")
    shape = project.kinds[model.header.kind]
    wrong = [f"{c} {t}" for c, t in columns.items() if shape.get(c) != t]
    if wrong:
        raise ModelError(f"{model.name}: not columns of kind {model.header.kind}: {', '.join(wrong)}")
