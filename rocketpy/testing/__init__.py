"""RocketMQ inside a test suite: name server and broker for a test, and questions about what is in them.

    from rocketpy.testing import RocketMQ

    with RocketMQ(topics=["Order"]) as rocketmq:
        application = Application(rocketmq.namesrv_address)
        rocketmq.send("Order", "4711")
        rocketmq.wait_until_consumed("shipping", "Order")
        assert rocketmq.dead_letters("shipping") == []

With pytest the fixtures of `plugin` give just that, and `factories` makes more of them. `python -m rocketpy.testing`
is the same for test suites in other languages.

- `RocketMQ`: servers of one's own, with a `clock` to move and `faults` to begin; `RocketMQ.at(...)` a `Cluster`, any
  servers that run already. What both can be asked and waited for are the methods of `Cluster`.
- `NoSuchTopic`, `WaitTimeout`, `Refused`, `ChildFailed`, `NotOurs`: what a test is told.

Inside: `servers` and `child` are where the servers run, `inspector` asks them, `waiting` asks until it holds,
`commands` is the language of the child; `clock` moves the servers' time, `faults` says what can go wrong, and
`fault_table`, `fault_rules` and `failing_disk` see to it.

Nothing is imported before it is used: pytest imports this package in every run, also of suites that have no use for it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rocketpy.testing.cluster import Cluster as Cluster
    from rocketpy.testing.errors import ChildFailed as ChildFailed
    from rocketpy.testing.errors import NoSuchTopic as NoSuchTopic
    from rocketpy.testing.errors import NotOurs as NotOurs
    from rocketpy.testing.errors import Refused as Refused
    from rocketpy.testing.errors import WaitTimeout as WaitTimeout
    from rocketpy.testing.rocketmq import RocketMQ as RocketMQ

_HOMES = {
    "ChildFailed": "errors",
    "Cluster": "cluster",
    "NoSuchTopic": "errors",
    "NotOurs": "errors",
    "Refused": "errors",
    "RocketMQ": "rocketmq",
    "WaitTimeout": "errors",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
