import com.alibaba.fastjson.JSONObject;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.selector.SelectMessageQueueByHash;
import org.apache.rocketmq.common.message.Message;

/** The producers of one driver, by group, and what they do. */
final class Producers {
    private final Map<String, DefaultMQProducer> producers = new ConcurrentHashMap<>();

    void register(Map<String, Driver.Verb> verbs) {
        verbs.put("start_producer", this::start);
        verbs.put("stop_producer", request -> {
            producers.remove(request.getString("group")).shutdown();
            return null;
        });
        verbs.put("send", this::send);
    }

    DefaultMQProducer get(JSONObject request) {
        return producers.get(request.getString("group"));
    }

    private Object start(JSONObject request) throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer(request.getString("namespace"), request.getString("group"),
            null, request.getBooleanValue("trace"), request.getString("trace_topic"));
        producer.setNamesrvAddr(request.getString("namesrv"));
        producer.setVipChannelEnabled(request.getBooleanValue("vip"));
        producer.setSendMsgTimeout(10_000);
        producer.setPollNameServerInterval(2_000);
        producer.start();
        producers.put(request.getString("group"), producer);
        return null;
    }

    private Object send(JSONObject request) throws Exception {
        DefaultMQProducer producer = get(request);
        List<Message> messages = Messages.read(request.getJSONArray("messages"));
        List<SendResult> results;
        if ("batch".equals(request.getString("how"))) {
            results = Collections.singletonList(producer.send(messages));
        } else if ("async".equals(request.getString("how"))) {
            results = sendAsync(producer, messages);
        } else {
            results = new ArrayList<>();
            for (Message message : messages) {
                results.add(send(producer, message, request));
            }
        }
        List<Object> shown = new ArrayList<>();
        results.forEach(result -> shown.add(Messages.show(result)));
        return shown;
    }

    private static SendResult send(DefaultMQProducer producer, Message message, JSONObject request) throws Exception {
        JSONObject queue = request.getJSONObject("queue");
        String shardingKey = request.getString("sharding_key");
        if ("oneway".equals(request.getString("how"))) {
            if (queue == null) {
                producer.sendOneway(message);
            } else {
                producer.sendOneway(message, Messages.queue(queue));
            }
            return null;
        }
        if (shardingKey != null) {
            return producer.send(message, new SelectMessageQueueByHash(), shardingKey);
        }
        if (queue == null) {
            return producer.send(message);
        }
        return producer.send(message, Messages.queue(queue));
    }

    private static List<SendResult> sendAsync(DefaultMQProducer producer, List<Message> messages) throws Exception {
        List<CompletableFuture<SendResult>> futures = new ArrayList<>();
        for (Message message : messages) {
            CompletableFuture<SendResult> future = new CompletableFuture<>();
            futures.add(future);
            producer.send(message, new SendCallback() {
                @Override
                public void onSuccess(SendResult result) {
                    future.complete(result);
                }

                @Override
                public void onException(Throwable error) {
                    future.completeExceptionally(error);
                }
            });
        }
        List<SendResult> results = new ArrayList<>();
        for (CompletableFuture<SendResult> future : futures) {
            results.add(future.get(15, TimeUnit.SECONDS));
        }
        return results;
    }
}
