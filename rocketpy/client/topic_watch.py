"""Looking at topics from time to time, to tell when their queues are others (DefaultLitePullConsumerImpl.java:1186)."""

from __future__ import annotations

import logging
from collections.abc import Callable

import gevent

from rocketpy.client.namespace import with_namespace, without_namespace
from rocketpy.client.queries import Queries
from rocketpy.errors import RocketpyError
from rocketpy.protocol.api.route import MessageQueue

log = logging.getLogger(__name__)

TopicChanged = Callable[[str, list[MessageQueue]], None]
"""Called with a topic and all its queues (TopicMessageQueueChangeListener.java:24)."""

_FIRST = 10.0
"""Seconds before the first look (DefaultLitePullConsumerImpl.startScheduleTask:393)."""


class TopicsWatched:
    """Topics, who is to be told of each, and the queues that it had; to be used in the instance's hub once started."""

    def __init__(self, namespace: str | None, interval: float) -> None:
        """`interval` is in seconds."""
        self._namespace = namespace
        self._interval = interval
        self._told: dict[str, TopicChanged] = {}
        self._queues: dict[str, set[MessageQueue]] = {}
        self._loop: gevent.Greenlet[..., None] | None = None

    def add(self, topic: str, changed: TopicChanged, queries: Queries | None = None) -> None:
        """Watch a topic, too, or tell somebody else of it; with `queries` its queues are asked for now.

        Raises ClientError where there are none.
        """
        topic = with_namespace(self._namespace, topic)
        if queries is not None:
            self._queues[topic] = set(queries.subscribe_queues(topic))
        self._told[topic] = changed
        if queries is not None and self._loop is None:
            self._loop = gevent.spawn(self._run, queries)

    def start(self, queries: Queries) -> None:
        """Note which queues there are, and begin to look. Raises ClientError for a topic that has none."""
        for topic, changed in self._told.items():
            self.add(topic, changed, queries)

    def stop(self) -> None:
        """Look no more."""
        if self._loop is not None:
            self._loop.kill()
            self._loop = None

    def look(self, queries: Queries) -> None:
        """Tell of what changed since the last time; what fails is logged."""
        for topic, changed in list(self._told.items()):
            try:
                queues = queries.subscribe_queues(topic)
                if set(queues) == self._queues.get(topic):
                    continue
                self._queues[topic] = set(queues)
                changed(without_namespace(self._namespace, topic), queues)
            except RocketpyError as error:
                log.warning("the queues of %s: %s", topic, error)
            except Exception:
                log.exception("%r failed with the queues of %s", changed, topic)

    def _run(self, queries: Queries) -> None:
        gevent.sleep(min(_FIRST, self._interval))
        while True:
            self.look(queries)
            gevent.sleep(self._interval)
