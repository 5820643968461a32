"""Walks the list of features (../features.ts) with the asynchronous half of the Python SDK and prints how each went."""

import asyncio
import contextlib
import datetime
import os
import re
import sys
import time
import urllib.request
import uuid

from azure.eventhub import EventData, LoadBalancingStrategy, TransportType
from azure.eventhub.aio import CheckpointStore, EventHubConsumerClient, EventHubProducerClient
from azure.eventhub.exceptions import AuthenticationError, EventHubError

from contents import bodies, check_bodies, check_properties, typed_event
from harness import CONNECTION, EMPTY_HUB, HUB, print_outcome

TLS_CONNECTION = os.environ["EMULATOR_TLS_CONNECTION"]
TLS_ENDPOINT = os.environ["EMULATOR_TLS_ENDPOINT"]
NO_RETRIES = {"retry_total": 0}


async def feature(name, run):
    try:
        await asyncio.wait_for(run(), 40)
        print_outcome(name)
    except Exception as error:  # Whatever went wrong, the next feature is tried.
        print_outcome(name, error)


def producer(connection=CONNECTION, hub=HUB, **options):
    return EventHubProducerClient.from_connection_string(connection, eventhub_name=hub, **options)


async def send(client, events, **options):
    batch = await client.create_batch(**options)
    for event in events:
        batch.add(EventData(event) if isinstance(event, (str, bytes)) else event)
    await client.send_batch(batch)


class Reader:
    """Receives in the background. With a checkpoint store it is a processor, which notes each event in the store."""

    def __init__(self, hub=HUB, group="$Default", store=None, options=None, **arguments):
        self.events, self.seen, self.errors = [], [], []
        self.store = store
        self.client = EventHubConsumerClient.from_connection_string(
            CONNECTION, group, eventhub_name=hub, checkpoint_store=store, **(options or {})
        )
        receiving = self.client.receive(on_event=self.on_event, on_error=self.on_error, **arguments)
        self.task = asyncio.create_task(receiving)

    async def on_event(self, context, event):
        self.events.append(event)
        if self.store is not None:
            self.seen.append(f"{context.partition_id} {event.body_as_str()}")
            await context.update_checkpoint(event)

    async def on_error(self, _, error):
        self.errors.append(error)

    async def wait(self, count, seconds=30):
        end = time.monotonic() + seconds
        while len(self.events) < count and not self.errors:
            assert time.monotonic() < end, f"{len(self.events)} of {count} events came"
            await asyncio.sleep(0.02)
        if self.errors:
            raise self.errors[0]
        return self.events

    async def stop(self):
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task
        await self.client.close()


async def receive(count, start, inclusive=False, hub=HUB, partition="0", **options):
    """Gives the first events of the partition from there on."""
    reader = Reader(
        hub, partition_id=partition, starting_position=start, starting_position_inclusive=inclusive, **options
    )
    try:
        return await reader.wait(count)
    finally:
        await reader.stop()


async def hub_properties():
    properties = await client.get_eventhub_properties()
    assert properties["eventhub_name"] == HUB and properties["partition_ids"] == ["0", "1"], properties


async def send_to_partition():
    event = typed_event()
    event.message_id = "id-1"
    await send(client, [event], partition_id="0")


async def partition_key():
    async def counts():
        return [(await client.get_partition_properties(id))["last_enqueued_sequence_number"] for id in "01"]

    before = await counts()
    for _ in range(4):
        await send(client, ["keyed"], partition_key="key")
    more = [after - earlier for after, earlier in zip(await counts(), before)]
    assert sorted(more) == [0, 4], f"the key went to both partitions: {more}"


async def partition_properties():
    properties = await client.get_partition_properties("0")
    assert properties["last_enqueued_sequence_number"] >= 3 and not properties["is_empty"], properties


async def check_receive():
    events = await receive(4, "-1")
    first = events[0]
    assert first.body_as_str() == "typed" and first.sequence_number == 0 and first.enqueued_time, first
    assert first.message_id == "id-1", first.message_id
    check_properties(events)
    assert events[3].body_as_str() == "fourth", events[3]


