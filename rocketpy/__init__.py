"""Apache RocketMQ 4.9.8 as one small Python process: name server, broker and mqadmin.

Where to read, from the bytes upwards; each package's own docstring goes on from here:

- `disk`, `errors`, `jsonfile`: how files get onto the disk, what can go wrong, how config/*.json is kept; nothing below
  them (`faulty_disk` is a disk that fails, for tests); `clock` knows the time, for those above the store
- `protocol`: frames, commands, every request and reply, the record of the CommitLog: bytes to objects and back
- `config`: the configuration keys of Java's servers; `filter`: which messages a consumer wants
- `store`: messages on disk, without greenlets and without a clock; `inspection`: what is in a store's directory, and
  whether it holds together
- `remoting`: sockets and greenlets, without a subject
- `namesrv`, `broker`: the two servers, `NameServer` and `Broker`; `client`: producers and consumers
- `standalone`: both in one process, for a developer or a test
- `admin`: the commands of mqadmin; `compat_client`: the API of the C++ binding, upon `client`
- `testing`: both inside a test suite, with questions about what is in them, a clock to move and faults to inject;
  `testcontainers`: both in a container
- `cli`: the entry points `rocketpy`, `mqnamesrv`, `mqbroker`, `mqadmin`; `logfiles`: their logs in a container

Nobody imports what stands below in this list (tests/test_layers.py), and gevent begins with `remoting`. A message that
is sent comes in at `remoting.connection` and goes by `remoting.router`, `broker.processors.send` and `broker.appender`
into `store.message_store`; one that is pulled goes out by `broker.processors.pull`.
"""

__version__ = "0.1.0"
JAVA_VERSION = "4.9.8"
