"""RocketMQ in a container, for tests: a module for testcontainers (the extra `rocketpy-mq[testcontainers]`).

    from rocketpy.client import Message, Producer
    from rocketpy.testcontainers import RocketMQContainer

    with RocketMQContainer().with_topics("orders") as rocketmq:
        with Producer("shop", namesrv=rocketmq.get_namesrv_address()) as producer:
            producer.send(Message("orders", b"one"))

`container` is what is started, and how; `probe` asks the servers in it until clients can work with them, and tells the
broker which address it has on the outside.
"""

try:
    from rocketpy.testcontainers.container import RocketMQContainer
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"rocketpy.testcontainers takes a package that is not installed ({error.name}): "
        "pip install 'rocketpy-mq[testcontainers]'",
        name=error.name,
    ) from error

__all__ = ["RocketMQContainer"]
