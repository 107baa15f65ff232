"""The keys of Java's NamesrvConfig (common/.../namesrv/NamesrvConfig.java:29-43)."""

from __future__ import annotations

import os

from rocketpy.config.address import user_home
from rocketpy.config.key import Config, key, keys


@keys
class NamesrvConfig(Config):
    """What a name server is told by `-c`, next to its `ServerConfig`."""

    rocketmq_home: str | None = key(lambda: os.environ.get("ROCKETMQ_HOME"), "the installation, $ROCKETMQ_HOME")
    kv_config_path: str = key(lambda: f"{user_home()}/namesrv/kvConfig.json", "the file that keeps the key-value table")
    config_store_path: str = key(
        lambda: f"{user_home()}/namesrv/namesrv.properties",
        "the file that UPDATE_NAMESRV_CONFIG rewrites; `-c` sets it",
    )
    product_env_name: str = key("center", "with clusterTest: the environment that is asked for unknown topics")
    cluster_test: bool = key(False, "ask the productEnvName environment for the routes of topics unknown here")
    order_message_enable: bool = key(False, "put the ORDER_TOPIC_CONFIG value of a topic into its route")
    config_black_list: str = key(
        "configBlackList;configStorePath;kvConfigPath", "keys that UPDATE_NAMESRV_CONFIG refuses, separated by ';'"
    )
