"""The HTTP server that knows the name servers' addresses, for those who are not told them (TopAddressing.java)."""

from __future__ import annotations

from rocketpy.errors import RemotingError

DOMAIN = "jmenv.tbsite.net"
"""Where Java asks unless rocketmq.namesrv.domain, or rmqAddressServerDomain in a broker's file, says otherwise."""
SUBGROUP = "nsaddr"
_TIMEOUT = 3.0


def fetch_namesrv_addr(domain: str = DOMAIN, subgroup: str = SUBGROUP, unit: str = "") -> str:
    """The addresses, "host:port" separated by ';', that the address server gives for `unit`.

    `domain` may also be a whole URL, which clients in other languages are given; then `subgroup` is not used. Blocks
    for up to 3 s: call it in a thread pool. Raises RemotingError that names the URL.
    """
    from http.client import HTTPException  # here, since few ask and the import takes 30 ms of every start
    from urllib.request import urlopen

    host = domain if ":" in domain else f"{domain}:8080"
    url = domain if "://" in domain else f"http://{host}/rocketmq/{subgroup}"
    url += f"-{unit}?nofix=1" if unit.strip() else ""
    try:
        with urlopen(url, timeout=_TIMEOUT) as answer:
            lines = answer.read().decode().strip().splitlines()
    except (OSError, HTTPException, ValueError) as error:
        raise RemotingError(f"no name server addresses from {url}: {error}") from error
    return lines[0] if lines else ""
