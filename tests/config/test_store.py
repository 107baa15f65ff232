import pytest

from rocketpy.config.store import BrokerRole, FlushDiskType, StoreConfig


def test_consume_queue_file_holds_whole_entries():
    assert StoreConfig(mapped_file_size_consume_queue=41).mapped_file_size_consume_queue == 60
    assert StoreConfig().mapped_file_size_consume_queue == 6_000_000


def test_consume_queue_size_is_dumped_as_given():
    config = StoreConfig(mapped_file_size_consume_queue=41)
    assert config.dump()["mappedFileSizeConsumeQueue"] == "41"


def test_commit_log_lies_in_the_store_directory_unless_told():
    assert StoreConfig(store_path_root_dir="/data").store_path_commit_log == "/data/commitlog"
    assert StoreConfig(store_path_commit_log="/fast").store_path_commit_log == "/fast"
    assert "storePathCommitLog" not in StoreConfig().dump()


@pytest.mark.parametrize(("given", "kept"), [(1, 10), (75, 75), (99, 95)])
def test_disk_ratio_has_bounds(given, kept):
    assert StoreConfig(disk_max_used_space_ratio=given).disk_max_used_space_ratio == kept


@pytest.mark.parametrize(
    ("role", "flush", "enabled"),
    [
        (BrokerRole.ASYNC_MASTER, FlushDiskType.ASYNC_FLUSH, True),
        (BrokerRole.SLAVE, FlushDiskType.ASYNC_FLUSH, False),
        (BrokerRole.ASYNC_MASTER, FlushDiskType.SYNC_FLUSH, False),
    ],
)
def test_transient_pool_is_for_asynchronous_masters(role, flush, enabled):
    config = StoreConfig(transient_store_pool_enable=True, broker_role=role, flush_disk_type=flush)
    assert config.transient_store_pool_enable is enabled


def test_role_is_loaded_by_its_exact_name():
    config = StoreConfig()
    config.update({"brokerRole": "SLAVE", "flushDiskType": "sync_flush"})
    assert config.broker_role is BrokerRole.SLAVE
    assert config.flush_disk_type is FlushDiskType.ASYNC_FLUSH
