"""What a record type is to DuckDB, and to msgspec where nothing needs to be settled first."""

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Annotated, Any

import msgspec
from msgspec import inspect

_PLAIN: Mapping[type, tuple[Any, str]] = {
    inspect.ListType: (list[str], "VARCHAR[]"),
    # An amount stays text: DuckDB would read it through a float.
    inspect.DecimalType: (Decimal, "VARCHAR"),
    inspect.StrType: (str, "VARCHAR"),
    inspect.AnyType: (str, "VARCHAR"),
    inspect.IntType: (int, "BIGINT"),
    inspect.BoolType: (bool, "BOOLEAN"),
}
"""Of several kinds a field may have, the first one here is its plain one."""


@cache
def plain_of(record: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """The record type without what has to be settled: every field of one kind, and none that only settling sees."""
    return _plain(inspect.type_info(record))


@cache
def columns_of(record: type[msgspec.Struct]) -> Mapping[str, str]:
    """The fields of a record as DuckDB columns, for `read_json`; none for those that only settling sees."""
    return dict(_columns(inspect.type_info(record)))


@cache
def amounts_of(record: type[msgspec.Struct]) -> tuple[str, ...]:
    """Attributes of a record that are amounts."""
    described: Any = inspect.type_info(record)
    return tuple(one.name for one in described.fields if inspect.DecimalType in _kinds(one.type))


def _kinds(given: Any) -> dict[type, Any]:  # noqa: ANN401 -- msgspec's description of a type
    return {type(one): one for one in getattr(given, "types", (given,))}


def _plain(struct: Any) -> type[msgspec.Struct]:  # noqa: ANN401 -- msgspec's description of a type
    fields = [
        (one.name, kind | None, msgspec.field(default=None, name=one.encode_name))
        for one in struct.fields
        if (kind := _plain_kind(_kinds(one.type))) is not None
    ]
    return msgspec.defstruct(struct.cls.__name__, fields, gc=False)


def _plain_kind(kinds: Mapping[type, Any]) -> Any:  # noqa: ANN401 -- a type, or None
    if struct := kinds.get(inspect.StructType):
        return _plain(struct)
    kind = next((one for one in _PLAIN if one in kinds), None)
    if kind is inspect.IntType:
        return Annotated[int, msgspec.Meta(ge=kinds[kind].ge, le=kinds[kind].le)]
    return kind and _PLAIN[kind][0]


def _columns(struct: Any) -> list[tuple[str, str]]:  # noqa: ANN401 -- msgspec's description of a type
    return [(one.encode_name, found) for one in struct.fields if (found := _column(_kinds(one.type)))]


def _column(kinds: Mapping[type, Any]) -> str:
    if struct := kinds.get(inspect.StructType):
        return f"STRUCT({', '.join(f'{name} {dtype}' for name, dtype in _columns(struct))})"
    return next((dtype for kind, (_, dtype) in _PLAIN.items() if kind in kinds), "")
