"""Makes fixtures, for a conftest.py that wants others than those of `rocketpy.testing.plugin`.

    from rocketpy.testing import factories

    orders_mq = factories.rocketmq(scope="module", topics={"Order": 8}, groups=["shipping"])
    orders_mq_proc = factories.rocketmq_proc(settings={"transactionCheckInterval": 1000})
    fresh_orders_mq = factories.fresh("orders_mq_proc")

Arguments are those of `RocketMQ`. The ini options count where an argument is not given; topics and groups of ini file,
factory and marker add up.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

import pytest

from rocketpy.testing.words import Setting, Topics, names_of, queues_of, settings_of, topics_of

if TYPE_CHECKING:
    from rocketpy.testing.rocketmq import RocketMQ

Scope = Literal["session", "package", "module", "class", "function"]
MARKER = "rocketmq"


def rocketmq(
    *,
    scope: Scope = "function",
    topics: Topics = (),
    groups: Iterable[str] = (),
    settings: Mapping[str, Setting] | None = None,
    host: str | None = None,
    store: str | os.PathLike[str] | None = None,
) -> Any:
    """A fixture that is a `RocketMQ` in threads of this process."""
    return _fixture(scope, False, _Wishes(topics, groups, settings), host, store)


def rocketmq_proc(
    *,
    scope: Scope = "session",
    topics: Topics = (),
    groups: Iterable[str] = (),
    settings: Mapping[str, Setting] | None = None,
    host: str | None = None,
    store: str | os.PathLike[str] | None = None,
) -> Any:
    """A fixture that is a `RocketMQ` in a child process."""
    return _fixture(scope, True, _Wishes(topics, groups, settings), host, store)


def fresh(
    fixture: str,
    *,
    topics: Topics = (),
    groups: Iterable[str] = (),
    settings: Mapping[str, Setting] | None = None,
) -> Any:
    """A fixture of function scope: the `RocketMQ` of another one, reset before each test that uses it."""
    wishes = _Wishes(topics, groups, settings)

    @pytest.fixture
    def fresh_rocketmq(request: pytest.FixtureRequest) -> RocketMQ:
        """A name server and a broker that others have used before, with nothing in them."""
        running: RocketMQ = request.getfixturevalue(fixture)
        wanted = wishes.marked(request)
        running.reset(wanted.settings)
        for topic, queues in wanted.topics.items():
            running.create_topic(topic, queues=queues)
        for group in wanted.groups:
            running.create_group(group)
        return running

    return fresh_rocketmq


class _Wishes:
    """Topics, groups and settings; those that come later count."""

    def __init__(
        self, topics: Topics = (), groups: Iterable[str] = (), settings: Mapping[str, Setting] | None = None
    ) -> None:
        self.topics = queues_of(topics)
        self.groups = names_of(groups)
        self.settings = dict(settings or {})

    def and_then(self, others: _Wishes) -> _Wishes:
        """These, and others."""
        groups = dict.fromkeys([*self.groups, *others.groups])
        return _Wishes({**self.topics, **others.topics}, groups, {**self.settings, **others.settings})

    def marked(self, request: pytest.FixtureRequest) -> _Wishes:
        """These, and those of the markers of what requests the fixture, the nearest last."""
        result = self
        for mark in reversed(list(request.node.iter_markers(MARKER))):
            result = result.and_then(_Wishes(*mark.args, **mark.kwargs))
        return result


def _fixture(
    scope: Scope, own_process: bool, wishes: _Wishes, host: str | None, store: str | os.PathLike[str] | None
) -> Any:
    def running_rocketmq(request: pytest.FixtureRequest) -> Iterator[RocketMQ]:
        from rocketpy.testing.rocketmq import RocketMQ

        wanted = _from_ini(request.config).and_then(wishes).marked(request)
        with RocketMQ(
            topics=wanted.topics,
            groups=wanted.groups,
            settings=wanted.settings,
            host=host or request.config.getini("rocketmq_host"),
            store=_of_worker(store or request.config.getini("rocketmq_store") or None),
            own_process=own_process,
        ) as running:
            running.timeout = float(request.config.getini("rocketmq_timeout"))
            yield running

    where = "in a child process" if own_process else "in threads of this process"
    running_rocketmq.__doc__ = f"A name server and a broker {where}: see rocketpy.testing.RocketMQ."
    return pytest.fixture(scope=scope)(running_rocketmq)


def _from_ini(config: pytest.Config) -> _Wishes:
    ini = config.getini
    return _Wishes(topics_of(ini("rocketmq_topics")), ini("rocketmq_groups"), settings_of(ini("rocketmq_settings")))


def _of_worker(store: str | os.PathLike[str] | None) -> str | None:
    """The directory, or where pytest-xdist runs several processes one below it: a store belongs to one broker."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    return None if store is None else os.path.join(store, worker) if worker else os.fspath(store)
