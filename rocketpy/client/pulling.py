"""Pulling, as greenlets do it (PullAPIWrapper.java)."""

from __future__ import annotations

from rocketpy.client.errors import BrokerError, ClientError
from rocketpy.client.instance import Instance
from rocketpy.client.messages import decode_received
from rocketpy.client.results import PULL_STATUS, PullResult, PullStatus
from rocketpy.client.subscriptions import is_tags
from rocketpy.protocol import property_names as names
from rocketpy.protocol.api.client import SubscriptionData
from rocketpy.protocol.api.pull import PullMessage, PullMessageReply
from rocketpy.protocol.api.route import MessageQueue
from rocketpy.protocol.flags import PullSysFlag
from rocketpy.protocol.version import Version

SUSPEND_MS = 15_000
"""How long a broker holds a push consumer's pull (DefaultMQPushConsumerImpl.BROKER_SUSPEND_MAX_TIME_MILLIS:87)."""


class Puller:
    """Pulls for one group; to be used in the instance's hub. Queues have their namespace, times are in ms."""

    def __init__(self, instance: Instance, group: str) -> None:
        self._instance = instance
        self._group = group
        self._suggested: dict[MessageQueue, int] = {}

    def pull(
        self,
        queue: MessageQueue,
        wanted: SubscriptionData,
        queue_offset: int,
        max_count: int,
        *,
        timeout_ms: float,
        suspend_ms: int = 0,
        sub_version: int = 0,
        commit_offset: int | None = None,
        send_expression: bool = True,
        lite: bool = False,
    ) -> PullResult:
        """At most `max_count` messages from `queue_offset` on; the broker waits up to `suspend_ms` for one.

        `commit_offset` is stored at the broker by the way. Raises BrokerError, ClientError or RemotingError.
        """
        address, is_slave = self._address(queue)
        self._check_version(address, queue, wanted)
        sys_flag = PullSysFlag.SUSPEND if suspend_ms else 0
        if send_expression:
            sys_flag |= PullSysFlag.SUBSCRIPTION
        if commit_offset is not None and not is_slave:
            sys_flag |= PullSysFlag.COMMIT_OFFSET
        if lite:
            sys_flag |= PullSysFlag.LITE_PULL
        header = PullMessage(
            consumer_group=self._group, topic=queue.topic, queue_id=queue.queue_id, queue_offset=queue_offset,
            max_msg_nums=max_count, sys_flag=sys_flag, commit_offset=commit_offset or 0,
            suspend_timeout_millis=suspend_ms, subscription=wanted.sub_string if send_expression else None,
            sub_version=sub_version, expression_type=wanted.expression_type, bname=queue.broker_name,
        )  # fmt: skip
        answer = self._instance.client.invoke(address, header, timeout_ms=timeout_ms)
        status = PULL_STATUS.get(answer.code)
        if status is None:
            raise BrokerError(answer.code, answer.remark, address)
        reply = PullMessageReply.decode(answer.ext_fields, answer.code)
        self._suggested[queue] = reply.suggest_which_broker_id
        result = PullResult(status, reply.next_begin_offset, reply.min_offset, reply.max_offset)
        if status == PullStatus.FOUND:
            self._read(result, answer.body, queue, wanted)
        return result

    def _check_version(self, address: str, queue: MessageQueue, wanted: SubscriptionData) -> None:
        """Old brokers do not know of expressions (pullKernelImpl:170); what none has told is taken for new."""
        version = self._instance.broker_versions.get(address, Version.V4_1_0_SNAPSHOT)
        if version < Version.V4_1_0_SNAPSHOT and not is_tags(wanted):
            raise ClientError(
                f"The broker[{queue.broker_name}, {version}] does not upgrade to support for filter message by "
                f"{wanted.expression_type}"
            )

    def _read(self, result: PullResult, body: bytes, queue: MessageQueue, wanted: SubscriptionData) -> None:
        """Decode and choose again, since tags of one hash may differ (processPullResult:72)."""
        tags = set(wanted.tags_set)
        bounds = {names.MIN_OFFSET: str(result.min_offset), names.MAX_OFFSET: str(result.max_offset)}
        for message in decode_received(body, queue.broker_name):
            if tags and message.tags not in tags:
                continue
            message.properties |= bounds
            result.messages.append(message)

    def _address(self, queue: MessageQueue) -> tuple[str, bool]:
        """Whom to ask, and whether it is a slave."""
        routes = self._instance.routes
        number = self._suggested.get(queue, 0)
        found = routes.readable(queue.broker_name, number)
        if found is None:
            routes.update(queue.topic)
            found = routes.readable(queue.broker_name, number)
        if found is None:
            raise ClientError(f"The broker[{queue.broker_name}] not exist")
        return found
