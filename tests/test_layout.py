"""What a file, a function and a name may look like: DESIGN 2, 8 and 11, read off the source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

HOME = Path(__file__).parent.parent
ROOT = HOME / "rocketpy"

LONGEST_FILE = 400
LONGEST_FUNCTION = 50
LONGER_FILES: dict[str, int] = {}
"""Files that may be longer, and how much."""
LONGER_FUNCTIONS: dict[str, int] = {}
"""The same for functions, as `file:name`."""

BANNED_MODULES = {"utils", "util", "common", "helpers", "helper", "misc"}
BANNED_WORDS = re.compile(
    r"Manager|Service|Controller|Helper|Util|Impl(?![a-z])|Wrapper|^_?(Default|Abstract|Base)[A-Z]"
)
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b")

MODULES = sorted(ROOT.rglob("*.py"))
ALL_SOURCES = sorted(
    path for folder in ("rocketpy", "tests", "tools", "interop") for path in (HOME / folder).rglob("*.py")
)


def _name(path: Path) -> str:
    return str(path.relative_to(HOME))


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(_tree(path)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_file_is_short(path: Path) -> None:
    lines = len(path.read_text().splitlines())
    assert lines <= LONGER_FILES.get(_name(path), LONGEST_FILE), f"{lines} lines"


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_functions_are_short(path: Path) -> None:
    for function in _functions(path):
        assert function.end_lineno is not None
        lines = function.end_lineno - function.lineno + 1
        limit = LONGER_FUNCTIONS.get(f"{_name(path)}:{function.name}", LONGEST_FUNCTION)
        assert lines <= limit, f"{function.name} has {lines} lines"


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_module_says_what_it_is(path: Path) -> None:
    assert path.stem not in BANNED_MODULES
    assert ast.get_docstring(_tree(path)) or not path.read_text(), "no docstring"


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_classes_are_named_after_what_they_are(path: Path) -> None:
    if path.is_relative_to(ROOT / "protocol" / "api"):
        return  # wire bodies keep Java's names
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.ClassDef):
            assert not BANNED_WORDS.search(node.name), node.name


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_offsets_say_which_one_they_are(path: Path) -> None:
    """physical_offset, queue_offset or position; `offset` alone only where others gave the name: on the wire, and in
    the binding that compat_client stands in for."""
    if path.is_relative_to(ROOT / "protocol") or path.is_relative_to(ROOT / "compat_client"):
        return
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.arg):
            assert node.arg != "offset", f"line {node.lineno}"
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            assert node.id != "offset", f"line {node.lineno}"


@pytest.mark.parametrize("path", [path for path in ALL_SOURCES if path.name != Path(__file__).name], ids=_name)
def test_nothing_is_left_unfinished(path: Path) -> None:
    for number, line in enumerate(path.read_text().splitlines(), 1):
        assert not UNFINISHED.search(line), f"line {number}: {line.strip()}"


def test_exceptions_are_still_needed() -> None:
    for name, limit in LONGER_FILES.items():
        assert LONGEST_FILE < len((HOME / name).read_text().splitlines()) <= limit, name
    for name, limit in LONGER_FUNCTIONS.items():
        file, _, function_name = name.partition(":")
        found = [one for one in _functions(HOME / file) if one.name == function_name]
        assert found, name
        assert all(LONGEST_FUNCTION < (one.end_lineno or 0) - one.lineno + 1 <= limit for one in found), name


def test_nothing_beside_the_build_backend_hides_the_standard_library() -> None:
    """Its directory comes first on the path of every build: a tools/inspect.py beside it broke each installation."""
    names = {path.stem for path in (HOME / "tools" / "packaging").glob("*.py")} - {"__init__"}
    assert names == {"build_backend"}
