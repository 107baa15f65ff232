"""A message in one line, as MessageExt.toString:372 has it."""

from __future__ import annotations

from rocketpy.admin.format import java_text
from rocketpy.protocol.java_hash import hash_map_order
from rocketpy.protocol.message import MessageExt
from rocketpy.protocol.property_names import TRANSACTION_PREPARED


def message_text(message: MessageExt, broker_name: str) -> str:
    """`message` as it was pulled from a broker of that name."""
    prepared = message.properties.get(TRANSACTION_PREPARED, "").lower() == "true"
    properties = {name: message.properties[name] for name in hash_map_order(message.properties)}
    return (
        f"MessageExt [brokerName={broker_name}, queueId={message.queue_id}, storeSize={message.store_size}, "
        f"queueOffset={message.queue_offset}, sysFlag={message.sys_flag}, bornTimestamp={message.born_timestamp}, "
        f"bornHost={_host(message.born_host)}, storeTimestamp={message.store_timestamp}, "
        f"storeHost={_host(message.store_host)}, msgId={message.offset_msg_id}, "
        f"commitLogOffset={message.physical_offset}, bodyCRC={message.body_crc}, "
        f"reconsumeTimes={message.reconsume_times}, "
        f"preparedTransactionOffset={message.prepared_transaction_offset}, "
        f"toString()=Message{{topic='{message.topic}', flag={message.flag}, properties={java_text(properties)}, "
        f"body={_signed(message.body)}, transactionId='{java_text(message.uniq_key if prepared else None)}'}}]"
    )


def _host(host: tuple[str, int]) -> str:
    return f"/{host[0]}:{host[1]}"


def _signed(body: bytes) -> str:
    """The bytes as Java's numbers; an empty body is none at all to Java's decoder."""
    return java_text(memoryview(body).cast("b").tolist()) if body else "null"
