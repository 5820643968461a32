import threading
import time

from azure.eventhub import EventData, EventHubConsumerClient, EventHubProducerClient

from harness import CONNECTION, EMPTY_HUB


def measure_throughput(events):
    """Sends events of 1 KB in batches of 100 to two partitions, reads them with one client, and prints both rates."""
    body = b"x" * 1000
    with EventHubProducerClient.from_connection_string(CONNECTION, eventhub_name=EMPTY_HUB) as client:
        client.get_eventhub_properties()
        started = time.monotonic()
        for sent in range(0, events, 100):
            batch = client.create_batch(partition_id=str(sent // 100 % 2))
            for _ in range(100):
                batch.add(EventData(body))
            client.send_batch(batch)
        print(f"rate in {round(events / (time.monotonic() - started))}", flush=True)

    received, done = [0], threading.Event()

    def on_batch(_, batch):
        received[0] += len(batch)
        if received[0] >= events:
            done.set()

    consumer = EventHubConsumerClient.from_connection_string(CONNECTION, "$Default", eventhub_name=EMPTY_HUB)
    arguments = {"on_event_batch": on_batch, "starting_position": "-1", "max_batch_size": 1000, "prefetch": 3000}
    started = time.monotonic()
    threading.Thread(target=consumer.receive_batch, kwargs=arguments, daemon=True).start()
    done.wait()
    print(f"rate out {round(events / (time.monotonic() - started))}", flush=True)
    consumer.close()
