import com.alibaba.fastjson.JSONObject;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.client.producer.TransactionSendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * Producers of half messages, by group. A message says itself what becomes of it: property "end" when it was sent,
 * "answer" when the broker asks for the "answer_at"-th time or later; where nothing is said it is not known.
 */
final class Transactions {
    private final Map<String, Producer> producers = new ConcurrentHashMap<>();

    void register(Map<String, Driver.Verb> verbs) {
        verbs.put("start_transaction_producer", this::start);
        verbs.put("stop_transaction_producer", request -> {
            producers.remove(request.getString("group")).producer.shutdown();
            return null;
        });
        verbs.put("send_in_transaction", this::send);
        verbs.put("questions", request -> producers.get(request.getString("group")).inbox.await(request));
    }

    private Object start(JSONObject request) throws Exception {
        Producer producer = new Producer(request);
        producer.producer.start();
        producers.put(producer.producer.getProducerGroup(), producer);
        return null;
    }

    private Object send(JSONObject request) throws Exception {
        TransactionMQProducer producer = producers.get(request.getString("group")).producer;
        List<Object> shown = new ArrayList<>();
        for (Message message : Messages.read(request.getJSONArray("messages"))) {
            TransactionSendResult result = producer.sendMessageInTransaction(message, null);
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("status", result.getSendStatus().name());
            fields.put("msg_id", result.getMsgId());
            fields.put("queue", Messages.show(result.getMessageQueue()));
            fields.put("queue_offset", result.getQueueOffset());
            fields.put("transaction_id", result.getTransactionId());
            fields.put("state", result.getLocalTransactionState().name());
            shown.add(fields);
        }
        return shown;
    }

    /** One producer, and what it was asked. */
    private static final class Producer implements TransactionListener {
        final Consumers.Inbox inbox = new Consumers.Inbox();
        final TransactionMQProducer producer;

        Producer(JSONObject request) {
            producer = new TransactionMQProducer(request.getString("group"));
            producer.setNamesrvAddr(request.getString("namesrv"));
            producer.setVipChannelEnabled(false);
            producer.setSendMsgTimeout(10_000);
            producer.setPollNameServerInterval(2_000);
            producer.setHeartbeatBrokerInterval(1_000);
            producer.setTransactionListener(this);
        }

        @Override
        public LocalTransactionState executeLocalTransaction(Message message, Object argument) {
            return state(message.getUserProperty("end"));
        }

        @Override
        public LocalTransactionState checkLocalTransaction(MessageExt message) {
            inbox.add(Collections.singletonList(message));
            String answerAt = message.getUserProperty("answer_at");
            int times = Integer.parseInt(message.getUserProperty("TRANSACTION_CHECK_TIMES"));
            if (answerAt != null && times < Integer.parseInt(answerAt)) {
                return LocalTransactionState.UNKNOW;
            }
            return state(message.getUserProperty("answer"));
        }

        private static LocalTransactionState state(String name) {
            return name == null ? LocalTransactionState.UNKNOW : LocalTransactionState.valueOf(name);
        }
    }
}
