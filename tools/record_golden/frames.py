"""compat/frames.json5: frames and the answers of the official servers, in hexadecimal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import compat
from interop.java_servers import JavaBroker, JavaNameServer
from interop.raw_client import RawClient
from rocketpy.protocol.codes import RequestCode
from rocketpy.protocol.command import Command
from tools.record_golden.broker_frames import broker_steps
from tools.record_golden.exchange import Outcome, Player, Step
from tools.record_golden.namesrv_frames import namesrv_steps

FILE = compat.DIRECTORY / "frames.json5"
RUNTIME_INFO_FILE = compat.DIRECTORY / "runtime_info.json5"
PACE = 0.08
BROKER = {"name": "golden", "cluster": "GoldenCluster"}

COMMENT = """
What an official name server and an official broker (4.9.7, named "golden" in cluster "GoldenCluster") answered, asked
in this order when fresh. Frames are whole, in hexadecimal. to: which server; connection: which of several to it;
answer: "now", "later" (after the next step), "none" or "closed"; pushes: what else came over that connection
meanwhile; mask: fields that differ from run to run. "says" is the answer in short, for the reader.
Recorded by `python -m tools.record_golden frames`; `python -m tools.dissect HEX` explains a frame.
"""

RUNTIME_INFO_COMMENT = """
The table that GET_BROKER_RUNTIME_INFO answers, which exporters read value by value, as the broker of frames.json5 gave
it after those frames; STORE is its directory.
Recorded by `python -m tools.record_golden frames`.
"""


def record(directory: Path) -> int:
    """Run the official servers in `directory` and write the file; the number of frames."""
    with JavaNameServer(directory / "namesrv") as namesrv:
        with Player({"namesrv": namesrv.address}, pace=PACE) as player:
            outcomes = player.play(namesrv_steps())
        with JavaBroker(directory / "broker", namesrv.address, **BROKER) as broker:
            addresses = {"broker": broker.address, "vip": f"127.0.0.1:{broker.port - 2}"}
            with Player(addresses, pace=PACE) as player:
                outcomes += player.play(broker_steps())
            _record_runtime_info(broker)
    odd = [outcome.step.name for outcome in outcomes if not outcome.is_expected]
    assert not odd, f"answered in another way than expected: {odd}"
    compat.write(FILE, COMMENT, [_row(outcome) for outcome in outcomes])
    return len(outcomes)


def runtime_info(address: str, store: Path) -> dict[str, str]:
    """What a broker says of itself, with STORE for its directory."""
    with RawClient(address) as client:
        table: dict[str, str] = client.ask_json(RequestCode.GET_BROKER_RUNTIME_INFO)["table"]
    return {name.replace(str(store), "STORE"): value for name, value in sorted(table.items())}


def _record_runtime_info(broker: JavaBroker) -> None:
    rows = [{"name": name, "example": value} for name, value in runtime_info(broker.address, broker.store).items()]
    compat.write(RUNTIME_INFO_FILE, RUNTIME_INFO_COMMENT, rows)


def load() -> list[Outcome]:
    """What the official servers made of each step, which can be played again."""
    outcomes = []
    for row in compat.read(FILE):
        step = Step(
            row["name"],
            bytes.fromhex(row["request"]),
            to=row["to"],
            connection=row["connection"],
            answer=row["answer"],
            mask=tuple(row["mask"]),
        )
        response = row["response"] if row["answer"] in ("none", "closed") else bytes.fromhex(row["response"])
        pushes = [bytes.fromhex(push) for push in row["pushes"]]
        outcomes.append(Outcome(step, bytes.fromhex(row["request"]), response, pushes))
    return outcomes


def _row(outcome: Outcome) -> dict[str, Any]:
    step, response = outcome.step, outcome.response
    return {
        "name": step.name,
        "to": step.to,
        "connection": step.connection,
        "answer": step.answer,
        "mask": list(step.mask),
        "says": _in_short(response),
        "request": outcome.request.hex(),
        "response": response.hex() if isinstance(response, bytes) else response,
        "pushes": [push.hex() for push in outcome.pushes],
    }


def _in_short(response: bytes | str | None) -> str | None:
    if not isinstance(response, bytes):
        return response
    command = Command.decode(response[4:])
    parts = [f"code {command.code}"]
    if command.remark is not None:
        parts.append(command.remark)
    if command.ext_fields is not None:
        parts.append(", ".join(f"{name}={value}" for name, value in command.ext_fields.items()) or "no fields")
    if command.body:
        is_text = command.body[:1] == b"{"
        parts.append(command.body.decode() if is_text else f"{len(command.body)} bytes")
    return "; ".join(parts)
