"""The stores that are recorded: how their brokers are configured, and what is done to them."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from rocketpy.protocol.codes import RequestCode as Ask
from rocketpy.protocol.compression import compress
from rocketpy.protocol.flags import MessageSysFlag
from tools.dissect.store_files import commit_log
from tools.record_golden.broker_frames import as_json
from tools.record_golden.exchange import Answers
from tools.record_golden.script import Fields, Script, batch_body, properties, send_v2

SMALL = {
    "mappedFileSizeCommitLog": str(64 << 10),
    "mappedFileSizeConsumeQueue": "1000",
    "maxHashSlotNum": "64",
    "maxIndexNum": "100",
    "deleteWhen": "25",
}
"""Keys of every recorded store; files are never due for deletion."""

ROLLED = SMALL | {
    "mappedFileSizeCommitLog": str(8 << 10),
    "mappedFileSizeConsumeQueue": "200",
    "maxIndexNum": "20",
}
EXTENDED = SMALL | {
    "enableConsumeQueueExt": "true",
    "mappedFileSizeConsumeQueueExt": "1024",
    "enablePropertyFilter": "true",
    "enableCalcFilterBitMap": "true",
}

CHECKED = SMALL | {
    "transactionCheckInterval": "1000",
    "transactionTimeOut": "1",
    "transactionCheckMax": "2",
    "fileReservedTime": "1000000",  # since BORN, the messages of transactions are not old yet
}

Play = Callable[[Script], None]
Damage = Callable[[Path], None]


@dataclass(frozen=True)
class Recipe:
    """`play` writes the requests; after them the broker gets `wait` seconds and is stopped, or killed.

    Before that it lets the `aged` oldest files of the log expire; after that `damage` is done to the directory.
    """

    name: str
    about: str
    play: Play
    settings: dict[str, str] = field(default_factory=lambda: SMALL)
    killed: bool = False
    aged: int = 0
    damage: Damage | None = None
    wait: float = 0.5
    keys: tuple[tuple[str, str], ...] = ()
    """(topic, key) that the index is asked for."""


def create(script: Script, topic: str, queues: int = 4) -> None:
    fields = {"topic": topic, "defaultTopic": "TBW102", "readQueueNums": queues, "writeQueueNums": queues, "perm": 6,
              "topicFilterType": "SINGLE_TAG", "topicSysFlag": 0, "order": "false"}  # fmt: skip
    script.ask(f"create {topic}", Ask.UPDATE_AND_CREATE_TOPIC, fields)


def send(script: Script, topic: str, queue_id: int, text: str, body: bytes, **fields: object) -> str:
    """Send a message; the name of the step."""
    name = f"send {len(script.steps)}"
    script.ask(name, Ask.SEND_MESSAGE_V2, send_v2(topic, queue_id, text, **fields), body)
    return name


def unique(number: int) -> str:
    return f"7F00000100002A139A550B8EDA3D{number:04X}"


def plain(script: Script) -> None:
    create(script, "StoreT")
    tags = ["TagA", "TagB", "Überschrift", "标签"]
    for number in range(40):
        keys = f"key{number % 7} schlüssel"
        text = properties(KEYS=keys, UNIQ_KEY=unique(number), TAGS=tags[number % 4], WAIT="true")
        send(script, "StoreT", number % 3, text, f"Nachricht {number}: 世界".encode())
    send(script, "StoreT", 0, "", b"")
    send(script, "StoreT", 3, properties(KEYS="Aa"), b"same hash as BB")
    send(script, "StoreT", 3, properties(KEYS="BB"), b"same hash as Aa")
    send(script, "StoreT", 3, properties(KEYS="twice twice"), b"indexed twice")
    group = {"consumerGroup": "StoreG", "topic": "StoreT", "queueId": 0, "commitOffset": 5}
    script.ask("commit", Ask.UPDATE_CONSUMER_OFFSET, group)


def rolled(script: Script) -> None:
    create(script, "StoreR", 2)
    for number in range(30):
        text = properties(KEYS=f"k{number}", UNIQ_KEY=unique(number))
        send(script, "StoreR", number % 2, text, bytes([number]) * (100 + number * 37 % 900))
    for number in range(6):
        batch = batch_body(*((b"b" * (200 * at), properties(KEYS=f"b{number}.{at}")) for at in range(1, 6)))
        name = f"batch {number}"
        script.ask(name, Ask.SEND_BATCH_MESSAGE, send_v2("StoreR", 0, properties(B="x"), m="true"), batch)


def fits_exactly(script: Script) -> None:
    """Records that leave 9, 8 and 7 bytes in a file of 8 KiB: the last one has to roll."""
    create(script, "StoreE", 1)
    overhead = 91 + len("StoreE") + len("CLUSTER\x01GoldenCluster")
    for left in (9, 8, 7):
        send(script, "StoreE", 0, "", b"x" * (4096 - overhead))
        send(script, "StoreE", 0, "", b"y" * (4096 - overhead - left))
    send(script, "StoreE", 0, "", b"end")


def delayed(script: Script) -> None:
    create(script, "StoreD")
    first = send(script, "StoreD", 0, properties(TAGS="Now", UNIQ_KEY=unique(1)), b"now")
    send(script, "StoreD", 1, properties(TAGS="Soon", DELAY="1", UNIQ_KEY=unique(2)), b"in a second")
    send(script, "StoreD", 2, properties(TAGS="Later", DELAY="18", KEYS="late"), b"in two hours")
    for name, level in (("retry soon", 1), ("retry later", 18), ("give up", -1)):
        script.ask(name, Ask.CONSUMER_SEND_MSG_BACK, {"offset": 0, "group": "StoreG", "delayLevel": level})
    half = properties(TRAN_MSG="true", PGROUP="GoldenProducer", TAGS="Tx", KEYS="tx")
    for kind in (8, 12, None):
        name = send(script, "StoreD", 3, half, f"half {kind}".encode(), f=4)
        if kind is not None:
            script.ask(f"end {name}", Ask.END_TRANSACTION, _end(name, kind))
    send(script, "StoreD", 0, properties(ORIGIN=first), b"last")


def _end(of: str, kind: int) -> Callable[[Answers], Fields]:
    def fields(answers: Answers) -> Fields:
        ext = answers[of].ext_fields or {}
        return {"producerGroup": "GoldenProducer", "tranStateTableOffset": ext["queueOffset"],
                "commitLogOffset": int(ext["msgId"][-16:], 16), "commitOrRollback": kind,
                "fromTransactionCheck": "false", "msgId": "x"}  # fmt: skip

    return fields


def extended(script: Script) -> None:
    create(script, "StoreX", 1)
    subscription = {"classFilterMode": False, "codeSet": [], "expressionType": "SQL92", "subString": "colour = 'rot'",
                    "subVersion": int(time.time() * 1000), "tagsSet": [], "topic": "StoreX"}  # fmt: skip
    consumer = {"consumeFromWhere": "CONSUME_FROM_FIRST_OFFSET", "consumeType": "CONSUME_PASSIVELY",
                "groupName": "StoreSql", "messageModel": "CLUSTERING", "subscriptionDataSet": [subscription],
                "unitMode": False}  # fmt: skip
    heartbeat = {"clientID": "127.0.0.1@golden", "consumerDataSet": [consumer], "producerDataSet": []}
    script.ask("heartbeat", Ask.HEART_BEAT, None, as_json(heartbeat))
    for number in range(40):
        colour = ("rot", "grün", "blau")[number % 3]
        send(script, "StoreX", 0, properties(TAGS=f"T{number % 2}", colour=colour), f"{colour} {number}".encode())


def compressed(script: Script) -> None:
    """Bodies as clients compress them: without a type, as 4.9.4 does, and with each type of 4.9.8."""
    create(script, "StoreC", 1)
    text = "Grüße, 世界. ".encode() * 20
    types = (0, MessageSysFlag.COMPRESSION_LZ4, MessageSysFlag.COMPRESSION_ZSTD, MessageSysFlag.COMPRESSION_ZLIB)
    for kind in types:
        body = compress(text, kind)
        named = properties(TAGS="Z", UNIQ_KEY=unique(kind))
        send(script, "StoreC", 0, named, body, f=MessageSysFlag.COMPRESSED | kind)
    send(script, "StoreC", 0, properties(TAGS="Z"), text)


def transactions(script: Script) -> None:
    """Half messages of every fate; the open ones are checked, and given up after two times."""
    create(script, "StoreH", 2)
    for number, kind in enumerate((8, 12, 8, None, 12, 8, None)):
        named = {"TAGS": f"T{number}", "KEYS": "tx", "UNIQ_KEY": unique(number)}
        half = properties(TRAN_MSG="true", PGROUP="GoldenProducer", **named)
        name = send(script, "StoreH", number % 2, half, f"half {number}".encode(), f=4)
        if kind is not None:
            script.ask(f"end {name}", Ask.END_TRANSACTION, _end(name, kind))
    send(script, "StoreH", 0, properties(TAGS="plain"), b"no transaction")


def addressed(script: Script) -> None:
    """Hosts of both kinds: the store's is always IPv6, that of the clients by turns."""
    create(script, "StoreV", 2)
    for number in range(6):
        named = properties(TAGS=f"V{number % 2}", KEYS=f"v{number}", UNIQ_KEY=unique(number))
        to = ("broker", "broker6")[number % 2]
        name = f"send {number} to {to}"
        fields = send_v2("StoreV", number % 2, named)
        script.ask(name, Ask.SEND_MESSAGE_V2, fields, f"from {to}".encode(), to=to, connection=to)
    batch = batch_body((b"a", properties(KEYS="va")), (b"b", ""))
    fields = send_v2("StoreV", 0, properties(B="x"), m="true")
    script.ask("batch", Ask.SEND_BATCH_MESSAGE, fields, batch, to="broker6", connection="broker6")
    delay = properties(DELAY="18", TAGS="V")
    script.ask("delayed", Ask.SEND_MESSAGE_V2, send_v2("StoreV", 1, delay), b"v", to="broker6", connection="broker6")


