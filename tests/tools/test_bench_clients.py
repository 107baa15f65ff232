"""Our client under the loads that it is measured with: it counts what was sent and what was consumed."""

from __future__ import annotations

from pathlib import Path

from tests.broker.live import standalone
from tools.bench.clients import CLIENTS, Program


def test_what_was_sent_is_consumed(tmp_path: Path) -> None:
    with standalone(tmp_path) as servers:
        program = Program("ours", CLIENTS["ours"](tmp_path))
        try:
            namesrv = servers.namesrv.address
            program.start("start_producer", group="senders", namesrv=namesrv)
            program.start("start_consumer", group="idle", namesrv=namesrv, topic="Bench")
            sent = 0
            for in_flight in (1, 4):
                done = program.load(
                    "bench_send", group="senders", topic="Bench", size=10, in_flight=in_flight, milliseconds=50
                )
                assert done.messages > 0
                assert done.seconds >= 0.05
                sent += done.messages
            read = program.load(
                "bench_consume", group="readers", topic="Bench", namesrv=namesrv, count=sent, timeout=30_000
            )
            assert read.messages == sent
            assert program.memory()["RSS MiB"] > 1
        finally:
            program.stop()
