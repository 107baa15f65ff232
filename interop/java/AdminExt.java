import com.alibaba.fastjson.JSON;
import com.alibaba.fastjson.JSONArray;
import com.alibaba.fastjson.JSONObject;
import com.alibaba.fastjson.parser.ParserConfig;
import com.alibaba.fastjson.serializer.SerializerFeature;
import com.alibaba.fastjson.util.TypeUtils;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Type;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/** Any public method of DefaultMQAdminExt by its name; the result is told as a JSON text. */
final class AdminExt {
    private static final Map<String, DefaultMQAdminExt> ADMINS = new ConcurrentHashMap<>();

    private AdminExt() {
    }

    static Object call(JSONObject request) throws Exception {
        JSONArray given = request.getJSONArray("arguments");
        Method method = method(request.getString("method"), request.getJSONArray("types"));
        Type[] types = method.getGenericParameterTypes();
        Object[] arguments = new Object[types.length];
        for (int i = 0; i < types.length; i++) {
            arguments[i] = argument(given.get(i), types[i]);
        }
        try {
            return JSON.toJSONString(method.invoke(admin(request.getString("namesrv")), arguments),
                SerializerFeature.WriteNonStringKeyAsString, SerializerFeature.MapSortField,
                SerializerFeature.DisableCircularReferenceDetect);
        } catch (InvocationTargetException error) {
            throw error.getCause() instanceof Exception ? (Exception) error.getCause() : error;
        }
    }

    /** The one whose parameters have these simple class names. */
    private static Method method(String name, JSONArray types) throws NoSuchMethodException {
        for (Method method : DefaultMQAdminExt.class.getDeclaredMethods()) {
            JSONArray own = new JSONArray();
            for (Class<?> type : method.getParameterTypes()) {
                own.add(type.getSimpleName());
            }
            if (method.getName().equals(name) && own.equals(types) && !method.isBridge()) {
                return method;
            }
        }
        throw new NoSuchMethodException(name + types);
    }

    private static Object argument(Object given, Type type) {
        if (type == Properties.class) {
            Properties properties = new Properties();
            properties.putAll((JSONObject) given);
            return properties;
        }
        return TypeUtils.cast(given, type, ParserConfig.getGlobalInstance());
    }

    private static synchronized DefaultMQAdminExt admin(String namesrv) throws Exception {
        DefaultMQAdminExt admin = ADMINS.get(namesrv);
        if (admin == null) {
            admin = new DefaultMQAdminExt();
            admin.setInstanceName("admin-" + ADMINS.size());
            admin.setNamesrvAddr(namesrv);
            admin.start();
            ADMINS.put(namesrv, admin);
        }
        return admin;
    }
}
