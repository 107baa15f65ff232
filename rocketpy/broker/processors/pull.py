"""PULL_MESSAGE: messages of one queue for one group (PullMessageProcessor.java).

A pull that is too early, and allows it, is held by `long_polling` and asked again, once, when there is something or
its time is over.
"""

from __future__ import annotations

import logging
from typing import Final

from rocketpy.broker.long_polling import HeldPull, LongPolling
from rocketpy.broker.offset_moved import OffsetMovedEvents
from rocketpy.broker.offsets import OffsetTable
from rocketpy.broker.pull_checks import Codes, PullChecks
from rocketpy.broker.slow_groups import SlowGroups
from rocketpy.broker.stats import BrokerStats
from rocketpy.clock import Clock
from rocketpy.config.broker import BrokerConfig
from rocketpy.config.store import BrokerRole, StoreConfig
from rocketpy.errors import ReplyError, StoreError
from rocketpy.protocol.api.group import SubscriptionGroupConfig
from rocketpy.protocol.api.pull import PullMessage
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.command import HOLD, JSON, Command, Hold, Reply
from rocketpy.protocol.flags import PullSysFlag
from rocketpy.protocol.header import Header
from rocketpy.remoting.connection import Connection
from rocketpy.remoting.router import handles
from rocketpy.store.message_store import MessageStore
from rocketpy.store.results import GetResult, GetStatus

log = logging.getLogger(__name__)

_MASTER_ID: Final = 0
_FOUND: Final = GetStatus.FOUND
_EMPTY_QUEUE: Final = (GetStatus.NO_MATCHED_LOGIC_QUEUE, GetStatus.NO_MESSAGE_IN_QUEUE)
_CODES: Final = {
    GetStatus.MESSAGE_WAS_REMOVING: ResponseCode.PULL_RETRY_IMMEDIATELY,
    GetStatus.NO_MATCHED_MESSAGE: ResponseCode.PULL_RETRY_IMMEDIATELY,
    GetStatus.NO_MATCHED_LOGIC_QUEUE: ResponseCode.PULL_OFFSET_MOVED,
    GetStatus.NO_MESSAGE_IN_QUEUE: ResponseCode.PULL_OFFSET_MOVED,
    GetStatus.OFFSET_FOUND_NULL: ResponseCode.PULL_NOT_FOUND,
    GetStatus.OFFSET_OVERFLOW_BADLY: ResponseCode.PULL_OFFSET_MOVED,
    GetStatus.OFFSET_OVERFLOW_ONE: ResponseCode.PULL_NOT_FOUND,
    GetStatus.OFFSET_TOO_SMALL: ResponseCode.PULL_OFFSET_MOVED,
}


class PullHeader(Header):
    """A PullMessageReply, written out in both serializations since it is made for each pull (4.5 -> 1.5 us)."""

    __slots__ = ("_found", "suggest_which_broker_id")

    def __init__(self, suggest_which_broker_id: int, found: GetResult) -> None:
        self.suggest_which_broker_id = suggest_which_broker_id
        self._found = found

    def encode(self, code: int = -1) -> dict[str, str]:
        found = self._found
        return {
            "suggestWhichBrokerId": str(self.suggest_which_broker_id),
            "nextBeginOffset": str(found.next_begin_offset),
            "minOffset": str(found.min_offset),
            "maxOffset": str(found.max_offset),
        }

    def encode_binary(self, code: int = -1) -> bytes:
        found = self._found
        broker_id, following = str(self.suggest_which_broker_id), str(found.next_begin_offset)
        low, high = str(found.min_offset), str(found.max_offset)
        text = (
            f"\0\x14suggestWhichBrokerId\0\0\0{chr(len(broker_id))}{broker_id}"
            f"\0\x0fnextBeginOffset\0\0\0{chr(len(following))}{following}"
            f"\0\x09minOffset\0\0\0{chr(len(low))}{low}\0\x09maxOffset\0\0\0{chr(len(high))}{high}"
        )
        return text.encode()

    def encode_json(self, code: int = -1) -> bytes:
        found = self._found
        return (
            f'{{"suggestWhichBrokerId":"{self.suggest_which_broker_id}","nextBeginOffset":"{found.next_begin_offset}",'
            f'"minOffset":"{found.min_offset}","maxOffset":"{found.max_offset}"}}'
        ).encode()


