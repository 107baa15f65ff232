import com.alibaba.fastjson.JSONObject;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;

/** Loads to measure the client with: sends for some seconds, and the consumption of a backlog. */
final class Bench {
    private final Producers producers;

    Bench(Producers producers) {
        this.producers = producers;
    }

    void register(Map<String, Driver.Verb> verbs) {
        verbs.put("bench_send", this::send);
        verbs.put("bench_consume", Bench::consume);
    }

    private Object send(JSONObject request) throws Exception {
        DefaultMQProducer producer = producers.get(request);
        String topic = request.getString("topic");
        byte[] body = new byte[request.getIntValue("size")];
        int inFlight = request.getIntValue("in_flight");
        long begun = System.nanoTime();
        long until = begun + request.getIntValue("milliseconds") * 1_000_000L;
        int sent = 0;
        if (inFlight == 1) {
            for (; System.nanoTime() < until; sent++) {
                producer.send(new Message(topic, body));
            }
            return outcome(sent, begun, System.nanoTime());
        }
        Semaphore free = new Semaphore(inFlight);
        AtomicInteger failed = new AtomicInteger();
        SendCallback callback = new SendCallback() {
            @Override
            public void onSuccess(SendResult result) {
                free.release();
            }

            @Override
            public void onException(Throwable error) {
                failed.incrementAndGet();
                free.release();
            }
        };
        for (; System.nanoTime() < until; sent++) {
            free.acquire();
            producer.send(new Message(topic, body), callback);
        }
        free.acquire(inFlight);
        return outcome(sent - failed.get(), begun, System.nanoTime());
    }

    private static Object consume(JSONObject request) throws Exception {
        int count = request.getIntValue("count");
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(request.getString("group"));
        consumer.setNamesrvAddr(request.getString("namesrv"));
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.subscribe(request.getString("topic"), "*");
        AtomicInteger got = new AtomicInteger();
        AtomicLong first = new AtomicLong();
        CountDownLatch all = new CountDownLatch(1);
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            int before = got.getAndAdd(messages.size());
            if (before == 0) {
                first.set(System.nanoTime());
            }
            if (before + messages.size() >= count) {
                all.countDown();
            }
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
        try {
            all.await(request.getIntValue("timeout"), TimeUnit.MILLISECONDS);
            return outcome(got.get(), first.get(), System.nanoTime());
        } finally {
            consumer.shutdown();
        }
    }

    private static Map<String, Object> outcome(int messages, long begun, long ended) {
        Map<String, Object> shown = new HashMap<>();
        shown.put("messages", messages);
        shown.put("seconds", (ended - begun) / 1e9);
        return shown;
    }
}
