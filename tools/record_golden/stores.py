"""compat/stores/: small store directories that an official broker left, and what it says is in them.

Of each store there are NAME.tar.xz, the directory (config/ included), and NAME.json5: its files, its records in the
order of the CommitLog as the dissector reads them, and the answers of an official broker that was started on a copy:
offsets and entries of every queue, keys in the index, offsets by time.
"""

from __future__ import annotations

import lzma
import os
import shutil
import tarfile
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import compat
from interop.java_servers import JavaBroker, JavaNameServer
from interop.raw_client import RawClient
from rocketpy.protocol.codes import RequestCode as Ask
from tools.dissect.records import records
from tools.dissect.store_files import commit_log, consume_queue
from tools.record_golden.exchange import Player
from tools.record_golden.recipes import RECIPES, Recipe
from tools.record_golden.script import Script

DIRECTORY = compat.DIRECTORY / "stores"
BROKER = {"name": "golden", "cluster": "GoldenCluster"}
PACE = 0.02

COMMENT = """
{about}
An official broker (4.9.7) wrote the directory in {name}.tar.xz with these settings; files: their lengths; records: what
the CommitLog holds. reopened: what an official broker answered that was started on a copy of it: queues with their
offsets and the physical offsets of their messages; keys: physical offsets that QUERY_MESSAGE found; times: the queue
offset that SEARCH_OFFSET_BY_TIMESTAMP found; files_after: lengths after it was stopped again.
Recorded by `python -m tools.record_golden stores`.
"""


def record(directory: Path, names: Collection[str] = ()) -> int:
    """Record the recipes of those `names`, or all, in `directory` and write compat/stores/; the number of stores."""
    DIRECTORY.mkdir(exist_ok=True)
    chosen = [recipe for recipe in RECIPES if not names or recipe.name in names]
    with JavaNameServer(directory / "namesrv") as namesrv:
        for recipe in chosen:
            _record(recipe, directory / recipe.name, namesrv.address)
    return len(chosen)


def unpack(name: str, directory: Path) -> dict[str, Any]:
    """Put the store `name` into `directory`, times of files included, and give back what is known about it."""
    with lzma.open(DIRECTORY / f"{name}.tar.xz") as packed, tarfile.open(fileobj=packed) as archive:
        archive.extractall(directory, filter="data")
    known: dict[str, Any] = compat.read(DIRECTORY / f"{name}.json5")
    return known


def _record(recipe: Recipe, directory: Path, namesrv: str) -> None:
    broker = JavaBroker(directory, namesrv, **BROKER, **recipe.settings)
    broker.start()
    script = Script("broker")
    recipe.play(script)
    with Player({"broker": broker.address, "broker6": f"::1:{broker.port}"}, pace=PACE) as player:
        outcomes = player.play(script.steps)
        odd = [outcome.step.name for outcome in outcomes if not outcome.is_expected]
        assert not odd, f"{recipe.name}: answered in another way than expected: {odd}"
        time.sleep(recipe.wait)
        if recipe.aged:
            _expire(broker, recipe.aged)
        if recipe.killed:
            assert broker.process is not None
            broker.process.kill()
        else:
            broker.stop()
    if recipe.damage is not None:
        recipe.damage(broker.store)
    _pack(broker.store, DIRECTORY / f"{recipe.name}.tar.xz")
    described = {
        "settings": recipe.settings,
        "killed": recipe.killed,
        "files": _files(broker.store),
        "records": list(_records(broker.store / "commitlog")),
        "reopened": _reopen(recipe, broker.store, directory.with_name(f"{recipe.name}-again"), namesrv),
    }
    comment = COMMENT.format(about=recipe.about, name=recipe.name)
    compat.write(DIRECTORY / f"{recipe.name}.json5", comment, described, width=1000)


def _expire(broker: JavaBroker, count: int) -> None:
    """Have the broker delete its first `count` files: it looks for some a minute after its start."""
    files = sorted((broker.store / "commitlog").iterdir())
    for path in files[:count]:
        os.utime(path, (0, 0))
    with RawClient(broker.address) as client:
        for _ in range(120):
            client.ask(Ask.DELETE_EXPIRED_COMMITLOG)
            if not any(path.exists() for path in files[:count]):
                break
            time.sleep(1)
    time.sleep(15)  # for the queues and the index, which follow


def _pack(store: Path, archive_path: Path) -> None:
    with lzma.open(archive_path, "wb", preset=9) as packed, tarfile.open(
        fileobj=packed, mode="w", format=tarfile.PAX_FORMAT
    ) as archive:
        for path in sorted(store.rglob("*")):
            member = archive.gettarinfo(path, str(path.relative_to(store)))
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            member.mtime = path.stat().st_mtime
            if path.is_file():
                with path.open("rb") as content:
                    archive.addfile(member, content)
            else:
                archive.addfile(member)


