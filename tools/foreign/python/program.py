"""Walks the list of features (../features.ts) with the Python SDK and prints how each went."""

import datetime
import os
import re
import sys
import threading
import time
import urllib.request

from azure.eventhub import EventData, EventHubConsumerClient, EventHubProducerClient, TransportType
from azure.eventhub.exceptions import AuthenticationError, ConnectError, ConnectionLostError, EventHubError

from contents import body_kinds, property_types
from harness import CONNECTION, HUB, feature
from processor import buffered_producer, processor, processors_share
from throughput import measure_throughput

TLS_CONNECTION = os.environ["EMULATOR_TLS_CONNECTION"]
TLS_ENDPOINT = os.environ["EMULATOR_TLS_ENDPOINT"]
NO_RETRIES = {"retry_total": 0}


def producer(connection=CONNECTION, hub=HUB, **options):
    return EventHubProducerClient.from_connection_string(connection, eventhub_name=hub, **options)


def send(client, bodies, **options):
    batch = client.create_batch(**options)
    for body in bodies:
        batch.add(body if isinstance(body, EventData) else EventData(body))
    client.send_batch(batch)


def receive(count, start, group="$Default", inclusive=False, seconds=15, connection=CONNECTION, **options):
    """Gives the first events of partition 0 from there on."""
    consumer = EventHubConsumerClient.from_connection_string(connection, group, eventhub_name=HUB, **options)
    events, errors = [], []

    def on_event(_, event):
        events.append(event)
        if len(events) >= count:
            done.set()

    def on_error(_, error):
        errors.append(error)
        done.set()

    done = threading.Event()
    arguments = {
        "on_event": on_event,
        "on_error": on_error,
        "partition_id": "0",
        "starting_position": start,
        "starting_position_inclusive": inclusive,
    }
    thread = threading.Thread(target=consumer.receive, kwargs=arguments, daemon=True)
    thread.start()
    done.wait(seconds)
    consumer.close()
    thread.join(5)
    if errors:
        raise errors[0]
    assert len(events) >= count, f"{len(events)} of {count} events came"
    return events


def hub_properties():
    properties = client.get_eventhub_properties()
    assert properties["eventhub_name"] == HUB and properties["partition_ids"] == ["0", "1"], properties


def send_to_partition():
    event = EventData("first")
    event.properties = {"text": "a", "int": 1 << 20, "flag": True, "double": 1.5}
    event.message_id = "id-1"
    send(client, [event], partition_id="0")


def partition_key():
    counts = lambda: [client.get_partition_properties(id)["last_enqueued_sequence_number"] for id in "01"]
    before = counts()
    for _ in range(4):
        send(client, ["keyed"], partition_key="key")
    more = [after - earlier for after, earlier in zip(counts(), before)]
    assert sorted(more) == [0, 4], f"the key went to both partitions: {more}"


def partition_properties():
    properties = client.get_partition_properties("0")
    assert properties["last_enqueued_sequence_number"] >= 3 and not properties["is_empty"], properties


def check_receive():
    events = receive(4, "-1")
    first = events[0]
    assert first.body_as_str() == "first" and first.sequence_number == 0 and first.enqueued_time, first
    assert first.message_id == "id-1", first.message_id
    assert first.properties[b"int"] == 1 << 20 and first.properties[b"flag"] is True, first.properties
    assert events[3].body_as_str() == "fourth", events[3]


def start_at_sequence_number():
    assert receive(1, 1)[0].sequence_number == 2


def start_at_offset():
    offset = receive(2, "-1")[1].offset
    assert receive(1, offset, inclusive=True)[0].sequence_number == 1


def start_at_time():
    assert receive(1, middle)[0].body_as_str() == "second"


def consumer_group():
    assert receive(1, "-1", group="other")[0].body_as_str() == "first"


