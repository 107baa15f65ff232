from __future__ import annotations

import random
from collections.abc import Callable

import gevent
import pytest
from gevent import socket

from rocketpy.config.remoting import ServerConfig
from rocketpy.errors import RemotingError
from rocketpy.protocol.command import JSON, ROCKETMQ, Command, request_command
from rocketpy.remoting import connection as connection_module
from rocketpy.remoting.connection import Connection
from rocketpy.remoting.router import Router
from rocketpy.remoting.server import Server
from tests.remoting.echo import Ask, Big, Echo, EchoProcessor, Later, Now, RawPeer, wait_until

Connect = Callable[[], RawPeer]

MALFORMED = {
    "too long": b"\x01\x00\x00\x01",
    "negative": b"\xff\xff\xff\xff",
    "shorter than its header length": b"\x00\x00\x00\x03abc",
    "empty header": b"\x00\x00\x00\x04\x00\x00\x00\x00",
    "header beyond the frame": b"\x00\x00\x00\x08\x00\x00\x00\x05{}{}",
    "serialization 2": b"\x00\x00\x00\x06\x02\x00\x00\x02{}",
    "no JSON": b"\x00\x00\x00\x06\x00\x00\x00\x02{{",
    "JSON array": b"\x00\x00\x00\x06\x00\x00\x00\x02[]",
    "JSON null": b"\x00\x00\x00\x08\x00\x00\x00\x04null",
    "truncated binary": b"\x00\x00\x00\x08\x01\x00\x00\x04\x00\x0a\x00\x00",
    "http": b"GET / HTTP/1.1\r\n\r\n",
    "tls": bytes.fromhex("16030100c8010000c40303"),
    "opaque no number": Command(9001).encode().replace(b'"opaque":0', b'"opaque":{'),
}


def test_port_in_use_names_host_and_port(server: Server) -> None:
    port = server.address[1]
    other = Server(Router(), "127.0.0.1", port)
    with pytest.raises(RemotingError, match=rf"cannot listen on 127.0.0.1:{port}: Address already in use"):
        other.start()
    other.stop()


def test_impossible_port_is_named() -> None:
    with pytest.raises(RemotingError, match=r"cannot listen on \*:70000"):
        Server(Router(), "", 70000).start()


def test_server_starts_again_on_its_port(processor: EchoProcessor) -> None:
    server = Server(Router(processor), "127.0.0.1", 0)
    server.start()
    port = server.address[1]
    peer = RawPeer(server.address)
    server.stop()
    assert peer.receive() is None
    peer.close()
    again = Server(Router(processor), "127.0.0.1", port)
    again.start()
    RawPeer(again.address).close()
    again.stop()
    again.stop()


def test_paused_server_refuses_connections_and_keeps_its_port(server: Server) -> None:
    peer = RawPeer(server.address)
    peer.send(Echo(text="a", number=1))
    assert peer.answer().code == 0
    server.pause()
    server.pause()
    assert peer.receive() is None
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(server.address)
    server.resume()
    server.resume()
    again = RawPeer(server.address)
    again.send(Echo(text="b", number=2))
    assert again.answer().code == 0
    server.pause()
    server.stop()
    for one in (peer, again):
        one.close()


def test_port_may_be_taken_before_anything_is_served(processor: EchoProcessor) -> None:
    router = Router()
    server = Server(router, "127.0.0.1", 0)
    server.listen()
    peer = RawPeer(server.address)
    peer.send(Echo(text="early", number=1))
    router.add(processor)
    server.start()
    assert peer.answer().code == 0
    peer.close()
    server.stop()


def test_every_address_of_the_machine_is_served(processor: EchoProcessor) -> None:
    server = Server(Router(processor))
    server.start()
    peer = RawPeer(("127.0.0.1", server.address[1]))
    peer.send(Echo(text="v4", number=1))
    assert peer.answer().code == 0
    assert [one.remote_address for one in server.connections] == ["{}:{}".format(*peer.socket.getsockname())]
    peer.close()
    server.stop()


