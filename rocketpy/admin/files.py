"""Files that commands leave behind."""

from __future__ import annotations

from pathlib import Path

from rocketpy.admin.errors import JavaError


def write_file(path: Path, data: bytes) -> None:
    """Write `data`, and make the folder for it. Raises JavaError in the words of java.io.FileWriter."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise JavaError("java.io.FileNotFoundException", f"{path} ({error.strerror})") from error