def owner_level():
    consumer = EventHubConsumerClient.from_connection_string(CONNECTION, "$Default", eventhub_name=HUB, **NO_RETRIES)
    reading, lost, errors = threading.Event(), threading.Event(), []

    def on_error(_, error):
        errors.append(error)
        lost.set()

    arguments = {
        "on_event": lambda *_: reading.set(),
        "on_error": on_error,
        "partition_id": "0",
        "starting_position": "-1",
        "owner_level": 1,
    }
    threading.Thread(target=consumer.receive, kwargs=arguments, daemon=True).start()
    assert reading.wait(10), "the reader with the lower level got nothing"
    other = EventHubConsumerClient.from_connection_string(CONNECTION, "$Default", eventhub_name=HUB)
    high = {"on_event": lambda *_: None, "partition_id": "0", "starting_position": "-1", "owner_level": 2}
    threading.Thread(target=other.receive, kwargs=high, daemon=True).start()
    assert lost.wait(15), "the reader with the lower level was not told"
    other.close()
    consumer.close()
    assert isinstance(errors[0], (ConnectionLostError, ConnectError, EventHubError)) and "stolen" in str(errors[0]), errors


def many_events():
    for _ in range(20):
        send(client, ["x" * 1000] * 100, partition_id="0")
    receive(2004, "-1", seconds=30, prefetch=500)


def too_large():
    try:
        client.send_event(EventData("x" * 2 * 1024 * 1024), partition_id="0")
    except (ValueError, EventHubError) as error:
        assert "size" in str(error) or "exceed" in str(error), error
        return
    raise AssertionError("it was not refused")


def throttled():
    urllib.request.urlopen(f"http://{os.environ['EMULATOR_CONTROL']}/throttle").close()
    send(client, ["throttled"], partition_id="0")


def wrong_key():
    wrong = re.sub("SharedAccessKey=[^;]*", "SharedAccessKey=d3Jvbmc=", CONNECTION)
    with producer(wrong, **NO_RETRIES) as stranger:
        try:
            stranger.send_event(EventData("x"), partition_id="0")
        except AuthenticationError:
            return  # The SDK leaves out why, when the reply names an error condition.
    raise AssertionError("it was not refused")


def unknown_hub():
    with producer(hub="nowhere", **NO_RETRIES) as lost:
        try:
            lost.send_event(EventData("x"), partition_id="0")
        except EventHubError as error:
            assert "NotFound" in str(error), error
            return
    raise AssertionError("it was found")


def secure(**options):
    with producer(TLS_CONNECTION, connection_verify=os.environ["EMULATOR_CA_FILE"], **options) as client:
        send(client, ["secure"], partition_id="0")


if sys.argv[1:] == ["throughput"]:
    measure_throughput(int(os.environ["EMULATOR_EVENTS"]))
    sys.exit()

with producer() as client:
    feature("hub-properties", hub_properties)
    feature("send-to-partition", send_to_partition)
    time.sleep(0.02)
    middle = datetime.datetime.now(datetime.timezone.utc)
    time.sleep(0.02)
    feature("send-batch", lambda: send(client, ["second", "third", "fourth"], partition_id="0"))
    feature("partition-key", partition_key)
    feature("partition-properties", partition_properties)
    feature("receive", check_receive)
    feature("start-at-sequence-number", start_at_sequence_number)
    feature("start-at-offset", start_at_offset)
    feature("start-at-time", start_at_time)
    feature("consumer-group", consumer_group)
    feature("owner-level", owner_level)
    feature("many-events", many_events)
    feature("too-large", too_large)
    feature("throttled", throttled)
    feature("wrong-key", wrong_key)
    feature("unknown-hub", unknown_hub)
    endpoint = {"custom_endpoint_address": f"sb://{TLS_ENDPOINT}"}
    feature("tls", lambda: secure(**endpoint))
    feature("websocket", lambda: secure(transport_type=TransportType.AmqpOverWebsocket, **endpoint))
    feature("processor", processor)
    feature("processors-share", processors_share)
    feature("buffered-producer", buffered_producer)
    feature("body-kinds", body_kinds)
    feature("property-types", property_types)
