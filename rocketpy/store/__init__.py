"""Messages on disk, in the files and with the offsets that Java's broker would have written.

`message_store.MessageStore` is the whole: it puts the parts together and is what the broker uses.

- Layouts: `rocketpy.protocol.record` (CommitLog), `consume_queue`, `consume_queue_ext`, `index_file`, `checkpoint`,
  `directory_lock`; `paths` says where everything is.
- Files: `mapped_file` and `mapped_files`, which write by `rocketpy.disk`, under `commit_log` and
  `consume_queue`(`s`); `index_file` under `index`.
- Ways: `writer` appends, `dispatch` enters what was appended into queues and index, `reader` finds it again, through an
  `entry_filter` what somebody wants of it;
  `extended_dispatch` stands in for `dispatch` where messages have units in a ConsumeQueueExt, or enter further queues.
- Upkeep: `survey` says what is there, `recovery` opens it, with `lost_queues` for what is not, `flush` brings it to the
  disk, `cleanup` deletes what has expired.
- Beyond Java 4.9: `timer_log`, `timer_wheel` and `timer_files`, what waits for a time of its own, laid out as in 5.x.

Nothing here knows greenlets, threads or the time of day (see `message_store`). The hot path is `Writer.append`,
`CommitLog.append`, `record.encode_into`, `Dispatch.appended`, `ConsumeQueue.put`, `Index.put`, `IndexFile.put`,
`Reader.get` and `EntryFilter.lets_through`; `python -m tools.bench.store` measures it.
"""
