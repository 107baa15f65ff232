"""A running cluster as a test sees it: it makes topics, looks at messages and groups, and waits for them."""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from secrets import token_hex
from threading import Lock
from types import TracebackType
from typing import Concatenate, ParamSpec, Self, TypeVar

from rocketpy.admin.errors import JavaError
from rocketpy.client.producer import Producer
from rocketpy.client.results import SendResult
from rocketpy.client.settings import ClientSettings
from rocketpy.protocol.api.group import SubscriptionGroupConfig, UpdateAndCreateSubscriptionGroup
from rocketpy.protocol.api.topic import UpdateAndCreateTopic
from rocketpy.protocol.flags import Perm, TopicFilterType
from rocketpy.protocol.header import Header
from rocketpy.protocol.message import Message, MessageExt
from rocketpy.protocol.topic_names import AUTO_CREATE_TOPIC, retry_topic
from rocketpy.remoting.app import NotRunning
from rocketpy.testing import waiting
from rocketpy.testing.errors import NoSuchTopic, Refused, WaitTimeout
from rocketpy.testing.inspector import Inspector, QueueProgress
from rocketpy.testing.servers import Elsewhere
from rocketpy.testing.words import QUEUES

P = ParamSpec("P")
T = TypeVar("T")

SENDER = "rocketpy-testing"
"""The producer group of what `send` sends."""


