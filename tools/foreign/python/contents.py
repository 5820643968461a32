"""Bodies of every kind, and properties of every type that the SDK can name. Both halves of the SDK send and check the same."""

import datetime
import threading
import uuid

from azure.eventhub import EventData, EventHubConsumerClient, EventHubProducerClient
from azure.eventhub.amqp import AmqpAnnotatedMessage

from harness import CONNECTION, EMPTY_HUB
from processor import wait_until

AT = datetime.datetime(2023, 11, 14, 22, 13, 20, 123000, tzinfo=datetime.timezone.utc)
UUID = uuid.UUID("00112233445566778899aabbccddeeff")
# The SDK writes integers as 32 bits where they fit, and as 64 elsewhere.
PROPERTIES = {
    "boolean": True,
    "int": -(2**31),
    "double": 0.1,
    "uuid": UUID,
    "binary": b"\x00\xff",
    "string": "ä",
    "timestamp": AT,
}


def bodies():
    return [
        AmqpAnnotatedMessage(value_body={b"map": 1, b"list": [b"a", 2]}),
        AmqpAnnotatedMessage(value_body="text"),
        AmqpAnnotatedMessage(sequence_body=[[b"a", 2, True]]),
        AmqpAnnotatedMessage(data_body=[b"\x00", b"\xff\xfe"]),
    ]


def typed_event():
    event = EventData("typed")
    event.properties = dict(PROPERTIES)
    return event


def check_bodies(events):
    got = [(event.body_type.value, list(event.body) if event.body_type.value != "value" else event.body) for event in events]
    wanted = [
        ("value", {b"map": 1, b"list": [b"a", 2]}),
        ("value", b"text"),
        ("sequence", [[b"a", 2, True]]),
        ("data", [b"\x00", b"\xff\xfe"]),
    ]
    assert got == wanted, got


def check_properties(events):
    got = {key.decode(): value for key, value in events[0].properties.items()}
    # Strings come as bytes, and times as milliseconds.
    wanted = {**PROPERTIES, "string": "ä".encode(), "timestamp": int(AT.timestamp() * 1000)}
    assert got == wanted, got


def round_trip(events):
    """Sends the events to partition 1, one by one, and reads them from there."""
    with EventHubProducerClient.from_connection_string(CONNECTION, eventhub_name=EMPTY_HUB) as client:
        start = client.get_partition_properties("1")["last_enqueued_sequence_number"]
        for event in events:
            client.send_batch([event], partition_id="1")
    received = []
    consumer = EventHubConsumerClient.from_connection_string(CONNECTION, "$Default", eventhub_name=EMPTY_HUB)
    arguments = {"on_event": lambda _, event: received.append(event), "partition_id": "1", "starting_position": start}
    thread = threading.Thread(target=consumer.receive, kwargs=arguments, daemon=True)
    thread.start()
    wait_until(lambda: len(received) >= len(events), received)
    consumer.close()
    thread.join(10)
    return received


def body_kinds():
    check_bodies(round_trip(bodies()))


def property_types():
    check_properties(round_trip([typed_event()]))
