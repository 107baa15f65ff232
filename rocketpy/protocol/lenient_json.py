"""The JSON that fastjson reads although it is none, and the references that it writes.

Used when orjson has refused the text. Taken from fastjson's JSONLexerBase and DefaultJSONParser with its default
features: names may be bare words, integers, objects or arrays; strings may be in single quotes, with Java's and C's
escapes; commas may be missing in an array and superfluous anywhere; comments are blanks; numbers may have a plus, a
leading zero and one of Java's suffixes. What fastjson writes only with WriteClassName (`Set[...]`, `new Date(...)`)
is refused.
"""

from __future__ import annotations

import re
from typing import Any, NoReturn

from rocketpy.errors import ProtocolError

MAX_DEPTH = 200
"""Nesting beyond this is refused: nothing that RocketMQ writes is deeper than ten."""

_BLANKS = re.compile(r"(?:[ \t\r\n\f\b\v]|//[^\n]*|/\*.*?\*/)*+", re.DOTALL)
_BLANKS_AND_COMMAS = re.compile(r"(?:[ \t\r\n\f\b\v,]|//[^\n]*|/\*.*?\*/)*+", re.DOTALL)
_STRING = {
    '"': re.compile(r'"((?:[^"\\]++|\\.)*+)"', re.DOTALL),
    "'": re.compile(r"'((?:[^'\\]++|\\.)*+)'", re.DOTALL),
}
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_NUMBER = re.compile(r"([+-]?\d+)(\.\d*)?([eE][+-]?\d+)?([LSBDF]?)", re.ASCII)
_WORD = re.compile(r"(?!\d)[\w$]\w*")
_SURROGATE = re.compile("[\ud800-\udfff]")
_STEP = re.compile(r"\.((?:\\.|[^.\[\\])+)|\[(\d+)\]")

_UNESCAPED = dict(zip("btnvfFr\"'/\\01234567", "\b\t\n\v\f\f\r\"'/\\\0\1\2\3\4\5\6\7", strict=True))
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None, "undefined": None, "NaN": None}


class ObjectKey:
    """An object or array that is the name of a member; `value` must not change."""

    __slots__ = ("_hash", "value")

    def __init__(self, value: Any) -> None:
        self.value = value
        self._hash = hash(repr(value))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ObjectKey) and self.value == other.value

    def __repr__(self) -> str:
        return f"ObjectKey({self.value!r})"


def read_lenient(text: str) -> Any:
    """The value in `text`, None for an empty one; raises ProtocolError with the place where it ends to make sense."""
    text = text.removeprefix("\ufeff").rstrip("\0\x1a")
    if not text or text.isspace():
        return None
    reader = _Reader(text)
    value = reader.value(0)
    reader.expect_end()
    return resolve_references(value) if "$ref" in text else value


def resolve_references(value: Any) -> Any:
    """`value`, with each `{"$ref": path}` replaced by what the path leads to.

    A path starts with `$`, the whole value. One that leads nowhere, or to something around the reference itself,
    becomes None: nobody who reads by type could follow a circle. Raises ProtocolError when nested too deeply.
    """
    return _resolve(value, value, (), {})


def _resolve(value: Any, root: Any, around: tuple[int, ...], resolved: dict[int, Any]) -> Any:
    """Each container is resolved once: references to references must not multiply the work."""
    if not isinstance(value, (dict, list)):
        return value
    if id(value) in resolved:
        return resolved[id(value)]
    if len(around) > MAX_DEPTH:
        raise ProtocolError(f"not JSON: nested deeper than {MAX_DEPTH}")
    inside = (*around, id(value))
    result: Any
    if isinstance(value, list):
        result = [_resolve(item, root, inside, resolved) for item in value]
    elif len(value) == 1 and isinstance(path := value.get("$ref"), str):
        target = _follow(path, root)
        result = None if id(target) in inside else _resolve(target, root, inside, resolved)
    else:
        result = {name: _resolve(item, root, inside, resolved) for name, item in value.items()}
    resolved[id(value)] = result
    return result


