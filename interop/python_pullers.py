"""The part of the Python driver that pulls: the verbs about pull consumers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from interop.python_shapes import Request, queue_of, show_messages, show_queues
from rocketpy.client import PullConsumer, Sql92


class Pullers:
    """Pull consumers by group: whoever asks chooses queue and offset."""

    def __init__(self, serialization: Literal["JSON", "ROCKETMQ"]) -> None:
        self._serialization = serialization
        self._pullers: dict[str, PullConsumer] = {}

    def verbs(self) -> dict[str, Callable[[Request], Any]]:
        """What it can be told."""
        return {
            "start_puller": self._start,
            "stop_puller": lambda request: self._pullers.pop(request["group"]).stop(),
            "pull": self._pull,
            "commit": lambda request: self._of(request).commit(queue_of(request["queue"]), request["queue_offset"]),
            "committed": lambda request: self._of(request).consume_offset(queue_of(request["queue"]), from_store=True),
            "send_back": self._send_back,
            "subscribe_queues": lambda request: show_queues(self._of(request).subscribe_queues(request["topic"])),
        }

    def _of(self, request: Request) -> PullConsumer:
        return self._pullers[request["group"]]

    def _start(self, request: Request) -> None:
        puller = PullConsumer(
            request["group"],
            namesrv=request["namesrv"],
            vip_channel=request.get("vip", False),
            heartbeat_interval=1.0,
            serialization=self._serialization,
        )
        puller.start()
        self._pullers[request["group"]] = puller

    def _pull(self, request: Request) -> dict[str, Any]:
        result = self._of(request).pull(
            queue_of(request["queue"]),
            request["queue_offset"],
            expression=Sql92(request["expression"]) if request.get("sql") else request["expression"],
            max_count=request["count"],
            block=request.get("block", False),
        )
        return {
            "status": str(result.status),
            "next_begin_offset": result.next_begin_offset,
            "min_offset": result.min_offset,
            "max_offset": result.max_offset,
            "messages": show_messages(result.messages),
        }

    def _send_back(self, request: Request) -> None:
        puller = self._of(request)
        (message,) = puller.pull(queue_of(request["queue"]), request["queue_offset"], max_count=1).messages
        puller.send_back(message, request["level"])
