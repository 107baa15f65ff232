import com.alibaba.fastjson.JSON;
import com.alibaba.fastjson.JSONObject;
import com.alibaba.fastjson.serializer.SerializerFeature;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.exception.RequestTimeoutException;

/**
 * The official client under remote control: a JSON line on stdin asks, a JSON line on stdout answers, in any order.
 *
 * <pre>{"id": 1, "verb": "send", ...}  ->  {"id": 1, "ok": ...} or {"id": 1, "error": {"type", "code", "text"}}</pre>
 */
public final class Driver {
    /** One thing that the driver can be told to do. */
    interface Verb {
        Object run(JSONObject request) throws Exception;
    }

    private final PrintStream answers;
    private final Map<String, Verb> verbs = new HashMap<>();

    private Driver(PrintStream answers) {
        this.answers = answers;
    }

    public static void main(String[] arguments) throws Exception {
        Driver driver = new Driver(new PrintStream(System.out, true, "UTF-8"));
        System.setOut(System.err);
        Producers producers = new Producers();
        producers.register(driver.verbs);
        new Consumers().register(driver.verbs);
        new Pullers().register(driver.verbs);
        new Transactions().register(driver.verbs);
        new Requests(producers).register(driver.verbs);
        new Admin(producers).register(driver.verbs);
        new Bench(producers).register(driver.verbs);
        driver.serve();
        System.exit(0);
    }

    private void serve() throws Exception {
        ExecutorService threads = Executors.newCachedThreadPool();
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            JSONObject request = JSON.parseObject(line);
            threads.execute(() -> answer(request));
        }
    }

    private void answer(JSONObject request) {
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("id", request.get("id"));
        try {
            answer.put("ok", verbs.get(request.getString("verb")).run(request));
        } catch (Throwable error) {
            answer.put("error", describe(error));
        }
        String line = JSON.toJSONString(
            answer, SerializerFeature.WriteMapNullValue, SerializerFeature.DisableCircularReferenceDetect);
        synchronized (answers) {
            answers.println(line);
        }
    }

    private static Map<String, Object> describe(Throwable error) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("type", error.getClass().getSimpleName());
        if (error instanceof MQBrokerException) {
            fields.put("code", ((MQBrokerException) error).getResponseCode());
        } else if (error instanceof RequestTimeoutException) {
            fields.put("code", ((RequestTimeoutException) error).getResponseCode());
        } else if (error instanceof MQClientException) {
            fields.put("code", ((MQClientException) error).getResponseCode());
        }
        fields.put("text", String.valueOf(error.getMessage()));
        return fields;
    }
}
