"""Whole programs: what happens at their end, and in one that gevent has patched."""

from __future__ import annotations

import subprocess
import sys

from tests.client.cluster import Cluster

FORGETFUL = """
import sys, queue
from rocketpy.client import ConsumeFromWhere, Message, Producer, PushConsumer
namesrv, topic, group = sys.argv[1:]
got = queue.Queue()
first = ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET
consumer = PushConsumer(group, lambda messages, context: got.put(messages[0].body), {topic: "*"},
                        namesrv=namesrv, consume_from=first)
consumer.start()
producer = Producer(group, namesrv=namesrv)
producer.start()
producer.send(Message(topic, b"x"))
print(got.get(timeout=20))
sys.exit(3)
"""

PATCHED = """
from gevent import monkey
monkey.patch_all()
import sys, threading, time
import gevent
from rocketpy.client import ConsumeFromWhere, Message, Producer, PushConsumer
namesrv, topic, group = sys.argv[1:]
got = []
def listener(messages, context):
    time.sleep(0.01)
    got.append(int(messages[0].body))
options = {"namesrv": namesrv, "consume_from": ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET}
with Producer(group, namesrv=namesrv) as producer, PushConsumer(group, listener, {topic: "*"}, **options):
    gevent.joinall([gevent.spawn(producer.send, Message(topic, b"%d" % n)) for n in range(20)], raise_error=True)
    thread = threading.Thread(target=producer.send, args=(Message(topic, b"20"),))
    thread.start()
    thread.join()
    with gevent.Timeout(20):
        while len(got) < 21:
            time.sleep(0.01)
print(sorted(got) == list(range(21)))
"""

FORKED = """
import os, sys
from rocketpy.client import ClientError, Message, Producer
namesrv, topic, group = sys.argv[1:]
producer = Producer(group, namesrv=namesrv)
producer.start()
producer.send(Message(topic, b"parent"))
pid = os.fork()
if pid == 0:
    try:
        producer.send(Message(topic, b"child"))
    except ClientError as error:
        print(error.text, producer.is_running)
    producer.stop()
    with Producer(group, namesrv=namesrv) as own:
        print(own.send(Message(topic, b"child")).status)
    sys.exit(0)
print(os.waitpid(pid, 0)[1], producer.send(Message(topic, b"parent")).status)
"""


def _run(cluster: Cluster, program: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program, cluster.namesrv, cluster.topic(), cluster.unique("program")]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_program_that_stops_nothing_ends_well(cluster: Cluster) -> None:
    done = _run(cluster, FORGETFUL)
    assert (done.returncode, done.stdout, done.stderr) == (3, "b'x'\n", "")


def test_patched_program_has_the_client_among_its_greenlets(cluster: Cluster) -> None:
    done = _run(cluster, PATCHED)
    assert (done.returncode, done.stdout, done.stderr) == (0, "True\n", "")


def test_forked_process_is_told_to_make_clients_of_its_own(cluster: Cluster) -> None:
    done = _run(cluster, FORKED)
    assert (done.returncode, done.stderr) == (0, "")
    told, *rest = done.stdout.splitlines()
    assert told.endswith("was started before this process was forked: make a new client here False")
    assert rest == ["SEND_OK", "0 SEND_OK"]
