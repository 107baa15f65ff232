import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;

/** Prints what came back of the messages that it sent. ROCKETPY_IMAGE names the image. */
public class Recipe {
    public static void main(String[] arguments) throws Exception {
        try (RocketMQContainer rocketmq = new RocketMQContainer(System.getenv("ROCKETPY_IMAGE"))) {
            rocketmq.start();
            rocketmq.createTopic("orders");
            DefaultMQProducer producer = new DefaultMQProducer("shop");
            producer.setNamesrvAddr(rocketmq.getNamesrvAddress());
            producer.setSendMsgTimeout(60_000);
            producer.start();
            producer.send(new Message("orders", "now".getBytes("UTF-8")));
            Message delayed = new Message("orders", "later".getBytes("UTF-8"));
            delayed.setDelayTimeLevel(1);
            producer.send(delayed);

            BlockingQueue<String> received = new LinkedBlockingQueue<>();
            DefaultMQPushConsumer consumer = new DefaultMQPushConsumer("stock");
            consumer.setNamesrvAddr(rocketmq.getNamesrvAddress());
            consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
            consumer.subscribe("orders", "*");
            consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
                messages.forEach(message -> received.add(new String(message.getBody())));
                return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            });
            consumer.start();
            System.out.println(received.poll(60, TimeUnit.SECONDS));
            System.out.println(received.poll(60, TimeUnit.SECONDS));
            consumer.shutdown();
            producer.shutdown();
        }
    }
}
