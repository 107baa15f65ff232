import com.alibaba.fastjson.JSONObject;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.RequestCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.utils.MessageUtil;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/** Requests that messages carry, and who answers them: "re: " and the body, unless the property "silent" is there. */
final class Requests {
    private final Producers producers;
    private final Map<String, Replier> repliers = new ConcurrentHashMap<>();

    Requests(Producers producers) {
        this.producers = producers;
    }

    void register(Map<String, Driver.Verb> verbs) {
        verbs.put("start_replier", request -> {
            repliers.put(request.getString("name"), new Replier(request));
            return null;
        });
        verbs.put("stop_replier", request -> {
            repliers.remove(request.getString("name")).stop();
            return null;
        });
        verbs.put("asked", request -> repliers.get(request.getString("name")).inbox.await(request));
        verbs.put("replies_sent", request -> new ArrayList<>(repliers.get(request.getString("name")).results));
        verbs.put("request", this::request);
        verbs.put("request_async", this::requestAsync);
    }

    private Object request(JSONObject request) throws Exception {
        Message message = Messages.read(request.getJSONArray("messages")).get(0);
        return Messages.show((MessageExt) producers.get(request).request(message, request.getLongValue("timeout")));
    }

    /** All messages at once; their answers in the same order. The client calls back with null first, once it has sent. */
    private Object requestAsync(JSONObject request) throws Exception {
        List<CompletableFuture<Message>> answers = new ArrayList<>();
        for (Message message : Messages.read(request.getJSONArray("messages"))) {
            CompletableFuture<Message> answer = new CompletableFuture<>();
            answers.add(answer);
            producers.get(request).request(message, new RequestCallback() {
                @Override
                public void onSuccess(Message reply) {
                    if (reply != null) {
                        answer.complete(reply);
                    }
                }

                @Override
                public void onException(Throwable error) {
                    answer.completeExceptionally(error);
                }
            }, request.getLongValue("timeout"));
        }
        List<Object> shown = new ArrayList<>();
        for (CompletableFuture<Message> answer : answers) {
            try {
                shown.add(Messages.show((MessageExt) answer.get()));
            } catch (ExecutionException error) {
                throw (Exception) error.getCause();
            }
        }
        return shown;
    }

    private static final class Replier {
        final Consumers.Inbox inbox = new Consumers.Inbox();
        final List<Object> results = new ArrayList<>();
        private final DefaultMQPushConsumer consumer;
        private final DefaultMQProducer producer;

        Replier(JSONObject request) throws Exception {
            producer = new DefaultMQProducer(request.getString("group") + "_replies");
            producer.setNamesrvAddr(request.getString("namesrv"));
            producer.setSendMsgTimeout(10_000);
            producer.start();
            consumer = new DefaultMQPushConsumer(request.getString("group"));
            consumer.setNamesrvAddr(request.getString("namesrv"));
            consumer.setInstanceName(request.getString("name"));
            consumer.setPollNameServerInterval(2_000);
            consumer.setAwaitTerminationMillisWhenShutdown(2_000);
            consumer.subscribe(request.getString("topic"), "*");
            consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
                inbox.add(messages);
                if (messages.get(0).getUserProperty("silent") == null) {
                    reply(messages.get(0));
                }
                return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            });
            consumer.start();
        }

        /** What became of it is kept: the status, or what was thrown. */
        private void reply(MessageExt message) {
            String body = "re: " + new String(message.getBody(), StandardCharsets.UTF_8);
            Object result;
            try {
                Message reply = MessageUtil.createReplyMessage(message, body.getBytes(StandardCharsets.UTF_8));
                SendResult sent = producer.send(reply);
                result = sent.getSendStatus().name();
            } catch (Exception error) {
                result = (error.getCause() == null ? error : error.getCause()).getMessage();
            }
            synchronized (results) {
                results.add(result);
            }
        }

        void stop() {
            consumer.shutdown();
            producer.shutdown();
        }
    }
}
