"""The index of messages by key: all index files, the newest of which is written (index/IndexService.java)."""

from __future__ import annotations

import os
from typing import Final

from rocketpy.disk import disk_at
from rocketpy.errors import StoreError
from rocketpy.protocol.batch import Batch
from rocketpy.protocol.flags import MessageSysFlag
from rocketpy.protocol.java_hash import string_hash
from rocketpy.store.index_file import IndexFile, positive_hash
from rocketpy.store.paths import index_file_name

_ROLLBACK: Final = MessageSysFlag.TRANSACTION_ROLLBACK


class Index:
    """The index files of `directory`."""

    __slots__ = ("_capacity", "_directory", "_slots", "files", "rolled")

    def __init__(self, directory: str, slots: int, capacity: int) -> None:
        self._directory = directory
        self._slots = slots
        self._capacity = capacity
        self.files: list[IndexFile] = []
        self.rolled: list[IndexFile] = []
        """Files that have become full and wait to be synced."""

    @property
    def end_physical_offset(self) -> int:
        """The physical offset of the last record that has been indexed; -1 without files."""
        return self.files[-1].end_physical_offset if self.files else -1

    def load(self) -> None:
        """Find the files; names that are no numbers are none (IndexService.load:61). Raises StoreError."""
        try:
            names = sorted(os.listdir(self._directory))
        except FileNotFoundError:
            return
        except OSError as error:
            raise StoreError(f"cannot read {self._directory}: {error.strerror}") from error
        for name in names:
            if name.isdecimal():
                file = IndexFile(os.path.join(self._directory, name), self._slots, self._capacity)
                file.load()
                self.files.append(file)

    def discard_after(self, timestamp: int, synced: int) -> int:
        """Forget what is not known to be on disk after a crash of the machine (IndexService.load:68).

        Full files that end at `timestamp` (ms) or before are, and in others the whole entries for records before
        physical offset `synced`. Returns the physical offset from which on the index has to be made again, -1 if that
        is the beginning of the log. Raises StoreError.
        """
        kept = 0
        while kept < len(self.files) and self.files[kept].is_full and self.files[kept].end_timestamp <= timestamp:
            kept += 1
        while kept < len(self.files) and self.files[kept].keep_before(synced):
            kept += 1
            if not self.files[kept - 1].is_full:
                break
        while len(self.files) > kept:
            self.files.pop().delete()
        return self.end_physical_offset

    def truncate(self, physical_offset: int) -> bool:
        """Forget the records at or behind `physical_offset`: they were cut off the log; whether there were any.

        Java keeps their entries, finds other messages by them later, and takes those for indexed already. Raises
        StoreError.
        """
        changed = False
        while self.files and self.files[-1].end_physical_offset >= physical_offset:
            changed = True
            self.files[-1].truncate(physical_offset)
            if self.files[-1].count > 1:
                break
            self.files.pop().delete()
        return changed

    def sync_again(self, timestamp: int) -> None:
        """Take the files that end after `timestamp` (ms) for not synced: see `Disk.doubt`."""
        young = [file for file in self.files if file.end_timestamp > timestamp]
        for file in young:
            file.file.doubt()
        self.rolled = young[:-1]

    @property
    def full_until(self) -> int:
        """storeTimestamp (ms) of the last record in the newest full file, 0 without one."""
        return max((file.end_timestamp for file in self.files if file.is_full), default=0)

    def put(
        self,
        prefix_hash: int,
        uniq_key: str | None,
        keys: str | None,
        sys_flag: int,
        physical_offset: int,
        store_timestamp: int,
    ) -> None:
        """Enter a record under its unique key and each word of `keys` (IndexService.buildIndex:202).

        `prefix_hash` is Java's hash of "topic#". Prepared records are entered, rolled back ones are not. A file is made
        even for a record without keys, as in Java. Raises StoreError.
        """
        file = self._file_with_room(store_timestamp)
        if physical_offset <= file.end_physical_offset and file.end_timestamp:
            self._put_again(prefix_hash, uniq_key, keys, sys_flag, physical_offset, store_timestamp)
            return
        if sys_flag & _ROLLBACK == _ROLLBACK:
            return
        if uniq_key is not None:
            file.put(positive_hash(string_hash(uniq_key, prefix_hash)), physical_offset, store_timestamp)
        if keys:
            for key in keys.split(" "):
                if key:
                    if file.count >= file.capacity:
                        file = self._roll(store_timestamp)
                    file.put(positive_hash(string_hash(key, prefix_hash)), physical_offset, store_timestamp)

    def put_batch(self, prefix_hash: int, batch: Batch, store_timestamp: int) -> None:
        """The same for records that a batch has become. Raises StoreError."""
        file = self._file_with_room(store_timestamp)
        hashes: list[int] = []
        offset_fields: list[bytes] = []
        for number in range(len(batch.offset_fields)):
            uniq_key, keys = batch.uniq_keys[number], batch.keys[number]
            if uniq_key is not None:
                hashes.append(positive_hash(string_hash(uniq_key, prefix_hash)))
                offset_fields.append(batch.offset_fields[number])
            if keys:
                for key in keys.split(" "):
                    if key:
                        hashes.append(positive_hash(string_hash(key, prefix_hash)))
                        offset_fields.append(batch.offset_fields[number])
        done = 0
        while done < len(hashes):
            file = self._file_with_room(store_timestamp)
            end = done + file.capacity - file.count
            file.put_all(hashes[done:end], offset_fields[done:end], store_timestamp)
            done = end

    def _file_with_room(self, store_timestamp: int) -> IndexFile:
        files = self.files
        if files:
            file = files[-1]
            if file.count < file.capacity:
                return file
        return self._roll(store_timestamp)

    def _put_again(
        self,
        prefix_hash: int,
        uniq_key: str | None,
        keys: str | None,
        sys_flag: int,
        physical_offset: int,
        store_timestamp: int,
    ) -> None:
        """The last record may have been entered under some of its keys only; older ones are complete.

        Java enters the last one twice (IndexService:208).
        """
        file = self.files[-1]
        if physical_offset < file.end_physical_offset or sys_flag & _ROLLBACK == _ROLLBACK:
            return
        for key in dict.fromkeys([uniq_key, *(keys or "").split(" ")]):
            key_hash = positive_hash(string_hash(key, prefix_hash)) if key else -1
            if key and not any(held.holds(key_hash, physical_offset) for held in self.files[-2:]):
                if file.is_full:
                    file = self._roll(store_timestamp)
                file.put(key_hash, physical_offset, store_timestamp)

    def _roll(self, now: int) -> IndexFile:
        """Begin a new file. Its name is the time, or one more than the last if the clock has not moved."""
        last = self.files[-1] if self.files else None
        try:
            disk_at(self._directory).make_directories(self._directory)
        except OSError as error:
            raise StoreError(f"cannot make {self._directory}: {error.strerror}") from error
        number = int(index_file_name(now))
        if last is not None:
            number = max(number, int(os.path.basename(last.file.path)) + 1)
        while os.path.exists(path := os.path.join(self._directory, str(number))):
            number += 1
        file = IndexFile(path, self._slots, self._capacity)
        if last is None:
            file.create(0, 0)
        else:
            file.create(last.end_physical_offset, last.end_timestamp)
            self.rolled.append(last)
        self.files.append(file)
        return file

    def find(self, topic: str, key: str, max_count: int, begin: int, end: int) -> list[int]:
        """Physical offsets of at most `max_count` records of `topic` that may have `key`, stored between the two times.

        Only hashes are compared. The walk ends at the first file, from the newest, that begins before `begin`
        (IndexService.queryOffset:157).
        """
        key_hash = positive_hash(string_hash(f"{topic}#{key}"))
        found: list[int] = []
        for file in reversed(self.files):
            if file.covers(begin, end):
                file.select(key_hash, max_count, begin, end, found)
            if file.begin_timestamp < begin or len(found) >= max_count:
                break
        return found

    def delete_expired(self, min_physical_offset: int) -> int:
        """Delete the files, but the last, that only point before `min_physical_offset`; how many they were."""
        count = 0
        while len(self.files) > 1 and self.files[0].end_physical_offset < min_physical_offset:
            self.files[0].delete()
            del self.files[0]
            count += 1
        return count

    def release(self) -> None:
        """Unmap all files; the index is of no use any more."""
        for file in self.files:
            file.release()

    def delete(self) -> None:
        """Delete all files. Raises StoreError."""
        while self.files:
            self.files.pop().delete()
