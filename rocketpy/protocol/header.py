"""How a request or a reply header is declared: once, as a class, for server, client, tools and tests.

```python
@reply
class SendMessageReply(Header):
    msg_id: str
    queue_id: Int
    queue_offset: Long

@request(RequestCode.SEND_MESSAGE, short=RequestCode.SEND_MESSAGE_V2, reply=SendMessageReply)
class SendMessage(Header):
    producer_group: str = wire(short="a")
    properties: str | None = wire(short="i", default=None)
```

The wire name is the camelCase of the attribute unless `wire` says otherwise. A field without a default is what Java
marks @CFNotNull. `API` maps every request code to its class.

What is missing or does not parse (RemotingCommand.decodeCommandCustomHeader logs it and leaves null): a field with a
default gets the default; a required one is left out, and who reads it gets a FieldError, as Java runs into its null
there and not before. Where Java gets along with the null, by writing "null" or by finding the text blank, the
declaration says what stands for it (`wire(missing=...)`). The few headers that Java decodes by hand
(FastCodesHeader: PULL_MESSAGE and those with one-letter names) refuse at once what does not parse.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Iterable
from functools import cache
from typing import Annotated, Any, ClassVar, Generic, NamedTuple, NoReturn, Self, TypeVar, dataclass_transform

import orjson

from rocketpy.errors import FieldError
from rocketpy.protocol.binary_fields import decode_fields, encode_fields
from rocketpy.protocol.header_fields import (
    REQUIRED,
    ReadPlan,
    WritePlan,
    parse_bool,
    parse_int,
    parse_long,
    read_fields,
    write_fields,
)

Int = Annotated[int, 32]
"""A Java int."""
Long = Annotated[int, 64]
"""A Java long."""

H = TypeVar("H", bound="type[Header]")
T = TypeVar("T")


class Field(NamedTuple):
    """One header field, as read off its declaration."""

    attribute: str
    name: str
    short: str | None
    kind: str
    """"str", "int", "long", "bool" or "float"."""
    required: bool
    default: Any
    """What it is when it is missing; REQUIRED: who reads it gets a FieldError."""


class Readers(NamedTuple, Generic[T]):
    """The two ways to a header."""

    from_texts: Callable[[dict[str, str] | None], T]
    """From the fields of a command. Raises FieldError."""
    from_binary: Callable[[bytes], T]
    """From the fields of a binary header as they are. Raises ProtocolError, too."""


class Header:
    """The base of every request and reply header."""

    __slots__ = ()

    code: ClassVar[int] = -1
    short_code: ClassVar[int | None] = None
    codes: ClassVar[tuple[int, ...]] = ()
    reply: ClassVar[type[Header] | None] = None
    body: ClassVar[type | None] = None
    reply_body: ClassVar[type | None] = None
    fields: ClassVar[tuple[Field, ...]] = ()
    strict: ClassVar[bool] = False
    """Whether what does not parse is refused under the long names, too."""
    _readers: ClassVar[ReadPlan] = ()
    _short_readers: ClassVar[ReadPlan] = ()
    _writers: ClassVar[WritePlan] = ()
    _short_writers: ClassVar[WritePlan] = ()

    @classmethod
    def decode(cls, ext_fields: dict[str, str] | None, code: int = -1) -> Self:
        """The header in a command's `ext_fields`; `code` tells the long names from the short ones.

        Raises FieldError, at once or when the field is read (see above).
        """
        header = object.__new__(cls)
        short = code == cls.short_code
        plan = cls._short_readers if short else cls._readers
        if not read_fields(header, plan, ext_fields or _NOTHING, short or cls.strict):
            header.__class__ = _lacking(cls)  # type: ignore[arg-type]  # a class is hashable
        return header

    @classmethod
    def readers(cls, code: int = -1) -> Readers[Self]:
        """What reads the headers of requests with that code; a server asks once."""
        return Readers(
            lambda ext_fields: cls.decode(ext_fields, code), lambda fields: cls.decode(decode_fields(fields), code)
        )

    def encode_binary(self, code: int = -1) -> bytes:
        """The header as the fields of a binary header."""
        return encode_fields(self.encode(code))

    def encode_json(self, code: int = -1) -> bytes:
        """The header as the `extFields` of a JSON header."""
        return orjson.dumps(self.encode(code))

    def encode(self, code: int = -1) -> dict[str, str]:
        """The header as a command's `ext_fields`; None is left out."""
        return write_fields(self, self._short_writers if code == self.short_code else self._writers)


