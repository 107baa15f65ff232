"""Master and slave: the log as a stream of bytes over the HA port, and the tables by request (HAService.java).

- `slaves`       a master's side: who follows, how far each has come, who waits for that
- `follower`     a slave's side: takes the log over
- `tables`       a slave's side: takes topics, groups and offsets over
- `replication`  what of these a broker of a role has

A slave reports 8 bytes, the physical offset that it has everything before; the first report says from where it wants
more, 0 being the beginning of the master's last file. A master sends pieces of the log, each behind 12 bytes: its
physical offset and its length, 0 in a heartbeat.
"""
