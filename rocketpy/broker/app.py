"""The broker as a whole: what it is made of, from top to bottom, and in which order it comes and goes.

The order matters in three places. The store's directory is locked before anything in it is read. The ports are taken
before the processors are made, since they write the broker's address into messages. And nothing is served before the
tables and the store are loaded. Registering comes last, since a name server that hangs holds it up.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import gevent

from rocketpy.broker.acl.access import AccessCheck
from rocketpy.broker.acl.account_files import WATCH_MS, open_accounts
from rocketpy.broker.advertised import all_doubts, log_doubts, numeric_address
from rocketpy.broker.appender import Appender, MultiAppender
from rocketpy.broker.config_file import ConfigFile, KeptTable
from rocketpy.broker.consumer_filters import ConsumerFilters, ConsumerFilterTable
from rocketpy.broker.consumers import ConsumerTable
from rocketpy.broker.delay import FIRST_STEP_MS, DelayedMessages
from rocketpy.broker.durability import Durability
from rocketpy.broker.groups import GroupTable
from rocketpy.broker.identity import identity
from rocketpy.broker.light import LightGroupTable, LightOffsets, LightOffsetTable, LightTopicTable
from rocketpy.broker.long_polling import LongPolling, sweep_interval
from rocketpy.broker.namesrv_link import NamesrvLink
from rocketpy.broker.offset_moved import OffsetMovedEvents
from rocketpy.broker.offsets import OffsetTable
from rocketpy.broker.ports import Ports
from rocketpy.broker.processors.acl import AclProcessor
from rocketpy.broker.processors.broker import BrokerProcessor
from rocketpy.broker.processors.client import ClientProcessor
from rocketpy.broker.processors.connection import ConnectionProcessor
from rocketpy.broker.processors.consumer import ConsumerProcessor
from rocketpy.broker.processors.delay import DelayProcessor
from rocketpy.broker.processors.group import GroupProcessor
from rocketpy.broker.processors.lock import LockProcessor
from rocketpy.broker.processors.offset import OffsetProcessor
from rocketpy.broker.processors.progress import ProgressProcessor
from rocketpy.broker.processors.pull import PullProcessor
from rocketpy.broker.processors.query import QueryProcessor
from rocketpy.broker.processors.queue import QueueProcessor
from rocketpy.broker.processors.reply import ReplyProcessor
from rocketpy.broker.processors.send import SendProcessor
from rocketpy.broker.processors.send_back import SendBackProcessor
from rocketpy.broker.processors.topic import TopicProcessor
from rocketpy.broker.processors.transaction import TransactionProcessor
from rocketpy.broker.producers import ProducerTable
from rocketpy.broker.pull_checks import PullChecks
from rocketpy.broker.queue_locks import QueueLocks
from rocketpy.broker.replication.replication import Replication
from rocketpy.broker.replication.tables import TableCopies
from rocketpy.broker.runtime_info import RuntimeInfo
from rocketpy.broker.sampling import start_sampling
from rocketpy.broker.send_answers import SendAnswers
from rocketpy.broker.send_checks import SendChecks
from rocketpy.broker.slow_groups import STEP_MS, SlowGroups
from rocketpy.broker.stats import BrokerStats, LightBrokerStats
from rocketpy.broker.store_jobs import StoreJobs
from rocketpy.broker.timed import TimedMessages
from rocketpy.broker.timer_intake import TimerIntake
from rocketpy.broker.topics import TopicTable
from rocketpy.broker.transaction_checks import TransactionChecks
from rocketpy.broker.transactions import HalfMessages
from rocketpy.clock import Clock, now_ms
from rocketpy.config.startup import BrokerSettings
from rocketpy.config.store import BrokerRole
from rocketpy.errors import ConfigError, RocketpyError
from rocketpy.protocol.api.group import SubscriptionGroupWrapper
from rocketpy.protocol.api.offset import ConsumerOffsetSerializeWrapper, DelayOffsetSerializeWrapper
from rocketpy.protocol.api.topic import TopicConfigSerializeWrapper
from rocketpy.protocol.body import Body
from rocketpy.protocol.flags import Perm
from rocketpy.protocol.record import encode_host
from rocketpy.protocol.topic_names import TIMER_TOPIC
from rocketpy.remoting.app import App
from rocketpy.remoting.client import Client
from rocketpy.remoting.loops import Loops
from rocketpy.remoting.router import Router
from rocketpy.remoting.tls_door import TlsDoor, client_tls
from rocketpy.store.extended_dispatch import ExtendedDispatch
from rocketpy.store.message_store import MessageStore
from rocketpy.store.timer_files import TimerFiles

B = TypeVar("B", bound=Body)

_TEN_SECONDS_MS = 10_000
_FETCH_ADDRESSES_MS = 120_000
_HOUR_MS = 3_600_000
_LONGEST_SAVE_S = 1.0

_log = logging.getLogger("rocketpy.broker")


def temporary_directory() -> TemporaryDirectory[str]:
    """A new directory for a store that nobody wants to keep; gone at the latest when the process ends."""
    return TemporaryDirectory(prefix="rocketpy-", ignore_cleanup_errors=True)


class Broker(App):
    """A broker on listenPort, 10911 unless told otherwise, with its VIP port two below and its HA port one above.

    A listenPort of 0 takes any free ports. `host` is a numeric address to listen on, "" is every one; what clients are
    told to connect to is brokerIP1.

    With `ephemeral` its directory is a temporary one, made at each start and removed at the stop, whatever the settings
    say; everything else is the same. `clock` tells the time, `peer_clock`, if it is another one, for how long clients
    have been silent.
    """

    def __init__(
        self, settings: BrokerSettings | None = None, *, host: str = "", ephemeral: bool = False,
        clock: Clock = now_ms, peer_clock: Clock | None = None,
    ) -> None:  # fmt: skip
        """Raises ConfigError for settings that cannot be started."""
        self.settings = BrokerSettings() if settings is None else settings
        self.settings.settle()
        self._host = host
        self._ephemeral = ephemeral
        self._clock, self._peer_clock = clock, peer_clock or clock
        self._to_stop: list[Callable[[], object]] = []

    @property
    def address(self) -> str:
        """Where clients connect to: brokerIP1, and the port that is really listened on."""
        return f"{self.settings.broker.broker_ip1}:{self._ports.port}"

    @property
    def vip_address(self) -> str:
        """The same for the VIP port, which serves everything but pulls."""
        return f"{self.settings.broker.broker_ip1}:{self._ports.vip_port}"

    @property
    def ha_address(self) -> str:
        """Where slaves are told to connect to: brokerIP2 and the HA port."""
        return f"{self.settings.broker.broker_ip2}:{self._ports.ha_port}"

    def start(self) -> None:
        """Open the store, serve, and register. Raises ConfigError, StoreError or RemotingError."""
        if self._ephemeral:
            directory = temporary_directory()
            self._to_stop.append(directory.cleanup)
            self.settings.keep_below(directory.name)
        self._make_tables()
        self._open_store()
        self._load_tables()
        self._listen()
        self._serve()
        self._start_loops()
        self._register()

    def loops(self) -> list[Loops]:
        """Java's schedule, and the work of the store."""
        return [*(jobs.loops for jobs in self._jobs), self._loops]

    def settle(self) -> None:
        """Wait until the store's work is done and the files of the tables are written."""
        for jobs in self._jobs:
            jobs.wait_done()
        for file in self._files:
            file.wait_saved()

    def stop(self) -> None:
        """Undo `start`, in the opposite order; one that failed half-way, too."""
        failures: list[RocketpyError] = []
        while self._to_stop:
            try:
                self._to_stop.pop()()
            except RocketpyError as error:
                failures.append(error)
        if failures:
            raise failures[0]

    def _make_tables(self) -> None:
        config = self.settings.broker
        light = self.settings.store.enable_lmq
        counters = LightBrokerStats if light else BrokerStats
        clock, peers = self._clock, self._peer_clock
        self.stats = counters(config.broker_cluster_name, clock, detailed=config.enable_detail_stat)
        self.topics = LightTopicTable(config, clock) if light else TopicTable(config, clock)
        self.groups = LightGroupTable(config, clock) if light else GroupTable(config, clock)
        self.offsets = LightOffsetTable() if light else OffsetTable()
        self.producers = ProducerTable(peers)
        self.consumers = ConsumerTable(lambda: config.notify_consumer_ids_changed_enable, peers)
        self.filters = ConsumerFilters(config, clock)
        self.settings.store.bit_map_length_consume_queue_ext = self.filters.bit_map_length
        self.consumers.registered.append(self.filters.register)
        self.consumers.emptied.append(self.filters.unregister)
        self.queue_locks = QueueLocks(clock)
        self._slow_groups = SlowGroups(config, self.groups)

    def _open_store(self) -> None:
        self.store = store = MessageStore(self.settings.store)
        store.open(self._clock())
        store.cleanup.by_records = self._clock is not now_ms
        self._jobs: list[StoreJobs[Any]] = []
        self._to_stop.append(lambda: store.close(self._clock()))
        self._timer_files: TimerFiles | None = None
        if self.settings.timer.timer_wheel_enable:
            self._open_timer()
        self._start_jobs(StoreJobs(store, self._clock, store.cleanup.next_due))

    def _open_timer(self) -> None:
        self._timer_files = TimerFiles(self.store, self.settings.timer)
        self._timer_files.open(self._clock())
        self._to_stop.append(self._timer_files.close)
        self._start_jobs(StoreJobs(self._timer_files, self._clock))

    def _start_jobs(self, jobs: StoreJobs[Any]) -> None:
        jobs.start()
        self._jobs.append(jobs)
        self._to_stop.append(jobs.stop)

    def _load_tables(self) -> None:
        """What is in the config directory; from then on changes are saved there."""
        hold = None if self._timer_files is None else TimerIntake(self.settings.timer, self._timer_files).hold
        appender = MultiAppender if self.settings.store.enable_multi_dispatch else Appender
        self._appender = appender(self.store, self.stats, self._clock, hold)
        self._delayed = DelayedMessages(self.store, self._appender, self.stats)
        self._files: list[ConfigFile] = []
        self._topics_file = self._keep("topics.json", self.topics, TopicConfigSerializeWrapper)
        self.topics.changed.append(self._topics_file.changed)
        # what a send was answered for outlives a kill; unless the disk is so slow that the sender would give up
        self.topics.created.append(partial(self._topics_file.wait_saved, _LONGEST_SAVE_S))
        self._groups_file = self._keep("subscriptionGroup.json", self.groups, SubscriptionGroupWrapper)
        self.groups.changed.append(self._groups_file.changed)
        self._offsets_file = self._keep("consumerOffset.json", self.offsets, ConsumerOffsetSerializeWrapper)
        if isinstance(self.offsets, LightOffsetTable):  # Java looks at this file only, and groups lose their offsets
            self._offsets_file = self._keep("lmqConsumerOffset.json", self.offsets, LightOffsets)
        self._delayed_file = self._keep("delayOffset.json", self._delayed, DelayOffsetSerializeWrapper)
        self._filters_file = self._keep("consumerFilter.json", self.filters, ConsumerFilterTable)
        if isinstance(self.store.dispatch, ExtendedDispatch):
            self.store.dispatch.bit_map_of = self.filters.bit_map
        self._delayed.dirty = True  # the file is there, as Java has it, also when nothing was ever delivered
        self._to_stop += [self._save_offsets, self._save_delayed, self._save_filters]

    def _keep(self, name: str, table: KeptTable[B], body: type[B]) -> ConfigFile:
        """The file in which `table` is kept, read if there is one."""
        directory = os.path.join(self.settings.store.store_path_root_dir, "config")
        file = ConfigFile(os.path.join(directory, name), table.freeze)
        saved = file.load(body)
        if saved is not None:
            table.restore(saved)
        self._to_stop.append(file.close)
        self._files.append(file)
        return file

    def _listen(self) -> None:
        self._router = Router()
        door = TlsDoor(self.settings.tls)
        door.prepare()
        self._ports = Ports(self._router, self._host, self.settings.server, door)
        self._to_stop.append(self._ports.stop)
        self._ports.listen(self.settings.store.ha_listen_port)

    def _serve(self) -> None:
        tls = client_tls(self.settings.tls) if self.settings.client.use_tls else None
        self._client = Client(self.settings.client, tls=tls)
        self._to_stop.append(self._client.close)
        name = partial(identity, self.settings, self._ports)
        self._namesrv_link = NamesrvLink(self.settings.broker, name, self.topics, self._client)
        self.topics.created.append(self._namesrv_link.register_soon)
        copies = TableCopies(self._client, self.topics, self.groups, self.offsets, self._delayed)
        self.replication = Replication(self.settings.store, self.store, copies, self._clock)
        self._namesrv_link.answered.append(self.replication.registered)
        self._waiters = LongPolling(self.store, gevent.get_hub().loop.run_callback)
        self.store.arrival_listeners.append(self._waiters.messages_arrived)
        self._accounts = open_accounts(self.settings.broker, self._clock)
        self._router.guard = None if self._accounts is None else AccessCheck(self._accounts)
        self._router.add(*self._message_processors(), *self._other_processors(), AclProcessor(self._accounts, name))
        self._ports.serve()

    def _message_processors(self) -> list[object]:
        config, store_config = self.settings.broker, self.settings.store
        host = encode_host(numeric_address(config.broker_ip1), self._ports.port)
        appender, clock = self._appender, self._clock
        checks = SendChecks(config, self.topics)
        answers = SendAnswers(config, store_config)
        half_messages = HalfMessages(appender, self.topics, host)
        self._transaction_checks = TransactionChecks(
            config, store_config, self.store, half_messages, self.offsets, self.topics, self.producers, self.address
        )
        return [
            SendProcessor(
                config, self.topics, self.groups, checks, appender, answers,
                Durability(store_config, self.store, self.stats, self.replication.slaves, clock), host, clock,
            ),
            ReplyProcessor(config, self.producers, checks, appender, answers, host, clock),
            SendBackProcessor(config, self.store, self.topics, self.groups, appender, self.stats, clock),
            PullProcessor(
                config, store_config, self.store,
                PullChecks(config, self.topics, self.groups, self.consumers, self.filters),
                self.offsets, self._waiters, OffsetMovedEvents(appender, config.broker_name, host),
                self._slow_groups, self.stats, clock,
            ),
            QueryProcessor(store_config, self.store), DelayProcessor(self._delayed),
            TransactionProcessor(store_config, self.store, half_messages, clock),
        ]  # fmt: skip

    def _other_processors(self) -> list[object]:
        config, store_config = self.settings.broker, self.settings.store
        store, topics, groups, stats = self.store, self.topics, self.groups, self.stats
        clock = self._clock
        runtime_info = RuntimeInfo(config, store_config, store, stats, self._delayed, clock)
        return [
            ClientProcessor(config, topics, groups, self.producers, self.consumers, self._peer_clock),
            ConnectionProcessor(self.producers, self.consumers),
            LockProcessor(self.queue_locks),
            OffsetProcessor(store, self.offsets),
            QueueProcessor(store, self.consumers, self.filters),
            TopicProcessor(
                config, store_config, store, topics, stats, self._namesrv_link, self._topics_file.wait_saved
            ),
            GroupProcessor(
                config, store_config, topics, groups, self.offsets, self.consumers, stats, self._groups_file.wait_saved
            ),
            ProgressProcessor(config, self.address, store, topics, groups, self.offsets, self.consumers, stats, clock),
            ConsumerProcessor(config, store, topics, self.offsets, self.consumers),
            BrokerProcessor(self.settings.live(clock()), store, topics, stats, runtime_info, self._namesrv_link, clock),
        ]

    def _register(self) -> None:
        if os.environ.get("ROCKETPY_STRICT") == "1" and (said := all_doubts(self.settings, self._ports.port)):
            raise ConfigError(said[0])
        if not self.settings.broker.namesrv_addr and not self._namesrv_link.asks_address_server:
            _log.warning("no name server is configured (namesrvAddr): clients cannot find this broker")
        self._namesrv_link.register_all()

    def _start_loops(self) -> None:
        """Java's schedule (BrokerController.initialize:352-431 and start:969-993)."""
        config = self.settings.broker
        link, delayed, checks, now = self._namesrv_link, self._delayed, self._transaction_checks, self._clock
        self._loops = loops = Loops(now)
        if self._accounts is not None:
            loops.every(WATCH_MS, self._accounts.watch)
        self._to_stop += [link.unregister, loops.stop, self.replication.stop]
        self.replication.start(self._ports.slaves(), loops)
        loops.every(
            lambda: min(max(config.register_name_server_period, 10_000), 60_000),
            lambda: link.register_all(force=config.force_register),
            first=10_000, remote=True,
        )
        loops.every(lambda: config.flush_consumer_offset_interval, self._save_offsets)
        loops.every(lambda: self.settings.store.flush_delay_offset_interval, self._save_delayed)
        loops.every(_TEN_SECONDS_MS, self._save_filters, first=10_000)
        loops.every(_TEN_SECONDS_MS, self._retry_files)
        if self.settings.store.broker_role is not BrokerRole.SLAVE:
            deliver = loops.every(lambda: delayed.pause, lambda: delayed.step(now()), first=FIRST_STEP_MS)
            deliver.next_event = delayed.next_due
            self._start_timer(loops)
            rounds = loops.every(lambda: checks.pause, lambda: checks.step(now()))
            rounds.next_event = lambda end: rounds.due if checks.has_work else None
        loops.every(_TEN_SECONDS_MS, self.producers.expire)
        loops.every(_TEN_SECONDS_MS, self.consumers.expire)
        loops.every(_HOUR_MS, self.queue_locks.expire)
        loops.every(STEP_MS, self._slow_groups.step)
        loops.every(lambda: sweep_interval(config), lambda: self._waiters.sweep(now()))
        start_sampling(self.stats, loops, now)
        if link.asks_address_server:
            refresh = partial(link.refresh_addresses, self.settings.properties)
            loops.every(_FETCH_ADDRESSES_MS, refresh, first=0, remote=True)
        loops.once(partial(log_doubts, self.settings, self._ports.port))

    def _start_timer(self, loops: Loops) -> None:
        files, settings = self._timer_files, self.settings
        if files is not None:
            self.topics.create_on_send_back(TIMER_TOPIC, 1, Perm.READ | Perm.WRITE)
            timed = TimedMessages(settings.timer, settings.store, self.store, files, self._appender)
            deliver = loops.every(lambda: timed.pause, lambda: timed.step(self._clock()), first=FIRST_STEP_MS)
            deliver.next_event = timed.next_due
        elif waiting := self.store.max_offset(TIMER_TOPIC, 0) - self.store.min_offset(TIMER_TOPIC, 0):
            _log.warning("timerWheelEnable is false: what waits of the %d messages in %s is not delivered",
                         waiting, TIMER_TOPIC)  # fmt: skip

    def _save_offsets(self) -> None:
        if self.offsets.dirty:
            self.offsets.dirty = False
            self._offsets_file.changed()

    def _save_delayed(self) -> None:
        if self._delayed.dirty:
            self._delayed.dirty = False
            self._delayed_file.changed()

    def _save_filters(self) -> None:
        if self.filters.step():
            self._filters_file.changed()

    def _retry_files(self) -> None:
        for file in self._files:
            file.retry()

