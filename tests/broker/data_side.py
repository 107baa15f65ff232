"""The data side of a broker, assembled without sockets: real tables, a real store in tmp_path, a clock by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rocketpy.broker.appender import Appender
from rocketpy.broker.consumer_filters import ConsumerFilters
from rocketpy.broker.consumers import ConsumerTable
from rocketpy.broker.durability import Durability
from rocketpy.broker.groups import GroupTable
from rocketpy.broker.long_polling import LongPolling
from rocketpy.broker.offset_moved import OffsetMovedEvents
from rocketpy.broker.offsets import OffsetTable
from rocketpy.broker.processors.pull import PullProcessor
from rocketpy.broker.processors.query import QueryProcessor
from rocketpy.broker.processors.reply import ReplyProcessor
from rocketpy.broker.processors.send import SendProcessor
from rocketpy.broker.processors.send_back import SendBackProcessor
from rocketpy.broker.producers import ProducerTable
from rocketpy.broker.pull_checks import PullChecks
from rocketpy.broker.replication.slaves import Slaves
from rocketpy.broker.send_answers import SendAnswers
from rocketpy.broker.send_checks import SendChecks
from rocketpy.broker.slow_groups import SlowGroups
from rocketpy.broker.stats import BrokerStats
from rocketpy.broker.timer_intake import TimerIntake
from rocketpy.broker.topics import TopicTable
from rocketpy.config.broker import BrokerConfig
from rocketpy.config.store import StoreConfig
from rocketpy.config.timer import TimerConfig
from rocketpy.errors import ReplyError
from rocketpy.protocol.api.pull import PullMessage
from rocketpy.protocol.api.send import SendMessage
from rocketpy.protocol.command import Hold, Reply, request_command
from rocketpy.protocol.header import Header
from rocketpy.protocol.record import Record, decode, encode_host
from rocketpy.store.message_store import MessageStore
from tests.fakes import FakeClock, FakePeer

STORE_HOST = encode_host("127.0.0.1", 10911)


class DataSide:
    """What processors share, and the requests that tests make."""

    def __init__(self, root: Path, timer: TimerConfig | None = None, **keys: object) -> None:
        """`timer`: have messages wait for a time of their own, by `timer_intake`; `keys`: those of the store."""
        self.clock = FakeClock()
        self.config = BrokerConfig(broker_ip1="127.0.0.1", broker_name="b-0")
        self.store_config = StoreConfig(
            store_path_root_dir=str(root),
            mapped_file_size_commit_log=1 << 20,
            mapped_file_size_consume_queue=20_000,
            max_hash_slot_num=100,
            max_index_num=400,
            max_message_size=65_536,
            **keys,
        )
        self.store = MessageStore(self.store_config)
        self.store.open(self.clock())
        self.topics = TopicTable(self.config, self.clock)
        self.groups = GroupTable(self.config, self.clock)
        self.consumers = ConsumerTable(clock=self.clock)
        self.offsets = OffsetTable()
        self.stats = BrokerStats("DefaultCluster", self.clock)
        self.due: list[Callable[[], None]] = []
        """What is to run when this turn of the hub is over."""
        self.waiters = LongPolling(self.store, self.due.append)
        self.store.arrival_listeners.append(self.waiters.messages_arrived)
        self.timer_intake: TimerIntake | None = None
        self.appender = Appender(self.store, self.stats, self.clock, None if timer is None else self._hold)
        self.slaves = Slaves(self.store_config, self.store, self.clock)
        self.durability = Durability(self.store_config, self.store, self.stats, self.slaves, self.clock)
        self.answers = SendAnswers(self.config, self.store_config)
        self.sends = SendProcessor(
            self.config, self.topics, self.groups, SendChecks(self.config, self.topics), self.appender,
            self.answers, self.durability, STORE_HOST, self.clock,
        )  # fmt: skip
        self.sends_back = SendBackProcessor(
            self.config, self.store, self.topics, self.groups, self.appender, self.stats, self.clock
        )
        self.filters = ConsumerFilters(self.config, self.clock)
        self.consumers.registered.append(self.filters.register)
        self.consumers.emptied.append(self.filters.unregister)
        self.slow_groups = SlowGroups(self.config, self.groups)
        self.pulls = PullProcessor(
            self.config, self.store_config, self.store,
            PullChecks(self.config, self.topics, self.groups, self.consumers, self.filters),
            self.offsets, self.waiters, OffsetMovedEvents(self.appender, "b-0", STORE_HOST),
            self.slow_groups, self.stats, self.clock,
        )  # fmt: skip
        self.producers = ProducerTable(self.clock)
        self.replies = ReplyProcessor(
            self.config, self.producers, SendChecks(self.config, self.topics), self.appender, self.answers, STORE_HOST,
            self.clock,
        )  # fmt: skip
        self.queries = QueryProcessor(self.store_config, self.store)
        self.peer = FakePeer()

    def _hold(self, record: Record, properties: dict[str, str], now: int) -> None:
        assert self.timer_intake is not None
        self.timer_intake.hold(record, properties, now)

    def run_due(self) -> None:
        """End this turn of the hub."""
        due, self.due[:] = list(self.due), []
        for function in due:
            function()

    def send(self, topic: str = "T", body: bytes = b"body", *, peer: FakePeer | None = None, version: int = 409,
             **fields: object) -> Reply:  # fmt: skip
        """The answer to a send to queue 0 of a topic, refusals included."""
        request = SendMessage(**{  # type: ignore[arg-type]
            "producer_group": "P", "topic": topic, "default_topic": "TBW102", "default_topic_queue_nums": 4,
            "queue_id": 0, "sys_flag": 0, "born_timestamp": self.clock() - 1, "flag": 0, **fields,
        })  # fmt: skip
        return answer_of(self.sends.send, peer or self.peer, request, body, version)

    def pull(self, topic: str = "T", queue_offset: int = 0, *, peer: FakePeer | None = None, **fields: object
             ) -> Reply | Hold | None:  # fmt: skip
        """The answer to a pull of everything in queue 0, refusals included."""
        request = PullMessage(**{  # type: ignore[arg-type]
            "consumer_group": "G", "topic": topic, "queue_id": 0, "queue_offset": queue_offset, "max_msg_nums": 32,
            "sys_flag": 4, "commit_offset": 0, "suspend_timeout_millis": 15_000, "subscription": "*",
            "sub_version": 0, **fields,
        })  # fmt: skip
        return answer_of(self.pulls.pull, peer or self.peer, request)

    def stored(self, topic: str = "T", queue_id: int = 0, queue_offset: int = 0) -> Record:
        """A message as it is in the log."""
        found = self.store.get(topic, queue_id, queue_offset, 1)
        assert found.message_count == 1
        return decode(bytes(b"".join(found.views)))


def answer_of(handler: Callable[..., Reply | Hold | None], peer: FakePeer, request: Header, body: bytes = b"",
              version: int = 409) -> Reply:  # fmt: skip
    """What a handler answers, be it by return or by ReplyError."""
    command = request_command(request, body, opaque=7)
    command.version = version
    try:
        reply = handler(peer, request, command)
    except ReplyError as error:
        return Reply(error.code, error.header, remark=error.remark)
    return reply  # type: ignore[return-value]


def ext_of(reply: Reply) -> dict[str, str]:
    """The header of an answer as it goes over the wire."""
    assert reply.header is not None
    return reply.header.encode(reply.code)
