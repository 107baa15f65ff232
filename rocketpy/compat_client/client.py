"""All of `rocketmq.client`, by its names, those included that it imports itself."""

from rocketpy.compat_client.consts import MessageProperty
from rocketpy.compat_client.ffi import MessageModel, TraceModel
from rocketpy.compat_client.messages import Message, ReceivedMessage
from rocketpy.compat_client.producer import Producer
from rocketpy.compat_client.pull_consumer import PullConsumer
from rocketpy.compat_client.push_consumer import PushConsumer
from rocketpy.compat_client.queue_choice import hashing_queue_selector
from rocketpy.compat_client.results import ConsumeStatus, SendResult, SendStatus, TransactionStatus
from rocketpy.compat_client.transaction_producer import TransactionMQProducer

RecvMessage = ReceivedMessage
"""What it was called up to 1.x."""

__all__ = [
    "ConsumeStatus",
    "Message",
    "MessageModel",
    "MessageProperty",
    "Producer",
    "PullConsumer",
    "PushConsumer",
    "ReceivedMessage",
    "RecvMessage",
    "SendResult",
    "SendStatus",
    "TraceModel",
    "TransactionMQProducer",
    "TransactionStatus",
    "hashing_queue_selector",
]
