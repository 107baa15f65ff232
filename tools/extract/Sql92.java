import com.alibaba.fastjson.JSON;
import com.alibaba.fastjson.JSONObject;
import com.alibaba.fastjson.parser.Feature;
import com.alibaba.fastjson.serializer.SerializerFeature;
import java.nio.charset.StandardCharsets;
import java.util.*;
import org.apache.rocketmq.filter.FilterFactory;
import org.apache.rocketmq.filter.expression.*;
import org.apache.rocketmq.filter.util.BloomFilter;

/** Reads {sets, expressions, names} and answers what the filter module makes of them. */
public class Sql92 {
    static class Context implements EvaluationContext {
        final Map<String, Object> properties;

        Context(Map<String, Object> properties) {
            this.properties = properties;
        }

        public Object get(String name) {
            return properties.get(name);
        }

        public Map<String, Object> keyValues() {
            return properties;
        }
    }

    public static void main(String[] args) throws Exception {
        byte[] input = System.in.readAllBytes();
        JSONObject asked = JSON.parseObject(new String(input, StandardCharsets.UTF_8), Feature.OrderedField);
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("sets", asked.get("sets"));
        List<Object> rows = new ArrayList<>();
        for (Object expression : asked.getJSONArray("expressions")) {
            Map<String, Object> row = new LinkedHashMap<>();
            row.put("expression", expression);
            try {
                Expression compiled = FilterFactory.INSTANCE.get("SQL92").compile((String) expression);
                StringBuilder results = new StringBuilder();
                for (Object set : asked.getJSONArray("sets")) {
                    results.append(result(compiled, ((JSONObject) set).getInnerMap()));
                }
                row.put("results", results.toString());
            } catch (Exception e) {
                row.put("error", e.getMessage());
            }
            rows.add(row);
        }
        answer.put("rows", rows);
        List<Object> blooms = new ArrayList<>();
        for (int[] size : new int[][] {{20, 32}, {20, 64}, {10, 128}, {1, 10}}) {
            BloomFilter bloom = BloomFilter.createByFn(size[0], size[1]);
            for (Object name : asked.getJSONArray("names")) {
                Map<String, Object> row = new LinkedHashMap<>();
                row.put("error_rate", size[0]);
                row.put("names", size[1]);
                row.put("bits", bloom.getM());
                row.put("name", name);
                row.put("positions", bloom.calcBitPositions((String) name));
                blooms.add(row);
            }
        }
        answer.put("blooms", blooms);
        System.out.write(JSON.toJSONString(answer, SerializerFeature.BrowserCompatible).getBytes("UTF-8"));
        System.out.flush();
    }

    private static char result(Expression expression, Map<String, Object> properties) {
        try {
            Object value = expression.evaluate(new Context(properties));
            return value == null ? 'N' : value == Boolean.TRUE ? 'T' : value == Boolean.FALSE ? 'F' : '?';
        } catch (Exception e) {
            return '!';
        }
    }
}
