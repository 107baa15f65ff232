"""`python -m rocketpy.testing`: RocketMQ for a test suite in any language.

It starts a name server and a broker on free ports, prints one line of JSON with their addresses, does what lines of
JSON on its stdin tell it to (see `rocketpy.testing.commands`), and ends when its stdin does or when it is told to stop.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import suppress
from types import FrameType
from typing import TextIO

import click

from rocketpy.errors import RocketpyError
from rocketpy.testing.commands import is_stop, obey
from rocketpy.testing.rocketmq import RocketMQ
from rocketpy.testing.words import settings_of, topics_of


@click.command()
@click.option("--topic", "topics", multiple=True, metavar="NAME[:QUEUES]", help="A topic to make at the start.")
@click.option("--group", "groups", multiple=True, metavar="NAME", help="A consumer group to make at the start.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="A key of broker.conf.")
@click.option("--host", default="127.0.0.1", show_default=True, help="What clients are told to connect to.")
@click.option("--store", metavar="DIR", help="Keep messages there; else they are gone in the end.")
@click.option("--namesrv-port", default=0, show_default=True, help="Port of the name server; 0 takes any.")
def main(
    topics: tuple[str, ...],
    groups: tuple[str, ...],
    settings: tuple[str, ...],
    host: str,
    store: str | None,
    namesrv_port: int,
) -> None:
    """Run a name server and a broker for tests until stdin ends.

    Prints one line of JSON with their addresses, and answers each line of JSON on stdin with one.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    with _channel() as channel:
        try:
            rocketmq = RocketMQ(
                topics=topics_of(topics), groups=groups, settings=settings_of(settings), host=host, store=store,
                namesrv_port=namesrv_port,
            )  # fmt: skip
            with rocketmq:
                serve(rocketmq, channel)
        except RocketpyError as error:
            _say(channel, json.dumps({"error": str(error), "kind": type(error).__name__}))
            click.echo(f"rocketpy.testing: {error}", err=True)
            sys.exit(1)


def serve(rocketmq: RocketMQ, channel: TextIO) -> None:
    """Tell the addresses, and do what stdin says until it ends."""
    addresses = {"namesrv": rocketmq.namesrv_address, "broker": rocketmq.broker_address, "pid": os.getpid()}
    _say(channel, json.dumps(addresses))
    for line in sys.stdin.buffer:
        if is_stop(line):
            _say(channel, json.dumps({"result": None}))
            return
        if line.strip():
            _say(channel, obey(rocketmq, line))


def _channel() -> TextIO:
    """Where answers go: stdout, which from now on is what stderr is to everybody else, who might print something."""
    answers = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(answers, "w", encoding="utf-8")


def _say(channel: TextIO, line: str) -> None:
    with suppress(BrokenPipeError):  # stdin ends with the one who read this
        print(line, file=channel, flush=True)


def _end(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
