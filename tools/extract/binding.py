"""Reads off the C++ binding's Python source what it offers, and writes that down as compat/binding.json5.

    python -m tools.extract.binding [DIRECTORY]

Two distributions are fetched from the package registry with pip, and never imported, since they want a C++ library:
`rocketmq-client-python` 2.0.0, and `rocketmq` 0.4.4, which it grew out of and which could do more. Only names,
signatures, enum members and class bases are kept.
"""

from __future__ import annotations

import ast
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import compat
from interop.artifacts import MissingToolError

DISTRIBUTIONS = ("rocketmq-client-python==2.0.0", "rocketmq==0.4.4")
MODULES = ("client", "consts", "exceptions", "ffi")

COMMENT = """What the C++ binding offers by `import rocketmq.<module>`: classes with bases, methods, properties and
members, and functions. Parameters are without self; a default is source text.
Made by `python -m tools.extract.binding` from two distributions of the package registry; not edited by hand."""

_SPECIAL = {"__init__", "__enter__", "__exit__", "__getitem__", "__str__", "__bytes__", "__repr__"}


def extract(directory: Path = compat.DIRECTORY) -> int:
    """Write the table into `directory`; the number of its rows. Raises MissingToolError without the registry."""
    rows = [row for one in DISTRIBUTIONS for row in _rows_of(one)]
    compat.write(directory / "binding.json5", COMMENT, rows)
    return len(rows)


def rows_of_source(distribution: str, module: str, source: str) -> Iterator[compat.Row]:
    """A row for each public class and function of a module."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield {"distribution": distribution, "module": module, **_class(node)}
        elif isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield {
                "distribution": distribution, "module": module, "function": node.name,
                "parameters": _parameters(node.args),
            }  # fmt: skip
        elif isinstance(node, ast.Assign) and (made := _named_tuple(node)):
            yield {"distribution": distribution, "module": module, **made}


def _rows_of(distribution: str) -> Iterator[compat.Row]:
    with TemporaryDirectory() as directory:
        command = [
            sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", directory, distribution,
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise MissingToolError(f"pip could not fetch {distribution}: {done.stderr[-500:]}")
        (archive,) = Path(directory).iterdir()
        for module in MODULES:
            yield from rows_of_source(distribution, module, _member(archive, f"rocketmq/{module}.py"))


def _member(archive: Path, name: str) -> str:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(name).decode()
    with tarfile.open(archive) as source:
        (found,) = [one for one in source.getmembers() if one.name.partition("/")[2] == name]
        file = source.extractfile(found)
        assert file is not None
        return file.read().decode()


def _class(node: ast.ClassDef) -> compat.Row:
    methods, properties, values = {}, [], {}
    for one in node.body:
        if isinstance(one, ast.FunctionDef) and (not one.name.startswith("_") or one.name in _SPECIAL):
            decorators = {ast.unparse(each) for each in one.decorator_list}
            if "property" in decorators:
                properties.append(one.name)
            else:
                methods[one.name] = _parameters(one.args)
        elif isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name):
            values[one.targets[0].id] = ast.literal_eval(one.value)
    bases = [ast.unparse(base) for base in node.bases]
    return {"class": node.name, "bases": bases, "values": values, "properties": properties, "methods": methods}


def _named_tuple(node: ast.Assign) -> compat.Row | None:
    call, target = node.value, node.targets[0]
    if not isinstance(call, ast.Call) or ast.unparse(call.func) != "namedtuple" or not isinstance(target, ast.Name):
        return None
    return {"class": target.id, "bases": ["tuple"], "fields": ast.literal_eval(call.args[1])}


def _parameters(arguments: ast.arguments) -> list[compat.Row]:
    names = [one.arg for one in arguments.args]
    defaults = [ast.unparse(one) for one in arguments.defaults]
    required = len(names) - len(defaults)
    rows: list[compat.Row] = [{"name": name} for name in names[:required]]
    rows += [{"name": name, "default": text} for name, text in zip(names[required:], defaults, strict=True)]
    return [row for row in rows if row["name"] not in ("self", "cls")]


if __name__ == "__main__":
    try:
        count = extract(Path(sys.argv[1]) if len(sys.argv) > 1 else compat.DIRECTORY)
    except MissingToolError as error:
        sys.exit(str(error))
    print(f"{count:5} binding")
