// Our image with testcontainers-go: the name server and the broker in one container, on free ports.
// Prints what came back of the messages that it sent. ROCKETPY_IMAGE names the image.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
	"github.com/testcontainers/testcontainers-go"
	"github.com/testcontainers/testcontainers-go/wait"
)

// startRocketMQ gives the container, which the caller terminates, and the address of its name server.
func startRocketMQ(ctx context.Context, image string) (testcontainers.Container, string, error) {
	container, err := testcontainers.GenericContainer(ctx, testcontainers.GenericContainerRequest{
		ContainerRequest: testcontainers.ContainerRequest{
			Image:        image,
			ExposedPorts: []string{"9876/tcp", "10911/tcp"},
			WaitingFor: wait.ForAll(wait.ForListeningPort("9876/tcp"), wait.ForListeningPort("10911/tcp")).
				WithStartupTimeoutDefault(3 * time.Minute),
		},
		Started: true,
	})
	if err != nil {
		return container, "", err
	}
	host, err := container.Host(ctx)
	if err != nil {
		return container, "", err
	}
	if host == "localhost" {
		host = "127.0.0.1" // the Go client takes name servers by their numbers only
	}
	namesrv, err := container.MappedPort(ctx, "9876")
	if err != nil {
		return container, "", err
	}
	broker, err := container.MappedPort(ctx, "10911")
	if err != nil {
		return container, "", err
	}
	// the broker cannot know by which port it is reached
	outside := fmt.Sprintf("%s:%s", host, broker.Port())
	err = mqadmin(ctx, container, "updateBrokerConfig", "-b", "127.0.0.1:10911", "-k", "advertisedAddr", "-v", outside)
	return container, fmt.Sprintf("%s:%s", host, namesrv.Port()), err
}

func mqadmin(ctx context.Context, container testcontainers.Container, words ...string) error {
	status, output, err := container.Exec(ctx, append([]string{"mqadmin", "--strict"}, words...))
	if err == nil && status != 0 {
		text, _ := io.ReadAll(output)
		err = fmt.Errorf("mqadmin %s: %s", words[0], text)
	}
	return err
}

func main() {
	ctx := context.Background()
	container, namesrv, err := startRocketMQ(ctx, os.Getenv("ROCKETPY_IMAGE"))
	if container != nil {
		defer container.Terminate(ctx)
	}
	if err == nil {
		err = mqadmin(ctx, container, "updateTopic", "-b", "127.0.0.1:10911", "-t", "orders")
	}
	if err != nil {
		log.Panic(err)
	}

	p, err := rocketmq.NewProducer(
		producer.WithNameServer([]string{namesrv}), producer.WithGroupName("shop"),
		producer.WithSendMsgTimeout(time.Minute))
	if err == nil {
		err = p.Start()
	}
	if err != nil {
		log.Panic(err)
	}
	defer p.Shutdown()
	delayed := primitive.NewMessage("orders", []byte("later")).WithDelayTimeLevel(1)
	for _, message := range []*primitive.Message{primitive.NewMessage("orders", []byte("now")), delayed} {
		if _, err := p.SendSync(ctx, message); err != nil {
			log.Panic(err)
		}
	}

	received := make(chan string, 2)
	c, err := rocketmq.NewPushConsumer(
		consumer.WithNameServer([]string{namesrv}), consumer.WithGroupName("stock"),
		consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset))
	if err != nil {
		log.Panic(err)
	}
	err = c.Subscribe("orders", consumer.MessageSelector{},
		func(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
			for _, message := range messages {
				received <- string(message.Body)
			}
			return consumer.ConsumeSuccess, nil
		})
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		log.Panic(err)
	}
	defer c.Shutdown()
	for range make([]int, 2) {
		select {
		case body := <-received:
			fmt.Println(body)
		case <-time.After(60 * time.Second):
			log.Panic("no message came back")
		}
	}
}
