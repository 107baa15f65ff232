import com.alibaba.fastjson.JSONArray;
import com.alibaba.fastjson.JSONObject;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageClientExt;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** Messages, queues and results as the lines of the driver spell them. */
final class Messages {
    private Messages() {
    }

    static List<Message> read(JSONArray specifications) {
        List<Message> messages = new ArrayList<>();
        for (int i = 0; i < specifications.size(); i++) {
            messages.add(read(specifications.getJSONObject(i)));
        }
        return messages;
    }

    private static Message read(JSONObject specification) {
        byte[] body = Base64.getDecoder().decode(specification.getString("body"));
        Message message = new Message(specification.getString("topic"), body);
        message.setFlag(specification.getIntValue("flag"));
        if (specification.containsKey("tags")) {
            message.setTags(specification.getString("tags"));
        }
        if (specification.containsKey("keys")) {
            message.setKeys(specification.getString("keys"));
        }
        if (specification.containsKey("delay_level")) {
            message.setDelayTimeLevel(specification.getIntValue("delay_level"));
        }
        JSONObject properties = specification.getJSONObject("properties");
        if (properties != null) {
            properties.forEach((name, value) -> message.putUserProperty(name, (String) value));
        }
        return message;
    }

    static MessageQueue queue(JSONObject queue) {
        return new MessageQueue(queue.getString("topic"), queue.getString("broker"), queue.getIntValue("id"));
    }

    static Map<String, Object> show(MessageQueue queue) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("topic", queue.getTopic());
        fields.put("broker", queue.getBrokerName());
        fields.put("id", queue.getQueueId());
        return fields;
    }

    static List<Map<String, Object>> showQueues(Collection<MessageQueue> queues) {
        List<MessageQueue> sorted = new ArrayList<>(queues);
        sorted.sort(null);
        List<Map<String, Object>> shown = new ArrayList<>();
        sorted.forEach(queue -> shown.add(show(queue)));
        return shown;
    }

    static Map<String, Object> show(SendResult result) {
        Map<String, Object> fields = new LinkedHashMap<>();
        if (result == null) {
            return fields;
        }
        fields.put("status", result.getSendStatus().name());
        fields.put("msg_id", result.getMsgId());
        fields.put("offset_msg_id", result.getOffsetMsgId());
        fields.put("queue", show(result.getMessageQueue()));
        fields.put("queue_offset", result.getQueueOffset());
        fields.put("region", result.getRegionId());
        fields.put("trace_on", result.isTraceOn());
        return fields;
    }

    static List<Map<String, Object>> show(List<MessageExt> messages) {
        List<Map<String, Object>> shown = new ArrayList<>();
        messages.forEach(message -> shown.add(show(message)));
        return shown;
    }

    static Map<String, Object> show(MessageExt message) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("topic", message.getTopic());
        fields.put("body", Base64.getEncoder().encodeToString(message.getBody()));
        fields.put("properties", new TreeMap<>(message.getProperties()));
        fields.put("flag", message.getFlag());
        fields.put("sys_flag", message.getSysFlag());
        fields.put("msg_id", message.getMsgId());
        fields.put("offset_msg_id", message instanceof MessageClientExt
            ? ((MessageClientExt) message).getOffsetMsgId() : message.getMsgId());
        fields.put("queue_id", message.getQueueId());
        fields.put("queue_offset", message.getQueueOffset());
        fields.put("physical_offset", message.getCommitLogOffset());
        fields.put("store_size", message.getStoreSize());
        fields.put("body_crc", message.getBodyCRC());
        fields.put("born_timestamp", message.getBornTimestamp());
        fields.put("born_host", show(message.getBornHost()));
        fields.put("store_timestamp", message.getStoreTimestamp());
        fields.put("store_host", show(message.getStoreHost()));
        fields.put("reconsume_times", message.getReconsumeTimes());
        fields.put("prepared_transaction_offset", message.getPreparedTransactionOffset());
        return fields;
    }

    private static String show(SocketAddress address) {
        InetSocketAddress host = (InetSocketAddress) address;
        return host.getAddress().getHostAddress() + ":" + host.getPort();
    }
}