@cache
def _lacking(cls: type[Any]) -> type[Any]:
    """The class of those headers of `cls` that lack a field: only they pay for `__getattr__` at each attribute."""

    def missing(header: Header, attribute: str) -> NoReturn:
        for field in header.fields:
            if field.attribute == attribute:
                raise FieldError(field.name, None)
        raise AttributeError(f"{cls.__name__} has no {attribute}")

    return type(cls.__name__, (cls,), {"__slots__": (), "__module__": cls.__module__, "__getattr__": missing})


API: dict[int, type[Header]] = {}
"""Every request code and the class that declares it; filled by importing `rocketpy.protocol.api`."""

_NOTHING: dict[str, str] = {}


def wire(
    name: str | None = None,
    *,
    short: str | None = None,
    default: Any = dataclasses.MISSING,
    missing: Any = REQUIRED,
) -> Any:
    """A field whose wire name is not its attribute's camelCase, which has a short name, or a default.

    `missing` is what a required text is read as where it is missing, if Java gets along with its null.
    """
    return dataclasses.field(default=default, metadata={"name": name, "short": short, "missing": missing})


@dataclass_transform(kw_only_default=True, field_specifiers=(wire,))
def reply(cls: H) -> H:
    """Declare a reply header."""
    return _declare(cls)


@dataclass_transform(kw_only_default=True, field_specifiers=(wire,))
def request(
    code: int,
    *,
    short: int | None = None,
    codes: Iterable[int] = (),
    reply: type[Header] | None = None,
    body: type | None = None,
    reply_body: type | None = None,
    strict: bool = False,
) -> Callable[[H], H]:
    """Declare a request header and put it into `API`.

    `short` is the code whose fields have one-letter names; `codes` are further codes of the same request; `strict`
    refuses fields that do not parse.
    """

    def decorate(cls: H) -> H:
        declared = _declare(cls)
        declared.code = code
        declared.short_code = short
        declared.codes = tuple(dict.fromkeys((code, *(() if short is None else (short,)), *codes)))
        declared.reply = reply
        declared.body = body
        declared.reply_body = reply_body
        declared.strict = strict
        for one in declared.codes:
            if one in API:
                raise TypeError(f"request code {one} is declared by {API[one].__name__} and {cls.__name__}")
            API[one] = declared
        return declared

    return decorate


def camel_case(attribute: str) -> str:
    """The Java name of a Python attribute: `queue_id` is `queueId`."""
    first, *others = attribute.split("_")
    return first + "".join(word.capitalize() for word in others)


def _declare(cls: H) -> H:
    declared: Any = dataclasses.dataclass(slots=True, kw_only=True)(cls)
    declared.fields = tuple(map(_field, dataclasses.fields(declared)))
    for short in (False, True):
        named = [(field, (field.short or field.name) if short else field.name) for field in declared.fields]
        readers = tuple(
            (field.attribute, name, _PARSERS[field.kind], field.default) for field, name in named
        )
        writers = tuple((field.attribute, name, field.kind == "str") for field, name in named)
        if short:
            declared._short_readers, declared._short_writers = readers, writers
        else:
            declared._readers, declared._writers = readers, writers
    return typing.cast(H, declared)


def _field(declaration: dataclasses.Field[Any]) -> Field:
    """The annotation is looked at as the text that it is: evaluating all of them took a third of the import."""
    kind = _KINDS.get(str(declaration.type).removesuffix(" | None"))
    if kind is None:
        raise TypeError(f"{declaration.name}: a field is str, Int, Long, bool or float, not {declaration.type}")
    required = declaration.default is dataclasses.MISSING
    return Field(
        attribute=declaration.name,
        name=declaration.metadata.get("name") or camel_case(declaration.name),
        short=declaration.metadata.get("short"),
        kind=kind,
        required=required,
        default=declaration.metadata.get("missing", REQUIRED) if required else declaration.default,
    )


_KINDS = {"str": "str", "Int": "int", "Long": "long", "bool": "bool", "float": "float"}
_PARSERS: dict[str, Callable[[str], Any] | None] = {
    "str": None,
    "int": parse_int,
    "long": parse_long,
    "bool": parse_bool,
    "float": float,
}
