import com.azure.core.amqp.AmqpRetryOptions;
import com.azure.core.amqp.AmqpTransportType;
import com.azure.core.amqp.exception.AmqpErrorCondition;
import com.azure.core.amqp.exception.AmqpException;
import com.azure.messaging.eventhubs.EventData;
import com.azure.messaging.eventhubs.EventDataBatch;
import com.azure.messaging.eventhubs.EventHubClientBuilder;
import com.azure.messaging.eventhubs.EventHubConsumerAsyncClient;
import com.azure.messaging.eventhubs.EventHubProducerClient;
import com.azure.messaging.eventhubs.models.CreateBatchOptions;
import com.azure.messaging.eventhubs.models.EventPosition;
import com.azure.messaging.eventhubs.models.PartitionEvent;
import com.azure.messaging.eventhubs.models.ReceiveOptions;
import java.io.ByteArrayInputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.StreamSupport;

/** Walks the list of features (../features.ts) with the Java SDK and prints how each went. */
public final class Program {
    static final String CONNECTION = System.getenv("EMULATOR_CONNECTION");
    private static final String TLS_CONNECTION = System.getenv("EMULATOR_TLS_CONNECTION");
    private static final String HUB = System.getenv("EMULATOR_HUB");
    /** A hub with nothing in it at the start. */
    static final String EMPTY_HUB = System.getenv("EMULATOR_EMPTY_HUB");
    private static final CreateBatchOptions FIRST = new CreateBatchOptions().setPartitionId("0");

    private interface Step {
        void run() throws Exception;
    }

    private static void feature(String name, Step step) {
        try {
            CompletableFuture.runAsync(() -> {
                try {
                    step.run();
                } catch (Exception error) {
                    throw new IllegalStateException(error);
                }
            }).get(60, TimeUnit.SECONDS);
            System.out.println("works " + name);
        } catch (Exception error) {
            System.out.println("fails " + name + " " + String.valueOf(error).replace('\n', ' '));
        }
    }

    static void expect(boolean holds, Object what) {
        if (!holds) {
            throw new AssertionError("got " + what);
        }
    }

    static EventHubClientBuilder builder(String connection, String hub) {
        return new EventHubClientBuilder().connectionString(connection, hub);
    }

    private static EventHubClientBuilder impatient(EventHubClientBuilder builder) {
        return builder.retryOptions(new AmqpRetryOptions().setMaxRetries(0).setTryTimeout(Duration.ofSeconds(10)));
    }

    private static void send(EventHubProducerClient client, CreateBatchOptions options, EventData... events) {
        EventDataBatch batch = client.createBatch(options);
        for (EventData event : events) {
            expect(batch.tryAdd(event), "a full batch");
        }
        client.send(batch);
    }

    private static List<PartitionEvent> receive(String group, EventPosition start, int count) {
        try (var consumer = builder(CONNECTION, HUB).consumerGroup(group).prefetchCount(500).buildConsumerClient()) {
            var events = new ArrayList<PartitionEvent>();
            EventPosition next = start;
            while (events.size() < count) {
                var more = StreamSupport.stream(
                    consumer.receiveFromPartition("0", count - events.size(), next, Duration.ofSeconds(10)).spliterator(), false)
                    .toList();
                expect(!more.isEmpty(), events.size() + " of " + count + " events");
                events.addAll(more);
                next = EventPosition.fromSequenceNumber(events.get(events.size() - 1).getData().getSequenceNumber());
            }
            return events;
        }
    }

    private static AmqpException refused(Step step) {
        try {
            step.run();
        } catch (AmqpException error) {
            return error;
        } catch (Exception error) {
            throw new IllegalStateException(error);
        }
        throw new AssertionError("it was not refused");
    }

