import com.github.dockerjava.api.command.InspectContainerResponse;
import java.io.IOException;
import java.time.Duration;
import java.util.stream.Stream;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.utility.DockerImageName;

/** Our image with Testcontainers for Java: the name server and the broker in one container, on free ports. */
class RocketMQContainer extends GenericContainer<RocketMQContainer> {
    RocketMQContainer(String image) {
        super(DockerImageName.parse(image));
        withExposedPorts(9876, 10911);
        withStartupTimeout(Duration.ofMinutes(3));
    }

    /** The broker cannot know by which port it is reached. */
    @Override
    protected void containerIsStarted(InspectContainerResponse info) {
        String outside = getHost() + ":" + getMappedPort(10911);
        mqadmin("updateBrokerConfig", "-b", "127.0.0.1:10911", "-k", "advertisedAddr", "-v", outside);
    }

    void createTopic(String name) {
        mqadmin("updateTopic", "-b", "127.0.0.1:10911", "-t", name);
    }

    private void mqadmin(String... words) {
        String[] command = Stream.concat(Stream.of("mqadmin", "--strict"), Stream.of(words)).toArray(String[]::new);
        try {
            ExecResult done = execInContainer(command);
            if (done.getExitCode() != 0) {
                throw new IllegalStateException(done.getStderr());
            }
        } catch (IOException | InterruptedException error) {
            throw new IllegalStateException(error);
        }
    }

    String getNamesrvAddress() {
        return getHost() + ":" + getMappedPort(9876);
    }
}
