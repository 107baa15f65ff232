"""What a broker has of replication: every one may have slaves, and a slave follows its master."""

from __future__ import annotations

import logging

from gevent import socket

from rocketpy.broker.replication.follower import Follower
from rocketpy.broker.replication.slaves import Slaves
from rocketpy.broker.replication.tables import EVERY_MS, FIRST_MS, TableCopies
from rocketpy.clock import Clock
from rocketpy.config.store import BrokerRole, StoreConfig
from rocketpy.protocol.api.route import RegisterBrokerReply
from rocketpy.remoting.loops import Loops
from rocketpy.store.message_store import MessageStore

_MINUTE_MS = 60_000
_log = logging.getLogger("rocketpy.broker")


class Replication:
    """Started with `start`, told by the name servers' answers who the master is."""

    def __init__(self, config: StoreConfig, store: MessageStore, copies: TableCopies, clock: Clock) -> None:
        self._config = config
        self._copies = copies
        self.slaves = Slaves(config, store, clock)
        self._follower = Follower(config, store)

    @property
    def is_slave(self) -> bool:
        """Whether this broker follows another one."""
        return self._config.broker_role is BrokerRole.SLAVE

    def start(self, listener: socket.socket, loops: Loops) -> None:
        """Serve slaves on `listener`, and follow the master (BrokerController.java:418-440, 1122)."""
        self.slaves.serve(listener)
        if not self.is_slave:
            loops.every(_MINUTE_MS, self._tell, first=10_000)
            return
        self._follower.start()
        loops.every(EVERY_MS, self.copy_tables, first=FIRST_MS, remote=True)
        if self._config.ha_master_address:
            self._follower.follow(self._config.ha_master_address)

    def copy_tables(self) -> None:
        """Take the master's tables over now; waits for its answers."""
        self._copies.step()

    def stop(self) -> None:
        """Leave the master, and let the slaves go."""
        self._follower.stop()
        self.slaves.stop()

    def registered(self, answer: RegisterBrokerReply) -> None:
        """A name server has told who the master is (BrokerController.doRegisterBrokerAll:961-971)."""
        if self.is_slave:
            self._copies.master = answer.master_addr
            if answer.ha_server_addr and not self._config.ha_master_address:
                self._follower.follow(answer.ha_server_addr)

    def _tell(self) -> None:
        stats = self.slaves.stats()
        if stats["slaves"]:
            _log.info("Slave fall behind master: %d bytes", stats["slave_behind_bytes"])
