"""The body of REGISTER_BROKER: JSON, or zlib of items that each have their length in front, as an int.

```
dataVersion as JSON; number of topics:int; for each "name readQueueNums writeQueueNums perm filterType"; a JSON list
of filter servers
```

`order` and `topicSysFlag` of a topic do not survive compression (RegisterBrokerBody.java:47,
TopicConfig.java:47).
"""

from __future__ import annotations

import zlib
from struct import Struct
from struct import error as StructError
from typing import Final

from rocketpy.errors import ProtocolError
from rocketpy.protocol import fastjson
from rocketpy.protocol.api.route import RegisterBrokerBody
from rocketpy.protocol.api.topic import DataVersion, TopicConfig, TopicConfigSerializeWrapper

MAX_INFLATED: Final = 256 << 20
"""Bytes beyond which a registration is refused: a frame of 16 MiB could grow to a thousand times that."""

_INT: Final = Struct(">i")


def write_registration(registration: RegisterBrokerBody, compressed: bool) -> bytes:
    """The body of REGISTER_BROKER."""
    if not compressed:
        return registration.to_json()
    wrapper = registration.topic_config_serialize_wrapper
    topics = wrapper.topic_config_table.values()
    items = [_item(wrapper.data_version.to_json()), _INT.pack(len(topics))]
    items += [_item(_topic_line(topic).encode()) for topic in topics]
    items.append(_item(fastjson.dumps(registration.filter_server_list)))
    return zlib.compress(b"".join(items), zlib.Z_BEST_COMPRESSION)


def read_registration(data: bytes, compressed: bool) -> RegisterBrokerBody:
    """The body of REGISTER_BROKER; raises ProtocolError if it is none."""
    if not compressed:
        return RegisterBrokerBody.from_json(data)
    items = _Items(_inflate(data))
    wrapper = TopicConfigSerializeWrapper(data_version=DataVersion.from_json(items.next()))
    for _ in range(items.next_int()):
        topic = _read_topic_line(items.next().decode("utf-8", "replace"))
        wrapper.topic_config_table[topic.topic_name or ""] = topic
    registration = RegisterBrokerBody(topic_config_serialize_wrapper=wrapper)
    servers = fastjson.loads(items.next())
    if isinstance(servers, list):
        registration.filter_server_list = [str(server) for server in servers]
    return registration


def _item(data: bytes) -> bytes:
    return _INT.pack(len(data)) + data


def _topic_line(topic: TopicConfig) -> str:
    numbers = f"{topic.read_queue_nums} {topic.write_queue_nums} {topic.perm}"
    return f"{topic.topic_name} {numbers} {topic.topic_filter_type}"


def _read_topic_line(line: str) -> TopicConfig:
    fields = line.split(" ")
    try:
        name, read, write, perm, filter_type = fields
        return TopicConfig(
            topic_name=name,
            read_queue_nums=int(read),
            write_queue_nums=int(write),
            perm=int(perm),
            topic_filter_type=filter_type,
        )
    except ValueError as error:
        raise ProtocolError(f"not a topic in a registration: {line!r}") from error


def _inflate(data: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        inflated = inflater.decompress(data, MAX_INFLATED)
    except zlib.error as error:
        raise ProtocolError(f"not a compressed registration: {error}") from error
    if inflater.unconsumed_tail:
        raise ProtocolError(f"a registration of more than {MAX_INFLATED} bytes")
    return inflated


class _Items:
    """Reads one item after the other."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def next_int(self) -> int:
        try:
            (number,) = _INT.unpack_from(self._data, self._position)
        except StructError as error:
            raise ProtocolError("a compressed registration is cut off") from error
        self._position += 4
        return int(number)

    def next(self) -> bytes:
        length = self.next_int()
        end = self._position + length
        if length < 0 or end > len(self._data):
            raise ProtocolError("a compressed registration is cut off")
        item = self._data[self._position : end]
        self._position = end
        return item
