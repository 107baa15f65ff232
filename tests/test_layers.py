"""Who may import whom: DESIGN's layering, read off the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "rocketpy"

_BELOW_STORE = {"disk", "errors", "jsonfile", "protocol", "config", "filter"}
_BELOW_SERVERS = _BELOW_STORE | {"clock", "remoting"}
_BELOW_ADMIN = _BELOW_SERVERS | {"client"}

MAY_IMPORT: dict[str, set[str]] = {
    "__init__": set(),
    "clock": set(),
    "disk": set(),
    "faulty_disk": {"disk"},
    "errors": set(),
    "jsonfile": {"disk", "errors"},
    "protocol": {"errors", "jsonfile"},
    "config": {"errors", "jsonfile", "protocol"},
    "filter": {"errors", "jsonfile", "protocol"},
    "store": _BELOW_STORE,
    "remoting": _BELOW_STORE | {"clock"},
    "namesrv": _BELOW_SERVERS,
    "client": _BELOW_SERVERS,
    "broker": _BELOW_SERVERS | {"store"},
    "compat_client": _BELOW_ADMIN,
    "admin": _BELOW_ADMIN,
    "inspection": _BELOW_STORE | {"store"},
    "logfiles": _BELOW_STORE,
    "cli": _BELOW_ADMIN | {"__init__", "namesrv", "broker", "store", "inspection", "admin", "standalone", "logfiles"},
    "standalone": _BELOW_SERVERS | {"namesrv", "broker", "store"},
    "testcontainers": _BELOW_ADMIN | {"admin"},
    "testing": _BELOW_ADMIN | {"admin", "broker", "faulty_disk", "standalone"},
    "__main__": {"cli"},
}

GEVENT = {"remoting", "namesrv", "broker", "client", "cli", "testing"}

NOT_IN: dict[str, set[str]] = {
    # bytes in, objects out: nothing that knows a socket, a thread, a greenlet or a log
    "protocol": {"asyncio", "logging", "select", "selectors", "subprocess", "threading"},
    "inspection": {"asyncio", "select", "selectors", "subprocess", "threading"},
    # time is an argument, and whoever calls decides what runs where
    "store": {"asyncio", "select", "selectors", "subprocess", "threading"},
}

MODULES = sorted(ROOT.rglob("*.py"))


def _layer(path: Path) -> str:
    parts = path.relative_to(ROOT).parts
    return parts[0].removesuffix(".py")


def _is_module(name: str) -> bool:
    return (ROOT / name).is_dir() or (ROOT / f"{name}.py").exists()


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            assert node.module is not None
            if node.module == "rocketpy":
                yield from (f"rocketpy.{alias.name if _is_module(alias.name) else '__init__'}" for alias in node.names)
            else:
                yield node.module


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_imports_only_what_is_below_it(path: Path) -> None:
    layer = _layer(path)
    allowed = MAY_IMPORT[layer] | {layer}
    for name in _imported(path):
        package, _, rest = name.partition(".")
        if package == "rocketpy":
            inner = rest.partition(".")[0]
            assert inner in allowed, f"{layer} imports {name}"
        elif package == "gevent":
            assert layer in GEVENT, f"{layer} imports {name}"
            assert not name.startswith("gevent.monkey"), "nothing is patched"
        assert package not in NOT_IN.get(layer, set()), f"{layer} imports {name}"
