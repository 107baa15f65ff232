"""Shows any frame or store file in readable form.

    python -m tools.dissect FILE|HEX|-  [--as KIND] [--limit N]

Frames, also a dump of several; CommitLog, ConsumeQueue, consumequeue_ext and IndexFile files; checkpoint; timer log,
wheel and checkpoint. What it is is told from the path or from the bytes, or given by `--as`. The layouts stand in
`layouts`, in bitstring's notation, independently of rocketpy's own codecs; tests use them as a second opinion.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import PurePath

from tools.dissect.frames import frames
from tools.dissect.layouts import BLANK_MAGIC, RECORD_MAGIC, Data, Fields, LayoutError
from tools.dissect.store_files import checkpoint, commit_log, consume_queue, consume_queue_ext, index_file
from tools.dissect.timer_files import timer_checkpoint, timer_log, timer_wheel

KINDS: dict[str, Callable[[Data], Iterator[Fields]]] = {
    "frames": frames,
    "commitlog": commit_log,
    "consumequeue": consume_queue,
    "consumequeue_ext": consume_queue_ext,
    "index": index_file,
    "checkpoint": checkpoint,
    "timerlog": timer_log,
    "timerwheel": timer_wheel,
    "timercheck": timer_checkpoint,
}


def kind_of(data: Data, path: str = "") -> str:
    """What `data` is: by the directory or name of its file, else by its first bytes.

    Raises LayoutError when it is nothing known.
    """
    for part in reversed(PurePath(path).parts):
        if part in KINDS:
            return part
    if data[4:8].hex() in (RECORD_MAGIC, BLANK_MAGIC):
        return "commitlog"
    length = int.from_bytes(data[:4], signed=True)
    if len(data) >= 8 and 4 <= length <= len(data) - 4 and data[4] in (0, 1):
        return "frames"
    raise LayoutError("neither a frame nor a file of a store; say what it is by --as")


def without_hex(data: bytes) -> bytes:
    """The bytes that `data` spells in hexadecimal, blanks aside, or `data` itself when it does not."""
    try:
        return bytes.fromhex(data.decode("ascii"))
    except (UnicodeDecodeError, ValueError):
        return data