async def start_at_sequence_number():
    assert (await receive(1, 1))[0].sequence_number == 2


async def start_at_offset():
    offset = (await receive(2, "-1"))[1].offset
    assert (await receive(1, offset, inclusive=True))[0].sequence_number == 1


async def start_at_time():
    assert (await receive(1, middle))[0].body_as_str() == "second"


async def consumer_group():
    assert (await receive(1, "-1", group="other"))[0].body_as_str() == "typed"


async def owner_level():
    low = Reader(partition_id="0", starting_position="-1", owner_level=1, options=NO_RETRIES)
    await low.wait(1)
    high = Reader(partition_id="0", starting_position="-1", owner_level=2)
    await high.wait(1)
    while not low.errors:
        await asyncio.sleep(0.02)
    await low.stop()
    await high.stop()
    assert "stolen" in str(low.errors[0]), low.errors


async def many_events():
    for _ in range(20):
        await send(client, ["x" * 1000] * 100, partition_id="0")
    await receive(2004, "-1", prefetch=500)


async def too_large():
    try:
        await client.send_event(EventData("x" * 2 * 1024 * 1024), partition_id="0")
    except (ValueError, EventHubError) as error:
        assert "size" in str(error) or "exceed" in str(error), error
        return
    raise AssertionError("it was not refused")


async def throttled():
    urllib.request.urlopen(f"http://{os.environ['EMULATOR_CONTROL']}/throttle").close()
    await send(client, ["throttled"], partition_id="0")


async def wrong_key():
    wrong = re.sub("SharedAccessKey=[^;]*", "SharedAccessKey=d3Jvbmc=", CONNECTION)
    async with producer(wrong, **NO_RETRIES) as stranger:
        try:
            await stranger.send_event(EventData("x"), partition_id="0")
        except AuthenticationError:
            return
    raise AssertionError("it was not refused")


async def unknown_hub():
    async with producer(hub="nowhere", **NO_RETRIES) as lost:
        try:
            await lost.send_event(EventData("x"), partition_id="0")
        except EventHubError as error:
            assert "NotFound" in str(error), error
            return
    raise AssertionError("it was found")


async def secure(**options):
    options["custom_endpoint_address"] = f"sb://{TLS_ENDPOINT}"
    async with producer(TLS_CONNECTION, connection_verify=os.environ["EMULATOR_CA_FILE"], **options) as far:
        await send(far, ["secure"], partition_id="0")


class MemoryStore(CheckpointStore):
    def __init__(self):
        self.owners, self.checkpoints = {}, {}

    async def list_ownership(self, *_, **__):
        return list(self.owners.values())

    async def claim_ownership(self, ownership_list, **_):
        claimed = []
        for claim in ownership_list:
            if self.owners.get(claim["partition_id"], {}).get("etag") == claim.get("etag"):
                owned = {**claim, "etag": str(uuid.uuid4()), "last_modified_time": time.time()}
                self.owners[claim["partition_id"]] = owned
                claimed.append(owned)
        return claimed

    async def update_checkpoint(self, checkpoint, **_):
        self.checkpoints[checkpoint["partition_id"]] = checkpoint

    async def list_checkpoints(self, *_, **__):
        return list(self.checkpoints.values())


def start_processor(store):
    options = {"load_balancing_interval": 0.3, "load_balancing_strategy": LoadBalancingStrategy.GREEDY}
    return Reader(EMPTY_HUB, store=store, options=options, starting_position="-1")


async def send_to_both(bodies):
    async with producer(hub=EMPTY_HUB) as client:
        for partition_id in "01":
            await send(client, bodies, partition_id=partition_id)


async def processor():
    store = MemoryStore()
    await send_to_both(["a", "b", "c"])
    first = start_processor(store)
    await first.wait(6)
    await first.stop()
    await send_to_both(["d"])
    second = start_processor(store)
    await second.wait(2)
    await second.stop()
    assert sorted(second.seen) == ["0 d", "1 d"], second.seen


