"""The text format of java.util.Properties, which `-c` files and the bodies of UPDATE_..._CONFIG are written in.

Read by the letter of java.util.Properties.load(InputStream): ISO-8859-1, `#` and `!` comments, `=` `:` or white space
between key and value, a backslash at the end of a line to continue it, and the escapes \\t \\n \\r \\f \\uXXXX.
White space at the end of a value is part of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from rocketpy.errors import ConfigError

_BLANK = " \t\f"
_KEY = re.compile(r"(?:[^\\=: \t\f]|\\.)*", re.DOTALL)
_SEPARATOR = re.compile(r"[ \t\f]*[=:]?[ \t\f]*")
_ESCAPE = re.compile(r"\\(u.{0,4}|.)", re.DOTALL)
_ESCAPED = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


def parse_properties(data: bytes) -> dict[str, str]:
    """The keys and values of a properties file; the last of several values of a key counts.

    Raises ConfigError on a malformed \\u escape, the only thing that the format refuses.
    """
    properties: dict[str, str] = {}
    for line in _logical_lines(data.decode("latin-1")):
        key = _KEY.match(line)
        assert key is not None, "the pattern matches the empty string"
        separator = _SEPARATOR.match(line, key.end())
        assert separator is not None, "the pattern matches the empty string"
        properties[_unescape(key.group())] = _unescape(line[separator.end() :])
    return properties


def load_properties(path: str) -> dict[str, str]:
    """The keys and values of the file at `path`; ConfigError if it cannot be read or parsed."""
    try:
        with open(path, "rb") as file:
            return parse_properties(file.read())
    except OSError as error:
        raise ConfigError(f"cannot read the configuration file {path}: {error.strerror}") from error
    except ConfigError as error:
        raise ConfigError(f"cannot parse the configuration file {path}: {error}") from error


def format_properties(properties: Mapping[str, str]) -> str:
    """`key=value` lines without any escaping, in the order given (Java MixAll.properties2String)."""
    return "".join(f"{key}={value}\n" for key, value in properties.items())


def _logical_lines(text: str) -> Iterator[str]:
    """The lines without comments, blank ones and leading white space, continued ones joined."""
    begun = ""
    for natural in re.split(r"\r\n|\r|\n", text):
        line = begun + natural.lstrip(_BLANK)
        if not begun and (not line or line[0] in "#!"):
            continue
        if _is_continued(line):
            begun = line[:-1]
        else:
            begun = ""
            yield line
    if begun:
        yield begun


def _is_continued(line: str) -> bool:
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    # Two halves of a character beyond the BMP come as two escapes: join them.
    plain = _ESCAPE.sub(_escaped, text)
    return plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _escaped(match: re.Match[str]) -> str:
    escape = match.group(1)
    if escape[0] != "u":
        return _ESCAPED.get(escape, escape)
    if not re.fullmatch(r"u[0-9a-fA-F]{4}", escape):
        raise ConfigError("Malformed \\uxxxx encoding.")
    return chr(int(escape[1:], 16))
