"""Which account mqadmin signs with, and that it does."""

from __future__ import annotations

from pathlib import Path

import pytest

from rocketpy.admin.account import account
from rocketpy.admin.client import AdminClient
from rocketpy.protocol.api.route import GetBrokerClusterInfo
from rocketpy.protocol.command import Command, Reply
from rocketpy.protocol.signature import Credentials, signature
from rocketpy.remoting.connection import Connection
from rocketpy.remoting.router import Router, handles
from rocketpy.remoting.server import Server


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the file is to be."""
    monkeypatch.setenv("ROCKETMQ_HOME", str(tmp_path))
    (tmp_path / "conf").mkdir()
    return tmp_path / "conf/tools.yml"


def test_without_a_file_nothing_is_signed(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert account() is None
    monkeypatch.delenv("ROCKETMQ_HOME")
    assert account() is None


@pytest.mark.parametrize(
    "text", ["", "- 1", "accessKey: a", "accessKey: a\nsecretKey: ' '", "accessKey: [", "\x00", "text"]
)
def test_file_without_both_keys_is_none(tools: Path, text: str) -> None:
    tools.write_text(text)
    assert account() is None


def test_file_has_the_account(tools: Path) -> None:
    tools.write_text("accessKey: RocketMQ\nsecretKey: 12345678\n\n")
    assert account() == Credentials("RocketMQ", "12345678")


class Recorder:
    """Remembers a request."""

    @handles(GetBrokerClusterInfo)
    def get(self, peer: Connection, request: GetBrokerClusterInfo, command: Command) -> Reply:
        self.command = command
        return Reply(body=b"{}")


def test_requests_are_signed() -> None:
    recorder = Recorder()
    server = Server(Router(recorder), "127.0.0.1")
    server.start()
    admin = AdminClient(":".join(map(str, server.address)), Credentials("who", "secret"))
    admin.cluster_info()
    admin.close()
    server.stop()
    fields = recorder.command.ext_fields
    assert fields is not None
    assert fields["AccessKey"] == "who"
    assert fields["Signature"] == signature(fields, b"", b"secret")
