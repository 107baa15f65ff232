package main

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
)

// What a load came to.
type outcome struct {
	Messages int     `json:"messages"`
	Seconds  float64 `json:"seconds"`
}

// Sends for some time, each message after the last or several in flight.
func benchSend(asked request) (any, error) {
	found, _ := producers.Load(asked.Group)
	sending := found.(rocketmq.Producer)
	body := make([]byte, asked.Size)
	begun := time.Now()
	until := begun.Add(time.Duration(asked.Milliseconds) * time.Millisecond)
	sent := 0
	if asked.InFlight == 1 {
		for ; time.Now().Before(until); sent++ {
			if _, err := sending.SendSync(context.Background(), primitive.NewMessage(asked.Topic, body)); err != nil {
				return nil, err
			}
		}
		return outcome{sent, time.Since(begun).Seconds()}, nil
	}
	free := make(chan struct{}, asked.InFlight)
	var failed int64
	settled := func(_ context.Context, _ *primitive.SendResult, err error) {
		if err != nil {
			atomic.AddInt64(&failed, 1)
		}
		<-free
	}
	for ; time.Now().Before(until); sent++ {
		free <- struct{}{}
		if err := sending.SendAsync(context.Background(), settled, primitive.NewMessage(asked.Topic, body)); err != nil {
			return nil, err
		}
	}
	for slot := 0; slot < asked.InFlight; slot++ {
		free <- struct{}{}
	}
	return outcome{sent - int(failed), time.Since(begun).Seconds()}, nil
}

// Consumes a backlog of "count" messages; the seconds are those from the first to the last.
func benchConsume(asked request) (any, error) {
	started, err := rocketmq.NewPushConsumer(
		consumer.WithNsResolver(primitive.NewPassthroughResolver([]string{asked.Namesrv})),
		consumer.WithGroupName(asked.Group),
		consumer.WithInstance(asked.Group),
		consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset),
	)
	if err != nil {
		return nil, err
	}
	var got, first int64
	all := make(chan struct{})
	listener := func(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		now := atomic.AddInt64(&got, int64(len(messages)))
		if now == int64(len(messages)) {
			atomic.StoreInt64(&first, time.Now().UnixNano())
		}
		if now >= int64(asked.Count) && now-int64(len(messages)) < int64(asked.Count) {
			close(all)
		}
		return consumer.ConsumeSuccess, nil
	}
	if err := started.Subscribe(asked.Topic, consumer.MessageSelector{Type: consumer.TAG, Expression: "*"}, listener); err != nil {
		return nil, err
	}
	if err := started.Start(); err != nil {
		return nil, err
	}
	defer started.Shutdown()
	select {
	case <-all:
	case <-time.After(time.Duration(asked.Timeout) * time.Millisecond):
	}
	return outcome{int(atomic.LoadInt64(&got)), float64(time.Now().UnixNano()-atomic.LoadInt64(&first)) / 1e9}, nil
}
