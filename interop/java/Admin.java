import com.alibaba.fastjson.JSONObject;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.security.Permission;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.rocketmq.client.QueryResult;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.tools.command.MQAdminStartup;

/** What every client may ask about topics, offsets and messages, and the official mqadmin. */
final class Admin {
    private final Producers producers;

    Admin(Producers producers) {
        this.producers = producers;
    }

    void register(Map<String, Driver.Verb> verbs) {
        verbs.put("create_topic", this::createTopic);
        verbs.put("publish_queues", request -> Messages.showQueues(
            producers.get(request).fetchPublishMessageQueues(request.getString("topic"))));
        verbs.put("queue_bounds", this::bounds);
        verbs.put("search_offset", request -> producers.get(request).searchOffset(
            Messages.queue(request.getJSONObject("queue")), request.getLongValue("timestamp")));
        verbs.put("query", this::query);
        verbs.put("view", request -> Messages.show(
            producers.get(request).viewMessage(request.getString("topic"), request.getString("msg_id"))));
        verbs.put("view_by_offset_id", request -> Messages.show(
            producers.get(request).viewMessage(request.getString("msg_id"))));
        verbs.put("mqadmin", Admin::mqadmin);
        verbs.put("admin_ext", AdminExt::call);
    }

    private Object createTopic(JSONObject request) throws Exception {
        producers.get(request).createTopic(
            request.getString("key"), request.getString("topic"), request.getIntValue("queues"));
        return null;
    }

    private Object bounds(JSONObject request) throws Exception {
        MessageQueue queue = Messages.queue(request.getJSONObject("queue"));
        DefaultMQProducer producer = producers.get(request);
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("min_offset", producer.minOffset(queue));
        fields.put("max_offset", producer.maxOffset(queue));
        fields.put("earliest_store_time", producer.earliestMsgStoreTime(queue));
        return fields;
    }

    private Object query(JSONObject request) throws Exception {
        QueryResult result = producers.get(request).queryMessage(request.getString("topic"),
            request.getString("key"), request.getIntValue("count"), 0, Long.MAX_VALUE);
        return Messages.show(result.getMessageList());
    }

    /** Its commands keep what they did before; as a process it has none. */
    private static final class Fresh extends MQAdminStartup {
        static void forget() {
            subCommandList.clear();
        }
    }

    /** How mqadmin ends when its words do not fit, or when it was asked for help. */
    private static final class Exit extends Error {
        private final int status;

        Exit(int status) {
            super(null, null, false, false);
            this.status = status;
        }
    }

    /** Keeps a run of mqadmin from ending this program; everything else is allowed. */
    private static final class ExitCatcher extends SecurityManager {
        private volatile boolean catches;

        @Override
        public void checkExit(int status) {
            if (catches) {
                throw new Exit(status);
            }
        }

        @Override
        public void checkPermission(Permission permission) {
        }
    }

    private static final ExitCatcher EXITS = new ExitCatcher();

    /** One run of mqadmin at a time, since it writes to System.out. */
    private static synchronized Object mqadmin(JSONObject request) throws Exception {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        PrintStream usualOut = System.out;
        PrintStream usualErr = System.err;
        System.setOut(new PrintStream(out, true, "UTF-8"));
        System.setErr(new PrintStream(err, true, "UTF-8"));
        int status = 0;
        System.setSecurityManager(EXITS);
        EXITS.catches = true;
        try {
            Fresh.forget();
            MQAdminStartup.main0(request.getJSONArray("arguments").toArray(new String[0]), null);
        } catch (Exit exit) {
            status = exit.status;
        } finally {
            EXITS.catches = false;
            System.setOut(usualOut);
            System.setErr(usualErr);
        }
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("out", out.toString("UTF-8"));
        fields.put("err", err.toString("UTF-8"));
        fields.put("status", status);
        return fields;
    }
}
