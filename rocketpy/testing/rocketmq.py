"""A name server and a broker for tests, in this process or in a child."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from rocketpy.testing.child import Child, ChildClock
from rocketpy.testing.clock import ServerClock
from rocketpy.testing.cluster import Cluster, not_running
from rocketpy.testing.faults import Faults
from rocketpy.testing.servers import LOOPBACK, Elsewhere, Local, LocalOptions
from rocketpy.testing.words import Setting, Topics, names_of, queues_of, text_of


class RocketMQ(Cluster):
    """RocketMQ for tests: ready in some ms, on any free ports, and gone without a trace in the end.

        with RocketMQ(topics=["Order"], settings={"transactionCheckInterval": 1000}) as rocketmq:
            application = Application(rocketmq.namesrv_address)
            ...
            rocketmq.wait_until_consumed("shipping", "Order")

    In a `unittest.TestCase` that is `self.enterContext(RocketMQ(...))`, or `cls.enterClassContext` for a whole class.

    It runs in threads of this process, or with `own_process` in a child, which ends at the latest when this process
    does, however that happens.
    """

    def __init__(
        self,
        *,
        topics: Topics = (),
        groups: Iterable[str] = (),
        settings: Mapping[str, Setting] | None = None,
        host: str = LOOPBACK,
        store: str | os.PathLike[str] | None = None,
        namesrv_port: int = 0,
        own_process: bool = False,
    ) -> None:
        """`topics` and `groups` are made at the start: see `create_topic`, `create_group`.

        `settings` are keys of broker.conf. `host` is what clients are told to connect to; unless it is 127.0.0.1, the
        servers listen on every address. `store` is a directory to be kept, otherwise messages are in a temporary one.
        A port of 0 is any; the broker's is `listenPort` of `settings`. Raises ConfigError for settings that are none.
        """
        kept = None if store is None else os.fspath(store)
        self._options = LocalOptions(dict(settings or {}), host, kept, namesrv_port)
        self._topics = queues_of(topics)
        self._groups = names_of(groups)
        self._child = Child(self._arguments()) if own_process else None
        super().__init__("")

    @staticmethod
    def at(namesrv_address: str) -> Cluster:
        """Servers that run already, Java's too: all but restarts, time and faults."""
        return Cluster(namesrv_address)

    def start(self) -> None:
        """Start; `with` does it. Raises ConfigError, StoreError, RemotingError or ChildFailed."""
        if self._child is None:
            self._servers = Local(self._options)
        else:
            self._child.start()
            self._servers = Elsewhere(self._child.addresses["namesrv"])
        try:
            super().start()
            self._prepare()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop, and remove what is temporary; harmless when not started."""
        try:
            super().stop()
        finally:
            if self._child is not None:
                self._child.stop()

    @property
    def broker_address(self) -> str:
        """Where the broker is, "host:port", also while the name server does not know it."""
        if self._child is None:
            return self._local().standalone.broker.address
        return str(self._child.addresses["broker"])

    @property
    def clock(self) -> ServerClock | ChildClock:
        """The servers' time, which `clock.advance(seconds)` moves: see `rocketpy.testing.clock.ServerClock`."""
        return ChildClock(self._child) if self._child is not None else self._local().clock

    @property
    def faults(self) -> Faults:
        """Has the servers misbehave, `with rocketmq.faults.busy(): ...`: see `rocketpy.testing.faults`."""
        return Faults(self.fault)

    def fault(self, verb: str, arguments: Mapping[str, Any]) -> int:
        """What `faults` are made of: an order to a `FaultTable`. Raises what that raises."""
        if self._child is not None:
            return int(self._child.order("fault", verb=verb, arguments=dict(arguments)))
        local = self._local()
        return local.run(local.faults.obey, verb, arguments)

    @property
    def pid(self) -> int:
        """The id of the process that the servers run in. Raises NotRunning or ChildFailed when they do not."""
        if self._child is not None:
            return int(self._child.addresses["pid"])
        self._local()
        return os.getpid()

    def restart(self) -> None:
        """Stop both servers and start them again: messages, offsets and addresses stay; clients reconnect."""
        if self._child is not None:
            self._child.order("restart")
        else:
            local = self._local()
            local.run(local.restart)

    def reset(self, settings: Mapping[str, Setting] | None = None) -> None:
        """Start both servers anew, with nothing in them but the topics and groups of the beginning.

        The addresses stay, the clock is that of the machine again and no fault is left. `settings` are added to those
        of the beginning until the next reset. What producers and consumers knew is gone, too: stop them before. Raises
        NotOurs for a store that is to be kept.
        """
        given = None if settings is None else dict(settings)
        if self._child is not None:
            self._child.order("reset", settings=given)
        else:
            local = self._local()
            local.run(local.reset, given)
            self._prepare()

    def _local(self) -> Local:
        if not isinstance(self._servers, Local):
            raise not_running(self)
        return self._servers

    def _prepare(self) -> None:
        """The child has done so itself."""
        if self._child is not None:
            return
        for topic, queues in self._topics.items():
            self.create_topic(topic, queues=queues)
        for group in self._groups:
            self.create_group(group)

    def _arguments(self) -> list[str]:
        """The same on the command line of a child."""
        options = self._options
        words = [f"--topic={name}:{queues}" for name, queues in self._topics.items()]
        words += [f"--group={name}" for name in self._groups]
        words += [f"--set={name}={text_of(value)}" for name, value in options.settings.items()]
        words += [] if options.store is None else [f"--store={options.store}"]
        return [*words, f"--host={options.host}", f"--namesrv-port={options.namesrv_port}"]
