"""Who is connected (AdminBrokerProcessor.java:810-890)."""

from __future__ import annotations

from rocketpy.broker.consumers import ConsumerTable
from rocketpy.broker.producers import ClientConnection, ProducerTable
from rocketpy.errors import ReplyError
from rocketpy.protocol.api import connection as api
from rocketpy.protocol.codes import LanguageCode, ResponseCode
from rocketpy.protocol.command import Command, Reply
from rocketpy.remoting.connection import Connection
from rocketpy.remoting.router import handles


class ConnectionProcessor:
    """Lists the clients of groups."""

    def __init__(self, producers: ProducerTable, consumers: ConsumerTable) -> None:
        self._producers = producers
        self._consumers = consumers

    @handles(api.GetConsumerConnectionList)
    def list_consumers(self, peer: Connection, request: api.GetConsumerConnectionList, command: Command) -> Reply:
        """The members of a consumer group and what it subscribes to."""
        group = self._consumers.get(request.consumer_group)
        if group is None:
            raise ReplyError(
                ResponseCode.CONSUMER_NOT_ONLINE, f"the consumer group[{request.consumer_group}] not online"
            )
        body = api.ConsumerConnection(
            connection_set=[_connection(client) for client in group.members.values()],
            subscription_table=group.subscriptions,
            consume_type=group.consume_type,
            message_model=group.message_model,
            consume_from_where=group.consume_from_where,
        )
        return Reply(body=body.to_json())

    @handles(api.GetProducerConnectionList)
    def list_producers(self, peer: Connection, request: api.GetProducerConnectionList, command: Command) -> Reply:
        """The members of a producer group."""
        members = self._producers.members(request.producer_group)
        if members is None:
            raise ReplyError(ResponseCode.SYSTEM_ERROR, f"the producer group[{request.producer_group}] not exist")
        body = api.ProducerConnection(connection_set=[_connection(client) for client in members])
        return Reply(body=body.to_json())

    @handles(api.GetAllProducerInfo)
    def list_all_producers(self, peer: Connection, request: api.GetAllProducerInfo, command: Command) -> Reply:
        """The members of every producer group."""
        data = {
            group: [_producer_info(client) for client in members]
            for group, members in self._producers.all_members().items()
        }
        return Reply(body=api.ProducerTableInfo(data=data).to_json())


def _connection(client: ClientConnection) -> api.Connection:
    return api.Connection(
        client_id=client.client_id,
        client_addr=client.peer.remote_address,
        language=LanguageCode(client.language).name,
        version=client.version,
    )


def _producer_info(client: ClientConnection) -> api.ProducerInfo:
    return api.ProducerInfo(
        client_id=client.client_id,
        remote_ip=f"/{client.peer.remote_address}",  # Java prints its InetSocketAddress
        language=LanguageCode(client.language).name,
        version=client.version,
        last_update_timestamp=client.last_update,
    )
