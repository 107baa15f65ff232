"""The API of the C++ binding, `rocketmq-client-python` 2.0.0, on top of `rocketpy.client`: change the import, keep the
program.

    from rocketpy.compat_client import Message, Producer            # was: from rocketmq.client import ...
    from rocketpy.compat_client.exceptions import RocketMQException # was: from rocketmq.exceptions import ...

`client`, `exceptions`, `ffi` and `consts` have what the modules of those names have; this package has all of it. Beside
2.0.0 there is what came after its release (`set_message_trace`, `Producer.set_instance_name`), and what it had lost
since 1.x and the `rocketmq` distribution: `PullConsumer`, `send_async`, `send_batch`, `send_orderly`,
`send_oneway_orderly`, `set_namesrv_addr`, `set_namesrv_domain`, `RecvMessage`.

Names, arguments, defaults, types and exceptions are the binding's. Texts go in as str or bytes; `topic` and `id` come
out as str, `body`, `tags`, `keys` and properties as bytes. Where it crashes, hangs or loses messages, its documentation
is followed instead. "By instance name": those that `set_instance_name` gave one name share connections and name
servers.

| what | the binding | here |
|---|---|---|
| sending before `start` or after `shutdown` | the process dies, or an error of a mutex | the exception of that call |
| None for a text | the process dies | `NullPointerException` |
| `start` after `shutdown` | nothing, and no send succeeds | starts again |
| `with Producer(...) as producer` | None | the producer |
| bodies and properties with a zero byte | cut off there, both ways | whole |
| `subscribe` twice | the last callback gets the messages of all topics | each topic has its callback |
| `subscribe` while running | ignored | counts |
| a callback fails | all messages that were pulled together come again | that message comes again, or its batch |
| a callback raises | printed to stderr | logged; RECONSUME_LATER or UNKNOWN |
| name servers | the first of a process are used for all | each has its own, but by instance name |
| two of a group in one process | the second does not start | both work, but with one instance name |
| a status beside `SendStatus.OK` | sent up to five times, then "No route info" | returned |
| `set_timeout` | for each of five tries | for all tries together |
| settings while running | some count at once | `set_timeout` counts at once, others at the next start |
| `user_args` | an int or None | anything |
| `checker_callback` | never called, librocketmq 2.0.0 refuses the broker's question | called |
| `TransactionMQProducer.send_sync` | the process dies | sends |
| the message in `local_execute` | memory beyond its end for what is not set yet | zeros |
| `send_batch` | brokers keep it as one message that nobody can read | as many messages, with their ids |
| `PullConsumer.pull` when the broker is away | asks again and again, without a pause | raises |
| offsets of `PullConsumer` | by topic and number, for all groups and brokers | by group and queue |
| `channel` of credentials | sent as OnsChannel | not sent |
| log | ~/logs/rocketmq-cpp | the `logging` module, loggers below "rocketpy" |
| `dll`, structures and callback types of `ffi`, `ffi_check`, `maybe_decode` | | not there |
"""

from rocketpy.compat_client.client import (
    ConsumeStatus,
    Message,
    Producer,
    PullConsumer,
    PushConsumer,
    ReceivedMessage,
    RecvMessage,
    SendResult,
    SendStatus,
    TransactionMQProducer,
    TransactionStatus,
    hashing_queue_selector,
)
from rocketpy.compat_client.consts import MessageProperty
from rocketpy.compat_client.exceptions import (
    ConsumerException,
    MallocFailed,
    NullPointerException,
    ProducerException,
    ProducerSendAsyncFailed,
    ProducerSendOnewayFailed,
    ProducerSendOrderlyFailed,
    ProducerSendSyncFailed,
    ProducerStartFailed,
    PullConsumerFetchMessageFailed,
    PullConsumerFetchMQFailed,
    PullConsumerStartFailed,
    PushConsumerStartFailed,
    RocketMQException,
)
from rocketpy.compat_client.ffi import CtypesEnum, MessageModel, TraceModel

__all__ = [
    "ConsumeStatus",
    "ConsumerException",
    "CtypesEnum",
    "MallocFailed",
    "Message",
    "MessageModel",
    "MessageProperty",
    "NullPointerException",
    "Producer",
    "ProducerException",
    "ProducerSendAsyncFailed",
    "ProducerSendOnewayFailed",
    "ProducerSendOrderlyFailed",
    "ProducerSendSyncFailed",
    "ProducerStartFailed",
    "PullConsumer",
    "PullConsumerFetchMQFailed",
    "PullConsumerFetchMessageFailed",
    "PullConsumerStartFailed",
    "PushConsumer",
    "PushConsumerStartFailed",
    "ReceivedMessage",
    "RecvMessage",
    "RocketMQException",
    "SendResult",
    "SendStatus",
    "TraceModel",
    "TransactionMQProducer",
    "TransactionStatus",
    "hashing_queue_selector",
]
