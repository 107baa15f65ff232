"""Options of a sub-command, read and explained as commons-cli 1.2 does with its PosixParser and HelpFormatter.

`-t X`, `-tX`, `--topic X`, `--topic=X`, `-topic X` and bundles like `-ln X` are all the same; a repeated option keeps
its first value, other words are ignored, and what follows `--` is none of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

_WIDTH = 110  # ServerUtil.java:46
_INDENT = 7  # behind "usage: "


class Option(NamedTuple):
    """One option. Of those with `either` exactly one must be given."""

    short: str
    long: str
    description: str
    argument: bool = True
    required: bool = False
    either: bool = False


COMMON = (
    Option("h", "help", "Print help", argument=False),
    Option("n", "namesrvAddr", "Name server address list, eg: '192.168.0.1:9876;192.168.0.2:9876'"),
)
"""What every sub-command has (ServerUtil.buildCommandlineOptions:31)."""


class OptionError(Exception):
    """The words do not fit the options. What is wrong Java does not tell."""


class Options:
    """The options of one sub-command, the common ones among them."""

    def __init__(self, own: Iterable[Option]) -> None:
        by_short = {one.short: one for one in (*COMMON, *own)}
        self.sorted = sorted(by_short.values(), key=lambda one: one.short.lower())
        self._by_name = {one.long: one for one in self.sorted} | by_short

    def find(self, word: str) -> Option | None:
        """The option that `word` names, with or without hyphens."""
        return self._by_name.get(word.removeprefix("-").removeprefix("-"))

    def parse(self, words: Sequence[str]) -> dict[str, list[str]]:
        """The values given to each option, by its short name; of a flag none.

        Raises OptionError for an unknown option, a missing value, a required option that is missing, or two of a group.
        """
        given: dict[str, list[str]] = {}
        chosen: Option | None = None
        rest = self._flatten(words)
        while rest:
            word = rest.pop(0)
            if word == "--":
                break
            if not word.startswith("-") or word == "-":
                continue
            option = self.find(word)
            if option is None:
                raise OptionError(f"there is no option {word}")
            if option.either:
                if chosen is not None and chosen != option:
                    raise OptionError(f"-{chosen.short} and -{option.short} exclude each other")
                chosen = option
            values = given.setdefault(option.short, [])
            if option.argument:
                values.append(self._value(option, rest))
        missing = [f"-{one.short}" for one in self.sorted if one.required and one.short not in given]
        if missing:
            raise OptionError(f"{' and '.join(missing)} must be given")
        group = [f"-{one.short}" for one in self.sorted if one.either]
        if chosen is None and group:
            raise OptionError(f"{' or '.join(group)} must be given")
        return given

    def usage(self, program: str) -> str:
        """The help text (HelpFormatter.printHelp with autoUsage)."""
        heads = [f" -{one.short},--{one.long}" + (" <arg>" if one.argument else "") for one in self.sorted]
        column = max(map(len, heads)) + 3
        lines = [_wrap(f"usage: {program} {self._synopsis()}", _INDENT)]
        for head, option in zip(heads, self.sorted, strict=True):
            lines.append(_wrap(head.ljust(column) + option.description, column))
        return "\n".join(lines) + "\n"

    def _synopsis(self) -> str:
        parts = []
        group = [one for one in self.sorted if one.either]
        for option in self.sorted:
            if option.either:
                parts.append(" | ".join(map(_shown, group)) if option is group[0] else "")
            else:
                parts.append(_shown(option) if option.required else f"[{_shown(option)}]")
        return " ".join(parts)

    def _value(self, option: Option, rest: list[str]) -> str:
        if not rest or (rest[0].startswith("-") and self.find(rest[0]) is not None):
            raise OptionError(f"-{option.short} needs a value")
        return _unquoted(rest.pop(0))

    def _flatten(self, words: Sequence[str]) -> list[str]:
        """One word an option or value (PosixParser.flatten:92)."""
        flat: list[str] = []
        for word in words:
            if word.startswith("--"):
                name, equals, value = word.partition("=")
                if self.find(name) is None:
                    flat.append(word)
                else:
                    flat += (name, value) if equals else (name,)
            elif word.startswith("-") and len(word) > 2 and self.find(word) is None:
                flat += self._burst(word)
            else:
                flat.append(word)
        return flat

    def _burst(self, word: str) -> list[str]:
        """The options bundled in `word`; the first with a value takes what follows (PosixParser.burstToken:245)."""
        flat: list[str] = []
        for at, letter in enumerate(word[1:], start=1):
            option = self.find(letter)
            if option is None:
                flat.append(word)
                break
            flat.append(f"-{letter}")
            if option.argument and word[at + 1 :]:
                flat.append(word[at + 1 :])
                break
        return flat


def _shown(option: Option) -> str:
    return f"-{option.short} <arg>" if option.argument else f"-{option.short}"


def _unquoted(text: str) -> str:
    return text.removeprefix('"').removesuffix('"')


def _wrap(text: str, indent: int) -> str:
    """`text` in lines of at most 110 columns, all but the first indented (HelpFormatter.renderWrappedText:798)."""
    lines = []
    at = _break(text)
    while at is not None:
        lines.append(text[:at].rstrip())
        text = " " * indent + text[at:].strip()
        at = _break(text)
        if at == indent - 1:
            at = None
    return "\n".join([*lines, text])


def _break(text: str) -> int | None:
    """Where the line ends: at the last blank that fits, or the first beyond; None if all of it fits."""
    if len(text) <= _WIDTH:
        return None
    at = text.rfind(" ", 0, _WIDTH + 1)
    if at <= 0:
        at = text.find(" ", _WIDTH)
    return at if at > 0 else None
