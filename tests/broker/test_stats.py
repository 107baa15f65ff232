from __future__ import annotations

import pytest

from rocketpy.broker.stats import BrokerStats
from tests.fakes import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def stats(clock: FakeClock) -> BrokerStats:
    return BrokerStats("C", clock)


def sample(stats: BrokerStats, clock: FakeClock, seconds: int) -> None:
    for _ in range(seconds):
        clock.now += 1000
        stats.sample_second()


def test_rates_are_three_numbers_empty_until_there_is_that_much_past(stats: BrokerStats, clock: FakeClock) -> None:
    assert stats.tps("put") == "  "
    stats.messages_put("T", 100, 5000)
    sample(stats, clock, 10)
    assert stats.tps("put") == "10.0  "
    sample(stats, clock, 50)
    assert stats.tps("put") == f"0.0 {100 / 60} "
    sample(stats, clock, 600)
    assert stats.tps("put") == "0.0 0.0 0.0"


def test_total_of_pulls_is_never_empty(stats: BrokerStats, clock: FakeClock) -> None:
    assert stats.total_get_tps() == "0.0 0.0 0.0"
    stats.messages_got("G", "T", 32, 100)
    stats.get_missed += 9
    sample(stats, clock, 10)
    assert stats.total_get_tps() == "1.0 0.0 0.0"
    assert stats.tps("found") == "0.1  "
    assert stats.tps("missed") == "0.9  "
    assert stats.tps("transferred") == "3.2  "


def test_samples_do_not_pile_up(stats: BrokerStats, clock: FakeClock) -> None:
    sample(stats, clock, 2000)
    assert len(stats._totals) == 601


def test_times_of_puts_are_told_a_minute_later(stats: BrokerStats) -> None:
    assert stats.put_distribution() is None
    stats.messages_put("T", 100, 1)
    for elapsed in (1, 9, 10, 49, 999, 1000, 9999, 10_000, 99_999):
        stats.put_took(elapsed)
    assert stats.put_distribution() is None
    stats.roll_minute()
    assert stats.put_distribution() == (
        "[<=0ms]:91 [0~10ms]:2 [10~50ms]:2 [50~100ms]:0 [100~200ms]:0 [200~500ms]:0 [500ms~1s]:1 [1~2s]:1 [2~3s]:0 "
        "[3~4s]:0 [4~5s]:0 [5~10s]:1 [10s~]:2 "
    )
    assert stats.put_time_max == 99_999
    stats.roll_minute()
    assert (stats.put_distribution() or "").startswith("[<=0ms]:0 ")


def test_latency_is_interpolated_in_its_range(stats: BrokerStats) -> None:
    assert stats.put_latency(0.99) == 0.0
    stats.messages_put("T", 100, 1)
    for _ in range(10):
        stats.put_took(3)
    stats.roll_minute()
    assert stats.put_latency(0.9) == 1.0
    assert stats.put_latency(0.99) == pytest.approx(2.9)


def test_rates_go_by_javas_names(stats: BrokerStats, clock: FakeClock) -> None:
    stats.messages_put("T", 3, 300)
    stats.messages_put("U", 1, 10)
    stats.messages_got("grüppe", "T", 2, 200)
    stats.message_sent_back("grüppe", "T")
    for traffic in stats.all_traffic():
        traffic.sample_minute(clock.now)

    def total(name: str, key: str) -> int | None:
        rates = stats.rates(name, key)
        return None if rates is None else rates[0].sum

    assert total("TOPIC_PUT_NUMS", "T") == 3
    assert total("TOPIC_PUT_SIZE", "T") == 300
    assert total("GROUP_GET_NUMS", "T@grüppe") == 2
    assert total("GROUP_GET_SIZE", "T@grüppe") == 200
    assert total("SNDBCK_PUT_NUMS", "T@grüppe") == 1
    assert total("BROKER_PUT_NUMS", "C") == 4
    assert total("BROKER_GET_NUMS", "C") == 2
    unknown = (
        ("TOPIC_PUT_NUMS", "V"), ("BROKER_PUT_NUMS", "D"), ("TOPIC_PUT_X", "T"), ("", "T"), ("BROKER_PUT_SIZE", "C"),
        ("SNDBCK_PUT_SIZE", "T@grüppe"), ("GROUP_GET_FROM_DISK_NUMS", "T@grüppe"), ("GROUP_GET_LATENCY", "T@grüppe"),
    )  # fmt: skip
    for name, key in unknown:
        assert total(name, key) is None
    assert stats.consume_tps("grüppe", "T") == 0.2
    assert stats.consume_tps("other", "T") == 0.0