class Cluster:
    """Servers that run somewhere, Java's too; to be used by `with`, from any thread.

    A message is a `MessageExt`: `body`, `tags`, `keys`, `properties`, `msg_id`, `queue_id`, `queue_offset`,
    `reconsume_times`, `store_timestamp`. Methods raise `Refused` when a server refuses or cannot be reached, those that
    begin with `wait` a `WaitTimeout` (which is a TimeoutError) after `timeout` seconds, by default the attribute of
    that name; its text tells what there is instead.
    """

    timeout = 10.0
    """Seconds of real time; more for a slow machine."""

    def __init__(self, namesrv_address: str) -> None:
        """`namesrv_address` is "host:port"."""
        self._servers = Elsewhere(namesrv_address)
        self._producer: Producer | None = None
        self._making_producer = Lock()

    def start(self) -> None:
        """Get ready; `with` does it."""
        self._servers.open(here=ClientSettings(namesrv="").in_callers_hub)
        self._pid = os.getpid()
        atexit.register(self._stop_at_exit)

    def stop(self) -> None:
        """Let go of everything; harmless when not started."""
        atexit.unregister(self._stop_at_exit)
        try:
            if self._producer is not None:
                self._producer.stop()
                self._producer = None
        finally:
            self._servers.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _stop_at_exit(self) -> None:
        """If nobody has stopped it before the interpreter ends, which no event loop in a thread survives."""
        if self._pid == os.getpid():
            with suppress(Exception):
                self.stop()

    @property
    def namesrv_address(self) -> str:
        """What clients are given, "host:port"."""
        return self._servers.namesrv_address

    @property
    def broker_address(self) -> str:
        """Where the broker is, "host:port"; the first master where there are several. Clients find it themselves."""
        return next(iter(self._ask(Inspector.masters).values()))

    # -- making

    def create_topic(self, name: str | None = None, *, queues: int = QUEUES) -> str:
        """Make a topic with `queues` queues at each broker, or change it; its name, a new one if none is given.

        When it returns, clients that start find the topic. Those that run look for new ones every 30 s, as in Java.
        """
        name = _new("topic") if name is None else name
        self._ask(_everywhere, _topic(name, queues))
        return name

    def create_group(self, name: str | None = None, *, retry_max_times: int = 16) -> str:
        """Make a consumer group, and the topic of its retries; its name, a new one if none is given.

        Groups come into being by themselves. But a consumer that starts before there was a first retry finds that
        topic only half a minute later; made beforehand, retries reach it at once.
        """
        name = _new("group") if name is None else name
        config = SubscriptionGroupConfig(group_name=name, retry_max_times=retry_max_times)
        self._ask(_everywhere, UpdateAndCreateSubscriptionGroup(), config.to_json())
        self._ask(_everywhere, _topic(retry_topic(name), config.retry_queue_nums))
        return name

    def send(
        self,
        topic: str,
        *bodies: bytes | str,
        tags: str | None = None,
        keys: str | None = None,
        delay_level: int = 0,
        properties: Mapping[str, str] | None = None,
    ) -> list[SendResult]:
        """Send one message after the other, as some producer would; texts as UTF-8. Raises ClientError."""
        producer = self._sender()
        results = []
        for body in bodies:
            data = body.encode() if isinstance(body, str) else body
            message = Message(topic, data, tags=tags, keys=keys, properties=properties)
            if delay_level:
                message.delay_level = delay_level
            results.append(producer.send(message))
        return results

    # -- looking

    def topics(self) -> list[str]:
        """The names of all topics, RocketMQ's own included."""
        return self._ask(Inspector.topics)

    def messages(self, topic: str) -> list[MessageExt]:
        """All messages of a topic, in the order in which they were stored. Raises NoSuchTopic."""
        return self._ask(Inspector.messages, topic)

    def delayed(self, topic: str | None = None) -> list[MessageExt]:
        """Messages that wait for their delay level to be over, for `topic` or for any."""
        return self._ask(Inspector.delayed, topic)

    def half_messages(self) -> list[MessageExt]:
        """Messages of transactions that have neither been committed nor rolled back.

        A broker that was started elsewhere has no answer before its first round of checks, a minute after its start.
        """
        return self._ask(Inspector.half_messages)

    def lag(self, group: str, topic: str) -> int:
        """How many messages of a topic a group has yet to consume, all of them if it never did. Raises NoSuchTopic."""
        return sum(one.lag for one in self.progress(group, topic))

    def progress(self, group: str, topic: str) -> list[QueueProgress]:
        """How far a group is in each queue of a topic. Raises NoSuchTopic."""
        return self._ask(Inspector.progress, group, topic)

    def consumers(self, group: str) -> list[str]:
        """The client ids of the consumers of a group that are on line."""
        return self._ask(Inspector.consumers, group)

    def retries(self, group: str) -> list[MessageExt]:
        """Messages that a group failed to consume and gets again when the delay before the next try is over.

        `topic` is the one that they were sent to.
        """
        return self._ask(Inspector.retries, group)

    def dead_letters(self, group: str) -> list[MessageExt]:
        """Messages that a group failed to consume too often."""
        return self._ask(Inspector.dead_letters, group)

    # -- waiting

    def wait_for_messages(self, topic: str, count: int = 1, timeout: float | None = None) -> list[MessageExt]:
        """All messages of a topic, once there are `count` or more; the topic may be still to come."""
        return self._ask(waiting.for_messages, topic, count, self._patience(timeout))

    def wait_for_dead_letters(self, group: str, count: int = 1, timeout: float | None = None) -> list[MessageExt]:
        """What `dead_letters` gives, once that are `count` or more."""
        return self._ask(waiting.for_dead_letters, group, count, self._patience(timeout))

    def wait_for_retries(self, group: str, count: int = 1, timeout: float | None = None) -> list[MessageExt]:
        """What `retries` gives, once that are `count` or more."""
        return self._ask(waiting.for_retries, group, count, self._patience(timeout))

    def wait_for_consumers(self, group: str, count: int = 1, timeout: float | None = None) -> list[str]:
        """The client ids of a group, once `count` or more of its consumers are on line."""
        return self._ask(waiting.for_consumers, group, count, self._patience(timeout))

    def wait_until_consumed(self, group: str, topic: str, timeout: float | None = None) -> None:
        """Until a group has consumed all that is in a topic.

        What failed and is to come again counts as consumed here: see `retries` and `dead_letters`. A group whose
        consumers are all gone counts by what they told the broker.
        """
        self._ask(waiting.until_consumed, group, topic, self._patience(timeout))

    def wait_until(self, condition: Callable[[], T], timeout: float | None = None) -> T:
        """What `condition` gives, once that is true: for what has no words of its own here."""
        return waiting.until(condition, self._patience(timeout))

    # --

    def _sender(self) -> Producer:
        with self._making_producer:
            if self._producer is None:
                producer = Producer(SENDER, namesrv=self.namesrv_address)
                producer.start()
                self._producer = producer
            return self._producer

    def _patience(self, timeout: float | None) -> float:
        return self.timeout if timeout is None else timeout

    def _ask(self, question: Callable[Concatenate[Inspector, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        __tracebackhide__ = True    # of a failed test pytest shows what it asked, not how that is done
        inspector = self._servers.inspector
        if inspector is None:
            raise not_running(self)
        try:
            return self._servers.run(question, inspector, *args, **kwargs)
        except JavaError as error:
            raise Refused(error.summary) from error
        except (NoSuchTopic, WaitTimeout) as error:
            raise error.with_traceback(None) from None


def not_running(what: Cluster) -> NotRunning:
    """What is raised when something is asked of one that was not started."""
    return NotRunning(f"{type(what).__name__} is not running: use it by with")


def _everywhere(inspector: Inspector, header: Header, body: bytes = b"") -> None:
    """Ask it of every master."""
    for address in inspector.masters().values():
        inspector.admin.ask(address, header, body)


def _topic(name: str, queues: int) -> UpdateAndCreateTopic:
    return UpdateAndCreateTopic(
        topic=name, default_topic=AUTO_CREATE_TOPIC, read_queue_nums=queues, write_queue_nums=queues,
        perm=Perm.READ | Perm.WRITE, topic_filter_type=TopicFilterType.SINGLE_TAG, topic_sys_flag=0,
    )  # fmt: skip


def _new(noun: str) -> str:
    return f"{noun}-{token_hex(4)}"
