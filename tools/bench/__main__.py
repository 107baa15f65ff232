"""python -m tools.bench [--only java|ours] [--seconds N] [--warm-up N] [--case NAME]..."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from interop.artifacts import MissingToolError
from tools.bench.brokers import KINDS, Broker
from tools.bench.cases import CASES, WARM_UP, measure
from tools.bench.load import Measured, Refused
from tools.bench.report import case_figures, header, lines

ROUND_SECONDS = 2.5


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; 0 when every case ran."""
    options = _options(arguments)
    directory = Path(tempfile.mkdtemp(prefix="rocketpy-bench-", dir=options.directory))
    kinds = [options.only] if options.only else list(KINDS)
    brokers = [KINDS[name](directory) for name in kinds]
    try:
        _run(brokers, options.case or list(CASES), options.seconds, options.warm_up)
    except (MissingToolError, RuntimeError, Refused, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    finally:
        for broker in brokers:
            broker.stop()
        shutil.rmtree(directory, ignore_errors=True)
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=sys.modules["tools.bench"].__doc__)
    parser.add_argument("--only", choices=list(KINDS), help="one broker instead of both")
    parser.add_argument("--seconds", type=float, default=10, help="of each case and broker, in rounds (default 10)")
    parser.add_argument("--warm-up", type=float, default=20, help="seconds of load before, for the JIT (default 20)")
    parser.add_argument("--case", action="append", choices=list(CASES), help="only this, may be repeated")
    parser.add_argument("--directory", help="where the stores go for the time being (default: the system's)")
    return parser.parse_args(arguments)


def _run(brokers: list[Broker], cases: Iterable[str], seconds: float, warm_up: float) -> None:
    for broker in brokers:
        broker.start()
    time.sleep(2)
    print(header([broker.name for broker in brokers]))
    _print("a broker just started", {one.name: {"ready s": one.ready_seconds, **_memory(one)} for one in brokers})
    for broker in brokers:
        WARM_UP(broker.port, warm_up if broker.name == "java" else min(warm_up, 2))
    for name in cases:
        title, case = CASES[name]
        measured = {broker.name: Measured() for broker in brokers}
        rounds = max(1, round(seconds / ROUND_SECONDS))
        for number in range(rounds + 1):
            for broker in brokers:
                one = measure(broker, case, seconds / rounds)
                if number:  # the first round of a case is warm-up, too
                    measured[broker.name].add(one)
        _print(title, {name: case_figures(one) for name, one in measured.items()})
    _print("after all of this", {one.name: _memory(one) for one in brokers})


def _memory(broker: Broker) -> dict[str, float]:
    resident, anonymous = broker.memory()
    return {"RSS MiB": resident, "of it no file MiB": anonymous}


def _print(title: str, by_broker: dict[str, dict[str, float]]) -> None:
    print("\n".join(lines(title, by_broker)), flush=True)


if __name__ == "__main__":
    sys.exit(main())
