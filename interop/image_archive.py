"""What the images that are made here hold, each as the one archive that it is imported from.

The official server image has the layout of `apache/rocketmq` 4.9.8: user rocketmq (3000), programs in the working
directory $ROCKETMQ_HOME/bin, data in /home/rocketmq/store and logs. Its start scripts are our own, for a small machine.
"""

from __future__ import annotations

import hashlib
import io
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path

from interop.artifacts import MissingToolError, cache_directory, classpath, locked
from interop.java_servers import FLAGS, make_home
from interop.root_filesystem import PYTHON

TREE = Path(__file__).parent.parent
ROCKETMQ_HOME = "home/rocketmq/rocketmq-4.9.8"
ROCKETMQ_UID = 3000
PYTHON_VERSION = "3.11"
"""Of PYTHON, the root filesystem."""

_PROGRAMS = {
    "mqnamesrv": ("-Xms64m -Xmx256m", "lib", "org.apache.rocketmq.namesrv.NamesrvStartup"),
    "mqbroker": ("-Xms128m -Xmx512m", "lib", "org.apache.rocketmq.broker.BrokerStartup"),
    "mqadmin": ("-Xmx256m", "lib/tools", "org.apache.rocketmq.tools.command.MQAdminStartup"),
}
"""The servers were published as 4.9.7, mqadmin as 4.9.8: their class paths are never mixed."""
_START = """#!/bin/sh
exec java {heap} {flags} -Drocketmq.home.dir="$ROCKETMQ_HOME" $JAVA_OPT $JAVA_OPT_EXT \
-cp "$ROCKETMQ_HOME/{lib}/*" {main} "$@"
"""
_PIP = """[global]
no-index = true
find-links = /opt/wheels
"""


class ImageArchive:
    """An archive in the making, which is a root filesystem already: files are put on top of it."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive

    def add(self, source: Path, name: str, owner: int = 0) -> None:
        """The file or directory `source` as `name`."""

        def owned(member: tarfile.TarInfo) -> tarfile.TarInfo:
            member.uid = member.gid = owner
            member.uname = member.gname = ""
            return member

        self._archive.add(source, name, filter=owned)

    def write(self, name: str, text: str, owner: int = 0, mode: int = 0o644) -> None:
        """A file with that text."""
        member = tarfile.TarInfo(name)
        member.size, member.mode, member.uid, member.gid = len(text.encode()), mode, owner, owner
        self._archive.addfile(member, io.BytesIO(text.encode()))

    def make_directory(self, name: str, owner: int = 0) -> None:
        """An empty directory."""
        member = tarfile.TarInfo(name)
        member.type, member.mode, member.uid, member.gid = tarfile.DIRTYPE, 0o755, owner, owner
        self._archive.addfile(member)


def add_official_servers(archive: ImageArchive) -> None:
    """Name server, broker and mqadmin, and where they keep things."""
    own = ROCKETMQ_UID
    for directory in (ROCKETMQ_HOME, *(f"{ROCKETMQ_HOME}/{one}" for one in ("bin", "conf", "lib", "lib/tools"))):
        archive.make_directory(directory, own)
    for directory in ("home/rocketmq/store", "home/rocketmq/logs"):
        archive.make_directory(directory, own)
    for kind, lib in (("broker", "lib"), ("client", "lib/tools")):
        for jar in classpath(kind).split(os.pathsep):
            archive.add(Path(jar), f"{ROCKETMQ_HOME}/{lib}/{Path(jar).name}", own)
    for name, (heap, lib, main) in _PROGRAMS.items():
        text = _START.format(heap=heap, flags=" ".join(FLAGS), lib=lib, main=main)
        archive.write(f"{ROCKETMQ_HOME}/bin/{name}", text, own, 0o755)
    with tempfile.TemporaryDirectory() as place:
        for file in (make_home(Path(place)) / "conf").iterdir():
            archive.add(file, f"{ROCKETMQ_HOME}/conf/{file.name}", own)
    archive.add(TREE / "conf" / "broker.conf", f"{ROCKETMQ_HOME}/conf/broker.conf", own)


def add_wheels(archive: ImageArchive) -> None:
    """All that `pip install` of this tree asks for, and that pip looks nowhere else: a build reaches no index."""
    archive.make_directory("opt/wheels")
    for wheel in wheels():
        archive.add(wheel, f"opt/wheels/{wheel.name}")
    archive.write("etc/pip.conf", _PIP)


def requirements() -> list[str]:
    """What the package, as the Dockerfile installs it, and its build need."""
    project = tomllib.loads((TREE / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"]
    return [*project["build-system"]["requires"], *project["project"]["dependencies"], *extras["tls"]]


def wheels() -> list[Path]:
    """The wheels of `requirements` and what these need, for the Python of the image; fetched by pip on first use.

    Raises MissingToolError when pip cannot get them.
    """
    machine = platform.machine()
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in range(17, 37)] + [f"manylinux2014_{machine}"]
    wanted = requirements()
    content = hashlib.sha256(repr((PYTHON, PYTHON_VERSION, machine, wanted)).encode()).hexdigest()
    directory = cache_directory("wheels")
    stamp = directory / "fetched"
    with locked(directory):
        if not stamp.exists() or stamp.read_text() != content:
            shutil.rmtree(directory)
            directory.mkdir()
            options = ["--only-binary=:all:", f"--python-version={PYTHON_VERSION}", f"--dest={directory}"]
            options += [f"--platform={one}" for one in platforms]
            command = [sys.executable, "-m", "pip", "download", "--quiet", *options, *wanted]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise MissingToolError(f"pip could not fetch {', '.join(wanted)}: {done.stderr[-500:]}")
            stamp.write_text(content)
    return sorted(directory.glob("*.whl"))
