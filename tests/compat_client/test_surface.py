"""What the binding offers, held against what is offered here: `compat/binding.json5` says what that is."""

from __future__ import annotations

import importlib
import inspect
from enum import Enum
from typing import Any

import pytest

import compat
from rocketpy import compat_client
from tests import readme

CURRENT, EARLIER = "rocketmq-client-python==2.0.0", "rocketmq==0.4.4"
NOT_OFFERED = {"maybe_decode", "ffi_check"}
"""Functions for the binding's own use."""
CHANGED = {("Producer", "__init__")}
"""Where 2.0.0 takes something else than what came before."""
ADDED = {
    "Producer": {"set_instance_name", "set_message_trace"},
    "PushConsumer": {"set_message_trace"},
    "PullConsumer": {"set_instance_name", "set_name_server_address", "set_name_server_domain"},
}
"""What a class has beyond both: of the binding's sources after 2.0.0, and by 2.0.0's names."""

ROWS = compat.table("binding")
OFFERED = [row for row in ROWS if row.get("function") not in NOT_OFFERED]
CLASSES = [row for row in OFFERED if "methods" in row]


def _name(row: compat.Row) -> str:
    return str(row.get("class") or row["function"])


def _id(row: compat.Row) -> str:
    return f"{row['distribution']}-{row['module']}.{_name(row)}"


def _module(row: compat.Row) -> Any:
    return importlib.import_module(f"rocketpy.compat_client.{row['module']}")


def _ours(row: compat.Row) -> Any:
    return getattr(_module(row), _name(row))


def _parameters(function: Any) -> list[inspect.Parameter]:
    return [one for one in inspect.signature(function).parameters.values() if one.name not in ("self", "cls")]


def _assert_called_alike(row: compat.Row, function: Any, wanted: list[compat.Row], *, by_name: bool = True) -> None:
    ours = _parameters(function)
    if by_name:
        assert [one.name for one in ours] == [one["name"] for one in wanted]
    assert all(one.kind == one.POSITIONAL_OR_KEYWORD for one in ours)
    missing = inspect.Parameter.empty
    names = vars(_module(row))
    assert [one.default for one in ours] == [
        eval(one["default"], names) if "default" in one else missing for one in wanted
    ]


def test_table_is_of_both_distributions() -> None:
    assert {row["distribution"] for row in ROWS} == {CURRENT, EARLIER}


@pytest.mark.parametrize("row", OFFERED, ids=_id)
def test_name_is_where_it_is_in_the_binding_and_in_the_package(row: compat.Row) -> None:
    assert _ours(row) is getattr(compat_client, _name(row))


@pytest.mark.parametrize("row", [row for row in OFFERED if "function" in row], ids=_id)
def test_function_is_called_alike(row: compat.Row) -> None:
    _assert_called_alike(row, _ours(row), row["parameters"])


@pytest.mark.parametrize("row", CLASSES, ids=_id)
def test_methods_are_called_alike(row: compat.Row) -> None:
    for name, wanted in row["methods"].items():
        if row["distribution"] == EARLIER and (_name(row), name) in CHANGED:
            continue
        by_name = row["distribution"] == CURRENT or name != "__exit__"  # which nobody calls by name
        _assert_called_alike(row, getattr(_ours(row), name), wanted, by_name=by_name)


@pytest.mark.parametrize("row", CLASSES, ids=_id)
def test_properties_are_properties(row: compat.Row) -> None:
    for name in row["properties"]:
        assert isinstance(inspect.getattr_static(_ours(row), name), property), name


@pytest.mark.parametrize("row", [row for row in CLASSES if row["values"]], ids=_id)
def test_members_have_their_values(row: compat.Row) -> None:
    ours = _ours(row)
    if issubclass(ours, Enum):
        assert {one.name: one.value for one in ours} == row["values"]
    else:
        assert {name: type(getattr(ours, name)) for name in row["values"]} == {
            name: type(value) for name, value in row["values"].items()
        }


@pytest.mark.parametrize("row", [row for row in OFFERED if "bases" in row], ids=_id)
def test_class_derives_from_the_same(row: compat.Row) -> None:
    assert set(row["bases"]) <= {one.__name__ for one in _ours(row).__mro__}


@pytest.mark.parametrize("row", [row for row in OFFERED if "fields" in row], ids=_id)
def test_tuple_has_the_same_fields(row: compat.Row) -> None:
    assert list(_ours(row)._fields) == row["fields"]


def test_nothing_is_made_up() -> None:
    known: dict[str, set[str]] = {}
    for row in CLASSES:
        known.setdefault(_name(row), set()).update(row["methods"], row["properties"], row["values"])
    for name in ("Producer", "TransactionMQProducer", "PushConsumer", "PullConsumer", "Message", "ReceivedMessage"):
        ours = getattr(compat_client, name)
        public = {one for one in dir(ours) if not one.startswith("_")}
        inherited = {one for base in ours.__mro__ for one in known.get(base.__name__, set())}
        added = {one for base in ours.__mro__ for one in ADDED.get(base.__name__, set())}
        aliases = {"set_namesrv_addr", "set_namesrv_domain"}
        assert public - inherited - aliases == added, name
    both = {_name(row) for row in OFFERED}
    assert set(compat_client.__all__) - both == {"TraceModel"}


def test_imports_of_the_readme_are_there() -> None:
    lines = [line for line in readme.TEXT.splitlines() if line.startswith("from rocketpy.compat_client")]
    assert len(lines) == 2
    exec("\n".join(lines), {})