def _files(store: Path) -> dict[str, int]:
    return {str(path.relative_to(store)): path.stat().st_size for path in sorted(store.rglob("*")) if path.is_file()}


def _records(directory: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(directory.iterdir()):
        for fields in commit_log(path.read_bytes()):
            if "error" in fields or fields.get("body_crc_holds") is False:
                return  # damage that was done: Java's log ends there, too
            if fields.get("blank"):
                yield {"physical_offset": int(path.name) + fields["position"], "blank": fields["total_size"]}
                continue
            left_out = ("position", "magic", "body_crc_holds", "body")  # the checksum stands for the body
            yield {name: value for name, value in fields.items() if name not in left_out}


def _reopen(recipe: Recipe, store: Path, directory: Path, namesrv: str) -> dict[str, Any]:
    shutil.copytree(store, directory / "store")
    broker = JavaBroker(directory, namesrv, **BROKER, **recipe.settings)
    broker.start()
    with RawClient(broker.address) as client:
        places = {path.relative_to(one) for one in (store, broker.store) for path in one.glob("consumequeue/*/*")}
        paths = [store / place if (store / place).exists() else broker.store / place for place in sorted(places)]
        queues = [_queue(client, path) for path in paths]
        answers = {
            "queues": queues,
            "keys": [_key(client, topic, key) for topic, key in recipe.keys],
            "times": [row for queue in queues for row in _times(client, queue)],
        }
    broker.stop()
    return answers | {"files_after": _files(broker.store)}


def _queue(client: RawClient, directory: Path) -> dict[str, Any]:
    topic, queue_id = directory.parent.name, directory.name
    queue = {"topic": topic, "queueId": queue_id}
    ends = {"min": _offset(client, Ask.GET_MIN_OFFSET, queue), "max": _offset(client, Ask.GET_MAX_OFFSET, queue)}
    entries = [entry for path in sorted(directory.iterdir()) for entry in consume_queue(path.read_bytes())]
    return {
        "topic": topic,
        "queue_id": int(queue_id),
        **ends,
        "messages": list(_pulled(client, queue, ends["min"], ends["max"])),
        "tags_codes": [entry["tags_code"] for entry in entries],
    }


def _offset(client: RawClient, code: int, fields: dict[str, str]) -> int:
    return int((client.ask(code, fields).ext_fields or {})["offset"])


def _pulled(client: RawClient, queue: dict[str, str], queue_offset: int, end: int) -> Iterator[list[int]]:
    """[physical offset, store timestamp] of the messages of a queue, as pulls find them."""
    while queue_offset < end:
        fields = queue | {"consumerGroup": "StoreReader", "queueOffset": str(queue_offset), "maxMsgNums": "32",
                          "sysFlag": "4", "commitOffset": "0", "suspendTimeoutMillis": "0", "subscription": "*",
                          "subVersion": "0"}  # fmt: skip
        answer = client.ask(Ask.PULL_MESSAGE, fields)
        if answer.code == 17:  # a topic without a configuration, of the transactions' own kind
            return
        assert answer.code == 0, f"{queue}, {queue_offset}: {answer.code} {answer.remark}"
        for message in records(answer.body):
            yield [message["physical_offset"], message["store_timestamp"]]
        queue_offset = int((answer.ext_fields or {})["nextBeginOffset"])


def _key(client: RawClient, topic: str, key: str) -> dict[str, Any]:
    fields = {"topic": topic, "key": key, "maxNum": "64", "beginTimestamp": "0", "endTimestamp": str(1 << 62)}
    answer = client.ask(Ask.QUERY_MESSAGE, fields)
    found = [message["physical_offset"] for message in records(answer.body)] if answer.code == 0 else []
    return {"topic": topic, "key": key, "physical_offsets": found}


def _times(client: RawClient, queue: dict[str, Any]) -> Iterator[dict[str, Any]]:
    stored = [timestamp for _, timestamp in queue["messages"]]
    some = stored[:: max(1, len(stored) // 3)]
    for timestamp in sorted({0, *some, stored[-1] + 1}) if stored else ():
        fields = {"topic": queue["topic"], "queueId": str(queue["queue_id"]), "timestamp": str(timestamp)}
        found = _offset(client, Ask.SEARCH_OFFSET_BY_TIMESTAMP, fields)
        yield {"topic": queue["topic"], "queue_id": queue["queue_id"], "timestamp": timestamp, "queue_offset": found}
