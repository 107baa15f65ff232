"""startMonitoring: what groups are behind with, once a minute, in a log file (tools/monitor/MonitorService.java)."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from logging.handlers import RotatingFileHandler
from pathlib import Path

from rocketpy.admin.client import AdminClient
from rocketpy.admin.errors import JavaError
from rocketpy.admin.health import stuck_queues, subscribe_alike
from rocketpy.admin.invocation import Command, Invocation
from rocketpy.admin.pulling import PullStatus, QueueReader
from rocketpy.admin.sending import java_error
from rocketpy.client import PushConsumer, ReceivedMessage
from rocketpy.config.address import user_home
from rocketpy.errors import ProtocolError, RocketpyError
from rocketpy.filter.tags import ALL
from rocketpy.protocol.api.pull import OffsetMovedEvent
from rocketpy.protocol.api.route import MessageQueue
from rocketpy.protocol.api.stats import OffsetWrapper
from rocketpy.protocol.topic_names import OFFSET_MOVED_EVENT, RETRY_PREFIX
from rocketpy.protocol.version import Version

_GROUP = "__MONITOR_CONSUMER"
_FIRST_SECONDS = 20.0
_ROUND_SECONDS = 60.0
_LOGGER = "RocketmqClient"
_FILE_BYTES = 1 << 30
_FILES = 10
_RULE = "=" * 41

Log = Callable[[str], None]


@Command("startMonitoring", "Start Monitoring", "StartMonitoringSubCommand")
def start_monitoring(run: Invocation) -> None:
    """For ever, into ~/logs/rocketmqlogs/rocketmq_client.log (StartMonitoringSubCommand.java:47)."""
    log = _log_file(Path(user_home(), "logs", "rocketmqlogs", "rocketmq_client.log"))
    try:
        with PushConsumer(
            _GROUP, _moved(log), namesrv=run.admin.namesrvs, credentials=run.admin.credentials, gevent=False
        ) as consumer:
            consumer.subscribe(OFFSET_MOVED_EVENT, ALL)
            time_of_next = time.monotonic() + _FIRST_SECONDS
            while True:
                time.sleep(max(0.0, time_of_next - time.monotonic()))
                time_of_next += _ROUND_SECONDS
                with contextlib.suppress(JavaError):  # a cluster that is away comes back
                    monitor(run.admin, log)
    except RocketpyError as error:
        raise java_error(error) from error


def monitor(admin: AdminClient, log: Log) -> None:
    """One round over all groups (doMonitorWork:173). Raises JavaError if the name server does not answer."""
    log(f"[MONITOR] {_RULE}beginRound")
    for topic in admin.topics():
        if topic.startswith(RETRY_PREFIX):
            group = topic.removeprefix(RETRY_PREFIX)
            with contextlib.suppress(JavaError):  # nobody is there, or nothing was consumed yet
                _report_undone(admin, group, log)
            with contextlib.suppress(JavaError):
                _report_clients(admin, group, log)
    log(f"[MONITOR] {_RULE}endRound")


def _report_undone(admin: AdminClient, group: str, log: Log) -> None:
    """How far a group is behind in each topic (reportUndoneMsgs:199)."""
    by_topic: dict[str, dict[MessageQueue, OffsetWrapper]] = {}
    for queue, offsets in admin.consume_stats(group).offset_table.items():
        by_topic.setdefault(queue.topic, {})[queue] = offsets
    admin.consumer_connection(group)
    reader = QueueReader(admin)
    for topic, table in by_topic.items():
        diffs = [one.broker_offset - one.consumer_offset for one in table.values()]
        delay = max((_delay(reader, queue, one.last_timestamp) for queue, one in table.items()), default=0)
        log(
            f"[MONITOR] reportUndoneMsgs: UndoneMsgs [consumerGroup={group}, topic={topic}, "
            f"undoneMsgsTotal={sum(max(diff, 0) for diff in diffs)}, undoneMsgsSingleMQ={max([0, *diffs])}, "
            f"undoneMsgsDelayTimeMills={max(delay, 0)}]"
        )


def _delay(reader: QueueReader, queue: MessageQueue, consumed: int) -> int:
    """Ms from the message consumed last to the last one of the queue."""
    if consumed <= 0:
        return 0
    try:
        end = reader.max_offset(queue)
        pulled = reader.pull(queue, ALL, end - 1, 1) if end > 0 else None
    except JavaError:
        return 0
    if pulled is None or pulled.status is not PullStatus.FOUND:
        return 0
    return pulled.messages[0].store_timestamp - consumed


def _report_clients(admin: AdminClient, group: str, log: Log) -> None:
    """Clients that differ or are stuck (DefaultMonitorListener.reportConsumerRunningInfo:50)."""
    infos = {}
    for one in admin.consumer_connection(group).connection_set:
        if one.version < Version.V3_1_8_SNAPSHOT or one.client_id is None:
            continue
        with contextlib.suppress(JavaError):
            info = admin.running_info(group, one.client_id, False)
            if info is not None:
                infos[one.client_id] = info
    notice = f"[MONITOR]  [NOTIFY] reportConsumerRunningInfo: ConsumerGroup: {group}, "
    if infos and not subscribe_alike([infos[name] for name in sorted(infos)]):
        log(f"{notice}Subscription different")
    for name in sorted(infos):
        stuck = "".join(stuck_queues(name, infos[name]))
        if stuck:
            log(f"{notice}ClientId: {name}, {stuck}")


def _moved(log: Log) -> Callable[[Sequence[ReceivedMessage], object], None]:
    """A listener for what brokers say of consumers whose messages had expired."""

    def listen(messages: Sequence[ReceivedMessage], context: object) -> None:
        with contextlib.suppress(ProtocolError):
            event = OffsetMovedEvent.from_json(messages[0].body)
            queue = "null" if event.message_queue is None else event.message_queue.java_text()
            log(
                f"[MONITOR] reportDeleteMsgsEvent: DeleteMsgsEvent [offsetMovedEvent=OffsetMovedEvent "
                f"[consumerGroup={event.consumer_group}, messageQueue={queue}, offsetRequest={event.offset_request}, "
                f"offsetNew={event.offset_new}], eventTimestamp={messages[0].store_timestamp}]"
            )

    return listen


def _log_file(path: Path) -> Log:
    """Writes lines as Java's client log has them (ClientLogger.java:58, LoggingBuilder.DefaultLayout)."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(path, maxBytes=_FILE_BYTES, backupCount=_FILES)
    except OSError as error:
        raise JavaError("java.io.FileNotFoundException", f"{path} ({error.strerror})") from error
    handler.terminator = "\r\n"
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s - %(message)s"))
    logger = logging.getLogger(_LOGGER)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    return logger.info
