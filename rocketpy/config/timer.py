"""Keys that Java 4.9 has not: delivery at any time, by the names and with the meaning of Java 5 (MessageStoreConfig).

They are read from the broker's file, and neither printed nor changed by request unless that file has them, so that a
broker without them answers as Java 4.9 does.
"""

from __future__ import annotations

from rocketpy.config.key import Config, key, keys


@keys
class TimerConfig(Config):
    """How messages with TIMER_DELIVER_MS, TIMER_DELAY_SEC or TIMER_DELAY_MS are delayed."""

    timer_wheel_enable: bool = key(False, "deliver messages when TIMER_DELIVER_MS, _DELAY_SEC or _DELAY_MS says")
    timer_max_delay_sec: int = key(3 * 24 * 3600, "seconds that a message may be delayed so at most")
    timer_congest_num_each_slot: int = key(0x7FFF_FFFF, "messages of one second from which on some are refused")
    timer_roll_window_slot: int = key(
        2 * 24 * 3600, "seconds after which a message that still waits is stored anew, before its file expires"
    )
    timer_flush_interval_ms: int = key(1000, "ms between two flushes of the timer log and wheel")
    mapped_file_size_timer_log: int = key(100 << 20, "bytes of one timer log file")
