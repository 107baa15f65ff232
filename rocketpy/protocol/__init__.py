"""Bytes to objects and back, for the wire and for the CommitLog; no socket, file, clock, greenlet or logger.

- `frame`, `command`: frames of a connection, and the two serializations of a command in one
- `header`, `body`: how requests, replies and JSON bodies are declared; `api`: all of them, one module a subject
- `codes`, `flags`, `version`, `remarks`, `topic_names`, `property_names`: what the numbers and words mean
- `fastjson`, `lenient_json`: the dialect of JSON that RocketMQ writes, and what else it reads
- `record`: the layout of the CommitLog; `message`, `message_id`, `properties`, `compression`: what clients make of it
- `registration`: what a broker tells the name server, which may be compressed
- `java_hash`: String.hashCode and the order of Java's maps, both of which end up in bytes
"""
