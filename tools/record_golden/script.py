"""Writing a sequence of requests down: commands by their code and fields, with opaques that number them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rocketpy.protocol.command import JSON, ROCKETMQ, Command
from tools.record_golden.exchange import Answers, Step

Fields = Mapping[str, object]

BORN = 1_700_000_000_000
"""The bornTimestamp of every message, ms."""


class Script:
    """Steps in their order; `to` is the server that they go to unless they say otherwise."""

    def __init__(self, to: str) -> None:
        self._to = to
        self.steps: list[Step] = []

    def ask(
        self,
        name: str,
        code: int,
        fields: Fields | Callable[[Answers], Fields] | None = None,
        body: bytes = b"",
        *,
        binary: bool = False,
        flag: int = 0,
        version: int = 409,
        **step: Any,
    ) -> None:
        """A command; None among `fields` leaves the field out."""
        opaque = len(self.steps) + 1

        def encode(given: Fields | None) -> bytes:
            ext = None if given is None else {key: str(value) for key, value in given.items() if value is not None}
            command = Command(
                code,
                opaque=opaque,
                flag=flag,
                version=version,
                ext_fields=ext,
                body=body,
                serialization=ROCKETMQ if binary else JSON,
            )
            return command.encode()

        if callable(fields):
            make = fields
            self.raw(name, lambda answers: encode(make(answers)), **step)
        else:
            self.raw(name, encode(fields), **step)

    def raw(self, name: str, request: bytes | Callable[[Answers], bytes], **step: Any) -> None:
        """Any bytes."""
        self.steps.append(Step(name, request, **{"to": self._to, **step}))


def properties(**values: str) -> str:
    """The text of properties, in the order given."""
    return "\x02".join(f"{name}\x01{value}" for name, value in values.items())


def send_v1(topic: str, queue_id: int, text: str = "", **fields: object) -> dict[str, object]:
    """The fields of SEND_MESSAGE, with long names."""
    return {
        "producerGroup": "GoldenProducer", "topic": topic, "defaultTopic": "TBW102", "defaultTopicQueueNums": 4,
        "queueId": queue_id, "sysFlag": 0, "bornTimestamp": BORN, "flag": 0, "properties": text, "reconsumeTimes": 0,
        "unitMode": "false", "batch": "false",
    } | fields  # fmt: skip


def send_v2(topic: str, queue_id: int, text: str = "", **fields: object) -> dict[str, object]:
    """The fields of SEND_MESSAGE_V2, with one-letter names."""
    return {
        "a": "GoldenProducer", "b": topic, "c": "TBW102", "d": 4, "e": queue_id, "f": 0, "g": BORN, "h": 0,
        "i": text, "j": 0, "k": "false", "m": "false",
    } | fields  # fmt: skip


def batch_body(*messages: tuple[bytes, str]) -> bytes:
    """The body of a batch of (body, properties)."""
    pieces = []
    for body, text in messages:
        encoded = text.encode()
        size = 22 + len(body) + len(encoded)
        numbers = (size, 0, 0, 0, len(body))
        pieces.append(b"".join(number.to_bytes(4) for number in numbers) + body + len(encoded).to_bytes(2) + encoded)
    return b"".join(pieces)


def pull(topic: str, queue_id: int, queue_offset: int, subscription: str = "*", **fields: object) -> dict[str, object]:
    """The fields of PULL_MESSAGE with the subscription in the request and without waiting."""
    return {
        "consumerGroup": "GoldenConsumer", "topic": topic, "queueId": queue_id, "queueOffset": queue_offset,
        "maxMsgNums": 32, "sysFlag": 4, "commitOffset": 0, "suspendTimeoutMillis": 15000,
        "subscription": subscription, "subVersion": 0, "expressionType": "TAG",
    } | fields  # fmt: skip
