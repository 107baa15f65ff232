"""Moving groups: resetOffsetByTime, skipAccumulatedMessage, cloneGroupOffset (tools/command/offset)."""

from __future__ import annotations

from typing import NamedTuple

from rocketpy.admin.client import broker_address, queues_in_java_order
from rocketpy.admin.errors import ClientError, null_pointer
from rocketpy.admin.format import cut
from rocketpy.admin.invocation import Command, Invocation, parse_time
from rocketpy.admin.options import Option
from rocketpy.protocol.api.offset import (
    GetMaxOffset,
    GetMaxOffsetReply,
    InvokeBrokerToResetOffset,
    ResetOffsetBody,
    SearchOffsetByTimestamp,
    SearchOffsetByTimestampReply,
    UpdateConsumerOffset,
)
from rocketpy.protocol.api.route import BrokerData, MessageQueue, TopicRouteData
from rocketpy.protocol.api.stats import ConsumeStats, GetConsumeStats, GetTopicStatsInfo, OffsetWrapper, TopicStatsTable
from rocketpy.protocol.codes import LanguageCode, ResponseCode

_GROUP = Option("g", "group", "set the consumer group", required=True)
_TOPIC = Option("t", "topic", "set the topic", required=True)
_FORCE = Option("f", "force", "set the force rollback by timestamp switch[true|false]")
_NEW_ROW = "%-40s  %-40s  %-40s%n"
_OLD_ROW = "%-20s  %-20s  %-20s  %-20s  %-20s  %-20s%n"
_OLD_TITLES = ("#brokerName", "#queueId", "#brokerOffset", "#consumerOffset", "#timestampOffset", "#rollbackOffset")


class Reset(NamedTuple):
    """Which group to reset, in which topic, to which time in ms; -1 is the end of each queue."""

    topic: str
    group: str
    timestamp: int
    force: bool
    for_c: bool = False
    """Whether the clients are written in C++."""


@Command(
    "resetOffsetByTime",
    "Reset consumer offset by timestamp(without client restart).",
    "ResetOffsetByTimeCommand",
    _GROUP,
    _TOPIC,
    Option("s", "timestamp", "set the timestamp[now|currentTimeMillis|yyyy-MM-dd#HH:mm:ss:SSS]", required=True),
    _FORCE,
    Option("c", "cplus", "reset c++ client offset", argument=False),
)
def reset_offset_by_time(run: Invocation) -> None:
    """Online, or at the brokers if nobody is there (ResetOffsetByTimeCommand.java:71)."""
    given = run.text("s")
    timestamp = -1 if given == "now" else parse_time(given)
    reset = Reset(run.text("t"), run.text("g"), timestamp, run.flag("f", True), run.has("c"))
    text = "rollback consumer offset by specified %s[%s], topic[%s], force[%s], "
    text += "timestamp(string)[%s], timestamp(long)[%s]%n"
    told = (reset.group, reset.topic, reset.force, given, timestamp)
    try:
        table = _reset_online(run, reset)
    except ClientError as error:
        if error.code != ResponseCode.CONSUMER_NOT_ONLINE:
            raise
        rows = _reset_offline(run, reset)
        run.print(text, "consumerGroup", *told)
        _print_rollbacks(run, rows)
        return
    run.print(text, "group", *told)
    _print_offsets(run, table)


@Command(
    "skipAccumulatedMessage",
    "Skip all messages that are accumulated (not consumed) currently",
    "SkipAccumulationSubCommand",
    _GROUP,
    _TOPIC,
    _FORCE,
)
def skip_accumulated_message(run: Invocation) -> None:
    """To the end of each queue (SkipAccumulationSubCommand.java:63)."""
    reset = Reset(run.text("t"), run.text("g"), -1, run.flag("f", True))
    try:
        table = _reset_online(run, reset)
    except ClientError as error:
        if error.code != ResponseCode.CONSUMER_NOT_ONLINE:
            raise
        _print_rollbacks(run, _reset_offline(run, reset))
        return
    _print_offsets(run, table)


def _print_offsets(run: Invocation, table: dict[MessageQueue, int]) -> None:
    run.print(_NEW_ROW, "#brokerName", "#queueId", "#offset")
    for queue, queue_offset in table.items():
        run.print(_NEW_ROW, cut(queue.broker_name, 32), queue.queue_id, queue_offset)


def _print_rollbacks(run: Invocation, rows: list[tuple[object, ...]]) -> None:
    run.print(_OLD_ROW, *_OLD_TITLES)
    for row in rows:
        run.print(_OLD_ROW, *row)


