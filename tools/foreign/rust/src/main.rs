//! Walks the list of features (../features.ts) with the Rust SDK and prints how each went. The SDK demands TLS everywhere, so every
//! feature has it.

mod contents;
mod processor;
mod throughput;

use azure_core::time::Duration;
use azure_messaging_eventhubs::models::{AmqpTransport, EventData, ReceivedEventData};
use azure_messaging_eventhubs::{
    ConsumerClient, EventDataBatchOptions, OpenReceiverOptions, ProducerClient, RetryOptions, SendEventOptions, StartLocation,
    StartPosition,
};
use futures::StreamExt;
use std::error::Error;
use std::future::Future;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::SystemTime;

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

async fn feature(name: &str, run: impl Future<Output = Outcome>) {
    match tokio::time::timeout(std::time::Duration::from_secs(40), run).await {
        Ok(Ok(())) => println!("works {name}"),
        Ok(Err(error)) => println!("fails {name} {}", format!("{error:?}").replace('\n', " ")),
        Err(_) => println!("fails {name} no answer within 40 seconds"),
    }
}

fn expect(holds: bool, what: impl std::fmt::Debug) -> Outcome {
    if holds {
        Ok(())
    } else {
        Err(format!("got {what:?}").into())
    }
}

fn impatient() -> RetryOptions {
    RetryOptions { max_retries: 0, ..Default::default() }
}

fn endpoint() -> String {
    format!("amqps://{}", setting("EMULATOR_TLS_ENDPOINT"))
}

async fn producer(connection: &str, hub: &str, retries: RetryOptions) -> Outcome<ProducerClient> {
    Ok(ProducerClient::builder()
        .with_retry_options(retries)
        .with_custom_endpoint(endpoint())
        .open_with_connection_string(connection, Some(hub))
        .await?)
}

fn to_first() -> Option<SendEventOptions> {
    Some(SendEventOptions { partition_id: Some("0".into()) })
}

async fn consumer(group: &str, hub: &str) -> Outcome<ConsumerClient> {
    Ok(ConsumerClient::builder()
        .with_consumer_group(group.to_string())
        .with_retry_options(impatient())
        .with_custom_endpoint(endpoint())
        .open_with_connection_string(&setting("EMULATOR_TLS_CONNECTION"), Some(hub))
        .await?)
}

fn from(location: StartLocation, inclusive: bool) -> OpenReceiverOptions {
    OpenReceiverOptions {
        start_position: Some(StartPosition { location, inclusive }),
        receive_timeout: Some(Duration::seconds(10)),
        ..Default::default()
    }
}

async fn receive(group: &str, options: OpenReceiverOptions, count: usize) -> Outcome<Vec<ReceivedEventData>> {
    let consumer = consumer(group, &setting("EMULATOR_HUB")).await?;
    let receiver = consumer.open_receiver_on_partition("0".into(), Some(options)).await?;
    let mut events = Vec::new();
    {
        let mut stream = Box::pin(receiver.stream_events());
        while events.len() < count {
            events.push(stream.next().await.ok_or("the stream ended")??);
        }
    }
    receiver.close().await?;
    consumer.close().await?;
    Ok(events)
}

fn body(event: &ReceivedEventData) -> String {
    String::from_utf8_lossy(event.event_data().body().unwrap_or_default()).into_owned()
}

async fn last_sequence_numbers(client: &ProducerClient) -> Outcome<[i64; 2]> {
    Ok([
        client.get_partition_properties("0").await?.last_enqueued_sequence_number,
        client.get_partition_properties("1").await?.last_enqueued_sequence_number,
    ])
}

async fn owner_level() -> Outcome {
    let hub = setting("EMULATOR_HUB");
    let low = consumer("$Default", &hub).await?;
    let high = consumer("$Default", &hub).await?;
    let level = |owner_level| OpenReceiverOptions { owner_level: Some(owner_level), ..from(StartLocation::Earliest, true) };
    let reading = low.open_receiver_on_partition("0".into(), Some(level(1))).await?;
    let mut stream = Box::pin(reading.stream_events());
    stream.next().await.ok_or("the stream ended")??;
    let taking = high.open_receiver_on_partition("0".into(), Some(level(2))).await?;
    let mut taken = Box::pin(taking.stream_events());
    taken.next().await.ok_or("the stream ended")??;
    loop {
        match stream.next().await {
            Some(Ok(_)) => continue,
            Some(Err(error)) => {
                let text = format!("{error:?}");
                return expect(text.contains("Disconnected") || text.contains("tolen"), text);
            }
            None => return Err("the stream ended without an error".into()),
        }
    }
}

