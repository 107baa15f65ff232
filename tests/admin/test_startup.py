"""From the words of a command line to what is printed and the exit status, with our own cluster."""

from __future__ import annotations

import json
import re
import sys

import pytest

from rocketpy.admin.client import AdminClient
from rocketpy.admin.sending import Sender
from rocketpy.admin.startup import main
from rocketpy.client import Producer
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


def test_bytes_that_are_no_text_are_replaced(admin: Admin) -> None:
    assert "the topic: x\ufffdy" in admin("topicRoute -t x\udcffy")[1]


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
    key = _send(cluster)
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
    with Sender(admin, "group") as sender:
        sent = sender.send(Message("Found", "Grüße".encode(), keys="Schlüssel", tags="TagA"), queue)
    admin.close()
    return sent.msg_id


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("nonsense", "nonsense: there is no such command"),
        ("topicRoute", "topicRoute: -t must be given, see mqadmin help topicRoute"),
        ("topicRoute -t", "topicRoute: -t needs a value, see mqadmin help topicRoute"),
        ("topicRoute -x", "topicRoute: there is no option -x, see mqadmin help topicRoute"),
        ("updateTopic -t T", "updateTopic: -b or -c must be given, see mqadmin help updateTopic"),
        ("updateTopic -t T -b X -c Y", "updateTopic: -b and -c exclude each other, see mqadmin help updateTopic"),
        (
            "updateBrokerConfig -k K -v V",
            "updateBrokerConfig: options are missing, see mqadmin help updateBrokerConfig",
        ),
        ("topicRoute -t Unknown", "topicRoute: No topic route info in name server for the topic: Unknown (code 17)"),
        ("topicList -n 127.0.0.1:1", "topicList: connect to [127.0.0.1:1] failed"),
        ("brokerStatus -b 127.0.0.1:1", "brokerStatus: connect to 127.0.0.1:1 failed"),
        ("updateTopic -b BROKER -t T -r x", 'updateTopic: For input string: "x"'),
        (
            "clusterAclConfigVersion -c NoCluster",
            "clusterAclConfigVersion: [error] Make sure the specified clusterName exists or the name server "
            "connected to is correct.",
        ),
    ],
)
def test_strict_failures_are_a_line_and_a_status(
    cluster: Standalone, capsys: pytest.CaptureFixture[str], words: str, complaint: str
) -> None:
    line = words.replace("BROKER", cluster.broker.address).split()
    if "-n" not in line and line[0] != "nonsense":
        line += ["-n", cluster.namesrv.address]
    assert main([line[0], "--strict", *line[1:]]) == 1
    assert capsys.readouterr().err == f"mqadmin {complaint}\n"


def test_environment_makes_strict(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("ROCKETPY_STRICT", "1")
    assert main(["topicList", "-n", "127.0.0.1:1"]) == 1
    assert main(["help", "topicList"]) == 0


LISTINGS = {
    "topicList": '"topic": "SCHEDULE_TOPIC_XXXX"',
    "topicList -c": '"clusterName": "DefaultCluster"',
    "topicRoute -t TBW102": '"queueDatas": [',
    "topicRoute -t TBW102 -l": '"readQueue": 8',
    "topicClusterList -t TBW102": '"clusterName": "DefaultCluster"',
    "topicStatus -t TBW102": '"maxOffset": 0',
    "clusterList": '"inTpsLoad": "0.00(0,0ms)"',
    "clusterList -m": '"inTotalYest": 0',
    "brokerStatus -b BROKER": '"brokerVersionDesc": "V4_9_8"',
    "brokerConsumeStats -b BROKER": '"diffTotal": 0',
    "getBrokerConfig -b BROKER": '"flushDiskType": "ASYNC_FLUSH"',
    "getNamesrvConfig": '"orderMessageEnable": "false"',
    "getConsumerConfig -g SELF_TEST_C_GROUP": '"retryMaxTimes": 16',
    "consumerProgress": "[]",
    "producer -b BROKER": "{}",
    "statsAll -t SELF_TEST_TOPIC": '"outMsg24Hour": "NO_CONSUMER"',
}


@pytest.mark.parametrize("words", LISTINGS)
def test_listings_are_json_on_demand(admin: Admin, words: str) -> None:
    out, err = admin(f"{words} --json")
    assert err == ""
    json.loads(out)
    assert LISTINGS[words] in out


def test_json_is_for_listings_only(cluster: Standalone, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["deleteTopic", "-c", "C", "-t", "T", "--json"]) == 1
    assert capsys.readouterr().err == "mqadmin deleteTopic: has nothing to tell as JSON\n"


def test_words_of_ours_may_be_values(admin: Admin) -> None:
    assert "for the topic: --json" in admin("topicRoute -t --json")[1]


def test_shells_can_complete(capsys: pytest.CaptureFixture[str]) -> None:
    for shell in ("bash", "zsh", "fish"):
        assert main(["--completion", shell]) == 0
        assert "topicRoute" in capsys.readouterr().out
    assert main(["--completion", "tcsh"]) == main(["--completion"]) == 1
    assert "one of bash, zsh, fish is wanted" in capsys.readouterr().err


def test_long_work_shows_how_far_it_is_on_a_terminal(
    admin: Admin, cluster: Standalone, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin("updateTopic -b BROKER -t Long -r 1 -w 1")
    with Producer("long", namesrv=cluster.namesrv.address) as producer:
        for number in range(40):
            producer.send(Message("Long", str(number).encode()))
    assert admin("printMsg -t Long")[1] == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    out, err = admin("printMsg -t Long -d false")
    name = cluster.broker.settings.broker.broker_name
    assert err == f"\rqueue 0 of {name}: 32 of 40\rqueue 0 of {name}: 40 of 40\n"
    assert out.count("MSGID: ") == 40


def test_certificate_that_cannot_be_read_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ("enable=true", "test.mode.enable=false", "client.certPath=/nowhere.pem", "client.keyPath=/nowhere.pem")
    monkeypatch.setenv("JAVA_OPT", " ".join(f"-Dtls.{option}" for option in options))
    assert main(["topicList", "-n", "127.0.0.1:1"]) == 1
    assert capsys.readouterr() == ("", "mqadmin topicList: cannot read /nowhere.pem: No such file or directory\n")