@pytest.mark.parametrize("bad", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_input_closes_that_connection_alone(
    connect: Connect, caplog: pytest.LogCaptureFixture, bad: bytes
) -> None:
    good, broken = connect(), connect()
    broken.send(Echo(text="before", number=1), opaque=5)
    broken.socket.sendall(bad)
    assert broken.answer().opaque == 5, "what came before is answered"
    assert broken.receive() is None
    assert len([record for record in caplog.records if record.levelname == "WARNING"]) == 1
    good.send(Echo(text="after", number=2))
    assert good.answer().code == 0


def test_random_bytes_never_harm_others(connect: Connect, server: Server) -> None:
    rng = random.Random(49)
    good = connect()
    frame = request_command(Echo(text="Ünïcödé", number=3), b"x" * 50, opaque=1).encode()
    for _ in range(100):
        broken = connect()
        damaged = bytearray(frame)
        for _ in range(rng.randint(1, 8)):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        broken.socket.sendall(damaged)
        broken.close()
    good.send(Echo(text="alive", number=2))
    assert good.answer().code == 0
    wait_until(lambda: len(server.connections) == 1)


@pytest.mark.parametrize("serialization", [JSON, ROCKETMQ])
def test_frames_fed_byte_by_byte(peer: RawPeer, serialization: int) -> None:
    command = request_command(Echo(text="Ж", number=9), "тело".encode(), opaque=4, serialization=serialization)
    for byte in command.encode():
        peer.socket.sendall(bytes([byte]))
        gevent.sleep(0)
    assert peer.answer().body == "тело".encode()


def test_frame_just_under_the_limit_is_answered(peer: RawPeer) -> None:
    body = bytes(16 * 1024 * 1024 - 300)
    gevent.spawn(peer.send, Echo(text="a", number=1), body)
    assert len(peer.answer().body) == len(body)


def test_pipelined_requests_are_answered_in_order(peer: RawPeer) -> None:
    frames = [request_command(Echo(text=str(n), number=n), opaque=n).encode() for n in range(2000)]
    gevent.spawn(peer.socket.sendall, b"".join(frames))
    assert [peer.answer().opaque for _ in frames] == list(range(2000))


def test_a_flood_does_not_starve_others(connect: Connect, processor: EchoProcessor) -> None:
    flood, other = connect(), connect()
    count = 3000
    frames = b"".join(request_command(Echo(text="x" * 100, number=n), opaque=n).encode() for n in range(count))
    flooding = gevent.spawn(flood.socket.sendall, frames)
    other.send(Echo(text="me too", number=1), opaque=7)
    assert other.answer().opaque == 7
    assert len(processor.seen) < count
    assert [flood.answer().opaque for _ in range(count)] == list(range(count))
    flooding.join()


def test_held_requests_do_not_hold_up_others(peer: RawPeer) -> None:
    for opaque in (1, 2):
        peer.send(Later(), opaque=opaque)
    peer.send(Echo(text="a", number=1), opaque=3)
    assert peer.answer().opaque == 3
    peer.send(Now(), opaque=4)
    assert sorted(peer.answer().opaque for _ in range(3)) == [1, 2, 4]


def test_handler_that_asks_its_peer_does_not_stop_the_reading(peer: RawPeer) -> None:
    peer.send(Ask(), opaque=8)
    asked = peer.answer()
    assert (asked.code, asked.flag) == (9001, 0)
    peer.send(Echo(text="meanwhile", number=2), opaque=9)
    assert peer.answer().opaque == 9
    peer.socket.sendall(Command(5, opaque=asked.opaque, flag=1, remark="me", body=b"!").encode())
    answer = peer.answer()
    assert (answer.opaque, answer.code, answer.remark, answer.body) == (8, 5, "me", b"!")


@pytest.mark.parametrize("flag", [1, 3])
def test_response_nobody_waits_for_is_dropped(peer: RawPeer, flag: int) -> None:
    peer.send(Echo(text="a", number=1), flag=flag)
    peer.send(Echo(text="b", number=2), flag=4, opaque=2)
    answer = peer.answer()
    assert (answer.opaque, answer.flag) == (2, 1)


def test_vip_port_does_not_serve_everything(processor: EchoProcessor) -> None:
    server = Server(Router(processor), "127.0.0.1", 0, vip=True)
    server.start()
    peer = RawPeer(server.address)
    peer.send(Now())
    answer = peer.answer()
    assert (answer.code, answer.remark) == (3, " request type 9004 not supported")
    peer.send(Echo(text="a", number=1))
    assert peer.answer().code == 0
    peer.close()
    server.stop()


def test_silent_connections_are_closed(connect: Connect, server: Server) -> None:
    silent, lively = connect(), connect()
    lively.send(Echo(text="a", number=1))
    assert lively.answer().code == 0
    silent.send(Echo(text="a", number=1))
    assert silent.answer().code == 0
    limit = ServerConfig().server_channel_max_idle_time_seconds
    for one in server.connections:
        one.last_active = 0.0
    server.close_idle(limit - 1)
    assert len(server.connections) == 2
    lively.send(Echo(text="a", number=1))
    assert lively.answer().code == 0
    server.close_idle(limit)
    assert silent.receive() is None
    assert len(server.connections) == 1


def test_on_close_is_told_once(connect: Connect, server: Server) -> None:
    peer = connect()
    wait_until(lambda: server.connections)
    (connection,) = server.connections
    told: list[Connection] = []
    connection.on_close.append(told.append)
    peer.close()
    wait_until(lambda: told)
    connection.close()
    assert told == [connection]
    assert connection.closed
    assert not server.connections


def test_addresses_are_ip_and_port(peer: RawPeer, server: Server) -> None:
    wait_until(lambda: server.connections)
    (connection,) = server.connections
    host, port = peer.socket.getsockname()
    assert connection.remote_address == f"{host}:{port}"
    assert connection.local_address == f"127.0.0.1:{server.address[1]}"


def test_peer_that_does_not_read_is_not_read_from(connect: Connect, server: Server) -> None:
    lazy = connect()
    wait_until(lambda: server.connections)
    (connection,) = server.connections
    count, size = 400, 1 << 20
    lazy.socket.sendall(b"".join(request_command(Big(size=size), opaque=n).encode() for n in range(count)))
    wait_until(lambda: connection._unsent is not None)
    assert connection._out_size == 0, "nothing is answered beyond what the socket takes"
    other = connect()
    other.send(Echo(text="others go on", number=1))
    assert other.answer().code == 0
    for opaque in range(count):
        answer = lazy.answer()
        assert (answer.opaque, len(answer.body)) == (opaque, size)


def test_pushes_to_a_peer_that_does_not_read_are_bounded(
    connect: Connect, server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(connection_module, "OUTPUT_LIMIT", 1 << 20)
    connect()
    wait_until(lambda: server.connections)
    (connection,) = server.connections
    for _ in range(1000):
        connection.push(Echo(text="x", number=1), bytes(1 << 16))
        gevent.sleep(0)
        if connection.closed:
            break
    assert connection.closed
    assert "does not read" in caplog.text
    connection.push(Echo(text="x", number=1))
