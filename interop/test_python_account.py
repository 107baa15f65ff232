"""Our Python client at servers with access control, Java's and ours: signed requests, by TLS as well."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from pathlib import Path
from queue import Queue
from typing import Any, Literal

import pytest

from interop import binding
from interop.guarded import GuardedBroker, GuardedJavaBroker
from interop.java_servers import JavaNameServer
from interop.our_servers import OurNameServer
from interop.server import NameServerProcess
from rocketpy.client import (
    ClientError,
    ConsumeContext,
    ConsumeFromWhere,
    Credentials,
    Message,
    Producer,
    PushConsumer,
    ReceivedMessage,
    SendStatus,
    TopicNotFound,
)
from rocketpy.protocol.codes import ResponseCode

ACCOUNTS = """globalWhiteRemoteAddresses: []
accounts:
- accessKey: interop
  secretKey: "12345678"
  whiteRemoteAddress:
  admin: false
  defaultTopicPerm: PUB|SUB
  defaultGroupPerm: SUB
"""
ACCOUNT = Credentials("interop", "12345678")


CLUSTERS: dict[str, tuple[type[NameServerProcess], type[GuardedJavaBroker] | type[GuardedBroker]]] = {
    "java": (JavaNameServer, GuardedJavaBroker),
    "ours": (OurNameServer, GuardedBroker),
}


@pytest.fixture(scope="module", params=CLUSTERS)
def namesrv(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory: Path = tmp_path_factory.mktemp("guarded")
    name_server_type, broker_type = CLUSTERS[request.param]
    broker_type.accounts = ACCOUNTS
    with (
        name_server_type(directory / "namesrv") as name_server,
        broker_type(directory / "broker", name_server.address, aclEnable="true"),
    ):
        yield name_server.address


def _exchange(**options: Any) -> bytes:
    """A message sent and consumed."""
    got: Queue[bytes] = Queue()

    def listener(messages: Sequence[ReceivedMessage], context: ConsumeContext) -> None:
        for message in messages:
            got.put(message.body)

    name = f"Guarded_{len(options)}_{options.get('serialization', 'JSON')}"
    with Producer("guarded_producer", send_timeout=30.0, **options) as producer:
        assert producer.send(Message(name, b"signed")).status == SendStatus.SEND_OK
        where = ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET
        with PushConsumer(f"{name}_group", listener, {name: "*"}, consume_from=where, **options):
            return got.get(timeout=60)


@pytest.mark.parametrize("serialization", ["JSON", "ROCKETMQ"])
def test_signed_requests_are_accepted(namesrv: str, serialization: Literal["JSON", "ROCKETMQ"]) -> None:
    assert _exchange(namesrv=namesrv, credentials=ACCOUNT, serialization=serialization) == b"signed"


@pytest.mark.parametrize("package", [binding.STAND_IN, binding.BINDING])
def test_program_for_the_cpp_binding_signs(namesrv: str, package: str, tmp_path: Path) -> None:
    binding.wanted(package)
    topic = f"Guarded_{package.partition('.')[2]}"
    produce = {"topic": topic, "group": "guarded_producer", "account": [ACCOUNT.access_key, ACCOUNT.secret_key]}
    sent = binding.run(package, tmp_path, "produce", namesrv, **produce)
    assert sent["sync"] == [[0, "SendStatus", "str", "int"]] * 3
    consume = {**produce, "group": f"{topic}_group", "count": 3, "expression": "sync", "orderly": False}
    got = binding.run(package, tmp_path, "consume", namesrv, **consume)
    assert sorted(one["body"] for one in got) == ["sync 0", "sync 1", "sync 2"]


def test_signed_requests_are_accepted_by_tls(namesrv: str) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # Java's own certificate is made at its start
    assert _exchange(namesrv=namesrv, credentials=ACCOUNT, tls=context) == b"signed"


def test_server_that_nobody_vouches_for_is_refused(namesrv: str) -> None:
    with (
        Producer("unverified", namesrv=namesrv, tls=True) as producer,
        pytest.raises(TopicNotFound, match=r"CERTIFICATE_VERIFY_FAILED|connect to"),
    ):
        producer.send(Message("Guarded", b"x"))


@pytest.mark.parametrize(
    ("account", "reason"),
    [
        (None, "No accessKey is configured"),
        (Credentials("interop", "wrong"), "Check signature failed"),
        (Credentials("nobody", "12345678"), "No acl config for nobody"),
    ],
)
def test_others_are_refused_with_javas_words(namesrv: str, account: Credentials | None, reason: str) -> None:
    with Producer("refused", namesrv=namesrv, credentials=account, retries=0) as producer:
        with pytest.raises(ClientError, match=reason) as caught:
            producer.send(Message("Guarded", b"x"))
        assert caught.value.code == ResponseCode.SYSTEM_ERROR
