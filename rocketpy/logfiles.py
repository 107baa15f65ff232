"""Log files where the Java distribution has them: `namesrv.log`, or `broker.log` and `store.log`; in `otherdays/` the
older ones.

They are written beside what goes to the console, never instead of it: a directory that cannot be written costs one
line, and nothing is lost.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from functools import partial
from logging.handlers import RotatingFileHandler

from rocketpy.config.address import user_home

FORMAT = "%(asctime)s %(levelname)s %(threadName)s - %(message)s"
"""Java's `%d %p %t - %m%n` (logback_broker.xml)."""
FILE_SIZE = 128 << 20
"""Bytes after which a file is moved to `otherdays/` (logback_broker.xml), where Java compresses it."""
KEPT_FILES = 10


class _LogFile(RotatingFileHandler):
    def __init__(self, directory: str, name: str, takes: Callable[[str], bool]) -> None:
        super().__init__(f"{directory}/{name}.log", maxBytes=FILE_SIZE, backupCount=KEPT_FILES, encoding="utf-8")
        self.namer = lambda path: f"{directory}/otherdays/{name}.{path.rpartition('.')[2]}.log"
        self.setFormatter(logging.Formatter(FORMAT))
        self.addFilter(lambda record: takes(record.name))
        self._complained = False

    def handleError(self, record: logging.LogRecord) -> None:
        """Say once that the file cannot be written any more; the console has the line."""
        if not self._complained:
            self._complained = True
            _say(self.baseFilename, sys.exception())


def log_to_files(directory: str, *own: str, rest: str) -> None:
    """Have all that is logged written below `directory`, too; a leading "~" is the user's home in Java's sense.

    NAME.log gets what is logged as `rocketpy.NAME`, for each of `own`; `rest` is the name of the file for the rest.
    """
    if directory.startswith("~/"):
        directory = user_home() + directory[1:]
    prefixes = tuple(f"rocketpy.{name}" for name in own)
    try:
        os.makedirs(f"{directory}/otherdays", exist_ok=True)
        files = [_LogFile(directory, rest, lambda logger: not logger.startswith(prefixes))]
        files += [_LogFile(directory, name, partial(_is_of, f"rocketpy.{name}")) for name in own]
    except OSError as error:
        _say(directory, error)
        return
    for file in files:
        logging.getLogger().addHandler(file)


def _is_of(prefix: str, logger: str) -> bool:
    return logger.startswith(prefix)


def _say(path: str, error: BaseException | None) -> None:
    reason = error.strerror if isinstance(error, OSError) else error
    print(f"no log is written to {path}: {reason}; the console has it", file=sys.stderr)
