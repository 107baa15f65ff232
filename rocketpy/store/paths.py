"""Where everything in a store directory is, as Java lays it out.

```
storePathRootDir/
  commitlog/00000000000000000000               the log; or wherever storePathCommitLog says, in several places
  consumequeue/TOPIC/QUEUE/00000000000000000000
  consumequeue_ext/TOPIC/QUEUE/00000000000000000000
  index/20240131235959999
  config/*.json                                the broker's own
  timerlog/00000000000000000000  timerwheel  config/timercheck       as Java 5 has them: see timer_log.py
  checkpoint  abort  lock
```

Files of the log and the queues are called after the offset of their first byte: 20 digits (UtilAll.offset2FileName:87).
"""

from __future__ import annotations

import os
import time

from rocketpy.config.store import StoreConfig


def file_name(start: int) -> str:
    """The name of the file whose first byte is byte number `start` of its sequence."""
    return f"{start:020d}"


def index_file_name(now: int) -> str:
    """The name of an index file made at `now` (ms): local time to the millisecond (IndexService:316)."""
    return time.strftime("%Y%m%d%H%M%S", time.localtime(now / 1000)) + f"{now % 1000:03d}"


def _split(paths: str) -> list[str]:
    """Several directories in one key (MULTI_PATH_SPLITTER)."""
    return [path for path in paths.strip().split(",") if path]


class StorePaths:
    """The paths of one store directory (StorePathConfigHelper.java)."""

    __slots__ = (
        "abort", "checkpoint", "commit_logs", "config", "consume_queue", "consume_queue_ext", "index", "lock",
        "read_only_commit_logs", "root", "timer_checkpoint", "timer_log", "timer_wheel",
    )  # fmt: skip

    def __init__(self, config: StoreConfig) -> None:
        self.root = config.store_path_root_dir
        self.commit_logs = _split(config.store_path_commit_log)
        self.read_only_commit_logs = _split(config.read_only_commit_log_store_paths or "")
        self.consume_queue = os.path.join(self.root, "consumequeue")
        self.consume_queue_ext = os.path.join(self.root, "consumequeue_ext")
        self.index = os.path.join(self.root, "index")
        self.config = os.path.join(self.root, "config")
        self.checkpoint = os.path.join(self.root, "checkpoint")
        self.abort = os.path.join(self.root, "abort")
        self.lock = os.path.join(self.root, "lock")
        self.timer_log = os.path.join(self.root, "timerlog")
        self.timer_wheel = os.path.join(self.root, "timerwheel")
        self.timer_checkpoint = os.path.join(self.config, "timercheck")
