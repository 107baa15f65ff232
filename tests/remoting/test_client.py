from __future__ import annotations

import gevent
import pytest
from gevent import socket

from rocketpy.config.remoting import RemotingClientConfig
from rocketpy.errors import ConnectError, RemotingError, RemotingTimeout, SendFailed
from rocketpy.protocol.codes import LanguageCode
from rocketpy.protocol.command import JSON, ROCKETMQ, Command
from rocketpy.remoting.client import Client
from rocketpy.remoting.router import Router
from rocketpy.remoting.server import Server
from tests.remoting.echo import Ask, Big, Echo, EchoProcessor, Later, Now, Refuse, wait_until


def test_invoke_returns_the_answer(client: Client, address: str) -> None:
    answer = client.invoke(address, Echo(text="né", number=3), b"body")
    assert (answer.code, answer.ext_fields, answer.body) == (0, {"text": "né", "number": "3"}, b"body")
    assert client.invoke(address, Refuse()).code == 17


def test_headers_can_be_binary(address: str) -> None:
    client = Client(serialization=ROCKETMQ)
    assert client.invoke(address, Echo(text="né", number=3)).serialization == ROCKETMQ
    client.close()


@pytest.mark.parametrize("serialization", [JSON, ROCKETMQ])
def test_requests_are_signed_and_say_their_language(
    address: str, processor: EchoProcessor, serialization: int
) -> None:
    client = Client(
        serialization=serialization, language=LanguageCode.PYTHON, sign=lambda request: request.add_fields({"by": "né"})
    )
    assert client.invoke(address, Echo(text="a", number=3), b"body").ext_fields == {"text": "a", "number": "3"}
    client.invoke_oneway(address, Echo(text="b", number=4), remark="why")
    wait_until(lambda: len(processor.seen) == 2)
    for seen, text, remark in zip(processor.seen, "ab", (None, "why"), strict=True):
        assert seen.ext_fields is not None
        assert (seen.ext_fields["by"], seen.ext_fields["text"], seen.remark) == ("né", text, remark)
        assert seen.language == LanguageCode.PYTHON
    assert client.is_connected(address)
    client.close()
    assert not client.is_connected(address)


def test_one_connection_is_shared_and_answers_come_in_any_order(client: Client, server: Server, address: str) -> None:
    late = [gevent.spawn(client.invoke, address, Later()) for _ in range(3)]
    prompt = [gevent.spawn(client.invoke, address, Echo(text=str(n), number=n)) for n in range(50)]
    gevent.joinall(prompt)
    assert [one.value.ext_fields["number"] for one in prompt] == [str(n) for n in range(50)]
    assert len(server.connections) == 1
    assert not any(one.ready() for one in late)
    client.invoke(address, Now())
    gevent.joinall(late)
    assert [one.value.remark for one in late] == ["held"] * 3


def test_big_answers_arrive_whole(client: Client, address: str) -> None:
    assert len(client.invoke(address, Big(size=9_000_000)).body) == 9_000_000


def test_oneway_is_sent_and_not_answered(client: Client, processor: EchoProcessor, address: str) -> None:
    client.invoke_oneway(address, Echo(text="a", number=1))
    wait_until(lambda: processor.seen)
    assert processor.seen[0].is_oneway


def test_async_tells_answer_or_error(client: Client, address: str) -> None:
    told: list[Command | RemotingError] = []
    client.invoke_async(address, Echo(text="a", number=1), callback=told.append)
    wait_until(lambda: told)
    client.invoke_async(address, Later(), timeout_ms=10, callback=told.append)
    wait_until(lambda: len(told) == 2)
    assert isinstance(told[0], Command)
    assert isinstance(told[1], RemotingTimeout)


