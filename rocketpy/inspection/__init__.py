"""Looking into a store directory without opening it: what is there, and whether it holds together.

`summary.summarize` tells what a directory has: topics, queues, offsets, times, sizes, and damage that shows at once.
`verification.verify` reads every byte and compares log, queues and index with each other. `report` prints either.

Nothing here writes, locks or creates anything, so a directory may be looked into while a broker uses it, or after it
was killed. What the broker adds meanwhile is not looked at.

- `finding`: what is wrong, and where.
- `file_row`: the files of one log, queue or index, mapped to be read only.
- `log_walk`, `queue_files`, `queue_ext`, `index_files` (and `index_merge`), `tables`: one kind of file each. Their
  layouts are those of `rocketpy.protocol.record` and `rocketpy.store`.
- `directory`: all of them together.
"""
