"""Topics, groups and settings as tests give them, and as they are written on command lines and in ini files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rocketpy.errors import ConfigError

Setting = str | int | float | bool
"""What a key of broker.conf is set to."""
QUEUES = 4
"""Queues of a topic at each broker unless a test says otherwise: as many as a send makes."""


Topics = Mapping[str, int] | Iterable[str]
"""Names, or numbers of queues by name."""


def names_of(names: Iterable[str]) -> list[str]:
    """The same. Raises TypeError for one name, which would be taken for its letters."""
    if isinstance(names, str):
        raise TypeError(f"names are given as a list, not as {names!r}")
    return list(names)


def queues_of(topics: Topics) -> dict[str, int]:
    """How many queues each topic gets. Raises TypeError for one name."""
    return dict(topics) if isinstance(topics, Mapping) else dict.fromkeys(names_of(topics), QUEUES)


def topics_of(words: Iterable[str]) -> dict[str, int]:
    """Queues by topic, of words like `Order` and `Order:8`. Raises ConfigError."""
    table = {}
    for word in words:
        name, colon, queues = word.partition(":")
        if not name or (colon and not (queues.isdecimal() and int(queues))):
            raise ConfigError(f"{word!r} is not a topic: write NAME or NAME:QUEUES")
        table[name] = int(queues) if colon else QUEUES
    return table


def settings_of(words: Iterable[str]) -> dict[str, str]:
    """Values by key, of words like `flushDiskType=SYNC_FLUSH`. Raises ConfigError."""
    table = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not name.strip() or not equals:
            raise ConfigError(f"{word!r} is not a setting: write KEY=VALUE")
        table[name.strip()] = value.strip()
    return table


def text_of(value: Setting) -> str:
    """As broker.conf has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
