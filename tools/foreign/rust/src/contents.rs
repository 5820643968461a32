//! Bodies of every kind, and properties of every type that the SDK can name.

use crate::{consumer, expect, from, producer, setting, Outcome};
use azure_core::Uuid;
use azure_core_amqp::message::{AmqpApplicationProperties, AmqpMessageBody};
use azure_core_amqp::{AmqpList, AmqpSymbol, AmqpTimestamp};
use azure_messaging_eventhubs::models::{AmqpMessage, AmqpSimpleValue, AmqpValue};
use azure_messaging_eventhubs::{RetryOptions, SendMessageOptions, StartLocation};
use futures::StreamExt;
use std::time::{Duration, UNIX_EPOCH};

/// Sends the messages to partition 1, one by one, and reads them from there.
async fn round_trip(messages: Vec<AmqpMessage>) -> Outcome<Vec<AmqpMessage>> {
    let hub = setting("EMULATOR_EMPTY_HUB");
    let client = producer(&setting("EMULATOR_TLS_CONNECTION"), &hub, RetryOptions::default()).await?;
    let start = client.get_partition_properties("1").await?.last_enqueued_sequence_number;
    let count = messages.len();
    for message in messages {
        let options = SendMessageOptions { partition_id: Some("1".into()), ..Default::default() };
        client.send_message(message, Some(options)).await?;
    }
    let consumer = consumer("$Default", &hub).await?;
    let receiver =
        consumer.open_receiver_on_partition("1".into(), Some(from(StartLocation::SequenceNumber(start), false))).await?;
    let mut received = Vec::new();
    {
        let mut stream = Box::pin(receiver.stream_events());
        while received.len() < count {
            received.push(stream.next().await.ok_or("the stream ended")??.raw_amqp_message().clone());
        }
    }
    receiver.close().await?;
    Ok(received)
}

pub async fn body_kinds() -> Outcome {
    let list = AmqpList(vec![AmqpValue::from("a"), AmqpValue::from(2i64), AmqpValue::from(true)]);
    let bodies = [
        AmqpMessageBody::Value(AmqpValue::List(list.clone())),
        AmqpMessageBody::Value(AmqpValue::from("text")),
        AmqpMessageBody::Sequence(vec![list.clone(), list]),
        AmqpMessageBody::Binary(vec![vec![0], vec![255, 254]]),
    ];
    let messages = bodies.iter().map(|body| AmqpMessage::builder().with_body(body.clone()).build()).collect();
    let got: Vec<_> = round_trip(messages).await?.iter().map(|message| message.body.clone()).collect();
    expect(got == bodies, got)
}

pub async fn property_types() -> Outcome {
    let typed = [
        ("boolean", AmqpSimpleValue::Boolean(true)),
        ("ubyte", AmqpSimpleValue::UByte(255)),
        ("ushort", AmqpSimpleValue::UShort(65_535)),
        ("uint", AmqpSimpleValue::UInt(u32::MAX)),
        ("ulong", AmqpSimpleValue::ULong(u64::MAX)),
        ("byte", AmqpSimpleValue::Byte(-128)),
        ("short", AmqpSimpleValue::Short(-32_768)),
        ("int", AmqpSimpleValue::Int(i32::MIN)),
        ("long", AmqpSimpleValue::Long(i64::MIN)),
        ("float", AmqpSimpleValue::Float(0.5)),
        ("double", AmqpSimpleValue::Double(0.1)),
        ("char", AmqpSimpleValue::Char('ä')),
        ("timestamp", AmqpSimpleValue::TimeStamp(AmqpTimestamp(Some(UNIX_EPOCH + Duration::from_millis(1_700_000_000_123))))),
        ("uuid", AmqpSimpleValue::Uuid(Uuid::from_u128(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff))),
        ("binary", AmqpSimpleValue::Binary(vec![0, 255])),
        ("string", AmqpSimpleValue::String("ä".into())),
        ("symbol", AmqpSimpleValue::Symbol(AmqpSymbol("s".into()))),
    ];
    let mut properties = AmqpApplicationProperties::new();
    for (name, value) in typed.clone() {
        properties.insert(name.into(), value);
    }
    let message = AmqpMessage::builder().with_body(b"typed".to_vec()).with_application_properties(properties).build();
    let received = round_trip(vec![message]).await?;
    let got = received[0].application_properties.clone().ok_or("no properties")?;
    for (name, value) in typed {
        let same = got.0.get(name) == Some(&value);
        expect(same, (name, got.0.get(name)))?;
    }
    Ok(())
}