def test_asking_tells_without_a_greenlet_that_waits(
    client: Client, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[object] = []
    connection = client.connect(address)
    for number in range(3):
        client.ask(connection, Echo(text="a", number=number), b"", 5000, told.append)
    client.ask(connection, Later(), b"", 20, told.append)
    assert told == []
    wait_until(lambda: len(told) == 4)
    assert [one.ext_fields["number"] for one in told[:3] if isinstance(one, Command) and one.ext_fields] == list("012")
    assert isinstance(told[3], RemotingTimeout)
    assert "Later" in str(told[3])
    assert "no answer within 20 ms" in str(told[3])
    assert connection.closed, "as after other timeouts"
    with pytest.raises(SendFailed):
        client.ask(connection, Echo(text="a", number=1), b"", 5000, told.append)
    connection = client.connect(address)
    client.ask(connection, Later(), b"", 5000, told.append)
    client.ask(connection, Later(), b"", 5000, lambda outcome: 1 // 0)
    connection.close()
    assert isinstance(told[4], SendFailed)
    assert "ZeroDivisionError" in caplog.text


def test_nobody_listening_is_a_connect_error_with_the_address(client: Client) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
    with pytest.raises(ConnectError, match=f"connect to <{address}> failed: .*refused"):
        client.invoke(address, Echo(text="a", number=1))


@pytest.mark.parametrize("address", ["", "nothing", "127.0.0.1:", ":80", "127.0.0.1:x", "127.0.0.1:99999"])
def test_no_address_is_a_connect_error(client: Client, address: str) -> None:
    with pytest.raises(ConnectError, match=f"<{address}>"):
        client.invoke(address, Echo(text="a", number=1))


def test_timeout_closes_the_connection_and_the_next_request_opens_another(
    client: Client, server: Server, address: str
) -> None:
    with pytest.raises(RemotingTimeout, match=f"Later to <{address}>: no answer within"):
        client.invoke(address, Later(), timeout_ms=20)
    wait_until(lambda: not server.connections)
    assert client.invoke(address, Echo(text="again", number=1)).code == 0


def test_timeout_may_keep_the_connection(server: Server, address: str) -> None:
    client = Client(RemotingClientConfig(client_close_socket_if_timeout=False))
    with pytest.raises(RemotingTimeout):
        client.invoke(address, Later(), timeout_ms=20)
    assert client.invoke(address, Now()).code == 0
    assert client.invoke(address, Echo(text="late answers are dropped", number=1)).code == 0
    assert len(server.connections) == 1
    client.close()


def test_broken_connection_fails_who_waits_and_is_made_again(client: Client, server: Server, address: str) -> None:
    waiting = gevent.spawn(_outcome, client, address)
    wait_until(lambda: server.connections)
    gevent.sleep(0)
    client.invoke(address, Echo(text="a", number=1))
    for connection in list(server.connections):
        connection.close()
    assert isinstance(waiting.get(), SendFailed)
    assert address in str(waiting.get())
    assert client.invoke(address, Echo(text="a", number=1)).code == 0


def _outcome(client: Client, address: str) -> Command | RemotingError:
    try:
        return client.invoke(address, Later())
    except RemotingError as error:
        return error


def test_silent_connections_are_closed(client: Client, server: Server, address: str) -> None:
    client.invoke(address, Echo(text="a", number=1))
    client.close_idle(client.connect(address).last_active + 119)
    assert server.connections
    client.close_idle(client.connect(address).last_active + 120)
    wait_until(lambda: not server.connections)


def test_requests_of_the_server_are_answered_by_the_router(address: str) -> None:
    client = Client(router=Router(EchoProcessor()))
    assert client.invoke(address, Ask()).code == 0
    client.close()


def test_requests_of_the_server_are_refused_without_a_router(client: Client, address: str) -> None:
    assert client.invoke(address, Ask()).remark == " request type 9001 not supported"


def test_closed_client_asks_nothing(client: Client, address: str) -> None:
    client.close()
    with pytest.raises(ConnectError, match="closed"):
        client.invoke(address, Echo(text="a", number=1))


def test_host_names_are_resolved(client: Client, server: Server) -> None:
    answer = client.invoke(f"localhost:{server.address[1]}", Echo(text="a", number=1))
    assert answer.code == 0
