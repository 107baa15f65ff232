import pytest

from rocketpy.errors import ConfigError
from rocketpy.namesrv.kv import KVConfigTable
from rocketpy.protocol.java_hash import hash_map_order


@pytest.fixture
def path(tmp_path):
    return tmp_path / "namesrv" / "kvConfig.json"


@pytest.fixture
def table(path):
    return KVConfigTable(str(path))


def reloaded(table):
    table.save(table.content())
    other = KVConfigTable(table.path)
    other.load()
    return other


def test_value_is_kept(table):
    table.put("空间", "k", "值")
    assert table.get("空间", "k") == "值"
    assert reloaded(table).get("空间", "k") == "值"


def test_absent_is_none(table):
    assert table.get("n", "k") is None
    assert table.namespace("n") is None


def test_deleted_key_leaves_its_namespace(table):
    table.put("n", "k", "v")
    table.delete("n", "k")
    table.delete("other", "k")
    assert table.get("n", "k") is None
    assert table.namespace("n").to_json() == b'{"table":{}}'
    assert reloaded(table).namespace("n").table == {}


def test_key_without_a_value_does_not_reach_the_file(table):
    table.put("n", "k", None)
    assert table.namespace("n").to_json() == b'{"table":{}}'
    assert table.content() == b'{"configTable":{"n":{}}}'


def test_file_is_compact_and_in_the_order_of_java(table, path):
    names = [f"topic-{number}" for number in range(20)]
    for name in names:
        table.put("ORDER_TOPIC_CONFIG", name, "b:4")
    table.save(table.content())
    items = ",".join(f'"{name}":"b:4"' for name in hash_map_order(names))
    assert path.read_text() == f'{{"configTable":{{"ORDER_TOPIC_CONFIG":{{{items}}}}}}}'


def test_no_file_is_an_empty_table(table):
    table.load()
    assert table.content() == b'{"configTable":{}}'


def test_corrupt_file_falls_back_to_bak(table, path):
    table.put("n", "k", "old")
    table.save(table.content())
    table.put("n", "k", "new")
    table.save(table.content())
    path.write_text('{"configTable":{"n":')
    table.load()
    assert table.get("n", "k") == "old"


@pytest.mark.parametrize("content", ["[", "[]", '{"configTable":[]}', '{"configTable":{"n":"v"}}', "\x00\x01"])
def test_corrupt_file_alone_is_an_error(table, path, content):
    path.parent.mkdir()
    path.write_text(content)
    with pytest.raises(ConfigError, match=r"kvConfig\.json"):
        table.load()


def test_unwritable_file_is_logged_only(caplog):
    table = KVConfigTable("/dev/null/kvConfig.json")
    table.save(table.content())
    assert "cannot write /dev/null/kvConfig.json" in caplog.text
