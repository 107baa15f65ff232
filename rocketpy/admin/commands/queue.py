"""queryCq: what is in a ConsumeQueue (tools/command/queue)."""

from __future__ import annotations

from rocketpy.admin.format import java_text
from rocketpy.admin.invocation import Command, Invocation, parse_int, parse_number
from rocketpy.admin.options import Option
from rocketpy.protocol.api.client import SubscriptionData
from rocketpy.protocol.api.query import ConsumeQueueData, QueryConsumeQueue, QueryConsumeQueueResponseBody
from rocketpy.protocol.fastjson import dumps

_LINE = "======================================\n"


@Command(
    "queryCq",
    "Query cq command.",
    "QueryConsumeQueueCommand",
    Option("t", "topic", "topic name", required=True),
    Option("q", "queue", "queue num, ie. 1", required=True),
    Option("i", "index", "start queue index.", required=True),
    Option("c", "count", "how many."),
    Option("b", "broker", "broker addr."),
    Option("g", "consumer", "consumer group."),
    failure=None,
)
def query_cq(run: Invocation) -> None:
    """Entries from an index on, and a group's subscription (QueryConsumeQueueCommand.java:88)."""
    topic = run.text("t")
    header = QueryConsumeQueue(
        topic=topic,
        queue_id=parse_int(run.text("q")),
        index=parse_number(run.text("i")),
        count=run.integer("c", 10),
        consumer_group=run.maybe("g"),
    )
    address = run.maybe("b")
    if address is None:
        address = run.admin.route(topic).broker_datas[0].broker_addrs[0]
    found = run.admin.fetch(address, header, QueryConsumeQueueResponseBody)
    if found.subscription_data is not None:
        run.print("Subscription data: \n%s\n", _pretty(found.subscription_data))
        run.print(_LINE)
    if found.filter_data is not None:
        run.print("Filter data: \n%s\n", found.filter_data)
        run.print(_LINE)
    run.print("Queue data: \nmax: %d, min: %d\n", found.max_queue_index, found.min_queue_index)
    run.print(_LINE)
    for index, entry in enumerate(found.queue_data or (), start=header.index):
        run.print("idx: %d\n%s\n%s", index, _shown(entry), _LINE)


def _pretty(subscription: SubscriptionData) -> str:
    value = subscription.to_value()
    for name in ("codeSet", "tagsSet"):
        value[name] = tuple(value[name])
    return dumps(value, pretty=True).decode()


def _shown(entry: ConsumeQueueData) -> str:
    """ConsumeQueueData.toString:88."""
    return (
        f"ConsumeQueueData{{physicOffset={entry.physic_offset}, physicSize={entry.physic_size}, "
        f"tagsCode={entry.tags_code}, extendDataJson='{java_text(entry.extend_data_json)}', "
        f"bitMap='{java_text(entry.bit_map)}', eval={java_text(entry.eval)}, msg='{java_text(entry.msg)}'}}"
    )
