"""The name server: which broker is where, and which topics it has.

- `app`: the server as a whole, `NameServer`
- `route_table`: brokers, clusters and topics; what is registered, and what is dropped when and why
- `kv`: texts by namespace and key, kept in kvConfig.json
- `broker_processor`, `route_processor`, `config_processor`: the requests of brokers, of clients and of operators
- `product_env`: with clusterTest, another environment's name servers, asked for topics unknown here
"""

from rocketpy.namesrv.app import NameServer

__all__ = ["NameServer"]
