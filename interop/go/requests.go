package main

import (
	"context"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
)

var repliers sync.Map // of *replier, by name

// replier answers requests: "re: " and the body, unless the property "silent" is there.
type replier struct {
	consumer rocketmq.PushConsumer
	producer rocketmq.Producer
}

func requestReply(asked request) (any, error) {
	found, _ := producers.Load(asked.Group)
	timeout := time.Duration(asked.Timeout) * time.Millisecond
	reply, err := found.(rocketmq.Producer).Request(context.Background(), timeout, asked.Messages[0].message())
	if err != nil {
		return nil, err
	}
	return map[string]any{"body": reply.Body, "properties": reply.GetProperties()}, nil
}

func startReplier(asked request) (any, error) {
	resolver := primitive.NewPassthroughResolver([]string{asked.Namesrv})
	answering, err := rocketmq.NewProducer(
		producer.WithNsResolver(resolver),
		producer.WithGroupName(asked.Group+"_replies"),
		producer.WithInstanceName(asked.Name+"_replies"),
	)
	if err != nil {
		return nil, err
	}
	if err := answering.Start(); err != nil {
		return nil, err
	}
	listening, err := rocketmq.NewPushConsumer(
		consumer.WithNsResolver(resolver),
		consumer.WithGroupName(asked.Group),
		consumer.WithInstance(asked.Name),
	)
	if err != nil {
		return nil, err
	}
	started := &replier{listening, answering}
	if err := listening.Subscribe(asked.Topic, consumer.MessageSelector{}, started.reply); err != nil {
		return nil, err
	}
	repliers.Store(asked.Name, started)
	return nil, listening.Start()
}

func (one *replier) reply(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
	for _, message := range messages {
		if message.GetProperty("silent") != "" {
			continue
		}
		reply, err := consumer.CreateReplyMessage(message, nil)
		if err != nil {
			return consumer.ConsumeRetryLater, err
		}
		reply.Body = append([]byte("re: "), message.Body...) // which CreateReplyMessage takes for properties
		if _, err := one.producer.SendSync(context.Background(), reply); err != nil {
			return consumer.ConsumeRetryLater, err
		}
	}
	return consumer.ConsumeSuccess, nil
}

func stopReplier(asked request) (any, error) {
	found, _ := repliers.LoadAndDelete(asked.Name)
	stopped := found.(*replier)
	if err := stopped.consumer.Shutdown(); err != nil {
		return nil, err
	}
	return nil, stopped.producer.Shutdown()
}
