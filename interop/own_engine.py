"""`python -m interop.own_engine COMMAND...`: runs COMMAND beside a container engine, which is there only for it.

If an engine answers already, COMMAND simply uses that. Else dockerd is started in namespaces of their own (network,
mounts, processes), and COMMAND in the same ones: it reaches the containers and no other network, a second engine is
not disturbed, and whatever happens the machine has no mount, bridge, iptables rule or process of it afterwards. Where
dockerd cannot run, COMMAND runs all the same and finds the reason in ROCKETPY_NO_ENGINE.

Needs Linux, root, and Debian's packages docker.io, iptables and iproute2.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from interop.artifacts import MissingToolError
from interop.engine import REASON, engine

START_TIMEOUT = 60.0
NEEDED = ("dockerd", "iptables", "ip", "unshare", "mount")
HIDDEN = (Path("/run"), Path("/etc/docker"))
"""What dockerd writes to whatever it is told: empty directories in the namespace lie over them."""


def main(arguments: Sequence[str]) -> int:
    """The exit status of the command."""
    if not arguments:
        raise SystemExit("usage: python -m interop.own_engine COMMAND...")
    try:
        engine()
    except MissingToolError:
        pass
    else:
        return _outcome(subprocess.run(arguments, check=False).returncode)
    reason = _hindrance()
    if reason is not None:
        return _without(reason, arguments)
    signal.signal(signal.SIGTERM, _leave)  # so that everything is cleared away
    with _home() as home:
        return _outcome(_run_in_namespaces(home, arguments))


def _hindrance() -> str | None:
    """Why no engine can be started here, if so."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "and to start one takes root on Linux"
    if missing := [name for name in NEEDED if shutil.which(name) is None]:
        return f"and to start one takes {', '.join(missing)}, which this machine does not have"
    tried = subprocess.run([*_UNSHARE, "sh", "-ec", _REHEARSAL], capture_output=True, text=True, check=False)
    return f"and none can be started: {tried.stderr.strip()}" if tried.returncode else None


_REHEARSAL = "ip link set lo up; mount -t tmpfs tmpfs /run; iptables --wait --list >/dev/null"
"""What `inside` and dockerd are about to do."""
_UNSHARE = ("unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child")


def _without(reason: str, command: Sequence[str]) -> int:
    print(f"no container engine: {reason}", file=sys.stderr)
    return _outcome(subprocess.run(command, env={**os.environ, REASON: reason}, check=False).returncode)


def _outcome(status: int) -> int:
    return status if status >= 0 else 128 - status


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


@contextmanager
def _home() -> Iterator[Path]:
    """A directory for everything that the engine writes; with the control groups it is removed at the end."""
    home = Path(tempfile.mkdtemp(prefix="rocketpy-engine-"))
    absent = [path for path in HIDDEN if not path.exists()]
    try:
        for path in absent:
            path.mkdir()
        yield home
    finally:
        for path in absent:
            path.rmdir()
        _remove_control_groups(home.name)
        shutil.rmtree(home, ignore_errors=True)


def _run_in_namespaces(home: Path, command: Sequence[str]) -> int:
    inner = [*_UNSHARE, sys.executable, "-c", "from interop.own_engine import inside; inside()", str(home), *command]
    outer = subprocess.Popen(inner)
    try:
        while True:
            try:
                return outer.wait()
            except KeyboardInterrupt:
                continue  # the command got it as well, and ends as it likes
    finally:
        outer.kill()  # harmless when it is over; else the kernel ends every process of the namespace
        outer.wait()


def _remove_control_groups(name: str) -> None:
    """The groups of containers that are gone; the kernel empties them a moment after their processes ended."""
    deadline = time.monotonic() + 5
    for group in (*Path("/sys/fs/cgroup").glob(name), *Path("/sys/fs/cgroup").glob(f"*/{name}")):
        for directory, _, _ in os.walk(group, topdown=False):
            while os.path.isdir(directory):
                try:
                    os.rmdir(directory)
                except OSError:
                    if time.monotonic() > deadline:
                        break
                    time.sleep(0.05)


def inside() -> NoReturn:
    """The first process in the namespaces: it starts dockerd, then the command, and is every orphan's parent."""
    home, command = Path(sys.argv[1]), sys.argv[2:]
    signal.signal(signal.SIGINT, lambda number, frame: None)  # unlike SIG_IGN no child inherits it
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for path in HIDDEN:
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(path)], check=True)
    host = f"unix://{home}/docker.sock"
    added = {"DOCKER_HOST": host}
    if not (_starts(home, host) or _starts(home, host, "--storage-driver=vfs")):
        log = (home / "log").read_text(errors="replace")
        added = {REASON: f"and dockerd does not start: {log[-1000:]}"}
        print(f"no container engine: {added[REASON]}", file=sys.stderr)
    child = subprocess.Popen(command, env={**os.environ, **added})
    while True:
        pid, status = os.wait()
        if pid == child.pid:
            sys.exit(_outcome(os.waitstatus_to_exitcode(status)))


def _starts(home: Path, host: str, *options: str) -> bool:
    """Whether dockerd answers; the storage driver is the best that works here unless `options` name one."""
    (home / "daemon.json").write_text("{}")
    command = [
        "dockerd",
        f"--config-file={home}/daemon.json",  # not the machine's
        f"--data-root={home}/data",
        f"--exec-root={home}/exec",
        f"--pidfile={home}/pid",
        f"--host={host}",
        f"--cgroup-parent=/{home.name}",
        "--exec-opt=native.cgroupdriver=cgroupfs",
        *options,
    ]
    with open(home / "log", "wb") as log:
        dockerd = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    os.environ["DOCKER_HOST"] = host
    deadline = time.monotonic() + START_TIMEOUT
    while dockerd.poll() is None and time.monotonic() < deadline:
        try:
            engine()
        except MissingToolError:
            time.sleep(0.1)
        else:
            return True
    dockerd.kill()
    dockerd.wait()
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
