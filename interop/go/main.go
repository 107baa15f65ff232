// The official Go client under remote control, in the same lines as the Java driver: a JSON object on stdin asks,
// one on stdout answers, in any order.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sync"

	"github.com/apache/rocketmq-client-go/v2/rlog"
)

type request struct {
	ID         int             `json:"id"`
	Verb       string          `json:"verb"`
	Namesrv    string          `json:"namesrv"`
	Group      string          `json:"group"`
	Name       string          `json:"name"`
	Topic      string          `json:"topic"`
	Expression string          `json:"expression"`
	Broadcast  bool            `json:"broadcast"`
	Orderly    bool            `json:"orderly"`
	SQL        bool            `json:"sql"`
	MaxTimes   *int32          `json:"max_reconsume_times"`
	Namespace  string          `json:"namespace"`
	Broker     string          `json:"broker"`
	Queues     int             `json:"queues"`
	How        string          `json:"how"`
	Messages   []specification `json:"messages"`
	Count      int             `json:"count"`
	Timeout    int             `json:"timeout"`

	Size         int `json:"size"`
	InFlight     int `json:"in_flight"`
	Milliseconds int `json:"milliseconds"`
}

type failure struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

type answer struct {
	ID    int      `json:"id"`
	OK    any      `json:"ok"`
	Error *failure `json:"error,omitempty"`
}

var verbs = map[string]func(request) (any, error){
	"create_topic":   createTopic,
	"publish_queues": publishQueues,
	"start_producer": startProducer,
	"stop_producer":  stopProducer,
	"send":           send,
	"start_consumer": startConsumer,
	"stop_consumer":  stopConsumer,
	"received":       received,
	"request":        requestReply,
	"start_replier":  startReplier,
	"stop_replier":   stopReplier,
	"bench_send":     benchSend,
	"bench_consume":  benchConsume,
}

func main() {
	rlog.SetLogLevel("warn")
	var writing sync.Mutex
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var asked request
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		go func() {
			line, err := json.Marshal(run(asked))
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			writing.Lock()
			defer writing.Unlock()
			os.Stdout.Write(append(line, '\n'))
		}()
	}
}

func run(asked request) answer {
	verb, known := verbs[asked.Verb]
	if !known {
		return answer{ID: asked.ID, Error: &failure{"unknown verb", asked.Verb}}
	}
	result, err := verb(asked)
	if err != nil {
		return answer{ID: asked.ID, Error: &failure{fmt.Sprintf("%T", err), err.Error()}}
	}
	return answer{ID: asked.ID, OK: result}
}
