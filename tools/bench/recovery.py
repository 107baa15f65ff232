"""python -m tools.bench.recovery [--gib N] [--body BYTES] [--directory PATH]: how long a start on a store takes.

One store is made and handed to Java's broker and ours, once as it was closed and once as a kill left it. The figures
are from the start of the process to the first message that it takes, and the CPU time that went into it.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from interop.artifacts import MissingToolError
from rocketpy.config.store import StoreConfig
from rocketpy.protocol.record import Record, encode_host
from rocketpy.store.message_store import MessageStore
from tools.bench.brokers import KINDS
from tools.bench.report import header, lines

_GIB = 1 << 30
_QUEUES = 8
_STEP = 1000
_HOST = encode_host("127.0.0.1", 10911)
_TAGS_CODE = 2598919  # of TagA


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; 0 when every start succeeded."""
    options = _options(arguments)
    directory = Path(tempfile.mkdtemp(prefix="rocketpy-bench-", dir=options.directory))
    try:
        made = make_stores(directory, int(options.gib * _GIB), options.body)
        print(header(list(KINDS)))
        for name, store in made.items():
            title = f"start on {options.gib:g} GiB, {name}"
            figures = {kind: started(kind, directory / "brokers", store, options.gib) for kind in KINDS}
            for line in lines(title, figures):
                print(line, flush=True)
    except (MissingToolError, RuntimeError, OSError, subprocess.CalledProcessError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.bench.recovery")
    parser.add_argument("--gib", type=float, default=1, help="of CommitLog (default 1)")
    parser.add_argument("--body", type=int, default=1024, help="bytes of each message (default 1024)")
    parser.add_argument("--directory", help="where the stores go for the time being (default: the system's)")
    return parser.parse_args(arguments)


def make_stores(directory: Path, size: int, body: int) -> dict[str, Path]:
    """A store with `size` bytes of log, as a kill leaves it and as it is when closed, by these names."""
    now = time.time_ns() // 1_000_000
    closed, killed = directory / "closed", directory / "killed"
    store = MessageStore(StoreConfig(store_path_root_dir=str(closed)))
    store.open(now)
    number = 0
    while store.log.max_offset < size:
        for _ in range(_STEP):
            store.append(_record(number, body, now), now)
            number += 1
        for job in store.step(now):
            job.run()
            store.finish(job)
    _copy(closed, killed)
    store.close(now)
    return {"closed": closed, "killed": killed}


def _record(number: int, body: int, now: int) -> Record:
    key = f"7F000001000A18B4AAC2{number:012X}"
    text = f"UNIQ_KEY\x01{key}\x02CLUSTER\x01DefaultCluster\x02TAGS\x01TagA".encode()
    return Record(
        "BenchmarkTest", number % _QUEUES, bytes(body), text, born_timestamp=now, born_host=_HOST, store_host=_HOST,
        tags_code=_TAGS_CODE, uniq_key=key,
    )  # fmt: skip


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", "--sparse=always", source, target], check=True)  # most of the last file is a hole


def started(kind: str, directory: Path, store: Path, gib: float) -> dict[str, float]:
    """What the start of one broker on a copy of `store` takes. Raises RuntimeError."""
    broker = KINDS[kind](directory)
    _copy(store, broker.directory / "store")
    try:
        broker.start()
        figures = {"ready s": broker.ready_seconds, "CPU s": broker.cpu_seconds()}
    finally:
        broker.stop()
        shutil.rmtree(broker.directory, ignore_errors=True)
    return figures | {"ready s/GiB": figures["ready s"] / gib}


if __name__ == "__main__":
    sys.exit(main())
