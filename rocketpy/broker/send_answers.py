"""What a send is answered with (SendMessageProcessor.handlePutMessageResult:465)."""

from __future__ import annotations

from typing import Final

import orjson

from rocketpy.config.broker import BrokerConfig
from rocketpy.config.store import StoreConfig
from rocketpy.protocol.binary_fields import encode_fields
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.command import Reply
from rocketpy.protocol.header import Header
from rocketpy.store.cleanup import disk_used_ratio
from rocketpy.store.results import AppendResult, PutStatus

_OK: Final = PutStatus.PUT_OK
_SUCCESS: Final = ResponseCode.SUCCESS
_LONGEST_MESSAGE_ID: Final = 127
_STORED: Final = {
    PutStatus.PUT_OK: ResponseCode.SUCCESS,
    PutStatus.FLUSH_DISK_TIMEOUT: ResponseCode.FLUSH_DISK_TIMEOUT,
    PutStatus.FLUSH_SLAVE_TIMEOUT: ResponseCode.FLUSH_SLAVE_TIMEOUT,
    PutStatus.SLAVE_NOT_AVAILABLE: ResponseCode.SLAVE_NOT_AVAILABLE,
}
"""The message is in the log, though perhaps not as safe as the sender wants it."""

_BUSY = "[PC_SYNCHRONIZED]broker busy, start flow control for a while"
_TOO_MANY_LIGHT_QUEUES = (
    "[LMQ_CONSUME_QUEUE_NUM_EXCEEDED]broker config enableLmq and enableMultiDispatch, lmq consumeQueue num exceed "
    "maxLmqConsumeQueueNum config num, default limit 2w."
)


class StoredHeader(Header):
    """A SendMessageReply, written out in both serializations since it is made for each message (3.2 -> 1.4 us).

    `common` is what all of them share.
    """

    __slots__ = ("_common", "_message_id", "_queue_id", "_queue_offset")

    def __init__(self, common: CommonFields, message_id: str, queue_id: int, queue_offset: int) -> None:
        self._common = common
        self._message_id = message_id
        self._queue_id = str(queue_id)
        self._queue_offset = str(queue_offset)

    def encode(self, code: int = -1) -> dict[str, str]:
        return {
            "queueId": self._queue_id,
            **self._common.fields,
            "msgId": self._message_id,
            "queueOffset": self._queue_offset,
        }

    def encode_binary(self, code: int = -1) -> bytes:
        message_id, queue_id, queue_offset = self._message_id, self._queue_id, self._queue_offset
        length = len(message_id)
        if length <= _LONGEST_MESSAGE_ID:
            length_text = "\0\0\0" + chr(length)
        else:  # those of a batch
            length_text = length.to_bytes(4, "big").decode("latin-1")
        text = (
            f"\0\7queueId\0\0\0{chr(len(queue_id))}{queue_id}\0\5msgId{length_text}{message_id}"
            f"\0\x0bqueueOffset\0\0\0{chr(len(queue_offset))}{queue_offset}"
        )
        return text.encode("latin-1") + self._common.binary

    def encode_json(self, code: int = -1) -> bytes:
        return (
            f'{{"queueId":"{self._queue_id}",{self._common.json}"msgId":"{self._message_id}",'
            f'"queueOffset":"{self._queue_offset}"}}'
        ).encode()


class RefusedHeader(Header):
    """The header of an answer when nothing was stored."""

    __slots__ = ("_common",)

    def __init__(self, common: CommonFields) -> None:
        self._common = common

    def encode(self, code: int = -1) -> dict[str, str]:
        return self._common.fields


class CommonFields:
    """What all answers to sends say, refusals too: the region, and whether to trace."""

    __slots__ = ("binary", "fields", "json")

    def __init__(self, region_id: str, trace_on: bool) -> None:
        self.fields = {"TRACE_ON": "true" if trace_on else "false", "MSG_REGION": region_id}
        self.binary = encode_fields(self.fields)
        self.json = orjson.dumps(self.fields).decode()[1:-1] + ","


class SendAnswers:
    """Makes the answers to sends."""

    def __init__(self, config: BrokerConfig, store_config: StoreConfig) -> None:
        self._config = config
        self._store_config = store_config
        self._common: dict[tuple[str, bool], CommonFields] = {}

    def _common_fields(self) -> CommonFields:
        """Those of the present configuration, which may be changed while the broker runs."""
        key = self._config.region_id, self._config.trace_on
        common = self._common.get(key)
        if common is None:
            common = self._common[key] = CommonFields(*key)
        return common

    def refusal_header(self) -> RefusedHeader:
        """The header of an answer when nothing was stored."""
        return RefusedHeader(self._common_fields())

    def answer(self, result: AppendResult, queue_id: int) -> Reply:
        """Where the message went, or why it went nowhere; `queue_id` is the one that was asked for."""
        code = _SUCCESS if result.status is _OK else _STORED.get(result.status)
        if code is None:
            code, remark = self._refusal(result.status)
            return Reply(code, self.refusal_header(), remark=remark)
        return Reply(code, self.header(result.msg_id, queue_id, result.queue_offset))

    def header(self, message_id: str, queue_id: int, queue_offset: int) -> StoredHeader:
        """The header of an answer when something was stored."""
        return StoredHeader(self._common_fields(), message_id, queue_id, queue_offset)

    def _refusal(self, status: PutStatus) -> tuple[ResponseCode, str]:
        match status:
            case PutStatus.MESSAGE_ILLEGAL | PutStatus.PROPERTIES_SIZE_EXCEEDED:
                limit = self._store_config.max_message_size
                return ResponseCode.MESSAGE_ILLEGAL, (
                    "the message is illegal, maybe msg body or properties length not matched. "
                    f"msg body length limit {limit}B, msg properties length limit 32KB."
                )
            case PutStatus.SERVICE_NOT_AVAILABLE:
                return ResponseCode.SERVICE_NOT_AVAILABLE, (
                    "service not available now. It may be caused by one of the following reasons: "
                    f"the broker's disk is full [{self._disks()}], messages are put to the slave, "
                    "message store has been shut down, etc."
                )
            case PutStatus.CREATE_MAPPED_FILE_FAILED:
                remark = "create mapped file failed, server is busy or broken."
            case PutStatus.OS_PAGE_CACHE_BUSY:
                remark = _BUSY
            case PutStatus.LMQ_CONSUME_QUEUE_NUM_EXCEEDED:
                remark = _TOO_MANY_LIGHT_QUEUES
            case _:
                remark = "UNKNOWN_ERROR"
        return ResponseCode.SYSTEM_ERROR, remark

    def _disks(self) -> str:
        """How full the disks are that hold log, queues and index (diskUtil:646)."""
        config = self._store_config
        log = min(disk_used_ratio(path) for path in config.store_path_commit_log.split(","))
        queues = disk_used_ratio(f"{config.store_path_root_dir}/consumequeue")
        index = disk_used_ratio(f"{config.store_path_root_dir}/index")
        return f"CL: {log:5.2f} CQ: {queues:5.2f} INDEX: {index:5.2f}"
