"""The scenarios in every direction with servers in containers, and clients in containers of their own or outside.

ROCKETPY_CONTAINERS=all plays the whole table; without it there are those in which addresses and connections matter.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from interop.cluster import Cluster
from interop.driver import Driver
from interop.scenario import Scenario, scenarios
from interop.stage import NotApplicableError
from interop.troupe import Troupe

CHOSEN = {
    "administering.cluster_is_listed",
    "administering.consumer_progress_shows_the_lag",
    "beginning.broadcast_consumer_goes_on_where_it_was",
    "beginning.consumer_is_handed_a_message",
    "beginning.consumer_tells_of_itself",
    "consuming.broadcast_reaches_every_consumer",
    "consuming.two_consumers_share_the_queues",
    "consuming.waiting_consumer_gets_a_message_at_once",
    "delaying.delayed_message_comes_when_it_is_due",
    "filtering.expression_of_a_consumer_selects_messages",
    "grouping.members_are_told_of_each_other",
    "grouping.queues_of_who_dies_go_to_the_others",
    "ordering.messages_of_a_queue_come_in_order",
    "ordering.messages_of_one_key_come_in_order",
    "querying.message_is_found_by_its_ids",
    "querying.messages_are_found_by_key",
    "requesting.request_is_answered",
    "restarting.messages_outlive_a_restart",
    "restarting.open_transactions_outlive_a_kill",
    "retrying.failed_message_comes_again",
    "sending.batch_becomes_single_messages",
    "sending.body_of_four_megabytes_comes_back",
    "sending.messages_sent_synchronously_come_back",
    "sending.unknown_topic_is_created_by_sending",
    "sending.vip_channel_takes_messages",
    "tracing.send_and_delivery_are_traced",
    "transacting.open_transaction_is_asked_about_and_committed",
}
OUTSIDE = {"java-binary"}
"""Clients that are processes of this machine, as a program on a laptop whose broker is in a container."""


def _is_played(scenario: Scenario) -> bool:
    return os.environ.get("ROCKETPY_CONTAINERS") == "all" or scenario.name.partition("[")[0] in CHOSEN


@pytest.mark.parametrize("scenario", [pytest.param(one, id=one.name) for one in scenarios() if _is_played(one)])
def test_scenario_holds_between_containers(
    container_cluster: Cluster, scenario: Scenario, contained: Callable[[str], Driver], troupe: Troupe
) -> None:
    client = troupe.client(scenario.client) if scenario.client in OUTSIDE else contained(scenario.client)
    try:
        scenario.play(container_cluster, client)
    except NotApplicableError as reason:
        pytest.skip(str(reason))


def test_every_chosen_scenario_exists() -> None:
    assert not CHOSEN - {one.name.partition("[")[0] for one in scenarios()}
