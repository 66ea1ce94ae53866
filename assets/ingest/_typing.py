"""Text and native columns of a mapped file as the columns of a kind, in SQL; strictly, and with a reason where a value does not fit."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from functools import cache

from meterbook.assets.ingest._meters import INPUT, OUTPUT
from meterbook.assets.ingest.format import FIRST_YEAR, LARGEST, LAST_YEAR
from meterbook.assets.sources import Mapped
from meterbook.sql.lake import quoted
from meterbook.sql.models import read_kinds

IDENTITY: Mapping[str, str | None] = {
    "request": "request_id",
    "usage": "usage_id",
    "charge": "charge_id",
    "outcome": "outcome_id",
    "quality": "quality_id",
    "job": "run_id",
    "gpu_sample": None,
}
INSTANT = {
    "request": "started_at",
    "usage": "starts_at",
    "charge": "starts_at",
    "outcome": "occurred_at",
    "quality": "occurred_at",
    "job": "submitted_at",
    "gpu_sample": "sampled_at",
}
NEEDED = {"charge": ("billed_cost",), "outcome": ("unit",), "gpu_sample": ("device_id",), "quality": ("signal",), "job": ("job_id",)}
"""What a record of a kind is nothing without, beside its instant."""
SOUND = "select * exclude (_reason) from judged where _reason is null order by line"
BROKEN = "select line, _reason from judged where _reason is not null order by line"
_MADE_HERE = {"file_id", "copies", "day", "source", "cost_basis"}
_GATHERED = {"place", "slots", "last_second", "utilization_samples", "first_energy_mj", "least_energy_mj", "most_energy_mj"}
"""What only rows that stand for several samples have."""
_PARTS_OF: Mapping[str, Sequence[str]] = {"input_tokens": INPUT[1:], "output_tokens": OUTPUT[1:]}
"""Buckets that an inclusive count holds."""
_PARTS = ("used_gpus", "warm_idle_gpus", "unknown_gpus")
_WORDS = {"BIGINT": "a whole number", "INTEGER": "a whole number", "TIMESTAMP": "an instant", "BOOLEAN": "true or false"}
_EXACT = Context(prec=80)


@cache
def columns_of(kind: str) -> dict[str, str]:
    """Columns of a mapped raw table with their DuckDB types."""
    return {name: dtype for name, (dtype, _) in read_kinds()[kind].items() if name not in _MADE_HERE | _GATHERED}


def product(factors: Sequence[str | None], shift: int, *, is_count: bool) -> str | None:
    """An exact product as text.

    Args:
        factors: numbers as text; where one is NULL the product is.
        shift: powers of ten to multiply with, for money in other units.
        is_count: whether the product is a count, which is rounded half up.

    Returns:
        The product, or the factors as they stand where one is no number: typing then sets the record aside.
    """
    if None in factors:
        return None
    result = Decimal(1)
    try:
        for factor in factors:
            result = _EXACT.multiply(result, Decimal(factor or ""))
        result = result.scaleb(shift, _EXACT)
        return f"{result.quantize(Decimal(1), ROUND_HALF_UP, _EXACT) if is_count else result:f}"
    except InvalidOperation:
        return " * ".join(factor or "" for factor in factors)


def judged(mapping: Mapped) -> str:
    """The query over `given` that types the rows the filter keeps and gives each a reason, or NULL where it is sound."""
    shape = columns_of(mapping.kind)
    typed = ", ".join(f"{_expression(name, dtype, mapping)} as {name}" for name, dtype in shape.items())
    finished = ", ".join(f"{_finished(name, mapping)} as {name}" for name in shape)
    packed = ", ".join(f"typed.{name}" for name in shape)
    content = f"md5(cast(row({packed}) as varchar))"
    return (
        f"with kept as (select * from given where {_where(mapping)}), typed as (select line, {typed} from kept) "
        f"select line, {finished}, {content} as _content, {_reason(mapping, shape)} as _reason from typed join kept using (line)"
    )


def _where(mapping: Mapped) -> str:
    tests = ["true"]
    for n, wanted in enumerate(mapping.where.values()):
        listed = ", ".join(quoted(_plain(value)) for value in (wanted if isinstance(wanted, tuple) else (wanted,)))
        tests.append(f"coalesce(cast(where_{n} as varchar) in ({listed}), false)")
    return " and ".join(tests)


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _expression(name: str, dtype: str, mapping: Mapped) -> str:
    if name in mapping.columns:
        return _cast(name, dtype, mapping)
    constant = mapping.constants.get(name)
    return f"cast(null as {dtype})" if constant is None else f"cast({quoted(_plain(constant))} as {dtype})"


def _cast(name: str, dtype: str, mapping: Mapped) -> str:
    text = f"nullif(trim(cast({name} as varchar)), '')"
    if dtype == "TIMESTAMP":
        return _instant(name, mapping)
    if dtype in {"BIGINT", "INTEGER"}:
        # A cast alone would round 9.7 to 10.
        return f"case when regexp_full_match({text}, '[-+]?[0-9]+([.]0*)?') then try_cast({text} as {dtype}) end"
    return f"try_cast({text} as {dtype})"


def _instant(name: str, mapping: Mapped) -> str:
    text = f"cast({name} as varchar)"
    # Outside these the conversion to an instant is an error of the whole query, not of the row.
    seconds, within = f"try_cast({name} as decimal(20,6))", "between -62135596800 and 253402300799"
    match mapping.time_format:
        case "unix_s":
            return f"case when {seconds} {within} then make_timestamp(cast({seconds} * 1000000 as bigint)) end"
        case "unix_ms":
            return (
                f"case when {seconds} between -62135596800000 and 253402300799000 then make_timestamp(cast({seconds} * 1000 as bigint)) end"
            )
        case "offset_s":
            shifted = f"make_timestamp(epoch_us(timestamp '{mapping.epoch}') + cast({seconds} * 1000000 as bigint))"
            return f"case when {seconds} {within} then {shifted} end"
        case "iso":
            found = f"try_cast({text} as timestamptz)"
        case pattern:
            found = f"try_cast(try_strptime({text}, {quoted(pattern)}) as timestamp)"
    return f"case when isfinite({found}) then cast({found} as timestamp) end"


def _finished(name: str, mapping: Mapped) -> str:
    if name == "sampled_second":
        return "cast(epoch_us(typed.sampled_at) // 1000000 as bigint)"
    if name in _PARTS_OF and mapping.tokens == "inclusive":
        return f"typed.{name} - ({_parts(name)})"
    if name == "region":
        return "case when lower(trim(typed.region)) not in ('', 'global', 'default') then lower(trim(typed.region)) end"
    return f"typed.{name}"


def _parts(name: str) -> str:
    return " + ".join(f"coalesce(typed.{part}, 0)" for part in _PARTS_OF[name])


def _reason(mapping: Mapped, shape: Mapping[str, str]) -> str:
    instant = INSTANT[mapping.kind]
    tests = [
        (
            f"nullif(trim(cast(kept.{name} as varchar)), '') is not null and typed.{name} is null",
            f"'{name}: ' || left(cast(kept.{name} as varchar), 80) || ' is not {_WORDS.get(shape[name], 'a number')}'",
        )
        for name in mapping.columns
    ]
    tests += [(f"typed.{name} is null", f"'{name} is missing'") for name in (instant, *NEEDED.get(mapping.kind, ()))]
    outside = f"year(typed.{instant}) < {FIRST_YEAR} or year(typed.{instant}) > {LAST_YEAR}"
    tests.append((outside, f"'day ' || cast(typed.{instant} as date) || ' is outside {FIRST_YEAR} to {LAST_YEAR}'"))
    for name, dtype in shape.items():
        if dtype == "BIGINT" and name not in {"sampled_second", "energy_mj"}:
            tests.append((f"abs(typed.{name}) > {LARGEST}", f"'{name} is too large (' || typed.{name} || ')'"))
            tests.append((f"typed.{name} < 0", f"'{name} is negative (' || typed.{name} || ')'"))
    if mapping.kind == "charge":
        why = "'currency ' || typed.currency || ' is no ISO 4217 code'"
        tests.append(("not regexp_full_match(typed.currency, '[A-Za-z]{3}')", why))
    if mapping.kind == "gpu_sample":
        tests += _gpu_tests()
    if "quantity_unit" in shape:
        tests.append(("typed.quantity < 0", "'quantity is negative (' || typed.quantity || ')'"))
        tests.append(("typed.quantity > 0 and typed.quantity_unit is null", "'quantity without a quantity_unit'"))
    if mapping.tokens == "inclusive" and "input_tokens" in shape:
        tests += _inclusive_tests()
    return "case " + " ".join(f"when {test} then {why}" for test, why in tests) + " end"


def _inclusive_tests() -> list[tuple[str, str]]:
    cached = " + ".join(f"coalesce(typed.{name}, 0)" for name in INPUT[1:] if "cache" in name)
    of_input, of_output = _parts("input_tokens"), _parts("output_tokens")
    media = "cached, audio, image and video tokens"
    exceed = "') exceed {0} tokens (' || typed.{0}_tokens || ')'"
    return [
        (f"{cached} > typed.input_tokens", f"'cached tokens (' || ({cached}) || {exceed.format('input')}"),
        (f"{of_input} > typed.input_tokens", f"'{media} (' || ({of_input}) || {exceed.format('input')}"),
        (f"{of_output} > typed.output_tokens", f"'audio and image tokens (' || ({of_output}) || {exceed.format('output')}"),
    ]


def _gpu_tests() -> list[tuple[str, str]]:
    parts = " + ".join(f"coalesce(typed.{name}, 0)" for name in _PARTS)
    return [
        (
            "typed.interval_seconds not between 1 and 3600",
            "'interval_seconds ' || typed.interval_seconds || ' is not 1 to 3600'",
        ),
        (
            f"{parts} > coalesce(typed.gpus, 1)",
            f"'used, warm-idle and unknown GPUs (' || ({parts}) || ') are more than gpus (' || coalesce(typed.gpus, 1) || ')'",
        ),
    ]
