import com.azure.messaging.eventhubs.EventData;
import com.azure.messaging.eventhubs.models.CreateBatchOptions;
import com.azure.messaging.eventhubs.models.EventPosition;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/** Sends events of 1 KB in batches of 100 to two partitions, reads them with one client, and prints both rates. */
final class Throughput {
    private Throughput() {
    }

    static void measure(int events) throws InterruptedException {
        byte[] body = "x".repeat(1000).getBytes();
        try (var client = Program.builder(Program.CONNECTION, Program.EMPTY_HUB).buildProducerClient()) {
            client.getEventHubProperties();
            long started = System.nanoTime();
            List.of("0", "1").parallelStream().forEach(partition -> {
                for (int sent = 0; sent < events / 2; sent += 100) {
                    var batch = client.createBatch(new CreateBatchOptions().setPartitionId(partition));
                    for (int index = 0; index < 100; index++) {
                        batch.tryAdd(new EventData(body));
                    }
                    client.send(batch);
                }
            });
            print("in", events, started);
        }
        var left = new CountDownLatch(events);
        try (var consumer = Program.builder(Program.CONNECTION, Program.EMPTY_HUB)
            .consumerGroup("$Default").prefetchCount(3000).buildAsyncConsumerClient()) {
            long started = System.nanoTime();
            for (String partition : List.of("0", "1")) {
                consumer.receiveFromPartition(partition, EventPosition.earliest()).subscribe(event -> left.countDown());
            }
            left.await();
            print("out", events, started);
        }
    }

    private static void print(String way, int events, long started) {
        System.out.println("rate " + way + " " + Math.round(events / ((System.nanoTime() - started) / 1e9)));
    }
}
