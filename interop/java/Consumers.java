import com.alibaba.fastjson.JSONObject;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragely;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.common.protocol.heartbeat.MessageModel;

/**
 * Push and lite pull consumers, by name; each collects what it gets until somebody asks.
 *
 * <p>A message says itself what a push consumer makes of it: it fails as often as its property "fail" says, and asks
 * for "level" as the delay after which it comes again.
 */
final class Consumers {
    private final Map<String, Consumer> consumers = new ConcurrentHashMap<>();

    void register(Map<String, Driver.Verb> verbs) {
        verbs.put("start_consumer", this::start);
        verbs.put("received", request -> consumers.get(request.getString("name")).inbox.await(request));
        verbs.put("assigned", request -> Messages.showQueues(consumers.get(request.getString("name")).assigned()));
        verbs.put("stop_consumer", request -> {
            consumers.remove(request.getString("name")).stop();
            return null;
        });
    }

    private Object start(JSONObject request) throws Exception {
        Consumer consumer = request.getBooleanValue("lite") ? new Lite(request) : new Push(request);
        consumers.put(request.getString("name"), consumer);
        return null;
    }

    private static MessageModel model(JSONObject request) {
        return request.getBooleanValue("broadcast") ? MessageModel.BROADCASTING : MessageModel.CLUSTERING;
    }

    private static ConsumeFromWhere fromWhere(JSONObject request) {
        if (request.containsKey("from_time")) {
            return ConsumeFromWhere.CONSUME_FROM_TIMESTAMP;
        }
        return request.getBooleanValue("from_last")
            ? ConsumeFromWhere.CONSUME_FROM_LAST_OFFSET : ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET;
    }

    /** Something that receives until it is stopped. */
    private abstract static class Consumer {
        final Inbox inbox = new Inbox();

        abstract Collection<MessageQueue> assigned() throws Exception;

        abstract void stop() throws Exception;
    }

    private static final class Push extends Consumer {
        private final DefaultMQPushConsumer consumer;

        Push(JSONObject request) throws MQClientException {
            consumer = new DefaultMQPushConsumer(request.getString("namespace"), request.getString("group"), null,
                new AllocateMessageQueueAveragely(), request.getBooleanValue("trace"), request.getString("trace_topic"));
            consumer.setNamesrvAddr(request.getString("namesrv"));
            consumer.setVipChannelEnabled(request.getBooleanValue("vip"));
            consumer.setInstanceName(request.getString("name"));
            consumer.setPollNameServerInterval(2_000);
            consumer.setPullTimeDelayMillsWhenException(300);
            consumer.setMessageModel(model(request));
            consumer.setAwaitTerminationMillisWhenShutdown(30_000);
            consumer.setConsumeFromWhere(fromWhere(request));
            if (request.containsKey("from_time")) {
                consumer.setConsumeTimestamp(request.getString("from_time"));
            }
            if (request.containsKey("max_reconsume_times")) {
                consumer.setMaxReconsumeTimes(request.getIntValue("max_reconsume_times"));
            }
            consumer.setUnitMode(request.getBooleanValue("unit_mode"));
            if (request.getBooleanValue("sql")) {
                consumer.subscribe(request.getString("topic"), MessageSelector.bySql(request.getString("expression")));
            } else {
                consumer.subscribe(request.getString("topic"), request.getString("expression"));
            }
            if (request.getBooleanValue("orderly")) {
                consumer.registerMessageListener(orderly());
            } else {
                consumer.registerMessageListener(concurrently());
            }
            consumer.start();
        }

        private MessageListenerOrderly orderly() {
            return (messages, context) -> {
                inbox.add(messages);
                context.setSuspendCurrentQueueTimeMillis(100);
                return fails(messages.get(0))
                    ? ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT : ConsumeOrderlyStatus.SUCCESS;
            };
        }

        private MessageListenerConcurrently concurrently() {
            return (messages, context) -> {
                inbox.add(messages);
                String level = messages.get(0).getUserProperty("level");
                if (level != null) {
                    context.setDelayLevelWhenNextConsume(Integer.parseInt(level));
                }
                return fails(messages.get(0))
                    ? ConsumeConcurrentlyStatus.RECONSUME_LATER : ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            };
        }

        private static boolean fails(MessageExt message) {
            String times = message.getUserProperty("fail");
            return times != null && message.getReconsumeTimes() < Integer.parseInt(times);
        }

        @Override
        Collection<MessageQueue> assigned() {
            return consumer.getDefaultMQPushConsumerImpl().getRebalanceImpl().getProcessQueueTable().keySet();
        }

        @Override
        void stop() {
            consumer.shutdown();
        }
    }

    private static final class Lite extends Consumer implements Runnable {
        private final DefaultLitePullConsumer consumer;
        private final Thread thread = new Thread(this, "lite pull");
        private volatile boolean stopping;

        Lite(JSONObject request) throws MQClientException {
            consumer = new DefaultLitePullConsumer(request.getString("group"));
            consumer.setNamesrvAddr(request.getString("namesrv"));
            consumer.setInstanceName(request.getString("name"));
            consumer.setConsumeFromWhere(fromWhere(request));
            consumer.setEnableMsgTrace(request.getBooleanValue("trace"));
            consumer.subscribe(request.getString("topic"), request.getString("expression"));
            consumer.setAutoCommit(false);
            consumer.start();
            thread.start();
        }

        @Override
        public void run() {
            while (!stopping) {
                List<MessageExt> messages = consumer.poll(100);
                if (!messages.isEmpty()) {
                    consumer.commitSync();
                    inbox.add(messages);
                }
            }
        }

        @Override
        Collection<MessageQueue> assigned() throws MQClientException {
            return consumer.assignment();
        }

        @Override
        void stop() throws InterruptedException {
            stopping = true;
            thread.join();
            consumer.shutdown();
        }
    }

    /** Messages in the order of their arrival. */
    static final class Inbox {
        private final List<Map<String, Object>> messages = new ArrayList<>();

        synchronized void add(List<MessageExt> arrived) {
            messages.addAll(Messages.show(arrived));
            notifyAll();
        }

        /** What is there once there are "count" messages, or after "timeout" ms. */
        synchronized Object await(JSONObject request) throws InterruptedException {
            long deadline = System.nanoTime() + request.getLongValue("timeout") * 1_000_000;
            while (messages.size() < request.getIntValue("count")) {
                long left = (deadline - System.nanoTime()) / 1_000_000;
                if (left <= 0) {
                    break;
                }
                wait(left);
            }
            return new ArrayList<>(messages);
        }
    }
}
