"""What administrators have consumers do, with consumers that really are connected."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rocketpy.errors import RemotingTimeout
from rocketpy.protocol.api import connection as api
from rocketpy.protocol.api import offset
from rocketpy.protocol.api.client import Heartbeat, HeartbeatData, NotifyConsumerIdsChanged
from rocketpy.protocol.api.route import MessageQueue
from rocketpy.protocol.api.topic import TopicConfig
from rocketpy.protocol.codes import LanguageCode, ResponseCode
from rocketpy.protocol.command import Command, Reply
from rocketpy.remoting.client import Client
from rocketpy.remoting.connection import Connection
from rocketpy.remoting.router import Router, handles
from tests.broker.live import Live, consumer_data
from tests.fakes import FakePeer

Q0, Q1 = (MessageQueue(topic="T", broker_name="b-0", queue_id=queue_id) for queue_id in (0, 1))


class Consumer:
    """The answers of a consumer, and what it was told."""

    def __init__(self) -> None:
        self.told: list[Command] = []

    @handles(NotifyConsumerIdsChanged, offset.ResetConsumerClientOffset)
    def hear(self, peer: Connection, request: object, command: Command) -> None:
        self.told.append(command)

    @handles(api.GetConsumerRunningInfo)
    def running_info(self, peer: Connection, request: api.GetConsumerRunningInfo, command: Command) -> Reply:
        return Reply(body=api.ConsumerRunningInfo(properties={"größe": "1"}).to_json(), remark="well")

    @handles(api.ConsumeMessageDirectly)
    def consume(self, peer: Connection, request: api.ConsumeMessageDirectly, command: Command) -> Reply:
        self.told.append(command)
        return Reply(body=api.ConsumeMessageDirectlyResult(consume_result="CR_SUCCESS").to_json())

    @handles(offset.GetConsumerStatusFromClient)
    def status(self, peer: Connection, request: offset.GetConsumerStatusFromClient, command: Command) -> Reply:
        return Reply(body=offset.GetConsumerStatusBody(message_queue_table={Q0: 7}).to_json())


@pytest.fixture
def consumer(live: Live) -> Iterator[Consumer]:
    """Client "me" of group G, which reads topic T of two queues and has come to offset 2 and 0."""
    consumer = Consumer()
    client = Client(router=Router(consumer))
    live.servers.call(live.servers.broker.topics.update, TopicConfig(topic_name="T", write_queue_nums=2))
    for _ in range(3):
        live.send("T")
    for queue_id, committed in ((0, 2), (1, 0)):
        live.ask(
            offset.UpdateConsumerOffset(consumer_group="G", topic="T", queue_id=queue_id, commit_offset=committed)
        )
    data = HeartbeatData(client_id="me", consumer_data_set=[consumer_data("G", ["T"])])
    client.invoke(live.broker, Heartbeat(), data.to_json())
    yield consumer
    client.close()


def reset(live: Live, timestamp: int, *, is_force: bool) -> dict[MessageQueue, int] | None:
    asked = offset.InvokeBrokerToResetOffset(topic="T", group="G", timestamp=timestamp, is_force=is_force)
    answer = live.ask(asked)
    assert (answer.code, answer.remark) == (0, "not set any response code")
    return offset.ResetOffsetBody.from_json(answer.body).offset_table


def test_consumers_are_told_where_to_go(live: Live, consumer: Consumer) -> None:
    assert reset(live, 1, is_force=True) == {Q0: 0, Q1: 0}
    assert reset(live, -1, is_force=True) == {Q0: 3, Q1: 0}
    assert reset(live, -1, is_force=False) == {Q0: 2, Q1: 0}
    live.ask(api.GetConsumerRunningInfo(consumer_group="G", client_id="me"))  # answered after what was told before
    told = [command for command in consumer.told if command.ext_fields and "timestamp" in command.ext_fields]
    assert [command.is_oneway for command in told] == [True] * 3
    assert told[1].ext_fields == {"topic": "T", "group": "G", "timestamp": "-1", "isForce": "false"}
    assert offset.ResetOffsetBody.from_json(told[1].body).offset_table == {Q0: 3, Q1: 0}
    assert live.servers.broker.offsets.query("G", "T", 0) == 2


def test_clients_in_cpp_are_told_in_a_list(live: Live, consumer: Consumer) -> None:
    header = offset.InvokeBrokerToResetOffset(topic="T", group="G", timestamp=-1, is_force=True)
    command = Command(header.code, language=LanguageCode.CPP)
    broker = live.servers.broker
    handler = broker._router._routes[header.code].handler
    answer = live.servers.call(handler, FakePeer().connection, header, command)
    assert isinstance(answer, Reply)
    assert isinstance(answer.body, bytes)
    assert offset.ResetOffsetBody.from_json(answer.body).offset_table == {Q0: 3, Q1: 0}
    live.ask(api.GetConsumerRunningInfo(consumer_group="G", client_id="me"))
    told = offset.ResetOffsetBodyForC.from_json(consumer.told[-1].body).offset_table
    assert told is not None
    assert sorted((one.topic, one.broker_name, one.queue_id, one.queue_offset) for one in told) == [
        ("T", "b-0", 0, 3), ("T", "b-0", 1, 0),
    ]  # fmt: skip


def test_reset_is_refused_in_javas_words(live: Live) -> None:
    def refused(topic: str) -> tuple[int, str | None]:
        answer = live.ask(offset.InvokeBrokerToResetOffset(topic=topic, group="G", timestamp=5, is_force=True))
        return answer.code, answer.remark

    assert refused("T") == (1, "[reset-offset] reset offset failed, no topic in this broker. topic=T")
    live.send("T")
    assert refused("T") == (1, "THe consumer group <G> not exist")
    for queue_id in range(4):
        live.ask(offset.UpdateConsumerOffset(consumer_group="G", topic="T", queue_id=queue_id, commit_offset=0))
    assert refused("T") == (206, "Consumer not online, so can not reset offset, Group: G Topic: T Timestamp: 5")


def test_status_of_all_members_is_collected(live: Live, consumer: Consumer) -> None:
    def table(client: str | None) -> dict[str, dict[MessageQueue, int]]:
        asked = offset.InvokeBrokerToGetConsumerStatus(topic="T", group="G", client_addr=client)
        return offset.GetConsumerStatusBody.from_json(live.ask(asked).body).consumer_table

    assert table(None) == table("me") == {"me": {Q0: 7}}
    assert table("somebody else") == {}
    answer = live.ask(offset.InvokeBrokerToGetConsumerStatus(topic="T", group="nobody"))
    assert answer.code == 1
    assert (answer.remark or "").startswith("java.lang.NullPointerException")


def test_answer_of_a_consumer_is_passed_on(live: Live, consumer: Consumer) -> None:
    answer = live.ask(api.GetConsumerRunningInfo(consumer_group="G", client_id="me", jstack_enable=True))
    assert (answer.code, answer.remark) == (0, "well")
    assert api.ConsumerRunningInfo.from_json(answer.body).properties == {"größe": "1"}
    answer = live.ask(api.GetConsumerRunningInfo(consumer_group="G", client_id="you"))
    assert (answer.code, answer.remark) == (1, "The Consumer <G> <you> not online")


def test_message_is_handed_to_the_consumer(live: Live, consumer: Consumer) -> None:
    sent = live.send("T", b"gr\xc3\xbc\xc3\x9fe").ext_fields
    assert sent is not None
    answer = live.ask(api.ConsumeMessageDirectly(consumer_group="G", client_id="me", msg_id=sent["msgId"]))
    assert api.ConsumeMessageDirectlyResult.from_json(answer.body).consume_result == "CR_SUCCESS"
    told = consumer.told[-1]
    assert told.ext_fields is not None
    assert told.ext_fields["brokerName"] == "b-0"
    assert b"gr\xc3\xbc\xc3\x9fe" in told.body
    for msg_id in ("nonsense", sent["msgId"][:-4] + "FFFF"):
        answer = live.ask(api.ConsumeMessageDirectly(consumer_group="G", client_id="me", msg_id=msg_id))
        assert answer.code == ResponseCode.SYSTEM_ERROR


def test_consumer_that_does_not_answer_is_a_timeout(
    live: Live, consumer: Consumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def time_out(*_: object, **__: object) -> Command:
        raise RemotingTimeout("no answer")

    monkeypatch.setattr(Connection, "invoke", time_out)
    member = live.servers.broker.consumers.find_member("G", "me")
    assert member is not None
    handler = live.servers.broker._router._routes[api.GetConsumerRunningInfo.code].handler
    request = api.GetConsumerRunningInfo(consumer_group="G", client_id="me")
    with pytest.raises(Exception, match="consumer <G> <me> Timeout: no answer") as raised:
        live.servers.call(handler, FakePeer().connection, request, Command(request.code))
    assert raised.value.code == ResponseCode.CONSUME_MSG_TIMEOUT  # type: ignore[attr-defined]


def test_consumers_that_are_too_old_are_not_asked(live: Live, consumer: Consumer) -> None:
    member = live.servers.broker.consumers.find_member("G", "me")
    assert member is not None
    member.version = 27
    answer = live.ask(api.GetConsumerRunningInfo(consumer_group="G", client_id="me"))
    assert answer.code == 1
    assert "too low to finish, please upgrade it to V3_1_8_SNAPSHOT" in (answer.remark or "")
    answer = live.ask(offset.InvokeBrokerToResetOffset(topic="T", group="G", timestamp=-1, is_force=True))
    assert (answer.code, answer.remark) == (1, "the client does not support this feature. version=V3_0_6")
