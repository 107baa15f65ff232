"""`python -m interop --namesrv HOST:PORT`: which scenarios hold for a cluster that is running.

Without --namesrv a cluster is started: --direction says whose name server and whose broker.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import click

from interop.artifacts import MissingToolError
from interop.cluster import DIRECTIONS, QUICK, Cluster, running_cluster, started_cluster
from interop.driver import DRIVERS
from interop.scenario import Outcome, outcome, scenarios
from interop.troupe import Troupe

MARKS = {"pass": "pass", "fail": "FAIL", "skip": "skip"}


@click.command()
@click.option("-n", "--namesrv", help="Name server of a running cluster, HOST:PORT.")
@click.option("-d", "--direction", type=click.Choice(list(DIRECTIONS)), default="ours", show_default=True)
@click.option("-c", "--client", "clients", multiple=True, type=click.Choice(list(DRIVERS)), help="Default: all.")
@click.option("-k", "--only", default="", help="Only scenarios with this text in their name.")
def main(namesrv: str | None, direction: str, clients: tuple[str, ...], only: str) -> None:
    """Play the scenarios of RocketMQ 4.9 with the official clients and print what holds."""
    with tempfile.TemporaryDirectory() as directory, ExitStack() as ends:
        try:
            place = Path(directory)
            if namesrv is not None:
                cluster = _running(namesrv)
            else:
                cluster = ends.enter_context(started_cluster(direction, place / "servers", **QUICK))
            troupe = ends.enter_context(Troupe(place / "clients"))
            outcomes = []
            for one in _play(cluster, troupe, clients or tuple(DRIVERS), only):
                outcomes.append(one)
                detail = " ".join(one.detail.split())
                click.echo(f"{MARKS[one.result]}  {one.seconds:6.2f} s  {one.name:76}  {detail[:600]}")
        except (MissingToolError, LookupError, OSError, RuntimeError) as error:
            sys.exit(str(error))
    count = {result: sum(one.result == result for one in outcomes) for result in MARKS}
    click.echo(f"{count['pass']} hold, {count['fail']} do not, {count['skip']} could not be told")
    sys.exit(1 if count["fail"] else 0)


def _running(namesrv: str) -> Cluster:
    try:
        return running_cluster(namesrv)
    except (OSError, ValueError) as error:
        raise LookupError(f"no name server at {namesrv}: {error}") from None


def _play(cluster: Cluster, troupe: Troupe, clients: tuple[str, ...], only: str) -> Iterator[Outcome]:
    for scenario in scenarios():
        if scenario.client not in clients or only not in scenario.name:
            continue
        try:
            client = troupe.client(scenario.client)
        except MissingToolError as error:
            yield Outcome(scenario.name, "skip", str(error), 0.0)
        else:
            yield outcome(scenario, cluster, client)


if __name__ == "__main__":
    main()
