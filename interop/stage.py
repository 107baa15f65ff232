"""Where a scenario plays: a cluster, a client, and names that nobody else uses. All that it started ends with it."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from interop.cluster import Cluster
from interop.driver import Driver, DriverError
from interop.expect import becomes, equal
from interop.messages import Message, Pulled, Queue, Sent, Stored
from interop.raw_client import RawClient
from rocketpy.protocol.codes import RequestCode, ResponseCode

_numbers = itertools.count(1)


class NotApplicableError(Exception):
    """The scenario cannot be played on this cluster; the text says why."""


class Stage:
    """One scenario's cluster and client."""

    def __init__(self, cluster: Cluster, client: Driver) -> None:
        self.cluster = cluster
        self.client = client
        self._ends = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends.close()

    def ask(self, verb: str, **request: Any) -> Any:
        """Tell the client to do something with this cluster."""
        return self.client.ask(verb, namesrv=self.cluster.namesrv, **request)

    def unique(self, noun: str) -> str:
        """A name that starts with `noun` and that no other run has used."""
        return f"{noun}_{os.getpid()}_{next(_numbers)}_{time.time_ns() // 1000 % 10**9}"

    def topic(self, queues: int = 1, name: str | None = None) -> str:
        """A new topic with `queues` queues on one broker, routed by the name server; without a name any."""
        topic = name or self.unique("Topic")
        fields = {
            "topic": topic,
            "defaultTopic": "TBW102",
            "readQueueNums": str(queues),
            "writeQueueNums": str(queues),
            "perm": "6",
            "topicFilterType": "SINGLE_TAG",
            "topicSysFlag": "0",
            "order": "false",
        }
        with RawClient(self.cluster.broker) as broker:
            equal("creating a topic", broker.ask(RequestCode.UPDATE_AND_CREATE_TOPIC, fields).code, 0)
        self.wait_routed(topic)
        return topic

    def group(self) -> str:
        """A new consumer group whose retry topic is routed already, so that no client has to look for it."""
        group = self.unique("group")
        self.topic(name=f"%RETRY%{group}")
        return group

    def wait_routed(self, topic: str) -> None:
        """Until the name server knows `topic`."""
        with RawClient(self.cluster.namesrv) as namesrv:
            becomes(
                f"answer to the route of {topic}",
                lambda: namesrv.ask(RequestCode.GET_ROUTEINFO_BY_TOPIC, {"topic": topic}).code,
                int(ResponseCode.SUCCESS),
            )

    def wait_dispatched(self, queue: Queue, count: int) -> None:
        """Until `queue` has `count` messages: Java answers a send before the message is in its queue."""
        with RawClient(self.cluster.broker) as broker:
            fields = {"topic": queue.topic, "queueId": str(queue.id)}
            becomes(
                f"greatest offset of {queue}",
                lambda: (broker.ask(RequestCode.GET_MAX_OFFSET, fields).ext_fields or {}).get("offset"),
                str(count),
            )

    def wait_committed(self, group: str, queue: Queue, queue_offset: int) -> None:
        """Until the broker knows that `group` consumed `queue` up to `queue_offset`: clients commit one way."""
        with RawClient(self.cluster.broker) as broker:
            fields = {"consumerGroup": group, "topic": queue.topic, "queueId": str(queue.id)}
            becomes(
                f"offset of {group} in {queue}",
                lambda: (broker.ask(RequestCode.QUERY_CONSUMER_OFFSET, fields).ext_fields or {}).get("offset"),
                str(queue_offset),
            )

    def wait_noted(self, group: str, queue: Queue, queue_offset: int) -> None:
        """Until the only member of `group` has noted that it consumed `queue` up to `queue_offset`.

        It does so a moment after its listener returned, and commits no more than that when it stops.
        """
        with RawClient(self.cluster.broker) as broker:
            members = broker.ask_json(RequestCode.GET_CONSUMER_LIST_BY_GROUP, {"consumerGroup": group})
            (member,) = members["consumerIdList"]
            fields = {"consumerGroup": group, "clientId": member, "jstackEnable": "false"}

            def noted() -> object:
                table = broker.ask_json(RequestCode.GET_CONSUMER_RUNNING_INFO, fields)["mqTable"]
                return next((info["commitOffset"] for one, info in table.items() if _is(queue, one.value)), None)

            becomes(f"offset of {queue} in the member of {group}", noted, queue_offset)

    def broker_config(self) -> dict[str, str]:
        """The broker's configuration as it is now."""
        with RawClient(self.cluster.broker) as broker:
            lines = broker.ask(RequestCode.GET_BROKER_CONFIG).body.decode().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def configure(self, **keys: str) -> None:
        """Have the broker's configuration say so until the scenario ends.

        Raises NotApplicableError where it does not yet and the broker is somebody else's.
        """
        config = self.broker_config()
        usual = {name: config[name] for name, value in keys.items() if config[name] != value}
        if usual and self.cluster.broker_process is None:
            raise NotApplicableError(f"the broker is not ours, and not configured with {keys}")
        if usual:
            self._set_config({name: keys[name] for name in usual})
            self._ends.callback(self._set_config, usual)

    def _set_config(self, keys: dict[str, str]) -> None:
        body = "".join(f"{name}={value}\n" for name, value in keys.items())
        with RawClient(self.cluster.broker) as broker:
            equal("configuring", broker.ask(RequestCode.UPDATE_BROKER_CONFIG, None, body.encode()).code, 0)

    def producer(self, **options: bool | str) -> Producer:
        """A started producer of a group of its own; options: vip, namespace, trace, trace_topic."""
        group = self.unique("producer")
        self.ask("start_producer", group=group, **options)
        self._ends.callback(self.client.ask, "stop_producer", group=group)
        return Producer(self, group)

    def consumer(
        self,
        topic: str,
        *,
        group: str | None = None,
        name: str | None = None,
        expression: str = "*",
        **options: bool | int | str,
    ) -> Consumer:
        """A started consumer; `name` makes it the one that it was before.

        Options: lite, broadcast, orderly, vip, from_last, from_time (yyyyMMddHHmmss), sql, max_reconsume_times,
        unit_mode, namespace, trace, trace_topic.
        """
        name = name or self.unique("consumer")
        group = group or self.unique("group")
        self.ask("start_consumer", name=name, group=group, topic=topic, expression=expression, **options)
        consumer = Consumer(self, name, group)
        self._ends.callback(consumer.stop)
        return consumer

    def puller(self) -> Puller:
        """A started pull consumer of a group of its own."""
        group = self.unique("group")
        self.ask("start_puller", group=group)
        self._ends.callback(self.client.ask, "stop_puller", group=group)
        return Puller(self, group)

    def mqadmin(self, *arguments: str) -> str:
        """What the official mqadmin prints; it must not print a stack trace."""
        printed = self.client.ask("mqadmin", arguments=[*arguments, "-n", self.cluster.namesrv])
        equal(f"stderr of mqadmin {' '.join(arguments)}", printed["err"], "")
        return str(printed["out"])


