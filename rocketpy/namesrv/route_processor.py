"""What clients and tools ask: where a topic is, and which topics, brokers and clusters there are."""

from __future__ import annotations

from collections.abc import Callable

from rocketpy.config.namesrv import NamesrvConfig
from rocketpy.errors import ReplyError
from rocketpy.namesrv.insiders import Insiders
from rocketpy.namesrv.kv import ORDER_TOPIC_CONFIG, KVConfigTable
from rocketpy.namesrv.route_table import RouteTable
from rocketpy.protocol.api.route import GetBrokerClusterInfo, GetRouteInfo, TopicRouteData
from rocketpy.protocol.api.topic import (
    DeleteTopicInNamesrv,
    GetAllTopicListFromNameserver,
    GetHasUnitSubTopicList,
    GetHasUnitSubUnunitTopicList,
    GetSystemTopicListFromNamesrv,
    GetTopicsByCluster,
    GetUnitTopicList,
)
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.command import Command, Reply
from rocketpy.protocol.remarks import SEE_FAQ
from rocketpy.protocol.version import Version
from rocketpy.remoting.connection import Connection
from rocketpy.remoting.router import handles


class RouteProcessor:
    """Answers from the route table. What was encoded is kept until the table changes."""

    def __init__(self, config: NamesrvConfig, routes: RouteTable, kv: KVConfigTable, insiders: Insiders) -> None:
        self._config = config
        self._routes = routes
        self._kv = kv
        self._insiders = insiders
        self._encoded: dict[tuple[object, ...], bytes] = {}
        self._encoded_at = routes.changes

    @handles(GetRouteInfo)
    def get_route(self, peer: Connection, request: GetRouteInfo, command: Command) -> Reply:
        """The route of a topic, in standard JSON for clients that read it."""
        standard = command.version >= Version.V4_9_4 or bool(request.accept_standard_json_only)
        outside = self._is_outside(peer)

        def encode() -> bytes:
            route = self._routes.route(request.topic, outside=outside)
            if route is None:
                raise self._no_route(command)
            if self._config.order_message_enable:
                route = self._with_order(route, request.topic)
            return route.to_json(standard=standard)

        if self._config.order_message_enable:  # the order may change without the table
            return Reply(body=encode())
        return self._reply((GetRouteInfo, request.topic, standard, outside), encode)

    def _is_outside(self, peer: Connection) -> bool:
        """Whether the addresses for clients from outside are for `peer`, if there are any."""
        return self._routes.tells_apart and peer not in self._insiders

    def _no_route(self, command: Command) -> ReplyError:
        topic = (command.ext_fields or {}).get("topic", "null")
        remark = f"No topic route info in name server for the topic: {topic}{SEE_FAQ}"
        return ReplyError(ResponseCode.TOPIC_NOT_EXIST, remark)

    def _with_order(self, route: TopicRouteData, topic: str) -> TopicRouteData:
        route.order_topic_conf = self._kv.get(ORDER_TOPIC_CONFIG, topic)
        return route

    def _reply(self, key: tuple[object, ...], encode: Callable[[], bytes]) -> Reply:
        """What `encode` gives, or gave since the table changed last."""
        if self._encoded_at != self._routes.changes:
            self._encoded_at = self._routes.changes
            self._encoded.clear()
        body = self._encoded.get(key)
        if body is None:
            body = self._encoded[key] = encode()
        return Reply(body=body)

    @handles(GetBrokerClusterInfo)
    def get_cluster_info(self, peer: Connection, request: GetBrokerClusterInfo, command: Command) -> Reply:
        """All brokers and clusters, with bare broker ids whoever asks."""
        outside = self._is_outside(peer)
        return self._reply(
            (GetBrokerClusterInfo, outside), lambda: self._routes.cluster_info(outside=outside).to_json()
        )

    @handles(GetAllTopicListFromNameserver)
    def get_topics(self, peer: Connection, request: GetAllTopicListFromNameserver, command: Command) -> Reply:
        """All topics."""
        return self._reply((GetAllTopicListFromNameserver,), lambda: self._routes.topics().to_json())

    @handles(GetTopicsByCluster)
    def get_topics_of_cluster(self, peer: Connection, request: GetTopicsByCluster, command: Command) -> Reply:
        """The topics of a cluster, none if there is no such cluster."""
        topics = self._routes.topics_of_cluster(request.cluster)
        return Reply(body=topics.to_json())

    @handles(GetSystemTopicListFromNamesrv)
    def get_system_topics(self, peer: Connection, request: GetSystemTopicListFromNamesrv, command: Command) -> Reply:
        """The topics named as clusters and brokers."""
        return Reply(body=self._routes.system_topics(outside=self._is_outside(peer)).to_json())

    @handles(GetUnitTopicList)
    def get_unit_topics(self, peer: Connection, request: GetUnitTopicList, command: Command) -> Reply:
        """Topics with the UNIT flag."""
        return Reply(body=self._routes.unit_topics().to_json())

    @handles(GetHasUnitSubTopicList)
    def get_unit_sub_topics(self, peer: Connection, request: GetHasUnitSubTopicList, command: Command) -> Reply:
        """Topics with the UNIT_SUB flag."""
        return Reply(body=self._routes.unit_sub_topics().to_json())

    @handles(GetHasUnitSubUnunitTopicList)
    def get_unit_sub_ununit_topics(
        self, peer: Connection, request: GetHasUnitSubUnunitTopicList, command: Command
    ) -> Reply:
        """Topics with UNIT_SUB and without UNIT."""
        return Reply(body=self._routes.unit_sub_ununit_topics().to_json())

    @handles(DeleteTopicInNamesrv)
    def delete_topic(self, peer: Connection, request: DeleteTopicInNamesrv, command: Command) -> Reply:
        """Forgets a topic; whether there was one is all the same."""
        self._routes.delete_topic(request.topic, request.cluster_name)
        return Reply()
