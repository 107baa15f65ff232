"""What `-c`, `-n`, `-p` and `-m` mean: the config objects of a server, loaded from its file and checked.

Mirrors the part of Java's BrokerStartup (:91-190) and NamesrvStartup (:62-118) that comes before the server starts.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field

from rocketpy.config.address import user_home
from rocketpy.config.advertised import AdvertisedConfig, InsideConfig
from rocketpy.config.broker import BrokerConfig
from rocketpy.config.key import Config
from rocketpy.config.live import LiveConfig
from rocketpy.config.namesrv import NamesrvConfig
from rocketpy.config.properties import load_properties
from rocketpy.config.remoting import RemotingClientConfig, ServerConfig
from rocketpy.config.store import BrokerRole, StoreConfig
from rocketpy.config.timer import TimerConfig
from rocketpy.config.tls import TlsConfig, process_tls
from rocketpy.errors import ConfigError

_log = logging.getLogger("rocketpy.config")
_SMALLEST_TIMER_LOG = 4096
_NOT_CONFIGS = frozenset({"rmqAddressServerDomain", "rmqAddressServerSubGroup"})
"""Keys of a broker's file that Java turns into system properties instead of config objects."""


def _broker_path() -> str:
    return f"{user_home()}/store/config/broker.properties"


@dataclass(slots=True)
class BrokerSettings:
    """The four config objects of a broker, those of what Java 4.9 has not, and the file they are kept in."""

    broker: BrokerConfig = field(default_factory=BrokerConfig)
    server: ServerConfig = field(default_factory=lambda: ServerConfig(listen_port=10911))
    client: RemotingClientConfig = field(default_factory=RemotingClientConfig)
    store: StoreConfig = field(default_factory=StoreConfig)
    timer: TimerConfig = field(default_factory=TimerConfig)
    advertised: AdvertisedConfig = field(default_factory=AdvertisedConfig)
    tls: TlsConfig = field(default_factory=process_tls)
    path: str = field(default_factory=_broker_path)
    properties: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.client.use_tls = self.client.use_tls or self.tls.speaks

    @property
    def configs(self) -> tuple[Config, ...]:
        """In the order in which `-p` prints them."""
        return self.broker, self.server, self.client, self.store

    def load(self, path: str) -> list[str]:
        """Takes over the file at `path` and returns the keys that nobody knows; ConfigError if it is unreadable."""
        self.path = path
        return self.take_over(load_properties(path), path)

    def take_over(self, properties: dict[str, str], source: str) -> list[str]:
        """The same with what such a file would say; `source` is named where a key is not known."""
        self.properties = properties
        unknown = _take_over(properties, (*self.configs, self.timer, self.advertised, self.tls), source)
        if "useTLS" not in properties:  # BrokerStartup.java:105
            self.client.use_tls = self.tls.speaks
        return unknown

    def settle(self) -> None:
        """Fixes what follows from other keys; ConfigError, with Java's text, for what cannot be started.

        A master's brokerId is 0; the HA port is the one after listenPort (any free one after 0), whatever
        haListenPort says.
        """
        _check_addresses(self.broker.namesrv_addr)
        self.advertised.settle(self.properties)
        _check_sizes(self.store, self.timer)
        if self.store.enable_dledger_commit_log:
            raise ConfigError("enableDLegerCommitLog=true: replication by DLedger is not available")
        if self.store.broker_role is not BrokerRole.SLAVE:
            self.broker.broker_id = 0
        elif self.broker.broker_id <= 0:
            raise ConfigError("Slave's brokerId must be > 0")
        self.store.ha_listen_port = self.server.listen_port and self.server.listen_port + 1

    def keep_below(self, directory: str) -> None:
        """Have everything written into `directory`, the store's root, and nowhere else."""
        self.store.store_path_root_dir = directory
        if self.store.store_path_commit_log != f"{directory}/commitlog":
            self.store.store_path_commit_log = f"{directory}/commitlog"
        self.store.read_only_commit_log_store_paths = None
        self.path = f"{directory}/config/broker.properties"

    def live(self, now: int) -> LiveConfig:
        """The configuration as GET_BROKER_CONFIG and UPDATE_BROKER_CONFIG treat it."""
        # Java AdminBrokerProcessor.initConfigBlackList:151-157
        black_list = ["brokerConfigPath", "rocketmqHome", "configBlackList", *self.broker.config_black_list.split(";")]
        live = LiveConfig(*self.configs, self.advertised, path=self.path, black_list=black_list, now=now)
        live.remember(self.properties)
        return live


