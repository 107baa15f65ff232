from __future__ import annotations

import gc
import os
import signal
import socket
import subprocess
import sys
import threading
import weakref

import gevent
import pytest
from gevent.hub import get_hub

from rocketpy.remoting.app import App
from rocketpy.remoting.client import Client
from rocketpy.remoting.router import Router
from rocketpy.remoting.server import Server
from tests.remoting.echo import Echo, EchoProcessor


class EchoApp(App):
    def __init__(self, port: int = 0) -> None:
        self.server = Server(Router(EchoProcessor()), "127.0.0.1", port)

    def start(self) -> None:
        self.server.start()

    def stop(self) -> None:
        self.server.stop()


def test_an_app_that_ran_is_not_kept() -> None:
    app = EchoApp()
    with app:
        pass
    gone = weakref.ref(app)
    del app
    gc.collect()
    assert gone() is None


def test_app_runs_in_a_thread_of_its_own_again_and_again() -> None:
    threads = threading.active_count()
    files = len(os.listdir("/proc/self/fd"))
    app = EchoApp()
    for _ in range(5):
        with app:
            with socket.create_connection(app.server.address, timeout=5) as peer:
                peer.sendall(b"\xff\xff\xff\xff")
                assert peer.recv(1) == b""
            assert threading.active_count() == threads + 1
        assert threading.active_count() == threads
    del app
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) <= files + 1


def test_two_apps_talk_to_each_other() -> None:
    with EchoApp() as one, EchoApp() as two:
        for asked, asking in ((one, two), (two, one)):
            answer = asking.call(_ask, f"127.0.0.1:{asked.server.address[1]}")
            assert answer == "hello"


def _ask(address: str) -> str:
    client = Client()
    answer = client.invoke(address, Echo(text="hello", number=1))
    client.close()
    assert answer.ext_fields is not None
    return answer.ext_fields["text"]


def test_start_error_is_raised_and_nothing_stays() -> None:
    threads = threading.active_count()
    with EchoApp() as app:
        other = EchoApp(app.server.address[1])
        with pytest.raises(Exception, match="Address already in use"), other:
            pass
    assert threading.active_count() == threads
    with other:
        pass


def test_call_runs_in_the_hub_of_the_app_and_hands_back_errors() -> None:
    with EchoApp() as app:
        assert app.call(get_hub) is not get_hub()
        assert app.call(lambda: app.call(threading.get_ident)) != threading.get_ident()
        with pytest.raises(ZeroDivisionError):
            app.call(lambda: 1 // 0)
        assert app.call(sorted, [3, 1], reverse=True) == [3, 1]


def test_call_needs_a_running_app() -> None:
    app = EchoApp()
    with pytest.raises(RuntimeError, match="EchoApp is not running"):
        app.call(int)
    with app, pytest.raises(RuntimeError, match="EchoApp is running"), app:
        pass


def test_call_that_the_end_overtakes_is_told() -> None:
    outcome: list[BaseException] = []
    entered = threading.Event()

    def wait_forever() -> None:
        entered.set()
        gevent.sleep(3600)

    def call() -> None:
        try:
            app.call(wait_forever)
        except RuntimeError as error:
            outcome.append(error)

    with EchoApp() as app:
        thread = threading.Thread(target=call)
        thread.start()
        assert entered.wait(5)
    thread.join(5)
    assert "stopped before the call returned" in str(outcome[0])


def test_submit_hands_out_a_future() -> None:
    with EchoApp() as app:
        late, failed = app.submit(gevent.sleep, 0.01), app.submit(int, "x")
        assert late.result(5) is None
        with pytest.raises(ValueError):
            failed.result(5)
    with pytest.raises(RuntimeError, match="EchoApp is not running"):
        app.submit(int)


SCRIPT = """
from tests.remoting.test_app import EchoApp
app = EchoApp()
app.run_forever(lambda: print(app.server.address[1], flush=True))
print("stopped", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_a_process_cleanly(number: int) -> None:
    with subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            process.send_signal(number)
            assert process.stdout.read() == "stopped\n"
        assert process.wait(5) == 0
