"""Message trace: who sent, stored and consumed what, told to the brokers as messages of a topic of its own.

The bodies are Java's (TraceDataEncoder.java:135): records that end in 0x02, their fields separated by 0x01.

```
Pub             time region group topic msgId tags keys storeHost bodyLength cost msgType offsetMsgId success
SubBefore       time region group requestId msgId retryTimes keys
SubAfter        requestId msgId cost success keys contextCode time group
EndTransaction  time region group topic msgId tags keys storeHost msgType transactionId state fromCheck
```
"""

from __future__ import annotations

import itertools
import logging
from typing import TYPE_CHECKING, Final

import gevent

from rocketpy.client.instance import Instance
from rocketpy.client.listening import ConsumeStatus
from rocketpy.client.messages import ReceivedMessage
from rocketpy.client.results import LocalTransactionState, SendResult, SendStatus
from rocketpy.client.sending import Outgoing, Sender, SendSettings
from rocketpy.clock import now_ms
from rocketpy.errors import RocketpyError
from rocketpy.protocol import property_names as names
from rocketpy.protocol.message import Message
from rocketpy.protocol.property_names import KEY_SEPARATOR
from rocketpy.protocol.topic_names import DLQ_PREFIX, RETRY_PREFIX, TRACE_TOPIC

if TYPE_CHECKING:
    from rocketpy.client.consumer import Consumer

log = logging.getLogger(__name__)

LARGEST: Final = 128_000
"""Bytes of a trace message (AsyncTraceDispatcher:89)."""
_FULL: Final = LARGEST - 10_000
_FLUSH_SECONDS: Final = 0.5
_SEND_MS: Final = 5000
_NORMAL, _HALF, _COMMIT, _DELAY = range(4)
"""MessageType.java:20."""
_SUCCESS, _TIME_OUT, _EXCEPTION, _FAILED = 0, 1, 2, 4
"""ConsumeReturnType.java:20; 3 is for listeners that return null."""

_numbers = itertools.count(1)


class Trace:
    """Gathers the records of one producer or consumer and sends them; to be used in the instance's hub."""

    def __init__(self, instance: Instance, group: str, kind: str, topic: str = TRACE_TOPIC) -> None:
        """`kind` is PRODUCE or CONSUME."""
        name = f"_INNER_TRACE_PRODUCER-{group}-{kind}-{next(_numbers)}"
        self._sender = Sender(instance, name.replace("%", "-"), SendSettings(max_message_size=LARGEST))
        self._topic = topic
        self._group = _bare(group)
        self._records: list[str] = []
        self._keys: dict[str, None] = {}
        self._size = 0
        self._loop = gevent.spawn(self._run)

    def stop(self) -> None:
        """Send what there is."""
        self._loop.kill()
        self._send()

    def sent(self, outgoing: Outgoing, address: str, result: SendResult, started: int) -> None:
        """A message was sent to the broker at `address`, beginning at `started` ms (SendMessageTraceHookImpl:41)."""
        if not result.trace_on or outgoing.topic.startswith(self._topic):
            return
        properties = outgoing.properties
        kind = _NORMAL
        if properties.get(names.TRANSACTION_PREPARED) == "true":
            kind = _HALF
        if names.DELAY_TIME_LEVEL in properties or "__STARTDELIVERTIME" in properties:
            kind = _DELAY
        keys = properties.get(names.KEYS)
        self.add(
            result.msg_id, keys, "Pub", started, result.region_id, self._group, _bare(outgoing.topic), result.msg_id,
            properties.get(names.TAGS), keys, address, len(outgoing.body), now_ms() - started, kind,
            result.offset_msg_id, result.status == SendStatus.SEND_OK,
        )  # fmt: skip

    def ended(
        self,
        message: Message,
        msg_id: str,
        address: str,
        transaction_id: str | None,
        state: LocalTransactionState,
        from_check: bool,
    ) -> None:
        """A transaction's outcome is about to be told (EndTransactionTraceHookImpl:43)."""
        region = message.properties.get(names.MSG_REGION) or "DefaultRegion"
        self.add(
            msg_id, message.keys, "EndTransaction", now_ms(), region, self._group, _bare(message.topic), msg_id,
            message.tags, message.keys, address, _COMMIT, transaction_id, str(state), from_check,
        )  # fmt: skip

    def new_id(self) -> str:
        """An id for a batch that is consumed."""
        return self._sender.new_id()

    def add(self, msg_id: str, keys: str | None, *fields: object) -> None:
        """A record of one message, which is found by its id and its keys."""
        record = "\x01".join(map(_java, fields)) + "\x02"
        self._records.append(record)
        self._keys |= dict.fromkeys([msg_id, *(keys.split(KEY_SEPARATOR) if keys else ())])
        self._size += len(record)
        if self._size >= _FULL:
            gevent.spawn(self._send)

    def _run(self) -> None:
        while True:
            gevent.sleep(_FLUSH_SECONDS)
            self._send()

    def _send(self) -> None:
        if not self._records:
            return
        message = Message(self._topic, "".join(self._records).encode(), keys=self._keys)
        self._records, self._keys, self._size = [], {}, 0
        try:
            self._sender.send(self._sender.prepare(message), "async", _SEND_MS)
        except RocketpyError as error:
            log.error("trace data is lost: %s", error)


class ConsumeTrace:
    """Tells of each batch that a listener gets, or that a lite consumer pulls (ConsumeMessageTraceHookImpl.java)."""

    def __init__(self, trace: Trace, consumer: Consumer) -> None:
        self._trace = trace
        self._group = _bare(consumer.group)

    def before(self, group: str, messages: list[ReceivedMessage]) -> object:
        """What `after` needs: the request's id, when it began, and the messages that are traced."""
        traced = [one for one in messages if one.properties.get(names.TRACE_SWITCH) != "false"]
        request_id, started = self._trace.new_id(), now_ms()
        region = traced[-1].properties.get(names.MSG_REGION) if traced else None
        for one in traced:
            self._trace.add(
                one.msg_id, one.keys, "SubBefore", started, region, self._group, request_id, one.msg_id,
                one.reconsume_times, one.keys,
            )  # fmt: skip
        return request_id, started, traced, len(messages)

    def after(self, note: object, status: ConsumeStatus, took_ms: int, failed: bool, late: bool) -> None:
        """The outcome of the same batch."""
        assert isinstance(note, tuple)
        request_id, started, traced, count = note
        success = status in (ConsumeStatus.SUCCESS, ConsumeStatus.COMMIT)
        code = _EXCEPTION if failed else _TIME_OUT if late else _FAILED if not success else _SUCCESS
        cost = (now_ms() - started) // max(count, 1)
        for one in traced:
            self._trace.add(
                one.msg_id, one.keys, "SubAfter", request_id, one.msg_id, cost, success, one.keys, code, now_ms(),
                self._group,
            )  # fmt: skip


def _bare(name: str) -> str:
    """Without whatever namespace it has (NamespaceUtil.withoutNamespace:37)."""
    prefix = next((one for one in (RETRY_PREFIX, DLQ_PREFIX) if name.startswith(one)), "")
    rest = name[len(prefix) :]
    namespace, separator, inner = rest.partition("%")
    return prefix + inner if namespace and separator else name


def _java(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
