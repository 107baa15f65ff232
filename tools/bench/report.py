"""Figures of brokers or clients, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tools.bench.load import Measured

Figures = Mapping[str, float]


def case_figures(measured: Measured) -> dict[str, float]:
    """The lines of one case and one broker."""
    ordered = sorted(measured.latencies)
    messages = max(measured.messages, 1)
    figures = {
        "msg/s": measured.messages / measured.seconds,
        "broker CPU us/msg": measured.broker_cpu / messages * 1e6,
        "client CPU us/msg": measured.client_cpu / messages * 1e6,
    }
    for name, share in (("p50 ms", 0.5), ("p99 ms", 0.99), ("p99.9 ms", 0.999)):
        figures[name] = ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000
    if measured.failures:
        figures["failed requests"] = measured.failures
    return figures


def lines(title: str, by_broker: Mapping[str, Figures]) -> Iterator[str]:
    """One block of the table; the ratio is the last one's, ours, to that before it."""
    names: list[str] = []
    for figures in by_broker.values():
        names += [name for name in figures if name not in names]
    for name in names:
        values = [figures.get(name) for figures in by_broker.values()]
        cells = "".join(f"{_number(value):>12}" for value in values)
        last, other = values[-1], values[-2] if len(values) > 1 else None
        ratio = f"{last / other:>9.2f}x" if other and last is not None else ""
        yield f"{title:<46}{name:<20}{cells}{ratio}"
        title = ""


def header(brokers: list[str]) -> str:
    """The table's first line."""
    cells = "".join(f"{name:>12}" for name in brokers)
    return f"{'':<46}{'':<20}{cells}" + (f"  {brokers[-1]}/{brokers[-2]}" if len(brokers) > 1 else "")


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    if value >= 1000:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.3f}"
