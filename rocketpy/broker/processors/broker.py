"""The broker itself, for administrators: configuration, figures, upkeep (AdminBrokerProcessor.java)."""

from __future__ import annotations

import logging

import gevent
from gevent.lock import BoundedSemaphore

from rocketpy.broker.namesrv_link import NamesrvLink
from rocketpy.broker.runtime_info import RuntimeInfo
from rocketpy.broker.stats import BrokerStats
from rocketpy.broker.topics import TopicTable
from rocketpy.broker.traffic import Rate
from rocketpy.clock import Clock, now_ms
from rocketpy.config.live import LiveConfig
from rocketpy.errors import ReplyError
from rocketpy.protocol.api import broker as api
from rocketpy.protocol.api.kv import KVTable
from rocketpy.protocol.api.stats import BrokerStatsData, BrokerStatsItem, GetBrokerRuntimeInfo, ViewBrokerStatsData
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.command import Command, Reply
from rocketpy.remoting.connection import Connection
from rocketpy.remoting.router import handles
from rocketpy.store.message_store import MessageStore

_log = logging.getLogger("rocketpy.broker")


class BrokerProcessor:
    """Shows and changes the configuration, tells what the broker counts."""

    def __init__(
        self,
        live: LiveConfig,
        store: MessageStore,
        topics: TopicTable,
        stats: BrokerStats,
        runtime_info: RuntimeInfo,
        namesrv_link: NamesrvLink,
        clock: Clock = now_ms,
    ) -> None:
        self._live = live
        self._store = store
        self._topics = topics
        self._stats = stats
        self._runtime_info = runtime_info
        self._namesrv_link = namesrv_link
        self._clock = clock
        self._writing = BoundedSemaphore()

    @handles(api.UpdateBrokerConfig, spawn=True)
    def update_config(self, peer: Connection, request: api.UpdateBrokerConfig, command: Command) -> Reply:
        """Change keys and rewrite the file; a new brokerPermission is told to the name servers (:511).

        So is a new advertisedAddr, which Java has not.
        """
        _log.info("%s changes the configuration", peer.remote_address)
        if command.body:
            changed = self._live.update(command.body, self._clock())
            with self._writing:
                gevent.get_hub().threadpool.apply(self._live.save, (self._live.text(),))
            if "brokerPermission" in changed:
                self._topics.next_version()
            if not changed.keys().isdisjoint(("brokerPermission", "advertisedAddr")):
                self._namesrv_link.register_all()
        return Reply()

    @handles(api.GetBrokerConfig)
    def get_config(self, peer: Connection, request: api.GetBrokerConfig, command: Command) -> Reply:
        """Every key, as properties, and how often it was changed."""
        header = api.GetBrokerConfigReply(version=self._live.version)
        return Reply(header=header, body=self._live.text().encode())

    @handles(GetBrokerRuntimeInfo)
    def get_runtime_info(self, peer: Connection, request: GetBrokerRuntimeInfo, command: Command) -> Reply:
        """What brokerStatus shows."""
        return Reply(body=KVTable(table=self._runtime_info.table()).to_json())

    @handles(ViewBrokerStatsData)
    def view_stats(self, peer: Connection, request: ViewBrokerStatsData, command: Command) -> Reply:
        """One statistic over a minute, an hour and a day (ViewBrokerStatsData:1290)."""
        rates = self._stats.rates(request.stats_name, request.stats_key)
        if rates is None:
            raise ReplyError(
                ResponseCode.SYSTEM_ERROR, f"The stats <{request.stats_name}> <{request.stats_key}> not exist"
            )
        minute, hour, day = map(_item, rates)
        return Reply(body=BrokerStatsData(stats_minute=minute, stats_hour=hour, stats_day=day).to_json())

    @handles(api.CleanExpiredConsumeQueue)
    def clean_expired(self, peer: Connection, request: api.CleanExpiredConsumeQueue, command: Command) -> Reply:
        """Delete queues whose messages have all expired (cleanExpiredConsumeQueue:1162)."""
        _log.info("%d expired queues are deleted", self._store.delete_expired_queues())
        return Reply()

    @handles(api.DeleteExpiredCommitLog)
    def delete_expired(self, peer: Connection, request: api.DeleteExpiredCommitLog, command: Command) -> Reply:
        """Delete files that have expired, whatever the hour (deleteExpiredCommitLog:1160)."""
        self._store.cleanup.delete_now()
        return Reply()


def _item(rate: Rate) -> BrokerStatsItem:
    return BrokerStatsItem(sum=rate.sum, tps=rate.tps, avgpt=rate.average)
