"""How a configuration key is declared, loaded and printed.

    @keys
    class StoreConfig(Config):
        flush_interval_commit_log: int = key(500, "ms between two flushes of the CommitLog", important=True)

The decorator makes a slotted class whose constructor takes the keys by name. Java's name of a key is the camelCase of
the attribute unless `java=` says otherwise. The semantics are those of Java's MixAll.properties2Object and
object2Properties: keys that nobody knows are ignored, a number that does not parse or fit leaves the key as it was,
and only "true", in any case, is true.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Annotated, Any, ClassVar, TypeVar, cast, dataclass_transform, get_args, get_origin, get_type_hints

Long = Annotated[int, "64 bits"]
"""An integer that Java keeps in a long; a plain `int` is one that must fit into 32 bits."""

_NUMBER = re.compile(r"[+-]?\d+")
_log = logging.getLogger("rocketpy.config")


class Key:
    """One configuration key: names, type, default and what it means."""

    __slots__ = ("attribute", "default", "doc", "important", "java", "kind", "moot", "read", "setter", "slot")

    def __init__(
        self,
        default: Any,
        doc: str,
        java: str | None,
        setter: str | None,
        important: bool,
        moot: bool,
        read: Callable[[Any, Any], Any] | None,
    ) -> None:
        self.default = default
        self.doc = doc
        self.java = java or ""
        self.setter = setter or ""
        self.important = important
        self.moot = moot
        self.read = read
        self.attribute = self.slot = ""
        self.kind: Any = None

    def bind(self, attribute: str, hint: Any) -> None:
        """Learns the attribute that the key was assigned to and its annotation."""
        self.attribute = attribute
        self.slot = f"_{attribute}" if self.read else attribute
        self.java = self.java or re.sub(r"_(.)", lambda match: match.group(1).upper(), attribute)
        self.setter = self.setter or self.java
        nullable = [kind for kind in get_args(hint) if kind is not type(None)]
        self.kind = hint if get_origin(hint) is Annotated or not nullable else nullable[0]

    def initial(self) -> Any:
        """The default, computed now where it depends on the machine."""
        return self.default() if callable(self.default) else self.default

    def parse(self, text: str) -> Any:
        """The value that `text` stands for; ValueError if it stands for none."""
        if self.kind is bool:
            return text.lower() == "true"
        if self.kind is int:
            return _integer(text, 31)
        if self.kind == Long:
            return _integer(text, 63)
        return self.kind(text)

    def format(self, config: Config) -> str | None:
        """The value as Java prints it; None for a null."""
        value = getattr(config, self.slot)
        if value is None:
            return None
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(value.value if isinstance(value, Enum) else value)


def key(
    default: Any,
    doc: str,
    *,
    java: str | None = None,
    setter: str | None = None,
    important: bool = False,
    moot: bool = False,
    read: Callable[[Any, Any], Any] | None = None,
) -> Any:
    """Declares a key. A callable `default` is called for each new object.

    `java`: Java's name where it is not the camelCase of the attribute; `setter`: the name that loads it where Java's
    setter is called differently from its field; `important`: printed by `-m`; `moot`: known and kept, but without any
    effect here; `read(config, value)`: what reading the attribute gives, where Java's getter is more than a getter.
    """
    return Key(default, doc, java, setter, important, moot, read)


class Config:
    """A set of keys: plain mutable attributes, loaded and printed by Java's names."""

    __slots__ = ()
    KEYS: ClassVar[tuple[Key, ...]] = ()

    def __init__(self, **values: Any) -> None:
        for key in self.KEYS:
            setattr(self, key.slot, values.pop(key.attribute) if key.attribute in values else key.initial())
        if values:
            raise TypeError(f"{type(self).__name__} has no key {', '.join(sorted(values))}")

    def update(self, properties: Mapping[str, str]) -> list[str]:
        """Takes over every key that is in `properties` and returns the names that are none of this class.

        A value that does not parse is logged, and the key keeps what it had (Java MixAll.properties2Object:336-380).
        """
        known = {key.setter: key for key in self.KEYS}
        for name, text in properties.items():
            key = known.get(name)
            if key is None:
                continue
            try:
                setattr(self, key.slot, key.parse(text))
            except ValueError:
                _log.warning("%s=%s is not usable, %s stays", name, text, key.format(self))
        return [name for name in properties if name not in known]

    def dump(self) -> dict[str, str]:
        """Java's names and the values as text, nulls left out, in the order of declaration."""
        texts = ((key.java, key.format(self)) for key in self.KEYS)
        return {name: text for name, text in texts if text is not None}

    def describe(self, *, important: bool = False) -> list[str]:
        """`name=value` lines for `-p`, or with `important` for `-m`; a null is printed as nothing."""
        return [f"{key.java}={key.format(self) or ''}" for key in self.KEYS if key.important or not important]


C = TypeVar("C", bound=Config)


@dataclass_transform(kw_only_default=True)
def keys(cls: type[C]) -> type[C]:
    """Makes the slotted class out of the declarations in `cls`."""
    hints = get_type_hints(cls, include_extras=True)
    declared = {name: value for name, value in vars(cls).items() if isinstance(value, Key)}
    left_out = {*declared, "__dict__", "__weakref__"}
    namespace = {name: value for name, value in vars(cls).items() if name not in left_out}
    for name, key in declared.items():
        key.bind(name, hints[name])
        if key.read is not None:
            namespace[name] = _derived(key.slot, key.read)
    namespace["__slots__"] = tuple(key.slot for key in declared.values())
    namespace["KEYS"] = tuple(declared.values())
    return cast("type[C]", type(cls.__name__, cls.__bases__, namespace))


def _derived(slot: str, read: Callable[[Any, Any], Any]) -> property:
    return property(
        lambda config: read(config, getattr(config, slot)), lambda config, value: setattr(config, slot, value)
    )


def _integer(text: str, bits: int) -> int:
    """Java's Integer.parseInt and Long.parseLong: no blanks, no underscores, only what fits."""
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    value = int(text)
    if not -(1 << bits) <= value < 1 << bits:
        raise ValueError(text)
    return value