class PullProcessor:
    """Answers pulls, or has them held."""

    def __init__(
        self,
        config: BrokerConfig,
        store_config: StoreConfig,
        store: MessageStore,
        checks: PullChecks,
        offsets: OffsetTable,
        waiters: LongPolling,
        moved: OffsetMovedEvents,
        slow_groups: SlowGroups,
        stats: BrokerStats,
        clock: Clock,
    ) -> None:
        self._config = config
        self._store_config = store_config
        self._store = store
        self._checks = checks
        self._offsets = offsets
        self._waiters = waiters
        self._moved = moved
        self._slow_groups = slow_groups
        self._stats = stats
        self._clock = clock
        waiters.answer = self._answer_held

    @handles(PullMessage, vip=False)
    def pull(self, peer: Connection, request: PullMessage, command: Command) -> Reply | Hold | None:
        """Messages from `queue_offset` on, or why there are none; stores the offset that comes along."""
        now = self._clock()
        checks = self._checks
        group = checks.group(request)
        checks.queue(request, peer.remote_address)
        codes = checks.codes(request, group)
        found = self._get(request, codes)
        sys_flag = request.sys_flag
        if sys_flag & PullSysFlag.COMMIT_OFFSET and self._store_config.broker_role is not BrokerRole.SLAVE:
            self._offsets.commit(
                peer.remote_address, request.consumer_group, request.topic, request.queue_id, request.commit_offset
            )
        if found.status is _FOUND:
            return self._found(peer, request, command, group, found, now)
        code = _code(request, found)
        if code is ResponseCode.PULL_NOT_FOUND and sys_flag & PullSysFlag.SUSPEND:
            self._waiters.hold(HeldPull(peer, command, request, codes, now + self._patience(request)))
            return HOLD
        return self._nothing_found(request, group, found, code, now)

    def _answer_held(self, pull: HeldPull) -> None:
        """Ask a held pull again and answer it, in JSON whatever was asked (executeRequestWhenWakeup:549)."""
        peer, command, request = pull.peer, pull.command, pull.request
        now = self._clock()
        reply: Reply | None
        try:
            group = self._checks.group(request)
            self._checks.queue(request, peer.remote_address)
            found = self._get(request, self._checks.codes(request, group))
            if found.status is _FOUND:
                reply = self._found(peer, request, command, group, found, now)
            else:
                reply = self._nothing_found(request, group, found, _code(request, found), now)
        except ReplyError as error:
            reply = Reply(error.code, Header(), remark=error.remark)
        if reply is not None:
            reply.serialization = JSON
            peer.reply(command, reply)

    def _get(self, request: PullMessage, codes: Codes) -> GetResult:
        try:
            found = self._store.get(
                request.topic, request.queue_id, request.queue_offset, request.max_msg_nums, codes
            )
        except StoreError:
            raise ReplyError(ResponseCode.SYSTEM_ERROR, "store getMessage return null") from None
        except ValueError as error:
            raise ReplyError(ResponseCode.SYSTEM_ERROR, f"java.lang.IllegalArgumentException: {error}") from None
        if found.behind and self._store_config.disk_fall_recorded:
            self._slow_groups.note(request.consumer_group, request.topic, request.queue_id, found.behind)
        if found.status is not _FOUND:
            self._stats.get_missed += 1
        return found

    def _found(
        self,
        peer: Connection,
        request: PullMessage,
        command: Command,
        group: SubscriptionGroupConfig,
        found: GetResult,
        now: int,
    ) -> Reply | None:
        self._stats.messages_got(request.consumer_group, request.topic, found.message_count, found.size)
        reply = Reply(ResponseCode.SUCCESS, self._header(group, found), found.views, "FOUND")
        if self._config.transfer_msg_by_heap:
            elapsed = self._clock() - now
            self._stats.get_took(request.consumer_group, request.topic, request.queue_id, elapsed)
            return reply
        reply.serialization = JSON
        peer.reply(command, reply)
        return None

    def _nothing_found(
        self, request: PullMessage, group: SubscriptionGroupConfig, found: GetResult, code: ResponseCode, now: int
    ) -> Reply:
        header = self._header(group, found)
        if code is ResponseCode.PULL_OFFSET_MOVED:
            config = self._store_config
            if config.broker_role is not BrokerRole.SLAVE or config.offset_check_in_slave:
                self._moved.append(request, found, now)
            else:
                header.suggest_which_broker_id = group.broker_id
                code = ResponseCode.PULL_RETRY_IMMEDIATELY
        return Reply(code, header, remark=found.status.name)

    def _header(self, group: SubscriptionGroupConfig, found: GetResult) -> PullHeader:
        """Where to go on; while slaveReadEnable, who is slow is sent to a slave (PullMessageProcessor:248-277)."""
        broker_id = _MASTER_ID
        if self._config.slave_read_enable:
            broker_id = group.which_broker_when_consume_slowly if found.suggest_slave else group.broker_id
        return PullHeader(broker_id, found)

    def _patience(self, request: PullMessage) -> int:
        """How long a pull is held, in ms."""
        config = self._config
        return request.suspend_timeout_millis if config.long_polling_enable else config.short_polling_time_mills


def _code(request: PullMessage, found: GetResult) -> ResponseCode:
    """What an empty result is answered with; at the start of an empty queue one may wait for its first message."""
    if found.status in _EMPTY_QUEUE and request.queue_offset == 0:
        return ResponseCode.PULL_NOT_FOUND
    return _CODES[found.status]