    /** The SDK trusts what the virtual machine trusts, so the authority goes into a store of its own. */
    private static void trustAuthority() throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        byte[] pem = Files.readAllBytes(Path.of(System.getenv("EMULATOR_CA_FILE")));
        store.setCertificateEntry("emulator",
            CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(pem)));
        Path file = Files.createTempFile("emulator", ".p12");
        file.toFile().deleteOnExit();
        try (var out = Files.newOutputStream(file)) {
            store.store(out, "changeit".toCharArray());
        }
        System.setProperty("javax.net.ssl.trustStore", file.toString());
        System.setProperty("javax.net.ssl.trustStorePassword", "changeit");
        System.setProperty("javax.net.ssl.trustStoreType", "PKCS12");
    }

    private static void sendSecurely(AmqpTransportType transport) {
        var secure = builder(TLS_CONNECTION, HUB)
            .customEndpointAddress("https://" + System.getenv("EMULATOR_TLS_ENDPOINT"))
            .transportType(transport);
        try (var client = impatient(secure).buildProducerClient()) {
            send(client, FIRST, new EventData("secure"));
        }
    }

    public static void main(String[] arguments) throws Exception {
        if (List.of(arguments).equals(List.of("throughput"))) {
            Throughput.measure(Integer.parseInt(System.getenv("EMULATOR_EVENTS")));
            System.exit(0);
        }
        trustAuthority();
        var client = builder(CONNECTION, HUB).buildProducerClient();
        feature("hub-properties", () -> {
            var properties = client.getEventHubProperties();
            expect(properties.getName().equals(HUB) && properties.getPartitionIds().stream().count() == 2, properties.getName());
        });
        feature("send-to-partition", () -> {
            var event = new EventData("first").setMessageId("id-1");
            event.getProperties().putAll(Map.of("text", "a", "long", 1L << 40, "flag", true, "double", 1.5));
            send(client, FIRST, event);
        });
        Thread.sleep(20);
        Instant middle = Instant.now();
        Thread.sleep(20);
        feature("send-batch", () -> send(client, FIRST, new EventData("second"), new EventData("third"), new EventData("fourth")));
        feature("partition-key", () -> {
            long[] before = counts(client);
            for (int sent = 0; sent < 4; sent++) {
                send(client, new CreateBatchOptions().setPartitionKey("key"), new EventData("keyed"));
            }
            long[] after = counts(client);
            long first = after[0] - before[0];
            long second = after[1] - before[1];
            expect(first + second == 4 && first * second == 0, first + " and " + second);
        });
        feature("partition-properties", () -> {
            var properties = client.getPartitionProperties("0");
            expect(properties.getLastEnqueuedSequenceNumber() >= 3 && !properties.isEmpty(), properties.getLastEnqueuedSequenceNumber());
        });
        feature("receive", () -> {
            var events = receive("$Default", EventPosition.earliest(), 4);
            var first = events.get(0).getData();
            expect(first.getBodyAsString().equals("first") && first.getSequenceNumber() == 0 && first.getEnqueuedTime() != null
                && "id-1".equals(first.getMessageId()) && first.getProperties().get("long").equals(1L << 40)
                && first.getProperties().get("flag").equals(true), first.getProperties());
            expect(events.get(3).getData().getBodyAsString().equals("fourth"), events.get(3).getData().getBodyAsString());
        });
        feature("start-at-sequence-number", () -> {
            long number = receive("$Default", EventPosition.fromSequenceNumber(1), 1).get(0).getData().getSequenceNumber();
            expect(number == 2, number);
        });
        feature("start-at-offset", () -> {
            String offset = receive("$Default", EventPosition.earliest(), 2).get(0).getData().getOffsetString();
            long number = receive("$Default", EventPosition.fromOffsetString(offset), 1).get(0).getData().getSequenceNumber();
            expect(number == 1, number);
        });
        feature("start-at-time", () -> {
            String body = receive("$Default", EventPosition.fromEnqueuedTime(middle), 1).get(0).getData().getBodyAsString();
            expect(body.equals("second"), body);
        });
        feature("consumer-group", () -> {
            String body = receive("other", EventPosition.earliest(), 1).get(0).getData().getBodyAsString();
            expect(body.equals("first"), body);
        });
        feature("owner-level", Program::ownerLevel);
        feature("many-events", () -> {
            for (int sent = 0; sent < 20; sent++) {
                var events = new EventData[100];
                for (int index = 0; index < events.length; index++) {
                    events[index] = new EventData("x".repeat(1000));
                }
                send(client, FIRST, events);
            }
            receive("$Default", EventPosition.earliest(), 2004);
        });
        feature("too-large", () -> {
            var error = refused(() -> client.send(List.of(new EventData("x".repeat(2 * 1024 * 1024)))));
            expect(error.getErrorCondition() == AmqpErrorCondition.LINK_PAYLOAD_SIZE_EXCEEDED, error);
        });
        feature("throttled", () -> {
            HttpClient.newHttpClient().send(
                HttpRequest.newBuilder(URI.create("http://" + System.getenv("EMULATOR_CONTROL") + "/throttle")).build(),
                HttpResponse.BodyHandlers.discarding());
            send(client, FIRST, new EventData("throttled"));
        });
        feature("wrong-key", () -> {
            String wrong = CONNECTION.replaceAll("SharedAccessKey=[^;]*", "SharedAccessKey=d3Jvbmc=");
            try (var stranger = impatient(builder(wrong, HUB)).buildProducerClient()) {
                var error = refused(() -> send(stranger, FIRST, new EventData("x")));
                expect(error.getErrorCondition() == AmqpErrorCondition.UNAUTHORIZED_ACCESS, error);
            }
        });
        feature("unknown-hub", () -> {
            try (var lost = impatient(builder(CONNECTION, "nowhere")).buildProducerClient()) {
                var error = refused(() -> send(lost, FIRST, new EventData("x")));
                expect(error.getErrorCondition() == AmqpErrorCondition.NOT_FOUND, error);
            }
        });
        feature("tls", () -> sendSecurely(AmqpTransportType.AMQP));
        feature("websocket", () -> sendSecurely(AmqpTransportType.AMQP_WEB_SOCKETS));
        feature("processor", Processors::goesOn);
        feature("processors-share", Processors::share);
        feature("buffered-producer", Processors::buffered);
        System.out.println("lacks body-kinds");
        feature("property-types", Contents::propertyTypes);
        client.close();
        System.exit(0);
    }

    private static long[] counts(EventHubProducerClient client) {
        return new long[] {
            client.getPartitionProperties("0").getLastEnqueuedSequenceNumber(),
            client.getPartitionProperties("1").getLastEnqueuedSequenceNumber(),
        };
    }

    private static void ownerLevel() throws Exception {
        EventHubConsumerAsyncClient low = impatient(builder(CONNECTION, HUB)).consumerGroup("$Default").buildAsyncConsumerClient();
        EventHubConsumerAsyncClient high = builder(CONNECTION, HUB).consumerGroup("$Default").buildAsyncConsumerClient();
        var reading = new CompletableFuture<Void>();
        var lost = new CompletableFuture<Throwable>();
        low.receiveFromPartition("0", EventPosition.earliest(), new ReceiveOptions().setOwnerLevel(1L))
            .subscribe(event -> reading.complete(null), lost::complete);
        reading.get(10, TimeUnit.SECONDS);
        var other = high.receiveFromPartition("0", EventPosition.earliest(), new ReceiveOptions().setOwnerLevel(2L)).subscribe();
        Throwable error = lost.get(15, TimeUnit.SECONDS);
        other.dispose();
        low.close();
        high.close();
        expect(error instanceof AmqpException stolen && stolen.getErrorCondition() == AmqpErrorCondition.LINK_STOLEN, error);
    }
}
