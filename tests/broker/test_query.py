"""QUERY_MESSAGE and VIEW_MESSAGE_BY_ID."""

from __future__ import annotations

from rocketpy.protocol.api.query import QueryMessage, ViewMessageById
from rocketpy.protocol.command import JSON
from rocketpy.protocol.message import decode_messages
from tests.broker.data_side import DataSide, answer_of, ext_of
from tests.broker.test_pull import body_of

FOREVER = (1 << 63) - 1


def query(data: DataSide, **fields: object) -> object:
    request = QueryMessage(**{  # type: ignore[arg-type]
        "topic": "T", "key": "schlüssel", "max_num": 10, "begin_timestamp": 0, "end_timestamp": FOREVER, **fields,
    })  # fmt: skip
    return answer_of(data.queries.query, data.peer, request)


def test_messages_are_found_by_key_and_answered_past_the_return(data: DataSide) -> None:
    data.send(body=b"1", properties="KEYS\x01other")
    data.send(body=b"2", properties="KEYS\x01a schlüssel")
    data.send("U", body=b"3", properties="KEYS\x01schlüssel")
    assert query(data) is None
    ((command, reply),) = data.peer.replies
    assert (command.opaque, reply.code, reply.remark, reply.serialization) == (7, 0, None, JSON)
    assert [message.body for message in decode_messages(body_of(reply))] == [b"2"]
    assert ext_of(reply) == {
        "indexLastUpdateTimestamp": str(data.clock()),
        "indexLastUpdatePhyoffset": str(data.stored("U").physical_offset),
    }


def test_what_is_not_found_is_answered_with_22(data: DataSide) -> None:
    reply = query(data)
    assert (reply.code, reply.remark) == (22, "can not find message, maybe time range not correct")  # type: ignore[attr-defined]
    assert ext_of(reply) == {"indexLastUpdateTimestamp": "0", "indexLastUpdatePhyoffset": "0"}  # type: ignore[arg-type]


def test_a_query_by_unique_key_has_a_limit_of_its_own(data: DataSide) -> None:
    for _ in range(40):
        data.send(properties="UNIQ_KEY\x010A")
    query(data, key="0A", max_num=1, unique_key_query=True)
    query(data, key="0A", max_num=1)
    counts = [len(decode_messages(body_of(reply))) for _, reply in data.peer.replies]
    assert counts == [32, 1]


def test_a_message_is_viewed_by_its_physical_offset(data: DataSide) -> None:
    data.send(body=b"first")
    data.send(body=b"second")
    offset = data.stored(queue_offset=1).physical_offset
    assert answer_of(data.queries.view, data.peer, ViewMessageById(physical_offset=offset)) is None
    ((_, reply),) = data.peer.replies
    assert (reply.code, reply.serialization, reply.header) == (0, JSON, None)
    assert [message.body for message in decode_messages(body_of(reply))] == [b"second"]


def test_an_offset_beyond_the_log_finds_nothing(data: DataSide) -> None:
    data.send()
    reply = answer_of(data.queries.view, data.peer, ViewMessageById(physical_offset=data.store.log.max_offset))
    assert reply.code == 1
    assert reply.remark == f"can not find message by the offset, {data.store.log.max_offset}"
