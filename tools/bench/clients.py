"""python -m tools.bench.clients [--only java|go|ours]... [--seconds N] [--rounds N]

What a client costs: the official Java and Go clients and ours send to the same broker, and consume its backlog, by
turns; and what each of them occupies when it is a consumer with nothing to do.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from interop import artifacts
from interop.driver import Driver, DriverError, go_program, java_classes
from interop.java_servers import environment, make_home
from interop.our_servers import OurBroker, OurNameServer
from interop.process import Process
from interop.raw_client import RawClient
from interop.server import Server
from rocketpy.protocol.codes import RequestCode
from tools.bench.brokers import cpu_seconds, resident_mib
from tools.bench.load import Measured
from tools.bench.report import header, lines

QUEUES = 16
BODY_SIZE = 128
BACKLOG = 60_000
_IDLE_SECONDS = 10.0
_PATIENCE_MS = 120_000


class Program:
    """A client in a process of its own, and what the system says of it."""

    def __init__(self, name: str, process: Process) -> None:
        self.name = name
        self._process = process
        self._driver = Driver(name, process)

    def load(self, verb: str, **request: object) -> Measured:
        """One round of a load. Raises DriverError."""
        cpu = cpu_seconds(self._process.pid)
        outcome = self._driver.ask(verb, **request)
        spent = cpu_seconds(self._process.pid) - cpu
        return Measured(messages=outcome["messages"], seconds=outcome["seconds"], client_cpu=spent)

    def start(self, verb: str, **request: object) -> None:
        """Have it start a producer or a consumer. Raises DriverError."""
        self._driver.ask(verb, **request)

    def memory(self) -> dict[str, float]:
        """MiB resident in all, and without pages of files."""
        resident, anonymous = resident_mib(self._process.pid)
        return {"RSS MiB": resident, "of it no file MiB": anonymous}

    def stop(self) -> None:
        """End it."""
        self._process.stop()


def _java(directory: Path) -> Process:
    """The Java client with the collector and the heap that it chooses itself."""
    home = make_home(directory, level="ERROR")
    class_path = os.pathsep.join((str(java_classes()), artifacts.classpath("client")))
    places = (f"-Drocketmq.home.dir={home}", f"-Duser.home={directory}", f"-Drocketmq.client.logRoot={directory}/logs")
    command = [artifacts.java(), *places, "-Drocketmq.client.logLevel=ERROR", "-cp", class_path, "Driver"]
    return Process(command, directory / "driver.log", environment=environment(), pipe=True)


def _go(directory: Path) -> Process:
    return Process([str(go_program())], directory / "driver.log", environment=environment(), pipe=True)


def _ours(directory: Path) -> Process:
    return Process([sys.executable, "-m", "tools.bench.python_client"], directory / "driver.log", pipe=True)


CLIENTS: dict[str, Callable[[Path], Process]] = {"java": _java, "go": _go, "ours": _ours}


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; 0 when every load ran."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="rocketpy-bench-", dir=options.directory) as made:
        directory = Path(made)
        namesrv = OurNameServer(directory / "namesrv")
        broker = OurBroker(directory / "broker", namesrv.address)
        try:
            for server in (namesrv, broker):
                server.start()
            _run(options.only or list(CLIENTS), namesrv, broker, directory, options.seconds, options.rounds)
        except (artifacts.MissingToolError, DriverError, RuntimeError, OSError) as error:
            print(f"bench: {error}", file=sys.stderr)
            return 1
        finally:
            for server in (broker, namesrv):
                server.stop()
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.bench.clients", description=__doc__)
    parser.add_argument("--only", action="append", choices=list(CLIENTS), help="only this client, may be repeated")
    parser.add_argument("--seconds", type=float, default=5, help="of each round of sends (default 5)")
    parser.add_argument("--rounds", type=int, default=3, help="of each load and client, by turns (default 3)")
    parser.add_argument("--directory", help="where the store goes for the time being (default: the system's)")
    return parser.parse_args(arguments)


def _run(
    names: list[str], namesrv: Server, broker: OurBroker, directory: Path, seconds: float, rounds: int
) -> None:
    _create_topics(broker, "Bench", "Idle")
    print(header(names), flush=True)
    _measure_idle(names, namesrv.address, directory)
    programs = [_started(name, directory) for name in names]
    try:
        for program in programs:
            program.start("start_producer", group=f"bench_{program.name}", namesrv=namesrv.address)
        for title, in_flight in (("send 128 B, one after the other", 1), ("send 128 B, 64 in flight", 64)):
            _by_turns(title, programs, rounds, partial(_send, in_flight, seconds))
        _fill(broker, programs[-1])
        _by_turns(
            f"consume a backlog of {BACKLOG}", programs, rounds,
            lambda program, number: program.load(
                "bench_consume", group=f"readers_{program.name}_{number}", topic="Bench", namesrv=namesrv.address,
                count=BACKLOG, timeout=_PATIENCE_MS,
            ),
        )  # fmt: skip
    finally:
        for program in programs:
            program.stop()


def _started(name: str, directory: Path) -> Program:
    home = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=directory))
    return Program(name, CLIENTS[name](home))


def _measure_idle(names: list[str], namesrv: str, directory: Path) -> None:
    """Each in a process that does nothing else."""
    programs = [_started(name, directory) for name in names]
    try:
        for program in programs:
            name = f"idle_{program.name}"
            program.start("start_consumer", group=name, name=name, namesrv=namesrv, topic="Idle", expression="*")
        time.sleep(_IDLE_SECONDS)
        _print("a push consumer with nothing to do", {program.name: program.memory() for program in programs})
    finally:
        for program in programs:
            program.stop()


def _by_turns(title: str, programs: list[Program], rounds: int, load: Callable[[Program, int], Measured]) -> None:
    measured = {program.name: Measured() for program in programs}
    for number in range(rounds + 1):
        for program in programs:
            one = load(program, number)
            if number:  # the first round is warm-up
                measured[program.name].add(one)
    _print(title, {name: _figures(one) for name, one in measured.items()})


def _send(in_flight: int, seconds: float, program: Program, number: int = 0) -> Measured:
    return program.load(
        "bench_send", group=f"bench_{program.name}", topic="Bench", size=BODY_SIZE, in_flight=in_flight,
        milliseconds=int(seconds * 1000),
    )  # fmt: skip


def _figures(measured: Measured) -> dict[str, float]:
    messages = max(measured.messages, 1)
    return {"msg/s": measured.messages / measured.seconds, "CPU us/msg": measured.client_cpu / messages * 1e6}


def _fill(broker: OurBroker, program: Program) -> None:
    """Send until the backlog is there, and known to the queues."""
    with RawClient(broker.address) as asking:

        def stored() -> int:
            fields = [{"topic": "Bench", "queueId": str(number)} for number in range(QUEUES)]
            answers = [asking.ask(RequestCode.GET_MAX_OFFSET, one).ext_fields or {} for one in fields]
            return sum(int(answer["offset"]) for answer in answers)

        while stored() < BACKLOG:
            _send(64, 1.0, program)


def _create_topics(broker: OurBroker, *topics: str) -> None:
    with RawClient(broker.address) as asking:
        for topic in topics:
            fields = {
                "topic": topic, "defaultTopic": "TBW102", "readQueueNums": str(QUEUES),
                "writeQueueNums": str(QUEUES), "perm": "6", "topicFilterType": "SINGLE_TAG", "topicSysFlag": "0",
                "order": "false",
            }  # fmt: skip
            if asking.ask(RequestCode.UPDATE_AND_CREATE_TOPIC, fields).code:
                raise RuntimeError(f"the broker does not create {topic}")


def _print(title: str, by_client: dict[str, dict[str, float]]) -> None:
    print("\n".join(lines(title, by_client)), flush=True)


if __name__ == "__main__":
    sys.exit(main())
