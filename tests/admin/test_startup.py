"""From the words of a command line to what is printed and the exit status, with our own cluster."""

from __future__ import annotations

import re

import pytest

from rocketpy.admin.client import AdminClient
from rocketpy.admin.sending import Sender
from rocketpy.admin.startup import main
from rocketpy.protocol.api.route import MessageQueue
from rocketpy.protocol.message import Message
from rocketpy.standalone import Standalone
from tests.admin.conftest import Admin

SUB_COMMAND = "org.apache.rocketmq.tools.command.SubCommandException"


def test_overview_and_help_end_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    overview = capsys.readouterr().out
    assert overview.startswith("The most commonly used mqadmin commands are:\n   updateTopic          Update or create")
    assert main(["help", "topicList"]) == main(["topicList", "-h"]) == 0
    first, second = capsys.readouterr().out.split("usage: ")[1:]
    assert first == second


def test_words_that_do_not_fit_end_with_1_and_the_usage_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["topicRoute"]) == 1
    printed = capsys.readouterr()
    assert printed.out.startswith("usage: mqadmin topicRoute [-h] [-l] [-n <arg>] -t <arg>\n")
    assert printed.err == ""


def test_unknown_commands_end_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help"]) == main(["help", "nonsense"]) == main(["nonsense"]) == 0
    assert capsys.readouterr().out == "".join(
        f"The sub command {name} not exist.\n" for name in ("help", "nonsense", "nonsense")
    )


def test_unreachable_name_server_is_a_java_error_with_status_0(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NAMESRV_ADDR", raising=False)
    assert main(["topicList"]) == 0
    assert capsys.readouterr().err == (
        f"{SUB_COMMAND}: TopicListSubCommand command failed\nCaused by: "
        "org.apache.rocketmq.remoting.exception.RemotingConnectException: connect to null failed\n"
    )


def test_name_server_may_come_from_the_environment(
    cluster: Standalone, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NAMESRV_ADDR", cluster.namesrv.address)
    assert main(["topicList"]) == 0
    assert "SCHEDULE_TOPIC_XXXX\n" in capsys.readouterr().out


def test_topic_is_made_shown_and_deleted(admin: Admin, cluster: Standalone) -> None:
    assert admin("updateTopic -b BROKER -t Made -r 3 -w 2") == (
        f"create topic to {cluster.broker.address} success.\n"
        "TopicConfig [topicName=Made, readQueueNums=3, writeQueueNums=2, perm=RW-, topicFilterType=SINGLE_TAG, "
        "topicSysFlag=0, order=false]",
        "",
    )
    assert '"readQueueNums":3' in admin("topicRoute -t Made")[0]
    rows = admin("topicStatus -t Made")[0].splitlines()
    assert len(rows) == 1 + 2, "queues to write to"
    assert "Made\n" in admin("topicList")[0]
    assert admin("deleteTopic -c DefaultCluster -t Made")[0].count("success.\n") == 2
    assert "CODE: 17  DESC: No topic route info in name server" in admin("topicRoute -t Made")[1]


def test_unknown_cluster_is_told_without_a_line_of_its_own(admin: Admin) -> None:
    out, err = admin("updateTopic -c NoCluster -t Made")
    assert out.startswith("[error] Make sure the specified clusterName exists or the name server")
    assert "correct.TopicConfig [topicName=Made" in out
    assert err == ""


def test_numbers_are_read_as_in_java(admin: Admin) -> None:
    for text in ("x", "99999999999", "1_0", ""):
        words = f"updateTopic -b BROKER -t Made -r={text}".replace("-r=", "--readQueueNums=")
        assert f'NumberFormatException: For input string: "{text}"\n' in admin(words)[1]


def test_broker_configuration_is_changed_and_shown(admin: Admin, cluster: Standalone) -> None:
    address = cluster.broker.address
    assert admin("updateBrokerConfig -b BROKER -k fileReservedTime -v 71")[0] == (
        f"update broker config success, {address}\n"
    )
    out = admin("getBrokerConfig -b BROKER")[0]
    assert out.startswith(f"============{address}============\n")
    assert f"{'fileReservedTime':50}=  71\n" in out
    assert out.endswith("\n\n")


def test_clusters_are_listed(admin: Admin, cluster: Standalone) -> None:
    out, err = admin("clusterList")
    assert err == ""
    assert re.search(rf"^DefaultCluster +\S+ +0 +{cluster.broker.address} +V4_9_8 ", out, re.M)


def test_message_is_found_in_every_way(admin: Admin, cluster: Standalone) -> None:
    admin("updateTopic -b BROKER -t Found -r 2 -w 2")
    key = cluster.call(_send, cluster)
    row = admin("queryMsgByKey -t Found -k Schlüssel")[0].splitlines()[1]
    assert row.split() == [key, "1", "0"]
    by_key = admin(f"queryMsgByUniqueKey -t Found -i {key}")[0]
    by_offset = admin(f"queryMsgByOffset -t Found -b {cluster.broker.settings.broker.broker_name} -i 1 -o 0")[0]
    message_id = by_offset.split()[1]
    by_id = admin(f"queryMsgById -i {message_id}")[0]
    assert by_id.startswith(f"{'OffsetID:':20} {message_id}\n{'Topic:':20} Found\n")
    assert by_id.endswith("\n\n\nWARN: No Consumer")
    assert by_id.split("\n", 1)[1] == by_key
    assert "MIN_OFFSET=0" in by_offset
    assert "tagsCode=2598919" in admin("queryCq -t Found -q 1 -i 0")[0]
    sent = admin(f"queryMsgById -i {message_id} -s true")[0]
    assert sent.startswith(f"prepare resend msg. originalMsgId={message_id}SendResult [sendStatus=SEND_OK, msgId={key}")


def _send(cluster: Standalone) -> str:
    admin = AdminClient(cluster.namesrv.address)
    queue = MessageQueue(topic="Found", broker_name=cluster.broker.settings.broker.broker_name, queue_id=1)
    sent = Sender(admin, "group").send(Message("Found", "Grüße".encode(), keys="Schlüssel", tags="TagA"), queue)
    admin.close()
    return sent.message_id