def _is(queue: Queue, fields: Mapping[str, object]) -> bool:
    return (fields["topic"], fields["brokerName"], fields["queueId"]) == (queue.topic, queue.broker, queue.id)


class Producer:
    """A producer inside the client."""

    def __init__(self, stage: Stage, group: str) -> None:
        self._stage = stage
        self.group = group

    def ask(self, verb: str, **request: Any) -> Any:
        """Tell it to do something."""
        return self._stage.ask(verb, group=self.group, **request)

    def send(
        self,
        *messages: Message,
        how: str = "sync",
        queue: Queue | None = None,
        sharding_key: str | None = None,
    ) -> list[Sent]:
        """Send `how`: sync, async, oneway (nothing comes back) or batch (one result)."""
        request: dict[str, Any] = {"how": how, "messages": [message.to_json() for message in messages]}
        if queue is not None:
            request["queue"] = queue.to_json()
        if sharding_key is not None:
            request["sharding_key"] = sharding_key
        return [Sent.from_json(fields) for fields in self.ask("send", **request) if fields]

    def publish_queues(self, topic: str) -> list[Queue]:
        """The queues that the client would send to, in order: what it read from the route. None without a route."""
        try:
            return sorted(Queue(**one) for one in self.ask("publish_queues", topic=topic))
        except DriverError:
            return []


class Consumer:
    """A push or lite pull consumer inside the client."""

    def __init__(self, stage: Stage, name: str, group: str) -> None:
        self._stage = stage
        self.name = name
        self.group = group
        self._stopped = False

    def received(self, count: int, *, timeout: float = 50.0) -> list[Stored]:
        """All that it got so far, in the order of arrival, once that is `count` or `timeout` seconds have passed."""
        got = self._stage.client.ask("received", name=self.name, count=count, timeout=int(timeout * 1000))
        return [Stored.from_json(fields) for fields in got]

    def received_in_order(self, count: int) -> list[Stored]:
        """As `received`, by queue and offset: concurrent consumption has no order of its own."""
        return sorted(self.received(count), key=lambda stored: (stored.queue_id, stored.queue_offset))

    def assigned(self, topic: str) -> list[Queue]:
        """The queues of `topic` that it reads at the moment."""
        queues = [Queue(**fields) for fields in self._stage.client.ask("assigned", name=self.name)]
        return [queue for queue in queues if queue.topic == topic]

    def stop(self) -> None:
        """Shut it down; harmless when it is."""
        if not self._stopped:
            self._stopped = True
            self._stage.client.ask("stop_consumer", name=self.name)


class Puller:
    """A pull consumer inside the client."""

    def __init__(self, stage: Stage, group: str) -> None:
        self._stage = stage
        self.group = group

    def ask(self, verb: str, **request: Any) -> Any:
        """Tell it to do something."""
        return self._stage.ask(verb, group=self.group, **request)

    def pull(
        self,
        queue: Queue,
        queue_offset: int,
        *,
        count: int = 32,
        expression: str = "*",
        block: bool = False,
        sql: bool = False,
    ) -> Pulled:
        """One pull; with `block` the broker holds it until there is something, `sql` says what `expression` is."""
        fields = {"queue_offset": queue_offset, "count": count, "expression": expression, "block": block, "sql": sql}
        return Pulled.from_json(self.ask("pull", queue=queue.to_json(), **fields))

    def queues(self, topic: str) -> Sequence[Queue]:
        """The queues that it could read."""
        return [Queue(**fields) for fields in self.ask("subscribe_queues", topic=topic)]