@dataclass(slots=True)
class NamesrvSettings:
    """The two config objects of a name server, and one that Java has not; `namesrv.config_store_path` is their file."""

    namesrv: NamesrvConfig = field(default_factory=NamesrvConfig)
    server: ServerConfig = field(default_factory=lambda: ServerConfig(listen_port=9876))
    inside: InsideConfig = field(default_factory=InsideConfig)
    tls: TlsConfig = field(default_factory=process_tls)
    properties: dict[str, str] = field(default_factory=dict)

    @property
    def configs(self) -> tuple[Config, ...]:
        """In the order in which `-p` prints them."""
        return self.namesrv, self.server

    def load(self, path: str) -> list[str]:
        """Takes over the file at `path` and returns the keys that nobody knows; ConfigError if it is unreadable."""
        self.properties = load_properties(path)
        unknown = _take_over(self.properties, (*self.configs, self.inside, self.tls), path)
        self.namesrv.config_store_path = path
        return unknown

    def keep_below(self, directory: str) -> None:
        """Have everything written into `directory`, and nowhere else."""
        self.namesrv.kv_config_path = f"{directory}/kvConfig.json"
        self.namesrv.config_store_path = f"{directory}/namesrv.properties"

    def live(self, now: int) -> LiveConfig:
        """The configuration as GET_NAMESRV_CONFIG and UPDATE_NAMESRV_CONFIG treat it."""
        # Java DefaultRequestProcessor.initConfigBlackList:74-81
        black_list = ["configBlackList", "configStorePath", "kvConfigPath", "rocketmqHome"]
        black_list += self.namesrv.config_black_list.split(";")
        live = LiveConfig(*self.configs, path=self.namesrv.config_store_path, black_list=black_list, now=now)
        live.remember(self.properties)
        return live


def _take_over(properties: dict[str, str], configs: Iterable[Config], path: str) -> list[str]:
    unknown = set(properties) - _NOT_CONFIGS
    for config in configs:
        unknown &= set(config.update(properties))
    for name in (names := sorted(unknown)):
        _log.warning("%s: nobody knows the key %s", path, name)
    return names


def _check_sizes(store: StoreConfig, timer: TimerConfig) -> None:
    """Java starts with files of no size, and fails at the first message."""
    for name, size in (
        ("mappedFileSizeCommitLog", store.mapped_file_size_commit_log),
        ("mappedFileSizeConsumeQueue", store.mapped_file_size_consume_queue),
        ("maxHashSlotNum", store.max_hash_slot_num),
        ("maxIndexNum", store.max_index_num),
        ("timerMaxDelaySec", timer.timer_max_delay_sec),
        ("timerCongestNumEachSlot", timer.timer_congest_num_each_slot),
        ("timerFlushIntervalMs", timer.timer_flush_interval_ms),
    ):
        if size <= 0:
            raise ConfigError(f"{name}={size} must be greater than 0")
    if timer.mapped_file_size_timer_log < _SMALLEST_TIMER_LOG:
        raise ConfigError(
            f"mappedFileSizeTimerLog={timer.mapped_file_size_timer_log} must be at least {_SMALLEST_TIMER_LOG}"
        )


def _check_addresses(namesrv_addr: str | None) -> None:
    for address in (namesrv_addr or "").split(";"):
        port = address.rpartition(":")[2]
        if address and not (":" in address and port.isdecimal() and int(port) < 1 << 16):
            raise ConfigError(
                f"The Name Server Address[{namesrv_addr}] illegal, please set it as follows, "
                '"127.0.0.1:9876;192.168.0.1:9876"'
            )
