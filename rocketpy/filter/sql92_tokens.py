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
    """What Java says of a word that is none (TokenMgrError.lexicalError:101): how far it read, and what it saw last."""
    rest = text[start:]
    if rest[0] == "'" or rest.startswith("/*"):
        seen, failed = rest, len(text)
    elif rest[0] in "./":
        seen, failed = rest[0], start + 1
    else:
        seen, failed = "", start
    line, column = place(text, failed)
    if failed < len(text):
        met = f'"{escaped(text[failed])}" ({ord(text[failed])}), '
    else:
        met = "<EOF> "
        if failed > start:
            line, column = place(text, failed - 1)
    return f'Lexical error at line {line}, column {column}.  Encountered: {met}after : "{escaped(seen)}"'


def place(text: str, position: int) -> tuple[int, int]:
    """Line and column, both from 1; a tab goes to the next column that 8 divides."""
    line = column = 1
    for index in range(position):
        character = text[index]
        if character == "\n" or (character == "\r" and text[index + 1 : index + 2] != "\n"):
            line, column = line + 1, 1
        elif character == "\t":
            column += 8 - (column - 1) % 8
        else:
            column += 1
    return line, column


def escaped(text: str) -> str:
    """As in a Java string literal."""
    return "".join(_ESCAPES.get(c, c if " " <= c <= "~" else f"\\u{ord(c):04x}") for c in text)
