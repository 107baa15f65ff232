"""Patterns of addresses, as RemoteAddressStrategyFactory of rocketmq-acl 4.9.8 understands them."""

from __future__ import annotations

import pytest

from rocketpy.broker.acl.addresses import matcher
from rocketpy.broker.acl.errors import AclError

ADDRESSES = (
    "127.0.0.1", "127.0.0.5", "127.0.3.9", "127.2.0.9", "1.2.3.4", "1050:0:0:0:5:600:300c:326b", "1050::5:600:300c:1",
    "::1", "0:0:0:0:0:0:0:1", "fe80::1:7", "::8",
)  # fmt: skip
REFUSED = "AclException: "
OUT_OF_RANGE = f"{REFUSED}RangeRemoteAddressStrategy netaddress examine scope Exception "

TABLE = [
    ("", "00000000000"),
    (" ", "00000000000"),
    ("*", "11111111111"),
    ("*.*.*.*", "11111111111"),
    ("127.0.0.1", "10000000000"),
    ("127.0.0.2", "00000000000"),
    ("127.0.0.{1,2,3}", "10000000000"),
    ("127.0.{0,1}.1", "AclException: Netaddress examine Exception netaddress is 127.0.{0"),
    ("127.0.0,127.0.0.1", "AclException: Netaddress examine Exception netaddress is 127.0.0"),
    ("127.0.0.1,127.0.0.5", "11000000000"),
    ("127.0.0.1,", "10000000000"),
    ("127.*.*.*", "11110000000"),
    ("127.0.*.*", "11100000000"),
    ("127.0.0.*", "11000000000"),
    ("127.0.0.1-9", "11000000000"),
    ("127.0.0.9-1", f"{OUT_OF_RANGE}start is 9 , end is 1"),
    ("127.0.0.-1", f"{OUT_OF_RANGE}value -1 "),
    ("127.0.1-20.*", "00100000000"),
    ("127.1-3.0.9", "00010000000"),
    ("256.0.0.*", "AclException: Netaddress examine scope Exception netaddress is 256.0.0.*"),
    ("127.0.0.1-256", f"{OUT_OF_RANGE}start is 1 , end is 256"),
    ("1.2.3", "AclException: Netaddress examine Exception netaddress is 1.2.3"),
    ("1.2.*", "AclException: Netaddress examine scope Exception netaddress is 1.2.*"),
    ("1050:0000:0000:0000:0005:0600:300c:326b", "00000100000"),
    ("1050::0005:0600:300c:326b", "00000100000"),
    ("1050::0005:0600:300c:{326b,1}", "00000110000"),
    ("::1", "00000001100"),
    ("fe80::1:*", "00000000010"),
    ("1050::0005:0600:300c:*", "00000110000"),
    ("1050::0005:0600:300c:1-400b", "00000110000"),
    ("1050::5:600:1-9999:*", "00000110000"),
    ("*:*:*:*:*:*:*:*", "11111111111"),
    ("1050::*:1", "AclException: Netaddress examine scope Exception netaddress is 1050::*:1"),
    ("1050::1-2:1", "AclException: Netaddress examine scope Exception netaddress is 1050::1-2:1"),
    ("fe80:*", "00000000010"),
    ("01.2.3.4", "AclException: Netaddress examine Exception netaddress is 01.2.3.4"),
    ("127.0.0.1 ", "AclException: Netaddress examine Exception netaddress is 127.0.0.1 "),
]
"""A pattern, and whether it matches each of the addresses, or what Java says of it."""


@pytest.mark.parametrize(("pattern", "result"), TABLE)
def test_pattern_means_what_it_means_in_java(pattern: str, result: str) -> None:
    if result.startswith(REFUSED):
        with pytest.raises(AclError) as caught:
            matcher(pattern)
        assert str(caught.value) == result.removeprefix(REFUSED)
    else:
        matches = matcher(pattern)
        assert "".join("1" if matches(address) else "0" for address in ADDRESSES) == result


@pytest.mark.parametrize("pattern", ["a.b.c.*", "*.0.0.1", "127.0.0.0-0", "::1-9", "127.0.0.1-x", "1050::x-2"])
def test_pattern_that_java_would_stumble_over_at_each_request_is_refused(pattern: str) -> None:
    with pytest.raises(AclError):
        matcher(pattern)


def test_address_in_brackets_is_the_same() -> None:
    assert matcher("::1")("[::1]")


def test_no_pattern_means_nobody() -> None:
    assert not matcher(None)("127.0.0.1")
