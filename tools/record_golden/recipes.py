"""The stores that are recorded: how their brokers are configured, and what is done to them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from rocketpy.protocol.codes import RequestCode as Ask
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

Play = Callable[[Script], None]


@dataclass(frozen=True)
class Recipe:
    """`play` writes the requests; after them the broker gets `wait` seconds and is stopped, or killed."""

    name: str
    about: str
    play: Play
    settings: dict[str, str] = field(default_factory=lambda: SMALL)
    killed: bool = False
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
)