def test_broker_without_traffic_has_no_rates(stats: BrokerStats) -> None:
    assert stats.rates("BROKER_PUT_NUMS", "C") is None
    assert stats.rates("BROKER_GET_NUMS", "C") is None


def test_broker_has_counted_what_is_forgotten(stats: BrokerStats, clock: FakeClock) -> None:
    stats.messages_put("T", 3, 300)
    stats.forget_topic("T")
    stats.messages_put("U", 1, 1)
    for traffic in stats.all_traffic():
        traffic.sample_minute(clock.now)
    rates = stats.rates("BROKER_PUT_NUMS", "C")
    assert rates is not None
    assert (rates[0].sum, rates[0].tps, rates[0].average) == (4, 0.4, 0.0)


@pytest.mark.parametrize(("detailed", "key"), [(True, "2@T@G"), (False, "T@G")])
def test_times_of_pulls_are_kept_by_queue(clock: FakeClock, detailed: bool, key: str) -> None:
    stats = BrokerStats("C", clock, detailed)
    for elapsed in (0, 7, 5):
        stats.get_took("G", "T", 2, elapsed)
    for traffic in stats.all_traffic():
        traffic.sample_minute(clock.now)
    rates = stats.rates("GROUP_GET_LATENCY", key)
    assert rates is not None
    assert (rates[0].sum, rates[0].average) == (12, 4.0)
    assert stats.get_time_max == 7
    stats.forget_group("G")
    assert stats.rates("GROUP_GET_LATENCY", key) is None


def test_queues_of_delayed_messages_are_counted_one_by_one(clock: FakeClock) -> None:
    stats, plain = BrokerStats("C", clock), BrokerStats("C", clock, detailed=False)
    for one in (stats, plain):
        one.delayed_message_put(2, 100)
        one.delayed_message_got(2, 90)
        for traffic in one.all_traffic():
            traffic.sample_minute(clock.now)
    put, got = "SCHEDULE_TOPIC_XXXX@2", "SCHEDULE_TOPIC_XXXX@2@SCHEDULE_CONSUMER"
    found = [stats.rates(name, put) for name in ("QUEUE_PUT_NUMS", "QUEUE_PUT_SIZE")]
    found += [stats.rates(name, got) for name in ("QUEUE_GET_NUMS", "QUEUE_GET_SIZE")]
    assert [rates and rates[0].sum for rates in found] == [1, 100, 1, 90]
    assert plain.rates("QUEUE_PUT_NUMS", put) is None
    assert plain.rates("QUEUE_GET_NUMS", got) is None
    assert plain.rates("GROUP_GET_NUMS", "SCHEDULE_TOPIC_XXXX@SCHEDULE_CONSUMER") is not None


def test_deleted_topics_and_groups_are_forgotten(stats: BrokerStats) -> None:
    for topic in ("T", "TT"):
        stats.messages_put(topic, 1, 1)
        for group in ("G", "GG"):
            stats.messages_got(group, topic, 1, 1)
            stats.message_sent_back(group, topic)
    stats.forget_topic("T")
    assert stats.rates("TOPIC_PUT_NUMS", "T") is None
    assert stats.rates("GROUP_GET_NUMS", "T@G") is None
    assert stats.rates("GROUP_GET_NUMS", "TT@G") is not None
    stats.forget_group("G")
    assert stats.rates("SNDBCK_PUT_NUMS", "TT@G") is None
    assert stats.rates("SNDBCK_PUT_NUMS", "TT@GG") is not None


def test_mornings_remember_the_totals(stats: BrokerStats) -> None:
    stats.messages_put("T", 5, 1)
    stats.roll_day()
    stats.messages_put("T", 2, 1)
    stats.messages_got("G", "T", 3, 1)
    stats.roll_day()
    assert stats.put_at_mornings == (5, 7)
    assert stats.got_at_mornings == (0, 3)
