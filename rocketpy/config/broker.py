"""The keys of Java's BrokerConfig (common/.../common/BrokerConfig.java:31-194)."""

from __future__ import annotations

import os

from rocketpy.config.address import host_name, local_address, processors
from rocketpy.config.key import Config, Long, key, keys


@keys
class BrokerConfig(Config):
    """What a broker is told by `-c`, next to its `StoreConfig`, `ServerConfig` and `RemotingClientConfig`."""

    rocketmq_home: str | None = key(lambda: os.environ.get("ROCKETMQ_HOME"), "the installation, $ROCKETMQ_HOME")
    namesrv_addr: str | None = key(
        lambda: os.environ.get("NAMESRV_ADDR"),
        "name servers, host:port separated by ';', $NAMESRV_ADDR",
        important=True,
    )
    broker_ip1: str | None = key(local_address, "the address that clients connect to", java="brokerIP1", important=True)
    broker_ip2: str | None = key(local_address, "the address that slaves replicate from", java="brokerIP2")
    broker_name: str = key(host_name, "shared by a master and its slaves", important=True)
    broker_cluster_name: str = key("DefaultCluster", "the cluster it belongs to", important=True)
    broker_id: Long = key(0, "0 is the master, others are its slaves", important=True)
    broker_permission: int = key(6, "4 read, 2 write, 6 both; takes the topics' place in routes when not 6")
    default_topic_queue_nums: int = key(8, "queues of TBW102, and so the most that an automatic topic gets")
    auto_create_topic_enable: bool = key(True, "create topics that producers send to", important=True)
    cluster_topic_enable: bool = key(True, "let topics be created after the pattern of the one named as the cluster")
    broker_topic_enable: bool = key(True, "let topics be created after the pattern of the one named as the broker")
    auto_create_subscription_group: bool = key(True, "create groups that consumers come with", important=True)
    message_store_plug_in: str = key("", "Java classes that wrap the store", moot=True)
    msg_trace_topic_name: str = key("RMQ_SYS_TRACE_TOPIC", "where clients send message traces", important=True)
    trace_topic_enable: bool = key(False, "create that topic at start", important=True)

    send_message_thread_pool_nums: int = key(lambda: min(processors(), 4), "threads for sends", moot=True)
    put_message_future_thread_pool_nums: int = key(lambda: min(processors(), 4), "threads that answer sends", moot=True)
    pull_message_thread_pool_nums: int = key(lambda: 16 + processors() * 2, "threads for pulls", moot=True)
    process_reply_message_thread_pool_nums: int = key(lambda: 16 + processors() * 2, "threads for replies", moot=True)
    query_message_thread_pool_nums: int = key(lambda: 8 + processors(), "threads for queries", moot=True)
    admin_broker_thread_pool_nums: int = key(16, "threads for administration", moot=True)
    client_manage_thread_pool_nums: int = key(32, "threads for clients", moot=True)
    consumer_manage_thread_pool_nums: int = key(32, "threads for offsets and groups", moot=True)
    heartbeat_thread_pool_nums: int = key(lambda: min(32, processors()), "threads for heartbeats", moot=True)
    end_transaction_thread_pool_nums: int = key(
        lambda: max(8 + processors() * 2, min(processors(), 4) * 4), "threads for the ends of transactions", moot=True
    )
    flush_consumer_offset_interval: int = key(5000, "ms between two writes of consumerOffset.json")
    flush_consumer_offset_history_interval: int = key(60_000, "ms; read by nothing in Java either", moot=True)

    reject_transaction_message: bool = key(False, "refuse half messages", important=True)
    fetch_namesrv_addr_by_address_server: bool = key(False, "ask an HTTP server for the name servers", important=True)
    send_thread_pool_queue_capacity: int = key(10_000, "sends that may wait for a thread", moot=True)
    put_thread_pool_queue_capacity: int = key(10_000, "stored sends that may wait for a thread", moot=True)
    pull_thread_pool_queue_capacity: int = key(100_000, "pulls that may wait for a thread", moot=True)
    reply_thread_pool_queue_capacity: int = key(10_000, "replies that may wait for a thread", moot=True)
    query_thread_pool_queue_capacity: int = key(20_000, "queries that may wait for a thread", moot=True)
    client_manager_thread_pool_queue_capacity: int = key(1_000_000, "client requests that may wait", moot=True)
    consumer_manager_thread_pool_queue_capacity: int = key(1_000_000, "offset requests that may wait", moot=True)
    heartbeat_thread_pool_queue_capacity: int = key(50_000, "heartbeats that may wait for a thread", moot=True)
    end_transaction_pool_queue_capacity: int = key(100_000, "ends of transactions that may wait", moot=True)
    filter_server_nums: int = key(0, "filter server processes to start (gone with class filters)", moot=True)

    long_polling_enable: bool = key(True, "let a pull wait for a message as long as the consumer asks")
    short_polling_time_mills: Long = key(1000, "ms that a pull waits when longPollingEnable is false")
    notify_consumer_ids_changed_enable: bool = key(True, "tell consumers when their group gains or loses a member")
    high_speed_mode: bool = key(False, "read by nothing in Java either", moot=True)
    commercial_enable: bool = key(True, "read by nothing in Java either", moot=True)
    commercial_timer_count: int = key(1, "read by nothing in Java either", moot=True)
    commercial_trans_count: int = key(1, "read by nothing in Java either", moot=True)
    commercial_big_count: int = key(1, "read by nothing in Java either", moot=True)
    commercial_base_count: int = key(1, "how often a message counts in Java's hooks", moot=True)
    transfer_msg_by_heap: bool = key(True, "answer pulls from memory; false answers found pulls in JSON, as Java does")
    max_delay_time: int = key(40, "read by nothing in Java either", moot=True)
    region_id: str = key("DefaultRegion", "MSG_REGION in the answers to sends")
    register_broker_timeout_mills: int = key(6000, "ms to wait for a name server's answer to a registration")
    slave_read_enable: bool = key(False, "suggest the slave to consumers that read from disk")
    disable_consume_if_consumer_read_slowly: bool = key(False, "disable groups that fall too far behind")
    consumer_fallbehind_threshold: Long = key(16 << 30, "bytes behind that are too far")

    broker_fast_failure_enable: bool = key(True, "refuse requests that waited too long for a thread", moot=True)
    wait_time_mills_in_send_queue: Long = key(200, "ms a send may wait", moot=True)
    wait_time_mills_in_pull_queue: Long = key(5000, "ms a pull may wait", moot=True)
    wait_time_mills_in_heartbeat_queue: Long = key(31_000, "ms a heartbeat may wait", moot=True)
    wait_time_mills_in_transaction_queue: Long = key(3000, "ms the end of a transaction may wait", moot=True)
    start_accept_send_request_time_stamp: Long = key(0, "ms since 1970 before which sends are refused")
    trace_on: bool = key(True, "TRACE_ON in the answers to sends")

    enable_calc_filter_bit_map: bool = key(False, "compute the bitmap of matching SQL filters when dispatching")
    expect_consumer_num_use_filter: int = key(32, "consumers with SQL filters that the bloom filter is sized for")
    max_error_rate_of_bloom_filter: int = key(20, "percent of false positives of the bloom filter, 1 to 100")
    filter_data_clean_time_span: Long = key(86_400_000, "ms that the filter of a gone consumer is kept")
    filter_support_retry: bool = key(False, "apply filters to retried messages too")
    enable_property_filter: bool = key(False, "let consumers filter by SQL")
    compressed_register: bool = key(False, "compress registrations")
    force_register: bool = key(True, "register every period even if no topic changed")
    register_name_server_period: int = key(30_000, "ms between two registrations, kept within 10 000 and 60 000")

    transaction_time_out: Long = key(6000, "ms before a half message is checked first", important=True)
    transaction_check_max: int = key(15, "checks before a half message is given up", important=True)
    transaction_check_interval: Long = key(60_000, "ms between two rounds of checks", important=True)
    acl_enable: bool = key(False, "ask for credentials (plain_acl.yml)", important=True)
    store_reply_message_enable: bool = key(True, "store the replies of request-reply")
    enable_detail_stat: bool = key(True, "keep statistics for each queue")
    auto_delete_unused_stats: bool = key(False, "drop the statistics of deleted topics and groups")
    isolate_log_enable: bool = key(False, "write logs into a directory of the broker's own", moot=True)
    config_black_list: str = key(
        "configBlackList;brokerConfigPath", "keys that UPDATE_BROKER_CONFIG refuses, separated by ';'"
    )
