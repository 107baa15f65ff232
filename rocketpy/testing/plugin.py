"""The pytest plugin: it is there as soon as rocketpy-mq is installed, and does nothing until a fixture is used.

- `rocketmq`: RocketMQ for one test, in threads of this process.
- `rocketmq_session`: one for the whole run.
- `rocketmq_proc`: one for the whole run in a child process, which shares neither the interpreter nor gevent's loop with
  the tests.
- `rocketmq_fresh_proc`: the same, reset before each test.

Each is a `rocketpy.testing.RocketMQ`. `@pytest.mark.rocketmq(topics=["Order"], groups=["shipping"], settings={...})` on
a test, a class or a module adds to those of function scope; so do the ini options, for all.
"""

from __future__ import annotations

import pytest

from rocketpy.testing import factories

rocketmq = factories.rocketmq()
rocketmq_session = factories.rocketmq(scope="session")
rocketmq_proc = factories.rocketmq_proc()
rocketmq_fresh_proc = factories.fresh("rocketmq_proc")


def pytest_addoption(parser: pytest.Parser) -> None:
    """What may stand in pytest.ini or pyproject.toml."""
    parser.addini("rocketmq_topics", "topics that RocketMQ has from the start, NAME or NAME:QUEUES", "args", [])
    parser.addini("rocketmq_groups", "consumer groups that it has from the start", "args", [])
    parser.addini("rocketmq_settings", "keys of broker.conf, a line KEY=VALUE each", "linelist", [])
    parser.addini("rocketmq_timeout", "seconds after which a wait gives up, more for slow machines", default="10")
    parser.addini("rocketmq_host", "what clients are told to connect to", default="127.0.0.1")
    parser.addini("rocketmq_store", "a directory that keeps the messages; else they are gone in the end", default="")


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known, also to --strict-markers."""
    text = "rocketmq(topics=(), groups=(), settings=None): what the rocketmq fixtures of function scope have more"
    config.addinivalue_line("markers", text)
