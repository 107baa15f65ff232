import com.alibaba.fastjson.JSON;
import com.alibaba.fastjson.parser.ParserConfig;
import com.alibaba.fastjson.parser.deserializer.JavaBeanDeserializer;
import com.alibaba.fastjson.serializer.SerializerFeature;
import com.alibaba.fastjson.util.FieldInfo;
import com.alibaba.fastjson.util.JavaBeanInfo;
import com.alibaba.fastjson.util.TypeUtils;
import java.io.File;
import java.io.PrintStream;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Enumeration;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import org.apache.commons.cli.Option;
import org.apache.commons.cli.OptionGroup;
import org.apache.commons.cli.Options;
import org.apache.rocketmq.common.BrokerConfig;
import org.apache.rocketmq.common.MQVersion;
import org.apache.rocketmq.common.annotation.ImportantField;
import org.apache.rocketmq.common.message.MessageConst;
import org.apache.rocketmq.common.namesrv.NamesrvConfig;
import org.apache.rocketmq.common.protocol.RequestCode;
import org.apache.rocketmq.common.protocol.ResponseCode;
import org.apache.rocketmq.remoting.CommandCustomHeader;
import org.apache.rocketmq.remoting.annotation.CFNotNull;
import org.apache.rocketmq.remoting.common.RemotingUtil;
import org.apache.rocketmq.remoting.netty.NettyClientConfig;
import org.apache.rocketmq.remoting.netty.NettyServerConfig;
import org.apache.rocketmq.remoting.protocol.LanguageCode;
import org.apache.rocketmq.remoting.protocol.RemotingSerializable;
import org.apache.rocketmq.store.config.MessageStoreConfig;
import org.apache.rocketmq.tools.command.MQAdminStartup;
import org.apache.rocketmq.tools.command.SubCommand;

/** Prints, as one JSON object, what the official jars on the class path say about themselves. */
public class Extract {
    private static final String PACKAGE = "org.apache.rocketmq.";
    /** Defaults that are names of this host. */
    private static final List<String> HOST = Arrays.asList(RemotingUtil.getLocalAddress(), hostName());

    private static final Map<String, Class<?>> REACHED_ENUMS = new TreeMap<>();

    public static void main(String[] args) throws Exception {
        PrintStream out = System.out;
        System.setOut(System.err);  // whatever a class prints while it is loaded
        Map<String, Object> tables = new LinkedHashMap<>();
        List<Class<?>> classes = classes();
        tables.put("request_codes", intConstants(RequestCode.class, "code"));
        tables.put("response_codes", intConstants(ResponseCode.class, "code"));
        tables.put("language_codes", languages());
        tables.put("versions", versions());
        tables.put("constants", constants());
        tables.put("headers", headers(classes));
        tables.put("bodies", bodies(classes));
        tables.put("enums", enums());
        tables.put("config_keys", configKeys());
        tables.put("commands", commands());
        out.println(JSON.toJSONString(tables, SerializerFeature.DisableCircularReferenceDetect,
            SerializerFeature.WriteMapNullValue));
    }

