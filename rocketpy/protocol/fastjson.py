"""JSON as fastjson 1.2.69 writes and reads it, which is what RocketMQ has on the wire and in config/*.json.

It differs from the standard where Java's maps have keys that are no strings: `{0:"10.0.0.1:10911"}` has a bare
integer, `{{"brokerName":"b","queueId":0,"topic":"t"}:5}` an object as the name of a member (MapSerializer of
fastjson). Clients depend on it, so does the Go client's splitter on there being no blanks. Here such a key is an int
or an `ObjectKey`.

Members that are None are left out, as fastjson does by default. `tests/protocol/test_fastjson.py` holds both
directions against what fastjson was seen to do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from math import isfinite
from typing import Any

import orjson

from rocketpy.errors import ProtocolError
from rocketpy.protocol.lenient_json import ObjectKey, read_lenient, resolve_references

__all__ = ["ObjectKey", "dumps", "java_double", "loads"]

Add = Callable[[str], None]

_ESCAPED = {ord(sign): "\\" + letter for sign, letter in zip('\b\t\n\f\r"\\', 'btnfr"\\', strict=True)}
_TO_ESCAPE = re.compile(r'[\x00-\x1f"\\\x7f-\x9f\u2028\u2029]')
_TO_ESCAPE_FOR_BROWSERS = re.compile(r"[^ !#-.0-\[\]-~]")


def loads(data: bytes | bytearray | memoryview | str) -> Any:
    """The value that `data` holds; None for nothing at all, as in fastjson.

    Bare integer names become ints, objects as names `ObjectKey`s, and `{"$ref": "$.a[0]"}` the value it points at.
    Raises ProtocolError for what fastjson would not read either.
    """
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        text = data if isinstance(data, str) else str(data, "utf-8", "replace")
        return read_lenient(text)
    marker = '"$ref"' if isinstance(data, str) else b'"$ref"'
    if marker in (data.tobytes() if isinstance(data, memoryview) else data):  # type: ignore[operator]
        return resolve_references(value)
    return value


def dumps(value: Any, *, standard: bool = False, pretty: bool = False) -> bytes:
    """`value` as UTF-8: dicts, lists, tuples, strings, numbers, booleans and None.

    `standard` is what GET_ROUTEINFO_BY_TOPIC gives to clients from 4.9.4 on (DefaultRequestProcessor.java:384): every
    name is a string, maps are sorted and all that is not ASCII is escaped. `pretty` is the form of config/*.json
    (ConfigManager.java:70). A tuple stands for a Java Set; only `pretty` tells it from a list. Raises ProtocolError if
    `value` is nested too deeply, TypeError if there is something else in it.
    """
    parts: list[str] = []
    try:
        if pretty:
            _write_pretty(parts.append, value, 0)
        else:
            _write(parts.append, value, standard=standard)
    except RecursionError:
        raise ProtocolError("not JSON: nested too deeply") from None
    return "".join(parts).encode("utf-8", "replace")


def java_double(number: float) -> str:
    """A double as Java's Double.toString has it: 1.0, 1.0E7, 1.0E-4; `null`, as in fastjson, if it is not finite."""
    if not isfinite(number):
        return "null"
    size = abs(number)
    if 1e-3 <= size < 1e7 or size == 0:
        return repr(number)
    if size == 5e-324:
        return "-4.9E-324" if number < 0 else "4.9E-324"
    sign, digits, exponent = Decimal(repr(number)).as_tuple()
    text = "".join(map(str, digits)).rstrip("0")
    exponent_of_ten = len(digits) + int(exponent) - 1
    return f"{'-' if sign else ''}{text[0]}.{text[1:] or '0'}E{exponent_of_ten}"


def _quote(text: str) -> str:
    return f'"{_TO_ESCAPE.sub(_escape, text)}"'


def _quote_for_browsers(text: str) -> str:
    return f'"{_TO_ESCAPE_FOR_BROWSERS.sub(_escape_for_browsers, text)}"'


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return _ESCAPED.get(code) or f"\\u{code:04X}"


def _escape_for_browsers(match: re.Match[str]) -> str:
    if match[0] == "/":
        return "\\/"
    code = ord(match[0])
    if code < 0x10000:
        return _escape(match)
    units = match[0].encode("utf-16-be").hex().upper()
    return f"\\u{units[:4]}\\u{units[4:]}"


def _is_offsets(value: dict[Any, Any]) -> bool:
    """Whether all names and all values are ints, as in most of consumerOffset.json."""
    return set(map(type, value)) == {int} == set(map(type, value.values()))


def _offsets(value: dict[int, int]) -> str:
    """All but the brace at the end; written every 5 s, this takes a third of the time of going item by item."""
    return "{" + ",".join([f"{key}:{item}" for key, item in value.items()])


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        return java_double(value)
    raise TypeError(f"{type(value).__name__} is nothing that JSON knows")


def _write(add: Add, value: Any, *, standard: bool) -> None:
    if isinstance(value, str):
        add(_quote_for_browsers(value) if standard else _quote(value))
    elif isinstance(value, dict):
        if not standard and _is_offsets(value):
            add(_offsets(value) + "}")
            return
        separator = "{"
        for key in _sorted(value) if standard else value:
            item = value[key]
            if item is None:
                continue
            add(separator)
            separator = ","
            _write(add, _name(key) if standard else _bare(key), standard=standard)
            add(":")
            _write(add, item, standard=standard)
        add("}" if separator == "," else "{}")
    elif isinstance(value, (list, tuple)):
        separator = "["
        for item in value:
            add(separator)
            separator = ","
            _write(add, item, standard=standard)
        add("]" if separator == "," else "[]")
    else:
        add(_scalar(value))


def _bare(key: Any) -> Any:
    return key.value if isinstance(key, ObjectKey) else key


def _name(key: Any) -> str:
    return key if isinstance(key, str) else dumps(_bare(key)).decode()


def _sorted(keys: Iterable[Any]) -> list[Any]:
    """Keys as a java.util.TreeMap orders them; those that do not compare stay as they are, as in fastjson."""
    names = list(keys)
    if all(isinstance(name, str) for name in names):
        return sorted(names, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
    if all(isinstance(name, int) for name in names):
        return sorted(names)
    return names


def _write_pretty(add: Add, value: Any, indent: int) -> None:
    """Each member on a line of its own, but for those whose name is no string, and for the items of a Set."""
    if isinstance(value, str):
        add(_quote(value))
    elif isinstance(value, dict) and value:
        _write_pretty_members(add, value, indent)
    elif isinstance(value, list) and value:
        line = "\n" + "\t" * (indent + 1)
        for at, item in enumerate(value):
            add("," if at else "[")
            add(line)
            _write_pretty(add, item, indent + 1)
        add("\n" + "\t" * indent + "]")
    elif isinstance(value, tuple) and value:
        for at, item in enumerate(value):
            add("," if at else "[")
            _write_pretty(add, item, indent)
        add("]")
    elif isinstance(value, (dict, list, tuple)):
        add("{}" if isinstance(value, dict) else "[]")
    else:
        add(_scalar(value))


def _write_pretty_members(add: Add, value: dict[Any, Any], indent: int) -> None:
    if _is_offsets(value):
        add(_offsets(value))
        add("\n" + "\t" * indent + "}")
        return
    line = "\n" + "\t" * (indent + 1)
    separator = "{"
    for key, item in value.items():
        if item is None:
            continue
        add(separator)
        separator = ","
        if isinstance(key, str):
            add(line)
        _write_pretty(add, _bare(key), indent + 1)
        add(":")
        _write_pretty(add, item, indent + 1)
    if separator == "{":
        add("{")
    add("\n" + "\t" * indent + "}")