def delayed_extended(script: Script) -> None:
    """A delayed message's time of delivery stands in the extension, where its entry points."""
    create(script, "StoreY", 1)
    for number in range(4):
        send(script, "StoreY", 0, properties(TAGS="Soon", DELAY=str(1 + 17 * (number % 2))), f"late {number}".encode())


def tear_last_record(store: Path) -> None:
    """The end of the last record never reached the disk."""
    path, records = _written(store)
    position, size = records[-1]
    _overwrite(path, position + size - 60, bytes(60))


def garble_a_body(store: Path) -> None:
    """A byte of one of the last bodies is another one than was written."""
    path, records = _written(store)
    position, _ = records[-3]
    data = path.read_bytes()
    _overwrite(path, position + 90, bytes((data[position + 90] ^ 0xFF,)))


def remove_queues(store: Path) -> None:
    """Somebody has removed consumequeue/."""
    shutil.rmtree(store / "consumequeue")


def _written(store: Path) -> tuple[Path, list[tuple[int, int]]]:
    """The only file of the log that holds anything, and (position, size) of its records."""
    path = min((store / "commitlog").iterdir())
    return path, [(one["position"], one["total_size"]) for one in commit_log(path.read_bytes())]


def _overwrite(path: Path, position: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(position)
        file.write(data)


RECIPES = (
    Recipe(
        "plain",
        "One topic, keys, tags beyond ASCII, an empty body, keys with equal hashes; stopped cleanly.",
        plain,
        keys=tuple(("StoreT", key) for key in ("key3", "schlüssel", unique(5), "Aa", "BB", "twice", "none")),
    ),
    Recipe(
        "rolled",
        "Several files of the CommitLog, of each queue and of the index; batches; stopped cleanly.",
        rolled,
        settings=ROLLED,
        keys=(("StoreR", "k0"), ("StoreR", "k29"), ("StoreR", unique(17)), ("StoreR", "b3.2"), ("StoreR", "none")),
    ),
    Recipe(
        "fits-exactly",
        "CommitLog files that end in blanks of 9 and 8 bytes, and one whose last record had to roll for 7.",
        fits_exactly,
        settings=ROLLED,
    ),
    Recipe(
        "delayed",
        "A delayed message that was delivered and one that was not, retries, a dead letter, half messages that were"
        " committed, rolled back and left open; stopped cleanly.",
        delayed,
        wait=3.0,
        keys=(("StoreD", unique(2)), ("StoreD", "tx"), ("StoreD", "late")),
    ),
    Recipe(
        "killed",
        "As plain, but the broker was killed: abort is there, a CommitLog file was made ahead.",
        plain,
        killed=True,
        wait=2.0,
        keys=(("StoreT", "key3"), ("StoreT", "Aa"), ("StoreT", unique(39))),
    ),
    Recipe(
        "extended",
        "consumequeue_ext with the bit maps of one SQL consumer, in several files; stopped cleanly.",
        extended,
        settings=EXTENDED,
    ),
    Recipe(
        "compressed",
        "Bodies compressed by zlib, LZ4 and ZSTD, with and without the type in sysFlag; stopped cleanly.",
        compressed,
        keys=tuple(("StoreC", unique(kind)) for kind in (0, MessageSysFlag.COMPRESSION_LZ4)),
    ),
    Recipe(
        "transactions",
        "Half messages that were committed, rolled back, and given up after checks; stopped cleanly.",
        transactions,
        settings=CHECKED,
        wait=6.0,
        keys=(("StoreH", "tx"), ("StoreH", unique(2)), ("RMQ_SYS_TRANS_HALF_TOPIC", "tx")),
    ),
    Recipe(
        "ipv6",
        "A broker with an IPv6 address; clients with IPv6 and IPv4 ones; a batch, a delayed message; stopped cleanly.",
        addressed,
        settings=SMALL | {"brokerIP1": "::1"},
        keys=(("StoreV", "v1"), ("StoreV", "v2"), ("StoreV", "va")),
    ),
    Recipe(
        "expired",
        "As rolled, but the first two files of the log have expired, and what pointed there; stopped cleanly.",
        rolled,
        settings=ROLLED,
        aged=2,
        keys=(("StoreR", "k3"), ("StoreR", "k29"), ("StoreR", "b5.5")),
    ),
    Recipe(
        "delayed-extended",
        "Delayed messages, two of them delivered, with the extension; stopped cleanly.",
        delayed_extended,
        settings=EXTENDED,
        wait=3.0,
    ),
    Recipe(
        "extended-killed",
        "As extended, but the broker was killed.",
        extended,
        settings=EXTENDED,
        killed=True,
        wait=2.0,
    ),
    Recipe(
        "torn",
        "As plain, killed, and the end of the last record is missing.",
        plain,
        killed=True,
        damage=tear_last_record,
        wait=2.0,
        keys=(("StoreT", "key3"), ("StoreT", "twice")),
    ),
    Recipe(
        "garbled",
        "As plain, killed, and the body of the third last record is not what was written.",
        plain,
        killed=True,
        damage=garble_a_body,
        wait=2.0,
        keys=(("StoreT", "key3"), ("StoreT", "Aa")),
    ),
    Recipe(
        "queues-removed",
        "As rolled, stopped cleanly, and consumequeue/ was removed.",
        rolled,
        settings=ROLLED,
        damage=remove_queues,
        keys=(("StoreR", "k3"), ("StoreR", "b5.5")),
    ),
)
