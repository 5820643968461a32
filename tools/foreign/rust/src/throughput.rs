use crate::{consumer, from, producer, setting, Outcome};
use azure_messaging_eventhubs::{EventDataBatchOptions, OpenReceiverOptions, RetryOptions, StartLocation};
use futures::StreamExt;
use std::time::Instant;

/// Sends events of 1 KB in batches of 100 to two partitions, reads them with one client, and prints both rates.
pub async fn measure(events: usize) -> Outcome {
    let hub = setting("EMULATOR_EMPTY_HUB");
    let client = producer(&setting("EMULATOR_TLS_CONNECTION"), &hub, RetryOptions::default()).await?;
    client.get_eventhub_properties().await?;
    let started = Instant::now();
    for sent in 0..events / 100 {
        let options = EventDataBatchOptions { partition_id: Some((sent % 2).to_string()), ..Default::default() };
        let batch = client.create_batch(Some(options)).await?;
        for _ in 0..100 {
            batch.try_add_event_data("x".repeat(1000), None)?;
        }
        client.send_batch(batch, None).await?;
    }
    print("in", events, started);

    let consumer = consumer("$Default", &hub).await?;
    let started = Instant::now();
    let read = |partition: &'static str| {
        let consumer = &consumer;
        async move {
            let options = OpenReceiverOptions { prefetch: Some(3000), ..from(StartLocation::Earliest, true) };
            let receiver = consumer.open_receiver_on_partition(partition.into(), Some(options)).await?;
            let mut stream = Box::pin(receiver.stream_events());
            for _ in 0..events / 2 {
                stream.next().await.ok_or("the stream ended")??;
            }
            Outcome::Ok(())
        }
    };
    let (first, second) = tokio::join!(read("0"), read("1"));
    first.and(second)?;
    print("out", events, started);
    Ok(())
}

fn print(way: &str, events: usize, started: Instant) {
    println!("rate {way} {:.0}", events as f64 / started.elapsed().as_secs_f64());
}
