package main

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
)

var inboxes sync.Map // of *inbox, by name

// inbox holds what a push consumer got, in the order of arrival. A message says itself what becomes of it: it fails as
// often as its property "fail" says, and asks for "level" as the delay after which it comes again.
type inbox struct {
	consumer rocketmq.PushConsumer
	orderly  bool
	mutex    sync.Mutex
	messages []stored
	arrived  chan struct{}
}

func (box *inbox) add(ctx context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
	box.mutex.Lock()
	defer box.mutex.Unlock()
	for _, message := range messages {
		box.messages = append(box.messages, showStored(message))
	}
	select {
	case box.arrived <- struct{}{}:
	default:
	}
	return box.result(ctx, messages[0]), nil
}

func (box *inbox) result(ctx context.Context, message *primitive.MessageExt) consumer.ConsumeResult {
	times, _ := strconv.Atoi(message.GetProperty("fail"))
	if int(message.ReconsumeTimes) >= times {
		return consumer.ConsumeSuccess
	}
	if box.orderly {
		return consumer.SuspendCurrentQueueAMoment
	}
	if level, err := strconv.Atoi(message.GetProperty("level")); err == nil {
		if concurrently, ok := primitive.GetConcurrentlyCtx(ctx); ok {
			concurrently.DelayLevelWhenNextConsume = level
		}
	}
	return consumer.ConsumeRetryLater
}

func (box *inbox) snapshot() []stored {
	box.mutex.Lock()
	defer box.mutex.Unlock()
	return append([]stored{}, box.messages...)
}

func startConsumer(asked request) (any, error) {
	model := consumer.Clustering
	if asked.Broadcast {
		model = consumer.BroadCasting
	}
	options := []consumer.Option{
		consumer.WithNsResolver(primitive.NewPassthroughResolver([]string{asked.Namesrv})),
		consumer.WithGroupName(asked.Group),
		consumer.WithInstance(asked.Name),
		consumer.WithConsumerModel(model),
		consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset),
		consumer.WithConsumerOrder(asked.Orderly),
		consumer.WithSuspendCurrentQueueTimeMillis(100 * time.Millisecond),
		consumer.WithNamespace(asked.Namespace),
	}
	if asked.MaxTimes != nil {
		options = append(options, consumer.WithMaxReconsumeTimes(*asked.MaxTimes))
	}
	started, err := rocketmq.NewPushConsumer(options...)
	if err != nil {
		return nil, err
	}
	box := &inbox{consumer: started, orderly: asked.Orderly, arrived: make(chan struct{}, 1)}
	selector := consumer.MessageSelector{Type: consumer.TAG, Expression: asked.Expression}
	if asked.SQL {
		selector.Type = consumer.SQL92
	}
	if err := started.Subscribe(asked.Topic, selector, box.add); err != nil {
		return nil, err
	}
	inboxes.Store(asked.Name, box)
	return nil, started.Start()
}

func stopConsumer(asked request) (any, error) {
	box, _ := inboxes.LoadAndDelete(asked.Name)
	return nil, box.(*inbox).consumer.Shutdown()
}

// What is there once there are "count" messages, or after "timeout" ms.
func received(asked request) (any, error) {
	found, _ := inboxes.Load(asked.Name)
	box := found.(*inbox)
	deadline := time.After(time.Duration(asked.Timeout) * time.Millisecond)
	for {
		if messages := box.snapshot(); len(messages) >= asked.Count {
			return messages, nil
		}
		select {
		case <-box.arrived:
		case <-deadline:
			return box.snapshot(), nil
		}
	}
}
