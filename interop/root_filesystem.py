"""Root filesystems of Debian packages, for images where no registry is reached: made by debootstrap, kept in the cache.

Environment: ROCKETPY_DEBIAN_MIRROR names another mirror than debootstrap's own.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from interop.artifacts import MissingToolError, cache_directory, locked

SUITE = "bookworm"
"""Has Python 3.11 and Java 17: the oldest Python that ours runs on, the JDK that the other tests use."""

NOT_NEEDED = (
    *("var/cache/apt/", "var/lib/apt/lists/", "var/log/"),
    *("usr/share/doc/", "usr/share/locale/", "usr/share/man/"),
)


@dataclass(frozen=True)
class RootFilesystem:
    """A minimal Debian with some packages and users (name and uid) more."""

    name: str
    packages: tuple[str, ...]
    users: tuple[tuple[str, int], ...] = ()

    @property
    def recipe(self) -> str:
        """What it is made of, as a hash."""
        return hashlib.sha256(repr((SUITE, NOT_NEEDED, self)).encode()).hexdigest()[:16]

    def archive(self) -> Path:
        """The whole of it as a tar file, made on first use. Raises MissingToolError where it cannot be made."""
        directory = cache_directory("roots")
        path = directory / f"{self.name}-{self.recipe}.tar"
        with locked(directory):
            if not path.exists():
                for older in directory.glob(f"{self.name}-*.tar"):
                    older.unlink()
                self._make(path)
        return path

    def _make(self, path: Path) -> None:
        if shutil.which("debootstrap") is None or os.geteuid() != 0:
            raise MissingToolError("images are made by debootstrap, which is not installed or needs root")
        mirror = os.environ.get("ROCKETPY_DEBIAN_MIRROR")
        with tempfile.TemporaryDirectory() as place:
            root = Path(place) / "root"
            options = ("--variant=minbase", f"--include={','.join(self.packages)}")
            # what it mounts goes with it, even when it is killed
            _run("unshare", "--mount", "debootstrap", *options, SUITE, str(root), *([mirror] if mirror else []))
            for user, number in self.users:
                _run("chroot", str(root), "useradd", "--create-home", "--uid", str(number), user)
            partial = path.with_suffix(".partial")
            with tarfile.open(partial, "w") as archive:
                archive.add(root, ".", filter=_needed)
            partial.rename(path)


def _needed(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if f"{member.name}/".removeprefix("./").startswith(NOT_NEEDED) and not member.isdir() else member


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise MissingToolError(f"{' '.join(command)} failed: {(done.stdout + done.stderr)[-500:]}")


JAVA = RootFilesystem("java", ("openjdk-17-jre-headless",), (("rocketmq", 3000),))
PYTHON = RootFilesystem("python", ("python3", "python3-venv"))
