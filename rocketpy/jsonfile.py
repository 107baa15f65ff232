"""The JSON files under config/ as Java keeps them: NAME, the generation before it in NAME.bak, NAME.tmp while writing.

Java deletes NAME and then renames NAME.tmp to it (MixAll.string2File:168-186). Here NAME is replaced in one step, and
NAME.bak is written after that: at every moment NAME is complete, whatever happens to the process or the machine.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import TypeVar

from rocketpy.disk import disk_at
from rocketpy.errors import ConfigError, RocketpyError

T = TypeVar("T")
_log = logging.getLogger("rocketpy.jsonfile")


def load(path: str, parse: Callable[[bytes], T]) -> T | None:
    """What `parse` makes of the file at `path`, or of its .bak; None if neither holds anything.

    The order is Java's (ConfigManager.load:30-67): NAME if it is there, not empty and parses, otherwise NAME.bak.
    `parse` refuses by raising RocketpyError or ValueError. Where Java goes on with nothing although a file was there
    and could not be used, and overwrites it later, this raises ConfigError, naming both files and what is wrong.
    """
    problems: list[str] = []
    unusable = False
    for name in (path, f"{path}.bak"):
        try:
            data = _read(name)
            if data:
                return parse(data)
            problems.append(f"{name}: {'missing' if data is None else 'empty'}")
        except (OSError, ValueError, RocketpyError) as error:
            unusable = True
            problems.append(f"{name}: {_one_line(error)}")
            _log.warning("cannot use %s", problems[-1])
    if unusable:
        raise ConfigError("; ".join(problems))
    return None


def save(path: str, data: bytes) -> None:
    """Makes `data` the content of `path`, on disk when this returns, and the former content that of `path`.bak.

    Directories are made as needed. Blocks for an fsync: call it from a thread pool where that matters, and never twice
    at a time for one path. Raises ConfigError if the file cannot be written: it is then what it was, or what it should
    be if only its name could not be synced.
    """
    disk = disk_at(path)
    try:
        disk.make_directories(os.path.dirname(path) or ".")
        former = _read(path)
        disk.replace(path, data)
        if former is not None:
            with open(f"{path}.bak", "wb") as file:
                file.write(former)
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {_one_line(error)}") from error


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


def _one_line(error: Exception) -> str:
    reason = error.strerror if isinstance(error, OSError) else None
    return " ".join((reason or str(error) or type(error).__name__).split())
