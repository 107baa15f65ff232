"""cleanExpiredCQ, cleanUnusedTopic and deleteExpiredCommitLog: have brokers clean up now (tools/command/broker)."""

from __future__ import annotations

from rocketpy.admin.clusters import by_id
from rocketpy.admin.invocation import Command, Invocation
from rocketpy.admin.options import Option
from rocketpy.protocol.api.broker import CleanExpiredConsumeQueue, DeleteExpiredCommitLog
from rocketpy.protocol.api.topic import CleanUnusedTopic
from rocketpy.protocol.header import Header

_BROKER = Option("b", "brokerAddr", "Broker address")
_CLUSTER = Option("c", "cluster", "clustername")


@Command("cleanExpiredCQ", "Clean expired ConsumeQueue on broker.", "CleanExpiredCQSubCommand", _BROKER, _CLUSTER)
def clean_expired_cq(run: Invocation) -> None:
    """ConsumeQueues whose messages are gone (CleanExpiredCQSubCommand.java:54)."""
    _clean(run, CleanExpiredConsumeQueue())


@Command(
    "deleteExpiredCommitLog",
    "Delete expired CommitLog files",
    "DeleteExpiredCommitLogSubCommand",
    Option("n", "namesrvAddr", "Name server address"),
    _BROKER,
    _CLUSTER,
    failure="DeleteExpiredCommitLogSubCommand command execute failed.",
)
def delete_expired_commit_log(run: Invocation) -> None:
    """CommitLog files that are old enough (DeleteExpiredCommitLogSubCommand.java:58)."""
    _clean(run, DeleteExpiredCommitLog())


@Command(
    "cleanUnusedTopic",
    "Clean unused topic on broker.",
    "CleanUnusedTopicCommand",
    _BROKER,
    Option("c", "cluster", "cluster name"),
)
def clean_unused_topic(run: Invocation) -> None:
    """Queues of topics that have no configuration (CleanUnusedTopicCommand.java:54)."""
    _clean(run, CleanUnusedTopic())


def _clean(run: Invocation, header: Header) -> None:
    """At one broker, at all of a cluster, or at all there are; Java prints `false` when there was none to ask."""
    addresses = [run.text("b")] if run.has("b") else _addresses(run, run.maybe("c"))
    for address in addresses:
        run.admin.ask(address, header)
    run.print("success" if addresses else "false")


def _addresses(run: Invocation, cluster: str | None) -> list[str]:
    info = run.admin.cluster_info()
    clusters = [info.cluster_addr_table.get(cluster, [])] if cluster else info.cluster_addr_table.values()
    brokers = [info.broker_addr_table[name] for names in clusters for name in names if name in info.broker_addr_table]
    return [address for data in brokers for address in by_id(data)]