    private static Map<String, Object> row(Object... namesAndValues) {
        Map<String, Object> row = new LinkedHashMap<>();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            row.put((String) namesAndValues[i], namesAndValues[i + 1]);
        }
        return row;
    }

    /** Every class of RocketMQ in the jars of the class path, by name; the first jar that has a class wins. */
    private static List<Class<?>> classes() throws Exception {
        Map<String, Class<?>> found = new TreeMap<>();
        for (String path : System.getProperty("java.class.path").split(File.pathSeparator)) {
            if (!new File(path).getName().startsWith("rocketmq-")) {
                continue;
            }
            try (JarFile jar = new JarFile(path)) {
                for (Enumeration<JarEntry> entries = jar.entries(); entries.hasMoreElements(); ) {
                    String name = entries.nextElement().getName().replace('/', '.');
                    if (!name.startsWith(PACKAGE) || !name.endsWith(".class")) {
                        continue;
                    }
                    name = name.substring(0, name.length() - ".class".length());
                    try {
                        found.putIfAbsent(name, Class.forName(name, false, Extract.class.getClassLoader()));
                    } catch (NoClassDefFoundError optionalDependency) {
                        System.err.println("left out: " + name + ": " + optionalDependency);
                    }
                }
            }
        }
        return new ArrayList<>(found.values());
    }

    private static List<Object> intConstants(Class<?> owner, String valueName) throws Exception {
        List<Object> rows = new ArrayList<>();
        for (Field field : owner.getFields()) {
            if (Modifier.isStatic(field.getModifiers()) && field.getType() == int.class) {
                rows.add(row("name", field.getName(), valueName, field.getInt(null),
                    "java", field.getDeclaringClass().getName()));
            }
        }
        return rows;
    }

    private static List<Object> languages() {
        List<Object> rows = new ArrayList<>();
        for (LanguageCode code : LanguageCode.values()) {
            rows.add(row("name", code.name(), "code", code.getCode(), "java", LanguageCode.class.getName()));
        }
        return rows;
    }

    private static List<Object> versions() {
        List<Object> rows = new ArrayList<>();
        for (MQVersion.Version version : MQVersion.Version.values()) {
            rows.add(row("name", version.name(), "ordinal", version.ordinal(),
                "java", MQVersion.Version.class.getName()));
        }
        return rows;
    }

    /** Names of message properties, and the bits of the various flags. */
    private static List<Object> constants() throws Exception {
        List<Object> rows = new ArrayList<>();
        String[] others = {"common.sysflag.MessageSysFlag", "common.sysflag.PullSysFlag", "common.sysflag.TopicSysFlag",
            "common.sysflag.SubscriptionSysFlag", "common.constant.PermName", "common.topic.TopicValidator"};
        List<Class<?>> owners = new ArrayList<>(Arrays.asList(MessageConst.class, MQVersion.class));
        for (String name : others) {
            owners.add(Class.forName(PACKAGE + name));
        }
        for (Class<?> owner : owners) {
            for (Field field : owner.getDeclaredFields()) {
                boolean simple = field.getType().isPrimitive() || field.getType() == String.class;
                if (Modifier.isStatic(field.getModifiers()) && simple) {
                    field.setAccessible(true);
                    rows.add(row("name", field.getName(), "value", field.get(null), "java", owner.getName()));
                }
            }
        }
        return rows;
    }

    private static List<Object> headers(List<Class<?>> classes) {
        List<Object> rows = new ArrayList<>();
        for (Class<?> one : classes) {
            if (!CommandCustomHeader.class.isAssignableFrom(one) || Modifier.isAbstract(one.getModifiers())) {
                continue;
            }
            Object fresh = newInstance(one);
            List<Object> fields = new ArrayList<>();
            for (Field field : instanceFields(one)) {
                Map<String, Object> entry = row("name", field.getName(), "type", field.getType().getSimpleName(),
                    "not_null", field.isAnnotationPresent(CFNotNull.class));
                Object value = read(field, fresh);
                boolean unset = field.getType().isPrimitive() && field.isAnnotationPresent(CFNotNull.class);
                if (value != null && !unset) {
                    entry.put("default", value);
                }
                fields.add(entry);
            }
            rows.add(row("name", one.getSimpleName(), "fields", fields, "java", one.getName()));
        }
        return rows;
    }

    /** The fields that Java's remoting sees: also those of superclasses, which come last. */
    private static List<Field> instanceFields(Class<?> owner) {
        List<Field> fields = new ArrayList<>();
        for (Class<?> one = owner; one != Object.class; one = one.getSuperclass()) {
            for (Field field : one.getDeclaredFields()) {
                if (!Modifier.isStatic(field.getModifiers()) && !field.getName().startsWith("this")) {
                    fields.add(field);
                }
            }
        }
        return fields;
    }

    /** Classes which RocketMQ writes or reads as JSON, and the classes their properties are made of. */
    private static List<Object> bodies(List<Class<?>> classes) throws Exception {
        Map<String, Object> rows = new TreeMap<>();
        Set<Class<?>> todo = new LinkedHashSet<>();
        for (Class<?> one : classes) {
            if (RemotingSerializable.class.isAssignableFrom(one) && one != RemotingSerializable.class) {
                todo.add(one);
            }
        }
        todo.add(Class.forName(PACKAGE + "common.PlainAccessConfig"));
        todo.add(Class.forName(PACKAGE + "common.AclConfig"));
        while (!todo.isEmpty()) {
            Class<?> one = todo.iterator().next();
            todo.remove(one);
            if (rows.containsKey(one.getName())) {
                continue;
            }
            List<Object> properties = new ArrayList<>();
            for (Map.Entry<String, Map<String, Object>> entry : properties(one, todo).entrySet()) {
                properties.add(entry.getValue());
            }
            rows.put(one.getName(), row("name", one.getSimpleName(), "properties", properties, "java", one.getName()));
        }
        return new ArrayList<>(rows.values());
    }

    /** What fastjson itself takes for the properties of a class, by name. */
    private static Map<String, Map<String, Object>> properties(Class<?> owner, Set<Class<?>> reached) {
        Map<String, Map<String, Object>> properties = new TreeMap<>();
        for (FieldInfo field : JavaBeanInfo.build(owner, owner, null).fields) {
            properties.put(field.name, row("name", field.name, "type", describe(field.fieldType, reached),
                "read", true, "written", false));
        }
        for (FieldInfo field : TypeUtils.computeGetters(owner, null)) {
            Map<String, Object> entry = properties.computeIfAbsent(field.name, name ->
                row("name", name, "type", describe(field.fieldType, reached), "read", false, "written", true));
            entry.put("written", true);
        }
        return properties;
    }

    /** The enums that properties of bodies are of: they travel by name. */
    private static List<Object> enums() {
        List<Object> rows = new ArrayList<>();
        for (Class<?> one : REACHED_ENUMS.values()) {
            List<String> names = new ArrayList<>();
            for (Object constant : one.getEnumConstants()) {
                names.add(((Enum<?>) constant).name());
            }
            rows.add(row("name", one.getSimpleName(), "values", names, "java", one.getName()));
        }
        return rows;
    }

    /** A type without its packages; adds the classes of RocketMQ in it to `reached`. */
    private static String describe(Type type, Set<Class<?>> reached) {
        if (type instanceof ParameterizedType) {
            ParameterizedType generic = (ParameterizedType) type;
            List<String> arguments = new ArrayList<>();
            for (Type argument : generic.getActualTypeArguments()) {
                arguments.add(describe(argument, reached));
            }
            return describe(generic.getRawType(), reached) + "<" + String.join(", ", arguments) + ">";
        }
        if (!(type instanceof Class)) {
            return type.toString();
        }
        Class<?> one = (Class<?>) type;
        if (one.isEnum()) {
            REACHED_ENUMS.put(one.getName(), one);
            return "enum " + one.getSimpleName();
        }
        if (one.getName().startsWith(PACKAGE)) {
            reached.add(one);
        }
        return one.getSimpleName();
    }

    private static List<Object> configKeys() {
        List<Object> rows = new ArrayList<>();
        Class<?>[] owners = {BrokerConfig.class, MessageStoreConfig.class, NamesrvConfig.class,
            NettyServerConfig.class, NettyClientConfig.class};
        for (Class<?> owner : owners) {
            rows.addAll(configKeys(owner));
        }
        return rows;
    }

    /** Keys are set by the names of setters, and printed by the names of fields: mostly, not always, the same. */
    private static Collection<Object> configKeys(Class<?> owner) {
        Object fresh = newInstance(owner);
        Map<String, Object> rows = new LinkedHashMap<>();
        for (Field field : owner.getDeclaredFields()) {
            if (Modifier.isStatic(field.getModifiers())) {
                continue;
            }
            rows.put(field.getName(), row("class", owner.getSimpleName(), "key", field.getName(),
                "type", field.getType().isEnum() ? "enum" : field.getType().getSimpleName(),
                "default", text(read(field, fresh)), "settable", false, "printed", true,
                "important", field.isAnnotationPresent(ImportantField.class),
                "machine", HOST.contains(text(read(field, fresh))), "java", owner.getName()));
        }
        for (Method setter : owner.getMethods()) {
            if (!setter.getName().startsWith("set") || setter.getParameterCount() != 1) {
                continue;
            }
            String type = setter.getParameterTypes()[0].getSimpleName();
            if (!Arrays.asList("int", "long", "double", "boolean", "float", "String").contains(type)) {
                continue;
            }
            String key = setter.getName().substring(3, 4).toLowerCase() + setter.getName().substring(4);
            @SuppressWarnings("unchecked")
            Map<String, Object> entry = (Map<String, Object>) rows.computeIfAbsent(key, name ->
                row("class", owner.getSimpleName(), "key", name, "type", type,
                    "default", text(property(fresh, setter)), "settable", true, "printed", false,
                    "important", false, "machine", false, "java", owner.getName()));
            entry.put("settable", true);
        }
        return rows.values();
    }

    private static Object property(Object owner, Method setter) {
        for (String prefix : new String[] {"get", "is"}) {
            try {
                return owner.getClass().getMethod(prefix + setter.getName().substring(3)).invoke(owner);
            } catch (ReflectiveOperationException missing) {
                continue;
            }
        }
        return null;
    }

    private static String hostName() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException nameless) {
            return new BrokerConfig().getBrokerName();
        }
    }

    private static String text(Object value) {
        return value == null ? null : value.toString();
    }

    private static List<Object> commands() throws Exception {
        MQAdminStartup.initCommand();
        Field list = MQAdminStartup.class.getDeclaredField("subCommandList");
        list.setAccessible(true);
        List<Object> rows = new ArrayList<>();
        for (Object one : (List<?>) list.get(null)) {
            SubCommand command = (SubCommand) one;
            Options options = command.buildCommandlineOptions(new Options());
            Map<OptionGroup, Integer> groups = new LinkedHashMap<>();
            List<Object> optionRows = new ArrayList<>();
            for (Object each : options.getOptions()) {
                Option option = (Option) each;
                Map<String, Object> entry = row("short", option.getOpt(), "long", option.getLongOpt(),
                    "argument", option.hasArg(), "required", option.isRequired(),
                    "description", option.getDescription());
                OptionGroup group = options.getOptionGroup(option);
                if (group != null) {
                    entry.put("group", groups.computeIfAbsent(group, ignored -> groups.size() + 1));
                    entry.put("group_required", group.isRequired());
                }
                optionRows.add(entry);
            }
            rows.add(row("name", command.commandName(), "alias", command.commandAlias(),
                "description", command.commandDesc(), "options", optionRows,
                "java", command.getClass().getName()));
        }
        return rows;
    }

    private static Object newInstance(Class<?> owner) {
        try {
            Constructor<?> constructor = owner.getDeclaredConstructor();
            constructor.setAccessible(true);
            return constructor.newInstance();
        } catch (ReflectiveOperationException noDefaultConstructor) {
            return null;
        }
    }

    private static Object read(Field field, Object owner) {
        if (owner == null) {
            return null;
        }
        try {
            field.setAccessible(true);
            return field.get(owner);
        } catch (IllegalAccessException impossible) {
            throw new IllegalStateException(impossible);
        }
    }
}
