import com.azure.core.amqp.models.AmqpMessageBodyType;
import com.azure.messaging.eventhubs.EventData;
import com.azure.messaging.eventhubs.models.EventPosition;
import com.azure.messaging.eventhubs.models.SendOptions;
import java.time.Duration;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;

/** Properties of the types that the SDK can name. Of bodies it sends and gives one data section only. */
final class Contents {
    private Contents() {
    }

    static void propertyTypes() {
        Map<String, Object> sent = new TreeMap<>(Map.of(
            "boolean", true,
            "byte", (byte) -128,
            "short", (short) -32768,
            "int", Integer.MIN_VALUE,
            "long", Long.MIN_VALUE,
            "float", 0.5f,
            "double", 0.1,
            "char", 'ä',
            "uuid", UUID.fromString("00112233-4455-6677-8899-aabbccddeeff"),
            "string", "ä"));
        sent.put("timestamp", new Date(1_700_000_000_123L));
        var event = new EventData(new byte[] {0, (byte) 255});
        event.getProperties().putAll(sent);
        try (var client = Program.builder(Program.CONNECTION, Program.EMPTY_HUB).buildProducerClient();
            var consumer = Program.builder(Program.CONNECTION, Program.EMPTY_HUB).consumerGroup("$Default").buildConsumerClient()) {
            var start = EventPosition.fromSequenceNumber(client.getPartitionProperties("1").getLastEnqueuedSequenceNumber());
            client.send(List.of(event), new SendOptions().setPartitionId("1"));
            var received = consumer.receiveFromPartition("1", 1, start, Duration.ofSeconds(10)).iterator().next().getData();
            Program.expect(received.getRawAmqpMessage().getBody().getBodyType() == AmqpMessageBodyType.DATA
                && List.of(received.getBody()[0], received.getBody()[1]).equals(List.of((byte) 0, (byte) -1)), received.getBody().length);
            var got = new TreeMap<>(received.getProperties());
            Program.expect(got.equals(sent), got);
        }
    }
}
