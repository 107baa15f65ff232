"""The keys of Java's MessageStoreConfig (store/.../config/MessageStoreConfig.java:28-176)."""

from __future__ import annotations

from enum import StrEnum

from rocketpy.config.address import user_home
from rocketpy.config.key import Config, Long, key, keys

_CONSUME_QUEUE_UNIT = 20


class BrokerRole(StrEnum):
    """Whether the broker is a master that waits for its slave, one that does not, or a slave."""

    ASYNC_MASTER = "ASYNC_MASTER"
    SYNC_MASTER = "SYNC_MASTER"
    SLAVE = "SLAVE"


class FlushDiskType(StrEnum):
    """Whether a send is answered after its message is on disk or before."""

    SYNC_FLUSH = "SYNC_FLUSH"
    ASYNC_FLUSH = "ASYNC_FLUSH"


def _whole_units(_: StoreConfig, size: int) -> int:
    """The size of a ConsumeQueue file is a multiple of an entry's, rounded up."""
    return -(-size // _CONSUME_QUEUE_UNIT) * _CONSUME_QUEUE_UNIT


def _commit_log_path(config: StoreConfig, path: str | None) -> str:
    return f"{config.store_path_root_dir}/commitlog" if path is None else path


def _within_10_and_95(_: StoreConfig, percent: int) -> int:
    return min(max(percent, 10), 95)


def _asynchronous_master_only(config: StoreConfig, enabled: bool) -> bool:
    asynchronous = config.flush_disk_type is FlushDiskType.ASYNC_FLUSH
    return enabled and asynchronous and config.broker_role is not BrokerRole.SLAVE


@keys
class StoreConfig(Config):
    """How a broker stores messages. Sizes are bytes and intervals milliseconds where nothing else is said."""

    store_path_root_dir: str = key(lambda: f"{user_home()}/store", "the store directory", important=True)
    store_path_commit_log: str = key(
        None,
        "the CommitLog's directory; <storePathRootDir>/commitlog if not set",
        important=True,
        read=_commit_log_path,
    )
    store_path_dledger_commit_log: str | None = key(
        None, "the directory of DLedger's log", java="storePathDLedgerCommitLog", important=True, moot=True
    )
    read_only_commit_log_store_paths: str | None = key(None, "more CommitLog directories, only read, separated by ','")
    mapped_file_size_commit_log: int = key(1 << 30, "bytes of one CommitLog file")
    mapped_file_size_consume_queue: int = key(
        300_000 * _CONSUME_QUEUE_UNIT, "bytes of one ConsumeQueue file, rounded up to whole entries", read=_whole_units
    )
    enable_consume_queue_ext: bool = key(False, "keep filter bitmaps in ConsumeQueueExt files")
    mapped_file_size_consume_queue_ext: int = key(48 << 20, "bytes of one ConsumeQueueExt file")
    bit_map_length_consume_queue_ext: int = key(64, "bits of a filter bitmap")
    flush_interval_commit_log: int = key(500, "ms between two flushes of the CommitLog", important=True)
    commit_interval_commit_log: int = key(
        200, "ms between two commits of the transient pool", important=True, moot=True
    )
    use_reentrant_lock_when_put_message: bool = key(True, "the kind of lock around an append", moot=True)
    flush_commit_log_timed: bool = key(True, "flush at that interval, not when woken", important=True)
    flush_interval_consume_queue: int = key(1000, "ms between two flushes of the ConsumeQueues")
    clean_resource_interval: int = key(10_000, "ms between two looks for files to delete")
    delete_commit_log_files_interval: int = key(100, "ms between the deletions of two CommitLog files")
    delete_consume_queue_files_interval: int = key(
        100, "ms between the deletions of two ConsumeQueue files", moot=True
    )
    destroy_mapped_file_interval_forcibly: int = key(
        120_000,
        "ms after which a file in use is deleted all the same",
        java="destroyMapedFileIntervalForcibly",
        moot=True,
    )
    redelete_hanged_file_interval: int = key(120_000, "ms between two tries to delete a file that could not be")
    delete_when: str = key("04", "hours of the day to delete expired files in, separated by ';'", important=True)
    disk_max_used_space_ratio: int = key(
        75, "percent of the disk in use that starts deletion, kept within 10 and 95", read=_within_10_and_95
    )
    file_reserved_time: int = key(72, "hours that a file is kept", important=True)
    put_msg_index_high_water: int = key(
        600_000, "read by nothing in Java either", java="putMsgIndexHightWater", moot=True
    )
    max_message_size: int = key(4 << 20, "bytes of a message's body")
    check_crc_on_recover: bool = key(True, "check bodies when recovering", java="checkCRCOnRecover")
    flush_commit_log_least_pages: int = key(4, "dirty pages of 4 KiB that make a flush of the CommitLog worth while")
    commit_commit_log_least_pages: int = key(4, "pages that make a commit of the transient pool worth while", moot=True)
    flush_least_pages_when_warm_mapped_file: int = key(
        4096, "pages between two flushes while warming a file", java="flushLeastPagesWhenWarmMapedFile", moot=True
    )
    flush_consume_queue_least_pages: int = key(2, "dirty pages that make a flush of a ConsumeQueue worth while")
    flush_commit_log_thorough_interval: int = key(10_000, "ms after which a flush of the CommitLog takes every page")
    commit_commit_log_thorough_interval: int = key(200, "ms after which a commit takes every page", moot=True)
    flush_consume_queue_thorough_interval: int = key(60_000, "ms after which a flush of ConsumeQueues takes every page")
    max_transfer_bytes_on_message_in_memory: int = key(256 << 10, "most bytes of a pull from memory", important=True)
    max_transfer_count_on_message_in_memory: int = key(32, "most messages of a pull from memory", important=True)
    max_transfer_bytes_on_message_in_disk: int = key(64 << 10, "most bytes of a pull from disk", important=True)
    max_transfer_count_on_message_in_disk: int = key(8, "most messages of a pull from disk", important=True)
    access_message_in_memory_max_ratio: int = key(
        40, "percent of the machine's memory whose messages count as in memory", important=True
    )
    message_index_enable: bool = key(True, "index messages by their keys", important=True)
    max_hash_slot_num: int = key(5_000_000, "slots of an index file")
    max_index_num: int = key(20_000_000, "entries of an index file")
    max_msgs_num_batch: int = key(64, "most messages that a query by key finds")
    message_index_safe: bool = key(False, "recover from what the index files hold too", important=True)
    ha_listen_port: int = key(10912, "the port slaves connect to; at start it becomes listenPort + 1")
    ha_send_heartbeat_interval: int = key(5000, "ms of silence before master or slave send a heartbeat")
    ha_housekeeping_interval: int = key(20_000, "ms of silence before master or slave close the connection")
    ha_transfer_batch_size: int = key(32 << 10, "most bytes sent to a slave at once")
    ha_master_address: str | None = key(None, "the master's HA address if name servers are not to tell", important=True)
    ha_slave_fallbehind_max: int = key(256 << 20, "bytes that a slave may lag and still be waited for")
    broker_role: BrokerRole = key(BrokerRole.ASYNC_MASTER, "ASYNC_MASTER, SYNC_MASTER or SLAVE", important=True)
    flush_disk_type: FlushDiskType = key(
        FlushDiskType.ASYNC_FLUSH, "SYNC_FLUSH answers a send when it is on disk, ASYNC_FLUSH before", important=True
    )
    sync_flush_timeout: int = key(5000, "ms to wait for such a flush")
    slave_timeout: int = key(3000, "ms to wait for the slave")
    message_delay_level: str = key(
        "1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h", "what the delay levels from 1 on mean"
    )
    flush_delay_offset_interval: Long = key(10_000, "ms between two writes of delayOffset.json")
    clean_file_forcibly_enable: bool = key(True, "delete unexpired files when the disk runs full", important=True)
    warm_mapped_file_enable: bool = key(False, "touch every page of a new file", java="warmMapedFileEnable", moot=True)
    offset_check_in_slave: bool = key(False, "let a slave correct offsets that are out of range")
    debug_lock_enable: bool = key(False, "dump stacks when the lock is held long", moot=True)
    duplication_enable: bool = key(
        False, "dispatch only what is confirmed; in 4.9 nothing confirms, so that no message would arrive", moot=True
    )
    disk_fall_recorded: bool = key(True, "record how far consumers read behind the end")
    os_page_cache_busy_time_out_mills: Long = key(
        1000, "ms of one append after which others are refused; none can come in between here", moot=True
    )
    default_query_max_num: int = key(32, "most messages that a query by unique key finds")
    transient_store_pool_enable: bool = key(
        False, "write through a pool of buffers", important=True, moot=True, read=_asynchronous_master_only
    )
    transient_store_pool_size: int = key(5, "buffers of that pool", moot=True)
    fast_fail_if_no_buffer_in_store_pool: bool = key(False, "refuse sends when it is empty", moot=True)
    enable_dledger_commit_log: bool = key(False, "replicate by DLedger", java="enableDLegerCommitLog")
    dledger_group: str | None = key(None, "the name of the DLedger group", java="dLegerGroup")
    dledger_peers: str | None = key(None, "the members of the DLedger group", java="dLegerPeers")
    dledger_self_id: str | None = key(None, "this member of the DLedger group", java="dLegerSelfId")
    preferred_leader_id: str | None = key(None, "the member that should lead")
    enable_batch_push: bool = key(
        False,
        "push in batches; printed and saved as isEnableBatchPush",
        java="isEnableBatchPush",
        setter="enableBatchPush",
    )
    enable_schedule_message_stats: bool = key(True, "count delayed messages")
    enable_lmq: bool = key(False, "allow light queues (%LMQ%)")
    enable_multi_dispatch: bool = key(False, "dispatch a message to several light queues (INNER_MULTI_DISPATCH)")
    max_lmq_consume_queue_num: int = key(20_000, "most light queues")
    enable_schedule_async_deliver: bool = key(False, "deliver delayed messages without waiting for each", moot=True)
    schedule_async_deliver_max_pending_limit: int = key(2000, "most such deliveries under way", moot=True)
    schedule_async_deliver_max_resend_num2_blocked: int = key(3, "tries before such a delivery blocks", moot=True)
