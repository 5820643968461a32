import com.azure.messaging.eventhubs.CheckpointStore;
import com.azure.messaging.eventhubs.EventData;
import com.azure.messaging.eventhubs.EventHubBufferedProducerClientBuilder;
import com.azure.messaging.eventhubs.EventHubClientBuilder;
import com.azure.messaging.eventhubs.EventProcessorClient;
import com.azure.messaging.eventhubs.EventProcessorClientBuilder;
import com.azure.messaging.eventhubs.LoadBalancingStrategy;
import com.azure.messaging.eventhubs.models.Checkpoint;
import com.azure.messaging.eventhubs.models.EventPosition;
import com.azure.messaging.eventhubs.models.PartitionOwnership;
import com.azure.messaging.eventhubs.models.SendOptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Processors, that is consumers with a checkpoint store, and buffered producers. */
final class Processors {
    /** Owners and checkpoints of one hub and one consumer group. */
    private static final class MemoryStore implements CheckpointStore {
        private final Map<String, PartitionOwnership> owners = new ConcurrentHashMap<>();
        private final Map<String, Checkpoint> checkpoints = new ConcurrentHashMap<>();

        @Override
        public Flux<PartitionOwnership> listOwnership(String namespace, String hub, String group) {
            return Flux.fromIterable(List.copyOf(owners.values()));
        }

        @Override
        public synchronized Flux<PartitionOwnership> claimOwnership(List<PartitionOwnership> claims) {
            var claimed = new ArrayList<PartitionOwnership>();
            for (PartitionOwnership claim : claims) {
                PartitionOwnership owner = owners.get(claim.getPartitionId());
                if (owner == null || Objects.equals(owner.getETag(), claim.getETag())) {
                    claim.setETag(UUID.randomUUID().toString()).setLastModifiedTime(System.currentTimeMillis());
                    owners.put(claim.getPartitionId(), claim);
                    claimed.add(claim);
                }
            }
            return Flux.fromIterable(claimed);
        }

        @Override
        public Flux<Checkpoint> listCheckpoints(String namespace, String hub, String group) {
            return Flux.fromIterable(List.copyOf(checkpoints.values()));
        }

        @Override
        public Mono<Void> updateCheckpoint(Checkpoint checkpoint) {
            checkpoints.put(checkpoint.getPartitionId(), checkpoint);
            return Mono.empty();
        }
    }

    /** Notes bodies with their partitions, and writes a checkpoint after each event. */
    private static final class Running implements AutoCloseable {
        final List<String> seen = new CopyOnWriteArrayList<>();
        private final List<Throwable> errors = new CopyOnWriteArrayList<>();
        private final EventProcessorClient client;

        Running(CheckpointStore store) {
            client = new EventProcessorClientBuilder()
                .connectionString(Program.CONNECTION, Program.EMPTY_HUB)
                .consumerGroup(EventHubClientBuilder.DEFAULT_CONSUMER_GROUP_NAME)
                .checkpointStore(store)
                .loadBalancingStrategy(LoadBalancingStrategy.BALANCED)
                .loadBalancingUpdateInterval(Duration.ofMillis(500))
                .initialPartitionEventPosition(partition -> EventPosition.earliest())
                .processEvent(context -> {
                    seen.add(context.getPartitionContext().getPartitionId() + " " + context.getEventData().getBodyAsString());
                    context.updateCheckpoint();
                })
                .processError(context -> errors.add(context.getThrowable()))
                .buildEventProcessorClient();
            client.start();
        }

        void await(BooleanSupplier holds) throws InterruptedException {
            Processors.await(() -> !errors.isEmpty() || holds.getAsBoolean());
            Program.expect(errors.isEmpty(), errors);
        }

        @Override
        public void close() {
            client.stop();
        }
    }

    private Processors() {
    }

    private static void await(BooleanSupplier holds) throws InterruptedException {
        while (!holds.getAsBoolean()) {
            Thread.sleep(20);
        }
    }

    private static void sendToBoth(String... bodies) {
        try (var client = Program.builder(Program.CONNECTION, Program.EMPTY_HUB).buildProducerClient()) {
            for (String partition : List.of("0", "1")) {
                client.send(List.of(bodies).stream().map(EventData::new).toList(), new SendOptions().setPartitionId(partition));
            }
        }
    }

    static void goesOn() throws InterruptedException {
        var store = new MemoryStore();
        sendToBoth("a", "b", "c");
        try (var first = new Running(store)) {
            first.await(() -> first.seen.size() >= 6);
        }
        sendToBoth("d");
        try (var second = new Running(store)) {
            second.await(() -> second.seen.size() >= 2);
            Program.expect(second.seen.stream().sorted().toList().equals(List.of("0 d", "1 d")), second.seen);
        }
    }

    /** Each round sends one event to each partition, until each processor gets one of them. */
    static void share() throws InterruptedException {
        var store = new MemoryStore();
        try (var one = new Running(store); var other = new Running(store)) {
            boolean isShared = false;
            for (int round = 0; !isShared; round++) {
                String body = "shared " + round;
                sendToBoth(body);
                List<String> got = List.of();
                for (int waits = 0; waits < 100 && got.stream().mapToInt(each -> each.split(body, -1).length - 1).sum() < 2; waits++) {
                    Thread.sleep(30);
                    got = Stream.of(one, other)
                        .map(running -> running.seen.stream().filter(seen -> seen.endsWith(body)).collect(Collectors.joining(" and ")))
                        .sorted().toList();
                }
                isShared = got.equals(List.of("0 " + body, "1 " + body));
            }
        }
    }

    static void buffered() throws Exception {
        var failed = new CopyOnWriteArrayList<Throwable>();
        try (var properties = Program.builder(Program.CONNECTION, Program.EMPTY_HUB).buildProducerClient();
            var client = new EventHubBufferedProducerClientBuilder()
                .connectionString(Program.CONNECTION, Program.EMPTY_HUB)
                .onSendBatchSucceeded(batch -> { })
                .onSendBatchFailed(batch -> failed.add(batch.getThrowable()))
                .buildClient()) {
            long before = properties.getPartitionProperties("0").getLastEnqueuedSequenceNumber();
            for (int sent = 0; sent < 200; sent++) {
                client.enqueueEvent(new EventData("buffered"), new SendOptions().setPartitionId("0"));
            }
            client.flush();
            long sent = properties.getPartitionProperties("0").getLastEnqueuedSequenceNumber() - before;
            Program.expect(sent == 200 && failed.isEmpty(), sent + " " + failed);
        }
    }
}
