"""Which sub-commands there are, in the order of Java's help, and the module of each (MQAdminStartup.initCommand:160).

A module is imported when one of its commands is run, so that mqadmin starts at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Final

from rocketpy.admin.invocation import Command

MODULES: Final = {
    "updateTopic": "topic_config",
    "deleteTopic": "topic_config",
    "updateSubGroup": "group",
    "deleteSubGroup": "group",
    "updateBrokerConfig": "broker",
    "updateTopicPerm": "topic_config",
    "topicRoute": "topic",
    "topicStatus": "topic",
    "topicClusterList": "topic",
    "brokerStatus": "broker",
    "queryMsgById": "message",
    "queryMsgByKey": "message",
    "queryMsgByUniqueKey": "message",
    "queryMsgByOffset": "message",
    "queryMsgTraceById": "trace",
    "printMsg": "reading",
    "printMsgByQueue": "reading",
    "sendMsgStatus": "sending",
    "brokerConsumeStats": "broker",
    "producerConnection": "connection",
    "consumerConnection": "connection",
    "consumerProgress": "consumer",
    "consumerStatus": "consumer_status",
    "cloneGroupOffset": "offset",
    "producer": "connection",
    "clusterList": "cluster",
    "topicList": "topic",
    "updateKvConfig": "namesrv",
    "deleteKvConfig": "namesrv",
    "wipeWritePerm": "namesrv",
    "addWritePerm": "namesrv",
    "resetOffsetByTime": "offset",
    "skipAccumulatedMessage": "offset",
    "updateOrderConf": "topic_config",
    "cleanExpiredCQ": "cleaning",
    "deleteExpiredCommitLog": "cleaning",
    "cleanUnusedTopic": "cleaning",
    "startMonitoring": "monitoring",
    "statsAll": "stats",
    "allocateMQ": "topic_config",
    "checkMsgSendRT": "sending",
    "clusterRT": "sending",
    "getNamesrvConfig": "namesrv",
    "updateNamesrvConfig": "namesrv",
    "getBrokerConfig": "broker",
    "getConsumerConfig": "group",
    "queryCq": "queue",
    "sendMessage": "sending",
    "consumeMessage": "reading",
    "updateAclConfig": "acl",
    "deleteAclConfig": "acl",
    "clusterAclConfigVersion": "acl",
    "updateGlobalWhiteAddr": "acl",
    "exportMetadata": "exporting",
    "exportConfigs": "exporting",
    "exportMetrics": "metrics",
}
_ALIASES: Final = {"deleteaccessconfig": "deleteAclConfig"}


def find(name: str) -> Command | None:
    """The sub-command of that name or alias, in letters of either case (MQAdminStartup.findSubCommand:252)."""
    wanted = _ALIASES.get(name.lower(), name).lower()
    return next((_load(one) for one in MODULES if one.lower() == wanted), None)


def commands() -> Iterator[Command]:
    """All of them, for the overview."""
    return map(_load, MODULES)


def _load(name: str) -> Command:
    module = import_module(f"rocketpy.admin.commands.{MODULES[name]}")
    for found in vars(module).values():
        if isinstance(found, Command) and found.name == name:
            return found
    raise LookupError(f"{module.__name__} has no {name}")
