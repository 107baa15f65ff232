package main

import (
	"github.com/apache/rocketmq-client-go/v2/primitive"
)

type specification struct {
	Topic      string            `json:"topic"`
	Body       []byte            `json:"body"`
	Flag       int32             `json:"flag"`
	Tags       string            `json:"tags"`
	Keys       string            `json:"keys"`
	Properties map[string]string `json:"properties"`
	DelayLevel *int              `json:"delay_level"`
}

func (wanted specification) message() *primitive.Message {
	message := primitive.NewMessage(wanted.Topic, wanted.Body)
	message.Flag = wanted.Flag
	message.WithTag(wanted.Tags)
	message.WithProperty(primitive.PropertyKeys, wanted.Keys)
	if wanted.DelayLevel != nil {
		message.WithDelayTimeLevel(*wanted.DelayLevel)
	}
	for name, value := range wanted.Properties {
		message.WithProperty(name, value)
	}
	return message
}

type queue struct {
	Topic  string `json:"topic"`
	Broker string `json:"broker"`
	ID     int    `json:"id"`
}

type sent struct {
	Status      string `json:"status"`
	MsgID       string `json:"msg_id"`
	OffsetMsgID string `json:"offset_msg_id"`
	Queue       queue  `json:"queue"`
	QueueOffset int64  `json:"queue_offset"`
	Region      string `json:"region"`
	TraceOn     bool   `json:"trace_on"`
}

func showSent(result *primitive.SendResult) sent {
	status := map[primitive.SendStatus]string{
		primitive.SendOK:                "SEND_OK",
		primitive.SendFlushDiskTimeout:  "FLUSH_DISK_TIMEOUT",
		primitive.SendFlushSlaveTimeout: "FLUSH_SLAVE_TIMEOUT",
		primitive.SendSlaveNotAvailable: "SLAVE_NOT_AVAILABLE",
		primitive.SendUnknownError:      "UNKNOWN",
	}[result.Status]
	return sent{
		status, result.MsgID, result.OffsetMsgID, showQueue(result.MessageQueue), result.QueueOffset, result.RegionID,
		result.TraceOn,
	}
}

func showQueue(mq *primitive.MessageQueue) queue {
	return queue{mq.Topic, mq.BrokerName, mq.QueueId}
}

type stored struct {
	Topic                     string            `json:"topic"`
	Body                      []byte            `json:"body"`
	Properties                map[string]string `json:"properties"`
	Flag                      int32             `json:"flag"`
	SysFlag                   int32             `json:"sys_flag"`
	MsgID                     string            `json:"msg_id"`
	OffsetMsgID               string            `json:"offset_msg_id"`
	QueueID                   int               `json:"queue_id"`
	QueueOffset               int64             `json:"queue_offset"`
	PhysicalOffset            int64             `json:"physical_offset"`
	StoreSize                 int32             `json:"store_size"`
	BodyCRC                   int32             `json:"body_crc"`
	BornTimestamp             int64             `json:"born_timestamp"`
	BornHost                  string            `json:"born_host"`
	StoreTimestamp            int64             `json:"store_timestamp"`
	StoreHost                 string            `json:"store_host"`
	ReconsumeTimes            int32             `json:"reconsume_times"`
	PreparedTransactionOffset int64             `json:"prepared_transaction_offset"`
}

func showStored(message *primitive.MessageExt) stored {
	return stored{
		message.Topic, message.Body, message.GetProperties(), message.Flag, message.SysFlag, message.MsgId,
		message.OffsetMsgId, message.Queue.QueueId, message.QueueOffset, message.CommitLogOffset, message.StoreSize,
		message.BodyCRC, message.BornTimestamp, message.BornHost, message.StoreTimestamp, message.StoreHost,
		message.ReconsumeTimes, message.PreparedTransactionOffset,
	}
}
