from __future__ import annotations

from rocketpy.broker.traffic import Rate, Traffic

NOW = 1_700_000_000_000


def test_nothing_sampled_is_no_rate() -> None:
    assert Traffic().rates(of_size=False) == (Rate(0, 0.0, 0.0),) * 3


def test_first_sample_counts_from_a_period_before() -> None:
    traffic = Traffic()
    traffic.times, traffic.messages, traffic.size = 2, 50, 1000
    traffic.sample_minute(NOW)
    assert traffic.rates(of_size=False)[0] == Rate(50, 5.0, 25.0)
    assert traffic.rates(of_size=True)[0] == Rate(1000, 100.0, 500.0)


def test_rate_is_that_of_the_last_minute() -> None:
    traffic = Traffic()
    for at in range(20):
        traffic.times += 1
        traffic.messages += 10
        traffic.sample_minute(NOW + at * 10_000)
    assert traffic.rates(of_size=False)[0] == Rate(60, 1.0, 10.0)


def test_periods_are_kept_apart() -> None:
    traffic = Traffic()
    traffic.messages = 7
    traffic.sample_hour(NOW)
    traffic.sample_day(NOW)
    minute, hour, day = traffic.rates(of_size=False)
    assert (minute.sum, hour.sum, day.sum) == (0, 7, 7)
    assert hour.tps == 7 / 600
    assert day.tps == 7 / 3600


def test_two_samples_at_one_time_are_no_division_by_zero() -> None:
    traffic = Traffic()
    for _ in range(9):
        traffic.messages += 1
        traffic.sample_minute(NOW)
    assert traffic.rates(of_size=False)[0].sum == 6
