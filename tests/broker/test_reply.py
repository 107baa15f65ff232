"""SEND_REPLY_MESSAGE: replies are pushed to who asked, and stored."""

from __future__ import annotations

from rocketpy.broker.producers import ClientConnection
from rocketpy.protocol.api.send import PushReplyMessage, SendReplyMessage
from rocketpy.protocol.command import Command, Reply
from rocketpy.protocol.properties import split_properties
from tests.broker.data_side import DataSide, answer_of, ext_of
from tests.fakes import FakePeer

REFUSAL = {"TRACE_ON": "true", "MSG_REGION": "DefaultRegion"}
TO_C1 = "REPLY_TO_CLIENT\x01c1\x02CORRELATION_ID\x01ä7"


def send_reply(data: DataSide, properties: str | None = TO_C1, **fields: object) -> Reply:
    request = SendReplyMessage(**{  # type: ignore[arg-type]
        "producer_group": "P", "topic": "C_REPLY", "default_topic": "TBW102", "default_topic_queue_nums": 4,
        "queue_id": 1, "sys_flag": 0, "born_timestamp": 5, "flag": 0, "properties": properties, **fields,
    })  # fmt: skip
    return answer_of(data.replies.send_reply, data.peer, request, "Antwort: ja, natürlich".encode())


def requester(data: DataSide) -> FakePeer:
    peer = FakePeer("127.0.0.1:50009")
    data.producers.register("P", ClientConnection(peer.connection, "c1", 0, 409, data.clock()))
    return peer


def test_a_reply_is_pushed_to_who_asked(data: DataSide) -> None:
    peer = requester(data)
    reply = send_reply(data)
    assert (reply.code, reply.remark) == (0, None)
    ((push, body),) = peer.asked
    assert isinstance(push, PushReplyMessage)
    assert body == "Antwort: ja, natürlich".encode()
    assert (push.topic, push.queue_id, push.store_timestamp) == ("C_REPLY", 1, data.clock())
    assert (push.born_host, push.store_host) == ("127.0.0.1:50001", "127.0.0.1:10911")
    assert push.properties is not None
    assert split_properties(push.properties) == {
        "REPLY_TO_CLIENT": "c1", "CORRELATION_ID": "ä7", "PUSH_REPLY_TIME": str(data.clock()),
    }  # fmt: skip


def test_a_reply_is_stored_as_it_came(data: DataSide) -> None:
    requester(data)
    ext = ext_of(send_reply(data))
    record = data.stored("C_REPLY", 1)
    assert (record.body, record.properties.decode()) == ("Antwort: ja, natürlich".encode(), TO_C1)
    assert (ext["queueId"], ext["queueOffset"], len(ext["msgId"])) == ("1", "0", 32)


def test_a_reply_that_reaches_nobody_is_stored_all_the_same(data: DataSide) -> None:
    reply = send_reply(data)
    assert (reply.code, reply.remark) == (1, "push reply message fail, channel of <c1> not found.")
    assert ext_of(reply)["queueOffset"] == "0"
    reply = send_reply(data, None)
    assert (reply.code, reply.remark) == (1, "reply message properties[REPLY_TO_CLIENT] is null")
    assert ext_of(reply)["queueOffset"] == "1"


def test_a_requester_that_refuses_or_is_gone_is_told_of(data: DataSide) -> None:
    peer = requester(data)
    peer.answer = Command(1)
    assert send_reply(data).remark == "push reply message to c1fail."
    peer.closed = True
    assert send_reply(data).remark == "push reply message to c1fail."


def test_replies_need_not_be_stored(data: DataSide) -> None:
    data.config.store_reply_message_enable = False
    assert ext_of(send_reply(data)) == REFUSAL
    requester(data)
    assert ext_of(send_reply(data, queue_id=2)) == {**REFUSAL, "msgId": "0", "queueId": "2", "queueOffset": "0"}
    assert data.store.log.max_offset == 0


def test_a_reply_that_may_not_be_sent_is_refused(data: DataSide) -> None:
    reply = send_reply(data, topic="a b")
    assert reply.code == 1
    assert ext_of(reply) == REFUSAL


def test_a_producer_is_found_by_its_id_until_it_leaves(data: DataSide) -> None:
    peer = requester(data)
    client = data.producers.find("c1")
    assert client is not None
    assert client.peer is peer.connection
    peer.close()
    assert data.producers.find("c1") is None
    data.producers.unregister("P", requester(data).connection)
    assert data.producers.find("c1") is None
