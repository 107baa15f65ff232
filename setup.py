"""Builds rocketpy: with its hot path compiled by mypyc where a C compiler is at hand, else as the plain Python it is.

ROCKETPY_COMPILE=0 leaves the compiler out; ROCKETPY_COMPILE=1 insists, so that a build that cannot compile fails.
Everything else about the package stands in pyproject.toml.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from setuptools import Distribution, Extension, setup
from setuptools.command.build_ext import build_ext

# What every message goes through. Not in here, though hot: `connection` and `message_store` (tests put others in their
# place) and `header` (its classes are made at run time).
HOT_PATH = {
    "protocol": "batch big_endian binary_fields command frame header_fields java_hash properties record seen_headers",
    "store": "commit_log consume_queue consume_queue_ext consume_queues dispatch entry_filter extended_dispatch index"
    " index_file mapped_file mapped_files reader results writer",
    "filter": "record_matcher sql92 sql92_expressions sql92_values",
    "": "clock",
    "broker": "appender delay long_polling pull_checks send_answers send_checks stats traffic transactions",
    "broker/processors": "pull send transaction",
    "remoting": "router",
}
WISH = os.environ.get("ROCKETPY_COMPILE", "")
BUILDS = {"bdist_wheel", "build", "build_ext", "editable_wheel", "install"}


class BuildHotPath(build_ext):
    """All modules or none: those that did compile cannot be imported without the rest."""

    def run(self) -> None:
        try:
            super().run()
        except Exception as error:  # whatever it is, plain Python works
            give_up(error)
            for path in map(Path, self.get_outputs()):
                path.unlink(missing_ok=True)
            self.extensions = self.distribution.ext_modules = []


def give_up(reason: object) -> None:
    """Go on without compiling, or fail if that was not to be."""
    if WISH == "1":
        raise SystemExit(f"rocketpy: ROCKETPY_COMPILE=1, but the hot path cannot be compiled: {reason}")
    reason = str(reason).partition("\n")[0][:120] or type(reason).__name__
    print(f"rocketpy: not compiled, plain Python is installed: {reason}", file=sys.stderr)


def hot_path() -> list[Extension]:
    """The extensions to build; none when only metadata is asked for, or they cannot be built."""
    if WISH == "0" or not BUILDS & set(sys.argv):
        return []
    try:
        check_compiler()
        from mypyc.build import mypycify

        extensions = mypycify(
            [
                "--config-file=",  # the code is checked elsewhere; here gevent's and orjson's types are missing
                "--ignore-missing-imports",
                *(
                    str(Path("rocketpy", package, f"{name}.py"))
                    for package, names in HOT_PATH.items()
                    for name in names.split()
                ),
            ],
            group_name="rocketpy",
            opt_level="1",
            debug_level="0",
        )
    except SystemExit:  # how mypyc ends when it finds an error, which it has printed
        give_up("mypyc does not take it")
        return []
    except Exception as error:  # no mypy, no compiler, or one that is broken
        give_up(error)
        return []
    for extension in extensions:
        extension.extra_compile_args = [flag for flag in extension.extra_compile_args if flag != "-Werror"]
    return extensions


def check_compiler() -> None:
    """Raises whatever goes wrong when there are no C compiler or none of Python's headers."""
    with TemporaryDirectory() as directory:
        source = Path(directory, "probe.c")
        source.write_text("#include <Python.h>\nPyObject *PyInit_probe(void) { return PyModule_New(\"probe\"); }\n")
        probe = build_ext(Distribution({"ext_modules": [Extension("probe", [str(source)])]}))
        probe.build_lib = probe.build_temp = directory
        probe.ensure_finalized()
        probe.run()


setup(ext_modules=hot_path(), cmdclass={"build_ext": BuildHotPath})