def _reset_online(run: Invocation, reset: Reset) -> dict[MessageQueue, int]:
    """Have the brokers tell the clients (DefaultMQAdminExtImpl.resetOffsetByTimestamp:571)."""
    table: dict[MessageQueue, int] = {}
    header = InvokeBrokerToResetOffset(
        topic=reset.topic, group=reset.group, timestamp=reset.timestamp, is_force=reset.force
    )
    for data in run.admin.route(reset.topic).broker_datas:
        language = LanguageCode.CPP if reset.for_c else LanguageCode.JAVA
        answer = run.admin.ask(broker_address(data), header, language=language)
        if not answer.body:
            raise ClientError(answer.remark, answer.code)
        part = ResetOffsetBody.from_json(answer.body).offset_table or {}
        table |= {queue: part[queue] for queue in queues_in_java_order(part)}
    return {queue: table[queue] for queue in queues_in_java_order(table, _capacity_for(len(table)))}


def _capacity_for(size: int) -> int:
    """Of a java.util.HashMap that is filled from another one at once (HashMap.putMapEntries)."""
    return 1 << max(int(size / 0.75 + 1) - 1, 0).bit_length()


def _reset_offline(run: Invocation, reset: Reset) -> list[tuple[object, ...]]:
    """Set the group's offsets at the brokers (DefaultMQAdminExtImpl.resetOffsetByTimestampOld:500)."""
    rows = []
    route = run.admin.route(reset.topic)
    for data in route.broker_datas:
        address = broker_address(data)
        stats = run.admin.fetch(address, GetConsumeStats(consumer_group=reset.group), ConsumeStats).offset_table
        ours = {queue: stats[queue] for queue in queues_in_java_order(stats) if queue.topic == reset.topic}
        for queue, offsets in (ours or _untouched(run, reset.topic, data, route)).items():
            rows.append(_reset_queue(run, address, reset, queue, offsets))
    return rows


def _untouched(
    run: Invocation, topic: str, data: BrokerData, route: TopicRouteData
) -> dict[MessageQueue, OffsetWrapper]:
    """The queues of a broker as if a group were at the beginning of each."""
    header = GetTopicStatsInfo(topic=topic)
    bounds = run.admin.fetch(broker_address(data), header, TopicStatsTable).offset_table
    table = {}
    count = next((one.read_queue_nums for one in route.queue_datas if one.broker_name == data.broker_name), 0)
    for queue_id in range(count):
        queue = MessageQueue(topic=topic, broker_name=data.broker_name, queue_id=queue_id)
        if queue not in bounds:
            raise null_pointer()
        table[queue] = OffsetWrapper(broker_offset=bounds[queue].max_offset, consumer_offset=bounds[queue].min_offset)
    return table


def _reset_queue(
    run: Invocation, address: str, reset: Reset, queue: MessageQueue, offsets: OffsetWrapper
) -> tuple[object, ...]:
    """Not forward unless forced (DefaultMQAdminExtImpl.resetOffsetConsumeOffset:594)."""
    target = _target(run, address, queue, reset.timestamp)
    rolled_back = offsets.consumer_offset
    if reset.force or target <= offsets.consumer_offset:
        rolled_back = target
        _commit(run, address, reset.group, queue, target)
    name = cut(queue.broker_name, 32)
    return name, queue.queue_id, offsets.broker_offset, offsets.consumer_offset, target, rolled_back


def _target(run: Invocation, address: str, queue: MessageQueue, timestamp: int) -> int:
    if timestamp == -1:
        end = run.admin.ask(address, GetMaxOffset(topic=queue.topic, queue_id=queue.queue_id))
        return GetMaxOffsetReply.decode(end.ext_fields).queue_offset
    header = SearchOffsetByTimestamp(topic=queue.topic, queue_id=queue.queue_id, timestamp=timestamp)
    return SearchOffsetByTimestampReply.decode(run.admin.ask(address, header).ext_fields).queue_offset


def _commit(run: Invocation, address: str, group: str, queue: MessageQueue, queue_offset: int) -> None:
    header = UpdateConsumerOffset(
        consumer_group=group,
        topic=queue.topic,
        queue_id=queue.queue_id,
        commit_offset=queue_offset,
        bname=queue.broker_name,
    )
    run.admin.ask(address, header)


@Command(
    "cloneGroupOffset",
    "clone offset from other group.",
    "CloneGroupOffsetCommand",
    Option("s", "srcGroup", "set source consumer group", required=True),
    Option("d", "destGroup", "set destination consumer group", required=True),
    Option("t", "topic", "set the topic", required=True),
    Option("o", "offline", "the group or the topic is offline"),
)
def clone_group_offset(run: Invocation) -> None:
    """All offsets of a group for another one, at the brokers of a topic (CloneGroupOffsetCommand.java:64)."""
    source, target, topic = run.text("s"), run.text("d"), run.text("t")
    table = run.admin.consume_stats(source).offset_table
    addresses = {data.broker_name: broker_address(data) for data in run.admin.route(topic).broker_datas}
    for queue in queues_in_java_order(table):
        if table[queue].consumer_offset >= 0:
            address = addresses.get(queue.broker_name)
            if address is None:
                raise null_pointer()
            _commit(run, address, target, queue, table[queue].consumer_offset)
    text = "clone group offset success. srcGroup[%s], destGroup=[%s], topic[%s]"
    run.print(text, source, target, topic)
