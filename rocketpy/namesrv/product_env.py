"""With clusterTest=true: routes of topics that are unknown here come from another environment's name servers."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator

from rocketpy.config.namesrv import NamesrvConfig
from rocketpy.errors import ReplyError, RocketpyError
from rocketpy.namesrv.insiders import Insiders
from rocketpy.namesrv.kv import KVConfigTable
from rocketpy.namesrv.route_processor import RouteProcessor
from rocketpy.namesrv.route_table import RouteTable
from rocketpy.protocol.api.route import GetRouteInfo, TopicRouteData
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.command import Command, Reply
from rocketpy.remoting.address_server import fetch_namesrv_addr
from rocketpy.remoting.client import Client
from rocketpy.remoting.connection import Connection
from rocketpy.remoting.off_hub import off_hub
from rocketpy.remoting.router import handles

_TIMEOUT_MS = 5000
_log = logging.getLogger("rocketpy.namesrv")


class ProductEnv:
    """The name servers of the environment `name`: those of $NAMESRV_ADDR, or those that the address server gives."""

    def __init__(self, name: str, client: Client, fetch: Callable[[str], str] | None = None) -> None:
        self._name = name
        self._client = client
        self._fetch = _fetch if fetch is None else fetch

    def route(self, topic: str) -> TopicRouteData | None:
        """The route of `topic` there; None, and a line in the log, if nobody there knows or answers."""
        try:
            for answer in self._answers(topic):
                if answer.code == ResponseCode.SUCCESS:
                    return TopicRouteData.from_json(answer.body)
                raise ReplyError(answer.code, answer.remark)
        except RocketpyError as error:
            _log.info("no route of %s from the environment %s: %s", topic, self._name, error)
        return None

    def _answers(self, topic: str) -> Iterator[Command]:
        """The answers of the name servers, those that are down left out."""
        addresses = os.environ.get("NAMESRV_ADDR") or self._fetch(self._name)
        for address in addresses.split(";"):
            try:
                yield self._client.invoke(address, GetRouteInfo(topic=topic), timeout_ms=_TIMEOUT_MS)
            except RocketpyError as error:
                _log.info("%s", error)


class ProductRouteProcessor(RouteProcessor):
    """Asks the other environment for what the table does not have (ClusterTestRequestProcessor:54-88)."""

    def __init__(
        self, config: NamesrvConfig, routes: RouteTable, kv: KVConfigTable, insiders: Insiders, env: ProductEnv
    ) -> None:
        super().__init__(config, routes, kv, insiders)
        self._env = env

    @handles(GetRouteInfo, spawn=True)
    def get_route(self, peer: Connection, request: GetRouteInfo, command: Command) -> Reply:
        """The route here, always with the order, else the one there; never in standard JSON."""
        route = self._routes.route(request.topic, outside=self._is_outside(peer))
        if route is not None:
            return Reply(body=self._with_order(route, request.topic).to_json())
        route = self._env.route(request.topic)
        if route is None:
            raise self._no_route(command)
        return Reply(body=route.to_json())


def _fetch(unit: str) -> str:
    return off_hub(lambda: fetch_namesrv_addr(unit=unit))
