"""Which queue a message goes to when its sender has a say."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

from rocketpy import client
from rocketpy.client.sending import Selector
from rocketpy.compat_client.messages import ReceivedMessage, unstored

QueueSelector = Callable[[int, ReceivedMessage, Any], int]
"""Called with the number of queues, the message and a pointer to the argument; gives the number of one."""

_MASK = (1 << 64) - 1
_MULTIPLIER = 0xC6A4A7935BD1E995
_SEED = 0xC70F6907


def hashing_queue_selector(mq_size: int, msg: ReceivedMessage, arg: Any) -> int:
    """The number that `arg` points to, modulo the number of queues."""
    number: int = ctypes.cast(arg, ctypes.POINTER(ctypes.c_int))[0]
    return number % mq_size


def by_callback(queue_selector: QueueSelector, arg: int) -> Selector:
    """The queue that the application takes. Raises ctypes.ArgumentError, TypeError where `arg` is no int."""
    pointer = ctypes.pointer(ctypes.c_int(arg))

    def select(queues: Sequence[client.MessageQueue], message: client.Message) -> client.MessageQueue:
        return queues[queue_selector(len(queues), unstored(message), pointer)]

    return select


def by_sharding_key(key: bytes) -> Selector:
    """The queue that librocketmq on Linux takes for that key, so that programs with either keep one order."""

    def select(queues: Sequence[client.MessageQueue], message: client.Message) -> client.MessageQueue:
        return queues[_hash(key) % len(queues)]

    return select


class NextBroker:
    """Takes the queue that `choose` takes; asked again, since that failed, one of another broker if there is one."""

    def __init__(self, choose: Selector) -> None:
        self._choose = choose
        self._last: client.MessageQueue | None = None

    def __call__(self, queues: Sequence[client.MessageQueue], message: client.Message) -> client.MessageQueue:
        last = self._last
        if last is None:
            picked = self._choose(queues, message)
        else:
            start = queues.index(last) + 1 if last in queues else 0
            turn = [*queues[start:], *queues[:start]]
            picked = next((queue for queue in turn if queue.broker_name != last.broker_name), turn[0])
        self._last = picked
        return picked


def _hash(text: bytes) -> int:
    """std::hash<std::string> of libstdc++ with 64 bits: MurmurHash64A, read as little endian."""
    value = _SEED ^ (len(text) * _MULTIPLIER) & _MASK
    whole = len(text) & ~7
    for start in range(0, whole, 8):
        part = int.from_bytes(text[start : start + 8], "little") * _MULTIPLIER & _MASK
        value = (value ^ _mixed(part) * _MULTIPLIER & _MASK) * _MULTIPLIER & _MASK
    if len(text) > whole:
        value = (value ^ int.from_bytes(text[whole:], "little")) * _MULTIPLIER & _MASK
    return _mixed(_mixed(value) * _MULTIPLIER & _MASK)


def _mixed(value: int) -> int:
    return value ^ value >> 47
