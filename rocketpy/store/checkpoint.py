"""Up to which time everything is known to be on disk: where recovery after a crash may begin.

```
position  field                  Java type
       0  physicMsgTimestamp     long       storeTimestamp of the last synced record of the CommitLog, ms
       8  logicsMsgTimestamp     long       of the last record whose ConsumeQueue entry is synced
      16  indexMsgTimestamp      long       of the last record in the newest full and synced index file
      24  zeroes, up to 4096
```
(StoreCheckpoint.java:28-123)
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from rocketpy.disk import disk_at
from rocketpy.errors import StoreError

_FIELDS: Final = Struct(">qqq")
_LENGTH: Final = 4096
_TOLERANCE_MS: Final = 3000


class Checkpoint:
    """The three times: of what is on disk. (Java's queue time runs ahead of the disk when an index file is flushed.)"""

    __slots__ = ("index_timestamp", "path", "physical_timestamp", "queue_timestamp")

    def __init__(self, path: str) -> None:
        self.path = path
        self.physical_timestamp = 0
        self.queue_timestamp = 0
        self.index_timestamp = 0

    def load(self) -> None:
        """Read the file; all times stay 0 if there is none or it is cut off. Raises StoreError."""
        try:
            with open(self.path, "rb") as file:
                data = file.read(_FIELDS.size)
        except FileNotFoundError:
            return
        except OSError as error:
            raise StoreError(f"cannot read {self.path}: {error.strerror}") from error
        if len(data) == _FIELDS.size:
            self.physical_timestamp, self.queue_timestamp, self.index_timestamp = _FIELDS.unpack(data)

    def encode(self, queue_timestamp: int = 0, index_timestamp: int = 0) -> bytes:
        """The content of the file when queues or index are on disk up to these times, if later than now known."""
        queue_timestamp = max(queue_timestamp, self.queue_timestamp)
        index_timestamp = max(index_timestamp, self.index_timestamp)
        return _FIELDS.pack(self.physical_timestamp, queue_timestamp, index_timestamp).ljust(_LENGTH, b"\0")

    def safe_timestamp(self, *, with_index: bool = False) -> int:
        """Everything stored before this time (ms) is on disk, in the log and the queues (getMinTimestamp:101)."""
        safe = max(min(self.physical_timestamp, self.queue_timestamp) - _TOLERANCE_MS, 0)
        return min(safe, self.index_timestamp) if with_index else safe

    def lower(self, now: int) -> bool:
        """Forget what is later than `now` (ms), the clock has gone back; whether there was anything.

        Records to come are older than those that are known to be on disk, but are not on disk.
        """
        times = self.physical_timestamp, self.queue_timestamp, self.index_timestamp
        self.physical_timestamp, self.queue_timestamp, self.index_timestamp = (min(time, now) for time in times)
        return max(times) > now

    def save(self) -> None:
        """Write and sync the file. Raises StoreError."""
        save(self.path, self.encode())


def save(path: str, data: bytes) -> None:
    """Write a checkpoint in place, as Java does: it fits into one sector, so it is never torn. Raises StoreError."""
    try:
        disk_at(path).write(path, data)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}") from error
