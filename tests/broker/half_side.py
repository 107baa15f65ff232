"""The data side of a broker with everything that transactions need."""

from __future__ import annotations

from rocketpy.broker.processors.transaction import TransactionProcessor
from rocketpy.broker.producers import ClientConnection
from rocketpy.broker.transaction_checks import TransactionChecks
from rocketpy.broker.transactions import HalfMessages
from rocketpy.protocol.api.transaction import CheckTransactionState, EndTransaction
from rocketpy.protocol.command import Reply
from rocketpy.protocol.flags import MessageSysFlag
from rocketpy.protocol.record import Record, decode
from tests.broker.data_side import STORE_HOST, DataSide, answer_of
from tests.fakes import FakePeer

HALF = "RMQ_SYS_TRANS_HALF_TOPIC"
OP = "RMQ_SYS_TRANS_OP_HALF_TOPIC"
GIVEN_UP = "TRANS_CHECK_MAX_TIME_TOPIC"
COMMIT = MessageSysFlag.TRANSACTION_COMMIT
ROLLBACK = MessageSysFlag.TRANSACTION_ROLLBACK


class HalfSide:
    """Transactions, and what tests do to them."""

    def __init__(self, data: DataSide) -> None:
        self.data = data
        self.half_messages = HalfMessages(data.appender, data.topics, STORE_HOST)
        self.processor = TransactionProcessor(data.store_config, data.store, self.half_messages, data.clock)
        self.checks = self.new_checks()
        self.producer = FakePeer("127.0.0.1:50002")
        client = ClientConnection(self.producer.connection, "P@1", 0, 409, data.clock())
        data.producers.register("P", client)

    def new_checks(self) -> TransactionChecks:
        """Those of a broker that has just started."""
        data = self.data
        return TransactionChecks(
            data.config, data.store_config, data.store, self.half_messages, data.offsets, data.topics, data.producers,
            "127.0.0.1:10911",
        )  # fmt: skip

    def send(self, body: bytes = b"half", properties: str = "", **fields: object) -> Record:
        """Send a message half; it as it waits."""
        before = self.count(HALF)
        text = "TRAN_MSG\x01true\x02PGROUP\x01P\x02UNIQ_KEY\x01U1" + (f"\x02{properties}" if properties else "")
        reply = self.data.send(body=body, properties=text, sys_flag=MessageSysFlag.TRANSACTION_PREPARED, **fields)
        assert reply.code == 0
        return self.data.stored(HALF, queue_offset=before)

    def end(self, half: Record, kind: int = COMMIT, **fields: object) -> Reply:
        """The answer to the end of a transaction."""
        request = EndTransaction(**{  # type: ignore[arg-type]
            "producer_group": "P", "tran_state_table_offset": half.queue_offset,
            "commit_log_offset": half.physical_offset, "commit_or_rollback": kind, "msg_id": "U1", **fields,
        })  # fmt: skip
        return answer_of(self.processor.end, self.data.peer, request)

    def step(self, ms: int = 60_000) -> None:
        """Let time pass, then have a whole round."""
        self.data.clock.now += ms
        self.checks.step(self.data.clock())
        while self.checks.pause == 0:
            self.checks.step(self.data.clock())

    def count(self, topic: str) -> int:
        """Messages in queue 0 of a topic."""
        return self.data.store.max_offset(topic, 0)

    def offsets(self) -> tuple[int, int]:
        """How far the half and the op queue were read."""
        query = self.data.offsets.query
        return query("CID_RMQ_SYS_TRANS", HALF, 0), query("CID_RMQ_SYS_TRANS", OP, 0)

    def questions(self) -> list[tuple[CheckTransactionState, Record]]:
        """What the producer was asked since the last call."""
        pushes, self.producer.pushes = self.producer.pushes, []
        asked = []
        for header, body in pushes:
            assert isinstance(header, CheckTransactionState)
            asked.append((header, decode(body)))
        return asked