#[tokio::main]
async fn main() -> Outcome {
    if std::env::args().nth(1).as_deref() == Some("throughput") {
        return throughput::measure(setting("EMULATOR_EVENTS").parse()?).await;
    }
    let connection = setting("EMULATOR_TLS_CONNECTION");
    let hub = setting("EMULATOR_HUB");
    let client = producer(&connection, &hub, RetryOptions::default()).await?;

    feature("hub-properties", async {
        let properties = client.get_eventhub_properties().await?;
        expect(properties.name == hub && properties.partition_ids.len() == 2, properties)
    })
    .await;
    feature("send-to-partition", async {
        let event = EventData::builder()
            .with_body(b"first".to_vec())
            .with_message_id("id-1".to_string())
            .add_property("text".into(), "a")
            .add_property("long".into(), 1i64 << 40)
            .add_property("flag".into(), true)
            .add_property("double".into(), 1.5f64)
            .build();
        Ok(client.send_event(event, to_first()).await?)
    })
    .await;
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    let middle = SystemTime::now();
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    feature("send-batch", async {
        let options = EventDataBatchOptions { partition_id: Some("0".into()), ..Default::default() };
        let batch = client.create_batch(Some(options)).await?;
        for body in ["second", "third", "fourth"] {
            batch.try_add_event_data(body, None)?;
        }
        Ok(client.send_batch(batch, None).await?)
    })
    .await;
    feature("partition-key", async {
        let before = last_sequence_numbers(&client).await?;
        for _ in 0..4 {
            let options = EventDataBatchOptions { partition_key: Some("key".into()), ..Default::default() };
            let batch = client.create_batch(Some(options)).await?;
            batch.try_add_event_data("keyed", None)?;
            client.send_batch(batch, None).await?;
        }
        let after = last_sequence_numbers(&client).await?;
        let more = [after[0] - before[0], after[1] - before[1]];
        expect(more[0] + more[1] == 4 && more[0] * more[1] == 0, more)
    })
    .await;
    feature("partition-properties", async {
        let properties = client.get_partition_properties("0").await?;
        expect(properties.last_enqueued_sequence_number >= 3 && !properties.is_empty, properties)
    })
    .await;
    feature("receive", async {
        let events = receive("$Default", from(StartLocation::Earliest, true), 4).await?;
        let first = &events[0];
        expect(
            body(first) == "first"
                && first.sequence_number() == Some(0)
                && first.enqueued_time().is_some()
                && first.event_data().properties().is_some_and(|properties| properties.len() == 4)
                && body(&events[3]) == "fourth",
            first,
        )
    })
    .await;
    feature("start-at-sequence-number", async {
        let events = receive("$Default", from(StartLocation::SequenceNumber(1), false), 1).await?;
        expect(events[0].sequence_number() == Some(2), events[0].sequence_number())
    })
    .await;
    feature("start-at-offset", async {
        let events = receive("$Default", from(StartLocation::Earliest, true), 2).await?;
        let offset = events[1].offset().clone().unwrap_or_default();
        let again = receive("$Default", from(StartLocation::Offset(offset), true), 1).await?;
        expect(again[0].sequence_number() == Some(1), again[0].sequence_number())
    })
    .await;
    feature("start-at-time", async {
        let events = receive("$Default", from(StartLocation::EnqueuedTime(middle), true), 1).await?;
        expect(body(&events[0]) == "second", body(&events[0]))
    })
    .await;
    feature("consumer-group", async {
        let events = receive("other", from(StartLocation::Earliest, true), 1).await?;
        expect(body(&events[0]) == "first", body(&events[0]))
    })
    .await;
    feature("owner-level", owner_level()).await;
    feature("many-events", async {
        for _ in 0..20 {
            let options = EventDataBatchOptions { partition_id: Some("0".into()), ..Default::default() };
            let batch = client.create_batch(Some(options)).await?;
            for _ in 0..100 {
                batch.try_add_event_data("x".repeat(1000), None)?;
            }
            client.send_batch(batch, None).await?;
        }
        let options = OpenReceiverOptions { prefetch: Some(500), ..from(StartLocation::Earliest, true) };
        receive("$Default", options, 2004).await?;
        Ok(())
    })
    .await;
    feature("too-large", async {
        let refused = client.send_event("x".repeat(2 * 1024 * 1024), to_first()).await;
        let text = format!("{refused:?}");
        expect(refused.is_err() && (text.contains("size") || text.contains("Size")), text)
    })
    .await;
    feature("throttled", async {
        let mut control = TcpStream::connect(setting("EMULATOR_CONTROL"))?;
        control.write_all(b"GET /throttle HTTP/1.1\r\nHost: control\r\nConnection: close\r\n\r\n")?;
        control.read_to_end(&mut Vec::new())?;
        Ok(client.send_event("throttled", to_first()).await?)
    })
    .await;
    feature("wrong-key", async {
        let (head, tail) = connection.split_once("SharedAccessKey=").ok_or("no key")?;
        let rest = tail.split_once(';').map(|(_, rest)| rest).unwrap_or_default();
        let stranger = producer(&format!("{head}SharedAccessKey=d3Jvbmc=;{rest}"), &hub, impatient()).await;
        let text = match stranger {
            Err(error) => format!("{error:?}"),
            Ok(stranger) => format!("{:?}", stranger.send_event("x", to_first()).await.err()),
        };
        expect(text.contains("InvalidSignature"), text)
    })
    .await;
    feature("unknown-hub", async {
        let lost = producer(&connection, "nowhere", impatient()).await?;
        let text = format!("{:?}", lost.send_event("x", to_first()).await.err());
        expect(text.contains("not-found") || text.contains("NotFound"), text)
    })
    .await;
    feature("tls", async { Ok(client.send_event("secure", to_first()).await?) }).await;
    feature("websocket", async {
        let far = ProducerClient::builder()
            .with_transport(AmqpTransport::WebSocket)
            .with_custom_endpoint(format!("wss://{}", setting("EMULATOR_TLS_ENDPOINT")))
            .open_with_connection_string(&connection, Some(&hub))
            .await?;
        Ok(far.send_event("far", to_first()).await?)
    })
    .await;
    // The SDK's stream of events stays in its thread.
    let here = tokio::task::LocalSet::new();
    here.run_until(feature("processor", processor::goes_on())).await;
    here.run_until(feature("processors-share", processor::share())).await;
    feature("buffered-producer", processor::buffered()).await;
    feature("body-kinds", contents::body_kinds()).await;
    feature("property-types", contents::property_types()).await;
    Ok(())
}
