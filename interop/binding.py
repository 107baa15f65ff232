"""The C++ binding for Python, `import rocketmq`, and what stands in for it: programs that run with either.

Of the binding's distributions only `rocketmq` 0.4.4 brings its C++ library along, for Linux on x86-64. It is installed
with pip into the cache outside the tree. Environment: ROCKETPY_BINDING names a directory with another `rocketmq`, for
one that was built by hand.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from interop.artifacts import MissingToolError, cache_directory, locked

STAND_IN = "rocketpy.compat_client"
BINDING = "rocketmq"
DISTRIBUTION = "rocketmq==0.4.4"
TIMEOUT = 180.0

_PROGRAM = Path(__file__).with_name("binding_program.py")


class NotInstallableError(Exception):
    """pip has no binding for this machine; the text says why, in pip's words."""


@cache
def binding() -> Path:
    """The directory to import the binding from.

    Raises NotInstallableError where there is none to be had, MissingToolError where the one there is cannot be loaded.
    """
    given = os.environ.get("ROCKETPY_BINDING")
    directory = Path(given) if given else _installed()
    tried = subprocess.run(
        [sys.executable, "-c", "import rocketmq.client"],
        capture_output=True, text=True, env=_environment(directory, directory), check=False,
    )  # fmt: skip
    if tried.returncode:
        raise MissingToolError(f"the C++ binding in {directory} cannot be loaded: {tried.stderr[-500:]}")
    return directory


def wanted(package: str) -> None:
    """Skips the test, saying why, where `package` is the binding and pip has none for this machine."""
    if package == BINDING:
        try:
            binding()
        except NotInstallableError as error:
            pytest.skip(str(error))


def run(package: str, home: Path, verb: str, namesrv: str, **request: Any) -> Any:
    """What the program says to a verb of it, with STAND_IN or BINDING; `home` gets the binding's log.

    Raises AssertionError when it fails, with what it wrote.
    """
    done = subprocess.run(
        [sys.executable, str(_PROGRAM), package, namesrv, verb, json.dumps(request)],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        env=_environment(home, binding() if package == BINDING else None),
        check=False,
    )
    assert done.returncode == 0, f"{package} {verb} ended with {done.returncode}: {done.stderr[-3000:]}"
    return json.loads(done.stdout.splitlines()[-1])


def _environment(home: Path, path: Path | None) -> dict[str, str]:
    usual = {name: value for name, value in os.environ.items() if name not in ("NAMESRV_ADDR", "PYTHONPATH")}
    root = str(_PROGRAM.parents[1])
    return {**usual, "HOME": str(home), "PYTHONPATH": root if path is None else str(path)}


def _installed() -> Path:
    directory = cache_directory("python") / "binding"
    if refusal := _refusal(directory):
        raise NotInstallableError(refusal)
    return directory


@cache
def _refusal(directory: Path) -> str:
    """Installs the binding there unless it is; why pip does not, or nothing. Asked once, since pip takes its time."""
    stamp = directory / "installed"
    with locked(directory):
        if stamp.exists() and stamp.read_text() == DISTRIBUTION:
            return ""
        shutil.rmtree(directory, ignore_errors=True)
        done = subprocess.run(
            [
                sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:",
                "--target", str(directory), DISTRIBUTION,
            ],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            return f"pip does not install {DISTRIBUTION}: {done.stderr[-500:]}"
        stamp.write_text(DISTRIBUTION)
    return ""
