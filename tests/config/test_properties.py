import pytest

from rocketpy.config.properties import format_properties, load_properties, parse_properties
from rocketpy.errors import ConfigError

CASES = [
    (b"a=1", {"a": "1"}),
    (b"a:1", {"a": "1"}),
    (b"a 1", {"a": "1"}),
    (b"a\t1", {"a": "1"}),
    (b"a = 1 ", {"a": "1 "}),
    (b"  a  :  1", {"a": "1"}),
    (b"a==1", {"a": "=1"}),
    (b"a = = 1", {"a": "= 1"}),
    (b"a", {"a": ""}),
    (b"a=", {"a": ""}),
    (b"=1", {"": "1"}),
    (b"", {}),
    (b"# a=1\n! b=2\n  # c=3\nd=4", {"d": "4"}),
    (b"a=1#2", {"a": "1#2"}),
    (b"a=1\r\nb=2\rc=3\n\n", {"a": "1", "b": "2", "c": "3"}),
    (b"a=1\na=2", {"a": "2"}),
    (b"a=1\\\n   2", {"a": "12"}),
    (b"a=1\\\n# 2", {"a": "1# 2"}),
    (b"a=1\\\n\nb=2", {"a": "1", "b": "2"}),
    (b"a=1\\\\\nb=2", {"a": "1\\", "b": "2"}),
    (b"a=1\\", {"a": "1"}),
    (b"# a=1\\\nb=2", {"b": "2"}),
    (b"\\\n# a=1\nb=2", {"b": "2"}),
    (b"\\\n", {}),
    (rb"a\ b\=c\:d=1", {"a b=c:d": "1"}),
    (rb"a=\t\n\r\f\\\q", {"a": "\t\n\r\f\\q"}),
    (rb"a=\u4e2d\u6587", {"a": "中文"}),
    (rb"a=\uD83D\uDE00", {"a": "😀"}),
    (b"path=C:\\\\store", {"path": "C:\\store"}),
    ("a=é".encode("latin-1"), {"a": "é"}),
    ("a=é".encode(), {"a": "Ã©"}),
]


@pytest.mark.parametrize(("data", "properties"), CASES)
def test_read_as_java_reads(data, properties):
    assert parse_properties(data) == properties


@pytest.mark.parametrize("data", [rb"a=\u12", rb"a=\uzzzz", rb"\u=1", rb"a=\u"])
def test_malformed_escape_is_refused(data):
    with pytest.raises(ConfigError, match="uxxxx"):
        parse_properties(data)


def test_written_without_escapes():
    assert format_properties({"a": "1", "b": "x\\y"}) == "a=1\nb=x\\y\n"


def test_unreadable_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"broker\.conf: No such file"):
        load_properties(str(tmp_path / "broker.conf"))


def test_malformed_file_is_named(tmp_path):
    path = tmp_path / "broker.conf"
    path.write_bytes(rb"a=\u12")
    with pytest.raises(ConfigError, match=r"broker\.conf: Malformed"):
        load_properties(str(path))
