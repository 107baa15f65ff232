"""Patterns of addresses that need no signature (RemoteAddressStrategyFactory.java).

`*`, one address, several as `a,b`, `10.0.0.{1,2}` or `fe80::{1,2}`, and ranges as `10.0.*.*`, `10.0.0.1-9`, `fe80::1:*`
or `fe80::1-9`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address

from rocketpy.broker.acl.errors import AclError

Matcher = Callable[[str], bool]
"""Whether an address, without its port, is meant."""

_EVERY = frozenset({"*", "*.*.*.*", "*:*:*:*:*:*:*:*"})
_V6_GROUPS = 8
_V6_GROUP = 5  # characters with the colon


def matcher(pattern: str | None) -> Matcher:
    """What `pattern` means; nothing at all means no address. Raises AclError with Java's words."""
    if pattern is None or not pattern.strip():
        return lambda address: False
    if pattern in _EVERY:
        return lambda address: True
    if pattern.endswith("}"):
        return _several(_braced(pattern))
    if "," in pattern:
        return _several([part for part in pattern.split(",") if part])
    if "*" in pattern or "-" in pattern:
        return _v6_range(pattern) if ":" in pattern else _v4_range(pattern)
    return _several([pattern])


def _braced(pattern: str) -> list[str]:
    parts = [part for part in pattern.split(":" if ":" in pattern else ".") if part]
    if ":" not in pattern and len(parts) < 4:
        raise AclError("MultipleRemoteAddressStrategy has got a/some wrong format IP(s) ")
    if not parts[-1].startswith("{"):
        raise AclError("MultipleRemoteAddressStrategy netaddress examine scope Exception netaddress")
    head = pattern[: pattern.index("{")]
    return [head + last for last in parts[-1][1:-1].split(",") if last]


def _several(addresses: list[str]) -> Matcher:
    meant = set()
    for address in addresses:
        parsed = _parsed(address)
        if parsed is None:
            raise AclError(f"Netaddress examine Exception netaddress is {address}")
        meant.add(parsed)
    return lambda address: _parsed(address) in meant


def _v4_range(pattern: str) -> Matcher:
    """By the first part but the first that is `*` or a range; what comes after it is not looked at."""
    parts = [part.strip() for part in pattern.split(".") if part]
    if len(parts) != 4:
        raise AclError(f"Netaddress examine scope Exception netaddress is {pattern}")
    for index in (1, 2, 3):
        if (scope := _scope(parts[index], 10, 255)) is not None:
            break
    else:
        raise AclError(f"Netaddress examine scope Exception netaddress is {pattern}")
    if not all(part.isdecimal() and int(part) <= 255 for part in parts[: index - 1]):
        raise AclError(f"Netaddress examine scope Exception netaddress is {pattern}")
    head = "".join(f"{part}." for part in parts[:index])
    start, end = scope

    def match(address: str) -> bool:
        return (
            isinstance(_parsed(address), IPv4Address)
            and address.startswith(head)
            and start <= int(address.split(".")[index]) <= end
        )

    return match


def _v6_range(pattern: str) -> Matcher:
    """A range in the last group but for `*`, which may follow it as the very last."""
    _check_v6_range(pattern)
    groups = [group for group in pattern.split(":") if group]
    for group in groups[1:]:
        if (scope := _scope(group.strip(), 16, 0xFFFF)) is not None:
            break
    else:
        raise AclError(f"Netaddress examine scope Exception netaddress is {pattern}")
    after = ("*" in pattern) + ("-" in pattern)
    head = _expanded(pattern.rsplit(":", after)[0], _V6_GROUPS - after)
    at = _V6_GROUP * (head.count(":") + 1)
    start, end = scope

    def match(address: str) -> bool:
        parsed = _parsed(address)
        if not isinstance(parsed, IPv6Address):
            return False
        text = parsed.exploded.upper()
        return text.startswith(head) and start <= int(text[at : at + 4] or "0", 16) <= end

    return match


def _check_v6_range(pattern: str) -> None:
    """AclUtils.IPv6AddressCheck:76."""
    star, minus = pattern.find("*"), pattern.find("-")
    last = pattern.rfind(":")
    before = last if star < 0 else pattern.rfind(":", 0, max(last, 0))
    if -1 < star != len(pattern) - 1 or -1 < minus <= before:
        raise AclError(f"Netaddress examine scope Exception netaddress is {pattern}")


def _scope(part: str, base: int, largest: int) -> tuple[int, int] | None:
    """The numbers that a part stands for; None if it is one number."""
    if part == "*":
        return 0, largest
    if "-" not in part:
        return None
    if part.startswith("-"):
        raise AclError(f"RangeRemoteAddressStrategy netaddress examine scope Exception value {part} ")
    try:
        start, end = (int(text, base) for text in part.split("-")[:2])
    except ValueError as error:
        raise AclError(f"RangeRemoteAddressStrategy netaddress examine scope Exception value {part} ") from error
    if not 0 <= start <= end <= largest:
        raise AclError(
            f"RangeRemoteAddressStrategy netaddress examine scope Exception start is {start} , end is {end}"
        )
    return (start, end) if end else None


def _expanded(address: str, groups: int) -> str:
    """The groups of a part of an address, each with its four digits (AclUtils.expandIP:222)."""
    address = address.upper()
    missing = groups - address.count(":")
    if missing > 0:
        address = address.replace("::", ":" + ":" * missing)
    return ":".join(group.rjust(4, "0") for group in address.split(":"))


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(re.sub(r"[\[\]]", "", address))
    except ValueError:
        return None
