"""The container engine that answers: the one that DOCKER_HOST names, else the one at the usual socket.

Where there is none, `python -m interop.own_engine COMMAND` runs a command beside one that it starts.
"""

from __future__ import annotations

import os
import socket
from functools import cache

import docker
import docker.utils
from docker.errors import DockerException
from requests import RequestException

from interop.artifacts import MissingToolError

REASON = "ROCKETPY_NO_ENGINE"
"""Environment: why no engine could be started, for those who miss it."""

ANSWER_TIMEOUT = 120
"""Seconds that the engine may take for an answer: a loaded machine unpacks images slowly."""


@cache
def engine() -> docker.DockerClient:
    """The engine, asked once whether it answers. Raises MissingToolError with the reason where there is none."""
    try:
        _knock(str(docker.utils.parse_host(os.environ.get("DOCKER_HOST"))))
        client = docker.from_env(timeout=ANSWER_TIMEOUT)
        client.ping()
    except (DockerException, RequestException, OSError) as error:
        reason = os.environ.get(REASON, "start one, or try python -m interop.own_engine COMMAND as root")
        raise MissingToolError(f"no container engine answers ({error}); {reason}") from None
    return client


def _knock(host: str) -> None:
    """See whether there is a socket: the SDK does not close its own where there is none. Raises OSError."""
    path = host.removeprefix("http+unix://")
    if path != host:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(path)