def _follow(path: str, root: Any) -> Any:
    if not path.startswith("$"):
        return None
    value = root
    position = 1
    while position < len(path):
        step = _STEP.match(path, position)
        if step is None:
            return None
        position = step.end()
        name, index = step.groups()
        if index is not None and isinstance(value, list) and int(index) < len(value):
            value = value[int(index)]
        elif name is not None and isinstance(value, dict):
            value = value.get(re.sub(r"\\(.)", r"\1", name))
        else:
            return None
    return value


class _Reader:
    """A place in a text, and what can be read from there."""

    __slots__ = ("position", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0

    def value(self, depth: int) -> Any:
        sign = self._skip(_BLANKS)
        if sign == "{":
            return self._object(depth + 1)
        if sign == "[":
            return self._array(depth + 1)
        if sign in _STRING:
            return self._string(sign)
        if sign in "+-0123456789" and sign:
            return self._number()
        return self._known_word()

    def expect_end(self) -> None:
        if self._skip(_BLANKS):
            self._refuse("something follows the value")

    def _object(self, depth: int) -> dict[Any, Any]:
        self._enter(depth)
        members: dict[Any, Any] = {}
        while self._skip(_BLANKS_AND_COMMAS) != "}":
            name = self._name(depth)
            if self._skip(_BLANKS) != ":":
                self._refuse("a colon is missing")
            self.position += 1
            members[name] = self.value(depth)
            if self._skip(_BLANKS) not in (",", "}"):
                self._refuse("neither comma nor brace follows a member")
        self.position += 1
        return members

    def _name(self, depth: int) -> Any:
        sign = self.text[self.position : self.position + 1]
        if sign in _STRING:
            return self._string(sign)
        if sign in "{[" and sign:
            return ObjectKey(self.value(depth))
        word = _WORD.match(self.text, self.position)
        if word is None:
            return self._number()
        self.position = word.end()
        return word[0]

    def _array(self, depth: int) -> list[Any]:
        self._enter(depth)
        items = []
        while self._skip(_BLANKS_AND_COMMAS) != "]":
            items.append(self.value(depth))
        self.position += 1
        return items

    def _string(self, quote: str) -> str:
        match = _STRING[quote].match(self.text, self.position)
        if match is None:
            self._refuse("a string has no end")
        text = match[1]
        if "\\" in text:
            text = _ESCAPE.sub(self._unescape, text)
            if _SURROGATE.search(text):  # halves of a pair, each escaped; Java writes what is left alone as "?"
                joined = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
                text = joined.encode("utf-8", "replace").decode()
        self.position = match.end()
        return text

    def _unescape(self, match: re.Match[str]) -> str:
        digits = match[1] or match[2]
        if digits:
            return chr(int(digits, 16))
        if match[3] not in _UNESCAPED:
            self._refuse(f"unknown escape \\{match[3]}")
        return _UNESCAPED[match[3]]

    def _number(self) -> int | float:
        match = _NUMBER.match(self.text, self.position)
        if match is None:
            self._refuse("a value or a name is missing")
        self.position = match.end()
        whole, fraction, exponent, suffix = match.groups()
        if len(match[0]) > 400:
            self._refuse("a number is too long")
        if fraction or exponent or suffix in ("D", "F"):
            return float(whole + (fraction or "") + (exponent or ""))
        return int(whole)

    def _known_word(self) -> Any:
        word = _WORD.match(self.text, self.position)
        if word is None or word[0] not in _WORDS:
            self._refuse("a value is missing")
        self.position = word.end()
        return _WORDS[word[0]]

    def _enter(self, depth: int) -> None:
        if depth > MAX_DEPTH:
            self._refuse(f"nested deeper than {MAX_DEPTH}")
        self.position += 1

    def _skip(self, blanks: re.Pattern[str]) -> str:
        """Go on to what is no blank and tell its first character, "" at the end."""
        match = blanks.match(self.text, self.position)
        if match is not None:
            self.position = match.end()
        return self.text[self.position : self.position + 1]

    def _refuse(self, why: str) -> NoReturn:
        snippet = self.text[max(0, self.position - 20) : self.position + 20]
        raise ProtocolError(f"not JSON: {why} at character {self.position}, near {snippet!r}")
