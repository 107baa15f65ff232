"""The words of a SQL92 filter (SelectorParser.jj), read one at a time: what follows a complete expression is ignored.

Texts of errors are Java's: they reach the client through CHECK_CLIENT_CONFIG.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

EOF: Final = "<EOF>"
DECIMAL: Final = "<DECIMAL_LITERAL>"
FLOATING: Final = "<FLOATING_POINT_LITERAL>"
STRING: Final = "<STRING_LITERAL>"
ID: Final = "<ID>"
NOT: Final = '"NOT"'
AND: Final = '"AND"'
OR: Final = '"OR"'
BETWEEN: Final = '"BETWEEN"'
IN: Final = '"IN"'
TRUE: Final = '"TRUE"'
FALSE: Final = '"FALSE"'
NULL: Final = '"NULL"'
IS: Final = '"IS"'
SYMBOLS: Final = ("=", "<>", ">", ">=", "<", "<=", "(", ",", ")", "+", "-")
KINDS: Final = (
    EOF, NOT, AND, OR, BETWEEN, IN, TRUE, FALSE, NULL, IS, DECIMAL, FLOATING, STRING, ID,
    *(f'"{symbol}"' for symbol in SYMBOLS),
)  # fmt: skip
"""All kinds of words, in the order in which an error lists what it expected."""

_KEYWORDS: Final = {kind.strip('"'): kind for kind in (NOT, AND, OR, BETWEEN, IN, TRUE, FALSE, NULL, IS)}
_SKIPPED: Final = re.compile(
    r"(?:[ \t\n\r\f]|--[^\n\r]*(?:\r\n|\n|\r)|/\*[^*]*\*(?:\*|[^*/][^*]*\*)*/)*",
)
_WORD: Final = re.compile(
    r"(?P<floating>[0-9]+\.[0-9]*(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+)"
    r"|(?P<decimal>0|[1-9][0-9]*[lL]?)"
    r"|(?P<string>'(?:''|[^'])*')"
    r"|(?P<id>[a-zA-Z_$][a-zA-Z0-9_$]*)"
    r"|(?P<symbol><>|>=|<=|[=<>(),+-])"
)
_LITERALS: Final = {"floating": FLOATING, "decimal": DECIMAL, "string": STRING}
_ESCAPES: Final = {
    "\0": "", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "'": "\\'", "\\": "\\\\"
}  # fmt: skip


class Word(NamedTuple):
    """A word, of a kind of KINDS, and where it begins."""

    kind: str
    image: str
    position: int


class LexicalError(ValueError):
    """Characters that begin no word."""


def word_at(text: str, position: int) -> tuple[Word, int]:
    """The first word from `position` on, and where to go on. Raises LexicalError."""
    skipped = _SKIPPED.match(text, position)
    start = position if skipped is None else skipped.end()
    if start == len(text):
        return Word(EOF, "", start), start
    found = _WORD.match(text, start)
    if found is None:
        raise LexicalError(_complaint(text, start))
    image, group = found.group(), found.lastgroup or ""
    if group == "symbol":
        kind = f'"{image}"'
    elif group == "id":
        kind = _KEYWORDS.get(image.upper(), ID)
    else:
        kind = _LITERALS[group]
    return Word(kind, image, start), found.end()


def _complaint(text: str, start: int) -> str:
    """What Java says of a word that is none (SelectorParserTokenManager.getNextToken:900, TokenMgrError:101).

    It tells of the last character that was read, or of the end of the text if that was the last one.
    """
    text, start = units(text), len(units(text[:start]))
    rest = text[start:]
    read = 1
    if rest[0] == "'" or rest.startswith("/*"):
        read = len(rest)
    elif rest[0] in "./":
        read = min(2, len(rest))
    line, column = place(text, start + read - 1)
    if read < len(rest):
        met, seen = rest[read - 1], rest[: read - 1]
        encountered = f'"{escaped(met)}" ({ord(met)}), '
    else:
        seen = rest if read > 1 else ""
        encountered = "<EOF> "
        line, column = (line + 1, 0) if rest[-1] in "\r\n" else (line, column + 1)
    return f'Lexical error at line {line}, column {column}.  Encountered: {encountered}after : "{escaped(seen)}"'


def units(text: str) -> str:
    """Java's chars: what is beyond U+FFFF are two."""
    if text.isascii():
        return text
    data = text.encode("utf-16-be", "surrogatepass")
    return "".join(chr(int.from_bytes(data[index : index + 2], "big")) for index in range(0, len(data), 2))


def place(text: str, position: int) -> tuple[int, int]:
    """Line and column of a character, both from 1 (SimpleCharStream.UpdateLineColumn); a tab counts to its end."""
    line, column = 1, 0
    before = ""
    for character in text[: position + 1]:
        column += 1
        if before == "\n" or (before == "\r" and character != "\n"):
            line, column = line + 1, 1
        if character == "\t":
            column += 7 - (column - 1) % 8
        before = character
    return line, column


def escaped(text: str) -> str:
    """As in a Java string literal."""
    return "".join(_ESCAPES.get(c, c if " " <= c <= "~" else f"\\u{ord(c):04x}") for c in text)
