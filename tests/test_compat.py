"""Our declarations against what the official jars say of themselves (compat/): what differs fails, what we do not
have yet is printed.

A header or body belongs to the Java class that its docstring names. A field is required here where Java marks it
@CFNotNull and gives it no value to begin with.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import textwrap
from collections.abc import Iterable, Iterator
from typing import Any

import json5
import pytest

import compat
import rocketpy
from rocketpy.admin import catalog
from rocketpy.config.broker import BrokerConfig
from rocketpy.config.key import Config, Long
from rocketpy.config.namesrv import NamesrvConfig
from rocketpy.config.remoting import RemotingClientConfig, ServerConfig
from rocketpy.config.store import StoreConfig
from rocketpy.protocol import codes, flags, version
from rocketpy.protocol.body import Body
from rocketpy.protocol.header import API, Header
from rocketpy.remoting.router import _MARKS

Row = compat.Row

CONFIGS: dict[str, type[Config]] = {
    "BrokerConfig": BrokerConfig,
    "MessageStoreConfig": StoreConfig,
    "NamesrvConfig": NamesrvConfig,
    "NettyServerConfig": ServerConfig,
    "NettyClientConfig": RemotingClientConfig,
}


def modules(*packages: str) -> list[Any]:
    """Every module of rocketpy, or of some of its packages."""
    found = pkgutil.walk_packages(rocketpy.__path__, "rocketpy.")
    names = (one.name for one in found if not one.name.endswith("__main__"))
    return [importlib.import_module(name) for name in names if not packages or name.startswith(packages)]


modules()  # fills API and makes every body known


@pytest.fixture
def report(capsys: pytest.CaptureFixture[str]) -> Any:
    """Prints a line of coverage past pytest's capture."""

    def show(what: str, wanted: Iterable[str], have: Iterable[str]) -> None:
        wanted, have = list(wanted), set(have)
        missing = [one for one in wanted if one not in have]
        with capsys.disabled():
            print(f"\n{what}: {len(wanted) - len(missing)} of {len(wanted)}")
            if missing:
                print(textwrap.fill(" ".join(missing), 118, initial_indent="  not: ", subsequent_indent="  "))

    return show


# --- numbers and names

BEYOND_JAVA = {codes.RequestCode.GET_TOPIC_CONFIG}
"""What later versions have, and their tools need."""


@pytest.mark.parametrize(
    ("table", "value", "ours"),
    [
        ("request_codes", "code", codes.RequestCode),
        ("response_codes", "code", codes.ResponseCode),
        ("language_codes", "code", codes.LanguageCode),
    ],
)
def test_codes_are_those_of_java(table: str, value: str, ours: Any) -> None:
    java = {row["name"]: row[value] for row in compat.table(table)}
    assert {one.name: int(one) for one in ours if one not in BEYOND_JAVA} == java


def test_versions_are_those_of_java() -> None:
    assert list(version.VERSION_NAMES) == [row["name"] for row in compat.table("versions")]
    assert [row["ordinal"] for row in compat.table("versions")] == list(range(len(version.VERSION_NAMES)))


def test_flags_are_those_of_java() -> None:
    ours = {
        "MessageSysFlag": flags.MessageSysFlag,
        "PullSysFlag": flags.PullSysFlag,
        "TopicSysFlag": flags.TopicSysFlag,
        "SubscriptionSysFlag": flags.SubscriptionSysFlag,
        "PermName": flags.Perm,
    }
    for java, own in ours.items():
        wanted = {row["value"] for row in compat.table("constants") if row["java"].endswith(f".{java}")}
        assert {value for name, value in vars(own).items() if name.isupper()} == wanted, java


def test_enums_are_those_of_java() -> None:
    for row in compat.table("enums"):
        own = getattr(flags, row["name"], None)
        if own is not None:
            assert [str(one) for one in own] == row["values"]


# --- headers


def java_names(declared: type, known: dict[str, Row]) -> list[str]:
    """The Java classes that a declaration, or the one it inherits from, names in its docstring."""
    words = (word for one in declared.__mro__ for word in re.findall(r"\w+", one.__doc__ or ""))
    return [word for word in words if word in known] or [declared.__name__]


def java_name(declared: type, known: dict[str, Row]) -> str:
    """The first of them, which is the one that a declaration stands for."""
    return java_names(declared, known)[0]


def replies() -> set[type[Header]]:
    return {one.reply for one in API.values() if one.reply is not None}


def header_table() -> dict[str, Row]:
    return {row["name"]: row for row in compat.table("headers")}


KINDS = {
    "String": "str", "Integer": "int", "int": "int", "Long": "long", "long": "long", "Boolean": "bool",
    "boolean": "bool", "Double": "float", "double": "float",
}  # fmt: skip

ADDED = {"MSG_REGION", "TRACE_ON", "_UNIQUE_KEY_QUERY"}
"""Fields that Java puts beside those of a header class."""

INITIALISED = {"order"}
"""Fields that are @CFNotNull and yet may be missing, since their class gives them a value."""


FROM_JAVA_5 = {"GetTopicConfig"}
"""Headers of requests whose code 4.9.8 has, but nothing else."""

