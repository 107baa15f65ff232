"""Brokers with access control, Java's and ours: they answer their accounts only, not even whether they are ready."""

from __future__ import annotations

from pathlib import Path

from interop.java_servers import JavaBroker
from interop.our_servers import OurBroker
from interop.raw_client import RawClient
from interop.server import BrokerProcess
from rocketpy.protocol.codes import RequestCode


def _write_accounts(conf: Path, accounts: str) -> None:
    conf.mkdir(parents=True, exist_ok=True)
    if not (conf / "plain_acl.yml").exists():
        (conf / "plain_acl.yml").write_text(accounts)


def _guards(broker: BrokerProcess) -> bool:
    with RawClient(broker.namesrv, timeout=2) as client:
        known = client.ask_json(RequestCode.GET_BROKER_CLUSTER_INFO)["brokerAddrTable"]
    with RawClient(broker.address, timeout=2) as client:
        answer = client.ask(RequestCode.GET_BROKER_RUNTIME_INFO)
    return broker.name in known and "accessKey" in (answer.remark or "")


class GuardedJavaBroker(JavaBroker):
    """The official broker with `accounts`, the text of a plain_acl.yml."""

    accounts = ""

    @property
    def conf(self) -> Path:
        return self.directory / "home" / "conf"

    def command(self) -> list[str]:
        _write_accounts(self.conf, self.accounts)
        return super().command()

    def is_ready(self) -> bool:
        return _guards(self)


class GuardedBroker(OurBroker):
    """Ours with the same."""

    accounts = ""

    @property
    def conf(self) -> Path:
        return self.directory / "conf"

    def command(self) -> list[str]:
        _write_accounts(self.conf, self.accounts)
        return super().command()

    def is_ready(self) -> bool:
        return _guards(self)
