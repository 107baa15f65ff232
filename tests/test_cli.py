"""The entry points, run as processes: what they print, and how they end."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rocketpy import __version__


def command(*arguments: str, tmp_path: Path) -> tuple[list[str], dict[str, str]]:
    environment = {name: value for name, value in os.environ.items() if name not in ("NAMESRV_ADDR", "ROCKETMQ_HOME")}
    return [sys.executable, "-m", "rocketpy", *arguments], environment | {"HOME": str(tmp_path)}


def run(*arguments: str, tmp_path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    line, environment = command(*arguments, tmp_path=tmp_path)
    return subprocess.run(line, env=environment | variables, capture_output=True, text=True, timeout=30, check=False)


@contextmanager
def running(*arguments: str, tmp_path: Path, until: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that has printed a line with `until`, and what it printed up to there; interrupted at the end."""
    line, environment = command(*arguments, tmp_path=tmp_path)
    with subprocess.Popen(
        line, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        printed = ""
        try:
            for text in process.stdout:
                printed += text
                if until in text:
                    break
            else:
                pytest.fail(f"ended after {printed!r}")
            yield process, printed
        finally:
            process.send_signal(signal.SIGINT)


def fails_in_one_line(result: subprocess.CompletedProcess[str], *words: str) -> None:
    assert result.returncode != 0
    lines = [line for line in result.stderr.splitlines() if " - " not in line]  # without the log
    assert len(lines) == 1, result.stderr
    assert all(word in lines[0] for word in words), lines[0]


def test_rocketpy_serves_until_interrupted(tmp_path: Path) -> None:
    store = tmp_path / "store"
    arguments = ("--namesrv-port", "0", "--port", "0", "--host", "127.0.0.1", "--store", str(store))
    with running(*arguments, tmp_path=tmp_path, until="Ready") as (process, printed):
        namesrv = re.search(r"name server +127\.0\.0\.1:(\d+)", printed)
        broker = re.search(r"broker +127\.0\.0\.1:(\d+) \(VIP 127\.0\.0\.1:\d+, HA 127\.0\.0\.1:\d+\)", printed)
        ready = re.search(r"Ready after (\d+\.\d+) s", printed)
        assert namesrv
        assert broker
        assert ready
        assert f"store        {store}" in printed
        for match in (namesrv, broker):
            socket.create_connection(("127.0.0.1", int(match[1])), 5).close()
        assert (store / "lock").exists()
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    assert not (store / "abort").exists()


def test_rocketpy_in_a_container_logs_to_files_and_tells_its_address_outside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROCKETPY_LOG_DIR", str(tmp_path / "logs"))
    monkeypatch.setenv("ROCKETPY_ADVERTISED_ADDR", "outside.example")
    arguments = ("--namesrv-port", "0", "--port", "0", "--ephemeral", "--verbose")
    with running(*arguments, tmp_path=tmp_path, until="Ready") as (_, printed):
        port = re.search(r"broker +\S+:(\d+) ", printed)
        assert port
        assert f"  from outside outside.example:{port[1]}\n" in printed
        assert " INFO rocketpy.namesrv - new broker registered" in printed
        assert " INFO MainThread - new broker registered" in (tmp_path / "logs" / "namesrv.log").read_text()
    assert {path.name for path in (tmp_path / "logs").iterdir()} == {
        "namesrv.log", "broker.log", "store.log", "otherdays",
    }  # fmt: skip


def test_wrong_address_for_outside_is_one_line(tmp_path: Path) -> None:
    for command in ((), ("mqbroker",)):
        result = run(*command, tmp_path=tmp_path, ROCKETPY_ADVERTISED_ADDR="outside:port")
        fails_in_one_line(result, "advertisedAddr=outside:port: it must be host or host:port")
    result = run("mqnamesrv", tmp_path=tmp_path, ROCKETPY_INSIDE_NETWORKS="lan")
    fails_in_one_line(result, "insideNetworks=lan: 'lan' does not appear to be")


def test_ephemeral_store_is_gone_afterwards(tmp_path: Path) -> None:
    arguments = ("--namesrv-port", "0", "--port", "0", "--ephemeral")
    with running(*arguments, tmp_path=tmp_path, until="store ") as (process, printed):
        store = Path(printed.split()[-1])
        assert (store / "lock").exists()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert not store.exists()


def test_servers_start_one_by_one_as_in_java(tmp_path: Path) -> None:
    config = tmp_path / "b.conf"
    config.write_text(
        "brokerName=b-1\nlistenPort=0\nbrokerIP1=127.0.0.1\nmappedFileSizeCommitLog=1048576\nmaxIndexNum=100\n"
        f"maxHashSlotNum=100\nstorePathRootDir={tmp_path / 'store'}\n"
    )
    names = tmp_path / "n.conf"
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    names.write_text(f"listenPort={port}\nkvConfigPath={tmp_path / 'kv.json'}\n")
    with running("mqnamesrv", "-c", str(names), tmp_path=tmp_path, until="boot success") as (_, printed):
        assert printed == (
            f"load config properties file OK, {names}\nThe Name Server boot success. serializeType=JSON\n"
        )
        arguments = ("mqbroker", "-c", str(config), "-n", f"127.0.0.1:{port}")
        with running(*arguments, tmp_path=tmp_path, until="boot success") as (_, printed):
            assert re.fullmatch(
                r"The broker\[b-1, 127\.0\.0\.1:\d+\] boot success\. serializeType=JSON "
                rf"and name server is 127\.0\.0\.1:{port}\n",
                printed,
            )


@pytest.mark.parametrize("name", ["rocketpy", "mqnamesrv", "mqbroker"])
def test_help_comes_at_once(tmp_path: Path, name: str) -> None:
    arguments = ("-h",) if name == "rocketpy" else (name, "-h")
    began = time.monotonic()
    result = run(*arguments, tmp_path=tmp_path)
    assert time.monotonic() - began < 2
    assert result.returncode == 0
    assert f"Usage: {name}" in result.stdout
    assert "--configFile" in result.stdout


def test_version_is_told(tmp_path: Path) -> None:
    assert __version__ in run("--version", tmp_path=tmp_path).stdout


def test_entry_points_import_neither_servers_nor_gevent() -> None:
    code = "import sys, rocketpy.cli; print([name for name in ('gevent', 'rocketpy.broker') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_configuration_is_printed_in_javas_form(tmp_path: Path) -> None:
    config = tmp_path / "b.conf"
    config.write_text("brokerName=bücher\nfileReservedTime=48\n", encoding="utf-8")
    important = run("mqbroker", "-c", str(config), "-m", tmp_path=tmp_path, NAMESRV_ADDR="10.0.0.1:9876")
    everything = run("mqbroker", "-c", str(config), "-p", tmp_path=tmp_path)
    assert re.search(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d INFO main - fileReservedTime=48$", important.stdout, re.M)
    assert " - namesrvAddr=10.0.0.1:9876\n" in important.stdout
    assert "sendThreadPoolQueueCapacity" not in important.stdout
    assert " - sendThreadPoolQueueCapacity=10000\n" in everything.stdout
    assert " - listenPort=10911\n" in everything.stdout
    names = run("mqnamesrv", "-p", tmp_path=tmp_path, ROCKETMQ_HOME="/opt/rocketmq")
    assert re.search(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO main - listenPort=9876$", names.stdout, re.M)
    assert " - rocketmqHome=/opt/rocketmq\n" in names.stdout


def test_port_in_use_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("", 0)) as taken:
        port = str(taken.getsockname()[1])
        store = str(tmp_path / "store")
        result = run("--namesrv-port", "0", "--port", port, "--store", store, tmp_path=tmp_path)
        fails_in_one_line(result, "rocketpy: cannot listen on", port, "in use")
        result = run("--namesrv-port", port, "--port", "0", "--store", store, tmp_path=tmp_path)
        fails_in_one_line(result, "rocketpy: cannot listen on", port, "in use")
    assert not (tmp_path / "store" / "abort").exists()


def test_store_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    config = tmp_path / "b.conf"
    config.write_text(f"storePathRootDir={tmp_path}/file/store\nlistenPort=0\n")
    fails_in_one_line(run("mqbroker", "-c", str(config), tmp_path=tmp_path), "mqbroker: ", f"{tmp_path}/file")


def test_corrupt_table_is_one_line(tmp_path: Path) -> None:
    config = tmp_path / "store" / "config"
    config.mkdir(parents=True)
    (config / "topics.json").write_text("{")
    arguments = ("--namesrv-port", "0", "--port", "0", "--store", str(tmp_path / "store"))
    fails_in_one_line(run(*arguments, tmp_path=tmp_path), "rocketpy: ", "topics.json")


@pytest.mark.parametrize("arguments", [("mqbroker",), ("mqnamesrv",), ()])
def test_missing_configuration_is_one_line(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    result = run(*arguments, "-c", str(tmp_path / "none.conf"), tmp_path=tmp_path)
    fails_in_one_line(result, "none.conf")


def test_illegal_name_server_is_one_line(tmp_path: Path) -> None:
    result = run("mqbroker", "-n", "nonsense", tmp_path=tmp_path)
    fails_in_one_line(result, "The Name Server Address[nonsense] illegal")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--port", "abc"), "rocketpy: Invalid value for '--port'"),
        (("--nonsense",), "rocketpy: No such option"),
        (("--ephemeral", "--store", "x"), "rocketpy: --store and --ephemeral exclude each other"),
        (("mqbroker", "stray"), "mqbroker: Got unexpected extra argument"),
        (("--namesrv-port", "70000", "--port", "0", "--ephemeral"), "rocketpy: cannot listen on"),
    ],
)
def test_arguments_that_are_none_are_one_line(tmp_path: Path, arguments: tuple[str, ...], word: str) -> None:
    fails_in_one_line(run(*arguments, tmp_path=tmp_path), word)


def test_second_process_on_one_store_is_one_line(tmp_path: Path) -> None:
    arguments = ("--namesrv-port", "0", "--port", "0", "--store", str(tmp_path / "store"))
    with running(*arguments, tmp_path=tmp_path, until="Ready"):
        fails_in_one_line(run(*arguments, tmp_path=tmp_path), "in use by another broker")


def test_mqadmin_hands_its_words_on(tmp_path: Path) -> None:
    assert run("mqadmin", "topicRoute", "-h", "-tT", tmp_path=tmp_path).stdout.startswith("usage: mqadmin topicRoute")
    assert run("mqadmin", "topicRoute", "-x", tmp_path=tmp_path).returncode == 1


def test_tables_are_saved_when_the_broker_ends(tmp_path: Path) -> None:
    arguments = ("--namesrv-port", "0", "--port", "0", "--store", str(tmp_path / "store"))
    with running(*arguments, tmp_path=tmp_path, until="Ready"):
        pass
    saved = json.loads((tmp_path / "store" / "config" / "consumerOffset.json").read_text())
    assert saved == {"offsetTable": {}}
