"""GET_ALL_DELAY_OFFSET: how far delayed messages have been delivered."""

from __future__ import annotations

from rocketpy.broker.delay import DelayedMessages
from rocketpy.protocol.api.offset import GetAllDelayOffset
from rocketpy.protocol.command import Command, Reply
from rocketpy.remoting.connection import Connection
from rocketpy.remoting.router import handles


class DelayProcessor:
    """Tells slaves what they need to go on as masters."""

    def __init__(self, delayed: DelayedMessages) -> None:
        self._delayed = delayed

    @handles(GetAllDelayOffset)
    def get_all(self, peer: Connection, request: GetAllDelayOffset, command: Command) -> Reply:
        """What delayOffset.json holds, as it is now (getAllDelayOffset:1006)."""
        return Reply(body=self._delayed.snapshot().to_json())
