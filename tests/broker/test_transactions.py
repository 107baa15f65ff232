"""How transactions end: what is stored, and what is answered."""

from __future__ import annotations

import pytest

from rocketpy.config.store import BrokerRole
from rocketpy.errors import FieldError
from rocketpy.protocol.api.transaction import ResumeCheckHalfMessage
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.properties import split_properties
from rocketpy.protocol.record import Record, offset_message_id
from tests.broker.data_side import STORE_HOST, DataSide, answer_of
from tests.broker.half_side import COMMIT, GIVEN_UP, HALF, OP, ROLLBACK, HalfSide


@pytest.fixture
def half_side(data: DataSide) -> HalfSide:
    return HalfSide(data)


def test_a_committed_message_is_stored_where_it_belongs(half_side: HalfSide) -> None:
    half = half_side.send("körper".encode(), "TAGS\x01A\x02KEYS\x01k", queue_id=2, flag=7)
    half_side.data.clock.now += 5
    reply = half_side.end(half)
    assert (reply.code, reply.remark, reply.header) == (0, None, None)
    record = half_side.data.stored("T", 2)
    assert (record.body, record.flag, record.sys_flag) == ("körper".encode(), 7, COMMIT)
    assert record.prepared_transaction_offset == half.physical_offset
    assert (record.born_timestamp, record.born_host) == (half.born_timestamp, half.born_host)
    assert record.store_timestamp == half_side.data.clock()
    assert split_properties(record.properties.decode()) == {
        "TAGS": "A", "KEYS": "k", "TRAN_MSG": "true", "PGROUP": "P", "UNIQ_KEY": "U1", "CLUSTER": "DefaultCluster",
        "REAL_TOPIC": "T", "REAL_QID": "2",
    }  # fmt: skip


@pytest.mark.parametrize(("kind", "stored", "remark"), [(COMMIT, 1, None), (ROLLBACK, 0, "not set any response code")])
def test_an_end_is_noted_in_the_op_queue(half_side: HalfSide, kind: int, stored: int, remark: str | None) -> None:
    half_side.send()
    reply = half_side.end(half_side.send(), kind)
    assert (reply.code, reply.remark) == (0, remark)
    op = half_side.data.stored(OP)
    assert (op.body, op.properties, op.sys_flag) == (b"1", b"WAIT\x01true\x02TAGS\x01d", 0)
    assert (op.born_host, op.store_host) == (STORE_HOST, STORE_HOST)
    assert half_side.count("T") == stored


def test_an_end_with_no_decision_is_not_answered(half_side: HalfSide) -> None:
    half = half_side.send()
    for from_check in (False, True):
        assert half_side.end(half, 0, from_transaction_check=from_check) is None
    assert (half_side.count(OP), half_side.count("T")) == (0, 0)


@pytest.mark.parametrize(
    ("fields", "remark"),
    [
        ({"producer_group": "Other"}, "The producer group wrong"),
        ({"tran_state_table_offset": 9}, "The transaction state table offset wrong"),
        ({"commit_log_offset": 1 << 40}, "Find prepared transaction message failed"),
        ({"commit_log_offset": -1}, "Find prepared transaction message failed"),
        ({"commit_or_rollback": 4}, "commitOrRollback field wrong"),
    ],
)
@pytest.mark.parametrize("kind", [COMMIT, ROLLBACK])
def test_an_end_that_names_another_message_is_refused(
    half_side: HalfSide, kind: int, fields: dict[str, object], remark: str
) -> None:
    half = half_side.send()
    reply = half_side.end(half, **{"kind": kind, **fields})  # type: ignore[arg-type]
    assert (reply.code, reply.remark) == (ResponseCode.SYSTEM_ERROR, remark)
    assert (half_side.count(OP), half_side.count("T")) == (0, 0)


def test_a_message_without_a_producer_group_has_no_transaction(half_side: HalfSide) -> None:
    half_side.data.send()
    with pytest.raises(FieldError, match="NullPointerException"):
        half_side.end(half_side.data.stored())


def test_a_half_message_without_a_place_is_not_committed(half_side: HalfSide) -> None:
    half_side.data.send(properties="PGROUP\x01P")
    with pytest.raises(FieldError, match="REAL_TOPIC"):
        half_side.end(half_side.data.stored())


def test_a_commit_that_is_not_stored_leaves_the_transaction_open(half_side: HalfSide) -> None:
    half = half_side.send()
    half_side.data.store_config.broker_role = BrokerRole.SLAVE
    half_side.data.store.step(half_side.data.clock())
    reply = half_side.end(half)
    assert (reply.code, reply.remark) == (ResponseCode.SLAVE_NOT_AVAILABLE, "not set any response code")
    half_side.data.store_config.broker_role = BrokerRole.ASYNC_MASTER
    reply = half_side.end(half)
    assert (reply.code, reply.remark) == (ResponseCode.SERVICE_NOT_AVAILABLE, "Service not available now.")
    assert half_side.count(OP) == 0


def resume(half_side: HalfSide, msg_id: str | None) -> tuple[int, str | None]:
    request = ResumeCheckHalfMessage(msg_id=msg_id)
    reply = answer_of(half_side.processor.resume, half_side.data.peer, request)
    return reply.code, reply.remark


def given_up(half_side: HalfSide) -> Record:
    half = half_side.send(b"again", "TRANSACTION_CHECK_TIMES\x0115", flag=3)
    half_side.step(6_000)
    assert half_side.count(GIVEN_UP) == 1
    assert half_side.data.stored(GIVEN_UP).body == half.body
    return half_side.data.stored(GIVEN_UP)


def test_a_message_that_was_given_up_can_be_resumed(half_side: HalfSide) -> None:
    record = given_up(half_side)
    assert resume(half_side, offset_message_id(record.store_host, record.physical_offset)) == (0, None)
    half = half_side.data.stored(HALF, queue_offset=1)
    assert split_properties(half.properties.decode())["TRANSACTION_CHECK_TIMES"] == "0"
    assert (half.body, half.flag) == (b"again", 3)
    half_side.step()
    ((_, asked),) = half_side.questions()
    assert split_properties(asked.properties.decode())["TRANSACTION_CHECK_TIMES"] == "1"


@pytest.mark.parametrize("msg_id", [None, "", "nonsense", "7F00000100002A9F0000000000FFFFFF"])
def test_an_unknown_message_cannot_be_resumed(half_side: HalfSide, msg_id: str | None) -> None:
    remark = "Exception was thrown when putting message back to RMQ_SYS_TRANS_HALF_TOPIC."
    assert resume(half_side, msg_id) == (ResponseCode.SYSTEM_ERROR, remark)


def test_what_cannot_be_stored_is_not_resumed(half_side: HalfSide) -> None:
    record = given_up(half_side)
    half_side.data.store_config.broker_role = BrokerRole.SLAVE
    half_side.data.store.step(half_side.data.clock())
    remark = "Put message back to RMQ_SYS_TRANS_HALF_TOPIC failed."
    msg_id = offset_message_id(record.store_host, record.physical_offset)
    assert resume(half_side, msg_id) == (ResponseCode.SYSTEM_ERROR, remark)
