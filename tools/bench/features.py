"""python -m tools.bench.features [--only java|ours] [--seconds N] [--case NAME]...

Transactions, delayed messages, filters, and request-reply, beside Java's broker in one run: see `tools.bench`.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from interop.artifacts import MissingToolError
from tools.bench import feature_loads as loads
from tools.bench.brokers import KINDS, Broker
from tools.bench.cases import WARM_UP, Case, measure
from tools.bench.load import Measured, Refused
from tools.bench.report import case_figures, header, lines

SQL = "price BETWEEN 10 AND 20 AND color IN ('red', 'blue')"
NO_SQL = "price > 20 OR color = 'blue'"

CASES: dict[str, tuple[str, Case]] = {
    "transaction": ("half message and commit, 32 at a time", lambda port, s: loads.transactions(port, 32, s)),
    "delay": ("level 1: sent and delivered, 32 at a time", lambda port, s: loads.delays(port, 32, s)),
    "filter-none": ("pull without a filter", lambda port, s: loads.filtered_pulls(port, "TAG", "*", s)),
    "filter-tag": ("pull by a tag that all have", lambda port, s: loads.filtered_pulls(port, "TAG", "TagA", s)),
    "filter-no-tag": ("pull by a tag that none has", lambda port, s: loads.filtered_pulls(port, "TAG", "TagZ", s)),
    "filter-sql": ("pull by SQL that all match", lambda port, s: loads.filtered_pulls(port, "SQL92", SQL, s)),
    "filter-no-sql": ("pull by SQL that none matches", lambda port, s: loads.filtered_pulls(port, "SQL92", NO_SQL, s)),
    "request-reply": ("request and reply, one at a time", loads.requests_and_replies),
}
"""By name: title and load. Of pulls each message that the broker looked at counts."""


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; 0 when every case ran."""
    options = _options(arguments)
    directory = Path(tempfile.mkdtemp(prefix="rocketpy-bench-", dir=options.directory))
    brokers = [KINDS[name](directory) for name in ([options.only] if options.only else KINDS)]
    try:
        _run(brokers, options.case or list(CASES), options.seconds, options.rounds, options.warm_up)
    except (MissingToolError, RuntimeError, Refused, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    finally:
        for broker in brokers:
            broker.stop()
        shutil.rmtree(directory, ignore_errors=True)
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.bench.features", description=__doc__)
    parser.add_argument("--only", choices=list(KINDS), help="one broker instead of both")
    parser.add_argument("--seconds", type=float, default=3, help="of each round (default 3)")
    parser.add_argument("--rounds", type=int, default=3, help="of each case and broker, by turns (default 3)")
    parser.add_argument("--warm-up", type=float, default=20, help="seconds of load before, for the JIT (default 20)")
    parser.add_argument("--case", action="append", choices=list(CASES), help="only this, may be repeated")
    parser.add_argument("--directory", help="where the stores go for the time being (default: the system's)")
    return parser.parse_args(arguments)


def _run(brokers: list[Broker], cases: list[str], seconds: float, rounds: int, warm_up: float) -> None:
    for broker in brokers:
        broker.start()
    time.sleep(2)
    for broker in brokers:
        WARM_UP(broker.port, warm_up if broker.name == "java" else min(warm_up, 2))
        loads.fill_for_filters(broker.port)
    print(header([broker.name for broker in brokers]))
    for name in cases:
        title, case = CASES[name]
        measured = {broker.name: Measured() for broker in brokers}
        for number in range(rounds + 1):
            for broker in brokers:
                one = measure(broker, case, seconds)
                if number:  # the first round of a case is warm-up, too
                    measured[broker.name].add(one)
        print("\n".join(lines(title, {name: case_figures(one) for name, one in measured.items()})), flush=True)


if __name__ == "__main__":
    sys.exit(main())