async def processors_share():
    """Each round sends one event to each partition, until each processor gets one of them."""
    store = MemoryStore()
    processors = [start_processor(store), start_processor(store)]
    got, body, number = None, "", 0
    while got != [[f"0 {body}"], [f"1 {body}"]]:
        body, number = f"shared {number}", number + 1
        await send_to_both([body])
        for _ in range(100):
            got = sorted([seen for seen in each.seen if seen.endswith(body)] for each in processors)
            if len(got[0] + got[1]) >= 2:
                break
            await asyncio.sleep(0.03)
    for each in processors:
        await each.stop()


async def buffered_producer():
    failed = []

    async def on_success(*_):
        pass

    async def on_error(*arguments):
        failed.append(arguments)

    buffered = producer(hub=EMPTY_HUB, buffered_mode=True, on_success=on_success, on_error=on_error)
    async with buffered:
        before = (await buffered.get_partition_properties("0"))["last_enqueued_sequence_number"]
        for _ in range(200):
            await buffered.send_event(EventData("buffered"), partition_id="0")
        await buffered.flush(timeout=20)
        sent = (await buffered.get_partition_properties("0"))["last_enqueued_sequence_number"] - before
    assert sent == 200 and not failed, (sent, failed)


async def round_trip(events):
    async with producer(hub=EMPTY_HUB) as client:
        start = (await client.get_partition_properties("1"))["last_enqueued_sequence_number"]
        for event in events:
            await client.send_batch([event], partition_id="1")
    return await receive(len(events), start, hub=EMPTY_HUB, partition="1")


async def body_kinds():
    check_bodies(await round_trip(bodies()))


async def property_types():
    check_properties(await round_trip([typed_event()]))


async def measure_throughput(events):
    """Sends events of 1 KB in batches of 100 to two partitions, reads them with one client, and prints both rates."""
    async with producer(hub=EMPTY_HUB) as client:
        await client.get_eventhub_properties()
        started = time.monotonic()
        for sent in range(0, events, 100):
            await send(client, [b"x" * 1000] * 100, partition_id=str(sent // 100 % 2))
        print(f"rate in {round(events / (time.monotonic() - started))}", flush=True)
    received, done = [0], asyncio.Event()

    async def on_batch(_, batch):
        received[0] += len(batch)
        if received[0] >= events:
            done.set()

    consumer = EventHubConsumerClient.from_connection_string(CONNECTION, "$Default", eventhub_name=EMPTY_HUB)
    started = time.monotonic()
    receiving = consumer.receive_batch(on_batch, starting_position="-1", max_batch_size=1000, prefetch=3000)
    task = asyncio.create_task(receiving)
    await done.wait()
    print(f"rate out {round(events / (time.monotonic() - started))}", flush=True)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await consumer.close()


async def main():
    global client, middle
    if sys.argv[1:] == ["throughput"]:
        return await measure_throughput(int(os.environ["EMULATOR_EVENTS"]))
    async with producer() as client:
        await feature("hub-properties", hub_properties)
        await feature("send-to-partition", send_to_partition)
        await asyncio.sleep(0.02)
        middle = datetime.datetime.now(datetime.timezone.utc)
        await asyncio.sleep(0.02)
        await feature("send-batch", lambda: send(client, ["second", "third", "fourth"], partition_id="0"))
        await feature("partition-key", partition_key)
        await feature("partition-properties", partition_properties)
        await feature("receive", check_receive)
        await feature("start-at-sequence-number", start_at_sequence_number)
        await feature("start-at-offset", start_at_offset)
        await feature("start-at-time", start_at_time)
        await feature("consumer-group", consumer_group)
        await feature("owner-level", owner_level)
        await feature("many-events", many_events)
        await feature("too-large", too_large)
        await feature("throttled", throttled)
        await feature("wrong-key", wrong_key)
        await feature("unknown-hub", unknown_hub)
        await feature("tls", secure)
        await feature("websocket", lambda: secure(transport_type=TransportType.AmqpOverWebsocket))
        await feature("processor", processor)
        await feature("processors-share", processors_share)
        await feature("buffered-producer", buffered_producer)
        await feature("body-kinds", body_kinds)
        await feature("property-types", property_types)


asyncio.run(main())
