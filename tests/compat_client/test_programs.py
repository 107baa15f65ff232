"""Whole programs: one that forgets to shut down, and one that gevent has patched."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.client.cluster import Cluster

FORGETFUL = """
import sys, queue
from rocketpy.compat_client import ConsumeStatus, Message, Producer, PushConsumer
namesrv, topic, group = sys.argv[1:]
got = queue.Queue()
def callback(message):
    got.put(message.body)
    return ConsumeStatus.CONSUME_SUCCESS
consumer = PushConsumer(group)
consumer.set_name_server_address(namesrv)
consumer.subscribe(topic, callback)
consumer.start()
producer = Producer(group)
producer.set_name_server_address(namesrv)
producer.start()
message = Message(topic)
message.set_body("x")
producer.send_async(message, lambda result: got.put(result.offset), None)
print(*sorted(str(got.get(timeout=20)) for _ in range(2)))
sys.exit(3)
"""

PATCHED = """
from gevent import monkey
monkey.patch_all()
""" + FORGETFUL


@pytest.mark.parametrize("program", [FORGETFUL, PATCHED], ids=["forgetful", "patched"])
def test_program_that_shuts_nothing_down_ends_well(cluster: Cluster, program: str) -> None:
    command = [sys.executable, "-c", program, cluster.namesrv, cluster.topic(), cluster.unique("program")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (3, "0 b'x'\n", "")
