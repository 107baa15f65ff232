"""The commented lists of all keys under conf/, written by `python -m rocketpy.config.reference conf`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from rocketpy.config.key import Config, Key
from rocketpy.config.startup import BrokerSettings, NamesrvSettings

_HEAD = """\
# Every key that {command} -c FILE understands, with its default.
# Generated from the declarations in rocketpy/config: do not edit, copy the lines that you need.
#
# "automatic" defaults depend on the machine; a key without a value is not set;
# "no effect" marks keys that mean something to the Java server only and are accepted all the same."""


def references() -> dict[str, str]:
    """The content of each generated file under conf/, by its name."""
    broker, namesrv = BrokerSettings(), NamesrvSettings()
    return {
        "broker-reference.conf": _reference("mqbroker", (*broker.configs, broker.timer, broker.advertised)),
        "namesrv-reference.conf": _reference("mqnamesrv", (*namesrv.configs, namesrv.inside)),
    }


def _reference(command: str, configs: Iterable[Config]) -> str:
    lines = [_HEAD.format(command=command)]
    for config in configs:
        lines.append(f"\n## {type(config).__name__}\n")
        lines += (line for key in config.KEYS for line in _entry(config, key))
    return "\n".join(lines) + "\n"


def _entry(config: Config, key: Key) -> Iterator[str]:
    marks = [mark for mark, holds in (("automatic", callable(key.default)), ("no effect", key.moot)) if holds]
    yield f"# {key.doc}" + (f" [{', '.join(marks)}]" if marks else "")
    yield f"#{key.setter}={'' if callable(key.default) else key.format(config) or ''}"


if __name__ == "__main__":
    for name, text in references().items():
        with open(f"{sys.argv[1]}/{name}", "w") as file:
            file.write(text)
