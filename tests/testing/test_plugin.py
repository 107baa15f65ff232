"""The pytest plugin, in runs of pytest of their own, as a user's suite is run."""

from __future__ import annotations

import os
import signal
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from rocketpy.testing.waiting import until

STRICT = ("-W", "error", "--strict-markers", "--strict-config", "-p", "no:cacheprovider")

LEFT_OVERS = '''
import os, threading
from collections import Counter
from pathlib import Path

def here():
    """What a run could leave behind: threads, open files and child processes."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    files = [path.readlink() for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
    return [one.name for one in threading.enumerate()], sorted(map(str, files)), children

def pytest_sessionstart(session):
    import rocketpy.testing.rocketmq    # what is only loaded once is no left-over
    with rocketpy.testing.rocketmq.RocketMQ():
        pass
    session.config.before = here()

def pytest_sessionfinish(session):
    session.config.after = here()

def pytest_unconfigure(config):
    more = [Counter(after) - Counter(before) for before, after in zip(config.before, config.after)]
    assert not any(more), more
    assert os.listdir(os.environ["TMPDIR"]) == []
    print("nothing is left")
'''


@pytest.fixture(autouse=True)
def _temporary(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory for temporary stores that can be looked into, and nothing of the run that this is part of."""
    for name in [name for name in os.environ if name.startswith("PYTEST_XDIST")]:
        monkeypatch.delenv(name)
    (pytester.path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(pytester.path / "temporary"))


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """The suite in a process of its own, to which the plugin comes as to everybody's."""
    return pytester.runpytest_subprocess(*STRICT, "-p", "no:timeout", *arguments)


def test_plugin_comes_with_the_package() -> None:
    (ours,) = [one for one in entry_points(group="pytest11") if one.value.startswith("rocketpy")]
    assert ours.value == "rocketpy.testing.plugin"


def test_suite_that_does_not_use_it_notices_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import socket, sys, threading

        def test_nothing_is_loaded():
            heavy = {"gevent", "orjson", "rocketpy.broker", "rocketpy.client", "rocketpy.testing.rocketmq"}
            assert "rocketpy.testing.plugin" in sys.modules
            assert not heavy & set(sys.modules)
            assert socket.socket.__module__ == "socket"
            assert len(threading.enumerate()) == 1
    """)
    run(pytester).assert_outcomes(passed=1)


def test_fixtures_are_listed_with_what_they_are(pytester: pytest.Pytester) -> None:
    listed = run(pytester, "--fixtures", "-v").stdout.str()
    names = ("rocketmq ", "rocketmq_session [session scope]", "rocketmq_proc [session scope]", "rocketmq_fresh_proc ")
    assert all(name in listed for name in names)
    assert "A name server and a broker in a child process" in listed
    assert "@pytest.mark.rocketmq(topics=(), groups=(), settings=None)" in run(pytester, "--markers").stdout.str()


def test_fixtures_marker_ini_and_factories(pytester: pytest.Pytester) -> None:
    pytester.makeini("""
        [pytest]
        rocketmq_topics = Order:2 Payment
        rocketmq_groups = shipping
        rocketmq_settings =
            brokerName=from-ini
            brokerClusterName = Ours
        rocketmq_timeout = 2.5
    """)
    pytester.makeconftest(LEFT_OVERS + '''
from rocketpy.testing import factories

billing = factories.rocketmq(scope="module", topics=["Bill"], settings={"brokerName": "billing"})
billing_proc = factories.rocketmq_proc(topics={"Bill": 1})
fresh_billing = factories.fresh("billing", topics=["More"])
''')
    pytester.makepyfile("""
        import os
        import pytest

        def shape(rocketmq):
            return {
                topic: {one.queue.broker_name for one in rocketmq.progress("shipping", topic)}
                for topic in rocketmq.topics()
            }

        FROM_INI = {"%RETRY%shipping": {"from-ini"}, "Order": {"from-ini"}, "Payment": {"from-ini"}}

        def test_function(rocketmq):
            assert shape(rocketmq) == FROM_INI
            assert rocketmq.timeout == 2.5
            assert len(rocketmq.progress("shipping", "Order")) == 2
            rocketmq.send("Order", "1")

        def test_function_again(rocketmq):
            assert rocketmq.messages("Order") == []

        @pytest.mark.rocketmq(topics={"Mine": 1}, groups=["ours"], settings={"brokerName": "marked"})
        class TestMarked:
            @pytest.mark.rocketmq(topics=["Inner"])
            def test_marks_add_up(self, rocketmq):
                assert shape(rocketmq).keys() == {*FROM_INI, "%RETRY%ours", "Mine", "Inner"}
                assert shape(rocketmq)["Mine"] == {"marked"}

            def test_fresh_proc(self, rocketmq_fresh_proc):
                assert shape(rocketmq_fresh_proc)["Order"] == {"marked"}
                assert "Mine" in rocketmq_fresh_proc.topics()

        def test_session(rocketmq_session):
            assert shape(rocketmq_session) == FROM_INI
            rocketmq_session.send("Order", "1")

        def test_session_again(rocketmq_session):
            assert len(rocketmq_session.messages("Order")) == 1

        def test_proc(rocketmq_proc):
            assert shape(rocketmq_proc)["Order"] == {"marked"}    # of the last test that had it
            assert rocketmq_proc.clock.now() > 0

        def test_fresh(rocketmq_fresh_proc):
            assert shape(rocketmq_fresh_proc) == FROM_INI

        def test_factories(billing, fresh_billing):
            assert billing is fresh_billing
            assert shape(billing).keys() == {*FROM_INI, "Bill", "More"}
            assert shape(billing)["Bill"] == {"billing"}

        def test_factory_of_a_process(billing_proc, rocketmq_proc):
            assert billing_proc.namesrv_address != rocketmq_proc.namesrv_address
            assert "Bill" in billing_proc.topics()
    """)
    result = run(pytester)
    result.assert_outcomes(passed=10)
    result.stdout.fnmatch_lines("nothing is left")


def test_failures_leave_nothing_behind(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(LEFT_OVERS)
    pytester.makepyfile("""
        import pytest
        from rocketpy.client import PushConsumer

        def test_fails(rocketmq, rocketmq_session, rocketmq_proc):
            assert rocketmq.messages("Ordr") == []

        def test_fails_with_a_consumer(rocketmq):
            with PushConsumer("g", lambda messages, context: None, {"Order": "*"}, namesrv=rocketmq.namesrv_address):
                rocketmq.wait_for_messages("Order", timeout=0.1)

        @pytest.mark.rocketmq(settings={"brokerNam": "x"})
        def test_cannot_start(rocketmq):
            pass

        @pytest.mark.rocketmq(topics="Order")
        def test_marked_wrongly(rocketmq):
            pass

        @pytest.mark.rocketmq(topics=["No spaces, please"])
        def test_no_such_topic_can_be(rocketmq):
            pass
    """)
    result = run(pytester)
    result.assert_outcomes(failed=2, errors=3)
    result.stdout.fnmatch_lines_random([
        "*NoSuchTopic: there is no topic Ordr; there are none",
        "*WaitTimeout: after 0.1 s: there is no topic Order; there are*",
        "*ConfigError: brokerNam is no key of broker.conf; *",
        "*TypeError: names are given as a list, not as 'Order'",
        "*Refused: The specified topic contains illegal characters, *",
        "nothing is left",
    ])  # fmt: skip


def test_child_of_a_run_that_is_killed_ends_and_its_store_is_gone(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import os, signal

        def test_is_killed(rocketmq_proc):
            print(rocketmq_proc.pid, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
    """)
    result = run(pytester, "-s", "-q")
    assert result.ret == -signal.SIGKILL
    (pid,) = [int(line) for line in result.outlines if line.isdecimal()]
    until(lambda: not _runs(pid), timeout=60)
    assert list(Path(os.environ["TMPDIR"]).iterdir()) == []


def _runs(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()   # a zombie is one that nobody has waited for
    except FileNotFoundError:
        return False


def test_a_store_may_be_kept_from_run_to_run_by_each_worker(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makeini("""
        [pytest]
        rocketmq_store = kept
        rocketmq_topics = Order
    """)
    pytester.makepyfile("""
        def test_one_more(rocketmq, request):
            rocketmq.send("Order", "1")
            assert len(rocketmq.messages("Order")) == request.config.getini("rocketmq_store").count("k")
    """)
    run(pytester).assert_outcomes(passed=1)
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw1")
    run(pytester).assert_outcomes(passed=1)
    assert {"gw1", "commitlog"} <= {path.name for path in (pytester.path / "kept").iterdir()}
