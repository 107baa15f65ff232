"""The configuration keys of RocketMQ 4.9.8, each declared once.

- `key`: how a key is declared, read from text and written as text
- `properties`: the syntax of `.properties` and `.conf` files
- `broker`, `store`, `remoting`, `namesrv`: the keys themselves, one class for each of Java's
- `live`: the configuration of a running server, which GET_..._CONFIG prints and UPDATE_..._CONFIG changes
- `address`: the automatic choice of brokerIP1
- `startup`: what a server does with its file before it starts
- `reference`: the commented lists of all keys under conf/
"""
