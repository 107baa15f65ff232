"""The images that containers are started from: present, pulled, or where no registry is reached made here.

    python -m interop.images      fetches and makes, into the cache, all that is needed where no registry is reached

Environment: ROCKETMQ_IMAGE (default apache/rocketmq:4.9.8) is the official servers', ROCKETPY_IMAGE ours (default:
built from the Dockerfile of this tree), ROCKETPY_JRE_IMAGE what official clients run in.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import docker
from docker.errors import BuildError, DockerException, ImageNotFound
from requests import RequestException

from interop import image_archive
from interop.artifacts import MissingToolError, cache_directory, classpath, locked
from interop.driver import go_program, java_classes
from interop.engine import engine
from interop.image_archive import ROCKETMQ_HOME, TREE, ImageArchive
from interop.recipes import go_recipe, java_recipe
from interop.root_filesystem import JAVA, PYTHON, RootFilesystem

PULL_SILENCE = 20
"""Seconds after which a registry that says nothing is given up."""
RECIPE = "rocketpy.recipe"
"""The label of images that were made here: what they were made of."""
OURS = "rocketpy:interop"


@dataclass(frozen=True)
class MadeImage:
    """An image and what to put into it where it cannot be pulled."""

    name: str
    root: RootFilesystem
    fill: Callable[[ImageArchive], None] | None = None
    changes: tuple[str, ...] = ()
    """Instructions of a Dockerfile."""
    ingredients: str = ""
    """What it changes with, beside the code here."""

    @property
    def recipe(self) -> str:
        code = Path(image_archive.__file__).read_text()
        return hashlib.sha256(repr((self.root, self.changes, self.ingredients, code)).encode()).hexdigest()[:16]

    def provide(self) -> str:
        """Its name, once the engine has it. Raises MissingToolError when it can neither be pulled nor made."""
        with locked(cache_directory("engine")):
            if not self.is_within_reach():
                self._make()
        return self.name

    def is_within_reach(self) -> bool:
        """Whether the engine has it, now if not before."""
        return self._is_present() or _pulled(self.name)

    def is_made(self) -> bool:
        """Whether the engine has the one that was made here."""
        return bool(engine().images.get(self.name).labels.get(RECIPE) == self.recipe)

    def archive(self) -> Path:
        """What the engine imports, from the cache."""
        if self.fill is None:
            return self.root.archive()
        directory = cache_directory("images")
        kind = re.sub(r"\W+", "-", self.name)
        path = directory / f"{kind}-{self.root.recipe}-{self.recipe}.tar"
        with locked(directory):
            if not path.exists():
                for older in directory.glob(f"{kind}-*"):
                    older.unlink()
                partial = path.with_suffix(".partial")
                shutil.copyfile(self.root.archive(), partial)
                with tarfile.open(partial, "a") as archive:
                    self.fill(ImageArchive(archive))
                partial.rename(path)
        return path

    def _is_present(self) -> bool:
        try:
            labels = engine().images.get(self.name).labels
        except ImageNotFound:
            return False
        return bool(labels.get(RECIPE, self.recipe) == self.recipe)

    def _make(self) -> None:
        repository, _, tag = self.name.rpartition(":")
        changes = [*self.changes, f"LABEL {RECIPE}={self.recipe}"]
        engine().api.import_image_from_file(str(self.archive()), repository=repository, tag=tag, changes=changes)


def _pulled(name: str) -> bool:
    """Whether a registry had it; one that does not answer soon has not."""
    repository, _, tag = name.rpartition(":")
    host = os.environ.get("DOCKER_HOST")
    impatient = docker.APIClient(base_url=host, version="auto", timeout=PULL_SILENCE)
    try:
        for step in impatient.pull(repository, tag=tag, stream=True, decode=True):
            if "error" in step:
                return False
    except (DockerException, RequestException):
        return False
    finally:
        impatient.close()
    return True


def official_image() -> MadeImage:
    """The official name server and broker."""
    home = f"/{ROCKETMQ_HOME}"
    return MadeImage(
        os.environ.get("ROCKETMQ_IMAGE", "apache/rocketmq:4.9.8"),
        JAVA,
        image_archive.add_official_servers,
        (
            "ENV ROCKETMQ_VERSION=4.9.8",
            f"ENV ROCKETMQ_HOME={home}",
            "ENV HOME=/home/rocketmq",
            "EXPOSE 9876 10909 10911 10912",
            "VOLUME /home/rocketmq/logs /home/rocketmq/store",
            "USER rocketmq",
            f"WORKDIR {home}/bin",
        ),
        classpath("broker"),
    )


def jre_image() -> MadeImage:
    """Debian and Java 17, for the official clients."""
    return MadeImage(os.environ.get("ROCKETPY_JRE_IMAGE", "eclipse-temurin:17-jre"), JAVA)


def base_image() -> MadeImage:
    """What ours stands on, by the name in the Dockerfile: Debian and Python."""
    return MadeImage(_base_of_dockerfile(), PYTHON, changes=('CMD ["python3"]',))


def builder_image() -> MadeImage:
    """The same with everything that pip needs to build ours: where no registry is reached, there is no index either."""
    needed = "".join(image_archive.requirements())
    return MadeImage("rocketpy-builder:interop", PYTHON, image_archive.add_wheels, ingredients=needed)


def _base_of_dockerfile() -> str:
    found = re.search(r"^ARG BASE=(\S+)", (TREE / "Dockerfile").read_text(), re.MULTILINE)
    assert found, "the Dockerfile has no ARG BASE"
    return found[1]


@cache
def official() -> str:
    """The name of the official servers' image. Raises MissingToolError where it is not to be had."""
    return official_image().provide()


@cache
def jre() -> str:
    """The name of the official clients' image. Raises MissingToolError where it is not to be had."""
    return jre_image().provide()


@cache
def ours() -> str:
    """The name of our image: built once a run from the Dockerfile, unless ROCKETPY_IMAGE names one."""
    given = os.environ.get("ROCKETPY_IMAGE")
    if given:
        return given
    base = base_image()
    made = base.provide() and base.is_made()
    arguments = {"BUILDER": builder_image().provide()} if made else {}
    with locked(cache_directory("engine")):
        return build(OURS, arguments)


def build(name: str, arguments: Mapping[str, str]) -> str:
    """Build the Dockerfile of this tree. Raises RuntimeError with the end of what the build said."""
    try:
        engine().images.build(path=str(TREE), tag=name, buildargs=dict(arguments), rm=True, forcerm=True)
    except BuildError as error:
        said = "".join(step.get("stream", "") for step in error.build_log)
        raise RuntimeError(f"the image cannot be built: {error}\n{said[-2000:]}") from None
    return name


def main() -> None:
    """Fetch and make everything, so that later nothing but the engine is needed."""
    print(f"clients: {java_classes()}, {go_program()}")
    print(f"recipes: {' '.join(java_recipe('.')[-1:] + go_recipe())}")
    for image in (official_image(), jre_image()):
        _prepare(image)
    if _prepare(base_image()):
        _prepare(builder_image())


def _prepare(image: MadeImage) -> bool:
    """Whether it has to be imported where it is wanted: the engine, if there is one now, cannot get it otherwise."""
    if _has_engine() and image.is_within_reach():
        print(f"{image.name}: the engine has it")
        return image.is_made()
    path = image.archive()
    print(f"{image.name}: {path.stat().st_size >> 20} MiB in {path}")
    return True


def _has_engine() -> bool:
    try:
        engine()
    except MissingToolError:
        return False
    return True


if __name__ == "__main__":
    try:
        main()
    except MissingToolError as error:
        raise SystemExit(str(error)) from None
