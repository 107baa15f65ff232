import os

from rocketpy.config import address
from rocketpy.config.address import choose_address, ipv4_addresses, ipv6_addresses

LOOPBACK = ("lo", "127.0.0.1")


def test_last_listed_interface_comes_first():
    assert choose_address([LOOPBACK, ("eth0", "10.0.0.5"), ("eth1", "10.0.0.6")], []) == "10.0.0.6"


def test_last_address_of_an_interface_comes_first():
    assert choose_address([LOOPBACK, ("eth0", "10.0.0.5"), ("eth0:1", "10.0.0.6")], []) == "10.0.0.6"


def test_private_192_168_is_a_second_choice():
    assert choose_address([("eth0", "10.0.0.5"), ("wlan0", "192.168.1.2")], []) == "10.0.0.5"


def test_only_192_168_gives_the_last_in_java_order():
    assert choose_address([("eth0", "192.168.1.1"), ("wlan0", "192.168.1.2")], []) == "192.168.1.1"


def test_ipv4_is_preferred():
    assert choose_address([("eth0", "10.0.0.5")], [("eth0", "fe80:0:0:0:0:0:0:1%eth0")]) == "10.0.0.5"


def test_ipv6_comes_in_brackets():
    assert choose_address([LOOPBACK], [("lo", "0:0:0:0:0:0:0:1%lo"), ("eth0", "fe80:0:0:0:0:0:0:1%eth0")]) == (
        "[fe80:0:0:0:0:0:0:1%eth0]"
    )


def test_loopback_alone_is_nothing():
    assert choose_address([LOOPBACK], [("lo", "0:0:0:0:0:0:0:1%lo")]) is None


def test_bridges_do_not_count(monkeypatch):
    monkeypatch.setattr(os.path, "exists", lambda path: path == "/sys/class/net/docker0/bridge")
    assert choose_address([("eth0", "10.0.0.5"), ("docker0", "172.17.0.1")], []) == "10.0.0.5"


def test_kernel_lists_the_loopback_interface():
    assert LOOPBACK in ipv4_addresses()


def test_ipv6_table_is_read_as_java_writes_it(tmp_path):
    table = tmp_path / "if_inet6"
    table.write_text(
        "00000000000000000000000000000001 01 80 10 80       lo\n20010db8000000000000000000abcdef 02 40 00 80 eth0\n"
    )
    assert ipv6_addresses(str(table)) == [("lo", "0:0:0:0:0:0:0:1%lo"), ("eth0", "2001:db8:0:0:0:0:ab:cdef%eth0")]


def test_no_ipv6_at_all(tmp_path):
    assert ipv6_addresses(str(tmp_path / "absent")) == []


def test_host_name_that_does_not_resolve(monkeypatch):
    def fail(*_):
        raise OSError("unknown host")

    monkeypatch.setattr(address.socket, "getaddrinfo", fail)
    assert address.host_name() == "DEFAULT_BROKER"


def test_home_is_the_one_of_the_user_database(monkeypatch):
    monkeypatch.setenv("HOME", "/elsewhere")
    assert address.user_home() != "/elsewhere"


def test_unknown_user_has_the_home_of_the_environment(monkeypatch):
    def fail(_):
        raise KeyError

    monkeypatch.setattr(address.pwd, "getpwuid", fail)
    monkeypatch.setenv("HOME", "/elsewhere")
    assert address.user_home() == "/elsewhere"
