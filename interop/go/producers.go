package main

import (
	"context"
	"sync"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/admin"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
)

var producers sync.Map // of rocketmq.Producer, by group

func createTopic(asked request) (any, error) {
	asking, err := admin.NewAdmin(admin.WithResolver(primitive.NewPassthroughResolver([]string{asked.Namesrv})))
	if err != nil {
		return nil, err
	}
	defer asking.Close()
	return nil, asking.CreateTopic(
		context.Background(),
		admin.WithTopicCreate(asked.Topic),
		admin.WithBrokerAddrCreate(asked.Broker),
		admin.WithReadQueueNums(asked.Queues),
		admin.WithWriteQueueNums(asked.Queues),
	)
}

// What the client makes of the route that the name server answers.
func publishQueues(asked request) (any, error) {
	asking, err := admin.NewAdmin(admin.WithResolver(primitive.NewPassthroughResolver([]string{asked.Namesrv})))
	if err != nil {
		return nil, err
	}
	defer asking.Close()
	found, err := asking.FetchPublishMessageQueues(context.Background(), asked.Topic)
	queues := []queue{}
	for _, one := range found {
		queues = append(queues, showQueue(one))
	}
	return queues, err
}

func startProducer(asked request) (any, error) {
	started, err := rocketmq.NewProducer(
		producer.WithNsResolver(primitive.NewPassthroughResolver([]string{asked.Namesrv})),
		producer.WithGroupName(asked.Group),
		producer.WithInstanceName(asked.Group),
		producer.WithNamespace(asked.Namespace),
	)
	if err != nil {
		return nil, err
	}
	producers.Store(asked.Group, started)
	return nil, started.Start()
}

func stopProducer(asked request) (any, error) {
	stopped, _ := producers.LoadAndDelete(asked.Group)
	return nil, stopped.(rocketmq.Producer).Shutdown()
}

func send(asked request) (any, error) {
	found, _ := producers.Load(asked.Group)
	sending := found.(rocketmq.Producer)
	var messages []*primitive.Message
	for _, wanted := range asked.Messages {
		messages = append(messages, wanted.message())
	}
	switch asked.How {
	case "batch":
		result, err := sending.SendSync(context.Background(), messages...)
		if err != nil {
			return nil, err
		}
		return []sent{showSent(result)}, nil
	case "async":
		return sendAsync(sending, messages)
	}
	results := []any{}
	for _, message := range messages {
		if asked.How == "oneway" {
			if err := sending.SendOneWay(context.Background(), message); err != nil {
				return nil, err
			}
			results = append(results, struct{}{})
			continue
		}
		result, err := sending.SendSync(context.Background(), message)
		if err != nil {
			return nil, err
		}
		results = append(results, showSent(result))
	}
	return results, nil
}

func sendAsync(sending rocketmq.Producer, messages []*primitive.Message) (any, error) {
	results := make([]sent, len(messages))
	failures := make(chan error, len(messages))
	for i, message := range messages {
		i := i
		err := sending.SendAsync(context.Background(), func(_ context.Context, result *primitive.SendResult, err error) {
			if err == nil {
				results[i] = showSent(result)
			}
			failures <- err
		}, message)
		if err != nil {
			return nil, err
		}
	}
	for range messages {
		if err := <-failures; err != nil {
			return nil, err
		}
	}
	return results, nil
}
