"""Whether log, queues and index of a store say the same.

The log is read once, from its oldest byte on. Each record is compared with its own checksum and place, with the entry
that its queue has for it, and with the entries that the index has. Then the queues are read for entries that no record
belongs to. Records behind the last one that is in a queue are not missed there: the next start enters them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from rocketpy.config.store import StoreConfig
from rocketpy.inspection.directory import Directory
from rocketpy.inspection.file_row import FileRow, ReadOnlyFile
from rocketpy.inspection.finding import Findings
from rocketpy.inspection.index_merge import IndexMerge, key_hashes
from rocketpy.inspection.log_walk import LogWalk, record_at
from rocketpy.inspection.queue_ext import is_address, unit_at
from rocketpy.inspection.queue_files import QueueFiles
from rocketpy.inspection.summary import Progress
from rocketpy.inspection.tables import Tables, read_tables
from rocketpy.protocol.record import Record
from rocketpy.protocol.topic_names import SCHEDULE_TOPIC, is_light
from rocketpy.store.consume_queue import ENTRY_SIZE, FILLER_SIZE
from rocketpy.store.dispatch import is_queued

_MOST_MAPPED = 1000


@dataclass(slots=True)
class Verification:
    """How much was looked at."""

    records: int = 0
    bytes: int = 0
    entries: int = 0
    index_entries: int = 0


def verify(
    config: StoreConfig, findings: Findings, progress: Progress, *, given: Collection[str] = ()
) -> Verification:
    """Look at everything in the directory of `config`; see `Directory` for `given`. Raises StoreError."""
    return _Verifier(Directory(config, findings, given), findings, progress).run()


class _Verifier:
    def __init__(self, directory: Directory, findings: Findings, progress: Progress) -> None:
        self._directory = directory
        self._findings = findings
        self._progress = progress
        self._result = Verification()
        self._tables = read_tables(directory.root, findings)
        self._settled = directory.settled
        self._indexed = directory.index.end_physical_offset - (directory.holder != 0)
        """Up to here the index has every key; of its last record a broker at work may not have entered all yet."""
        self._confirmed: dict[tuple[str, int], int] = {}
        """How many entries of a queue a record of the log agrees with."""
        self._unknown_queues: set[tuple[str, int]] = set()
        self._mapped: dict[QueueFiles, None] = {}
        self._latest = 0
        self._waiting = 0
        self._unindexed = 0

    def run(self) -> Verification:
        directory = self._directory
        index = IndexMerge(iter(directory.index), directory.min_offset, self._findings)
        walk = LogWalk(directory.log, self._settled, self._findings, self._tell_log, in_use=directory.holder != 0)
        for file, record in walk:
            self._check_record(file, record)
            if record.physical_offset >= self._settled:
                self._waiting += 1
            elif is_queued(record.sys_flag):
                self._check_entry(file, record)
            self._check_keys(file, record, index)
        index.finish(walk.end)
        self._result.bytes = walk.end - directory.min_offset
        self._result.index_entries = index.count
        if not directory.holder:
            self._check_rest(walk.end)
        for key, queue in directory.queues.items():
            self._check_queue(key, queue)
        _check_offsets(self._tables, directory, self._findings)
        return self._result

    def _tell_log(self, done: int) -> None:
        self._progress("log", done, self._directory.log.size)

    def _check_record(self, file: ReadOnlyFile, record: Record) -> None:
        self._result.records += 1
        record.read_properties()
        if record.store_timestamp < self._latest:
            text = f"stored at {record.store_timestamp}, before the record ahead of it: the clock was put back"
            self._findings.note("time", file.name, record.physical_offset - file.start, text)
        self._latest = record.store_timestamp

    def _check_entry(self, file: ReadOnlyFile, record: Record) -> None:
        key = (record.topic, record.queue_id)
        queue = self._directory.queues.get(key)
        position = record.physical_offset - file.start
        if queue is None:
            self._miss_queue(key, file, position)
            return
        self._keep_few_mapped(queue)
        number = record.queue_offset
        entry = queue.entry(number)
        what = f"record of {record.topic} queue {record.queue_id} number {number}"
        if entry is None or entry[1] in (0, FILLER_SIZE):
            first = queue.entry(queue.first)
            if entry is None and first is not None and first[0] > record.physical_offset and queue.first == 0:
                self._note_former(file, position, what)
            else:
                self._findings.damage("entry-missing", file.name, position, f"the {what} has no entry in its queue")
        elif entry[0] != record.physical_offset:
            if entry[0] > record.physical_offset and _is_of(record_at(self._directory.log, entry[0]), queue, number):
                self._note_former(file, position, what)
            else:
                text = f"the {what} is at {record.physical_offset}, its entry points to {entry[0]}"
                self._findings.damage("entry", *queue.place(number), text)
        else:
            self._confirmed[key] = self._confirmed.get(key, 0) + 1
            if entry[1] != record.size:
                text = f"the {what} has {record.size} bytes, its entry says {entry[1]}"
                self._findings.damage("entry", *queue.place(number), text)
            self._check_tags_code(record, queue, entry[2])

    def _miss_queue(self, key: tuple[str, int], file: ReadOnlyFile, position: int) -> None:
        if key in self._unknown_queues:
            return
        self._unknown_queues.add(key)
        topic, queue_id = key
        if topic in self._tables.topics:
            text = f"there are records of {topic} queue {queue_id} from here on, and the queue has no files"
            self._findings.damage("queue-missing", file.name, position, text)
        else:
            text = f"records of {topic} queue {queue_id} from here on are in no queue: the topic was deleted"
            self._findings.note("former-topic", file.name, position, text)

    def _note_former(self, file: ReadOnlyFile, position: int, what: str) -> None:
        self._findings.note("former-topic", file.name, position, f"the {what} is of a topic deleted since")

    def _keep_few_mapped(self, queue: QueueFiles) -> None:
        mapped = self._mapped
        mapped.pop(queue, None)
        mapped[queue] = None
        if len(mapped) > _MOST_MAPPED:
            oldest = next(iter(mapped))
            del mapped[oldest]
            oldest.row.release()

    def _check_tags_code(self, record: Record, queue: QueueFiles, tags_code: int) -> None:
        place = queue.place(record.queue_offset)
        if is_address(tags_code):
            row = self._directory.extensions.get((queue.topic, queue.queue_id), FileRow())
            unit = unit_at(row, tags_code)
            if unit is None:
                self._findings.damage("extension", *place, "the entry points to no unit of the extension")
                return
            tags_code = unit[0]
            if unit[1] != record.store_timestamp:
                text = f"the extension says that the record was stored at {unit[1]}, it was at {record.store_timestamp}"
                self._findings.damage("extension", *place, text)
        if queue.topic == SCHEDULE_TOPIC and tags_code >= record.store_timestamp:
            return
        if tags_code != record.tags_code:
            text = f"the tag hashes to {record.tags_code}, the entry says {tags_code}"
            self._findings.damage("tags-code", *place, text)
        elif queue.topic == SCHEDULE_TOPIC:
            text = "the entry has lost the time of delivery: the message is delivered at once"
            self._findings.note("delivery-time", *place, text)

    def _check_keys(self, file: ReadOnlyFile, record: Record, index: IndexMerge) -> None:
        hashes = key_hashes(record)
        missing = index.compare(record, hashes)
        if missing and record.physical_offset > self._indexed:
            self._unindexed += 1
        elif missing:
            text = f"{len(missing)} keys of the record of {record.topic} here are not in the index"
            self._findings.damage("index-missing", file.name, record.physical_offset - file.start, text)

    def _check_rest(self, end: int) -> None:
        """What is behind the last record that queues or index know, and what is not there although it was synced."""
        checkpoint = self._directory.checkpoint
        synced = max(checkpoint.physical_timestamp, checkpoint.queue_timestamp)
        if synced > self._latest:
            text = f"says that records up to {synced} were on disk, the last one there was stored at {self._latest}"
            self._findings.note("checkpoint", "checkpoint", 0, text)
        if self._waiting:
            text = f"{self._waiting} records up to {end} are in no queue yet: the next start enters them"
            self._findings.note("not-dispatched", "commitlog", None, text)
        if self._unindexed:
            text = f"{self._unindexed} records behind {self._indexed} are not in the index"
            if self._directory.is_closed:
                self._findings.damage("index-missing", "index", None, text)
            else:
                self._findings.note("index-missing", "index", None, f"{text} yet")

    def _check_queue(self, key: tuple[str, int], queue: QueueFiles) -> None:
        """Entries follow each other in the log; each that no record has confirmed is named."""
        begin, before, live = self._directory.min_offset, -1, 0
        for number, (physical_offset, size, _) in queue.entries():
            self._result.entries += 1
            if size == FILLER_SIZE:
                self._findings.note("filler", *queue.place(number), f"entry {number} stands for a message that is lost")
                continue
            if size <= 0:
                self._findings.damage("queue-hole", *queue.place(number), f"entry {number} is empty")
                continue
            if physical_offset <= before:
                text = f"entry {number} points to {physical_offset}, the one before to {before}"
                self._findings.damage("entry-order", *queue.place(number), text)
            before = physical_offset
            live += physical_offset >= begin
        queue.check_end(self._findings, in_use=self._directory.holder != 0)
        if live != self._confirmed.get(key, 0):
            self._name_unconfirmed(queue)
        queue.row.release()
        self._progress("queues", self._result.entries * ENTRY_SIZE, 0)

    def _name_unconfirmed(self, queue: QueueFiles) -> None:
        for number, (physical_offset, size, _) in queue.entries():
            if size in (0, FILLER_SIZE) or physical_offset < self._directory.min_offset:
                continue
            if not _is_of(record_at(self._directory.log, physical_offset), queue, number):
                text = f"entry {number} points to {physical_offset}, where there is no record of that queue and number"
                self._findings.damage("entry", *queue.place(number), text)


def _is_of(record: Record | None, queue: QueueFiles, number: int) -> bool:
    """Whether an entry may point to a record; light queues have entries for records of other topics."""
    if record is None or is_light(queue.topic):
        return record is not None
    return (record.topic, record.queue_id, record.queue_offset) == (queue.topic, queue.queue_id, number)


def _check_offsets(tables: Tables, directory: Directory, findings: Findings) -> None:
    """No group and no delay level is further than its queue."""
    queues = directory.queues
    for (group, topic, queue_id), number in sorted(tables.offsets.items()):
        queue = queues.get((topic, queue_id))
        if number > (0 if queue is None else queue.end) and directory.holder == 0:
            end = 0 if queue is None else queue.end
            text = f"{group} is at {number} of {topic} queue {queue_id}, which ends at {end}"
            findings.note("group-offset", "config/consumerOffset.json", None, text)
    for level, number in sorted(tables.delayed.items()):
        queue = queues.get((SCHEDULE_TOPIC, level - 1))
        if number > (0 if queue is None else queue.end) and directory.holder == 0:
            text = f"level {level} is at {number}, its queue ends at {0 if queue is None else queue.end}"
            findings.note("group-offset", "config/delayOffset.json", None, text)
