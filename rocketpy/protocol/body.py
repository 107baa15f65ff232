"""How a JSON body is declared: once, as a class, written and read in fastjson's dialect.

```python
@body
class QueueData(Body):
    broker_name: str | None = None
    read_queue_nums: int = 0
```

Field types: str, int, float, bool, list, set and dict of them, other bodies, and `| None`. A dict may be keyed by a
body, as Java's maps are by MessageQueue. Fields are written in the order of their wire names and null ones left out,
as fastjson does; unknown fields are skipped and missing ones keep their default when read.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable
from typing import Any, ClassVar, Self, TypeVar, dataclass_transform

from rocketpy.errors import ProtocolError
from rocketpy.protocol import fastjson
from rocketpy.protocol.header import camel_case

B = TypeVar("B", bound="type[Body]")
Convert = Callable[[Any], Any]


def wire(name: str | None = None, *, default: Any = dataclasses.MISSING, factory: Any = dataclasses.MISSING) -> Any:
    """A field with a wire name of its own, or a default made by `factory`."""
    if factory is not dataclasses.MISSING:
        return dataclasses.field(default_factory=factory, metadata={"name": name})
    return dataclasses.field(default=default, metadata={"name": name})


class Body:
    """The base of every JSON body."""

    __slots__ = ()

    _plan: ClassVar[tuple[tuple[str, str, Convert, Convert], ...]] = ()

    @classmethod
    def from_json(cls, data: bytes | str) -> Self:
        """Read a body; raises ProtocolError when `data` is not an object of this shape."""
        return cls.from_value(fastjson.loads(data))

    @classmethod
    def from_value(cls, value: Any) -> Self:
        """The body in what `fastjson.loads` gave; raises ProtocolError when a field has the wrong shape."""
        if not isinstance(value, dict):
            raise ProtocolError(f"{cls.__name__} is not a JSON object")
        fields = {}
        for attribute, name, read, _ in cls._plan:
            given = value.get(name)
            if given is not None:
                try:
                    fields[attribute] = read(given)
                except (TypeError, ValueError, AttributeError, OverflowError) as error:
                    raise ProtocolError(f"{cls.__name__}.{name}: {error}") from error
        return cls(**fields)

    def to_value(self) -> dict[str, Any]:
        """The body as dicts, lists and scalars, for `fastjson.dumps`."""
        value = {}
        for attribute, name, _, write in self._plan:
            given = getattr(self, attribute)
            if given is not None:
                value[name] = write(given)
        return value

    def to_json(self, *, standard: bool = False, pretty: bool = False) -> bytes:
        """The body as Java writes it: see `fastjson.dumps`."""
        return fastjson.dumps(self.to_value(), standard=standard, pretty=pretty)


@dataclass_transform(kw_only_default=True, field_specifiers=(wire,))
def body(cls: B) -> B:
    """Declare a body: a slotted, keyword-only dataclass which knows how to read and write itself.

    It hashes by its fields, since some are keys of maps; do not change one that is a key.
    """
    declared: Any = dataclasses.dataclass(slots=True, kw_only=True, unsafe_hash=True)(cls)
    fields = dataclasses.fields(declared)
    hints = {one.name: _SCALAR_NAMES.get(str(one.type).removesuffix(" | None")) for one in fields}
    if None in hints.values():  # evaluating annotations is slow; most bodies have plain ones only
        hints = typing.get_type_hints(declared, localns={declared.__name__: declared})
    plan = [
        (one.name, one.metadata.get("name") or camel_case(one.name), *_converters(hints[one.name])) for one in fields
    ]
    declared._plan = tuple(sorted(plan, key=lambda row: row[1]))
    return typing.cast(B, declared)


def _converters(hint: Any) -> tuple[Convert, Convert]:
    """How a value of type `hint` is read from, and written to, what JSON knows."""
    origin = typing.get_origin(hint)
    if isinstance(hint, types.UnionType) or origin is typing.Union:
        (hint,) = (one for one in typing.get_args(hint) if one is not types.NoneType)
        return _converters(hint)
    if isinstance(hint, type) and issubclass(hint, Body):
        return hint.from_value, hint.to_value
    if origin in (list, set):
        read, write = _member_converters(typing.get_args(hint)[0])
        return lambda items: origin(map(read, _expect(list, items))), lambda items: [write(item) for item in items]
    if origin is dict:
        return _dict_converters(*typing.get_args(hint))
    return _SCALARS[hint], _as_is


def _member_converters(hint: Any) -> tuple[Convert, Convert]:
    """The same for what is in a list or a dict: null is refused unless `hint` has it, or is a text."""
    read, write = _converters(hint)
    nullable = hint in (str, Any) or types.NoneType in typing.get_args(hint)

    def read_member(value: Any) -> Any:
        if value is not None:
            return read(value)
        if nullable:
            return None
        raise TypeError("null where a value is needed")

    return read_member, lambda value: None if value is None else write(value)


def _dict_converters(key_hint: Any, value_hint: Any) -> tuple[Convert, Convert]:
    read_value, write_value = _member_converters(value_hint)
    read_key, write_key = _converters(key_hint)
    if isinstance(key_hint, type) and issubclass(key_hint, Body):

        def read_object(items: Any) -> Any:
            return {read_key(key.value): read_value(value) for key, value in _expect(dict, items).items()}

        def write_object(items: Any) -> Any:
            return {fastjson.ObjectKey(write_key(key)): write_value(value) for key, value in items.items()}

        return read_object, write_object
    return (
        lambda items: {read_key(key): read_value(value) for key, value in _expect(dict, items).items()},
        lambda items: {key: write_value(value) for key, value in items.items()},
    )


def _expect(kind: type, value: Any) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"{kind.__name__} expected, not {type(value).__name__}")
    return value


def _as_is(value: Any) -> Any:
    return value


def _read_text(value: Any) -> str:
    return value if isinstance(value, str) else fastjson.dumps(value).decode()


def _read_bool(value: Any) -> bool:
    if isinstance(value, str):
        return value.lower() in ("true", "1")
    return bool(value)


def _read_any(value: Any) -> Any:
    return value


_SCALAR_NAMES: dict[str, Any] = {"str": str, "int": int, "float": float, "bool": bool, "Any": Any}
_SCALARS: dict[Any, Convert] = {str: _read_text, int: int, float: float, bool: _read_bool, Any: _read_any}
