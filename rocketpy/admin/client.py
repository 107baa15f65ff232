"""The questions that an administrator asks name servers and brokers (DefaultMQAdminExtImpl.java).

Plain synchronous code over `remoting.Client`. What Java keeps in hash tables comes in the order in which Java walks
through them, since mqadmin prints it so.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeVar

from rocketpy.admin.errors import BrokerError, ClientError, connect_failed, null_pointer, send_failed, timed_out
from rocketpy.errors import ConnectError, RemotingError, RemotingTimeout
from rocketpy.protocol.api import acl, broker, connection, group, kv, offset, pull, query, route, stats, topic
from rocketpy.protocol.api.route import BrokerData, ClusterInfo, MessageQueue, TopicRouteData
from rocketpy.protocol.body import Body
from rocketpy.protocol.codes import LanguageCode, ResponseCode
from rocketpy.protocol.command import Command
from rocketpy.protocol.header import Header
from rocketpy.protocol.java_hash import hash_map_order, hash_order, string_hash
from rocketpy.protocol.signature import Credentials, signer
from rocketpy.protocol.topic_names import retry_topic
from rocketpy.remoting.client import Client

if TYPE_CHECKING:
    import ssl

B = TypeVar("B", bound=Body)
H = TypeVar("H", bound=Header)
V = TypeVar("V")

TIMEOUT_MS = 5000
"""DefaultMQAdminExt.java:66."""

_BROKER_REFUSES: frozenset[type[Header]] = frozenset({
    acl.GetBrokerClusterAclInfo, broker.GetBrokerConfig, broker.UpdateBrokerConfig,
    connection.GetAllProducerInfo, connection.GetConsumerConnectionList, connection.GetProducerConnectionList,
    group.GetAllSubscriptionGroupConfig, group.QueryTopicConsumeByWho, offset.GetMaxOffset,
    offset.SearchOffsetByTimestamp, offset.UpdateConsumerOffset, pull.PullMessage, query.ViewMessageById,
    stats.GetBrokerRuntimeInfo, stats.GetConsumeStats, stats.GetTopicStatsInfo, topic.GetAllTopicConfig,
})  # fmt: skip
"""Requests whose refusal is an MQBrokerException, with the broker's address (MQClientAPIImpl.java)."""


