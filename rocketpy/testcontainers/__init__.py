"""RocketMQ in a container, for tests: a module for testcontainers (the extra `rocketpy-mq[testcontainers]`).

    from rocketpy.client import Message, Producer
    from rocketpy.testcontainers import RocketMQContainer

    with RocketMQContainer().with_topics("orders") as rocketmq:
        with Producer("shop", namesrv=rocketmq.get_namesrv_address()) as producer:
            producer.send(Message("orders", b"one"))

`container` is what is started, and how; `probe` asks the servers in it until clients can work with them, and tells the
broker which address it has on the outside.

Testcontainers of other languages start our image by what they have: expose both ports, and once these are mapped tell
the broker the one by which it is reached. In Java, with org.testcontainers:testcontainers:

    class RocketMQContainer extends GenericContainer<RocketMQContainer> {
        RocketMQContainer(String image) {
            super(DockerImageName.parse(image));
            withExposedPorts(9876, 10911);
            withStartupTimeout(Duration.ofMinutes(3));
        }
        @Override
        protected void containerIsStarted(InspectContainerResponse info) {
            String outside = getHost() + ":" + getMappedPort(10911);
            mqadmin("updateBrokerConfig", "-b", "127.0.0.1:10911", "-k", "advertisedAddr", "-v", outside);
        }
        void createTopic(String name) {
            mqadmin("updateTopic", "-b", "127.0.0.1:10911", "-t", name);
        }

where `mqadmin` is `execInContainer` of these words. In Go, with github.com/testcontainers/testcontainers-go:

    container, err := testcontainers.GenericContainer(ctx, testcontainers.GenericContainerRequest{
        ContainerRequest: testcontainers.ContainerRequest{
            Image:        image,
            ExposedPorts: []string{"9876/tcp", "10911/tcp"},
            WaitingFor: wait.ForAll(wait.ForListeningPort("9876/tcp"), wait.ForListeningPort("10911/tcp")).
                WithStartupTimeoutDefault(3 * time.Minute),
        },
        Started: true,
    })
    broker, err := container.MappedPort(ctx, "10911")
    outside := fmt.Sprintf("%s:%s", host, broker.Port())
    err = mqadmin(ctx, container, "updateBrokerConfig", "-b", "127.0.0.1:10911", "-k", "advertisedAddr", "-v", outside)

where `mqadmin` is `container.Exec`. The whole programs are interop/recipes/java and interop/recipes/go.
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
