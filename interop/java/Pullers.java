import com.alibaba.fastjson.JSONObject;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** Pull consumers, by group: whoever asks chooses queue and offset. */
final class Pullers {
    private final Map<String, DefaultMQPullConsumer> pullers = new ConcurrentHashMap<>();

    void register(Map<String, Driver.Verb> verbs) {
        verbs.put("start_puller", this::start);
        verbs.put("stop_puller", request -> {
            pullers.remove(request.getString("group")).shutdown();
            return null;
        });
        verbs.put("pull", this::pull);
        verbs.put("commit", this::commit);
        verbs.put("committed", request -> get(request).fetchConsumeOffset(
            Messages.queue(request.getJSONObject("queue")), true));
        verbs.put("send_back", this::sendBack);
        verbs.put("subscribe_queues", request -> Messages.showQueues(
            get(request).fetchSubscribeMessageQueues(request.getString("topic"))));
    }

    private DefaultMQPullConsumer get(JSONObject request) {
        return pullers.get(request.getString("group"));
    }

    private Object start(JSONObject request) throws Exception {
        DefaultMQPullConsumer puller = new DefaultMQPullConsumer(request.getString("group"));
        puller.setNamesrvAddr(request.getString("namesrv"));
        puller.setVipChannelEnabled(request.getBooleanValue("vip"));
        puller.setHeartbeatBrokerInterval(1_000);
        puller.start();
        pullers.put(puller.getConsumerGroup(), puller);
        return null;
    }

    private Object pull(JSONObject request) throws Exception {
        MessageQueue queue = Messages.queue(request.getJSONObject("queue"));
        MessageSelector selector = request.getBooleanValue("sql")
            ? MessageSelector.bySql(request.getString("expression"))
            : MessageSelector.byTag(request.getString("expression"));
        long offset = request.getLongValue("queue_offset");
        int count = request.getIntValue("count");
        PullResult result = request.getBooleanValue("block")
            ? get(request).pullBlockIfNotFound(queue, request.getString("expression"), offset, count)
            : get(request).pull(queue, selector, offset, count);
        List<MessageExt> messages = result.getMsgFoundList();
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("status", result.getPullStatus().name());
        fields.put("next_begin_offset", result.getNextBeginOffset());
        fields.put("min_offset", result.getMinOffset());
        fields.put("max_offset", result.getMaxOffset());
        fields.put("messages", messages == null ? null : Messages.show(messages));
        return fields;
    }

    /** Gives the message at "queue_offset" back, to come again after "level". */
    private Object sendBack(JSONObject request) throws Exception {
        DefaultMQPullConsumer puller = get(request);
        MessageQueue queue = Messages.queue(request.getJSONObject("queue"));
        MessageExt message = puller.pull(queue, "*", request.getLongValue("queue_offset"), 1).getMsgFoundList().get(0);
        puller.sendMessageBack(message, request.getIntValue("level"), queue.getBrokerName());
        return null;
    }

    private Object commit(JSONObject request) throws Exception {
        MessageQueue queue = Messages.queue(request.getJSONObject("queue"));
        DefaultMQPullConsumer puller = get(request);
        puller.updateConsumeOffset(queue, request.getLongValue("queue_offset"));
        puller.getOffsetStore().persist(queue);
        return null;
    }
}
