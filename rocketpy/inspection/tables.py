"""The tables below config/: whether they can be read, and what they say."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TypeVar

from rocketpy.errors import RocketpyError
from rocketpy.inspection.finding import Findings
from rocketpy.protocol.api.group import SubscriptionGroupWrapper
from rocketpy.protocol.api.offset import ConsumerOffsetSerializeWrapper, DelayOffsetSerializeWrapper
from rocketpy.protocol.api.topic import TopicConfigSerializeWrapper
from rocketpy.protocol.body import Body

B = TypeVar("B", bound=Body)


@dataclass(slots=True)
class Tables:
    """What is configured, and who is how far."""

    topics: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)
    offsets: dict[tuple[str, str, int], int] = field(default_factory=dict)
    """By group, topic and queue id: the number of the message that comes next."""
    delayed: dict[int, int] = field(default_factory=dict)
    """The same by delay level."""


def read_tables(root: str, findings: Findings) -> Tables:
    """The tables of the store at `root`."""
    tables = Tables()
    topics = _read(root, "topics.json", TopicConfigSerializeWrapper, findings)
    if topics is not None:
        tables.topics = set(topics.topic_config_table)
    groups = _read(root, "subscriptionGroup.json", SubscriptionGroupWrapper, findings)
    if groups is not None:
        tables.groups = set(groups.subscription_group_table)
    offsets = _read(root, "consumerOffset.json", ConsumerOffsetSerializeWrapper, findings)
    for key, queues in ({} if offsets is None else offsets.offset_table).items():
        topic, _, group = key.partition("@")
        tables.offsets.update({(group, topic, queue_id): number for queue_id, number in queues.items()})
    delayed = _read(root, "delayOffset.json", DelayOffsetSerializeWrapper, findings)
    if delayed is not None:
        tables.delayed = delayed.offset_table
    return tables


def _read(root: str, name: str, body: type[B], findings: Findings) -> B | None:
    """The table in a file, or in its .bak, where the broker looks as well (ConfigManager.load:30)."""
    unusable = False
    for place in (name, f"{name}.bak"):
        path = os.path.join("config", place)
        try:
            with open(os.path.join(root, path), "rb") as file:
                data = file.read()
            if data:
                return body.from_json(data)
            findings.note("table", path, None, "is empty")
        except FileNotFoundError:
            continue
        except (OSError, ValueError, RocketpyError) as error:
            unusable = True
            findings.damage("table", path, None, f"cannot be used: {' '.join(str(error).split())}")
    if unusable:
        text = f"neither it nor {name}.bak can be used: the broker refuses to start; remove both to begin without"
        findings.damage("table", os.path.join("config", name), None, text)
    return None
