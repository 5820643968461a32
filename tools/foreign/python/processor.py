"""Processors, that is consumers with a checkpoint store, and buffered producers."""

import threading
import time
import uuid

from azure.eventhub import CheckpointStore, EventData, EventHubConsumerClient, EventHubProducerClient, LoadBalancingStrategy

from harness import CONNECTION, EMPTY_HUB


class MemoryStore(CheckpointStore):
    def __init__(self):
        self.owners, self.checkpoints, self.lock = {}, {}, threading.Lock()

    def list_ownership(self, *_, **__):
        return list(self.owners.values())

    def claim_ownership(self, ownership_list, **_):
        claimed = []
        with self.lock:
            for claim in ownership_list:
                if self.owners.get(claim["partition_id"], {}).get("etag") == claim.get("etag"):
                    owned = {**claim, "etag": str(uuid.uuid4()), "last_modified_time": time.time()}
                    self.owners[claim["partition_id"]] = owned
                    claimed.append(owned)
        return claimed

    def update_checkpoint(self, checkpoint, **_):
        self.checkpoints[checkpoint["partition_id"]] = checkpoint

    def list_checkpoints(self, *_, **__):
        return list(self.checkpoints.values())


class Processor:
    """Notes bodies with their partitions, and writes a checkpoint after each event."""

    def __init__(self, store):
        self.seen, self.errors = [], []
        self.client = EventHubConsumerClient.from_connection_string(
            CONNECTION,
            "$Default",
            eventhub_name=EMPTY_HUB,
            checkpoint_store=store,
            load_balancing_interval=0.3,
            load_balancing_strategy=LoadBalancingStrategy.GREEDY,
        )
        arguments = {"on_event": self.on_event, "on_error": self.on_error, "starting_position": "-1"}
        self.thread = threading.Thread(target=self.client.receive, kwargs=arguments, daemon=True)
        self.thread.start()

    def on_event(self, context, event):
        self.seen.append(f"{context.partition_id} {event.body_as_str()}")
        context.update_checkpoint(event)

    def on_error(self, _, error):
        self.errors.append(error)

    def wait(self, holds):
        wait_until(lambda: self.errors or holds(self.seen), self)
        assert not self.errors, self.errors

    def stop(self):
        self.client.close()
        self.thread.join(10)


def wait_until(holds, what=None, seconds=25):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"it took longer than {seconds} seconds: {getattr(what, 'seen', what)}"
        time.sleep(0.02)


def send_to_both(bodies):
    with EventHubProducerClient.from_connection_string(CONNECTION, eventhub_name=EMPTY_HUB) as client:
        for partition_id in "01":
            client.send_batch([EventData(body) for body in bodies], partition_id=partition_id)


def processor():
    store = MemoryStore()
    send_to_both(["a", "b", "c"])
    first = Processor(store)
    first.wait(lambda seen: len(seen) >= 6)
    first.stop()
    send_to_both(["d"])
    second = Processor(store)
    second.wait(lambda seen: len(seen) >= 2)
    second.stop()
    assert sorted(second.seen) == ["0 d", "1 d"], second.seen


def processors_share():
    """Each round sends one event to each partition, until each processor gets one of them."""
    store = MemoryStore()
    processors = [Processor(store), Processor(store)]
    for number in range(40):
        body = f"shared {number}"
        send_to_both([body])
        for _ in range(100):
            got = sorted([seen for seen in each.seen if seen.endswith(body)] for each in processors)
            if len(got[0] + got[1]) >= 2:
                break
            time.sleep(0.03)
        if got == [[f"0 {body}"], [f"1 {body}"]]:
            break
    for each in processors:
        each.stop()
    assert got == [[f"0 {body}"], [f"1 {body}"]], [each.seen for each in processors]


def buffered_producer():
    failed = []
    client = EventHubProducerClient.from_connection_string(
        CONNECTION,
        eventhub_name=EMPTY_HUB,
        buffered_mode=True,
        on_success=lambda *_: None,
        on_error=lambda *arguments: failed.append(arguments),
    )
    last = lambda: client.get_partition_properties("0")["last_enqueued_sequence_number"]
    with client:
        before = last()
        for _ in range(200):
            client.send_event(EventData("buffered"), partition_id="0")
        client.flush(timeout=20)
        sent = last() - before
    assert sent == 200 and not failed, (sent, failed)
