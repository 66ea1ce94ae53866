"""What a record type is to DuckDB, and to msgspec where nothing needs to be settled first."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Literal

import msgspec
from msgspec import inspect

_NOTHING, _READ, _AS, _BODY = "nothing", "read", "as", "body"
UNREAD = msgspec.Meta(extra={_NOTHING: None})
"""Marks a field that DuckDB does not read, whatever it says: settling an odd record asks for it."""
OURS = msgspec.Meta(extra={_NOTHING: (), _READ: True})
"""Marks a field that settling fills for DuckDB: a record of a file that has it is odd."""


def rare(*nothing: str | int) -> msgspec.Meta:
    """Marks a field that says something in few records only: DuckDB does not read it, and a record in which it does is odd.

    Args:
        nothing: values that say nothing, beside none at all.
    """
    return msgspec.Meta(extra={_NOTHING: nothing})


class _Empty(msgspec.Struct, forbid_unknown_fields=True):
    pass


def read_as(record: type[msgspec.Struct]) -> msgspec.Meta:
    """Marks a field that settling sees whole, and of which DuckDB reads what a record type names."""
    return msgspec.Meta(extra={_AS: inspect.type_info(record), _READ: True})


BODY = msgspec.Meta(extra={_BODY: True})
"""Marks a field (`msgspec.Raw`) that DuckDB does not read, and that holds nothing in most records: one in which it does is odd."""
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
def plain_of(record: type[msgspec.Struct], *barred: str) -> type[msgspec.Struct]:
    """The record type without what has to be settled: every field of one kind, rare ones saying nothing, none that only settling sees.

    Args:
        record: the record type.
        barred: keys that no record of a file may use.
    """
    return _plain(inspect.type_info(record), barred)


@cache
def bodied_of(record: type[msgspec.Struct], *barred: str) -> type[msgspec.Struct]:
    """The same as `plain_of`, but bodies may hold anything: JSON as it lies there, None where the record has none."""
    described: Any = inspect.type_info(record)
    fields = [(one.name, msgspec.Raw, msgspec.field(default=None, name=one.encode_name)) for one in described.fields if _is_body(one.type)]
    return msgspec.defstruct(record.__name__, fields, bases=(plain_of(record, *barred),), gc=False)


@cache
def columns_of(record: type[msgspec.Struct]) -> Mapping[str, str]:
    """The fields of a record as DuckDB columns, for `read_json`; none for those that only settling sees."""
    return dict(_columns(inspect.type_info(record)))


def says_more(record: msgspec.Struct | None) -> bool:
    """Whether any rare field of a record, or of a record in it, says something."""
    if record is None:
        return False
    rare_ones, inner = _rare_fields(type(record))
    says = any((value := getattr(record, name)) is not None and value not in nothing for name, nothing in rare_ones)
    return says or any(says_more(getattr(record, name)) for name in inner)


@cache
def _rare_fields(record: type[msgspec.Struct]) -> tuple[Sequence[tuple[str, tuple[str | int, ...]]], Sequence[str]]:
    """Rare fields with what says nothing there, and fields that are records themselves."""
    described: Any = inspect.type_info(record)
    marked = [(one.name, _mark(one.type, _NOTHING)) for one in described.fields]
    return [one for one in marked if one[1] is not None], [one.name for one in described.fields if inspect.StructType in _kinds(one.type)]


@cache
def amounts_of(record: type[msgspec.Struct]) -> tuple[str, ...]:
    """Attributes of a record that are amounts."""
    described: Any = inspect.type_info(record)
    return tuple(one.name for one in described.fields if inspect.DecimalType in _kinds(one.type))


def _kinds(given: Any) -> dict[type, Any]:  # noqa: ANN401 -- msgspec's description of a type
    if named := _mark(given, _AS):
        return {inspect.StructType: named}
    kind = given.type if isinstance(given, inspect.Metadata) else given
    return {type(one): one for one in getattr(kind, "types", (kind,))}


def _plain(struct: Any, barred: Sequence[str] = ()) -> type[msgspec.Struct]:  # noqa: ANN401 -- msgspec's description of a type
    fields: list[tuple[str, Any, Any]] = [(name, type(None), None) for name in barred]
    fields += [
        (one.name, kind | None, msgspec.field(default=None, name=one.encode_name))
        for one in struct.fields
        if (kind := _plain_type(one.type)) is not None
    ]
    return msgspec.defstruct(struct.cls.__name__, fields, gc=False)


def _plain_type(given: Any) -> Any:  # noqa: ANN401 -- msgspec's description of a type; a type, or None
    if _is_body(given):
        return _Empty
    nothing = _mark(given, _NOTHING)
    return _plain_kind(_kinds(given)) if nothing is None else Literal[*nothing] if nothing else type(None)


def _is_body(given: Any) -> bool:  # noqa: ANN401 -- msgspec's description of a type
    return _mark(given, _BODY) is not None


def _mark(given: Any, name: str) -> Any:  # noqa: ANN401 -- msgspec's description of a type; what a mark says
    return (given.extra or {}).get(name) if isinstance(given, inspect.Metadata) else None


def _plain_kind(kinds: Mapping[type, Any]) -> Any:  # noqa: ANN401 -- a type, or None
    if struct := kinds.get(inspect.StructType):
        return _plain(struct)
    kind = next((one for one in _PLAIN if one in kinds), None)
    if kind is inspect.IntType:
        return Annotated[int, msgspec.Meta(ge=kinds[kind].ge, le=kinds[kind].le)]
    return kind and _PLAIN[kind][0]


def _columns(struct: Any) -> list[tuple[str, str]]:  # noqa: ANN401 -- msgspec's description of a type
    read = (one for one in struct.fields if not isinstance(one.type, inspect.Metadata) or _mark(one.type, _READ))
    return [(one.encode_name, found) for one in read if (found := _column(_kinds(one.type)))]


def _column(kinds: Mapping[type, Any]) -> str:
    if struct := kinds.get(inspect.StructType):
        # In quotes, as a field may have the name of a word of SQL.
        inner = ", ".join(f'"{name}" {dtype}' for name, dtype in _columns(struct))
        return f"STRUCT({inner})" if inner else ""
    return next((dtype for kind, (_, dtype) in _PLAIN.items() if kind in kinds), "")