BESIDE = {
    "QueryMessage": {"_UNIQUE_KEY_QUERY"},              # MQAdminImpl puts it in without a header's help
    "RegisterBroker": {"advertisedAddr"},               # ours; sent only where it is configured
    "RegisterBrokerReply": {"advertisedAddr"},
    "SendMessageReply": {"MSG_REGION", "TRACE_ON"},     # SendMessageProcessor adds them to the extFields
}  # fmt: skip
"""Fields that travel beside those of the Java header."""


@pytest.mark.parametrize("declared", sorted({*API.values(), *replies()}, key=lambda cls: cls.__name__))
def test_header_fields_are_those_of_java(declared: type[Header]) -> None:
    known = header_table()
    name = java_name(declared, known)
    if not declared.fields and name not in known:
        return  # Java sends no header at all
    if declared.__name__ in FROM_JAVA_5:
        return
    assert name in known, f"{declared.__name__} names no Java header in its docstring"
    wanted = {field["name"]: field for field in known[name]["fields"]}
    if name == "SendMessageRequestHeaderV2":
        del wanted["bname"]  # inherited, but `n` is what carries it
    ours = {
        (field.short or field.name) if name.endswith("V2") else field.name: field for field in declared.fields
    }
    assert set(ours) - BESIDE.get(declared.__name__, set()) == set(wanted)
    for field, row in wanted.items():
        own = ours[field]
        assert (own.kind, own.required) == (KINDS[row["type"]], row["not_null"] and "default" not in row), field
        assert own.default == row.get("default") or not row.get("default"), field


def test_coverage_of_headers(report: Any) -> None:
    known = header_table()
    report("header classes", known, {name for one in {*API.values(), *replies()} for name in java_names(one, known)})


# --- bodies


def declared_bodies() -> dict[str, type[Body]]:
    found: dict[str, type[Body]] = {}
    todo = list(Body.__subclasses__())
    while todo:
        one = todo.pop()
        todo += one.__subclasses__()
        if one._plan:
            found[one.__name__] = one
    return found


UNWRITTEN = {"filterClassSource"}
"""Properties with @JSONField(serialize = false)."""


def test_body_properties_are_those_of_java(report: Any) -> None:
    known = {row["name"]: row for row in compat.table("bodies")}
    ours = {java_name(one, known): one for one in declared_bodies().values()}
    for name, row in known.items():
        if name in ours:
            wanted = {one["name"] for one in row["properties"]} - UNWRITTEN
            assert {wire_name for _, wire_name, *_ in ours[name]._plan} == wanted, name
    report("body classes", known, ours)


# --- requests


def test_coverage_of_requests(report: Any) -> None:
    names = {row["code"]: row["name"] for row in compat.table("request_codes")}
    report("request codes with a class", names.values(), {names[code] for code in API if code in names})
    handled = {code for request in handled_requests() for code in request.codes}
    assert handled
    report("request codes with a handler", names.values(), {names[code] for code in handled if code in names})


def handled_requests() -> Iterator[type[Header]]:
    """What the methods marked by `handles` handle, wherever they are."""
    for module in modules("rocketpy.broker", "rocketpy.namesrv", "rocketpy.client"):
        for _, cls in inspect.getmembers(module, inspect.isclass):
            for _, method in inspect.getmembers(cls, callable):
                mark = _MARKS.get(method)
                if mark is not None:
                    yield from mark.requests


# --- configuration


TYPES: dict[str, Any] = {"int": int, "long": Long, "boolean": bool, "String": str, "double": float, "float": float}


@pytest.mark.parametrize("row", compat.table("config_keys"), ids=lambda row: f"{row['class']}.{row['key']}")
def test_config_key_is_that_of_java(row: Row) -> None:
    keys = CONFIGS[row["class"]].KEYS
    printed = [key for key in keys if key.java == row["key"]]
    settable = [key for key in keys if key.setter == row["key"]]
    assert [len(printed), len(settable)] == [row["printed"], row["settable"]]
    (key,) = {*printed, *settable}
    if row["type"] != "enum":
        assert key.kind == TYPES[row["type"]]
    if row["printed"]:
        assert key.important == row["important"]
    if not row.get("machine"):
        assert key.format(CONFIGS[row["class"]]()) == row["default"]


def test_config_has_no_key_that_java_lacks() -> None:
    wanted = {(row["class"], row["key"]) for row in compat.table("config_keys")}
    ours = {(name, one) for name, config in CONFIGS.items() for key in config.KEYS for one in (key.java, key.setter)}
    assert ours <= wanted


# --- mqadmin


def test_coverage_of_commands(report: Any) -> None:
    ours = {command.name for command in catalog.commands()}
    report("mqadmin commands", [row["name"] for row in compat.table("commands")], ours)


# --- the tables themselves


def test_tables_are_json5() -> None:
    path = compat.DIRECTORY / "language_codes.json5"
    assert json5.loads(path.read_text()) == compat.table("language_codes")


def test_table_reads_back(tmp_path: Any) -> None:
    value = [{"text": "//\u00e9 \"quoted\"", "nested": [{"a": 1}, {"b": None}]}, {"flat": "x" * 300}]
    compat.write(tmp_path / "t.json5", "two\nlines", value)
    assert compat.read(tmp_path / "t.json5") == value
    assert json5.loads((tmp_path / "t.json5").read_text()) == value
