"""What brokerStatus shows: every key of GET_BROKER_RUNTIME_INFO, in Java's forms.

Exporters parse these texts field by field and lose all of them over one they cannot read, so each key is there, also
those that speak of Java's thread pools. (AdminBrokerProcessor.prepareRuntimeInfo:1436, StoreStatsService:455,
DefaultMessageStore.getRuntimeInfo:838)
"""

from __future__ import annotations

import os
import shutil

from rocketpy.broker.delay import DelayedMessages
from rocketpy.broker.stats import BrokerStats
from rocketpy.clock import Clock, now_ms
from rocketpy.config.broker import BrokerConfig
from rocketpy.config.store import StoreConfig
from rocketpy.protocol.fastjson import java_double
from rocketpy.protocol.java_hash import hash_map_order
from rocketpy.protocol.version import CURRENT_VERSION, version_name
from rocketpy.store.cleanup import disk_used_ratio
from rocketpy.store.message_store import MessageStore

_CAPACITY = 64  # of Java's HashMap
_NO_POOL = 0x7FFF_FFFF  # what Java says while transientStorePoolEnable is off


class RuntimeInfo:
    """Puts the figures together."""

    def __init__(
        self,
        config: BrokerConfig,
        store_config: StoreConfig,
        store: MessageStore,
        stats: BrokerStats,
        delayed: DelayedMessages,
        clock: Clock = now_ms,
    ) -> None:
        self._config = config
        self._store_config = store_config
        self._store = store
        self._stats = stats
        self._delayed = delayed
        self._clock = clock

    def table(self) -> dict[str, str]:
        """Every key and its text, in the order of Java's map."""
        figures = self._counted() | self._stored() | self._queued()
        figures["brokerVersionDesc"] = version_name(CURRENT_VERSION)
        figures["brokerVersion"] = str(CURRENT_VERSION)
        return {name: figures[name] for name in hash_map_order(figures, _CAPACITY)}

    def _counted(self) -> dict[str, str]:
        stats = self._stats
        puts = stats.put_times or 1  # Java's, too
        yesterday_put, today_put = stats.put_at_mornings
        yesterday_got, today_got = stats.got_at_mornings
        return {
            "bootTimestamp": str(stats.boot_timestamp),
            "runtime": format_runtime(self._clock() - stats.boot_timestamp),
            "putMessageEntireTimeMax": str(stats.put_time_max),
            "putMessageTimesTotal": str(puts),
            "putMessageFailedTimes": str(stats.put_failed),
            "putMessageSizeTotal": str(stats.put_size),
            "putMessageDistributeTime": stats.put_distribution() or "null",
            "putMessageAverageSize": java_double(stats.put_size / puts),
            "dispatchMaxBuffer": "0",
            "getMessageEntireTimeMax": str(stats.get_time_max),
            "putTps": stats.tps("put"),
            "getFoundTps": stats.tps("found"),
            "getMissTps": stats.tps("missed"),
            "getTotalTps": stats.total_get_tps(),
            "getTransferedTps": stats.tps("transferred"),
            "putLatency99": f"{stats.put_latency(0.99):.2f}",
            "putLatency999": f"{stats.put_latency(0.999):.2f}",
            "msgPutTotalYesterdayMorning": str(yesterday_put),
            "msgPutTotalTodayMorning": str(today_put),
            "msgPutTotalTodayNow": str(stats.put_times),
            "msgGetTotalYesterdayMorning": str(yesterday_got),
            "msgGetTotalTodayMorning": str(today_got),
            "msgGetTotalTodayNow": str(stats.get_transferred),
        }

    def _stored(self) -> dict[str, str]:
        config = self._store_config
        store, log = self._store, self._store.log
        root = config.store_path_root_dir
        pooled = config.transient_store_pool_enable
        figures = {
            "commitLogMinOffset": str(log.min_offset),
            "commitLogMaxOffset": str(log.max_offset),
            "dispatchBehindBytes": str(store.dispatch_behind_bytes()),
            "remainHowManyDataToFlush": human_readable(log.max_offset - store.flushed_offset),
            "earliestMessageTimeStamp": str(store.stats().earliest_time),
            "remainTransientStoreBufferNumbs": str(config.transient_store_pool_size if pooled else _NO_POOL),
            "pageCacheLockTimeMills": "0",
            "consumeQueueDiskRatio": java_double(disk_used_ratio(os.path.join(root, "consumequeue"))),
        }
        if pooled:
            figures["remainHowManyDataToCommit"] = human_readable(0)    # what is appended is in the file at once
        delayed = self._delayed.stats().items()
        figures |= {f"scheduleMessageOffset_{level}": f"{until},{end}" for level, (until, end) in delayed}
        ratios = {path: disk_used_ratio(path) for path in config.store_path_commit_log.strip().split(",")}
        figures |= {f"commitLogDiskRatio_{path}": java_double(ratio) for path, ratio in ratios.items()}
        figures["commitLogDiskRatio"] = java_double(min(ratios.values()))
        if os.path.exists(root):
            disk = shutil.disk_usage(root)
            total, free = human_readable(disk.total), human_readable(disk.free)
            figures["commitLogDirCapacity"] = f"Total : {total}, Free : {free}."
        return figures

    def _queued(self) -> dict[str, str]:
        """Requests never wait for a thread here: the queues are empty, their capacities what the keys say."""
        config = self._config
        return {
            "sendThreadPoolQueueSize": "0",
            "sendThreadPoolQueueCapacity": str(config.send_thread_pool_queue_capacity),
            "sendThreadPoolQueueHeadWaitTimeMills": "0",
            "pullThreadPoolQueueSize": "0",
            "pullThreadPoolQueueCapacity": str(config.pull_thread_pool_queue_capacity),
            "pullThreadPoolQueueHeadWaitTimeMills": "0",
            "queryThreadPoolQueueSize": "0",
            "queryThreadPoolQueueCapacity": str(config.query_thread_pool_queue_capacity),
            "queryThreadPoolQueueHeadWaitTimeMills": "0",
            "EndTransactionQueueSize": "0",
            "EndTransactionThreadPoolQueueCapacity": str(config.end_transaction_pool_queue_capacity),
            "startAcceptSendRequestTimeStamp": str(config.start_accept_send_request_time_stamp),
        }


def format_runtime(elapsed: int) -> str:
    """A time in ms as StoreStatsService.getFormatRuntime:274 has it."""
    minutes, seconds = divmod(elapsed // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"[ {days:,} days, {hours} hours, {minutes} minutes, {seconds} seconds ]"


def human_readable(size: int) -> str:
    """Bytes in binary units, as MixAll.humanReadableByteCount:445 has them."""
    if size < 1024:
        return f"{size} B"
    value = float(size)
    for unit in "KMGTPE":
        value /= 1024
        if value < 1024 or unit == "E":
            break
    return f"{value:.1f} {unit}iB"
