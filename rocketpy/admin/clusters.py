"""The brokers of a cluster by address, as commands with -c go through them (CommandUtil.java)."""

from __future__ import annotations

from rocketpy.admin.errors import JavaError, null_pointer
from rocketpy.admin.invocation import Invocation
from rocketpy.protocol.api.route import BrokerData
from rocketpy.protocol.java_hash import hash_map_order

_ADVICE = "Make sure the specified clusterName exists or the name server connected to is correct."


def masters(run: Invocation, cluster: str) -> list[str]:
    """The masters (fetchMasterAddrByClusterName:77); prints a complaint if there is no such cluster."""
    return hash_map_order(data.broker_addrs[0] for data in _brokers(run, cluster) if 0 in data.broker_addrs)


def members(run: Invocation, cluster: str) -> list[str]:
    """Masters and slaves (fetchMasterAndSlaveAddrByClusterName:103); complains likewise."""
    return hash_map_order(one for data in _brokers(run, cluster) for one in by_id(data))


def slaves_by_master(run: Invocation, cluster: str) -> dict[str, list[str]]:
    """Each master and its slaves (fetchMasterAndSlaveDistinguish:41); complains likewise."""
    table = {
        data.broker_addrs[0]: [address for number, address in sorted(data.broker_addrs.items()) if number != 0]
        for data in _brokers(run, cluster)
        if 0 in data.broker_addrs
    }
    return {master: table[master] for master in hash_map_order(table, 4)}


def broker_names(run: Invocation, cluster: str) -> list[str]:
    """The names of its brokers (fetchBrokerNameByClusterName:125)."""
    names = run.admin.cluster_info().cluster_addr_table.get(cluster)
    if names is None:
        raise null_pointer()
    return names


def broker_name_at(run: Invocation, address: str) -> str:
    """The name of the broker at `address` (fetchBrokerNameByAddr:136)."""
    for name, data in run.admin.cluster_info().broker_addr_table.items():
        if address in data.broker_addrs.values():
            return name
    raise JavaError("java.lang.Exception", _ADVICE)


def by_id(data: BrokerData) -> list[str]:
    """A broker's addresses, the master's first."""
    return [data.broker_addrs[number] for number in sorted(data.broker_addrs)]


def _brokers(run: Invocation, cluster: str) -> list[BrokerData]:
    info = run.admin.cluster_info()
    names = info.cluster_addr_table.get(cluster)
    if names is None:
        run.complain("[error] %s", _ADVICE)
        return []
    return [info.broker_addr_table[name] for name in names if name in info.broker_addr_table]
