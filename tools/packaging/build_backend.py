"""The build backend: setuptools', which asks for mypy as well when the hot path is to be compiled (see setup.py).

An editable install stays plain Python, whose files can be edited, unless ROCKETPY_COMPILE=1.
"""

from __future__ import annotations

import os
import shutil
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

from setuptools import build_meta
from setuptools.build_meta import build_sdist as build_sdist
from setuptools.build_meta import build_wheel as build_wheel
from setuptools.build_meta import get_requires_for_build_sdist as get_requires_for_build_sdist
from setuptools.build_meta import prepare_metadata_for_build_wheel as prepare_metadata_for_build_wheel

COMPILER = ["mypy>=1.18"]


def get_requires_for_build_wheel(config_settings: Any = None) -> list[str]:
    requires = build_meta.get_requires_for_build_wheel(config_settings)
    wish = os.environ.get("ROCKETPY_COMPILE", "")
    return [*requires, *(COMPILER if wish == "1" or (wish != "0" and _can_compile()) else [])]


def get_requires_for_build_editable(config_settings: Any = None) -> list[str]:
    requires = build_meta.get_requires_for_build_editable(config_settings)
    return [*requires, *(COMPILER if os.environ.get("ROCKETPY_COMPILE") == "1" else [])]


def prepare_metadata_for_build_editable(metadata_directory: str, config_settings: Any = None) -> str:
    return _plain(build_meta.prepare_metadata_for_build_editable, metadata_directory, config_settings)


def build_editable(wheel_directory: str, config_settings: Any = None, metadata_directory: str | None = None) -> str:
    return _plain(build_meta.build_editable, wheel_directory, config_settings, metadata_directory)


def _plain(build: Callable[..., str], *arguments: Any) -> str:
    os.environ.setdefault("ROCKETPY_COMPILE", "0")
    return build(*arguments)


def _can_compile() -> bool:
    """Whether there seem to be a C compiler and Python's headers, so that fetching mypy is worth it."""
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    return shutil.which(compiler) is not None and Path(sysconfig.get_path("include"), "Python.h").exists()
