from __future__ import annotations

import pytest

from rocketpy.errors import ProtocolError
from rocketpy.protocol.body import Body, body, wire


@body
class Key(Body):
    topic: str
    queue_id: int


@body
class Row(Body):
    min_offset: int = 0
    name: str | None = None


@body
class Table(Body):
    offset_table: dict[Key, Row] = wire(factory=dict)
    by_id: dict[int, str] = wire(factory=dict)
    rows: list[Row] = wire(factory=list)
    words: set[str] | None = None
    client_id: str | None = wire("clientID", default=None)
    flag: bool = False
    rate: float = 0.0


TABLE = Table(
    offset_table={Key(topic="T", queue_id=1): Row(min_offset=5, name="é")},
    by_id={0: "a", 1: "b"},
    rows=[Row(), Row(min_offset=-1)],
    words={"w"},
    client_id="c",
    flag=True,
    rate=1.5,
)
TEXT = (
    '{"byId":{0:"a",1:"b"},"clientID":"c","flag":true,"offsetTable":{{"queueId":1,"topic":"T"}:'
    '{"minOffset":5,"name":"é"}},"rate":1.5,"rows":[{"minOffset":0},{"minOffset":-1}],"words":["w"]}'
)


def test_a_body_is_written_as_fastjson_writes_it() -> None:
    assert TABLE.to_json().decode() == TEXT


def test_a_body_is_read_back() -> None:
    assert Table.from_json(TEXT) == TABLE
    assert Table.from_json(TEXT.encode()) == TABLE


def test_unknown_fields_are_skipped_and_missing_ones_keep_their_default() -> None:
    assert Table.from_json('{"unknown":{"a":1},"rate":"2.5","byId":{"7":"x"},"flag":"true","words":null}') == Table(
        rate=2.5, by_id={7: "x"}, flag=True
    )


@pytest.mark.parametrize(
    "data",
    [
        "",
        "[]",
        "null",
        "7",
        '{"rows":5}',
        '{"rows":[5]}',
        '{"rows":[null]}',
        '{"byId":{"x":"y"}}',
        '{"rate":{}}',
        "{",
        '{"rows":[{"minOffset":1e400}]}',
    ],
)
def test_garbage_is_a_protocol_error(data: str) -> None:
    with pytest.raises(ProtocolError):
        Table.from_json(data)
