"""Which lines are plain: what a record type says of fields that few records fill."""

from typing import Annotated, Any

import msgspec
import pytest

from meterbook.assets.ingest._shapes import BODY, OURS, UNREAD, bodied_of, columns_of, plain_of, rare, read_as, says_more

Count = Annotated[int, msgspec.Meta(ge=-(10**15), le=10**15)]


class _Inner(msgspec.Struct):
    often: Count | None = None
    seldom: Annotated[Count | None, rare(0)] = None


class _OnlyRare(msgspec.Struct):
    seldom: Annotated[Count | None, rare(0)] = None


class _Record(msgspec.Struct):
    name: str | None = None
    region: Annotated[str | None, rare("", "global")] = None
    never: Annotated[str | None, rare()] = None
    unread: Annotated[Count | None, UNREAD] = None
    ours: Annotated[str | None, OURS] = None
    inner: _Inner | None = None
    others: _OnlyRare | None = None


class _Free(msgspec.Struct):
    said: Annotated[dict[str, Any] | None, read_as(_Inner)] = None


class _Bodied(msgspec.Struct):
    name: str | None = None
    asked: Annotated[msgspec.Raw, BODY] = msgspec.field(default=msgspec.Raw(b"null"), name="request")


def is_plain(text: str) -> bool:
    try:
        msgspec.json.decode(text, type=plain_of(_Record, "barred"))
    except msgspec.ValidationError:
        return False
    return True


def test_duckdb_reads_neither_rare_fields_nor_unread_ones_but_ours() -> None:
    assert columns_of(_Record) == {"name": "VARCHAR", "ours": "VARCHAR", "inner": 'STRUCT("often" BIGINT)'}


def test_of_a_field_that_settling_sees_whole_duckdb_reads_what_is_named() -> None:
    assert columns_of(_Free) == {"said": 'STRUCT("often" BIGINT)'}
    assert msgspec.json.decode('{"said":{"often":[],"any":1}}', type=_Free).said == {"often": [], "any": 1}
    plain: Any = msgspec.json.decode('{"said":{"often":5,"any":1}}', type=plain_of(_Free))
    assert plain.said.often == 5
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode('{"said":{"often":[]}}', type=plain_of(_Free))


@pytest.mark.parametrize(("body", "is_empty"), [("null", True), ("{}", True), ('{"a":1}', False), ("[]", False), ('"text"', False)])
def test_a_line_is_odd_where_its_body_holds_anything_and_bodied_all_the_same(body: str, is_empty: bool) -> None:
    text = f'{{"request":{body},"name":"a"}}'
    bodied: Any = msgspec.json.decode(text, type=bodied_of(_Bodied))
    assert (bodied.name, bytes(bodied.asked)) == ("a", body.encode())
    try:
        msgspec.json.decode(text, type=plain_of(_Bodied))
    except msgspec.ValidationError:
        assert not is_empty
    else:
        assert is_empty
    assert columns_of(_Bodied) == {"name": "VARCHAR"}


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ('{"name":"a","region":"global","never":null,"unread":7,"inner":{"often":5,"seldom":0},"others":{"seldom":null}}', True),
        ('{"region":"us"}', False),
        ('{"never":""}', False),
        ('{"inner":{"seldom":1}}', False),
        ('{"others":{"seldom":-1}}', False),
        ('{"unread":"seven"}', False),
        ('{"ours":"a"}', False),
        ('{"barred":true}', False),
    ],
)
def test_a_line_is_odd_where_a_rare_field_says_something(text: str, plain: bool) -> None:
    assert is_plain(text) == plain


@pytest.mark.parametrize(
    ("record", "more"),
    [
        (None, False),
        (_Record(name="a", region="global", unread=7, inner=_Inner(5, 0), others=_OnlyRare(0)), False),
        (_Record(region="us"), True),
        (_Record(inner=_Inner(seldom=2)), True),
        (_Record(others=_OnlyRare(1)), True),
    ],
)
def test_a_record_says_more_where_any_rare_field_does(record: Any, more: bool) -> None:
    assert says_more(record) == more
