import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from rocketpy.errors import RemotingError
from rocketpy.remoting.address_server import fetch_namesrv_addr


@contextmanager
def serving(body, status=200):
    """An HTTP server on a port of its own that gives `body`; yields its address and the paths it was asked for."""
    paths = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            paths.append(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}", paths
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_first_line_is_the_addresses():
    with serving(b" 10.0.0.1:9876;10.0.0.2:9876\r\nmore\n") as (domain, paths):
        assert fetch_namesrv_addr(domain) == "10.0.0.1:9876;10.0.0.2:9876"
    assert paths == ["/rocketmq/nsaddr"]


def test_unit_has_a_path_of_its_own():
    with serving(b"") as (domain, paths):
        assert fetch_namesrv_addr(domain, "group", "center") == ""
    assert paths == ["/rocketmq/group-center?nofix=1"]


def test_url_is_asked_as_it_is():
    with serving(b"10.0.0.1:9876") as (domain, paths):
        assert fetch_namesrv_addr(f"http://{domain}/rocketmq/nsaddr4client-internet") == "10.0.0.1:9876"
    assert paths == ["/rocketmq/nsaddr4client-internet"]


def test_failure_names_the_url():
    with (
        serving(b"no", 404) as (domain, _),
        pytest.raises(RemotingError, match=rf"http://{domain}/rocketmq/nsaddr: .*404"),
    ):
        fetch_namesrv_addr(domain)


def test_nobody_there_is_a_failure():
    with serving(b"") as (domain, _):
        pass
    with pytest.raises(RemotingError, match="no name server addresses from"):
        fetch_namesrv_addr(domain)
