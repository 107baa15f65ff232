import pytest

from rocketpy.protocol import topic_names
from rocketpy.protocol.topic_names import topic_fault


@pytest.mark.parametrize("name", ["T", "%RETRY%group", "a|b-c_9", "x" * 127, *topic_names.SYSTEM_TOPICS])
def test_legal_topics_have_no_fault(name: str) -> None:
    assert topic_fault(name) is None


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("", "The specified topic is blank."),
        (" \t", "The specified topic is blank."),
        ("Größe", "The specified topic contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$"),
        ("a b", "The specified topic contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$"),
        ("x" * 128, "The specified topic is longer than topic max length."),
    ],
)
def test_illegal_topics_are_refused_in_javas_words(name: str, fault: str) -> None:
    assert topic_fault(name) == fault


def test_clients_may_send_to_the_system_topics_that_serve_them() -> None:
    allowed = set(topic_names.SYSTEM_TOPICS) - topic_names.FORBIDDEN_TO_SEND
    assert allowed == {"TBW102", "BenchmarkTest", "RMQ_SYS_TRACE_TOPIC"}


def test_topics_that_belong_to_a_group_or_a_cluster() -> None:
    assert topic_names.retry_topic("g") == "%RETRY%g"
    assert topic_names.dlq_topic("g") == "%DLQ%g"
    assert topic_names.reply_topic("c") == "c_REPLY_TOPIC"
