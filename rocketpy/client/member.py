"""What producers and consumers have in common: starting, stopping, and questions about topics and messages.

These are the faces that plain threads and greenlets use; each call is handed to the instance's hub.
"""

from __future__ import annotations

import atexit
import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from enum import StrEnum
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

from rocketpy.client.checks import check_group
from rocketpy.client.errors import ClientError, NotRunning, see_faq
from rocketpy.client.instance import Instance, attach, detach, forget_instances
from rocketpy.client.messages import ReceivedMessage
from rocketpy.client.namespace import with_namespace
from rocketpy.client.queries import Queries
from rocketpy.client.results import QueryResult
from rocketpy.client.settings import ClientOptions, ClientSettings
from rocketpy.protocol.api.route import MessageQueue
from rocketpy.remoting import app

P = ParamSpec("P")
T = TypeVar("T")


class State(StrEnum):
    """Where a member is in its life (ServiceState.java:22)."""

    CREATE_JUST = "CREATE_JUST"
    RUNNING = "RUNNING"
    SHUTDOWN_ALREADY = "SHUTDOWN_ALREADY"


class Member(ABC):
    """A producer or a consumer of a group.

    It is started and stopped once, by `start` and `stop` or by `with`. Its methods may be called from any thread and
    from greenlets, of which they block only the caller; in a program that gevent has patched the client runs among the
    program's own greenlets.
    """

    _kind = "producer"
    _default_group = "DEFAULT_PRODUCER"
    _streams = False
    """Whether its requests say that they are of a stream."""
    _forked = False

    def __init__(self, group: str, settings: ClientSettings) -> None:
        """Raises ClientError for a group that cannot be one."""
        check_group(group)
        if group == self._default_group:
            raise ClientError(f"{self._kind}Group can not equal {group}, please specify another one.")
        self.settings = settings
        self.group = with_namespace(settings.namespace, group)
        self._instance: Instance | None = None
        self._state = State.CREATE_JUST

    @property
    def client_id(self) -> str:
        """What the brokers know this client by. Raises ClientError when it is not running."""
        return self._running().client_id

    @property
    def is_running(self) -> bool:
        """Whether it is started, and not stopped yet."""
        return self._state == State.RUNNING

    def start(self) -> None:
        """Connect. Raises ClientError when it was started before, or the group is taken in this process."""
        self._check_process()
        if self._state != State.CREATE_JUST:
            what = "producer" if self._kind == "producer" else type(self).__name__
            raise ClientError(
                f"The {what} service state not OK, maybe started once, {self._state}{see_faq()}"
            )
        instance = attach(self.settings, unique=self._unique(), streams=self._streams)
        self._instance, self._state = instance, State.RUNNING  # a listener may be called before this returns
        try:
            instance.run(self._enter, instance)
        except BaseException:
            self._instance, self._state = None, State.CREATE_JUST
            detach(instance)
            raise
        _running.add(self)

    def stop(self) -> None:
        """Finish what is under way, within a send's time-out, and disconnect; harmless when it is not running."""
        instance = self._instance
        if instance is None or self._state != State.RUNNING:
            return
        self._state = State.SHUTDOWN_ALREADY
        _running.discard(self)
        try:
            instance.run(self._leave, instance)
        finally:
            detach(instance)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # -- questions (MQAdmin.java)

    def create_topic(self, name: str, queues: int = 4, *, key: str = "TBW102") -> None:
        """Make a topic with `queues` queues at each master that has the topic `key`. Raises ClientError."""
        self._run(self._queries().create_topic, key, name, queues)

    def publish_queues(self, topic: str) -> list[MessageQueue]:
        """The queues of `topic` that may be sent to. Raises ClientError where there are none."""
        return self._run(self._queries().publish_queues, topic)

    def subscribe_queues(self, topic: str) -> list[MessageQueue]:
        """The queues of `topic` that may be read. Raises ClientError where there are none."""
        return self._run(self._queries().subscribe_queues, topic)

    def max_offset(self, queue: MessageQueue) -> int:
        """The offset that the next message of `queue` gets."""
        return self._run(self._queries().max_offset, queue)

    def min_offset(self, queue: MessageQueue) -> int:
        """The offset of the oldest message of `queue`."""
        return self._run(self._queries().min_offset, queue)

    def offset_for_timestamp(self, queue: MessageQueue, timestamp: int) -> int:
        """The offset of the message of `queue` that was stored at `timestamp` ms, or nearest to it."""
        return self._run(self._queries().offset_for_timestamp, queue, timestamp)

    def earliest_store_time(self, queue: MessageQueue) -> int:
        """When the oldest message of `queue` was stored, in ms; -1 if there is none."""
        return self._run(self._queries().earliest_store_time, queue)

    def view_message(self, msg_id: str, topic: str | None = None) -> ReceivedMessage:
        """One message by its offset id, or by its unique id and topic. Raises ClientError if there is none."""
        return self._run(self._queries().view, msg_id, topic)

    def query_messages(
        self, topic: str, key: str, *, max_count: int = 32, begin: int = 0, end: int = (1 << 63) - 1
    ) -> QueryResult:
        """Messages of `topic` that have `key` among their keys, stored between two times in ms.

        Raises ClientError if there is none.
        """
        return self._run(self._queries().query, topic, key, most=max_count, begin=begin, end=end)

    # -- for subclasses

    @abstractmethod
    def _enter(self, instance: Instance) -> None:
        """Start in the instance's hub; raise and leave nothing behind, or be its member."""

    @abstractmethod
    def _leave(self, instance: Instance) -> None:
        """Stop in the instance's hub."""

    def _unique(self) -> bool:
        """Whether an instance without a name gets one of its own."""
        return True

    def _check_process(self) -> None:
        if self._forked:
            raise NotRunning(f"{self.group} was started before this process was forked: make a new client here")

    def _running(self) -> Instance:
        self._check_process()
        if self._instance is None or self._state != State.RUNNING:
            what = "The producer service state not OK" if self._kind == "producer" else "The consumer not running"
            raise NotRunning(f"{what}, {self._state}{see_faq()}")
        return self._instance

    def _queries(self) -> Queries:
        return Queries(self._running())

    def _run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return self._running().run(function, *args, **kwargs)
        except app.NotRunning as error:
            raise NotRunning(f"{self.group} was stopped meanwhile") from error

    def _begin(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        try:
            return self._running().begin(function, *args, **kwargs)
        except app.NotRunning as error:
            raise NotRunning(f"{self.group} was stopped meanwhile") from error


_running: set[Member] = set()


@atexit.register
def _stop_all() -> None:
    """Stop what nobody has stopped before the interpreter ends, which no event loop in a thread survives."""
    for member in list(_running):
        with suppress(Exception):
            member.stop()


def _abandon() -> None:
    """A forked process has its parent's clients, but not their threads: nothing is to wait for these."""
    for member in _running:
        member._forked, member._state = True, State.SHUTDOWN_ALREADY
    _running.clear()
    forget_instances()


os.register_at_fork(after_in_child=_abandon)


def settings_of(options: ClientOptions) -> ClientSettings:
    """The settings that keyword arguments stand for. Raises ClientError or TypeError."""
    return ClientSettings(**options)
