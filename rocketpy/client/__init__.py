"""A client of RocketMQ 4.x: producers and consumers, for plain threads, gevent and asyncio.

    from rocketpy.client import Message, Producer, PullConsumer

    with Producer("orders", namesrv="127.0.0.1:9876") as producer:
        producer.send(Message("Order", b"...", tags="new", keys="4711"))

    with PullConsumer("reader", namesrv="127.0.0.1:9876") as consumer:
        for queue in consumer.subscribe_queues("Order"):
            print(consumer.pull(queue, consumer.min_offset(queue)).messages)

Stable names:

- `Producer`: `send`, `send_async`, `send_oneway`, `send_batch`, `send_batch_async`, `send_in_transaction`, `request`,
  `request_async`.
- `PullConsumer`: `pull`, `pull_async`, `consume_offset`, `update_offset`, `commit`, `queues_in_balance`, `send_back`.
- `PushConsumer`: `subscribe`, `unsubscribe`, `suspend`, `resume`, `resize`, `reset_to`, `assigned`, `status`,
  `update_offset`, `send_back`.
  Its listener is called with a sequence of `ReceivedMessage` and a `ConsumeContext`, and returns a `ConsumeStatus` or
  None.
- `LitePullConsumer`: `subscribe`, `unsubscribe`, `assign`, `assignment`, `poll`, iteration, `commit`, `committed`,
  `seek`, `seek_to_begin`, `seek_to_end`, `pause`, `resume`, `watch_queues`, `send_back`.
- All: `start`, `stop` (or `with`), `client_id`, `create_topic`, `publish_queues`, `subscribe_queues`, `max_offset`,
  `min_offset`, `offset_for_timestamp`, `earliest_store_time`, `view_message`, `query_messages`.

`rocketpy.client.aio` has the same for asyncio. In a program that gevent has patched, clients run among its greenlets.

`allocation` has the ways in which a group shares queues, `selectors` ways to choose a queue to send to.

Durations are seconds, timestamps and offsets are as on the wire. Every constructor takes the arguments of
`ClientSettings` by keyword. What goes wrong is a `ClientError`, with the code and the words of the Java client, or a
`rocketpy.errors.RemotingError`.

Inside: `member` and what derives from it are the faces; they hand each call to the hub of an `instance`, which is
shared by all members with one client id and holds `routes`, connections and loops. `sending` and `pulling` do the work
there, in plain synchronous code of greenlets; `pushes` answers what brokers ask. What has to be quick takes no
greenlet: sends of other threads come by the `inbox`, and `user_code` runs listeners.
"""

from rocketpy.client.errors import BrokerError, ClientError, MessageIllegal, RequestTimeout, TopicNotFound
from rocketpy.client.listening import ConsumeContext, ConsumeStatus
from rocketpy.client.lite_pull_consumer import LitePullConsumer
from rocketpy.client.messages import ReceivedMessage, create_reply
from rocketpy.client.producer import Producer
from rocketpy.client.pull_consumer import PullConsumer
from rocketpy.client.push_consumer import PushConsumer
from rocketpy.client.results import (
    LocalTransactionState,
    PullResult,
    PullStatus,
    QueryResult,
    SendResult,
    SendStatus,
    TransactionSendResult,
)
from rocketpy.client.settings import ClientSettings
from rocketpy.client.subscriptions import Sql92
from rocketpy.client.transactions import TransactionListener
from rocketpy.protocol.api.route import MessageQueue
from rocketpy.protocol.flags import ConsumeFromWhere, MessageModel
from rocketpy.protocol.message import Message
from rocketpy.protocol.signature import Credentials

__all__ = [
    "BrokerError",
    "ClientError",
    "ClientSettings",
    "ConsumeContext",
    "ConsumeFromWhere",
    "ConsumeStatus",
    "Credentials",
    "LitePullConsumer",
    "LocalTransactionState",
    "Message",
    "MessageIllegal",
    "MessageModel",
    "MessageQueue",
    "Producer",
    "PullConsumer",
    "PullResult",
    "PullStatus",
    "PushConsumer",
    "QueryResult",
    "ReceivedMessage",
    "RequestTimeout",
    "SendResult",
    "SendStatus",
    "Sql92",
    "TopicNotFound",
    "TransactionListener",
    "TransactionSendResult",
    "create_reply",
]