class AdminClient:
    """Asks the name servers given, and brokers by address; to be closed in the end."""

    def __init__(
        self, namesrv: str | None, credentials: Credentials | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        """`namesrv` is a list of addresses, separated by semicolons.

        With `credentials` each request is signed, with `tls` all connections are encrypted.
        """
        self.namesrvs = None if namesrv is None else namesrv.split(";")
        self.credentials = credentials
        self._client = Client(sign=None if credentials is None else signer(credentials), tls=tls)
        self._chosen: str | None = None

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def ask(
        self,
        address: str,
        header: Header,
        body: bytes = b"",
        timeout_ms: float = TIMEOUT_MS,
        *,
        language: int = LanguageCode.JAVA,
    ) -> Command:
        """Ask one server. Raises JavaError when it cannot be reached or refuses."""
        answer = self.invoke(address, header, body, timeout_ms, language=language)
        if answer.code != ResponseCode.SUCCESS:
            if isinstance(header, route.GetBrokerClusterInfo):
                raise BrokerError(answer.code, answer.remark)
            if type(header) in _BROKER_REFUSES:
                raise BrokerError(answer.code, answer.remark, address)
            raise ClientError(answer.remark, answer.code)
        return answer

    def invoke(
        self,
        address: str,
        header: Header,
        body: bytes = b"",
        timeout_ms: float = TIMEOUT_MS,
        *,
        language: int = LanguageCode.JAVA,
    ) -> Command:
        """The answer, whatever its code. Raises JavaError when there is none."""
        try:
            return self._client.invoke(address, header, body, timeout_ms, language=language)
        except ConnectError as error:
            raise connect_failed(address) from error
        except RemotingTimeout as error:
            raise timed_out(address, timeout_ms) from error
        except RemotingError as error:
            raise send_failed(address) from error

    def fetch(self, address: str, header: Header, kind: type[B], timeout_ms: float = TIMEOUT_MS) -> B:
        """The body of what `ask` gives. Raises JavaError, also where Java runs into an answer without a body."""
        answer = self.ask(address, header, timeout_ms=timeout_ms)
        if not answer.body:
            raise null_pointer()
        return kind.from_json(answer.body)

    def ask_namesrv(self, header: Header) -> Command:
        """Ask the first name server that can be reached (NettyRemotingClient.getAndCreateNameserverChannel:424)."""
        return self.ask(self._namesrv(), header)

    def ask_namesrvs(self, header: Header) -> None:
        """Ask all name servers. Raises the last refusal, after all were asked."""
        refusal: ClientError | None = None
        for address in self.namesrvs or ():
            try:
                self.ask(address, header)
            except ClientError as error:
                refusal = error
        if refusal is not None:
            raise refusal

    def cluster_info(self) -> ClusterInfo:
        """All brokers and clusters (DefaultMQAdminExtImpl.examineBrokerClusterInfo:341)."""
        info = ClusterInfo.from_json(self.ask_namesrv(route.GetBrokerClusterInfo()).body)
        info.broker_addr_table = in_java_order(info.broker_addr_table)
        info.cluster_addr_table = {
            name: hash_map_order(names) for name, names in in_java_order(info.cluster_addr_table).items()
        }
        return info

    def route(self, name: str) -> TopicRouteData:
        """Where a topic is (examineTopicRouteInfo:348)."""
        return TopicRouteData.from_json(self.ask_namesrv(route.GetRouteInfo(topic=name)).body)

    def topics(self) -> list[str]:
        """All topics that have a route (fetchAllTopicList:264)."""
        answer = self.ask_namesrv(topic.GetAllTopicListFromNameserver())
        return hash_map_order(topic.TopicList.from_json(answer.body).topic_list)

    def kv_config(self, namespace: str, key: str) -> str | None:
        """A value that the name server keeps (getKVConfig:456)."""
        answer = self.ask_namesrv(kv.GetKVConfig(namespace=namespace, key=key))
        return kv.GetKVConfigReply.decode(answer.ext_fields).value

    def groups_of(self, name: str) -> list[str] | None:
        """The groups that consume a topic, asked of its first broker (queryTopicConsumeByWho:659)."""
        for data in self.route(name).broker_datas[:1]:
            header = group.QueryTopicConsumeByWho(topic=name)
            return hash_map_order(self.fetch(broker_address(data), header, group.GroupList).group_list)
        return None

    def consume_stats(self, name: str, of_topic: str | None = None) -> stats.ConsumeStats:
        """How far a group is at all brokers (examineConsumeStats:310)."""
        result = stats.ConsumeStats()
        for data in self.route(retry_topic(name)).broker_datas:
            header = stats.GetConsumeStats(consumer_group=name, topic=of_topic)
            part = self.fetch(broker_address(data), header, stats.ConsumeStats, TIMEOUT_MS * 3)
            result.offset_table |= part.offset_table
            result.consume_tps += part.consume_tps
        if not result.offset_table:
            raise ClientError(
                "Not found the consumer group consume stats, because return offset table is empty, "
                "maybe the consumer not consume any message",
                ResponseCode.CONSUMER_NOT_ONLINE,
            )
        return result

    def consumer_connection(self, name: str, address: str | None = None) -> connection.ConsumerConnection:
        """Who consumes for a group, at `address` or at a broker of its (examineConsumerConnectionInfo:384)."""
        if address is None:
            address = broker_address(self.route(retry_topic(name)).broker_datas[0])
        header = connection.GetConsumerConnectionList(consumer_group=name)
        found = self.fetch(address, header, connection.ConsumerConnection)
        if not found.connection_set:
            raise ClientError("Not found the consumer group connection", ResponseCode.CONSUMER_NOT_ONLINE)
        return found

    def running_info(self, name: str, client_id: str, jstack: bool) -> connection.ConsumerRunningInfo | None:
        """What a consumer tells about itself (getConsumerRunningInfo:805)."""
        for data in self.route(retry_topic(name)).broker_datas[:1]:
            header = connection.GetConsumerRunningInfo(consumer_group=name, client_id=client_id, jstack_enable=jstack)
            return self.fetch(broker_address(data), header, connection.ConsumerRunningInfo, TIMEOUT_MS * 3)
        return None

    def runtime_info(self, address: str) -> dict[str, str]:
        """A broker's figures (fetchBrokerRuntimeStats:288)."""
        return self.fetch(address, stats.GetBrokerRuntimeInfo(), kv.KVTable).table

    def _namesrv(self) -> str:
        if self._chosen is not None:
            return self._chosen
        if self.namesrvs is None:
            raise connect_failed(None)
        for address in self.namesrvs:
            try:
                self._client.connect(address)
            except RemotingError:
                continue
            self._chosen = address
            return address
        raise connect_failed(f"[{', '.join(self.namesrvs)}]")


def broker_address(data: BrokerData) -> str:
    """A broker's master, or else one of its slaves (BrokerData.selectBrokerAddr:62)."""
    return data.broker_addrs[min(data.broker_addrs)]


def in_java_order(table: dict[str, V]) -> dict[str, V]:
    """`table` as a java.util.HashMap that was filled from it walks through it."""
    return {name: table[name] for name in hash_map_order(table)}


def queues_in_java_order(queues: Iterable[MessageQueue], capacity: int = 16) -> list[MessageQueue]:
    """The same for queues as keys."""
    return hash_order(queues, queue_hash, capacity)


def queue_hash(queue: MessageQueue) -> int:
    """MessageQueue.hashCode:57, before it is cut to 32 bits."""
    return ((31 + string_hash(queue.broker_name)) * 31 + queue.queue_id) * 31 + string_hash(queue.topic)


def queue_rank(queue: MessageQueue) -> tuple[str, str, int]:
    """What MessageQueue.compareTo:97 goes by."""
    return queue.topic, queue.broker_name, queue.queue_id
